package main

import (
	"context"
	"os"
	"path/filepath"
)

// mailbox looks whether what comes back can be read.
func (d *doctor) mailbox(ctx context.Context) {
	const check = "mailbox"
	server, err := d.cfg.imap()
	switch dir := d.cfg.path(d.cfg.Mailbox.Maildir); {
	case err != nil:
		d.fail(check, "", "%v", err)
	case server != nil:
		server.Timeout = smtpTimeout
		n, err := server.Probe(ctx)
		if err != nil {
			d.fail(check, "look at mailbox.imap, mailbox.password and the folder's name; imaps:// is TLS from the first byte, imap:// STARTTLS", "%v", err)
			return
		}
		d.ok(check, "%s on %s, logged in as %s: %s", server.Folder, server.Host, server.Username, count(n, "message", "messages"))
	case dir != "":
		if info, err := os.Stat(filepath.Join(dir, "new")); err != nil || !info.IsDir() {
			d.fail(check, "mailbox.maildir is the folder in which the mail server makes new, cur and tmp", "%s is no maildir", dir)
			return
		}
		if err := writable(filepath.Join(dir, "cur")); err != nil {
			d.fail(check, "give the user that runs linkletter the right to", "%v", err)
			return
		}
		d.ok(check, "the maildir %s", dir)
	case d.server != nil:
		d.warn(check, "set mailbox.imap or mailbox.maildir, or pipe such mail into `linkletter bounces receive`",
			"none: nobody reads what comes back, and addresses that are gone are written to for ever")
	}
}
