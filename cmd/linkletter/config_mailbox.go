package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"linkletter/cmd/internal/mailbox"
)

// The shortest time between two looks into the mailbox, and what a bounce may take to count for half.
const (
	minEvery    = 10 * time.Second
	minHalfLife = time.Hour
)

// mailbox looks at where messages come back to.
func (v *validator) mailbox() {
	m := &v.c.Mailbox
	if m.PasswordFile != "" {
		if m.Password != "" {
			v.fail("$.mailbox.password_file", "set one of the two", "mailbox.password is set too")
			return
		}
		b, err := os.ReadFile(v.c.path(m.PasswordFile))
		if err != nil {
			v.fail("$.mailbox.password_file", "it holds the password and nothing else", "%v", err)
			return
		}
		m.Password = strings.TrimRight(string(b), "\r\n")
	}
	if m.IMAP != "" {
		if _, err := mailbox.ParseIMAP(m.IMAP, m.Password); err != nil {
			v.fail("$.mailbox.imap", "imaps://user@host/INBOX, or imap:// for STARTTLS; the password stands in mailbox.password or mailbox.password_file", "%v", err)
		}
		if m.Maildir != "" {
			v.fail("$.mailbox.maildir", "leave one of the two out", "mailbox.imap is set too, and there is one mailbox")
		}
	}
	switch {
	case m.Every < minEvery:
		v.fail("$.mailbox.every", "write it like 5m; 10s at least", "%v is too short", m.Every)
	case m.Kept == "":
		v.fail("$.mailbox.kept", "name a folder, such as data/kept", "messages that are not understood have nowhere to go")
	case m.Maildir != "" && realPath(v.c.path(m.Kept)) == realPath(v.c.path(m.Maildir)):
		v.fail("$.mailbox.kept", "name another folder", "%s is the maildir that is read: what is put there would be read again", m.Kept)
	case !(m.SoftLimit >= 1 && m.SoftLimit <= 1000):
		v.fail("$.mailbox.soft_limit", "1 to 1000; 1 gives an address up at its first bounce", "%v is no limit", m.SoftLimit)
	case m.HalfLife < minHalfLife:
		v.fail("$.mailbox.half_life", "write it like 720h; 1h at least", "%v is too short", m.HalfLife)
	}
}

// imap is the configured mailbox on a server; nil: there is none.
func (c *Config) imap() (*mailbox.IMAP, error) {
	if c.Mailbox.IMAP == "" {
		return nil, nil
	}
	m, err := mailbox.ParseIMAP(c.Mailbox.IMAP, c.Mailbox.Password)
	if err != nil {
		return nil, fmt.Errorf("mailbox.imap: %w", err)
	}
	m.Delete = c.Mailbox.Delete
	return m, nil
}

// readsMail says that a mailbox is configured.
func (c *Config) readsMail() bool { return c.Mailbox.IMAP != "" || c.Mailbox.Maildir != "" }

// errNoMailbox says that there is nothing to read.
var errNoMailbox = usageError{hintError{errors.New("no mailbox is configured"), "set mailbox.imap or mailbox.maildir, or pipe messages into `linkletter bounces receive`"}}
