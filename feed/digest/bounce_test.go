package digest

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var bounceKeys = BounceKeys{Generation: 7, Key: []byte("a key of thirty-two bytes, about"), Previous: []byte("the key that was there before it")}

// A2: a mark comes back as it went, in any case, and fits into a local part of 64 octets.
func TestA2BounceMark(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		issue, subscriber := rapid.Int64Range(0, 1<<28-1).Draw(t, "issue"), rapid.Int64Range(1, 1<<42-1).Draw(t, "subscriber")
		mark := bounceKeys.Mark(issue, subscriber)
		if len(mark) > MaxBounceMark || strings.Trim(mark, "abcdefghijklmnopqrstuvwxyz234567") != "" {
			t.Fatalf("mark %s of %d characters", mark, len(mark))
		}
		for _, way := range []string{mark, strings.ToUpper(mark), strings.ToUpper(mark[:5]) + mark[5:]} {
			if i, s, ok := bounceKeys.ParseMark(way); !ok || i != issue || s != subscriber {
				t.Fatalf("%s is (%d, %d, %v), want (%d, %d)", way, i, s, ok, issue, subscriber)
			}
		}
		at := rapid.IntRange(0, len(mark)-1).Draw(t, "at")
		to := rapid.SampledFrom([]byte("abcdefghijklmnopqrstuvwxyz234567")).Draw(t, "to")
		if forged := mark[:at] + string(to) + mark[at+1:]; forged != mark {
			if i, s, ok := bounceKeys.ParseMark(forged); ok {
				t.Fatalf("%s, forged from %s, is taken for (%d, %d)", forged, mark, i, s)
			}
		}
	})
	for _, mark := range []string{"", "a", "+", strings.Repeat("a", 24), strings.Repeat("a", 1000), bounceKeys.Mark(1, 2) + "\n", bounceKeys.Mark(1, 2) + "=", "ä"} {
		if _, _, ok := bounceKeys.ParseMark(mark); ok {
			t.Errorf("%q is taken for a mark", mark)
		}
	}
}

// A2: the generation before is still understood, and no other; a key that is not there makes nothing good.
func TestA2BounceGenerations(t *testing.T) {
	mark := bounceKeys.Mark(3, 4)
	next := BounceKeys{Generation: 8, Key: []byte("another key of thirty-two bytes!"), Previous: bounceKeys.Key}
	after := BounceKeys{Generation: 9, Key: []byte("yet another key of thirty-two by"), Previous: next.Key}
	alone := BounceKeys{Generation: 8, Key: next.Key}
	for name, test := range map[string]struct {
		keys BounceKeys
		want bool
	}{"its own": {bounceKeys, true}, "the next": {next, true}, "the one after": {after, false}, "one without a previous": {alone, false}} {
		if _, _, ok := test.keys.ParseMark(mark); ok != test.want {
			t.Errorf("with the keys of %s generation, the mark is good: %v, want %v", name, ok, test.want)
		}
	}
	last := BounceKeys{Generation: 255, Key: bounceKeys.Key}
	if _, _, ok := (BounceKeys{Generation: 0, Key: next.Key, Previous: last.Key}).ParseMark(last.Mark(3, 4)); !ok {
		t.Error("after 256 generations, the one before is not understood")
	}
}

func TestA2BounceAddress(t *testing.T) {
	a := BounceAddress{Local: "bounces", Domain: "links.example.org"}
	for address, want := range map[string]string{
		a.For("abc"): "abc", "BOUNCES+ABC@Links.Example.ORG": "ABC", "bounces+a+b@links.example.org": "a+b",
		"bounces@links.example.org": "", "bounces+abc@example.org": "", "other+abc@links.example.org": "", "bounces+abc": "", "": "",
	} {
		if mark, ok := a.Mark(address); mark != want || ok != (want != "") {
			t.Errorf("%s has the mark %q (%v), want %q", address, mark, ok, want)
		}
	}
}
