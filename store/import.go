package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"linkletter/feed/digest"
)

// Row is a subscription outside of the store: a line of a CSV file, with what is known of its subscriber. Zero times are
// unknown.
type Row struct {
	Line      int    // of the file, for messages
	Text      string // the line as it stood there; the reader's to understand
	Address   string
	Digest    string
	State     SubscriptionState // empty: confirmed, or only suppressed
	Origin    string            // form, import or operator; empty: import
	Created   time.Time
	Confirmed time.Time
	Ended     time.Time
	Sections  []string // what they want of the digest: "list/section", or "list" for all of one; none: everything

	// Of the subscriber, the same in each of their rows.
	Paused       time.Time
	Suppressed   Reason // empty: may be written to
	SuppressedAt time.Time
	Joined       time.Time
	Moved        time.Time

	Problem error // why the reader could not read it; such a row is refused
}

// Refusal is a row that was not taken in, and why.
type Refusal struct {
	Row Row
	Why error
}

// ImportReport says what became of the rows.
type ImportReport struct {
	Read      int
	Added     int // subscriptions that are new
	Changed   int // confirmed after they were pending, ended, or suppressed
	Unchanged int
	Refused   int
}

// Import is where rows come from and who is told about them.
type Import struct {
	Digests  []string                 // ids that exist: a row for another is refused
	Lists    []string                 // ids that exist beside those that the store knows: what can be chosen of a digest
	Dry      bool                     // says what would become of the rows, and stores nothing
	Next     func() (Row, error)      // io.EOF ends; another error ends the import, what was read before stays. Called by another goroutine
	Refused  func(Refusal)            // each row not taken in, in the order of the file; may be nil
	Progress func(ImportReport) error // after each batch; an error ends the import; may be nil
}

// importBatch is how many rows one transaction takes: enough to make its commit cheap, few enough that nobody who waits
// for the database notices.
const importBatch = 20_000

// Import takes rows in, in batches that are each stored whole. It never subscribes anybody again who left, is suppressed or
// was forgotten, and an import that is repeated changes nothing, also when the first was interrupted. What somebody chose here
// stands: sections and a pause are taken of those who are new. Memory does not grow with the number of rows.
func (s *Store) Import(ctx context.Context, in Import) (report ImportReport, err error) {
	keys, err := s.keys(ctx)
	if err != nil {
		return report, err
	}
	var target importTarget
	if target, err = s.newImportTarget(ctx, in.Dry); err != nil {
		return report, fmt.Errorf("importing subscribers: %w", err)
	}
	defer func() { err = errors.Join(err, target.close(ctx)) }()
	reading, stop := context.WithCancel(ctx)
	batches := in.read(reading, keys)
	defer func() {
		stop()
		for range batches { // until the reader ended
		}
	}()
	for b := range batches {
		if err := target.batch(ctx, in, b.rows); err != nil {
			return report, fmt.Errorf("importing subscribers: %w", err)
		}
		report.add(b.rows, in.Refused)
		if in.Progress != nil {
			if err := in.Progress(report); err != nil {
				return report, err
			}
		}
		if b.err != nil && !errors.Is(b.err, io.EOF) {
			return report, fmt.Errorf("importing subscribers: %w", b.err)
		}
	}
	return report, ctx.Err()
}

// readBatch is rows that are to be stored together; err is why there are no more.
type readBatch struct {
	rows []*importRow
	err  error
}

// read reads one batch while another is being stored, until there are no more or ctx ends.
func (in Import) read(ctx context.Context, keys digest.Keys) <-chan readBatch {
	batches := make(chan readBatch)
	hash := keys.Hasher(digest.HashSuppression)
	go func() {
		defer close(batches)
		for {
			rows := make([]importRow, importBatch)
			b := readBatch{rows: make([]*importRow, 0, importBatch)}
			for len(b.rows) < importBatch && b.err == nil && ctx.Err() == nil {
				var row Row
				if row, b.err = in.Next(); b.err != nil {
					break
				}
				r := &rows[len(b.rows)]
				r.Row = row
				if r.check(in.Digests); r.why == nil {
					r.hash = hash(r.key)
				}
				b.rows = append(b.rows, r)
			}
			select {
			case batches <- b:
			case <-ctx.Done():
				return
			}
			if b.err != nil {
				return
			}
		}
	}()
	return batches
}

func (r *ImportReport) add(batch []*importRow, refused func(Refusal)) {
	for _, row := range batch {
		r.Read++
		switch row.outcome {
		case importAdded:
			r.Added++
		case importChanged:
			r.Changed++
		case importUnchanged:
			r.Unchanged++
		case importRefused:
			r.Refused++
			if refused != nil {
				refused(Refusal{Row: row.Row, Why: row.why})
			}
		}
	}
}

type importOutcome int

const (
	importRefused importOutcome = iota
	importAdded
	importChanged
	importUnchanged
)

// importRow is a row on its way in.
type importRow struct {
	Row
	key     string
	hash    string // of key, as suppressions have it
	outcome importOutcome
	why     error
}

// check looks at what can be seen without the store; why is nil when nothing speaks against the row.
func (r *importRow) check(digests []string) {
	given := r.Address
	if r.why = r.Problem; r.why != nil {
		return
	}
	if r.Address, r.key, r.why = NormalizeAddress(given); r.why != nil {
		r.Address = given
		return
	}
	switch r.State {
	case "":
		r.State = SubscriptionConfirmed
		if r.Suppressed != "" {
			r.State = importHash
		}
	case SubscriptionSuppressed: // as exports had it before they gave the reason
		r.State = SubscriptionUnsubscribed
		if r.Suppressed == "" {
			r.Suppressed = Dismissed
		}
	case SubscriptionPending, SubscriptionConfirmed, SubscriptionUnsubscribed, SubscriptionNone:
	default:
		r.why = fmt.Errorf("there is no state %q (pending, confirmed, unsubscribed, none)", r.State)
		return
	}
	if r.State == SubscriptionNone || r.State == importHash {
		r.Digest, r.Sections = "", nil
	} else if r.why = r.checkSubscription(digests); r.why != nil {
		return
	}
	switch r.Suppressed {
	case "", Bounced, Complained, Dismissed:
	case Left:
		if r.State == SubscriptionConfirmed {
			r.why = errors.New("it says that they are confirmed, and that they left and were forgotten")
		}
	default:
		r.why = fmt.Errorf("there is no reason %q to suppress (bounce, complaint, operator, unsubscribe)", r.Suppressed)
	}
}

func (r *importRow) checkSubscription(digests []string) error {
	if r.Digest == "" {
		return errors.New("no digest is named")
	}
	if !slices.Contains(digests, r.Digest) {
		return fmt.Errorf("there is no digest %q", r.Digest)
	}
	switch r.Origin {
	case "":
		r.Origin = originImport
	case originForm, originImport, originOperator:
	default:
		return fmt.Errorf("there is no origin %q (form, import, operator)", r.Origin)
	}
	return nil
}

// importTarget decides about batches of rows, and stores them or not.
type importTarget interface {
	batch(ctx context.Context, in Import, batch []*importRow) error
	close(ctx context.Context) error // also when ctx ended
}

func (s *Store) newImportTarget(ctx context.Context, dry bool) (importTarget, error) {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	begin := wetBegin
	if dry {
		begin = dryBegin
	}
	if _, err := conn.ExecContext(ctx, begin); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	if dry {
		return &dryImport{conn, s.now().UTC().Truncate(time.Second)}, nil
	}
	return &wetImport{s, conn}, nil
}

// wetImport stores rows, over a connection that has what the rows of a batch need: addresses come in no order, so that each
// is on another page of its index (48 MiB hold that of a million and more), and what a statement changes is kept in memory until
// it ends.
type wetImport struct {
	store *Store
	conn  *sql.Conn
}

const (
	wetBegin = `PRAGMA cache_size = -49152; PRAGMA temp_store = MEMORY`
	wetEnd   = `PRAGMA cache_size = -2000; PRAGMA temp_store = DEFAULT; PRAGMA shrink_memory`
)

func (w *wetImport) close(ctx context.Context) error {
	_, err := w.conn.ExecContext(context.WithoutCancel(ctx), wetEnd)
	return errors.Join(err, w.conn.Close())
}

func (w *wetImport) batch(ctx context.Context, in Import, batch []*importRow) error {
	good := slices.DeleteFunc(slices.Clone(batch), func(r *importRow) bool { return r.why != nil })
	if len(good) == 0 {
		return nil
	}
	return w.store.txOn(ctx, w.conn, func(tx *sql.Tx, now time.Time) error {
		known, err := importPeople(ctx, tx, in, good)
		if err != nil {
			return err
		}
		for _, r := range good {
			r.decide(known, now)
		}
		return known.write(ctx, tx, now)
	})
}
