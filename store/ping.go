package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Ping is a feed whose hub (WebSub) is still to be told that it changed.
type Ping struct {
	Topic    string    // the feed's address
	Since    time.Time // the newest publication that it is to be told of; the later of two in one second counts as one second later
	Attempts int       // tries before this one
}

// The settings that are kept about hubs.
const (
	settingHub       = "hub"       // JSON: a hubState
	settingPublishes = "publishes" // Unix seconds: a publication began whose feeds are not noted yet
)

// hubState is a hub that took nothing the last time. Once it takes something, it is forgotten.
type hubState struct {
	Hub   string `json:"hub"`
	Since int64  `json:"since"` // the first try in a row that failed
	Until int64  `json:"until"` // it is left alone
}

// BeginPublication says that files are about to be written that a hub is to be told of, which NotePings ends. A crash may
// come between the two: then this gives when the publication began of which nobody knows what it changed. Zero: there is none.
func (s *Store) BeginPublication(ctx context.Context, began time.Time) (interrupted time.Time, err error) {
	err = s.tx(ctx, func(tx *sql.Tx, _ time.Time) error {
		var kept string
		err := tx.QueryRowContext(ctx, `SELECT CAST(value AS TEXT) FROM setting WHERE name = ?`, settingPublishes).Scan(&kept)
		if err == nil {
			seconds, err := strconv.ParseInt(kept, 10, 64)
			interrupted = time.Unix(seconds, 0).UTC()
			return err
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO setting (name, value) VALUES (?, CAST(? AS BLOB))`, settingPublishes, strconv.FormatInt(began.Unix(), 10))
		return err
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("noting that a publication begins: %w", err)
	}
	return interrupted, nil
}

// NotePings notes feeds, by their addresses, as changed: the hub is to be told of them now. It ends what BeginPublication began.
func (s *Store) NotePings(ctx context.Context, topics []string) error {
	err := s.tx(ctx, func(tx *sql.Tx, now time.Time) error {
		for _, topic := range topics {
			// since moves even within a second, so that a try that is under way does not end what it did not know of.
			_, err := tx.ExecContext(ctx, `INSERT INTO ping (topic, since, next) VALUES (?1, ?2, ?2)
				ON CONFLICT (topic) DO UPDATE SET since = max(excluded.since, since + 1), next = excluded.next, attempts = 0`,
				topic, now.Unix())
			if err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM setting WHERE name = ?`, settingPublishes)
		return err
	})
	if err != nil {
		return fmt.Errorf("noting %d feeds for the hub: %w", len(topics), err)
	}
	return nil
}

// DuePings gives up to n feeds that a hub is to be told of now, those that wait longest first; none while the hub is left alone.
func (s *Store) DuePings(ctx context.Context, hub string, n int) ([]Ping, error) {
	now := s.now().Unix()
	state, err := readHubState(ctx, s.db, hub)
	if err != nil {
		return nil, fmt.Errorf("reading how the hub does: %w", err)
	}
	if now < state.Until {
		return nil, nil
	}
	due, err := collect(ctx, s.db, func(rows *sql.Rows) (p Ping, err error) {
		var since int64
		err = rows.Scan(&p.Topic, &since, &p.Attempts)
		p.Since = time.Unix(since, 0).UTC()
		return p, err
	}, `SELECT topic, since, attempts FROM ping WHERE next <= ? ORDER BY next, since, topic LIMIT ?`, now, n)
	if err != nil {
		return nil, fmt.Errorf("reading what the hub is to be told: %w", err)
	}
	return due, nil
}

// EndPing forgets a ping that the hub took, or that is given up, unless the feed was published again meanwhile.
func (s *Store) EndPing(ctx context.Context, p Ping) error {
	_, err := s.db.ExecContext(ctx, `DELETE FROM ping WHERE topic = ? AND since = ?`, p.Topic, p.Since.Unix())
	if err != nil {
		return fmt.Errorf("recording what the hub was told of %s: %w", p.Topic, err)
	}
	return nil
}

// PutOffPing counts a try that failed, and puts the next one off, unless the feed was published again meanwhile.
func (s *Store) PutOffPing(ctx context.Context, p Ping, next time.Time) error {
	_, err := s.db.ExecContext(ctx, `UPDATE ping SET attempts = attempts + 1, next = ? WHERE topic = ? AND since = ?`,
		next.Unix(), p.Topic, p.Since.Unix())
	if err != nil {
		return fmt.Errorf("putting off what the hub is to be told of %s: %w", p.Topic, err)
	}
	return nil
}

// DropPings gives up what was published at a time or before, and says how many feeds that are.
func (s *Store) DropPings(ctx context.Context, at time.Time) (int, error) {
	res, err := s.db.ExecContext(ctx, `DELETE FROM ping WHERE since <= ?`, at.Unix())
	if err != nil {
		return 0, fmt.Errorf("giving up what the hub was to be told: %w", err)
	}
	n, err := res.RowsAffected()
	return int(n), err
}

// HubFailed says that a hub did not answer, or asks to be left alone, and gives since when it has taken nothing.
func (s *Store) HubFailed(ctx context.Context, hub string, until time.Time) (since time.Time, err error) {
	err = s.tx(ctx, func(tx *sql.Tx, now time.Time) error {
		state, err := readHubState(ctx, tx, hub)
		if err != nil {
			return err
		}
		if state.Since == 0 {
			state = hubState{Hub: hub, Since: now.Unix()}
		}
		state.Until, since = until.Unix(), time.Unix(state.Since, 0).UTC()
		b, err := json.Marshal(state)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, settingHub, b)
		return err
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("recording that the hub failed: %w", err)
	}
	return since, nil
}

// HubWorks says that the hub took something.
func (s *Store) HubWorks(ctx context.Context) error {
	if _, err := s.db.ExecContext(ctx, `DELETE FROM setting WHERE name = ?`, settingHub); err != nil {
		return fmt.Errorf("recording that the hub works: %w", err)
	}
	return s.SetTrouble(ctx, TroubleHub, nil)
}

// ForgetHub forgets all pings and how the hub did, because none is configured any more.
func (s *Store) ForgetHub(ctx context.Context) error {
	var any bool
	err := s.db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM ping) OR EXISTS (SELECT 1 FROM setting WHERE name IN (?, ?))`,
		settingHub, settingPublishes).Scan(&any)
	if err == nil && any {
		err = s.tx(ctx, func(tx *sql.Tx, _ time.Time) error {
			if _, err := tx.ExecContext(ctx, `DELETE FROM ping`); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, `DELETE FROM setting WHERE name IN (?, ?)`, settingHub, settingPublishes)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("forgetting the hub: %w", err)
	}
	return s.SetTrouble(ctx, TroubleHub, nil)
}

// readHubState is what is known against a hub: nothing, where it took something last, or another one failed.
func readHubState(ctx context.Context, q querier, hub string) (state hubState, err error) {
	var b []byte
	err = q.QueryRowContext(ctx, `SELECT value FROM setting WHERE name = ?`, settingHub).Scan(&b)
	if errors.Is(err, sql.ErrNoRows) {
		return hubState{}, nil
	}
	if err != nil {
		return hubState{}, err
	}
	if err := json.Unmarshal(b, &state); err != nil || state.Hub != hub {
		return hubState{}, err
	}
	return state, nil
}
