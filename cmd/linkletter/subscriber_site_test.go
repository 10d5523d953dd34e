package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/mail"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"linkletter/cmd/internal/mailer/smtptest"
)

// club is a site that people subscribe to: the real program serves it, and its mail goes to a real mail server.
type club struct {
	*installation
	base string // with a slash at its end
	mail *smtptest.Server
	news map[string][]string // lines of each list by section, as "list/Section"
	seen map[string]int      // how many messages to an address were looked at
}

const clubConfig = `
base_url: http://%[1]s
listen: %[1]s
title: The Shelf
imprint: "Ada Lovelace\n12 St James's Square, London"
lists:
  - {id: tools, title: Tools, source: tools.md, check: "@yearly"}
  - {id: books, title: Books, source: books.md, check: "@yearly"}
digests:
  - {id: weekly, title: The Weekly, lists: [tools, books], schedule: "0 9 1 1 *", from: "The Shelf <weekly@links.example>"}
  - {id: reading, title: Only Books, lists: [books], schedule: "0 9 1 1 *", from: "The Shelf <reading@links.example>"}
mail: {smtp: "smtp://%[2]s", bounces: bounces@links.example}
signup: {per_address: 50, per_client: 5000, total: 5000}
`

// clubSections are where news can come, in the lists' order.
var clubSections = []string{"tools/Iron", "tools/Wood", "books/Poems", "books/Travel"}

// openClub starts a club; more is added to its configuration.
func openClub(t *testing.T, more string) *club {
	t.Helper()
	c := &club{installation: &installation{T: t, dir: t.TempDir()}, mail: smtptest.New(t), news: map[string][]string{}, seen: map[string]int{}}
	listen := freeAddress(t)
	c.base = "http://" + listen + "/"
	c.write("config.yaml", fmt.Sprintf(clubConfig, listen, c.mail.Addr)+more)
	for _, s := range clubSections {
		c.news[s] = []string{"First of " + s[6:]}
	}
	c.save()
	c.run("check")
	c.serves()
	c.until("the program answers", func() bool {
		res, err := http.Get(c.base)
		if err == nil {
			res.Body.Close()
		}
		return err == nil && res.StatusCode == http.StatusOK
	})
	return c
}

// until waits for something to be so.
func (c *club) until(what string, so func() bool) {
	c.Helper()
	for end := time.Now().Add(time.Minute); !so(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			c.Fatalf("for a minute it was not so that %s", what)
		}
	}
}

// save writes the lists.
func (c *club) save() {
	c.Helper()
	lists := map[string]string{}
	for _, s := range clubSections {
		list, section, _ := strings.Cut(s, "/")
		lists[list] += "\n## " + section + "\n\n"
		for _, title := range c.news[s] {
			lists[list] += fmt.Sprintf("- [%s](https://example.org/%s) - Made with care.\n", title, strings.ToLower(strings.ReplaceAll(title, " ", "-")))
		}
	}
	for list, text := range lists {
		c.write(list+".md", "# "+strings.ToUpper(list[:1])+list[1:]+"\n"+text)
	}
}

// publish adds an entry to each of the sections and has them announced: "tools/Iron" gets one that is called "name of Iron".
func (c *club) publish(name string, sections ...string) {
	c.Helper()
	for _, s := range sections {
		c.news[s] = append(c.news[s], name+" of "+s[6:])
	}
	c.save()
	c.run("check")
}

// sentNow makes the digest's next issue and sends it.
func (c *club) sentNow(digest string) { c.Helper(); c.run("digest", "send", digest) }

// mailing is a message as a mail program reads it.
type mailing struct {
	smtptest.Message
	Header     mail.Header
	Subject    string
	Text, HTML string
}

// received waits for the next message to an address.
func (c *club) received(address string) mailing {
	c.Helper()
	var found smtptest.Message
	c.until("there is mail for "+address, func() bool {
		all := c.to(address)
		if len(all) <= c.seen[address] {
			return false
		}
		found = all[c.seen[address]]
		return true
	})
	c.seen[address]++
	l, err := readLetter(found)
	c.must(err)
	return l
}

// to is all that was sent to an address.
func (c *club) to(address string) (all []smtptest.Message) {
	for _, m := range c.mail.Journal() {
		if strings.EqualFold(m.To, address) {
			all = append(all, m)
		}
	}
	return all
}

// nothing wants no message to an address that was not looked at.
func (c *club) nothing(address string) {
	c.Helper()
	if n := len(c.to(address)) - c.seen[address]; n != 0 {
		c.Errorf("%d messages came to %s, want none", n, address)
	}
}

func readLetter(m smtptest.Message) (l mailing, err error) {
	l.Message = m
	read, err := mail.ReadMessage(bytes.NewReader(m.Data))
	if err != nil {
		return l, err
	}
	l.Header = read.Header
	if l.Subject, err = new(mime.WordDecoder).DecodeHeader(read.Header.Get("Subject")); err != nil {
		return l, err
	}
	kind, params, err := mime.ParseMediaType(read.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		return l, fmt.Errorf("a message to %s is %q (%v), want two alternatives", m.To, kind, err)
	}
	parts := multipart.NewReader(read.Body, params["boundary"])
	for {
		part, err := parts.NextPart() // decodes quoted-printable
		if err == io.EOF {
			return l, nil
		} else if err != nil {
			return l, err
		}
		var body io.Reader = part
		if part.Header.Get("Content-Transfer-Encoding") == "base64" {
			body = base64.NewDecoder(base64.StdEncoding, part)
		}
		b, err := io.ReadAll(body)
		if err != nil {
			return l, err
		}
		if strings.HasPrefix(part.Header.Get("Content-Type"), "text/html") {
			l.HTML = string(b)
		} else {
			l.Text = strings.ReplaceAll(string(b), "\r\n", "\n")
		}
	}
}

var (
	webAddress = regexp.MustCompile(`https?://[^\s<>"]+`)
	inBrackets = regexp.MustCompile(`<([^<>]+)>`)
)

// links are all addresses of the web in a message: in header, text and HTML.
func (l mailing) links() []string {
	var all []string
	for _, values := range l.Header {
		for _, v := range values {
			all = append(all, webAddress.FindAllString(v, -1)...)
		}
	}
	all = append(all, webAddress.FindAllString(l.Text, -1)...)
	all = append(all, slices.DeleteFunc(hrefs(l.HTML), func(s string) bool { return !webAddress.MatchString(s) })...)
	slices.Sort(all)
	return slices.Compact(all)
}

// link is the one address in the text that has this in it; the HTML part has it too.
func (l mailing) link(t testing.TB, with string) string {
	t.Helper()
	for _, a := range webAddress.FindAllString(l.Text, -1) {
		if strings.Contains(a, with) {
			if !slices.Contains(hrefs(l.HTML), a) {
				t.Errorf("%q: %s stands in the text and not in the HTML", l.Subject, a)
			}
			return a
		}
	}
	t.Fatalf("%q: no link with %q in:\n%s", l.Subject, with, l.Text)
	return ""
}

// unsubscribe is the address of the one click (RFC 8058), or the mailto form (RFC 2369).
func (l mailing) unsubscribe(t testing.TB, scheme string) string {
	t.Helper()
	for _, m := range inBrackets.FindAllStringSubmatch(l.Header.Get("List-Unsubscribe"), -1) {
		if strings.HasPrefix(m[1], scheme) {
			return m[1]
		}
	}
	t.Fatalf("%q: no %s in List-Unsubscribe: %s", l.Subject, scheme, l.Header.Get("List-Unsubscribe"))
	return ""
}

// holds wants the entries of an issue to be exactly these, in text and HTML.
func (c *club) holds(l mailing, titles ...string) {
	c.Helper()
	for _, all := range c.news {
		for _, title := range all {
			want := slices.Contains(titles, title)
			if strings.Contains(l.Text, title+"\n") != want || strings.Contains(l.HTML, ">"+title+"<") != want {
				c.Errorf("%q to %s: %q in the text: %v, in the HTML: %v; want %v\n%s", l.Subject, l.To, title,
					strings.Contains(l.Text, title+"\n"), strings.Contains(l.HTML, ">"+title+"<"), want, l.Text)
			}
		}
	}
}

// oneClick is what a mail program's button does: a POST without a cookie, which follows nothing (RFC 8058, 3.2).
func (c *club) oneClick(link string, multi bool) {
	c.Helper()
	var body bytes.Buffer
	kind := "application/x-www-form-urlencoded"
	if multi {
		form := multipart.NewWriter(&body)
		c.must(form.WriteField("List-Unsubscribe", "One-Click"))
		c.must(form.Close())
		kind = form.FormDataContentType()
	} else {
		body.WriteString("List-Unsubscribe=One-Click")
	}
	bare := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := bare.Post(link, kind, &body)
	c.must(err)
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK || len(res.Cookies()) != 0 {
		b, _ := io.ReadAll(res.Body)
		c.Errorf("POST %s (%s): %s with %d cookies, want 200 and none\n%s", link, kind, res.Status, len(res.Cookies()), b)
	}
}

// standsAs wants a subscriber to be this to a digest.
func (c *club) standsAs(address, digest, want string) {
	c.Helper()
	got := c.column(fmt.Sprintf(`SELECT state FROM subscription JOIN subscriber ON id = subscriber WHERE key = '%s' AND digest = '%s'`, address, digest))
	if !slices.Equal(got, []string{want}) {
		c.Errorf("%s is %q to %s, want %q", address, got, digest, want)
	}
}

// leavesNoTrace wants nothing of a text in the files of the database.
func (c *club) leavesNoTrace(text string) {
	c.Helper()
	for _, name := range []string{"linkletter.db", "linkletter.db-wal"} {
		b, err := os.ReadFile(c.path("data/" + name))
		if os.IsNotExist(err) {
			continue
		}
		c.must(err)
		if n := bytes.Count(bytes.ToLower(b), []byte(strings.ToLower(text))); n > 0 {
			c.Errorf("%s holds %q %d times, want never", name, text, n)
		}
	}
}

// newestIssue is the newest message that can be left with one click, to the first of the addresses that got any.
func (c *club) newestIssue(addresses ...string) mailing {
	c.Helper()
	for _, address := range addresses {
		for _, m := range slices.Backward(c.to(address)) {
			if l, err := readLetter(m); err == nil && l.Header.Get("List-Unsubscribe-Post") != "" {
				return l
			}
		}
	}
	c.Fatalf("no issue came to %q", addresses)
	return mailing{}
}
