package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"linkletter/feed/digest"
)

// IssueState is how far an issue is.
type IssueState string

const (
	IssueDraft     IssueState = "draft" // waits for the operator's approval; it is for nobody yet
	IssueSending   IssueState = "sending"
	IssuePaused    IssueState = "paused"    // nothing is tried until it is resumed
	IssueDone      IssueState = "done"      // nothing more will be tried
	IssueCancelled IssueState = "cancelled" // the operator ended it
)

// Parts is an issue as it reads in a message. A mark of the sender's stands where a subscriber's own link goes.
type Parts struct {
	Subject string
	Text    string
	HTML    string
}

// Issue is a frozen issue and how far its delivery is.
type Issue struct {
	*digest.Issue
	Ref      int64 // its row
	State    IssueState
	Reason   string // why it is paused or cancelled
	Frozen   time.Time
	Finished time.Time // zero: not yet
	// Withdrawn says that it was cancelled before anybody got it: its entries are free for another, and it has no page.
	Withdrawn bool
	Note      string    // the editor's, Markdown
	Told      time.Time // when the draft was mailed to the operator; zero: not yet
	Parts     Parts
	Counts    map[digest.State]int // deliveries in each state, pruned ones too
	Pruned    int                  // how many of them have no row any more
}

// Public says whether readers may see the issue: it is neither a draft nor withdrawn.
func (i *Issue) Public() bool { return i.State != IssueDraft && !i.Withdrawn }

// Total is how many subscribers the issue is for.
func (i *Issue) Total() int {
	n := 0
	for _, count := range i.Counts {
		n += count
	}
	return n
}

// Freeze makes the next issue of a digest for a period, the scheduled time it stands for: in one transaction it takes the
// candidates, numbers the issue, keeps what render made of it and writes a delivery for everybody it is for. render runs
// under the database's write lock and must not use the store.
//
// It gives nil when there is no issue to send: the digest has fewer candidates than it wants, or the period has its issue
// already, because a schedule fired twice or another process was first. The issue of a digest that asks for approval is a draft,
// for nobody yet; while one waits, there is no other, and what is new waits for the issue after it.
func (s *Store) Freeze(ctx context.Context, d digest.Digest, period string, render func(*digest.Issue) (Parts, error)) (*Issue, error) {
	var frozen *Issue
	err := s.tx(ctx, func(tx *sql.Tx, now time.Time) error {
		frozen = nil
		items, err := candidates(ctx, tx, d)
		if err != nil || len(items) < max(1, d.MinEntries) {
			return err
		}
		number, taken, err := nextNumber(ctx, tx, d.ID, period)
		if err != nil || taken {
			return err
		}
		issue := &Issue{Issue: digest.Compose(d, number, period, now, items), State: IssueSending, Frozen: now}
		if d.Approve {
			issue.State = IssueDraft
			if waits, err := draftWaits(ctx, tx, d.ID); err != nil || waits {
				return err
			}
		}
		if issue.Parts, err = render(issue.Issue); err != nil {
			return fmt.Errorf("rendering: %w", err)
		}
		if err := insertIssue(ctx, tx, issue); err != nil {
			return err
		}
		if !d.Approve {
			if err := insertDeliveries(ctx, tx, issue); err != nil {
				return err
			}
		}
		issue.Counts, err = countDeliveries(ctx, tx, issue.Ref)
		frozen = issue
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("freezing an issue of digest %s: %w", d.ID, err)
	}
	return frozen, nil
}

// nextNumber is the number of a digest's next issue, and whether the period has an issue already.
func nextNumber(ctx context.Context, tx *sql.Tx, id, period string) (number int, taken bool, err error) {
	err = tx.QueryRowContext(ctx, `SELECT coalesce(max(number), 0) + 1, count(CASE WHEN period = ? THEN 1 END) > 0
		FROM issue WHERE digest = ?`, period, id).Scan(&number, &taken)
	if err != nil {
		return 0, false, fmt.Errorf("numbering it: %w", err)
	}
	return number, taken, nil
}

func insertIssue(ctx context.Context, tx *sql.Tx, i *Issue) error {
	content, err := json.Marshal(i.Issue)
	if err != nil {
		return err
	}
	err = tx.QueryRowContext(ctx, `INSERT INTO issue (digest, number, period, state, frozen, subject, content, text, html)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
		i.Digest, i.Number, i.Period, i.State, i.Frozen.Unix(), i.Parts.Subject, string(content), i.Parts.Text, i.Parts.HTML).Scan(&i.Ref)
	if err != nil {
		return fmt.Errorf("writing it: %w", err)
	}
	position := 0
	for _, g := range i.Groups {
		for _, item := range g.Items {
			_, err := tx.ExecContext(ctx, `INSERT INTO issue_entry (digest, entry, issue, position) VALUES (?, ?, ?, ?)`,
				i.Digest, item.Ref, i.Ref, position)
			if err != nil {
				return fmt.Errorf("writing its entry %d: %w", item.Ref, err)
			}
			position++
		}
	}
	return nil
}

func scanString(rows *sql.Rows) (v string, err error) {
	err = rows.Scan(&v)
	return v, err
}

func scanInt(rows *sql.Rows) (n int64, err error) {
	err = rows.Scan(&n)
	return n, err
}

func countDeliveries(ctx context.Context, q querier, issue int64) (map[digest.State]int, error) {
	type count struct {
		state digest.State
		n     int
	}
	found, err := collect(ctx, q, func(rows *sql.Rows) (c count, err error) {
		err = rows.Scan(&c.state, &c.n)
		return c, err
	}, `SELECT state, count(*) FROM delivery WHERE issue = ? GROUP BY state`, issue)
	if err != nil {
		return nil, fmt.Errorf("counting deliveries: %w", err)
	}
	counts := make(map[digest.State]int, len(found))
	for _, c := range found {
		counts[c.state] = c.n
	}
	return counts, nil
}

const issueColumns = `id, state, reason, frozen, finished, subject, content, text, html,
	state = 'cancelled' AND NOT EXISTS (SELECT 1 FROM issue_entry e WHERE e.issue = issue.id), note, told, pruned`

func scanIssue(rows *sql.Rows) (*Issue, error) {
	var i Issue
	var content, pruned []byte
	var frozen, finished, told sql.NullInt64
	err := rows.Scan(&i.Ref, &i.State, &i.Reason, &frozen, &finished, &i.Parts.Subject, &content, &i.Parts.Text, &i.Parts.HTML, &i.Withdrawn,
		&i.Note, &told, &pruned)
	if err != nil {
		return nil, err
	}
	i.Frozen, i.Finished, i.Told = fromUnix(frozen), fromUnix(finished), fromUnix(told)
	if err := json.Unmarshal(pruned, &i.Counts); err != nil {
		return nil, err
	}
	for _, n := range i.Counts {
		i.Pruned += n
	}
	return &i, json.Unmarshal(content, &i.Issue)
}

// Issues gives the issues of a digest, newest first, at most limit.
func (s *Store) Issues(ctx context.Context, id string, limit int) ([]*Issue, error) {
	found, err := s.issues(ctx, `digest = ? ORDER BY number DESC LIMIT ?`, id, limit)
	if err != nil {
		return nil, fmt.Errorf("reading the issues of digest %s: %w", id, err)
	}
	return found, nil
}

// IssuedDigests gives the digests that have issues for readers (Issue.Public), by id, with the title of the newest.
func (s *Store) IssuedDigests(ctx context.Context) ([]digest.Digest, error) {
	found, err := collect(ctx, s.db, func(rows *sql.Rows) (d digest.Digest, err error) {
		var newest int
		err = rows.Scan(&d.ID, &newest, &d.Title)
		return d, err
	}, `SELECT digest, max(number), coalesce(content ->> '$.Title', '') FROM issue
		WHERE state <> 'draft' AND NOT (state = 'cancelled' AND NOT EXISTS (SELECT 1 FROM issue_entry e WHERE e.issue = issue.id))
		GROUP BY digest ORDER BY digest`)
	if err != nil {
		return nil, fmt.Errorf("reading which digests have issues: %w", err)
	}
	return found, nil
}

// OpenIssues gives the issues of a digest that have not ended, and those with deliveries in doubt, newest first.
func (s *Store) OpenIssues(ctx context.Context, id string) ([]*Issue, error) {
	found, err := s.issues(ctx, `digest = ? AND (state NOT IN ('done', 'cancelled') OR EXISTS (
		SELECT 1 FROM delivery d WHERE d.issue = issue.id AND d.state = 'in_doubt')) ORDER BY number DESC`, id)
	if err != nil {
		return nil, fmt.Errorf("reading the open issues of digest %s: %w", id, err)
	}
	return found, nil
}

// Issue gives one issue of a digest, or ErrNotFound.
func (s *Store) Issue(ctx context.Context, id string, number int) (*Issue, error) {
	return s.oneIssue(ctx, fmt.Sprintf("issue %d of digest %s", number, id), `digest = ? AND number = ?`, id, number)
}

// IssueByRef gives one issue by its row, or ErrNotFound.
func (s *Store) IssueByRef(ctx context.Context, ref int64) (*Issue, error) {
	return s.oneIssue(ctx, fmt.Sprintf("the issue in row %d", ref), `id = ?`, ref)
}

func (s *Store) oneIssue(ctx context.Context, what, where string, args ...any) (*Issue, error) {
	found, err := s.issues(ctx, where, args...)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", what, err)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s: %w", what, ErrNotFound)
	}
	return found[0], nil
}

// issues reads issues and their counts as they are at one moment: rows that are pruned meanwhile are counted once.
func (s *Store) issues(ctx context.Context, where string, args ...any) ([]*Issue, error) {
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	found, err := collect(ctx, tx, scanIssue, `SELECT `+issueColumns+` FROM issue WHERE `+where, args...)
	if err != nil {
		return nil, err
	}
	for _, i := range found {
		counts, err := countDeliveries(ctx, tx, i.Ref)
		if err != nil {
			return nil, err
		}
		for state, n := range counts {
			i.Counts[state] += n
		}
	}
	return found, nil
}
