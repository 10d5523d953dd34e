package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"linkletter/cmd/internal/mailer"
)

// keyWish is a key to be made.
type keyWish struct {
	file, kind, selector string
}

// madeKey is a new key as --json shows it.
type madeKey struct {
	File     string      `json:"file"`
	Selector string      `json:"selector"`
	Records  []keyRecord `json:"records"` // one per domain that the digests come from
}

// keyRecord is what the DNS must have.
type keyRecord struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Value string `json:"value"`
	Zone  string `json:"zone"` // the same as a line of a zone file
}

// makeKey makes a key in a new file, and says what the DNS and the configuration need.
func (p *program) makeKey(wish keyWish, asJSON bool) error {
	kind := mailer.DKIMKind(wish.kind)
	if wish.selector == "" {
		wish.selector = map[mailer.DKIMKind]string{mailer.RSA: "rsa", mailer.Ed25519: "ed"}[kind] + p.now().UTC().Format("2006")
	}
	if !selectorForm.MatchString(wish.selector) {
		return usageError{hintError{fmt.Errorf("%q cannot be a name in the DNS", wish.selector), "use letters, digits and hyphens: rsa2026"}}
	}
	file, err := mailer.NewDKIMKey(kind)
	if err != nil {
		return usageError{err}
	}
	key, err := mailer.ParseDKIMKey(file)
	if err != nil {
		return err
	}
	value, err := mailer.DKIMRecord(key)
	if err != nil {
		return err
	}
	path, err := filepath.Abs(wish.file)
	if err != nil {
		return err
	}
	if err := writeNew(path, file); err != nil {
		return err
	}
	made := madeKey{File: path, Selector: wish.selector}
	for _, domain := range p.mailDomains() {
		name := mailer.DKIMName(wish.selector, domain)
		made.Records = append(made.Records, keyRecord{name, "TXT", value, mailer.ZoneLine(name, value)})
	}
	if asJSON {
		return writeJSON(p.out, made)
	}
	return p.printKey(made, kind)
}

// writeNew writes a file that only its owner can read, and is not there yet.
func writeNew(path string, b []byte) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return hintError{fmt.Errorf("%s is there already, and a key is never overwritten", path), "name another file: the old key goes on signing until the configuration names the new one"}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return noFolder(path)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(path)) // half a key is none
	}
	return nil
}

// noFolder says that the folder of a file that is to be written is missing.
func noFolder(path string) error {
	dir := filepath.Dir(path)
	return hintError{fmt.Errorf("there is no folder %s", dir), fmt.Sprintf("make it, for the user that runs linkletter: mkdir -p %s", dir)}
}

// anyDomain stands for a domain that is not known yet.
const anyDomain = "example.org"

// mailDomains are those that the configured digests come from. The configuration may be wrong or missing still: it is about
// to get the key.
func (p *program) mailDomains() []string {
	cfg, _ := LoadConfig(p.configFile)
	d := &doctor{cfg: cfg}
	if cfg == nil {
		return []string{anyDomain}
	}
	senders, _ := d.senders()
	if domains := distinct(senders, func(s sender) []string { return []string{s.from} }); len(domains) > 0 {
		return domains
	}
	return []string{anyDomain}
}

func (p *program) printKey(made madeKey, kind mailer.DKIMKind) error {
	out := &printer{w: p.out}
	out.line("%s holds a new key (%s). Nobody else can read it.", made.File, kind)
	for _, r := range made.Records {
		out.line("\nThe DNS needs this record:\n\n  name   %s\n  type   %s\n  value  %s", r.Name, r.Type, r.Value)
		out.line("\nIn a zone file it is\n\n%s", r.Zone)
		if r.Name == mailer.DKIMName(made.Selector, anyDomain) {
			out.line("\nwith the domain of the digest's from in place of %s, which %s does not have yet.", anyDomain, p.configFile)
		}
	}
	out.line("\nWhen the DNS answers with it, the configuration gets, under mail:\n\n  dkim:\n    - {selector: %s, key_file: %s}", made.Selector, made.File)
	out.line("\n`linkletter doctor` compares the two.")
	return out.err
}

// rotateBounceKey changes the key of the marks in envelope senders.
func (p *program) rotateBounceKey(ctx context.Context) error {
	p.noTemplates = true
	a, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer a.close()
	if _, err := a.store.RotateBounceKeys(ctx); err != nil {
		return err
	}
	_, err = fmt.Fprintln(p.out, "marks in bounce addresses have a new key from the next run on; those under the key before it stay good, older ones do not")
	return err
}
