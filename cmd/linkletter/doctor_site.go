package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"linkletter/feed"
	"linkletter/store"
)

// lowSpace is how many bytes should be free at least where the database is, beside its own size: backups and its log.
const lowSpace = 256 << 20

// site looks at what is said to the world.
func (d *doctor) site() {
	const check = "base_url"
	site := feed.Site{Base: d.cfg.BaseURL}
	switch u, err := url.Parse(d.cfg.BaseURL); {
	case err != nil: // validated already
	case site.Local():
		d.warn(check, "set base_url to the public https address when there is one", "%s: only this machine can read it", d.cfg.BaseURL)
	case u.Scheme != "https" && len(d.cfg.Digests) > 0:
		d.warn(check, "put the site behind a web server with a certificate (deploy/), and write base_url with https",
			"%s: without https messages cannot be unsubscribed from with one click (RFC 8058), and offer an address to write to alone", d.cfg.BaseURL)
	case u.Scheme != "https":
		d.warn(check, "put the site behind a web server with a certificate (deploy/)", "%s: it is not encrypted", d.cfg.BaseURL)
	default:
		d.ok(check, "%s", d.cfg.BaseURL)
	}
}

// templates loads them.
func (d *doctor) templates() {
	if _, err := d.cfg.loadTemplates(); err != nil {
		d.fail("templates", "mend the file, or take it out: the one that comes with the program is used then", "%v", err)
		return
	}
	if d.cfg.Templates != "" {
		d.ok("templates", "all can be used, those in %s too", d.cfg.Templates)
		return
	}
	d.ok("templates", "all can be used")
}

// database looks at the store, without making one.
func (d *doctor) database(ctx context.Context) {
	const check = "database"
	path := d.cfg.path(d.cfg.Database)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		d.warn(check, "`linkletter serve` or `linkletter check` makes it", "%s is not there yet", d.cfg.Database)
		return
	}
	s, err := store.Open(ctx, path, d.now)
	if err != nil {
		d.fail(check, "", "%v", err)
		return
	}
	defer s.Close() // it was read only
	found, err := s.Inspect(ctx)
	switch {
	case err != nil:
		d.fail(check, "", "%v", err)
	case len(found.Damage) > 0:
		d.fail(check, "stop the program, and restore the newest backup", "%s is damaged: %s", d.cfg.Database, joinNames(found.Damage))
	case found.Journal != "wal":
		d.fail(check, "is it on a network's file system? It must be on a disk of this machine",
			"%s keeps no write-ahead log, but %q: a crash could lose what was committed", d.cfg.Database, found.Journal)
	case found.Readable:
		d.warn(check, "chmod 600 "+path, "%s can be read by others on this machine, and holds people's addresses", d.cfg.Database)
	default:
		d.ok(check, "%s: sound, schema %d, %s", d.cfg.Database, found.Version, size(found.Size))
	}
	if err == nil {
		d.space(filepath.Dir(path), found.Size)
		d.work(ctx, s)
	}
}

// space looks for room on the disk.
func (d *doctor) space(dir string, used int64) {
	free, ok := diskFree(dir)
	switch {
	case !ok: // this system does not say
	case free < lowSpace+used:
		d.warn("disk", "make room: a full disk stops checks and mail", "%s free in %s", size(free), dir)
	default:
		d.ok("disk", "%s free", size(free))
	}
}

// work looks at who checks and sends, and at what it said of its work.
func (d *doctor) work(ctx context.Context, s *store.Store) {
	const check = "scheduler"
	holder, err := s.Holder(ctx, schedulerLease)
	switch {
	case err != nil:
		d.fail(check, "", "%v", err)
	case holder == nil || isDead(holder.Holder, us("doctor")):
		d.warn(check, "`linkletter serve` starts it", "it is not running: nothing is checked and sent by itself")
	default:
		d.ok(check, "%s", holder.Holder)
	}
	troubles, err := s.Troubles(ctx)
	if err != nil {
		d.fail("troubles", "", "%v", err)
	}
	for _, t := range troubles {
		d.warn(t.What, "`linkletter status` shows whether it lasts", "since %s: %s", d.when(t.Since), shown(t.Text))
	}
	d.lists(ctx, s)
}

// lists looks at the newest check of each.
func (d *doctor) lists(ctx context.Context, s *store.Store) {
	known, err := s.Lists(ctx)
	if err != nil {
		d.fail("lists", "", "%v", err)
		return
	}
	good := 0
	for _, l := range d.cfg.Lists {
		is := known[knownAs(l, known)]
		switch {
		case is == nil || is.Checked.IsZero():
			d.warn("list "+l.ID, "`linkletter check "+l.ID+"` reads it now", "not checked yet")
		case is.Error != "":
			d.warn("list "+l.ID, "`linkletter check "+l.ID+"` tries again", "it fails since %s: %s", d.when(is.ErrorSince), shown(is.Error))
		case len(is.Holds) > 0:
			d.warn("list "+l.ID, "`linkletter status` says what waits for you", "held: %s", shown(is.Holds[0].Reason))
		default:
			good++
		}
	}
	if good > 0 {
		d.ok("lists", "%d of %d checked, and nothing is wrong with them", good, len(d.cfg.Lists))
	}
}

// size is a number of bytes for people.
func size(n int64) string {
	for _, unit := range []struct {
		bytes int64
		name  string
	}{{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if n >= unit.bytes {
			return fmt.Sprintf("%.1f %s", float64(n)/float64(unit.bytes), unit.name)
		}
	}
	return count(int(n), "byte", "bytes")
}
