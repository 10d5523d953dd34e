package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/robfig/cron/v3"
)

// maxMissed bounds how many missed times are walked through to find the newest.
const maxMissed = 10_000

// schedule is a cron expression that was understood.
type schedule struct {
	cron.Schedule
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
	return schedule{s}, nil
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
	l.log.Error("the job failed and will run again at its next time", append([]any{"event", msg, "error", err}, keysAndValues...)...)
}
