package main

import (
	"strings"
	"testing"

	"linkletter/cmd/internal/mailer/smtptest"
	"linkletter/feed/digest"
	"linkletter/store"
)

const tool1, tool2 = "https://example.org/tools/1", "https://example.org/tools/2"

// acceptedFor is an entry of a made-up journal.
func acceptedFor(number int, address string, conn int, begun, at int64) accepted {
	l := letter{"weekly", number, address}
	return accepted{
		Entry:  smtptest.Entry{At: at, Begun: begun, Conn: conn, To: address, ID: "<" + l.String() + ">", Sum: l.String()},
		letter: l,
		links:  []string{map[int]string{1: tool1, 2: tool2}[number]},
	}
}

// soundEvidence is of two issues, a kill behind the dot, a connection that broke there, and somebody who left between the
// issues. Nothing is wrong with it.
func soundEvidence() *evidence {
	return &evidence{
		policy: "resend", connections: 2, kills: 1, lost: 1,
		accepted: []accepted{
			acceptedFor(1, "ada@example.net", 1, 20, 21),
			acceptedFor(1, "bob@example.net", 1, 23, 24), // killed before the reply was recorded
			acceptedFor(1, "bob@example.net", 2, 30, 31),
			acceptedFor(1, "cy@example.net", 2, 33, 34),
			acceptedFor(2, "ada@example.net", 2, 60, 61),
		},
		dots:       []dot{{21, 1}, {24, 1}, {31, 2}, {34, 2}, {61, 2}, {64, 2}},
		bodies:     map[string]int{"ada@example.net": 2, "bob@example.net": 3, "cy@example.net": 1},
		recipients: map[string][]int64{"nobody@example.net": {25}},
		wishes: map[subscription]*wish{
			{"ada@example.net", "weekly"}:    {joining: 1, joined: 2},
			{"bob@example.net", "weekly"}:    {joining: 1, joined: 2},
			{"cy@example.net", "weekly"}:     {joining: 1, joined: 2, leaving: 40, left: 41},
			{"nobody@example.net", "weekly"}: {joining: 1, joined: 2},
			{"dan@example.net", "weekly"}:    {joining: 56, joined: 57},
		},
		chosen:   map[string]string{"ada@example.net": "", "bob@example.net": "", "cy@example.net": odd, "dan@example.net": odd},
		hopeless: map[string]bool{"nobody@example.net": true},
		rows: map[letter]row{
			{"weekly", 1, "ada@example.net"}:    {state: digest.Sent},
			{"weekly", 1, "bob@example.net"}:    {state: digest.Sent, doubts: 1},
			{"weekly", 1, "cy@example.net"}:     {state: digest.Sent},
			{"weekly", 1, "nobody@example.net"}: {state: digest.Failed},
			{"weekly", 2, "ada@example.net"}:    {state: digest.Sent},
			{"weekly", 2, "bob@example.net"}:    {state: digest.InDoubt, doubts: maxDoubts - 2, bytes: true},
		},
		issues: []issueSeen{
			{digest: "weekly", number: 1, period: "1", state: store.IssueDone, entries: []string{tool1}, before: 10, seen: 15},
			{digest: "weekly", number: 2, period: "2", state: store.IssueDone, entries: []string{tool2}, before: 50, seen: 55},
		},
		announced: []string{tool1, tool2},
		sentBy:    map[letter]int64{{"weekly", 1, "ada@example.net"}: 26},
		deadBy:    map[string]int64{"nobody@example.net": 26},
	}
}

// Each invariant can be violated, and is found to be.
func TestEvidence(t *testing.T) {
	bob2 := letter{"weekly", 2, "bob@example.net"}
	ada1 := letter{"weekly", 1, "ada@example.net"}
	tests := map[string]struct {
		change func(e *evidence)
		final  bool
		want   string // in one of the violations; empty: there are none
	}{
		"sound, on the way": {func(e *evidence) {}, false, ""},
		"sound, in the end": {func(e *evidence) {
			e.rows[bob2] = row{state: digest.InDoubt, doubts: maxDoubts}
			e.kills, e.lost = 2, 2
			e.bodies["bob@example.net"] = 4
		}, true, ""},
		"left in doubt too early": {func(e *evidence) {}, true, "I1: weekly #2 to bob@example.net: it is left in doubt"},
		"held": {func(e *evidence) {
			e.policy = "hold"
			e.accepted = append(e.accepted[:2:2], e.accepted[3:]...)
		}, true, ""},
		"a copy without a row":      {func(e *evidence) { delete(e.rows, bob2) }, false, "I1: weekly #2 has no row for bob@example.net"},
		"a row for who left before": {func(e *evidence) { e.rows[letter{"weekly", 2, "cy@example.net"}] = row{state: digest.Pending} }, false, "I1: weekly #2 has a row for cy@example.net"},
		"a row for who came after":  {func(e *evidence) { e.rows[letter{"weekly", 2, "dan@example.net"}] = row{state: digest.Pending} }, false, "I1: weekly #2 has a row for dan@example.net"},
		"never finished":            {func(e *evidence) { e.rows[bob2] = row{state: digest.Pending} }, true, "I1: weekly #2 to bob@example.net: it is not finished"},
		"an issue left open":        {func(e *evidence) { e.issues[1].state = store.IssueSending }, true, "I1: weekly #2 is not done"},
		"failed for nothing":        {func(e *evidence) { e.rows[bob2] = row{state: digest.Failed} }, true, "I1: weekly #2 to bob@example.net: the receiver never refused"},
		"suppressed for nothing":    {func(e *evidence) { e.rows[bob2] = row{state: digest.Suppressed} }, true, "I1: weekly #2 to bob@example.net: nobody unsubscribed"},
		"held for nothing":          {func(e *evidence) { e.policy = "hold"; e.rows[bob2] = row{state: digest.InDoubt} }, true, "I1: weekly #2 to bob@example.net: it is in doubt for no reason"},

		"twice with other bytes":       {func(e *evidence) { e.accepted[2].Sum = "other" }, false, "I2: weekly #1 to bob@example.net came as two messages"},
		"twice with another id":        {func(e *evidence) { e.accepted[2].ID = "<other>" }, false, "I2: weekly #1 to bob@example.net came as two messages"},
		"one id for two":               {func(e *evidence) { e.accepted[3].ID = e.accepted[0].ID }, false, "have one Message-ID"},
		"no id":                        {func(e *evidence) { e.accepted[3].ID = "" }, false, "have one Message-ID"},
		"twice and never in doubt":     {func(e *evidence) { e.rows[letter{"weekly", 1, "bob@example.net"}] = row{state: digest.Sent} }, false, "I2: weekly #1 to bob@example.net was accepted 2 times, and in doubt 0 times"},
		"twice though it was held":     {func(e *evidence) { e.policy = "hold" }, false, "I2: weekly #1 to bob@example.net was accepted 2 times, though"},
		"more doubts than connections": {func(e *evidence) { e.kills, e.lost = 0, 1 }, false, "I2: 1 were accepted again and 2 doubts arose"},

		"again though the connection went on": {func(e *evidence) { e.dots = append(e.dots, dot{29, 1}) }, false, "I3: weekly #1 to bob@example.net was accepted again, though its connection"},
		"again though it was recorded": {func(e *evidence) {
			e.rows[ada1] = row{state: digest.Sent, doubts: 1}
			e.accepted = append(e.accepted, acceptedFor(1, "ada@example.net", 2, 63, 64))
		}, false, "I3: weekly #1 to ada@example.net was accepted again, though it was found to be sent"},
		"in doubt from before the body": {func(e *evidence) { e.bodies["bob@example.net"] = 1 }, true, "I3: bob@example.net was in doubt 2 times, and a message's body came 1 times"},

		"mailed after leaving":       {func(e *evidence) { e.accepted = append(e.accepted, acceptedFor(2, "cy@example.net", 2, 63, 64)) }, false, "I4: weekly #2 to cy@example.net was mailed, at 63, after it was unsubscribed, at 41"},
		"mailed without a wish":      {func(e *evidence) { e.accepted = append(e.accepted, acceptedFor(2, "eve@example.net", 2, 63, 64)) }, false, "I4: weekly #2 to eve@example.net was mailed, and never subscribed"},
		"tried though suppressed":    {func(e *evidence) { e.recipients["nobody@example.net"] = []int64{25, 70} }, false, "I4: nobody@example.net was tried, at 70, after it was suppressed, at 26"},
		"leaving is not having left": {func(e *evidence) { e.wishes[subscription{"ada@example.net", "weekly"}].leaving = 59 }, false, ""},

		"sent and not accepted":   {func(e *evidence) { e.rows[bob2] = row{state: digest.Sent} }, false, "I5: weekly #2 to bob@example.net is recorded as sent"},
		"accepted and not sent":   {func(e *evidence) { e.rows[ada1] = row{state: digest.Pending} }, false, `I5: weekly #1 to ada@example.net was accepted, and is recorded as "pending"`},
		"accepted and on the way": {func(e *evidence) { e.rows[ada1] = row{state: digest.Committing, bytes: true} }, false, ""},

		"an entry twice":                    {func(e *evidence) { e.issues[1].entries = []string{tool2, tool1} }, false, "I6: " + tool1 + " is in the issues [1 2]"},
		"an entry in no issue":              {func(e *evidence) { e.announced = append(e.announced, tool2+"0") }, true, "I6: " + tool2 + "0 is in no issue"},
		"a number left out":                 {func(e *evidence) { e.issues[1].number = 3 }, false, "I6: weekly has an issue 3 where 2 comes next"},
		"a number twice":                    {func(e *evidence) { e.issues[1].number = 1 }, false, "I6: weekly has an issue 1 where 2 comes next"},
		"a period twice":                    {func(e *evidence) { e.issues[1].period = "1" }, false, "I6: weekly has two issues for 1"},
		"an empty issue":                    {func(e *evidence) { e.issues[1].entries = nil }, false, "I6: weekly #2 is empty"},
		"a message without what was chosen": {func(e *evidence) { e.accepted[4].links = nil }, false, "I6: weekly #2 to ada@example.net holds , and of its issue their reader chose " + tool2},
		"a message with what was not chosen": {func(e *evidence) {
			e.issues[0].entries = append(e.issues[0].entries, tool2+"0")
			for n := range e.accepted[:4] {
				e.accepted[n].links = append(e.accepted[n].links, tool2+"0")
			}
		}, false, "I6: weekly #1 to cy@example.net holds " + tool1 + " " + tool2 + "0, and of its issue their reader chose " + tool1},
		"a row for who chose nothing of it": {func(e *evidence) { e.chosen["bob@example.net"] = odd }, false, "I1: weekly #2 has a row for bob@example.net, who chose nothing"},
		"no row for who chose nothing of it": {func(e *evidence) {
			e.chosen["bob@example.net"] = odd
			delete(e.rows, bob2)
		}, false, ""},
		"a message of another's": {func(e *evidence) { e.accepted[4].links = []string{tool1} }, false, "I6: weekly #2 to ada@example.net holds"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e := soundEvidence()
			tt.change(e)
			got := strings.Join(e.violations(tt.final), "\n")
			if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
				t.Errorf("violations:\n%s\nwant: %q", got, tt.want)
			}
		})
	}
}
