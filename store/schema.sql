-- The store's schema, whole and as it is now. A new database is made from this file; an older one gets there through the
-- migrations in migrate.go, and a test compares the two.
--
-- Times are whole seconds since 1970-01-01 UTC. NULL means "not yet". JSON columns hold arrays or objects, never NULL.

-- What must outlive every restart: the HMAC secret that signs links and Message-IDs, the host in permanent ids, how the hub
-- is doing, and when a publication began whose feeds are not noted for it yet.
CREATE TABLE setting (
	name  TEXT PRIMARY KEY,
	value BLOB NOT NULL
) STRICT;

-- Only one scheduler or sender works on a store. The holder renews its row; a lapsed row is free.
CREATE TABLE lease (
	name    TEXT PRIMARY KEY,
	owner   TEXT NOT NULL,              -- random, one per process
	command TEXT NOT NULL,              -- who holds it: "serve", "digest send"
	pid     INTEGER NOT NULL,
	host    TEXT NOT NULL,
	expires INTEGER NOT NULL
) STRICT;

-- What is wrong now and concerns no single list: it is seen in status until it is mended.
CREATE TABLE trouble (
	what  TEXT PRIMARY KEY,             -- mail, confirmations, mailbox, publish, hub
	text  TEXT NOT NULL,
	since INTEGER NOT NULL
) STRICT;

-- Work that another command hands to the running scheduler.
CREATE TABLE request (
	id       INTEGER PRIMARY KEY AUTOINCREMENT,
	kind     TEXT NOT NULL CHECK (kind IN ('check', 'accept', 'dismiss', 'send', 'publish')),
	subject  TEXT NOT NULL,             -- a list's or a digest's id; empty: all
	created  INTEGER NOT NULL,
	started  INTEGER,
	finished INTEGER,
	result   TEXT NOT NULL DEFAULT '',  -- JSON, the shape depends on kind
	error    TEXT NOT NULL DEFAULT ''
) STRICT;

-- A list as of its newest check.
CREATE TABLE list (
	id          TEXT PRIMARY KEY,
	title       TEXT NOT NULL DEFAULT '',   -- the document's own
	tag         TEXT NOT NULL DEFAULT '',   -- host in the ids of its entries and feed; kept from the first check on
	began       INTEGER,                    -- the baseline check
	checked     INTEGER,                    -- the newest check, whatever it found
	changed     INTEGER,                    -- the newest check that found other bytes
	validators  TEXT NOT NULL DEFAULT '{}', -- what the source wants back to say "unchanged"
	hash        TEXT NOT NULL DEFAULT '',   -- SHA-256 of the newest bytes taken in
	reader      INTEGER NOT NULL DEFAULT 0, -- curated.Version that read them: a better reader finds old entries, not news
	entries     INTEGER NOT NULL DEFAULT 0, -- of the newest snapshot taken in
	links       INTEGER NOT NULL DEFAULT 0,
	moved       TEXT NOT NULL DEFAULT '',   -- where the source says that it is for good
	error       TEXT NOT NULL DEFAULT '',   -- why the newest check failed; without one, the next five columns mean nothing
	error_since INTEGER,                    -- the first failed check in a row
	failures    INTEGER NOT NULL DEFAULT 0, -- how many in a row
	good        INTEGER,                    -- the newest check before them
	retry       INTEGER,                    -- the schedule does not try again before
	reported    INTEGER NOT NULL DEFAULT 0, -- 1: the operator was told that it lasts
	published   TEXT NOT NULL DEFAULT '',   -- what its files were made from the last time; the publisher's to understand
	named       TEXT NOT NULL DEFAULT ''    -- the id that its feeds' permanent ids are made of; empty: its own, which it always had
) STRICT;

-- One row per check that found other bytes; of a list in git, one per revision.
CREATE TABLE snapshot (
	id       INTEGER PRIMARY KEY AUTOINCREMENT,
	list     TEXT NOT NULL REFERENCES list (id),
	checked  INTEGER NOT NULL,
	hash     TEXT NOT NULL,
	revision TEXT NOT NULL DEFAULT '',  -- the commit, in full
	silent   INTEGER NOT NULL DEFAULT 0,-- 1: announced to nobody: its message asks for that, or a newer parser read the list differently
	entries  INTEGER NOT NULL,
	links    INTEGER NOT NULL,
	added    INTEGER NOT NULL,
	removed  INTEGER NOT NULL,
	changed  INTEGER NOT NULL,
	UNIQUE (list, checked, id)
) STRICT;

-- What the guard holds, until somebody decides or it resolves itself.
CREATE TABLE hold (
	id       INTEGER PRIMARY KEY AUTOINCREMENT,
	list     TEXT NOT NULL REFERENCES list (id),
	kind     TEXT NOT NULL CHECK (kind IN ('added', 'removed', 'unreadable')),
	reason   TEXT NOT NULL,
	count    INTEGER NOT NULL,          -- entries it is about
	checks   INTEGER NOT NULL DEFAULT 1,-- how many checks in a row said the same
	since    INTEGER NOT NULL,
	ended    INTEGER,
	outcome  TEXT NOT NULL DEFAULT ''   -- accepted, dismissed, resolved
) STRICT;
CREATE UNIQUE INDEX hold_open ON hold (list, kind) WHERE ended IS NULL;

-- One resource of one list, for ever: an entry that left keeps its row (gone is set) and is not new when it returns.
CREATE TABLE entry (
	id           INTEGER PRIMARY KEY,
	list         TEXT NOT NULL REFERENCES list (id),
	atom_id      TEXT NOT NULL UNIQUE,  -- RFC 4287, 4.2.6: minted once, never changed
	state        TEXT NOT NULL CHECK (state IN ('baseline', 'announced', 'silent', 'quarantined')),
	url          TEXT NOT NULL,         -- as written
	title        TEXT NOT NULL,
	detail       TEXT NOT NULL,         -- JSON: the whole curated.Entry, as it was last seen
	position     INTEGER NOT NULL,      -- order in the list
	published    INTEGER NOT NULL,      -- first seen, or its commit's date; never changes; unique within the list
	updated      INTEGER NOT NULL,      -- last changed in substance
	announced    INTEGER,               -- when it became news; NULL for the rest
	gone         INTEGER,               -- NULL while it stands in the list
	hidden       INTEGER,               -- when the operator took it out of feeds and coming issues; NULL: it is not
	missing      INTEGER NOT NULL DEFAULT 0, -- checks in a row that did not see it while its removal is held
	revision     TEXT NOT NULL DEFAULT '', -- the commit that brought it, in full; empty: not known
	added_by     TEXT NOT NULL DEFAULT '', -- that commit's author, by name
	revision_url TEXT NOT NULL DEFAULT '', -- where people read that commit
	archive      INTEGER,               -- the full archive document (RFC 5005) that it is in; NULL: none yet
	UNIQUE (list, published)
) STRICT;
CREATE INDEX entry_announced ON entry (list, announced) WHERE announced IS NOT NULL;

CREATE INDEX entry_news ON entry (announced) WHERE state = 'announced';
CREATE INDEX entry_first ON entry (published) WHERE state = 'baseline';

-- The dates of entries in the feed of all lists, where no two are the same: within a list they never are, but lists are
-- checked in one second.
CREATE TABLE apart (
	entry INTEGER NOT NULL REFERENCES entry (id),
	date  INTEGER NOT NULL,             -- published or updated
	at    INTEGER NOT NULL UNIQUE,      -- what it is there
	PRIMARY KEY (entry, date)
) STRICT, WITHOUT ROWID;

-- The full archive documents of a list's feed (RFC 5005, 4), which never change: what they hold is kept as it was.
CREATE TABLE archive (
	list    TEXT NOT NULL REFERENCES list (id),
	number  INTEGER NOT NULL,           -- from 1, the oldest
	content TEXT NOT NULL,              -- JSON, the publisher's to understand
	PRIMARY KEY (list, number)
) STRICT, WITHOUT ROWID;

-- Feeds whose hub (WebSub) is still to be told that they changed.
CREATE TABLE ping (
	topic    TEXT PRIMARY KEY,          -- the feed's address
	since    INTEGER NOT NULL,          -- the newest publication that it is to be told of
	attempts INTEGER NOT NULL DEFAULT 0,
	next     INTEGER NOT NULL           -- not before
) STRICT;

-- Every canonical URL an entry has stood under. The first one made its id.
CREATE TABLE entry_key (
	list   TEXT NOT NULL REFERENCES list (id),
	key    TEXT NOT NULL,
	entry  INTEGER NOT NULL REFERENCES entry (id),
	before INTEGER REFERENCES entry (id), -- the one that had it before, for when this one is forgotten
	added  INTEGER NOT NULL,
	PRIMARY KEY (list, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX entry_key_entry ON entry_key (entry);
CREATE INDEX entry_key_before ON entry_key (before) WHERE before IS NOT NULL;

-- A section's address stays when its heading is reworded.
CREATE TABLE section (
	id       INTEGER PRIMARY KEY,
	list     TEXT NOT NULL REFERENCES list (id),
	slug     TEXT NOT NULL,
	path     TEXT NOT NULL,             -- JSON array of headings, outermost first
	position INTEGER NOT NULL,
	gone     INTEGER,
	UNIQUE (list, slug)
) STRICT;
CREATE UNIQUE INDEX section_path ON section (list, path) WHERE gone IS NULL;

CREATE TABLE entry_section (
	entry    INTEGER NOT NULL REFERENCES entry (id),
	section  INTEGER NOT NULL REFERENCES section (id),
	position INTEGER NOT NULL,          -- 0 is where the entry stands first
	direct   INTEGER NOT NULL,          -- 1: under this very heading; 0: under a heading below it
	PRIMARY KEY (entry, section)
) STRICT, WITHOUT ROWID;
CREATE INDEX entry_section_section ON entry_section (section);

-- What each check changed. before is the entry as it was (JSON), empty for an addition.
CREATE TABLE change (
	id       INTEGER PRIMARY KEY AUTOINCREMENT,
	snapshot INTEGER NOT NULL REFERENCES snapshot (id),
	entry    INTEGER NOT NULL REFERENCES entry (id),
	kind     TEXT NOT NULL CHECK (kind IN ('added', 'removed', 'changed', 'returned')),
	what     TEXT NOT NULL DEFAULT '[]',-- JSON: title, url, summary, section
	before   TEXT NOT NULL DEFAULT '',
	at       INTEGER                    -- its date in the feed of changes, unique within the list; NULL: it is in none
) STRICT;
CREATE INDEX change_snapshot ON change (snapshot);
CREATE INDEX change_entry ON change (entry);
CREATE INDEX change_at ON change (at) WHERE at IS NOT NULL;

-- A digest's own clock.
CREATE TABLE digest (
	id  TEXT PRIMARY KEY,
	ran INTEGER NOT NULL                -- the newest scheduled time that was attended to
) STRICT;

-- The lists a digest is of, as configured. What a list announced before it joined is not the digest's news.
CREATE TABLE digest_list (
	digest TEXT NOT NULL REFERENCES digest (id),
	list   TEXT NOT NULL,               -- may not have been checked yet
	began  INTEGER NOT NULL,
	PRIMARY KEY (digest, list)
) STRICT, WITHOUT ROWID;

-- One numbered number of a digest, frozen: what it holds and how it reads never changes.
CREATE TABLE issue (
	id       INTEGER PRIMARY KEY AUTOINCREMENT,
	digest   TEXT NOT NULL REFERENCES digest (id),
	number   INTEGER NOT NULL,
	period   TEXT NOT NULL,             -- the scheduled time it stands for, RFC 3339
	state    TEXT NOT NULL CHECK (state IN ('draft', 'sending', 'paused', 'done', 'cancelled')),
	reason   TEXT NOT NULL DEFAULT '',  -- why it is paused or cancelled
	frozen   INTEGER NOT NULL,
	finished INTEGER,
	subject  TEXT NOT NULL,
	content  TEXT NOT NULL,             -- JSON: a digest.Issue
	text     TEXT NOT NULL,             -- rendered parts, with marks where a subscriber's own links go
	html     TEXT NOT NULL,
	note     TEXT NOT NULL DEFAULT '',  -- the editor's, Markdown
	told     INTEGER,                   -- when the draft was mailed to the operator
	pruned   TEXT NOT NULL DEFAULT '{}',-- JSON: how many deliveries were in which state when their rows were pruned
	UNIQUE (digest, number),
	UNIQUE (digest, period)
) STRICT;

CREATE TABLE issue_entry (
	digest   TEXT NOT NULL REFERENCES digest (id),
	entry    INTEGER NOT NULL REFERENCES entry (id),
	issue    INTEGER NOT NULL REFERENCES issue (id),
	position INTEGER NOT NULL,
	PRIMARY KEY (digest, entry)         -- an entry is in exactly one issue of a digest
) STRICT, WITHOUT ROWID;
CREATE INDEX issue_entry_issue ON issue_entry (issue);

CREATE TABLE subscriber (
	id      INTEGER PRIMARY KEY AUTOINCREMENT,
	address TEXT NOT NULL,              -- as given, for the To field
	key     TEXT NOT NULL UNIQUE,       -- lower case, domain in A-labels: one person, one row
	hash    TEXT NOT NULL DEFAULT '',   -- of key, as suppression has it
	created INTEGER NOT NULL,
	paused  INTEGER,                    -- nothing is sent before; NULL: not paused
	moved   INTEGER                     -- when the address last changed; NULL: never
) STRICT;
CREATE INDEX subscriber_paused ON subscriber (paused) WHERE paused IS NOT NULL;

-- One subscriber's subscription to one digest.
CREATE TABLE subscription (
	subscriber INTEGER NOT NULL REFERENCES subscriber (id),
	digest     TEXT NOT NULL,
	state      TEXT NOT NULL CHECK (state IN ('pending', 'confirmed', 'unsubscribed')),
	origin     TEXT NOT NULL,           -- form, import, operator
	created    INTEGER NOT NULL,
	confirmed  INTEGER,
	ended      INTEGER,
	nonce      TEXT NOT NULL DEFAULT '',-- of the newest confirmation link; empty once used
	PRIMARY KEY (subscriber, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX subscription_digest ON subscription (digest, state);

-- What a subscriber wants of a digest: a section, with what stands under it, or a whole list. No rows: everything, also what
-- comes to be later.
CREATE TABLE choice (
	subscriber INTEGER NOT NULL REFERENCES subscriber (id),
	digest     TEXT NOT NULL,
	list       TEXT NOT NULL,
	section    INTEGER NOT NULL DEFAULT 0, -- section.id; 0: the whole list
	PRIMARY KEY (subscriber, digest, list, section)
) STRICT, WITHOUT ROWID;
CREATE INDEX choice_digest ON choice (digest, subscriber);

-- Who must not be written to, as a keyed hash of subscriber.key: it outlives the subscriber. Those who went themselves
-- ('unsubscribe') may come back, with the form.
CREATE TABLE suppression (
	hash    TEXT PRIMARY KEY,
	reason  TEXT NOT NULL CHECK (reason IN ('bounce', 'complaint', 'operator', 'unsubscribe')),
	created INTEGER NOT NULL
) STRICT;

-- A mail that asks whether something was meant, which is to be sent, and the count that limits how many are: a subscription,
-- or what nobody shall do who only has somebody's mail.
CREATE TABLE confirmation (
	id         INTEGER PRIMARY KEY AUTOINCREMENT,
	subscriber INTEGER REFERENCES subscriber (id), -- NULL: it only counts for the limits
	kind       TEXT NOT NULL DEFAULT 'subscribe' CHECK (kind IN (
	           'subscribe',             -- to the subscriber
	           'leave_address',         -- to the subscriber: shall another address take its place?
	           'take_address',          -- to that other address
	           'data', 'forget')),      -- to the subscriber
	digest     TEXT NOT NULL,           -- of a subscription; empty for the rest
	address    TEXT NOT NULL DEFAULT '',-- the other one
	key        TEXT NOT NULL,           -- as subscriber.key, of the address that the mail goes to; its hash once they are forgotten
	nonce      TEXT NOT NULL DEFAULT '',-- of the link, but for a subscription's; empty once used
	origin     TEXT NOT NULL,           -- keyed hash of the client's address; empty after a day
	created    INTEGER NOT NULL,
	attempts   INTEGER NOT NULL DEFAULT 0,
	next       INTEGER,                 -- NULL: done, or given up
	sent       INTEGER,
	error      TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX confirmation_next ON confirmation (next) WHERE next IS NOT NULL;
CREATE INDEX confirmation_created ON confirmation (created);
CREATE INDEX confirmation_key ON confirmation (key, created);
CREATE INDEX confirmation_subscriber ON confirmation (subscriber);

-- What came back: a report that a message was not delivered, or a complaint about one.
CREATE TABLE bounce (
	id         INTEGER PRIMARY KEY AUTOINCREMENT,
	report     TEXT NOT NULL UNIQUE,    -- what names it: one that is read twice counts once
	subscriber INTEGER NOT NULL REFERENCES subscriber (id),
	issue      INTEGER NOT NULL,        -- its row; 0: a confirmation mail, or not known
	kind       TEXT NOT NULL CHECK (kind IN ('hard', 'soft', 'complaint')),
	proven     INTEGER NOT NULL,        -- 1: it bears something that only our message had; 0: an address alone, which anybody can write
	status     TEXT NOT NULL DEFAULT '',-- RFC 3463
	reply      TEXT NOT NULL DEFAULT '',-- what the server said
	received   INTEGER NOT NULL
) STRICT;
CREATE INDEX bounce_subscriber ON bounce (subscriber, received);
CREATE INDEX bounce_received ON bounce (received);

-- What those get of an issue who chose sections: some of its entries. Rendered when it is sent.
CREATE TABLE selection (
	id      INTEGER PRIMARY KEY AUTOINCREMENT,
	issue   INTEGER NOT NULL REFERENCES issue (id),
	entries TEXT NOT NULL,              -- JSON array of entry.id, in the issue's order
	UNIQUE (issue, entries)
) STRICT;

-- One issue to one subscriber: pending → claimed → committing → sent | deferred | failed | suppressed | in_doubt | cancelled.
CREATE TABLE delivery (
	id         INTEGER PRIMARY KEY AUTOINCREMENT,
	issue      INTEGER NOT NULL REFERENCES issue (id),
	subscriber INTEGER NOT NULL REFERENCES subscriber (id),
	state      TEXT NOT NULL DEFAULT 'pending'
	           CHECK (state IN ('pending', 'claimed', 'committing', 'sent', 'deferred', 'failed', 'suppressed', 'in_doubt', 'cancelled')),
	attempts   INTEGER NOT NULL DEFAULT 0,
	next       INTEGER NOT NULL DEFAULT 0,  -- not before; in_doubt with 0: never
	lease      INTEGER,                     -- a claim's end
	owner      TEXT NOT NULL DEFAULT '',    -- who claimed it
	updated    INTEGER NOT NULL,
	message    BLOB,                        -- the finished bytes, from the intent to the reply
	doubts     INTEGER NOT NULL DEFAULT 0,  -- tries that ended between the dot and the reply
	policy     INTEGER NOT NULL DEFAULT 0,  -- a RefusedFor. 1: failed for what we are, and tried again after any pause;
	                                        -- 2, 3: for itself, and again when most of its issue is refused
	reply      TEXT NOT NULL DEFAULT '',    -- the server's, or what went wrong
	selection  INTEGER REFERENCES selection (id), -- NULL: the whole issue
	UNIQUE (issue, subscriber)
) STRICT;
CREATE INDEX delivery_due ON delivery (issue, state, next);
CREATE INDEX delivery_selection ON delivery (selection) WHERE selection IS NOT NULL;
