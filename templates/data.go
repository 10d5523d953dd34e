package templates

import (
	"slices"
	"time"

	"linkletter/feed"
	"linkletter/feed/curated"
	"linkletter/feed/digest"
)

// Site is what every page and mail knows.
type Site struct {
	feed.Site
	Title   string
	Imprint string // the operator's name and postal address, plain text; may be empty
	Forms   bool   // a program answers under /-/
	Digests []DigestLink
}

// DigestLink is a digest one can subscribe to.
type DigestLink struct {
	ID    string
	Title string
	When  string // "every Monday at 09:00 UTC"
}

// Entry is an entry as a page shows it. The HTML of summary and quote was sanitised when the list was read.
type Entry struct {
	curated.Entry
	In        []SectionLink // the sections it stands in
	Published time.Time
	List      string // id; shown, by ListTitle, on pages about several lists
	ListTitle string
	// AddedBy names who added it to the list, and AddedIn is the address of the commit; both empty where that is not known.
	AddedBy, AddedIn string
	// Anchor is the entry's id in the pages of its list and sections, unique in each: they are linked to as #Anchor. Empty:
	// none.
	Anchor string
}

// SectionLink is a section and where its page is.
type SectionLink struct {
	Slug  string
	Label string // "Outer › Inner"
	Count int    // entries standing in it
	Depth int    // 0 for a top section
}

// ListLink is a list on the landing page.
type ListLink struct {
	ID          string
	Title       string
	Description string
	Lang        string // language of the list's texts (BCP 47), or empty
	Entries     int
	Checked     time.Time // the last good check; zero: not yet
	Failing     time.Time // since when the list cannot be read; zero: it can
	Newest      []Entry   // the newest few
	Baseline    bool      // Newest is the baseline: what the list held when watching began
	Brief       bool      // one of very many: only its name is shown
}

// Landing is index.html.
type Landing struct {
	Site  Site
	Lists []ListLink
}

// Named says whether the page has a table of its lists: when there are several, and not so many that the page is one itself.
func (l Landing) Named() bool {
	return len(l.Lists) > 1 && !slices.ContainsFunc(l.Lists, func(l ListLink) bool { return l.Brief })
}

// Day is the entries announced on one day.
type Day struct {
	Date    time.Time
	Entries []Entry
}

// ListPage is LIST/index.html.
type ListPage struct {
	Site        Site
	ID          string
	Title       string
	Description string
	Lang        string // language of the list's texts (BCP 47), or empty
	Page        string // where people read the list, or empty
	Entries     int
	Checked     time.Time // the last good check; zero: not yet
	Failing     time.Time // since when the list cannot be read; zero: it can
	Late        bool      // it should have been checked since
	Held        []string  // what the guard holds, in words for readers
	News        []Day     // newest first
	Baseline    bool      // News is the baseline: what the list held when watching began
	Sections    []SectionLink
	Changes     bool   // the list has a feed of changes and removals, too
	Archive     int    // number of the newest archive of its feed (RFC 5005); 0: there is none
	Rights      string // under what terms the list's texts may be used, plain text; may be empty
}

// SectionPage is LIST/sections/SLUG/index.html.
type SectionPage struct {
	Site    Site
	List    ListLink
	Section SectionLink
	Lang    string // language of the list's texts (BCP 47), or empty
	Path    []string
	News    []Day   // announced in this section
	Entries []Entry // all that stand in it, in list order; they have the anchors
}

// DigestPage is digests/DIGEST/index.html.
type DigestPage struct {
	Site   Site
	Digest DigestLink
	Ended  bool        // no more issues appear
	Issues []IssueLink // newest first
}

// IssueLink is an issue in a digest's index.
type IssueLink struct {
	Number int
	Date   time.Time
	Count  int
	Titles []string // of the first few entries
}

// IssuePage is an issue as a page: what the mail shows, without the personal parts.
type IssuePage struct {
	Site  Site
	Issue *digest.Issue
	Note  string // the editor's, Markdown; may be empty
}

// IssueMail is an issue as a message.
type IssueMail struct {
	Site  Site
	Issue *digest.Issue
	// Unsubscribe is the reader's own link; the sender passes a mark and puts each subscriber's link in its place.
	Unsubscribe string
	// Preferences is where the reader decides what they get, passed in like Unsubscribe.
	Preferences string
	// SelectedFrom is how many entries the issue has of which this is a selection, those that the reader chose; 0: it is the whole
	// issue.
	SelectedFrom int
	Note         string // the editor's, Markdown; may be empty
	// Since is when the time began that an issue without a number is about: one that nobody is subscribed to and that has no
	// page. Page is where people read its list, or empty, and UpTo the commit that it goes up to, which its Markdown keeps in a
	// comment.
	Since      time.Time
	Page, UpTo string
}

// ConfirmationMail asks whether a subscription was meant.
type ConfirmationMail struct {
	Site    Site
	Digest  DigestLink
	Confirm string // the link
	Expires time.Time
}

// ActMail asks whether something was meant that nobody shall do who only has somebody's mail.
type ActMail struct {
	Site    Site
	Kind    string // leave_address, take_address, data or forget
	Address string // of take_address: where the mail goes yet, masked
	Other   string // of leave_address and take_address: where it shall go
	Link    string
	Expires time.Time
}

// ActPage is the page that such a mail leads to: it says what will happen, and its button does it.
type ActPage struct {
	Site    Site
	Kind    string // as in ActMail
	Address string // whom it is about; of take_address, masked
	Other   string // as in ActMail
	Action  string // where the form is sent
}

// Mail is a rendered message: both alternatives and the subject.
type Mail struct {
	Subject string
	Text    string
	HTML    string
}

// Form is a page under /-/: sign-up, confirm, unsubscribe.
type Form struct {
	Site    Site
	Digest  DigestLink // of confirm and unsubscribe
	Digests []DigestLink
	Address string // as typed, when a form is shown again
	Problem string // what was wrong with it
	Action  string // where the form is sent: a path, so that it works under every name of the host

	// Of unsubscribe: where one chooses what one gets, and asks for a pause; empty: that cannot be done.
	Preferences string
	Pause       PauseDates
}

// Notice is a page that only says something: done, not found, too many.
type Notice struct {
	Site  Site
	Title string
	Text  string
	// Preferences is where the reader can undo or refine what was done: a path; empty where there is nothing.
	Preferences string
}
