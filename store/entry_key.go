package store

import "linkletter/feed/curated"

// remember keeps an address an entry has stood under. The last entry to stand under it has it: it may have been passed on.
func (r *recorder) remember(ref int64, address string) error {
	return r.exec(`INSERT INTO entry_key (list, key, entry, added) VALUES (?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET entry = excluded.entry, added = excluded.added,
			before = CASE WHEN entry = excluded.entry THEN before ELSE entry END`,
		r.list, curated.CanonicalURL(address), ref, r.now.Unix())
}

// forget takes back an entry that left while it was held: nobody was told of it, and should it come again, it is new.
func (r *recorder) forget(ref int64) error {
	for _, statement := range []string{
		`UPDATE entry_key SET before = NULL WHERE before = ?`,
		`UPDATE entry_key SET entry = before, before = NULL WHERE entry = ? AND before IS NOT NULL`,
		`DELETE FROM change WHERE entry = ?`, `DELETE FROM entry_section WHERE entry = ?`,
		`DELETE FROM apart WHERE entry = ?`, `DELETE FROM entry_key WHERE entry = ?`, `DELETE FROM entry WHERE id = ?`,
	} {
		if err := r.exec(statement, ref); err != nil {
			return err
		}
	}
	return nil
}
