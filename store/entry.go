package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"linkletter/feed"
	"linkletter/feed/curated"
)

// EntryState says how an entry came to be known.
type EntryState string

const (
	Baseline    EntryState = "baseline"    // it stood in the list when watching began
	Announced   EntryState = "announced"   // it was news
	Silent      EntryState = "silent"      // known, never news: what the operator dismissed
	Quarantined EntryState = "quarantined" // the guard holds it: known, not announced yet
)

// Entry is one resource of one list as the store remembers it.
type Entry struct {
	curated.Entry
	Ref       int64  // its row
	ID        string // permanent (RFC 4287, 4.2.6)
	List      string
	State     EntryState
	Published time.Time   // first seen; never changes
	Updated   time.Time   // last changed in title, URL or summary
	Announced time.Time   // when it became news; zero for the rest
	Archive   int         // the full archive document of its list's feed that it is in; 0: none
	Gone      bool        // it left the list
	Hidden    bool        // the operator took it out of feeds and coming issues
	Origin    feed.Origin // the commit that brought it; its date is Published's, and not repeated
	In        []EntrySection
}

// EntrySection is a section that an entry stands in directly.
type EntrySection struct {
	Slug string
	Path []string // headings, outermost first
}

// FeedQuery asks for the entries of one feed.
type FeedQuery struct {
	Lists    []string // ids; none: all lists but Without
	Without  []string // ids
	Section  string   // slug, of the only list named; empty: the whole lists
	Window   int      // most entries
	Baseline int      // baseline entries fill up to this many while there is less news
}

const entryColumns = `e.id, e.atom_id, e.list, e.state, e.detail, e.published, e.updated, e.announced, e.archive, e.gone IS NOT NULL, e.hidden IS NOT NULL,
	e.revision, e.added_by, e.revision_url`

func scanEntry(rows *sql.Rows) (Entry, error) {
	var e Entry
	var detail []byte
	var published, updated, announced, archive sql.NullInt64
	if err := rows.Scan(&e.Ref, &e.ID, &e.List, &e.State, &detail, &published, &updated, &announced, &archive, &e.Gone, &e.Hidden,
		&e.Origin.Commit, &e.Origin.By, &e.Origin.Link); err != nil {
		return e, err
	}
	e.Published, e.Updated, e.Announced = fromUnix(published), fromUnix(updated), fromUnix(announced)
	e.Archive = int(archive.Int64)
	if err := json.Unmarshal(detail, &e.Entry); err != nil {
		return e, fmt.Errorf("entry %d: %w", e.Ref, err)
	}
	return e, nil
}

// Feed gives the entries of a feed, newest first: what was announced last, and, while there is less of it than Baseline, the
// newest baseline entries. What left its list or is hidden is not among them, and makes no room: what was too old for the feed does not come into it.
func (s *Store) Feed(ctx context.Context, q FeedQuery) ([]Entry, error) {
	where, args := q.where()
	news, err := collect(ctx, s.db, scanEntry, `SELECT `+entryColumns+` FROM entry e
		WHERE `+where+` AND e.state = 'announced'
		ORDER BY e.announced DESC, e.published DESC, e.list, e.id LIMIT ?`, append(args, q.Window)...)
	if err != nil {
		return nil, fmt.Errorf("reading the feed's entries: %w", err)
	}
	// What came last may be dated long before: a commit lies about until it is merged.
	slices.SortFunc(news, func(a, b Entry) int {
		return cmp.Or(b.Published.Compare(a.Published), cmp.Compare(a.List, b.List), cmp.Compare(a.Ref, b.Ref))
	})
	if fill := min(q.Baseline, q.Window) - len(news); fill > 0 {
		old, err := collect(ctx, s.db, scanEntry, `SELECT `+entryColumns+` FROM entry e
			WHERE `+where+` AND e.state = 'baseline'
			ORDER BY e.published DESC, e.list, e.id LIMIT ?`, append(args, fill)...)
		if err != nil {
			return nil, fmt.Errorf("reading the feed's baseline: %w", err)
		}
		news = append(news, old...)
	}
	return s.withSections(ctx, slices.DeleteFunc(news, func(e Entry) bool { return e.Gone || e.Hidden }))
}

// where is the condition for the lists and the section asked for.
func (q FeedQuery) where() (string, []any) {
	lists, in := q.Lists, "IN"
	if len(lists) == 0 {
		lists, in = q.Without, "NOT IN"
	}
	args := make([]any, 0, len(lists)+2)
	for _, l := range lists {
		args = append(args, l)
	}
	where := `e.list ` + in + ` (` + marks(len(lists)) + `)`
	if q.Section != "" {
		where += ` AND e.id IN (SELECT es.entry FROM entry_section es JOIN section s ON s.id = es.section
			WHERE s.list = e.list AND s.slug = ?)`
		args = append(args, q.Section)
	}
	return where, args
}

// Entries gives all entries that a list, or one section of it (a slug) and below, ever had: those that stand, in the order of
// the list, and then those that left. What the guard holds is not among them.
func (s *Store) Entries(ctx context.Context, list, section string) ([]Entry, error) {
	where, args := FeedQuery{Lists: []string{list}, Section: section}.where()
	all, err := collect(ctx, s.db, scanEntry, `SELECT `+entryColumns+` FROM entry e
		WHERE `+where+` AND e.state <> 'quarantined' ORDER BY e.gone IS NOT NULL, e.position, e.id`, args...)
	if err != nil {
		return nil, fmt.Errorf("reading the entries of list %s: %w", list, err)
	}
	return s.withSections(ctx, all)
}

// batch is how many parameters a statement gets. SQLite takes 32,766; short statements are kinder to its parser.
const batch = 500

// withSections fills in the sections that entries stand in.
func (s *Store) withSections(ctx context.Context, entries []Entry) ([]Entry, error) {
	type row struct {
		entry int64
		in    EntrySection
	}
	at := make(map[int64]int, len(entries))
	for i := range entries {
		at[entries[i].Ref] = i
	}
	for start := 0; start < len(entries); start += batch {
		part := entries[start:min(start+batch, len(entries))]
		args := make([]any, len(part))
		for i := range part {
			args[i] = part[i].Ref
		}
		rows, err := collect(ctx, s.db, func(rows *sql.Rows) (r row, err error) {
			var path string
			if err = rows.Scan(&r.entry, &r.in.Slug, &path); err != nil {
				return r, err
			}
			return r, json.Unmarshal([]byte(path), &r.in.Path)
		}, `SELECT es.entry, s.slug, s.path FROM entry_section es JOIN section s ON s.id = es.section
			WHERE es.direct = 1 AND es.entry IN (`+marks(len(part))+`) ORDER BY es.entry, es.position`, args...)
		if err != nil {
			return nil, fmt.Errorf("reading the sections of entries: %w", err)
		}
		for _, r := range rows {
			e := &entries[at[r.entry]]
			e.In = append(e.In, r.in)
		}
	}
	return entries, nil
}

// marks is n parameters of a statement.
func marks(n int) string {
	if n == 0 {
		return ""
	}
	return strings.Repeat("?, ", n-1) + "?"
}
