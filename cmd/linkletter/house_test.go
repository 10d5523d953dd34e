package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

// rows is where each package stands in the house. Imports go downwards only, and nothing imports its own row.
var rows = map[string]int{
	"linkletter/feed/curated":                 0,
	"linkletter/feed":                         1,
	"linkletter/feed/digest":                  1,
	"linkletter/feed/feedtest":                1, // what is wrong with a document, for tests; it knows none of ours
	"linkletter/store":                        2,
	"linkletter/templates":                    2,
	"linkletter/templates/browsertest":        2, // a browser for tests; it knows none of ours
	"linkletter/cmd/internal/source":          3,
	"linkletter/cmd/internal/publish":         3,
	"linkletter/cmd/internal/mailer":          3,
	"linkletter/cmd/internal/mailbox":         3,
	"linkletter/cmd/internal/mailer/smtptest": 3, // a server for tests; no program imports it
	"linkletter/cmd/internal/check":           4,
	"linkletter/cmd/internal/deliver":         4,
	"linkletter/cmd/internal/web":             4,
	"linkletter/cmd/linkletter":               5,
}

// owners are the packages that alone import a library, by the start of its path. Swapping one out touches one package.
var owners = map[string]string{
	"github.com/gorilla/feeds":   "linkletter/feed",
	"github.com/yuin/goldmark":   "linkletter/feed/curated",
	"github.com/go-mail/mail":    "linkletter/cmd/internal/mailer",
	"github.com/robfig/cron":     "linkletter/cmd/linkletter",
	"github.com/spf13/cobra":     "linkletter/cmd/linkletter",
	"github.com/goccy/go-yaml":   "linkletter/cmd/linkletter",
	"modernc.org/sqlite":         "linkletter/store",
	"github.com/schollz/":        "linkletter/cmd/linkletter",
	"github.com/emersion/go-msg": "linkletter/cmd/internal/mailer",
	"github.com/emersion/go-ima": "linkletter/cmd/internal/mailbox",
	"github.com/emersion/go-mes": "linkletter/cmd/internal/mailbox",
	"github.com/prometheus/":     "linkletter/cmd/internal/web",
}

// silent are the standard packages through which a package could do I/O, log or read a clock of its own.
var silent = []string{"os", "net", "net/http", "log", "log/slog", "database/sql", "io/ioutil", "os/exec"}

type goPackage struct {
	ImportPath string
	Imports    []string
}

func housePackages(t *testing.T) []goPackage {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "linkletter/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []goPackage
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func TestImportsGoDownwards(t *testing.T) {
	for _, p := range housePackages(t) {
		row, ok := rows[p.ImportPath]
		if !ok {
			t.Errorf("%s has no row: say in the table above where it stands, and why", p.ImportPath)
			continue
		}
		for _, i := range p.Imports {
			below, ours := rows[i]
			if ours && below >= row {
				t.Errorf("%s (row %d) imports %s (row %d): imports go downwards only", p.ImportPath, row, i, below)
			}
		}
	}
}

func TestLibrariesHaveOneOwner(t *testing.T) {
	for _, p := range housePackages(t) {
		for _, i := range p.Imports {
			for library, owner := range owners {
				if strings.HasPrefix(i, library) && p.ImportPath != owner {
					t.Errorf("%s imports %s, which only %s does", p.ImportPath, i, owner)
				}
			}
		}
	}
}

func TestFeedDoesNoIO(t *testing.T) {
	for _, p := range housePackages(t) {
		if !strings.HasPrefix(p.ImportPath, "linkletter/feed") {
			continue
		}
		for _, i := range p.Imports {
			for _, s := range silent {
				if i == s {
					t.Errorf("%s imports %s: what is under feed does no I/O and never logs", p.ImportPath, i)
				}
			}
		}
	}
}
