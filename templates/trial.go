package templates

import (
	"time"

	"linkletter/feed"
	"linkletter/feed/curated"
	"linkletter/feed/digest"
)

// One of everything: Load tries each template on it, so that a misspelt field, even inside a range or a condition, stops
// the program at start and not on Monday morning.
var (
	trialTime   = time.Date(2026, time.January, 5, 9, 0, 0, 0, time.UTC)
	trialDigest = DigestPage{
		Site:   trialSite,
		Digest: trialSite.Digests[0],
		Issues: []IssueLink{{Number: 1, Date: trialTime, Count: 1, Titles: []string{"Title"}}},
	}
	trialSite = Site{
		Site:    feed.Site{Base: "https://example.org"},
		Title:   "Site",
		Imprint: "The Imprint, 1 Trial Street",
		Forms:   true,
		Digests: []DigestLink{{ID: "weekly", Title: "Weekly", When: "every Monday"}, {ID: "daily", Title: "Daily"}},
	}
	trialEntry = curated.Entry{
		Title: "Title", URL: "https://example.org/", Summary: "Summary", SummaryHTML: "<em>Summary</em>",
		Quote: "Quote", QuoteHTML: "Quote", Byline: "Byline", Publication: "Publication", Duration: "1 min",
		Related: []curated.Link{{Title: "Slides", URL: "https://example.org/slides"}},
	}
	trialSection = SectionPage{
		Site: trialSite, List: trialLink, Section: trialSections[0], Path: []string{"Outer", "Section"},
		Lang: "en", News: trialNews, Entries: trialNews[0].Entries,
	}
	trialSections = []SectionLink{{Slug: "section", Label: "Outer › Section", Count: 1, Depth: 1}}
	trialNews     = []Day{{Date: trialTime, Entries: []Entry{
		{Entry: trialEntry, In: trialSections, Published: trialTime, List: "list", ListTitle: "List", AddedBy: "Name", AddedIn: "https://example.org/commit", Anchor: "e-0"},
	}}}
	trialLink = ListLink{
		ID: "list", Title: "List", Description: "Description", Lang: "en", Entries: 1, Checked: trialTime, Failing: trialTime, Newest: trialNews[0].Entries,
	}
	trialLanding = Landing{Site: trialSite, Lists: []ListLink{trialLink}}
	trialList    = ListPage{
		Site: trialSite, ID: "list", Title: "List", Description: "Description", Page: "https://example.org/list",
		Entries: 1, Checked: trialTime, Failing: trialTime, Late: true, Held: []string{"Held"}, News: trialNews, Baseline: true,
		Sections: trialSections, Lang: "en", Changes: true, Archive: 1, Rights: "Rights",
	}
	trialMail = IssueMail{
		Site: trialSite, Unsubscribe: "https://example.org/-/unsubscribe/token",
		Preferences: "https://example.org/-/preferences/token", SelectedFrom: 40,
		Note: "Text\n\n# Head\n\n- Item\n\n> Quote\n\n    Code",
		Issue: &digest.Issue{Digest: "weekly", Number: 1, Title: "Weekly", Date: trialTime, Groups: []digest.Group{
			{List: "list", Heading: "Section", Items: []digest.Item{{Entry: trialEntry, List: "list", ListTitle: "List", AddedBy: "Adder", AddedIn: "https://example.org/commit"}}},
			{List: "other", Items: []digest.Item{{Entry: trialEntry, List: "other", ListTitle: "Other"}}},
		}},
	}
	trialConfirmation = ConfirmationMail{
		Site: trialSite, Digest: trialSite.Digests[0], Confirm: "https://example.org/-/confirm/token", Expires: trialTime,
	}
	trialForm = Form{
		Site: trialSite, Digest: trialSite.Digests[0], Digests: trialSite.Digests, Address: "reader@example.org",
		Problem: "Problem", Action: "https://example.org/-/subscribe",
		Preferences: "https://example.org/-/preferences/token", Pause: trialPause,
	}
	trialAct  = ActMail{Site: trialSite, Address: "r•••@example.org", Other: "new@example.org", Link: "https://example.org/-/act/token", Expires: trialTime}
	trialGate = ActPage{Site: trialSite, Address: "reader@example.org", Other: "new@example.org", Action: trialForm.Action}

	trialPause       = PauseDates{Until: "2026-03-02", Words: "2 March 2026", From: "2026-01-06", To: "2028-01-05"}
	trialPreferences = Preferences{
		Site: trialSite, Address: "r•••@example.org", Action: trialForm.Action, Problem: "Problem", Silent: "Silent", Limited: true,
		Pause: trialPause, Digests: []DigestChoice{{
			DigestLink: trialSite.Digests[0], Chosen: true, Waits: true, Ended: true, Some: true,
			Lists: []ListChoice{{ID: "other", Title: "Other", Chosen: true}, {ID: "list", Title: "List", Sections: []SectionChoice{{
				Value: "list/outer", Name: "Outer", Label: "Outer", Count: 1, Fold: true,
				Under: []SectionChoice{{Value: "list/section", Name: "Section", Label: "Outer › Section", Count: 1, Chosen: true}},
			}}}},
		}, {DigestLink: trialSite.Digests[1]}},
	}
	trialNotice = Notice{Site: trialSite, Title: "Notice", Text: "Text", Preferences: "https://example.org/-/preferences/token"}
)

// The acts of a mail and its page: each has words of its own.
var actKinds = []string{"leave_address", "take_address", "data", "forget"}

// trialActs are what the mail about acts, and trialGates what its page is tried on.
func trialActs() (all trial) {
	for _, kind := range actKinds {
		d := trialAct
		d.Kind = kind
		all = append(all, d)
	}
	return append(all, ActMail{})
}

func trialGates() (all trial) {
	for _, kind := range actKinds {
		d := trialGate
		d.Kind = kind
		all = append(all, d)
	}
	return append(all, ActPage{})
}
