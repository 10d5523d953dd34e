package main

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/robfig/cron/v3"
)

// maxMissed bounds how many missed times are walked through to find the newest.
const maxMissed = 10_000

// schedule is a cron expression that was understood, and how far its times are put off.
type schedule struct {
	base  cron.Schedule
	phase float64       // of [0, 1); what of the interval, or of the most that it may be, the times are put off
	most  time.Duration // of a cron expression
	// spread says that the times are put off, and those of "@every" are the same whenever the program was started.
	spread bool
}

// parseSchedule reads a cron expression of five fields or one of the @ words, in a time zone.
func parseSchedule(spec string, location *time.Location) (schedule, error) {
	// The configuration has one time zone; and the library panics on some prefixes that set another.
	if strings.Contains(spec, "TZ=") {
		return schedule{}, fmt.Errorf("the time zone is set once, by timezone")
	}
	if location == nil {
		location = time.UTC
	}
	s, err := cron.ParseStandard(spec)
	if err != nil {
		return schedule{}, fmt.Errorf("%q is no schedule: %w", spec, err)
	}
	if fields, ok := s.(*cron.SpecSchedule); ok {
		fields.Location = location
	}
	if s.Next(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return schedule{}, fmt.Errorf("%q never comes", spec)
	}
	return schedule{base: s}, nil
}

// spreadBy gives the schedule a place of its own among all that are configured alike: many lists shall not be checked in
// the same second. The place depends on the id alone, so that it stays over restarts. "@every 15m" comes at the same
// times of the clock whenever the program is started; a cron expression comes up to most later than it says, and never
// by more than a tenth of the time to its next.
func (s schedule) spreadBy(id string, most time.Duration) schedule {
	sum := sha256.Sum256([]byte(id))
	s.phase = float64(binary.BigEndian.Uint64(sum[:])>>11) / (1 << 53)
	s.most, s.spread = most, true
	return s
}

// Next is the first time after t; it is cron's own interface.
func (s schedule) Next(t time.Time) time.Time {
	if !s.spread {
		return s.base.Next(t)
	}
	if every, ok := s.base.(cron.ConstantDelaySchedule); ok {
		return nextEvery(t, every.Delay, s.phase)
	}
	// A time before t may have been put off to after it.
	at := s.base.Next(t.Add(-s.most - time.Second))
	for !at.IsZero() {
		following := s.base.Next(at)
		if late := at.Add(s.delay(at, following)); late.After(t) {
			return late
		}
		at = following
	}
	return at
}

// nextEvery is the first time after t of those that lie so much of an interval after its multiples, counted from 1970.
func nextEvery(t time.Time, interval time.Duration, phase float64) time.Time {
	n := int64(max(interval/time.Second, 1))
	offset := int64(phase * float64(n))
	since := t.Unix() - offset
	periods := since / n
	if since < 0 && since%n != 0 {
		periods--
	}
	return time.Unix((periods+1)*n+offset, 0).In(t.Location())
}

// delay is how much a time of a cron expression is put off, given the one that follows.
func (s schedule) delay(at, following time.Time) time.Duration {
	most := s.most
	if !following.IsZero() {
		most = min(most, following.Sub(at)/10)
	}
	return time.Duration(s.phase * float64(most)).Truncate(time.Second)
}

// interval is the time from the next time after t to the one after that.
func (s schedule) interval(t time.Time) time.Duration {
	next := s.Next(t)
	following := s.Next(next)
	if following.IsZero() {
		return math.MaxInt64
	}
	return following.Sub(next)
}

// missed gives the newest scheduled time after `since` that is not after now. There may have been several; they are
// attended to once.
func (s schedule) missed(since, now time.Time) (time.Time, bool) {
	var newest time.Time
	for t, n := s.Next(since), 0; !t.IsZero() && !t.After(now); t, n = s.Next(t), n+1 {
		newest = t
		if n == maxMissed {
			return now, true
		}
	}
	return newest, !newest.IsZero()
}

// scheduler runs jobs at their times until it is stopped.
type scheduler struct {
	cron *cron.Cron
	ctx  context.Context
	log  *slog.Logger
}

func newScheduler(ctx context.Context, location *time.Location, log *slog.Logger) *scheduler {
	return &scheduler{cron: cron.New(cron.WithLocation(location)), ctx: ctx, log: log}
}

// call calls f at the scheduled times, each time in a goroutine of its own. f does not panic, and sees to it that its
// runs do not overlap.
func (s *scheduler) call(at schedule, f func(ctx context.Context)) {
	s.cron.Schedule(at, cron.FuncJob(func() { f(s.ctx) }))
}

// add makes a job of f, which is told the scheduled time it runs for. Two runs of one job never overlap, and one that
// panics runs again at its next time: Skip stands outside Recover, for a panic that passed Skip would keep its token for
// ever. The returned function runs the job now, under the same rules, and waits for it.
func (s *scheduler) add(at schedule, name string, f func(ctx context.Context, scheduled time.Time)) (run func(scheduled time.Time)) {
	logger := cronLogger{s.log.With("job", name)}
	var due time.Time // guarded by the chain: one run at a time reads what its starter wrote
	var mu sync.Mutex
	chain := cron.NewChain(cron.SkipIfStillRunning(logger), cron.Recover(logger))
	job := chain.Then(cron.FuncJob(func() {
		mu.Lock()
		scheduled := due
		mu.Unlock()
		f(s.ctx, scheduled)
	}))
	run = func(scheduled time.Time) {
		mu.Lock()
		due = scheduled
		mu.Unlock()
		job.Run()
	}
	s.cron.Schedule(at, cron.FuncJob(func() { run(time.Now().Truncate(time.Second)) }))
	return run
}

// start begins to run jobs. stop ends that and waits for those that the schedule began.
func (s *scheduler) start() { s.cron.Start() }

func (s *scheduler) stop() { <-s.cron.Stop().Done() }

// cronLogger writes the library's words to our log; its chatter at info level is left out but for skipped runs.
type cronLogger struct {
	log *slog.Logger
}

func (l cronLogger) Info(msg string, _ ...any) {
	if msg == "skip" {
		l.log.Warn("the run before is still under way; this one is left out")
	}
}

func (l cronLogger) Error(err error, msg string, keysAndValues ...any) {
	l.log.Error("the job failed and will run again at its next time", append([]any{"event", msg, logError, err}, keysAndValues...)...)
}
