package main

import (
	"fmt"
	"maps"
	"math"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"golang.org/x/text/language"

	"linkletter/feed"
)

// idForm is what an id may look like: it stands in addresses, ids and file names for ever.
var idForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)

// reserved are the names in the public tree that no list can have.
var reserved = []string{"assets", "digests", "index.html", "atom.xml", "rss.xml", "feed.json", "feeds.opml", "robots.txt", "healthz", "readyz", "metrics"}

// languageForm is what xml:lang (XML 1.0, 2.12) and RSS take of language tags: a language, and not one for private use.
var languageForm = regexp.MustCompile(`^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$`)

// tagForm is a host name (RFC 4151 wants the owner's, in lower case).
var tagForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`)

// validator looks a configuration over and keeps the first mistake, with its place in the file.
type validator struct {
	c    *Config
	file *ast.File
	ids  map[string]bool // of lists
	err  error
}

func (c *Config) validate(file *ast.File) error {
	v := &validator{c: c, file: file}
	v.site()
	v.lists()
	v.digests()
	v.password()
	v.mail()
	v.limits()
	v.bounces()
	v.mailbox()
	v.dkim()
	v.numbers()
	v.checks()
	return v.err
}

// fail keeps a mistake at a YAML path such as "$.lists[0].check".
func (v *validator) fail(path, hint, problem string, args ...any) {
	if v.err != nil {
		return
	}
	e := at(v.c.file, nil, strings.TrimPrefix(path, "$.")+": "+fmt.Sprintf(problem, args...), hint)
	if p, err := yaml.PathString(path); err == nil {
		if n, err := p.FilterFile(v.file); err == nil && n.GetToken() != nil {
			e.Line, e.Column = n.GetToken().Position.Line, n.GetToken().Position.Column
		}
	}
	v.err = e
}

func (v *validator) site() {
	c := v.c
	c.BaseURL = strings.TrimRight(c.BaseURL, "/")
	if !isSite(c.BaseURL) {
		v.fail("$.base_url", "write it like https://links.example.org or https://example.org/links", "%q is not the address of a site", c.BaseURL)
	}
	// "Local" is whatever the machine is set to, which may change under the schedule.
	var err error
	if c.location, err = time.LoadLocation(c.Timezone); err != nil || c.Timezone == "Local" || c.Timezone == "" {
		v.fail("$.timezone", "write it like UTC or Europe/Lisbon", "there is no time zone %q", c.Timezone)
	}
	if c.Tag != "" && !tagForm.MatchString(c.Tag) {
		v.fail("$.tag", "name a host you own, in lower case: links.example.org", "%q is not a host name", c.Tag)
	}
	for _, p := range []struct{ key, value string }{{"listen", c.Listen}, {"database", c.Database}, {"public", c.Public}, {"title", c.Title}} {
		if p.value == "" {
			v.fail("$."+p.key, "", "it must not be empty")
		}
	}
	v.listens()
	if _, err := mail.ParseAddress(c.Operator); err != nil && c.Operator != "" {
		v.fail("$.operator", "write it like ada@example.org", "%q is not a mailbox", c.Operator)
	}
	v.language("$.language", c.Language)
	if c.Hub != "" && feed.CleanURL(c.Hub) != c.Hub || strings.HasPrefix(c.Hub, "mailto:") {
		v.fail("$.hub", "write it like https://hub.example.org/", "%q is not the address of a hub", c.Hub)
	}
	v.publicFolder()
	if dir, err := os.Stat(c.path(c.Templates)); c.Templates != "" && (err != nil || !dir.IsDir()) {
		v.fail("$.templates", "`linkletter init --templates FOLDER` makes one; relative paths start at this file's folder", "there is no folder %q", c.Templates)
	}
	if !c.Serve && len(c.Digests) > 0 {
		v.fail("$.serve", "set serve: true and let the web server pass /-/ on, or set digests: []", "digests need the program to answer: subscribers could not unsubscribe")
	}
	for i, p := range c.TrustedProxies {
		if _, err := parsePrefix(p); err != nil {
			v.fail(fmt.Sprintf("$.trusted_proxies[%d]", i), "write it like 127.0.0.1 or 10.0.0.0/8", "%q is no IP address or network", p)
		}
	}
}

// listens looks at the addresses that are listened on.
func (v *validator) listens() {
	c := v.c
	for _, l := range []struct{ key, addr string }{{"listen", c.Listen}, {"metrics", c.Metrics}} {
		path, unix := strings.CutPrefix(l.addr, "unix:")
		_, _, err := net.SplitHostPort(l.addr)
		if l.addr != "" && (unix && path == "" || !unix && err != nil) {
			v.fail("$."+l.key, "write it like localhost:8080 or unix:/run/linkletter/linkletter.sock", "%q is nothing to listen on", l.addr)
		}
	}
	if c.Metrics == c.Listen && c.Serve {
		v.fail("$.metrics", "name a port of its own, such as localhost:9090", "%s is where the site is served", c.Metrics)
	}
}

// language looks at a language tag (BCP 47).
func (v *validator) language(path, tag string) {
	if tag == "" {
		return
	}
	// Feeds take neither all that the library reads, such as en_US, nor a language that says nothing.
	if parsed, err := language.Parse(tag); err != nil || !languageForm.MatchString(tag) || parsed == language.Und {
		v.fail(path, "write it like en, de or pt-BR (BCP 47)", "%q is not a language", tag)
	}
}

// publicFolder keeps what is nobody's business out of the folder that everybody may read.
func (v *validator) publicFolder() {
	c := v.c
	public := realPath(c.path(c.Public))
	config, err := filepath.Abs(c.file)
	if err != nil {
		config = c.file
	}
	type private struct{ name, path string }
	all := []private{
		{"the database", c.path(c.Database)}, {"the outbox", c.path(c.Mail.Outbox)}, {"the configuration", config},
		{"the password", c.path(c.Mail.PasswordFile)}, {"the mailbox's password", c.path(c.Mailbox.PasswordFile)},
		{"the mailbox", c.path(c.Mailbox.Maildir)}, {"the mailbox of kept messages", c.path(c.Mailbox.Kept)}, {"the copies of repositories", c.repositories()},
	}
	for _, k := range c.Mail.DKIM {
		all = append(all, private{"a DKIM key", c.path(k.KeyFile)})
	}
	for _, l := range c.Lists {
		if l.Source.HeaderFile != "" {
			all = append(all, private{"a header file", c.path(l.Source.HeaderFile)})
		}
	}
	for _, private := range all {
		rel, err := filepath.Rel(public, realPath(private.path))
		if err == nil && private.path != "" && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
			v.fail("$.public", "name a folder of its own, such as data/public", "everybody may read %s, and %s is in it", c.Public, private.name)
		}
	}
}

// realPath is where a path leads, through all links, as far as it exists.
func realPath(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	if parent := filepath.Dir(path); parent != path {
		return filepath.Join(realPath(parent), filepath.Base(path))
	}
	return filepath.Clean(path)
}

// parsePrefix reads an address or a network.
func parsePrefix(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	return netip.ParsePrefix(s)
}

// isReserved says that the site itself has a file or a folder of that name, or one that is compressed.
func isReserved(id string) bool {
	for _, ext := range []string{".gz", ".br", ".zst"} {
		id = strings.TrimSuffix(id, ext)
	}
	return slices.Contains(reserved, id)
}

func (v *validator) id(path, id string, seen map[string]bool) {
	switch {
	case !idForm.MatchString(id):
		v.fail(path, "use lower-case letters, digits and hyphens: it stands in addresses for ever", "%q cannot be an id", id)
	case isReserved(id):
		v.fail(path, "choose another", "%q is a name the site itself uses", id)
	case seen[id]:
		v.fail(path, "every id is used once", "%q is used twice", id)
	}
	seen[id] = true
}

func (v *validator) lists() {
	if len(v.c.Lists) == 0 {
		v.fail("$.lists", "name at least one: - {id: resources, source: RESOURCES.md}", "there is no list to watch")
	}
	v.ids = map[string]bool{}
	defer v.formerIDs()
	for i, l := range v.c.Lists {
		at := fmt.Sprintf("$.lists[%d].", i)
		v.id(at+"id", l.ID, v.ids)
		v.source(at+"source", l.Source)
		if l.Page != "" {
			if u, err := url.Parse(l.Page); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
				v.fail(at+"page", "write the https:// address where people read the list", "%q is not a web address", l.Page)
			}
		}
		v.language(at+"language", l.Language)
		v.schedule(at+"check", l.Check)
		if *l.Baseline < 0 {
			v.fail(at+"baseline", "", "%d is less than 0", *l.Baseline)
		}
	}
}

// formerIDs looks at the ids that lists had before, once all ids are known.
func (v *validator) formerIDs() {
	seen := maps.Clone(v.ids)
	for i, l := range v.c.Lists {
		for j, id := range l.Formerly {
			v.id(fmt.Sprintf("$.lists[%d].formerly[%d]", i, j), id, seen)
		}
	}
}

func (v *validator) schedule(path, spec string) {
	if _, err := parseSchedule(spec, v.c.location); err != nil {
		v.fail(path, `write it like "@every 15m", "@daily" or "0 9 * * MON" (minute hour day month weekday)`, "%v", err)
	}
}

func (v *validator) digests() {
	seen := map[string]bool{}
	for i, d := range v.c.Digests {
		at := fmt.Sprintf("$.digests[%d].", i)
		v.id(at+"id", d.ID, seen)
		v.schedule(at+"schedule", d.Schedule)
		if _, err := mail.ParseAddress(d.From); err != nil {
			v.fail(at+"from", `write it like "Linkletter <digest@example.org>"`, "%q is not a mailbox", d.From)
		}
		for j, id := range d.Lists {
			if !v.ids[id] {
				v.fail(fmt.Sprintf("%slists[%d]", at, j), "name ids of lists above", "there is no list %q", id)
			}
		}
		if d.Approve && v.c.Operator == "" {
			v.fail(at+"approve", "set operator to the mailbox that drafts go to", "nobody would see its drafts")
		}
		if d.MinEntries < 1 {
			v.fail(at+"min_entries", "", "%d is less than 1", d.MinEntries)
		}
	}
}

// maxAtOnce is the most lists that can be checked at the same time: each may hold a file, a connection and a list in memory.
const maxAtOnce = 256

// maxPerHost is more than any server of lists should be asked.
const maxPerHost = 1000

func (v *validator) checks() {
	c := v.c.Checks
	if c.AtOnce < 1 || c.AtOnce > maxAtOnce {
		v.fail("$.checks.at_once", fmt.Sprintf("1 to %d", maxAtOnce), "%d lists cannot be checked at once", c.AtOnce)
	}
	if !(c.PerHost > 0 && c.PerHost <= maxPerHost) {
		v.fail("$.checks.per_host", fmt.Sprintf("more than 0, to %d; 0.5 is one request in two seconds", maxPerHost), "%v requests a second cannot be made", c.PerHost)
	}
	for _, n := range []struct {
		key              string
		value, min, most time.Duration
	}{{"timeout", c.Timeout, time.Second, 24 * time.Hour}, {"jitter", c.Jitter, 0, time.Hour}, {"report_after", c.ReportAfter, 0, math.MaxInt64}} {
		switch {
		case n.value < n.min:
			v.fail("$.checks."+n.key, "write it like 15m or 2h", "%v is too short", n.value)
		case n.value > n.most:
			v.fail("$.checks."+n.key, fmt.Sprintf("%v at most", n.most), "%v is too long", n.value)
		}
	}
}

func (v *validator) numbers() {
	c := v.c
	for _, n := range []struct {
		path  string
		value int
	}{
		{"$.window", c.Window}, {"$.max_list_mib", int(c.MaxListMiB)}, {"$.guard.max_new", c.Guard.MaxNew},
		{"$.guard.min_lost", c.Guard.MinLost}, {"$.signup.per_address", c.SignUp.PerAddress},
		{"$.signup.per_client", c.SignUp.PerClient}, {"$.signup.total", c.SignUp.Total},
	} {
		if n.value < 1 {
			v.fail(n.path, "", "%d is less than 1", n.value)
		}
	}
	for _, n := range []struct {
		path  string
		value float64
	}{{"$.guard.max_new_share", c.Guard.MaxNewShare}, {"$.guard.max_lost_share", c.Guard.MaxLostShare}} {
		if !(n.value > 0 && n.value <= 1) {
			v.fail(n.path, "0.1 is a tenth", "%v is not a share between 0 and 1", n.value)
		}
	}
}
