package curated

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestHistories holds a Reader against Parse, and a Memory against Diff, on the revisions of real lists, whose histories may
// stand beside the repository: on all of some, on runs of neighbours of the others, and with LINKLETTER_ALL_REVISIONS set
// on all of all.
func TestHistories(t *testing.T) {
	bundles := sharedFiles("histories/*.bundle")
	if len(bundles) == 0 {
		t.Skip("no histories stand beside the repository")
	}
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	all := os.Getenv("LINKLETTER_ALL_REVISIONS") != ""
	for _, bundle := range bundles {
		name := strings.TrimSuffix(filepath.Base(bundle), ".bundle")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			blobs := revisions(t, bundle)
			if !all && len(blobs) > 300 {
				blobs = neighbours(blobs, 5, 6)
			}
			checkHistory(t, name, blobs)
		})
	}
}

// neighbours gives some runs of versions, spread over all.
func neighbours(versions [][]byte, runs, length int) [][]byte {
	var out [][]byte
	for i := range runs {
		from := i * (len(versions) - length) / (runs - 1)
		out = append(out, versions[from:from+length]...)
	}
	return out
}

// revisions gives the versions of a list along the first parents of a history.
func revisions(t *testing.T, bundle string) [][]byte {
	t.Helper()
	repo := t.TempDir()
	git := func(stdin string, args ...string) []byte {
		cmd := exec.Command("git", append([]string{"-C", repo}, args...)...)
		cmd.Stdin = strings.NewReader(stdin)
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("git %s: %v", strings.Join(args, " "), err)
		}
		return out
	}
	bundle, err := filepath.Abs(bundle)
	if err != nil {
		t.Fatal(err)
	}
	git("", "clone", "--quiet", "--bare", bundle, ".")
	var names strings.Builder
	for _, commit := range slices.Backward(strings.Fields(string(git("", "log", "--first-parent", "--format=%H", "--", "README.md")))) {
		fmt.Fprintf(&names, "%s:README.md\n", commit)
	}
	var out [][]byte
	r := bufio.NewReader(bytes.NewReader(git(names.String(), "cat-file", "--batch")))
	for {
		head, err := r.ReadString('\n')
		if err == io.EOF {
			return out
		}
		var name, kind string
		var size int
		if n, _ := fmt.Sscan(head, &name, &kind, &size); n < 3 {
			continue // removed by that commit
		}
		blob := make([]byte, size+1)
		if _, err := io.ReadFull(r, blob); err != nil {
			t.Fatal(err)
		}
		out = append(out, blob[:size])
	}
}

// checkHistory reads versions of a list one after the other, and compares each with all before.
func checkHistory(t *testing.T, name string, versions [][]byte) {
	t.Helper()
	var reader Reader
	var memory Memory
	var known []Known
	for i, src := range versions {
		plain := Parse(src, Options{})
		list := reader.Read([]File{{Path: "README.md", Bytes: src}})
		checkReading(t, fmt.Sprintf("%s, version %d", name, i), plain, list)
		got, _ := memory.Next(list, DefaultGuard)
		plain.keys = nil // which are found anew
		want := Diff(known, plain)
		seen := len(known)
		known = advance(known, want)
		for j := range known {
			if known[j].Ref > int64(seen) {
				known[j].Since = i
			}
		}
		// To compare all of it takes longer than all the rest; what is wrong once is wrong in the end.
		whole := i%16 == 0 || i == len(versions)-1
		if diff := cmp.Diff(tell(want), tell(got)); diff != "" || whole && !reflect.DeepEqual(want, got) {
			t.Fatalf("%s, version %d: changes (-want +got):\n%s", name, i, diff)
		}
	}
	if got := memory.Known(); len(versions) > 0 && !reflect.DeepEqual(known, got) {
		t.Fatalf("%s: what is known (-want +got):\n%s", name, cmp.Diff(known, got))
	}
}
