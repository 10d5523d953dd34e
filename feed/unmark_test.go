package feed

import "testing"

func TestUnmark(t *testing.T) {
	for _, tt := range []struct{ in, name, outline, rss string }{
		{"Saws and planes", "Saws and planes", "Saws and planes", "Saws and planes"},
		{"R&D, Q & A", "R&D, Q & A", "R & D, Q & A", "R&D, Q & A"},
		{"S&P500 &lt &copy; &#38; &é &_", "S & P500 & lt & copy; & #38; &é & _", "S & P500 & lt & copy; & #38; & é & _", "S&P500 &lt &copy; &#38; &é &_"},
		{"<b>bold</b>", "‹b›bold‹/b›", "‹b›bold‹/b›", "<b>bold‹/b›"},
		{"x < y > z <3 <", "x < y > z <3 <", "x ‹ y › z ‹3 ‹", "x < y > z <3 <"},
		{"Ada <9ada@example.org>", "Ada ‹9ada@example.org›", "Ada ‹9ada@example.org›", "Ada <9ada@example.org>"},
		{"</ b> </ </", "‹/ b› ‹/ ‹/", "‹/ b› ‹/ ‹/", "</ b> </ </"},
		{"&", "&", "&", "&"},
		{"", "", "", ""},
	} {
		if got := unmarkName(tt.in); got != tt.name {
			t.Errorf("unmarkName(%q) = %q, want %q", tt.in, got, tt.name)
		}
		if got := unmarkOutline(tt.in); got != tt.outline {
			t.Errorf("unmarkOutline(%q) = %q, want %q", tt.in, got, tt.outline)
		}
		if got := unmarkEndTags(tt.in); got != tt.rss {
			t.Errorf("unmarkEndTags(%q) = %q, want %q", tt.in, got, tt.rss)
		}
	}
}
