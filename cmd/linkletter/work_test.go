package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A header file that cannot be read any more is a failed check of its list, which is recorded.
func TestAHeaderFileThatVanishesIsAFailedCheck(t *testing.T) {
	t.Parallel()
	s := newStation(t, "lists: [{id: plain, source: list.md}]")
	s.write("header", "Authorization: Bearer x\n")
	s.write("config.yaml", "serve: false\ntag: example.org\nlists: [{id: private, source: {url: 'http://127.0.0.1:1/', header_file: header}}]\n")
	s.restart()
	if err := os.Remove(filepath.Join(s.dir, "header")); err != nil {
		t.Fatal(err)
	}
	_, err := s.checkList(t.Context(), "private")
	if err == nil || !strings.Contains(err.Error(), "list private: its source: header file header: ") {
		t.Errorf("the check ends with %v", err)
	}
	l, err := s.store.List(t.Context(), "private")
	if err != nil || l.Failures != 1 || !strings.Contains(l.Error, "header file header: ") {
		t.Errorf("the list is %+v, %v", l, err)
	}
	s.wait(maxBackoff)
	if s.checkScheduled(t.Context(), "private") {
		t.Error("the check by the schedule succeeded")
	}
	if l, err = s.store.List(t.Context(), "private"); err != nil || l.Failures != 2 || l.Retry.IsZero() {
		t.Errorf("the list backs off until %v after %d failures, %v", l.Retry, l.Failures, err)
	}
}
