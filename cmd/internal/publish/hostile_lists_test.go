package publish

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
)

// What a script of a hostile list does when it runs: it leaves a mark in the page, speaks up, and asks for a canary, which is no
// file of the site.
const (
	script = "globalThis.hostile=1;alert(1)"
	canary = "https://canary.example/x"
)

// payloads are what somebody may put wherever text stands, to have it run, load, or fall out of the place that it is put in. They
// have no line ends: a list could not hold them everywhere.
var payloads = strings.Split(strings.TrimSpace(strings.NewReplacer("RUN", script, "CANARY", canary).Replace(`
<script>RUN</script>
<ScRiPt >RUN</sCrIpT >
<script src=CANARY></script>
<script/x>RUN</script>
<<script>RUN//<</script>
<img src=x onerror="RUN">
<img src=x:x onerror=RUN//
<img/src=x/onerror=RUN>
<img src="CANARY" srcset="CANARY 2x">
<svg onload=RUN>
<svg><script>RUN</script></svg>
<svg><a xlink:href="javascript:RUN"><text x=20 y=20>x</text></a></svg>
<svg><animate onbegin=RUN attributeName=x dur=1s>
<svg><set attributeName=onmouseover to=RUN>
<svg><style><img src=x onerror=RUN></style></svg>
<svg></p><style><a id="</style><img src=1 onerror=RUN>">
<math href="javascript:RUN">x</math>
<math><mtext><table><mglyph><style><img src=x onerror=RUN></style></mglyph></table></mtext></math>
<math><annotation-xml encoding="text/html"><img src=x onerror=RUN></annotation-xml></math>
<iframe src="javascript:RUN"></iframe>
<iframe srcdoc="<script>RUN</script>"></iframe>
<iframe src="CANARY"></iframe>
<object data="CANARY"></object>
<object data="data:text/html,<script>RUN</script>"></object>
<embed src="CANARY">
<applet code=x></applet>
<base href="CANARY">
<meta http-equiv="refresh" content="0;url=CANARY">
<meta http-equiv="refresh" content="0;url=javascript:RUN">
<meta charset="utf-7">
<link rel=stylesheet href="CANARY">
<link rel=prefetch href="CANARY">
<style>@import "CANARY";*{background:url(CANARY)}</style>
<p style="background:url(CANARY);position:fixed;inset:0">x</p>
<form action="CANARY"><input name=x><button formaction="javascript:RUN">x</button></form>
<input autofocus onfocus=RUN>
<select autofocus onfocus=RUN>
<textarea autofocus onfocus=RUN>
<details open ontoggle=RUN>
<video src=x onerror=RUN><source src=CANARY></video>
<audio src=CANARY onerror=RUN autoplay></audio>
<body onload=RUN background=CANARY>
<table background=CANARY><tr><td background=CANARY>x</td></tr></table>
<marquee onstart=RUN>x</marquee>
<a href="javascript:RUN" ping="CANARY">x</a>
<a href="https://h.example/" onclick="RUN" onmouseover="RUN" style="font-size:99em">x</a>
<a href="https://h.example/"onclick="RUN">x</a>
<a href='https://h.example/' title='"><img src=x onerror=RUN>'>x</a>
<a href="https://h.example/?"><img src=x onerror=RUN>">x</a>
<noscript><p title="</noscript><img src=x onerror=RUN>">
<template><script>RUN</script></template>
<template shadowrootmode=open><img src=x onerror=RUN></template>
<textarea></textarea><img src=x onerror=RUN></textarea>
<title></title><img src=x onerror=RUN>
<xmp><p title="</xmp><img src=x onerror=RUN>">
<plaintext>
<noembed><img title="</noembed><img src=x onerror=RUN>"></noembed>
<select><option><style></option></select><img src=x onerror=RUN></style>
<form><math><mtext></form><form><mglyph><style></math><img src onerror=RUN>
<!--><img src=x onerror=RUN>-->
<!-- --!><img src=x onerror=RUN>
<![CDATA[<img src=x onerror=RUN>]]>
<![CDATA[x]]>]]>]]]]><![CDATA[>
]]><script xmlns="http://www.w3.org/1999/xhtml">RUN</script>
</title></content></entry></feed><x:script xmlns:x="http://www.w3.org/1999/xhtml">RUN</x:script>
<?xml-stylesheet type="text/xsl" href="CANARY"?>
<?php echo 1 ?><% x %>
<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>&a;
&lt;script&gt;RUN&lt;/script&gt;
&#60;img src=x onerror=RUN&#62;
&#x3c;script&#x3e;RUN&#x3c;/script&#x3e;
&amp;lt;script&amp;gt;RUN&amp;lt;/script&amp;gt;
&lt &gt &amp &quot &copy &nbsp &#1; &#x80; &#xd800; &#xfffe; &#x110000; &unknown;
+ADw-script+AD4-RUN+ADw-/script+AD4-
＜script＞RUN＜/script＞
"><img src=x onerror=RUN>
'><img src=x onerror=RUN>
"-RUN-"
</script><script>RUN</script>
</style><img src=x onerror=RUN>
</p></div></body></html><script>RUN</script>
javascript:RUN
{{.}} {{template "x"}} {{define "title"}}x{{end}} ${7*7} <%= 7*7 %> #{7*7} {{constructor.constructor('RUN')()}}
%s %d %!(EXTRA) %x%x \x3cscript\x3e \u003cscript\u003e \
AT&T, R&D, S&P500, Q&1A, x < y && y > z, a<b>c, 1 <2> 3, <3, <->, <9@h.example>
<ada@h.example> and <http://h.example/?a=1&b=2>
`)), "\n")

// put are the places of a list where text stands, for a payload and the number of the entry that it is in.
var put = []func(p string, n int) string{
	func(p string, n int) string { return fmt.Sprintf("- [%s](https://h.example/%d) - What it is.\n", p, n) },
	func(p string, n int) string {
		return fmt.Sprintf("- [Title %d](https://h.example/%d) - %s\n", n, n, p)
	},
	func(p string, n int) string {
		return fmt.Sprintf("- %s [Title %d](https://h.example/%d) by %s - x\n", p, n, n, p)
	},
	func(p string, n int) string {
		return fmt.Sprintf("- [`%s`](https://h.example/%d) - `%s` and **%s** _%s_\n", p, n, p, p, p)
	},
	func(p string, n int) string {
		return fmt.Sprintf("- [Title %d](https://h.example/%d '%s') - x [%s](https://h.example/more/%d)\n", n, n, p, p, n)
	},
	func(p string, n int) string {
		return fmt.Sprintf("- ![%s](https://h.example/i.png) [Title %d](https://h.example/%d) - ![%s](%s)\n", p, n, n, p, canary)
	},
	func(p string, n int) string {
		return fmt.Sprintf("- [Title %d][r%d] - x\n\n[r%d]: https://h.example/%d \"%s\"\n\n", n, n, n, n, p)
	},
	func(p string, n int) string {
		return fmt.Sprintf("- [Title %d](https://h.example/%d)\n\n  > %s\n\n", n, n, p)
	},
	func(p string, n int) string {
		return fmt.Sprintf("| Name | What |\n|---|---|\n| [Title %d %s](https://h.example/%d) | %s |\n\n", n, p, n, p)
	},
	func(p string, n int) string {
		return fmt.Sprintf("<p>%s<a href=\"https://h.example/%d\">Title %d</a> - %s</p>\n\n", p, n, n, p)
	},
	func(p string, n int) string {
		return fmt.Sprintf("<ul><li><a title=\"%s\" href=\"https://h.example/%d\" %s>Title %d</a> - x</li></ul>\n\n", p, n, p, n)
	},
	func(p string, n int) string {
		return fmt.Sprintf("<details><summary>%s</summary>\n\n- [Title %d](https://h.example/%d) - x\n\n</details>\n\n", p, n, n)
	},
	func(p string, n int) string {
		return fmt.Sprintf("- [Title %d](https://h.example/%d?q=%s) - x\n- [Title %d](<https://h.example/a/%d#%s>) - x\n", n, n, p, n, n, p)
	},
}

// markup has every payload in every place, and as the heading of a section.
func markup() string {
	var b strings.Builder
	b.WriteString("---\ntitle: \"" + payloads[0] + "\"\n---\n\n# " + payloads[5] + "\n\n")
	for i, p := range payloads {
		if i%10 == 0 {
			fmt.Fprintf(&b, "\n## Payloads %d\n\n", i)
		}
		for j, place := range put {
			b.WriteString(place(p, i*len(put)+j))
		}
	}
	return b.String()
}

// headed has every payload, and every name that is taken for a path or a device, as a heading; and headings of all depths.
func headed() string {
	names := append(slices.Clone(payloads), "../../etc", "..", ".", "/", "\\\\host\\share", "C:\\x", "CON", "nul", "com1.txt", "index.html", "atom.xml", "sections", "archive",
		"-", "---", "…", "😀", "a\u0308o\u0308 nfd", "äö nfd", "\u1112\u1161\u11ab\u1100\u116e\u11a8 jamo", "\uf900\u212b\u212a", "İı ſß ŉ", "日本語の見出し", "مرحبا \u202eevil\u202c", "x\u200b\u200d\u2060",
		strings.Repeat("long heading ", 30), strings.Repeat("é", 300), "%2e%2e%2f", "a?b#c", "CON", "con", "con.")
	var b strings.Builder
	b.WriteString("# Headings\n\n")
	for i, name := range names {
		fmt.Fprintf(&b, "\n## %s\n\n- [Entry %d](https://h.example/%d) - Below it.\n", name, i, i)
	}
	for i := range 6 {
		fmt.Fprintf(&b, "\n%s %s\n\n- [Deep %d](https://h.example/deep/%d) - In all.\n- [Shared](https://h.example/shared)\n", strings.Repeat("#", i+1), names[i], i, i)
	}
	return b.String()
}

// characters has every control, every noncharacter, and characters that join, turn around or take no place, in every place.
func characters() string {
	all := "\ufeff\u00ad\u034f\u061c\u115f\u180e\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2060\u2061\u2066\u2067\u2068\u2069\u206a\u3164\ufff9\ufffb\ufffc\ufffd\U0001f468\U000e0001\U000e0041\ue000\U0010fffd"
	for c := rune(0); c < 0xa1; c++ {
		if c != '\n' && (c < ' ' || c >= 0x7f) {
			all += string(c)
		}
	}
	for c := rune(0xfdd0); c <= 0xfdef; c++ {
		all += string(c)
	}
	for plane := rune(0); plane <= 16; plane++ {
		all += string(plane<<16|0xfffe) + string(plane<<16|0xffff)
	}
	var b strings.Builder
	b.WriteString("# Characters \u202e\u0001\n\n")
	n := 0
	for i, c := range []rune(all) {
		if i%10 == 0 {
			group := []rune(all)[i:min(i+10, len([]rune(all)))]
			fmt.Fprintf(&b, "\n## Of %s and so on, %U\n\n", string(group), group)
		}
		for _, p := range []string{"a" + string(c) + "b", string(c), fmt.Sprintf("a&#%d;b&#x%x;", c, c)} {
			for j := 0; j < len(put); j += 3 {
				b.WriteString(put[(j+n)%len(put)](p, n))
				n++
			}
		}
		fmt.Fprintf(&b, "- [%s](https://h.example/%s/%d) - %s\n", strings.Repeat(string(c), 3), string(c), n, strings.Repeat(string(c), 3))
	}
	fmt.Fprintf(&b, "\n## Stacks\n\n- [e%s](https://h.example/stack) - %s\n", strings.Repeat("\u0301", 2000), strings.Repeat("Z\u0300\u0301\u0302\u0303", 900))
	b.WriteString("- [CafÃ© Â» 2](https://h.example/twice) - DonÃ¢Â€Â™t, naÃ¯ve, Â©.\n- [ﷺﷺﷺ عربي עברית](https://h.example/rtl) - نص من اليمين.\n")
	return b.String()
}

// brokenBytes has bytes that are no UTF-8, in every place.
func brokenBytes() string {
	var b strings.Builder
	b.WriteString("# Bytes \xff\n\n")
	for i, bytes := range []string{"\xff\xfe", "\x80", "\xc0\xaf", "\xc0\xbcscript\xc0\xbe", "\xe0\x80\xbc", "\xf0\x80\x80\xbc", "\xed\xa0\x80\xed\xb0\x80", "\xed\xbf\xbf",
		"\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xe2\x82", "caf\xe9", "\x93quoted\x94", "\x1b$B$3$s\x1b(B"} {
		fmt.Fprintf(&b, "\n## Bytes %s\n\n", bytes)
		for j, place := range put {
			b.WriteString(place("a"+bytes+"b", i*len(put)+j))
		}
	}
	return b.String()
}

// wide is a list in UTF-16, as an editor may save it.
func wide() string {
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune("\ufeff# Wide\n\n- [Title](https://h.example/wide) - <script>" + script + "</script>\n")) {
		b.Write([]byte{byte(unit), byte(unit >> 8)})
	}
	return b.String()
}

// addresses has every scheme that a browser may run or that names a file, in every spelling, and what else is no good address.
func addresses() string {
	var all []string
	for _, scheme := range []string{"javascript:" + script, "vbscript:msgbox(1)", "data:text/html,<script>" + script + "</script>", "data:image/svg+xml,<svg onload=" + script + "/>",
		"file:///etc/passwd", "blob:https://h.example/x", "about:blank", "view-source:https://h.example/", "filesystem:https://h.example/x", "ws://h.example/", "ftp://h.example/", "jar:https://h.example!/x", "intent://x#Intent;end"} {
		head, tail, _ := strings.Cut(scheme, ":")
		half := len(head) / 2
		mixed := strings.ToUpper(head[:1]) + head[1:half] + strings.ToUpper(head[half:])
		all = append(all, scheme, mixed+":"+tail, strings.ToUpper(head)+":"+tail, " "+scheme, "\t"+scheme, "\x01"+scheme, "\x1f"+scheme, "\u00a0"+scheme, "\u200b"+scheme,
			head[:half]+"\t"+head[half:]+":"+tail, head[:half]+"&#10;"+head[half:]+":"+tail, head+"&colon;"+tail, head+"&#58;"+tail, head+"&#x3A"+tail, "&#1;"+scheme,
			"&#x6A;"+scheme[1:], head+"%3A"+tail, head+"\uff1a"+tail, strings.ReplaceAll(head, "s", "\u017f")+":"+tail, "//"+scheme, "/"+scheme, "./"+scheme, "https:"+scheme, "url:"+scheme)
	}
	all = append(all, "//evil.example/", "/\\evil.example", "\\\\evil.example", "///evil.example", "https:evil.example", "https:/evil.example", "https:\\\\evil.example", "relative", "../up", "?q", "#top", "",
		"https://user:pass@h.example/", "https://h.example@evil.example/", "https://evil.example\\@h.example/", "https://аpple.example/", "https://xn--80ak6aa92e.example/", "https://faß.example/", "https://\u202egro.elpmaxe/",
		"https://h.example:99999/", "https://h.example:-1/", "https://h.example:/", "https://h.example:80:80/", "http://[::1]/", "http://[::1]:80/x", "http://[::ffff:1.2.3.4]/", "http://[fe80::1%25eth0]/", "http://me@[::1]/", "http://[v1.x]/", "http://[/", "http://127.1/", "http://0x7f000001/", "http://2130706433/",
		"http://", "http://.", "http://..", "http://#", "http://?", "http:///x", "http://-h.example/", "http://h_x.example/", "http://h.example./", "http://h..example/", "http://%68.example/", "http://h.example%00/", "http://h.example%2f@evil.example/",
		"https://h.example/%", "https://h.example/%zz", "https://h.example/%c0%af", "https://h.example/a b", "https://h.example/\"onclick=x", "https://h.example/'>", "https://h.example/<script>", "https://h.example/?a=1&b=2&copy=3&lt;4", "https://h.example/#a#b", "https://h.example/[x]{y}|^`",
		"https://h.example/\u202egpj.exe", "https://h.example/日本語?ключ=значение#ä", "https://h.example/..%2f..%2f", "https://h.example/../../x", "mailto:", "mailto:a@h.example?bcc=b@h.example&body=x y", "mailto:%0abcc:x@h.example", "tel:+1", "HTTPS://H.EXAMPLE/Path", "https://"+strings.Repeat("a", 300)+".example/",
		"https://h.example/"+strings.Repeat("x", 10_000), "https://h.example/"+strings.Repeat("%41", 2000), "https://h.example/?"+strings.Repeat("ä", 3000))
	var b strings.Builder
	b.WriteString("# Addresses\n\n")
	for i, a := range all {
		if i%40 == 0 {
			fmt.Fprintf(&b, "\n## Part %d\n\n", i/40)
		}
		fmt.Fprintf(&b, "- [Plain %d](%s) - x [more](%s), [other](https://h.example/%d)\n- [Angle %d](<%s>) - x <%s>\n", i, a, a, i, i, a, a)
		fmt.Fprintf(&b, "- [Reference %d][a%d]\n\n[a%d]: %s\n\n<p><a href=\"%s\">Attribute %d</a> - text <a href='%s'>more</a></p>\n\n", i, i, i, a, a, i, a)
		fmt.Fprintf(&b, "- [Kept %d](https://k.example/%d) - see [this](%s) and <a href=%s>that</a> ![image](%s)\n", i, i, a, a, a)
	}
	return b.String()
}

// sizes has what is long, often or shared.
func sizes() string {
	const mega = 1 << 20
	var b strings.Builder
	b.WriteString("# " + strings.Repeat("Long title ", 20_000) + "\n\n## Sizes\n\n")
	fmt.Fprintf(&b, "- [%s](https://h.example/title) - A title of a megabyte.\n", strings.Repeat("t", mega))
	fmt.Fprintf(&b, "- [%s](https://h.example/words) - A title of words.\n", strings.Repeat("日本 ", mega/7))
	fmt.Fprintf(&b, "- [Summary](https://h.example/summary) - %s\n", strings.Repeat("<b>&amp;\"long\"</b> ", mega/19))
	fmt.Fprintf(&b, "- [Address](https://h.example/%s) - An address of a megabyte.\n", strings.Repeat("a", mega))
	fmt.Fprintf(&b, "- [Quoted](https://h.example/quoted)\n\n  > %s\n\n", strings.Repeat("\"quote\" & ", mega/10))
	b.WriteString("- [Related](https://h.example/related) - x")
	for i := range 5000 {
		fmt.Fprintf(&b, " [r%d](https://h.example/related/%d/%s)", i, i, strings.Repeat("&", 50))
	}
	b.WriteString("\n")
	for i := range 60 { // a feed of them is a large one
		fmt.Fprintf(&b, "- [Full %d](https://h.example/full/%d) - %s\n", i, i, strings.Repeat(fmt.Sprintf("<b>&amp;\"%d\"</b> ", i), mega/64/16))
	}
	for i := range 100 {
		fmt.Fprintf(&b, "\n## %s %d\n\n- [Everywhere](https://h.example/everywhere) - In each section.\n- [Twice %d](https://h.example/twice)\n", strings.Repeat("日本語\"<&", 500), i, i)
	}
	b.WriteString("\n## Twice\n\n- [A](https://h.example/a) - x\n- [B](https://h.example/a/) - y\n- [A](http://www.h.example/a?utm_source=x) - z\n- [ ](https://h.example/space)\n- [\u3000\u200b](https://h.example/space2)\n- [&nbsp;](https://h.example/space3)\n- [](https://h.example/space4)\n")
	return b.String()
}
