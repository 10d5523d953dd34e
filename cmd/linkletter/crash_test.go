package main

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"time"
)

var crashKills = flag.Int("kills", 0, "end the program so many `times` in TestCrash; 0: as often as there is time for")

// What kills are meant to fall on.
const (
	atRandom    = "at a random moment"
	beforeDot   = "before the dot"
	withheld    = "dot sent, reply withheld"
	replySent   = "reply sent"
	freezing    = "while freezing an issue"
	importing   = "while an import runs"
	unsubbing   = "while people unsubscribe"
	secondStart = "while a second process wants to send"
)

// campaign is an installation of its own, and how often the program dies in it.
type campaign struct {
	name    string
	policy  string
	serve   bool // the sender is `linkletter serve`, else `linkletter digest send`
	kills   int
	classes []string // taken in turns
}

// campaigns are what one round of kills consists of: 210.
var campaigns = []campaign{
	{"resend", "resend", false, 75, []string{beforeDot, withheld, replySent, atRandom, importing}},
	{"hold", "hold", false, 45, []string{replySent, withheld, atRandom, beforeDot, unsubbing}},
	{"serve", "resend", true, 60, []string{unsubbing, secondStart, withheld, importing, atRandom}},
	{"freeze", "resend", false, 30, []string{freezing}},
}

// The promise: every subscriber gets every issue once, and of what nobody can know each is known by name, though the program
// is killed again and again wherever it hurts, the receiver misbehaves and dies, and others change lists and subscriptions
// meanwhile. The invariants (see evidence) are looked at after every kill and in the end.
//
//	go test ./cmd/linkletter -run 'TestCrash$' -timeout 0 -kills 5000 -seed 7
func TestCrash(t *testing.T) {
	kills := *crashKills
	switch {
	case kills > 0:
	case os.Getenv("CI") == "true" && !raceDetector:
		kills = 210
	default:
		kills = 28
	}
	n := *seed
	if n == 0 {
		n = uint64(time.Now().UnixNano())
	}
	t.Logf("to repeat this, as far as it can be: -seed %d", n)
	var mu sync.Mutex
	total := map[string]int{}
	t.Run("campaigns", func(t *testing.T) {
		for _, c := range divide(kills) {
			n++
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				done := newCrash(t, c, rand.New(rand.NewPCG(n, 1))).carryOut()
				mu.Lock()
				defer mu.Unlock()
				for class, n := range done {
					total[class] += n
				}
			})
		}
	})
	sum := 0
	for _, class := range slices.Sorted(maps.Keys(total)) {
		sum += total[class]
		t.Logf("%4d kills %s", total[class], class)
	}
	t.Logf("%4d kills in all", sum)
}

// divide makes so many kills of campaigns, as many rounds of them as it takes.
func divide(kills int) []campaign {
	var all []campaign
	for round := 1; kills > 0; round++ {
		share, in := min(kills, 210), 0
		for n, c := range campaigns {
			c.name = fmt.Sprintf("%s-%d", c.name, round)
			c.kills = max(1, c.kills*share/210)
			if n == len(campaigns)-1 {
				c.kills = max(1, share-in)
			}
			in += c.kills
			all = append(all, c)
		}
		kills -= share
	}
	return all
}
