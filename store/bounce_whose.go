package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
)

// IssueRow gives the row of a digest's issue, or ErrNotFound.
func (s *Store) IssueRow(ctx context.Context, digest string, number int) (ref int64, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT id FROM issue WHERE digest = ? AND number = ?`, digest, number).Scan(&ref)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("issue %d of digest %s: %w", number, digest, ErrNotFound)
	}
	if err != nil {
		return 0, fmt.Errorf("looking for issue %d of digest %s: %w", number, digest, err)
	}
	return ref, nil
}

// IssueDigest gives the digest of an issue by its row, or ErrNotFound.
func (s *Store) IssueDigest(ctx context.Context, ref int64) (id string, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT digest FROM issue WHERE id = ?`, ref).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("the issue in row %d: %w", ref, ErrNotFound)
	}
	if err != nil {
		return "", fmt.Errorf("looking for the issue in row %d: %w", ref, err)
	}
	return id, nil
}

// SubscriberID gives the subscriber with a key, as NormalizeAddress gives it, or 0.
func (s *Store) SubscriberID(ctx context.Context, key string) (id int64, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT id FROM subscriber WHERE key = ?`, key).Scan(&id)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("looking for a subscriber: %w", err)
	}
	return id, nil
}

// Addressees finds among those whom an issue was sent to the one that is wanted, or gives 0. Where rows were pruned, everybody
// may have been; nobody is held in memory.
func (s *Store) Addressees(ctx context.Context, issue int64, wanted func(subscriber int64) bool) (int64, error) {
	var pruned []byte
	err := s.db.QueryRowContext(ctx, `SELECT pruned FROM issue WHERE id = ?`, issue).Scan(&pruned)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	counts := map[string]int{}
	if err == nil {
		err = json.Unmarshal(pruned, &counts)
	}
	if err != nil {
		return 0, fmt.Errorf("looking whose message it was: %w", err)
	}
	query, args := `SELECT subscriber, subscriber FROM delivery WHERE issue = ?`, []any{issue}
	if len(counts) > 0 {
		query, args = `SELECT id, id FROM subscriber`, nil
	}
	return s.find(ctx, wanted, query, args...)
}

// ConfirmationOf finds among the mails that asked for something, as long as they are known, the one that is wanted, and gives
// its subscriber; 0 where there is none, or it went to an address that is not theirs.
func (s *Store) ConfirmationOf(ctx context.Context, wanted func(confirmation int64) bool) (found bool, subscriber int64, err error) {
	subscriber, err = s.find(ctx, func(id int64) bool {
		found = wanted(id)
		return found
	}, `SELECT id, CASE kind WHEN 'take_address' THEN 0 ELSE coalesce(subscriber, 0) END FROM confirmation`)
	return found, subscriber, err
}

// find asks about the first column of each row until it is the wanted one, and gives the second.
func (s *Store) find(ctx context.Context, wanted func(int64) bool, query string, args ...any) (int64, error) {
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return 0, fmt.Errorf("looking whose message it was: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, answer int64
		if err := rows.Scan(&id, &answer); err != nil {
			return 0, fmt.Errorf("looking whose message it was: %w", err)
		}
		if wanted(id) {
			return answer, nil
		}
	}
	if err := rows.Err(); err != nil {
		return 0, fmt.Errorf("looking whose message it was: %w", err)
	}
	return 0, nil
}

// MailboxPosition is how far a mailbox was read: its name, and what its server says (RFC 3501, 2.3.1.1).
type MailboxPosition struct {
	Mailbox  string
	Validity uint32 // UIDVALIDITY: another one makes Last worthless
	Last     uint32 // the UID of the last message that was looked at
}

// MailboxPosition gives how far the mailbox of that name was read; none before is the zero position with its name.
func (s *Store) MailboxPosition(ctx context.Context, mailbox string) (MailboxPosition, error) {
	p := MailboxPosition{Mailbox: mailbox}
	var kept []byte
	err := s.db.QueryRowContext(ctx, `SELECT value FROM setting WHERE name = 'mailbox'`).Scan(&kept)
	if errors.Is(err, sql.ErrNoRows) {
		return p, nil
	}
	if err != nil {
		return p, fmt.Errorf("reading how far the mailbox was read: %w", err)
	}
	var known MailboxPosition
	if err := json.Unmarshal(kept, &known); err != nil || known.Mailbox != mailbox {
		return p, nil // another mailbox: it is read from its beginning, and what is known counts no more
	}
	return known, nil
}

// SetMailboxPosition keeps how far a mailbox was read.
func (s *Store) SetMailboxPosition(ctx context.Context, p MailboxPosition) error {
	value, err := json.Marshal(p)
	if err != nil {
		return err
	}
	_, err = s.db.ExecContext(ctx, `INSERT INTO setting (name, value) VALUES ('mailbox', ?)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`, value)
	if err != nil {
		return fmt.Errorf("keeping how far the mailbox was read: %w", s.explain(err))
	}
	return nil
}
