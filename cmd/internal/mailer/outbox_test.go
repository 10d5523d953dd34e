package mailer

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func outboxFiles(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestOutbox(t *testing.T) {
	o := Outbox{Dir: filepath.Join(t.TempDir(), "data", "outbox")}
	deliver := func(msg string) {
		t.Helper()
		if _, err := o.Deliver(context.Background(), "a@example.org", "b@example.org", []byte(msg), agree); err != nil {
			t.Fatal(err)
		}
	}
	const first = "Message-ID: <weekly.1.abc@example.org>\r\n\r\nfirst\r\n"
	deliver(first)
	deliver(first) // a repetition
	deliver("Message-ID:\r\n <../../etc@example.org>\r\n\r\nhostile\r\n")
	want := []string{"a528644cf435d908026fab937559ceaf.eml", "weekly.1.abc.eml"}
	if diff := cmp.Diff(want, outboxFiles(t, o.Dir)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	got, err := os.ReadFile(filepath.Join(o.Dir, "weekly.1.abc.eml"))
	if err != nil || !bytes.Equal(got, []byte(first)) {
		t.Errorf("the file holds %q (%v)", got, err)
	}
}

func TestOutboxWithoutIntent(t *testing.T) {
	o := Outbox{Dir: t.TempDir()}
	broken := errors.New("disk full")
	_, err := o.Deliver(context.Background(), "a@example.org", "b@example.org", letter, func() error { return broken })
	if !errors.Is(err, broken) {
		t.Fatalf("error %v, want %v", err, broken)
	}
	if names := outboxFiles(t, o.Dir); len(names) != 0 {
		t.Errorf("the outbox holds %v", names)
	}
	if _, err := o.Deliver(context.Background(), "a@example.org", "b@example.org", []byte("\r\nno header"), agree); err == nil {
		t.Error("a message without a Message-ID was taken")
	}
}
