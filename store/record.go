package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"linkletter/feed"
	"linkletter/feed/curated"
)

// ErrOvertaken says that another check of the same list was recorded since Known was read; nothing was stored.
var ErrOvertaken = errors.New("the list was checked by somebody else meanwhile")

// removalChecks is for how many checks in a row a held removal must stand before it is believed.
const removalChecks = 3

// Reading is what one check found.
type Reading struct {
	Before     *List // as Known gave it
	Reader     int   // curated.Version; what another one finds is known in silence: the reader is new, not the entry
	Tag        string
	Hash       string // SHA-256 of the bytes, hexadecimal
	Validators string // JSON
	List       *curated.List
	Changes    *curated.Changes
	Holds      []curated.Hold // what the guard says
	Moved      string         // where the source says that it is for good

	Origin feed.Origin // the revision, of a list in git: it dates what is new and what changed
	Silent bool        // nothing of it is announced, and nothing counts as changed
	More   bool        // a later revision follows in the same check
	Past   []Past      // of a first check: all that the list's history left; Changes is not looked at then
}

// Recorded is what became of a reading.
type Recorded struct {
	Baseline  bool // the first check: everything is known now, nothing is news
	Announced []int64
	Held      []int64 // new ones in quarantine
	Removed   int
	Changed   int // in title, URL or summary
	Returned  int
}

// Record stores one check in one transaction: the snapshot, the changes, and each new entry's permanent id and dates.
//
// Entries of one check are dated backwards from it, or from its revision, a second apart in the order of the list, so that
// readers sort them as the list does and no two entries of a list share a timestamp.
func (s *Store) Record(ctx context.Context, r Reading) (*Recorded, error) {
	var done *Recorded
	err := s.tx(ctx, func(tx *sql.Tx, now time.Time) error {
		rec, err := newRecorder(ctx, tx, r, now)
		if err != nil {
			return err
		}
		done = &rec.done
		return rec.run()
	})
	if err != nil {
		return nil, fmt.Errorf("recording the check of list %s: %w", r.Before.ID, err)
	}
	return done, nil
}

// recorder is one Record under way.
type recorder struct {
	Reading
	ctx       context.Context
	tx        *sql.Tx
	now       time.Time
	at        time.Time // what it is dated by: now, or an earlier revision
	list      string
	tag       string
	state     EntryState // of new entries
	snapshot  int64
	dates     feed.Dates
	sections  map[string]int64
	renamed   bool       // some list keeps permanent ids that were made with an id that another may have now
	announced time.Time  // when what is news now became it
	changed   feed.Dates // of changes
	done      Recorded

	statements map[string]*sql.Stmt // by their text
}

func newRecorder(ctx context.Context, tx *sql.Tx, r Reading, now time.Time) (*recorder, error) {
	l, err := lookup(ctx, tx, r.Before.ID)
	if err != nil {
		return nil, err
	}
	if l.Hash != r.Before.Hash || !l.Began.Equal(r.Before.Began) {
		return nil, ErrOvertaken
	}
	rec := &recorder{Reading: r, ctx: ctx, tx: tx, now: now, at: now, list: l.ID, tag: l.Tag, state: Announced,
		statements: map[string]*sql.Stmt{}}
	if rec.tag == "" {
		rec.tag = r.Tag
	}
	if d := r.Origin.Date; !d.IsZero() && d.Before(now) {
		rec.at = d
	}
	rec.done.Baseline = l.Began.IsZero()
	switch {
	case rec.done.Baseline:
		rec.state = Baseline
	case r.Silent:
		rec.state = Silent // its author has said what a person would be asked
	case rec.holds(curated.HoldAdded):
		rec.state = Quarantined
	case l.Reader != r.Reader:
		rec.state = Silent
	}
	if rec.done.Baseline {
		if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM list WHERE named <> '')`).Scan(&rec.renamed); err != nil {
			return nil, err
		}
	}
	if rec.announced, err = announcing(ctx, tx, now); err != nil {
		return nil, err
	}
	if rec.changed, err = changeDates(ctx, tx, l.ID, now); err != nil {
		return nil, err
	}
	times, err := collect(ctx, tx, scanInt,
		`SELECT published FROM entry WHERE list = ? UNION SELECT updated FROM entry WHERE list = ?`, l.ID, l.ID)
	if err != nil {
		return nil, err
	}
	for _, t := range times {
		rec.dates.Take(time.Unix(t, 0))
	}
	return rec, nil
}

func (r *recorder) holds(kind curated.HoldKind) bool {
	for _, h := range r.Holds {
		if h.Kind == kind {
			return true
		}
	}
	return false
}

func (r *recorder) exec(query string, args ...any) error {
	_, err := r.insert(query, args...)
	return err
}

// insert runs a statement and gives the id of the row it made. Statements are prepared once: a list may have 100,000
// entries. They end with their transaction.
func (r *recorder) insert(query string, args ...any) (id int64, err error) {
	statement, ok := r.statements[query]
	if !ok {
		if statement, err = r.tx.PrepareContext(r.ctx, query); err != nil {
			return 0, err
		}
		r.statements[query] = statement
	}
	result, err := statement.ExecContext(r.ctx, args...)
	if err != nil {
		return 0, err
	}
	return result.LastInsertId()
}

func (r *recorder) run() error {
	if err := updateHolds(r.ctx, r.tx, r.list, r.Holds, r.More, r.now); err != nil {
		return err
	}
	if r.holds(curated.HoldUnreadable) {
		// Nothing of it is taken in, not even its hash: the next check looks at the list again, and diffs against what
		// stood before.
		return r.exec(`UPDATE list SET checked = ?, error = '', error_since = NULL WHERE id = ?`, r.now.Unix(), r.list)
	}
	if err := r.takeSnapshot(); err != nil {
		return err
	}
	if r.done.Baseline && r.renamed {
		if err := r.nameFeeds(); err != nil {
			return err
		}
	}
	if err := r.updateSections(); err != nil {
		return err
	}
	if err := r.entries(); err != nil {
		return err
	}
	if err := r.closeSections(); err != nil {
		return err
	}
	return r.exec(`UPDATE snapshot SET added = ?, removed = ?, changed = ? WHERE id = ?`,
		len(r.done.Announced)+len(r.done.Held), r.done.Removed, r.done.Changed, r.snapshot)
}

// nameFeeds keeps the permanent ids of the list's feeds from being those of a list that had its id before. No id of a list
// has a tilde.
func (r *recorder) nameFeeds() error {
	return r.exec(`WITH RECURSIVE free (name, n) AS (
			SELECT ?1, 1 UNION ALL SELECT ?1 || '~' || (n + 1), n + 1 FROM free WHERE EXISTS (SELECT 1 FROM list WHERE named = name AND id <> ?1))
		UPDATE list SET named = (SELECT CASE n WHEN 1 THEN '' ELSE name END FROM free ORDER BY n DESC LIMIT 1) WHERE id = ?1`, r.list)
}

// announcing is when what is announced now becomes news: the clock's time, but after all that was announced before. A clock
// that was set back must not put what is new behind what is old.
func announcing(ctx context.Context, tx *sql.Tx, now time.Time) (time.Time, error) {
	var last sql.NullInt64
	if err := tx.QueryRowContext(ctx, `SELECT max(announced) FROM entry WHERE state = 'announced'`).Scan(&last); err != nil {
		return now, err
	}
	if last.Int64 > now.Unix() {
		return fromUnix(last).Add(time.Second), nil
	}
	return now, nil
}

// entries stores what the reading says of each entry.
func (r *recorder) entries() error {
	if r.done.Baseline && len(r.Past) > 0 {
		return r.past()
	}
	for i, m := range r.Changes.Entries {
		if err := r.entry(i, m); err != nil {
			return fmt.Errorf("entry %q: %w", m.Entry.Title, err)
		}
	}
	return r.removals()
}

func (r *recorder) takeSnapshot() error {
	var err error
	silent := r.Silent || !r.done.Baseline && r.Before.Reader != r.Reader // what only a newer parser found is no change for readers
	r.snapshot, err = r.insert(`INSERT INTO snapshot 
		(list, checked, hash, revision, silent, entries, links, added, removed, changed) VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, 0)`,
		r.list, r.now.Unix(), r.Hash, r.Origin.Commit, silent, len(r.List.Entries), r.List.Links)
	if err != nil {
		return err
	}
	return r.exec(`UPDATE list SET title = ?, tag = ?, began = coalesce(began, ?), checked = ?, changed = ?, validators = ?,
		hash = ?, reader = ?, entries = ?, links = ?, moved = ?, error = '', error_since = NULL WHERE id = ?`,
		r.List.Title, r.tag, r.now.Unix(), r.now.Unix(), r.now.Unix(), r.Validators,
		r.Hash, r.Reader, len(r.List.Entries), r.List.Links, r.Moved, r.list)
}

// entry stores one entry of the list as it stands now.
func (r *recorder) entry(position int, m curated.Match) error {
	if m.New() {
		return r.newEntry(position, m)
	}
	detail, err := json.Marshal(m.Entry)
	if err != nil {
		return err
	}
	ref, updated := m.Known.Ref, sql.NullInt64{}
	if curated.Substance(m.What) && r.Reader == r.Before.Reader && !r.Silent {
		updated = toUnix(r.dates.Give(r.at))
		r.done.Changed++
	}
	err = r.exec(`UPDATE entry SET url = ?, title = ?, detail = ?, position = ?, gone = NULL, missing = 0,
		updated = max(updated, coalesce(?, updated)) WHERE id = ?`,
		m.Entry.URL, m.Entry.Title, string(detail), position, updated, ref)
	if err != nil {
		return err
	}
	if m.Entry.URL != m.Known.Entry.URL {
		if err := r.remember(ref, m.Entry.URL); err != nil {
			return err
		}
	}
	if m.Returned() {
		r.done.Returned++
		err = r.change(ref, feed.ChangeReturned, m.What, &m.Known.Entry)
	} else if len(m.What) > 0 {
		err = r.change(ref, feed.ChangeChanged, m.What, &m.Known.Entry)
	}
	if err != nil {
		return err
	}
	if !m.Returned() && slices.EqualFunc(m.Entry.Sections, m.Known.Entry.Sections, slices.Equal) {
		return nil
	}
	return r.place(ref, m.Entry.Sections)
}

func (r *recorder) newEntry(position int, m curated.Match) error {
	e, state := m.Entry, r.state
	if m.Split && state != Baseline {
		state = Silent
	}
	published := r.dates.Give(r.at)
	ref, err := r.create(newRow{entry: &e, key: curated.CanonicalURL(e.URL), state: state, position: position, published: published,
		updated: published, origin: r.Origin})
	if err != nil {
		return err
	}
	switch state {
	case Announced:
		r.done.Announced = append(r.done.Announced, ref)
	case Quarantined:
		r.done.Held = append(r.done.Held, ref)
	}
	if err := r.remember(ref, e.URL); err != nil {
		return err
	}
	if !m.Split {
		if err := r.change(ref, feed.ChangeAdded, nil, nil); err != nil {
			return err
		}
	}
	return r.place(ref, e.Sections)
}

// newRow is an entry that the store did not know.
type newRow struct {
	entry              *curated.Entry
	key                string // the first canonical URL it stood under, of which its id is made
	state              EntryState
	position           int
	published, updated time.Time
	origin             feed.Origin
	gone               bool
}

// create makes the row of a new entry, and mints its id.
func (r *recorder) create(n newRow) (ref int64, err error) {
	detail, err := json.Marshal(n.entry)
	if err != nil {
		return 0, err
	}
	id, err := r.freeID(n.published, n.key)
	if err != nil {
		return 0, err
	}
	var announced, gone sql.NullInt64
	if n.state == Announced {
		announced = toUnix(r.announced)
	}
	if n.gone {
		gone = toUnix(r.now)
	}
	return r.insert(`INSERT INTO entry
		(list, atom_id, state, url, title, detail, position, published, updated, announced, gone, revision, added_by, revision_url)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		r.list, id, n.state, n.entry.URL, n.entry.Title, string(detail), n.position, n.published.Unix(), n.updated.Unix(), announced, gone,
		n.origin.Commit, n.origin.By, n.origin.Link)
}

// freeID mints the id of a new entry. An address that was passed on within a day gives a second one.
func (r *recorder) freeID(published time.Time, key string) (string, error) {
	id := feed.EntryID(r.tag, published, r.list, key)
	for n := 2; !r.done.Baseline || len(r.Past) > 0 || r.renamed; n++ {
		var taken bool
		err := r.tx.QueryRowContext(r.ctx, `SELECT EXISTS (SELECT 1 FROM entry WHERE atom_id = ?)`, id).Scan(&taken)
		if err != nil || !taken {
			return id, err
		}
		id = feed.EntryID(r.tag, published, r.list, fmt.Sprintf("%s %d", key, n))
	}
	return id, nil
}

func (r *recorder) change(ref int64, kind feed.ChangeKind, what []string, before *curated.Entry) error {
	var old []byte
	if what == nil {
		what = []string{}
	}
	names, err := json.Marshal(what)
	if err != nil {
		return err
	}
	if before != nil {
		if old, err = json.Marshal(before); err != nil {
			return err
		}
	}
	var at sql.NullInt64
	if kind != feed.ChangeAdded {
		at = toUnix(r.changed.Give(r.now))
	}
	return r.exec(`INSERT INTO change (snapshot, entry, kind, what, before, at) VALUES (?, ?, ?, ?, ?, ?)`,
		r.snapshot, ref, kind, string(names), string(old), at)
}

// removals marks what left the list; while the guard holds that, it only counts the checks that say so.
func (r *recorder) removals() error {
	held := r.holds(curated.HoldRemoved)
	for _, k := range r.Changes.Removed {
		if k.Held {
			if err := r.forget(k.Ref); err != nil {
				return err
			}
			continue
		}
		if held {
			if r.More {
				continue // what stands for a moment in between is no check that saw it
			}
			if err := r.exec(`UPDATE entry SET missing = missing + 1 WHERE id = ?`, k.Ref); err != nil {
				return err
			}
			continue
		}
		if err := r.exec(`UPDATE entry SET gone = ?, missing = 0 WHERE id = ?`, r.at.Unix(), k.Ref); err != nil {
			return err
		}
		if err := r.change(k.Ref, feed.ChangeRemoved, nil, &k.Entry); err != nil {
			return err
		}
		r.done.Removed++
	}
	if err := shrinkQuarantine(r.ctx, r.tx, r.list, r.now); err != nil {
		return err
	}
	_, err := acceptRemovals(r.ctx, r.tx, r.list, removalChecks, r.now)
	return err
}
