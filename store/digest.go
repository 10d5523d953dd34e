package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"linkletter/feed/digest"
)

// Clock is a digest's own time.
type Clock struct {
	Digest string
	Ran    time.Time // the newest scheduled time that was attended to
}

// BeginDigest starts a digest's clock now, unless it runs already, and says which lists it is of from now on. What a list
// announced before it joined is not the digest's news; a list that left and comes back joins anew.
func (s *Store) BeginDigest(ctx context.Context, id string, lists []string) error {
	err := s.tx(ctx, func(tx *sql.Tx, now time.Time) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO digest (id, ran) VALUES (?, ?) ON CONFLICT DO NOTHING`, id, now.Unix())
		if err != nil {
			return err
		}
		args := []any{id}
		for _, list := range lists {
			args = append(args, list)
			_, err := tx.ExecContext(ctx, `INSERT INTO digest_list (digest, list, began) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`,
				id, list, now.Unix())
			if err != nil {
				return err
			}
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM digest_list WHERE digest = ? AND list NOT IN (`+marks(len(lists))+`)`, args...)
		return err
	})
	if err != nil {
		return fmt.Errorf("beginning digest %s: %w", id, err)
	}
	return nil
}

// EndDigests forgets which lists the digests were of that are not among ids: one that is configured again begins anew.
func (s *Store) EndDigests(ctx context.Context, ids []string) error {
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = id
	}
	_, err := s.db.ExecContext(ctx, `DELETE FROM digest_list WHERE digest NOT IN (`+marks(len(ids))+`)`, args...)
	if err != nil {
		return fmt.Errorf("ending digests: %w", s.explain(err))
	}
	return nil
}

// Clock gives a digest's clock, or ErrNotFound before it began.
func (s *Store) Clock(ctx context.Context, id string) (*Clock, error) {
	c := Clock{Digest: id}
	var ran sql.NullInt64
	err := s.db.QueryRowContext(ctx, `SELECT ran FROM digest WHERE id = ?`, id).Scan(&ran)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("digest %s: %w", id, ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("reading digest %s: %w", id, err)
	}
	c.Ran = fromUnix(ran)
	return &c, nil
}

// Ran records that a digest's scheduled time was attended to, whether or not there was an issue to send. The clock only
// moves forwards.
func (s *Store) Ran(ctx context.Context, id string, scheduled time.Time) error {
	_, err := s.db.ExecContext(ctx, `UPDATE digest SET ran = ? WHERE id = ? AND ran < ?`, scheduled.Unix(), id, scheduled.Unix())
	if err != nil {
		return fmt.Errorf("recording the run of digest %s: %w", id, err)
	}
	return nil
}

// Candidates gives what the next issue of a digest would hold: announced since its list joined the digest, still standing, not hidden,
// and in no issue of it yet. Lists come in the digest's order, entries in the list's.
func (s *Store) Candidates(ctx context.Context, d digest.Digest) ([]digest.Item, error) {
	return candidates(ctx, s.db, d)
}

func candidates(ctx context.Context, q querier, d digest.Digest) ([]digest.Item, error) {
	var all []digest.Item
	for _, list := range d.Lists {
		title, err := listTitle(ctx, q, d, list)
		if err != nil {
			return nil, err
		}
		found, err := collect(ctx, q, scanEntry, `SELECT `+entryColumns+` FROM entry e
			JOIN digest_list d ON d.digest = ? AND d.list = e.list AND e.announced >= d.began
			WHERE e.list = ? AND e.state = 'announced' AND e.gone IS NULL AND e.hidden IS NULL
			AND NOT EXISTS (SELECT 1 FROM issue_entry i WHERE i.digest = d.digest AND i.entry = e.id)
			ORDER BY e.position, e.id`, d.ID, list)
		if err != nil {
			return nil, fmt.Errorf("reading what is new in list %s for digest %s: %w", list, d.ID, err)
		}
		for _, e := range found {
			all = append(all, itemOf(e, title))
		}
	}
	return all, nil
}

// itemOf is an entry as an issue has it, of a list with that title.
func itemOf(e Entry, title string) digest.Item {
	return digest.Item{
		Entry: e.Entry, Ref: e.Ref, ID: e.ID, List: e.List, ListTitle: title, Published: e.Published,
		AddedBy: e.Origin.Name(), AddedIn: e.Origin.Link,
	}
}

// listTitle is what a list is called in a digest.
func listTitle(ctx context.Context, q querier, d digest.Digest, list string) (string, error) {
	if title := d.ListTitles[list]; title != "" {
		return title, nil
	}
	var title string
	err := q.QueryRowContext(ctx, `SELECT title FROM list WHERE id = ?`, list).Scan(&title)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("reading the title of list %s: %w", list, err)
	}
	if title == "" {
		title = list
	}
	return title, nil
}
