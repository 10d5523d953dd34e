package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"linkletter/feed/digest"
)

// bounceKeySize is that of HMAC-SHA256's keys.
const bounceKeySize = 32

// BounceKeys are the keys of the marks in envelope senders, made at the first call.
func (s *Store) BounceKeys(ctx context.Context) (digest.BounceKeys, error) {
	keys := digest.BounceKeys{Key: make([]byte, bounceKeySize)}
	rand.Read(keys.Key)
	fresh, err := json.Marshal(keys)
	if err != nil {
		return keys, err
	}
	kept, err := s.setting(ctx, "bounce_keys", fresh)
	if err != nil {
		return keys, fmt.Errorf("reading the key of bounce addresses: %w", err)
	}
	return readBounceKeys(kept)
}

// RotateBounceKeys makes a new key for the marks in envelope senders. Those of the one before it stay good, and those of any
// before that do not. What is being sent takes the new one from the next run on.
func (s *Store) RotateBounceKeys(ctx context.Context) (keys digest.BounceKeys, err error) {
	if _, err := s.BounceKeys(ctx); err != nil { // there is one now
		return keys, err
	}
	next := make([]byte, bounceKeySize)
	rand.Read(next)
	err = s.tx(ctx, func(tx *sql.Tx, _ time.Time) error {
		var kept []byte
		if err := tx.QueryRowContext(ctx, `SELECT value FROM setting WHERE name = 'bounce_keys'`).Scan(&kept); err != nil {
			return err
		}
		if keys, err = readBounceKeys(kept); err != nil {
			return err
		}
		keys = digest.BounceKeys{Generation: keys.Generation + 1, Key: next, Previous: keys.Key}
		value, err := json.Marshal(keys)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE setting SET value = ? WHERE name = 'bounce_keys'`, value)
		return err
	})
	if err != nil {
		return digest.BounceKeys{}, fmt.Errorf("changing the key of bounce addresses: %w", err)
	}
	return keys, nil
}

func readBounceKeys(kept []byte) (keys digest.BounceKeys, err error) {
	if err := json.Unmarshal(kept, &keys); err != nil || len(keys.Key) != bounceKeySize {
		return keys, fmt.Errorf("the kept key of bounce addresses cannot be read (%v)", err)
	}
	return keys, nil
}
