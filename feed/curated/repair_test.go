package curated

import (
	"strings"
	"testing"
)

// TestMend holds single repairs; testdata/parse/broken-*.md shows what they are for.
func TestMend(t *testing.T) {
	tests := []struct{ name, src, want string }{
		{"a heading", "##Rods\n", "## Rods\n"},
		{"a closed heading", "##Rods##\n", "## Rods ##\n"},
		{"a tag in prose", "about\n#Rods\n", "about\n#Rods\n"},
		{"code", "```\n##Rods\n-[a](b)\n```\n", "```\n##Rods\n-[a](b)\n```\n"},
		{"a comment", "<!--\n##Rods\n-->\n", "<!--\n##Rods\n-->\n"},
		{"a bullet", "-[a](b)\n", "- [a](b)\n"},
		{"emphasis", "*[a](b)*\n", "*[a](b)*\n"},
		{"an anchor", "<a name=x></a>\n# T\n", "<a name=x></a>\n\n# T\n"},
		{"a bullet in a cell", "<table>\n<td>\n- [a](b)\n", "<table>\n<td>\n- [a](b)\n"},
		{"a swallowed bullet", "   - [a](b)\n    - [c](d)\n", "   - [a](b)\n   - [c](d)\n"},
		{"a child", "- [a](b)\n    - [c](d)\n", "- [a](b)\n    - [c](d)\n"},
		{"a child too far", "- [a](b)\n      - [c](d)\n        e\n", "- [a](b)\n  - [c](d)\n    e\n"},
		{"text too far", "- [a](b)\n      - c\n", "- [a](b)\n      - c\n"},
		{"a list as code", "    - [a](http://b)\n    - [c](http://d)\n", "- [a](http://b)\n- [c](http://d)\n"},
		{"code with a list", "    - [a](http://b)\n    make\n", "    - [a](http://b)\n    make\n"},
		{"a delimiter row", "a | b\n|---|\n", "a | b\n|---|---|\n"},
		{"a definition", "[a] http://b\n[c]: d\n", "[a]: http://b\n[c]: d\n"},
		{"an entry", "* [a](b) - c\n[d](e) - f\n", "* [a](b) - c\n- [d](e) - f\n"},
		{"a wrapped line", "* [a](b) - c\n[d](e) f\n", "* [a](b) - c\n[d](e) f\n"},
		{"a gap", "[a] (http://b)\n", "[a](http://b)\n"},
		{"a task's box", "- [x] (http://b)\n", "- [x] (http://b)\n"},
		{"a link called x", "- [x](http://b)\n", "- [ x](http://b)\n"},
		{"attributes", "[a](b){:target=_blank} c\n", "[a](b) c\n"},
		{"a tuple", "gives {:ok, x}\n", "gives {:ok, x}\n"},
		{"a shortcode", "a {{< b >}} [c]({{< ref d >}})\n", "a  [c]({{< ref d >}})\n"},
		{"a shortcode alone", "{{< b >}}", "\n"},
		{"an attribute in a code span", "`{: .a}`\n", "`{: .a}`\n"},
		{"a footnote", "a[^1]\n\n[^1]: b\nc\n", "a\n\n\n\n"},
		{"no footnote", "a[^1]\n", "a[^1]\n"},
		{"a wide colon", "论文：https://a\n", "论文： https://a\n"},
		{"a wide colon in an address", "，[a](b：https://c)\n", "，[a](b：https://c)\n"},
	}
	for _, tt := range tests {
		if got := string(prepare([]byte(tt.src)).out); got != tt.want {
			t.Errorf("%s: %q became %q, want %q", tt.name, tt.src, got, tt.want)
		}
	}
}

// TestMendHostile repairs documents that take minutes where a repair looks at anything more than a few times.
func TestMendHostile(t *testing.T) {
	rep := func(s string) string { return strings.Repeat(s, 100_000) }
	var deep strings.Builder
	for i := range 2000 {
		deep.WriteString(strings.Repeat(" ", 2*i) + "- [a](http://b)\n")
	}
	for _, src := range []string{
		rep("    - [a](http://b)\n") + "    c",
		"a\n" + rep("    - [a](http://b)\n") + "    c",
		deep.String() + rep("a\n"),
		rep("[a] (http"), rep("["), rep("]") + rep("] (http"), rep("{{<"), rep("{"), rep("{") + "}", rep("{:a=b}"), rep("`{"),
		rep("[^a]: b\n"), rep("[^a"), "[^a]:\n" + rep("[^a] "), "：" + rep("：http://a"), rep("a|b\n|-\n"), rep("|a") + "\n|-|\n",
		rep("<a>\n# b\n"), rep("<!-- "), rep("[a] http://b\n"), rep("* [a](b) - c\n[d](e) - f\n"), "- [a](b)\n" + rep("](("),
	} {
		if p := prepare([]byte(src)); len(p.out) > 3*len(src) {
			t.Errorf("%.20q…: %d bytes became %d", src, len(src), len(p.out))
		}
	}
}
