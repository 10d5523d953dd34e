package curated

import "fmt"

// Guard says when a reading is too strange to be believed, so that a person looks before readers do.
type Guard struct {
	// MaxNew and MaxNewShare bound what one check may announce: the greater of a number and a share of the list.
	MaxNew      int
	MaxNewShare float64
	// MaxLostShare bounds the share of the known entries that one check may lose, from MinLost lost entries on.
	MaxLostShare float64
	MinLost      int
}

// DefaultGuard holds what would announce more than 25 entries and a tenth of the list, or lose three tenths of it.
var DefaultGuard = Guard{MaxNew: 25, MaxNewShare: 0.10, MaxLostShare: 0.30, MinLost: 5}

// HoldKind says what a guard found strange.
type HoldKind string

const (
	HoldAdded      HoldKind = "added"
	HoldRemoved    HoldKind = "removed"
	HoldUnreadable HoldKind = "unreadable"
)

// Hold is a reason not to believe a reading.
type Hold struct {
	Kind   HoldKind `json:"kind"`
	Reason string   `json:"reason"` // in words, for an operator
	Count  int      `json:"count"`  // the entries it is about
}

// Counts are the sizes of the reading before.
type Counts struct{ Entries, Links int }

// minShareLinks is how many links a list needs for the share of them that are entries to mean something.
const minShareLinks = 20

// Judge gives the reasons to hold the changes that led to the list after; none when all is well. It is not for a first
// reading, of which nothing is announced.
func (g Guard) Judge(before Counts, after *List, c *Changes) []Hold {
	if before.Entries > 0 && len(after.Entries) == 0 {
		return []Hold{{HoldUnreadable, fmt.Sprintf("0 entries found where %d stood; the list became empty or its layout is not understood", before.Entries), before.Entries}}
	}
	var holds []Hold
	added := 0
	for i := range c.Entries {
		if c.Entries[i].News() {
			added++
		}
	}
	if limit := max(g.MaxNew, int(g.MaxNewShare*float64(len(after.Entries)))); added > limit {
		holds = append(holds, Hold{HoldAdded, fmt.Sprintf("would announce %d of %d entries as new (limit %d)", added, len(after.Entries), limit), added})
	}
	lost := 0
	for _, k := range c.Removed {
		if !k.Held {
			lost++
		}
	}
	if limit := int(g.MaxLostShare * float64(before.Entries)); lost >= g.MinLost && lost > limit {
		holds = append(holds, Hold{HoldRemoved, fmt.Sprintf("%d of %d entries are gone (limit %d)", lost, before.Entries, limit), lost})
	}
	if before.Links >= minShareLinks && after.Links >= minShareLinks {
		was, is := share(before.Entries, before.Links), share(len(after.Entries), after.Links)
		if is < was/2 {
			// What is understood is taken in, and waits: a list must not go blind for good.
			reason := fmt.Sprintf("only %d of %d links are read as entries, before it were %d of %d; part of the layout is not understood",
				len(after.Entries), after.Links, before.Entries, before.Links)
			return layoutHolds(reason, added, lost)
		}
	}
	return holds
}

func share(part, whole int) float64 { return float64(part) / float64(whole) }

// layoutHolds holds all that a reading would change.
func layoutHolds(reason string, added, lost int) []Hold {
	var holds []Hold
	if added > 0 {
		holds = append(holds, Hold{HoldAdded, reason, added})
	}
	if lost > 0 {
		holds = append(holds, Hold{HoldRemoved, reason, lost})
	}
	return holds
}
