package source_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linkletter/cmd/internal/source"
)

// A merge is the work of those whose commits it brings, and silent when they all ask for that.
func TestMergesAreCredited(t *testing.T) {
	r := newRepository(t)
	r.put("README.md", "zero\n", "Begin")
	lines := 0
	branch := func(merge string, commits ...[2]string) {
		r.git("checkout", "-q", "-b", fmt.Sprintf("side%d", lines))
		for _, c := range commits {
			lines++
			r.write("README.md", strings.Repeat("line\n", lines))
			r.git("add", "-A")
			r.git("-c", "user.name="+c[0], "commit", "-q", "--author", c[0]+" <a@example.org>", "-m", c[1])
		}
		r.put("other.md", merge, "Another file, by whoever commits here")
		r.git("checkout", "-q", "main")
		r.git("merge", "-q", "--no-ff", "-m", merge, "@{-1}")
	}
	branch("Merge one", [2]string{"Carol", "Add a line"})
	branch("Merge two of one author", [2]string{"Dan", "Add"}, [2]string{"Dan", "Mend it"})
	branch("Merge what two wrote", [2]string{"Carol", "Add"}, [2]string{"Dan", "Mend it"})
	branch("Merge what is silent", [2]string{"Carol", "Add [silent]"}, [2]string{"Carol", "Mend [Silent]"})
	branch("Merge what is silent in part", [2]string{"Carol", "Add [silent]"}, [2]string{"Carol", "Add another"})
	branch("Merge [silent]", [2]string{"Carol", "Add"})
	var got []string
	for rev, err := range new(source.Source).History(context.Background(), source.Query{Repository: r.dir, Files: []string{"README.md"}}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s by %q, silent %t", rev.Message, rev.Author, rev.Silent()))
	}
	want := []string{
		`Begin by "Ada Lovelace", silent false`,
		`Merge one by "Carol", silent false`,
		`Merge two of one author by "Dan", silent false`,
		`Merge what two wrote by "", silent false`,
		`Merge what is silent by "Carol", silent true`,
		`Merge what is silent in part by "Carol", silent false`,
		`Merge [silent] by "Carol", silent true`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
