package curated

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// TestMemory holds a Memory against Diff, on every history at hand.
func TestMemory(t *testing.T) {
	for _, file := range glob(t, "testdata/diff/*.txtar") {
		checkHistory(t, filepath.Base(file), txtarVersions(t, file))
	}
}

// txtarVersions gives the versions of a list in an archive.
func txtarVersions(t *testing.T, file string) [][]byte {
	t.Helper()
	ar, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out [][]byte
	for _, f := range ar.Files {
		if f.Name != "want" {
			out = append(out, f.Data)
		}
	}
	return out
}

// What a Memory gave stays as it was when more is remembered, and the newest address is the last of its keys.
func TestMemoryRemembers(t *testing.T) {
	var memory Memory
	memory.Next(list("- [A](https://a.example)", "- [B](https://b.example)"), DefaultGuard)
	moved, _ := memory.Next(list("- [A](https://elsewhere.example)"), DefaultGuard)
	back, _ := memory.Next(list("- [B](https://b.example)", "- [A](https://a.example)"), DefaultGuard)
	if got := tell(moved); got != "removed B <https://b.example>\nchanged A <https://elsewhere.example>: url\n" {
		t.Errorf("after A moved and B left: %s", got)
	}
	if diff := cmp.Diff([]string{"a.example"}, moved.Entries[0].Known.Keys); diff != "" {
		t.Errorf("what was known of A then changed later (-want +got):\n%s", diff)
	}
	if got := tell(back); got != "changed A <https://a.example>: url\n" {
		t.Errorf("after A moved back and B returned: %s", got)
	}
	want := []string{"B [b.example]", "A [a.example elsewhere.example a.example]"}
	var got []string
	for _, k := range memory.Known() {
		got = append(got, fmt.Sprint(k.Entry.Title, " ", k.Keys))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("remembered (-want +got):\n%s", diff)
	}
}

// The first reading that has entries is never held, whatever came before it; each later one is judged by the one before.
func TestMemoryHolds(t *testing.T) {
	many := make([]string, 40)
	for i := range many {
		many[i] = fmt.Sprintf("- [Entry %d](https://%d.example)", i, i)
	}
	var first, empty Memory
	if c, holds := first.Next(list(many...), DefaultGuard); len(holds) > 0 || len(c.Added()) != len(many) {
		t.Errorf("a first reading: %d added, %v", len(c.Added()), holds)
	}
	if _, holds := first.Next(list(many[:10]...), DefaultGuard); len(holds) != 1 || holds[0].Kind != HoldRemoved {
		t.Errorf("30 of 40 left: %v", holds)
	}
	if _, holds := first.Next(list(many...), DefaultGuard); len(holds) > 0 {
		t.Errorf("what returns is no news: %v", holds)
	}
	empty.Next(list(), DefaultGuard)
	if c, holds := empty.Next(list(many...), DefaultGuard); len(holds) > 0 || len(c.Added()) != len(many) {
		t.Errorf("40 after none at all: %d added, %v", len(c.Added()), holds)
	}
	if _, holds := empty.Next(list(), DefaultGuard); len(holds) != 1 || holds[0].Kind != HoldUnreadable {
		t.Errorf("none after 40: %v", holds)
	}
}

// The address that an entry stood under first stays the first of its keys for ever, the newest is the last, and an entry
// that goes to and fro does not gather more and more of them.
func TestMemoryKeys(t *testing.T) {
	var memory Memory
	for _, step := range []struct{ host, want string }{
		{"a", "[a.example]"},
		{"b", "[a.example b.example]"},
		{"a", "[a.example b.example a.example]"},
		{"a", "[a.example b.example a.example]"},
		{"b", "[a.example b.example]"},
		{"c", "[a.example b.example c.example]"},
		{"b", "[a.example c.example b.example]"},
		{"a", "[a.example c.example b.example a.example]"},
		{"c", "[a.example b.example c.example]"},
	} {
		memory.Next(list("- [Anvil](https://"+step.host+".example)"), DefaultGuard)
		if got := fmt.Sprint(memory.Known()[0].Keys); got != step.want || len(memory.Known()) != 1 {
			t.Errorf("after it moved to %s: %d known, the keys %s, want %s", step.host, len(memory.Known()), got, step.want)
		}
	}
}

// Since is the reading that brought an entry, through a change of its address and a time away.
func TestMemorySince(t *testing.T) {
	var memory Memory
	if memory.Known() != nil {
		t.Errorf("a new Memory knows %v", memory.Known())
	}
	for _, l := range []*List{
		list(),
		list("- [Anvil](https://anvil.example)"),
		list("- [Bellows](https://bellows.example)", "- [Anvil](https://anvil.example)"),
		list("- [Bellows](https://elsewhere.example)"),
		list("- [Chisel](https://chisel.example)", "- [Anvil](https://anvil.example)"),
	} {
		memory.Next(l, DefaultGuard)
	}
	var got []string
	for _, k := range memory.Known() {
		got = append(got, fmt.Sprint(k.Entry.Title, " ", k.Since, " ", k.Gone))
	}
	if diff := cmp.Diff([]string{"Chisel 4 false", "Anvil 1 false", "Bellows 2 true"}, got); diff != "" {
		t.Errorf("known, since, gone (-want +got):\n%s", diff)
	}
}
