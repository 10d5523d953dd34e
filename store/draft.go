package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"linkletter/feed/digest"
)

// ErrNothingLeft says that all entries of a draft are hidden or left their lists.
var ErrNothingLeft = errors.New("nothing is left of the draft")

// Render makes the parts of an issue with its editor's note. It runs under the database's write lock and must not use the store.
type Render func(i *digest.Issue, note string) (Parts, error)

func draftWaits(ctx context.Context, q querier, id string) (waits bool, err error) {
	err = q.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM issue WHERE digest = ? AND state = 'draft')`, id).Scan(&waits)
	return waits, err
}

// UntoldDrafts gives the drafts that are to be mailed to the operator, the oldest first.
func (s *Store) UntoldDrafts(ctx context.Context) ([]*Issue, error) {
	found, err := s.issues(ctx, `state = 'draft' AND told IS NULL ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("looking for drafts: %w", err)
	}
	return found, nil
}

// Told records that a draft was mailed to the operator as it was read. One that changed since is still to be mailed.
func (s *Store) Told(ctx context.Context, draft *Issue) error {
	_, err := s.db.ExecContext(ctx, `UPDATE issue SET told = ? WHERE id = ? AND note = ? AND text = ?`,
		s.now().Unix(), draft.Ref, draft.Note, draft.Parts.Text)
	if err != nil {
		return fmt.Errorf("recording that issue %d of digest %s was mailed to the operator: %w", draft.Number, draft.Digest, s.explain(err))
	}
	return nil
}

// SetNote gives a draft another editor's note, renders it anew, and has it mailed to the operator again. It fails with a
// *WrongStateError when the issue is no draft.
func (s *Store) SetNote(ctx context.Context, ref int64, note string, render Render) error {
	return s.changeDraft(ctx, "noting on", ref, func(tx *sql.Tx, i *Issue, _ time.Time) error {
		i.Note = note
		return revise(ctx, tx, i, render)
	})
}

// revise renders a draft that changed anew, for the operator to see again.
func revise(ctx context.Context, tx *sql.Tx, i *Issue, render Render) error {
	parts, err := render(i.Issue, i.Note)
	if err != nil {
		return fmt.Errorf("rendering: %w", err)
	}
	content, err := json.Marshal(i.Issue)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE issue SET note = ?, told = NULL, subject = ?, content = ?, text = ?, html = ? WHERE id = ?`,
		i.Note, parts.Subject, string(content), parts.Text, parts.HTML, i.Ref)
	return err
}

// Redraft takes the entries out of a digest's draft that are hidden or left their lists, and puts those back that it was
// frozen with and that came back. A draft that changes is rendered anew, and mailed to the operator again.
func (s *Store) Redraft(ctx context.Context, d digest.Digest, render Render) error {
	err := s.tx(ctx, func(tx *sql.Tx, _ time.Time) error {
		drafts, err := collect(ctx, tx, scanIssue, `SELECT `+issueColumns+` FROM issue WHERE digest = ? AND state = 'draft'`, d.ID)
		for _, i := range drafts {
			if err := redraft(ctx, tx, d, i, render); err != nil {
				return fmt.Errorf("issue %d: %w", i.Number, err)
			}
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("rendering the draft of digest %s anew: %w", d.ID, err)
	}
	return nil
}

func redraft(ctx context.Context, tx *sql.Tx, d digest.Digest, i *Issue, render Render) error {
	items := itemsOf(i)
	var standing []digest.Item
	entries, err := collect(ctx, tx, scanEntry, `SELECT `+entryColumns+` FROM issue_entry i JOIN entry e ON e.id = i.entry
		WHERE i.issue = ? AND e.hidden IS NULL AND e.gone IS NULL ORDER BY i.position`, i.Ref)
	if err != nil {
		return err
	}
	for _, e := range entries {
		item, ok := items[e.Ref]
		if !ok {
			title, err := listTitle(ctx, tx, d, e.List)
			if err != nil {
				return err
			}
			item = itemOf(e, title)
		}
		standing = append(standing, item)
	}
	i.Groups = digest.Compose(d, i.Number, i.Period, i.Date, standing).Groups
	if now := itemsOf(i); maps.EqualFunc(items, now, func(a, b digest.Item) bool { return a.Ref == b.Ref }) {
		return nil
	}
	return revise(ctx, tx, i, render)
}

// itemsOf are an issue's items by their entries' rows.
func itemsOf(i *Issue) map[int64]digest.Item {
	items := map[int64]digest.Item{}
	for _, g := range i.Groups {
		for _, item := range g.Items {
			items[item.Ref] = item
		}
	}
	return items
}

// Approve makes a draft the issue that is sent: as it was shown, without the entries that were hidden or left their lists
// since. What is not in it, a coming issue may hold; dated now, and for everybody who is to get it now. It fails with a
// *WrongStateError when the issue is no draft, and with ErrNothingLeft.
func (s *Store) Approve(ctx context.Context, ref int64, render Render) error {
	return s.changeDraft(ctx, "approving", ref, func(tx *sql.Tx, i *Issue, now time.Time) error {
		if err := dropUnwanted(ctx, tx, i); err != nil {
			return err
		}
		if i.Len() == 0 {
			return ErrNothingLeft
		}
		i.Frozen, i.Date = now, now.In(i.Date.Location())
		if err := revise(ctx, tx, i, render); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE issue SET state = 'sending', frozen = ? WHERE id = ?`, now.Unix(), ref)
		if err != nil {
			return err
		}
		return insertDeliveries(ctx, tx, i)
	})
}

func (s *Store) changeDraft(ctx context.Context, doing string, ref int64, change func(tx *sql.Tx, i *Issue, now time.Time) error) error {
	err := s.tx(ctx, func(tx *sql.Tx, now time.Time) error {
		found, err := collect(ctx, tx, scanIssue, `SELECT `+issueColumns+` FROM issue WHERE id = ?`, ref)
		switch {
		case err != nil:
			return err
		case len(found) == 0:
			return ErrNotFound
		case found[0].State != IssueDraft:
			return &WrongStateError{found[0].State}
		}
		return change(tx, found[0], now)
	})
	if err != nil {
		return fmt.Errorf("%s the issue in row %d: %w", doing, ref, err)
	}
	return nil
}

// dropUnwanted takes the entries out of a draft that were hidden or left their lists, and gives back those that it does not show.
func dropUnwanted(ctx context.Context, tx *sql.Tx, i *Issue) error {
	standing, err := collect(ctx, tx, scanInt, `SELECT e.id FROM issue_entry i JOIN entry e ON e.id = i.entry
		WHERE i.issue = ? AND e.hidden IS NULL AND e.gone IS NULL`, i.Ref)
	if err != nil {
		return err
	}
	left := []int64{}
	for g := range i.Groups {
		i.Groups[g].Items = slices.DeleteFunc(i.Groups[g].Items, func(item digest.Item) bool { return !slices.Contains(standing, item.Ref) })
		for _, item := range i.Groups[g].Items {
			left = append(left, item.Ref)
		}
	}
	i.Groups = slices.DeleteFunc(i.Groups, func(g digest.Group) bool { return len(g.Items) == 0 })
	_, err = tx.ExecContext(ctx, `DELETE FROM issue_entry WHERE issue = ? AND entry NOT IN (SELECT value FROM json_each(?))`, i.Ref, asJSON(left))
	if err != nil {
		return fmt.Errorf("giving back what it does not show: %w", err)
	}
	return nil
}
