package main

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var update = flag.Bool("update", false, "rewrite the files that tests compare with")

// The project's config.yaml is the manual of the configuration: what init writes, for the project's own list.
func TestConfigFileIsTheTemplate(t *testing.T) {
	want, err := renderConfig(defaultSample)
	if err != nil {
		t.Fatal(err)
	}
	const file = "../../config.yaml"
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("config.yaml is not what init writes (go test ./cmd/linkletter -run ConfigFile -update):\n%s", diff)
	}
}

// Every option stands in the file with its default, so loading it must change nothing but lists and digests.
func TestConfigFileHoldsTheDefaults(t *testing.T) {
	got, err := LoadConfig("../../config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := Defaults()
	ignore := cmpopts.IgnoreFields(Config{}, "Lists", "Digests", "file", "folder", "location", "TrustedProxies")
	if diff := cmp.Diff(want, got, ignore, cmpopts.IgnoreUnexported(Config{})); diff != "" {
		t.Errorf("config.yaml does not hold the defaults (-default +file):\n%s", diff)
	}
	if len(got.Lists) != 1 || *got.Lists[0].Baseline != defaultBaseline || got.Lists[0].Check != defaultCheck {
		t.Errorf("the list does not show the defaults: %+v", got.Lists)
	}
	if len(got.Digests) != 1 || got.Digests[0].Schedule != defaultSchedule || got.Digests[0].MinEntries != 1 {
		t.Errorf("the digest does not show the defaults: %+v", got.Digests)
	}
}

// testdata/config holds one mistake a file; its first line is the message that must come, after "# ".
func TestConfigMistakes(t *testing.T) {
	files, err := filepath.Glob("testdata/config/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			first, _, _ := strings.Cut(string(b), "\n")
			want := strings.TrimPrefix(first, "# ")
			_, err = LoadConfig(file)
			var mistake *ConfigError
			if !errors.As(err, &mistake) {
				t.Fatalf("want a ConfigError, got %v", err)
			}
			got := strings.TrimSpace(strings.TrimPrefix(mistake.Error(), file+":"))
			if mistake.Hint != "" {
				got += " | " + mistake.Hint
			}
			if got != want {
				t.Errorf("message\n got: %s\nwant: %s", got, want)
			}
		})
	}
}

func TestConfigEnvironment(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.yaml")
	write(t, file, "lists: [{id: a, source: a.md}]\nmail: {smtp: 'smtp://x@${MAIL_HOST}:25', password: '${MAIL_PASSWORD}'}\n")
	t.Setenv("MAIL_HOST", "mail.example.org")
	t.Setenv("MAIL_PASSWORD", "a: [b") // YAML in a value stays a value
	c, err := LoadConfig(file)
	if err != nil {
		t.Fatal(err)
	}
	if c.Mail.SMTP != "smtp://x@mail.example.org:25" || c.Mail.Password != "a: [b" {
		t.Errorf("got %q and %q", c.Mail.SMTP, c.Mail.Password)
	}
}

func TestConfigPasswordFile(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "secret"), "pass word\n")
	write(t, filepath.Join(dir, "config.yaml"), "lists: [{id: a, source: a.md}]\nmail: {password_file: secret}\n")
	c, err := LoadConfig(filepath.Join(dir, "config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Mail.Password != "pass word" {
		t.Errorf("got %q", c.Mail.Password)
	}
}

func TestNearest(t *testing.T) {
	for _, c := range []struct{ word, want string }{
		{"base-url", "base_url"}, {"shedule", "schedule"}, {"xyzzy", ""}, {"", ""},
	} {
		if got := nearest(c.word, []string{"base_url", "schedule", "listen"}); got != c.want {
			t.Errorf("nearest(%q) = %q, want %q", c.word, got, c.want)
		}
	}
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestPublicThroughALinkIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("data", filepath.Join(dir, "pub")); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	file := filepath.Join(dir, "config.yaml")
	write(t, file, "public: pub\nlists: [{id: a, source: a.md}]\n")
	if _, err := LoadConfig(file); err == nil || !strings.Contains(err.Error(), "the database is in it") {
		t.Errorf("a public folder that leads to the database: %v", err)
	}
}
