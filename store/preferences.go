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

// ErrNoSection says that a section was chosen that its list never had.
var ErrNoSection = errors.New("no such section")

// Choice is a part of a digest that somebody wants: a section, with what stands under it, or a whole list.
type Choice struct {
	List    string // id
	Section string // slug; empty: the whole list, also what comes to be later
}

// Preferences are where somebody stands, and what they want to get.
type Preferences struct {
	Subscriber
	Paused  time.Time           // nothing is sent before; zero: not paused, or not any more
	Choices map[string][]Choice // by digest; none: everything, also what comes to be later
}

// Subscription gives the subscription to a digest; one that never was has no state.
func (p *Preferences) Subscription(digest string) Subscription {
	i := slices.IndexFunc(p.Subscriptions, func(n Subscription) bool { return n.Digest == digest })
	if i < 0 {
		return Subscription{Digest: digest}
	}
	return p.Subscriptions[i]
}

// Preferences gives a subscriber's preferences, or ErrNotFound.
func (s *Store) Preferences(ctx context.Context, subscriber int64) (*Preferences, error) {
	found, err := s.Subscriber(ctx, subscriber)
	if err != nil {
		return nil, err
	}
	p := &Preferences{Subscriber: *found, Choices: map[string][]Choice{}}
	var paused sql.NullInt64
	err = s.db.QueryRowContext(ctx, `SELECT paused FROM subscriber WHERE id = ?`, subscriber).Scan(&paused)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound // forgotten between the two
	}
	if err != nil {
		return nil, fmt.Errorf("reading the preferences of subscriber %d: %w", subscriber, err)
	}
	if until := fromUnix(paused); until.After(s.now()) {
		p.Paused = until
	}
	type row struct {
		digest string
		Choice
	}
	rows, err := collect(ctx, s.db, func(rows *sql.Rows) (r row, err error) {
		err = rows.Scan(&r.digest, &r.List, &r.Section)
		return r, err
	}, `SELECT c.digest, c.list, coalesce(s.slug, '') FROM choice c LEFT JOIN section s ON s.id = c.section
		WHERE c.subscriber = ? ORDER BY c.digest, c.list, s.position, s.id`, subscriber)
	if err != nil {
		return nil, fmt.Errorf("reading the choices of subscriber %d: %w", subscriber, err)
	}
	for _, r := range rows {
		p.Choices[r.digest] = append(p.Choices[r.digest], r.Choice)
	}
	return p, nil
}

// ListSections are the sections of a list that one can choose from, in its order: those that hold entries, and those that a
// subscriber chose already, also when nothing stands in them now. The title is the list's own.
func (s *Store) ListSections(ctx context.Context, list string, subscriber int64) (title string, sections []Section, err error) {
	title, err = listTitle(ctx, s.db, digest.Digest{}, list)
	if err != nil {
		return "", nil, err
	}
	sections, err = collect(ctx, s.db, func(rows *sql.Rows) (sec Section, err error) {
		var path string
		if err = rows.Scan(&sec.Slug, &path, &sec.Entries); err != nil {
			return sec, err
		}
		return sec, json.Unmarshal([]byte(path), &sec.Path)
	}, `SELECT s.slug, s.path, count(e.id) AS entries FROM section s
		LEFT JOIN entry_section es ON es.section = s.id
		LEFT JOIN entry e ON e.id = es.entry AND e.gone IS NULL AND e.state <> 'quarantined'
		WHERE s.list = ?1 GROUP BY s.id
		HAVING s.gone IS NULL AND entries > 0 OR EXISTS (SELECT 1 FROM choice c WHERE c.subscriber = ?2 AND c.list = ?1 AND c.section = s.id)
		ORDER BY s.position, s.id`, list, subscriber)
	if err != nil {
		return "", nil, fmt.Errorf("reading what can be chosen of list %s: %w", list, err)
	}
	return title, sections, nil
}

// Wish is what a subscriber wants of one digest from now on.
type Wish struct {
	Subscribed bool
	Choices    []Choice // none: everything
}

// SetPreferences does what a subscriber wishes, all or nothing: pauses them until a time (zero: not any more), ends at once
// what they do not want, and keeps their choices. A digest that they want anew is asked for as with SignUp, whose client
// and limits these are; one whose confirmation still waits for them is not asked for again. Digests without a wish stay as they are. The
// error is ErrNotFound when there is nobody, or ErrNoSection.
func (s *Store) SetPreferences(ctx context.Context, subscriber int64, paused time.Time, wishes map[string]Wish, client string, limits SignUpLimits) (done SignedUp, err error) {
	keys, err := s.keys(ctx)
	if err != nil {
		return done, err
	}
	err = s.tx(ctx, func(tx *sql.Tx, now time.Time) error {
		done = SignedUp{}
		var address, key string
		err := tx.QueryRowContext(ctx, `UPDATE subscriber SET paused = ? WHERE id = ? RETURNING address, key`,
			toUnix(paused), subscriber).Scan(&address, &key)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrNotFound
		}
		if err != nil {
			return err
		}
		var anew []string
		for _, id := range slices.Sorted(maps.Keys(wishes)) {
			wish := wishes[id]
			if !wish.Subscribed {
				if err := unsubscribe(ctx, tx, subscriber, id, now); err != nil {
					return err
				}
				continue
			}
			if err := choose(ctx, tx, subscriber, id, wish.Choices); err != nil {
				return err
			}
			n, err := readSubscription(ctx, tx, subscriber, id)
			if err != nil {
				return err
			}
			if n.State != SubscriptionConfirmed && !n.Waits(now) {
				anew = append(anew, id)
			}
		}
		if done, err = askConfirmations(ctx, tx, keys, address, key, anew, client, limits, now); err != nil {
			return err
		}
		// What could not be asked for must not be chosen of, or it would surprise whoever signs up later.
		_, err = tx.ExecContext(ctx, `DELETE FROM choice WHERE subscriber = ? AND NOT EXISTS (SELECT 1 FROM subscription n
			WHERE n.subscriber = choice.subscriber AND n.digest = choice.digest AND n.state <> 'unsubscribed')`, subscriber)
		return err
	})
	if err != nil {
		return SignedUp{}, fmt.Errorf("setting the preferences of subscriber %d: %w", subscriber, err)
	}
	return done, nil
}

// choose replaces what a subscriber chose of a digest.
func choose(ctx context.Context, tx *sql.Tx, subscriber int64, digest string, choices []Choice) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM choice WHERE subscriber = ? AND digest = ?`, subscriber, digest); err != nil {
		return err
	}
	for _, c := range choices {
		section := int64(0)
		if c.Section != "" {
			err := tx.QueryRowContext(ctx, `SELECT id FROM section WHERE list = ? AND slug = ?`, c.List, c.Section).Scan(&section)
			if errors.Is(err, sql.ErrNoRows) {
				return fmt.Errorf("section %s of list %s: %w", c.Section, c.List, ErrNoSection)
			}
			if err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO choice (subscriber, digest, list, section) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			subscriber, digest, c.List, section)
		if err != nil {
			return err
		}
	}
	return nil
}

// PauseSubscriber keeps everything from a subscriber until a time, or fails with ErrNotFound. The zero time ends a pause.
func (s *Store) PauseSubscriber(ctx context.Context, subscriber int64, until time.Time) error {
	err := s.tx(ctx, func(tx *sql.Tx, _ time.Time) error {
		err := own(tx.ExecContext(ctx, `UPDATE subscriber SET paused = ? WHERE id = ?`, toUnix(until), subscriber))
		if errors.Is(err, ErrClaimLost) {
			err = ErrNotFound
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("pausing subscriber %d: %w", subscriber, err)
	}
	return nil
}

// UnsubscribeAll ends all subscriptions of a subscriber, as Unsubscribe does with one.
func (s *Store) UnsubscribeAll(ctx context.Context, subscriber int64) error {
	err := s.tx(ctx, func(tx *sql.Tx, now time.Time) error {
		all, err := collect(ctx, tx, scanString, `SELECT digest FROM subscription WHERE subscriber = ?`, subscriber)
		if err != nil {
			return err
		}
		for _, digest := range all {
			if err := unsubscribe(ctx, tx, subscriber, digest, now); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("unsubscribing from everything: %w", err)
	}
	return nil
}
