package templates

import (
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A token in an address must reach neither a search engine nor the sites a page links to.
func TestPagesWithTokensAreKeptPrivate(t *testing.T) {
	set := load(t)
	for _, p := range full {
		if p.name != "confirm" && p.name != "unsubscribe" {
			continue
		}
		d := p.render(t, set)
		if d.meta("robots") != "noindex" || d.meta("referrer") != "no-referrer" {
			t.Errorf("%s: robots %q, referrer %q", p.name, d.meta("robots"), d.meta("referrer"))
		}
		here := 0
		for _, form := range d.all("form") {
			if attr(form, "method") != "post" {
				t.Errorf("%s: a form that is not posted", p.name)
			}
			if attr(form, "action") == leaving.Action {
				here++
			}
		}
		if here != 1 { // whatever is posted to it counts as the page's one button
			t.Errorf("%s: %d forms are posted to %s, want 1", p.name, here, leaving.Action)
		}
	}
}

func TestSignUp(t *testing.T) {
	set := load(t)
	static := listPage
	static.Site.Forms = false
	one := digestPage
	for name, tt := range map[string]struct {
		page    page
		digests []string
	}{
		"several digests": {full[1], []string{"weekly", "monthly"}},
		"a digest's page": {page{"digest", func(t *Set, w io.Writer) error { return t.Digest(w, one) }}, []string{"weekly"}},
		"static host":     {page{"list", func(t *Set, w io.Writer) error { return t.List(w, static) }}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			d := tt.page.render(t, set)
			var got []string
			for _, in := range d.all("input") {
				if attr(in, "name") == "digest" {
					got = append(got, attr(in, "value"))
				}
			}
			if diff := cmp.Diff(tt.digests, got); diff != "" {
				t.Errorf("digests (-want +got):\n%s", diff)
			}
			if tt.digests == nil && len(d.all("form")) > 0 {
				t.Error("a form where no program answers")
			}
			for _, form := range d.all("form") {
				if attr(form, "action") != "/new/-/subscribe" {
					t.Errorf("the form goes to %q", attr(form, "action"))
				}
			}
		})
	}
}
