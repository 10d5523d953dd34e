package mailer

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func sample() Message {
	return Message{
		From:      "Weekly Links <digest@lists.example.org>",
		To:        "ada@example.org",
		Subject:   "Weekly #3: A tool and 4 more",
		Date:      time.Date(2026, 3, 2, 9, 0, 0, 0, time.FixedZone("CET", 3600)),
		MessageID: "<weekly.3.abc@lists.example.org>",
		Text:      "Grüße\nhttps://example.org/" + strings.Repeat("x", 200) + "\n.\nFrom here\n",
		HTML:      "<p>Grüße \x00</p>",
		List: &List{
			ID: "weekly", Title: "Weekly Links", Number: 3, Token: "T0ken",
			Unsubscribe: "https://links.example.org/-/unsubscribe/T0ken",
			Home:        "https://links.example.org/digests/weekly/", Archived: "https://links.example.org/digests/weekly/3/",
		},
	}
}

func compose(t *testing.T, m Message) []byte {
	t.Helper()
	msg, err := Compose(m)
	if err != nil {
		t.Fatal(err)
	}
	return msg
}

func TestF3F5L1Header(t *testing.T) {
	head, _, _ := strings.Cut(string(compose(t, sample())), "\r\n\r\n")
	want := strings.Join([]string{
		`From: Weekly Links <digest@lists.example.org>`,
		`To: ada@example.org`,
		`Subject: Weekly #3: A tool and 4 more`,
		`Date: Mon, 02 Mar 2026 08:00:00 +0000`,
		`Message-ID: <weekly.3.abc@lists.example.org>`,
		`Auto-Submitted: auto-generated`,
		`List-Id: Weekly Links <weekly.lists.example.org>`,
		`List-Unsubscribe: <https://links.example.org/-/unsubscribe/T0ken>,`,
		` <mailto:digest@lists.example.org?subject=unsubscribe%20T0ken>`,
		`List-Unsubscribe-Post: List-Unsubscribe=One-Click`,
		`List-Archive: <https://links.example.org/digests/weekly/>`,
		`List-Help: <https://links.example.org/digests/weekly/>`,
		`List-Owner: <mailto:digest@lists.example.org>`,
		`List-Post: NO`,
		`Archived-At: <https://links.example.org/digests/weekly/3/>`,
		`Precedence: list`,
		`Feedback-ID: 3:weekly:issue:linkletter`,
		`MIME-Version: 1.0`,
		`Content-Type: multipart/alternative;`,
		` boundary="=_a924761141e0a39a9dab2410b2adff57"`,
	}, "\n")
	if diff := cmp.Diff(want, strings.ReplaceAll(head, "\r\n", "\n")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// F4: a repetition has the same bytes.
func TestF4SameOnEveryTry(t *testing.T) {
	first := compose(t, sample())
	for range 20 {
		if again := compose(t, sample()); !bytes.Equal(first, again) {
			t.Fatalf("two copies differ:\n%s", cmp.Diff(string(first), string(again)))
		}
	}
}

// F1, F6: lines, 7 bits, and parts that arrive as they were.
func TestF1F6Body(t *testing.T) {
	m := sample()
	msg := compose(t, m)
	if regexp.MustCompile(`[^\r]\n|\r[^\n]|[\x80-\xff]|\x00`).Match(msg) {
		t.Errorf("a bare line end, a byte above 127 or a NUL in\n%q", msg)
	}
	for line := range bytes.SplitSeq(msg, []byte("\r\n")) {
		if len(line) > 78 {
			t.Errorf("%d characters in the line %q", len(line), line)
		}
	}
	read, err := mail.ReadMessage(bytes.NewReader(msg))
	if err != nil {
		t.Fatal(err)
	}
	kind, params, err := mime.ParseMediaType(read.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("content type %s (%v)", kind, err)
	}
	parts := multipart.NewReader(read.Body, params["boundary"])
	for _, want := range []struct{ kind, text string }{
		{"text/plain; charset=UTF-8", m.Text}, {"text/html; charset=UTF-8", m.HTML},
	} {
		p, err := parts.NextRawPart()
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Header.Get("Content-Type"); got != want.kind {
			t.Errorf("part is %s, want %s", got, want.kind)
		}
		text, err := io.ReadAll(quotedprintable.NewReader(p))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.text, strings.ReplaceAll(string(text), "\r\n", "\n")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", want.kind, diff)
		}
	}
	if _, err := parts.NextRawPart(); err != io.EOF {
		t.Errorf("after the parts: %v, want the end", err)
	}
}

// F2, F7: what a reader's program shows is what was meant.
func TestF2F7Subject(t *testing.T) {
	for _, subject := range []string{
		"plain", "Grüße aus Zürich", "=?utf-8?q?x?=", "a =?utf-8?q?x?= b", "", "日本語の長い題名" + strings.Repeat("日本", 40),
		strings.Repeat("word ", 60) + "end", strings.Repeat("x", 2000), "👩‍👩‍👧 family", `"quoted" <and> (odd)`,
	} {
		m := sample()
		m.Subject = subject
		msg := compose(t, m)
		read, err := mail.ReadMessage(bytes.NewReader(msg))
		if err != nil {
			t.Fatal(err)
		}
		got, err := new(mime.WordDecoder).DecodeHeader(read.Header.Get("Subject"))
		if err != nil || got != subject {
			t.Errorf("subject %q arrives as %q (%v)", subject, got, err)
		}
		checkHeader(t, msg)
	}
}

func TestF2F7DisplayName(t *testing.T) {
	for _, name := range []string{
		"Ada", "Ada, Countess", `Ada "the" \ Great`, "Zoë", "=?utf-8?q?x?=", "O'Brien (lists)", "ада " + strings.Repeat("лавлейс", 20), "a.b@c",
	} {
		m := sample()
		m.From = (&mail.Address{Name: name, Address: "digest@example.org"}).String()
		m.List.Title = name
		msg := compose(t, m)
		read, err := mail.ReadMessage(bytes.NewReader(msg))
		if err != nil {
			t.Fatal(err)
		}
		from, err := read.Header.AddressList("From")
		if err != nil || len(from) != 1 || from[0].Name != name || from[0].Address != "digest@example.org" {
			t.Errorf("%q arrives as %v (%v) in %q", name, from, err, read.Header.Get("From"))
		}
		checkHeader(t, msg)
	}
}

// checkHeader looks at what folding and encoding must leave behind.
func checkHeader(t *testing.T, msg []byte) {
	t.Helper()
	head, _, _ := strings.Cut(string(msg), "\r\n\r\n")
	for line := range strings.SplitSeq(head, "\r\n") {
		if len(line) > 78 {
			t.Errorf("%d characters in %q", len(line), line)
		}
		if strings.TrimSpace(line) == "" {
			t.Errorf("a line of nothing but space in %q", head)
		}
	}
	for _, word := range regexp.MustCompile(`=\?[^ ]+\?=`).FindAllString(head, -1) {
		if len(word) > 75 {
			t.Errorf("encoded word of %d characters: %s", len(word), word)
		}
	}
	if regexp.MustCompile(`<[^>]*=\?`).MatchString(head) {
		t.Errorf("an encoded word inside <> in %q", head)
	}
}

func TestF1F3Refuses(t *testing.T) {
	tests := map[string]struct {
		change func(*Message)
		want   string
	}{
		"line end in the subject":   {func(m *Message) { m.Subject = "x\r\nBcc: all@example.org" }, "subject"},
		"bare LF in the subject":    {func(m *Message) { m.Subject = "x\ny" }, "subject"},
		"broken UTF-8":              {func(m *Message) { m.Subject = "x\xff" }, "subject"},
		"line end in the recipient": {func(m *Message) { m.To = "a@example.org\r\nBcc: b@example.org" }, "recipient"},
		"no recipient":              {func(m *Message) { m.To = "" }, "recipient"},
		"two recipients":            {func(m *Message) { m.To = "a@example.org, b@example.org" }, "recipient"},
		"a domain that cannot be":   {func(m *Message) { m.To = "a@-.example" }, "recipient"},
		"a local part too long":     {func(m *Message) { m.To = strings.Repeat("a", 65) + "@example.org" }, "recipient"},
		"line end in the sender":    {func(m *Message) { m.From = "x\n <a@example.org>" }, "sender"},
		"line end in the title":     {func(m *Message) { m.List.Title = "x\ny" }, "title"},
		"line end in a link":        {func(m *Message) { m.List.Home = "https://x/\r\nBcc:a" }, "List-Archive"},
		"line end in the id":        {func(m *Message) { m.MessageID = "<x@y>\r\nBcc: a" }, "Message-ID"},
		"a link of 1000 characters": {func(m *Message) { m.List.Home = "https://x/" + strings.Repeat("x", 1000) }, "List-Archive"},
		"a digest without a name":   {func(m *Message) { m.List.ID = "…" }, "List-Id"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			m := sample()
			test.change(&m)
			msg, err := Compose(m)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error %v, want one about %q; message\n%s", err, test.want, msg)
			}
		})
	}
}

// L1, L2: what the header says about leaving.
func TestL1L2Unsubscribe(t *testing.T) {
	const mailto = "<mailto:digest@lists.example.org?subject=unsubscribe%20T0ken>"
	tests := map[string]struct {
		change      func(*Message)
		leave, post string
	}{
		"https":            {func(m *Message) {}, "<https://links.example.org/-/unsubscribe/T0ken>, " + mailto, "List-Unsubscribe=One-Click"},
		"http":             {func(m *Message) { m.List.Unsubscribe = "http://links.example.org/u" }, mailto, ""},
		"http on loopback": {func(m *Message) { m.List.Unsubscribe, m.List.Loopback = "http://localhost/u", true }, "<http://localhost/u>, " + mailto, "List-Unsubscribe=One-Click"},
		"confirmation":     {func(m *Message) { m.List = nil }, "", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			m := sample()
			test.change(&m)
			read, err := mail.ReadMessage(bytes.NewReader(compose(t, m)))
			if err != nil {
				t.Fatal(err)
			}
			if got := read.Header.Get("List-Unsubscribe"); got != test.leave {
				t.Errorf("List-Unsubscribe: %s, want %s", got, test.leave)
			}
			if got := read.Header.Get("List-Unsubscribe-Post"); got != test.post {
				t.Errorf("List-Unsubscribe-Post: %s, want %s", got, test.post)
			}
		})
	}
}

// A6: internationalised addresses.
func TestA6Addresses(t *testing.T) {
	tests := map[string]struct {
		want string
		utf8 bool
	}{
		"ada@example.org":             {"ada@example.org", false},
		"Ada <ada@EXAMPLE.org>":       {"ada@example.org", false},
		"ada@bücher.example":          {"ada@xn--bcher-kva.example", false},
		"ада@example.org":             {"ада@example.org", true},
		`"a b"@example.org`:           {`"a b"@example.org`, false},
		`"a\"b"@example.org`:          {`"a\"b"@example.org`, false},
		"a+tag/x='y'@example.org":     {"a+tag/x='y'@example.org", false},
		"digest@localhost":            {"digest@localhost", false},
		"first.last@sub.example.org":  {"first.last@sub.example.org", false},
		`"two..dots"@example.org`:     {`"two..dots"@example.org`, false},
		"postmaster@xn--bcher-kva.de": {"postmaster@xn--bcher-kva.de", false},
	}
	for in, test := range tests {
		a, err := ParseAddress(in)
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if a.String() != test.want || a.UTF8() != test.utf8 {
			t.Errorf("%s is %s (UTF8 %v), want %s (%v)", in, a, a.UTF8(), test.want, test.utf8)
		}
	}
}
