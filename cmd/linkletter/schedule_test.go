package main

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"
)

func mustSchedule(t *testing.T, spec string, location *time.Location) schedule {
	t.Helper()
	s, err := parseSchedule(spec, location)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestScheduleRunsInItsTimeZone(t *testing.T) {
	lisbon, err := time.LoadLocation("Europe/Lisbon")
	if err != nil {
		t.Fatal(err)
	}
	s := mustSchedule(t, "0 9 * * MON", lisbon)
	// The clocks go forward on Sunday, 29 March 2026: nine in Lisbon is nine UTC before and eight after.
	for from, want := range map[string]string{
		"2026-03-22T12:00:00Z": "2026-03-23T09:00:00Z",
		"2026-03-29T12:00:00Z": "2026-03-30T08:00:00Z",
	} {
		at, err := time.Parse(time.RFC3339, from)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Next(at).UTC().Format(time.RFC3339); got != want {
			t.Errorf("after %s comes %s, want %s", from, got, want)
		}
	}
}

func TestMissedIsTheNewestOnce(t *testing.T) {
	now := time.Date(2026, 3, 25, 12, 0, 0, 0, time.UTC) // a Wednesday
	for _, c := range []struct {
		spec        string
		since, want time.Time
	}{
		{"0 9 * * MON", now.AddDate(0, 0, -30), time.Date(2026, 3, 23, 9, 0, 0, 0, time.UTC)},
		{"0 9 * * MON", now.Add(-time.Hour), time.Time{}},
		{"@every 15m", now.Add(-14 * time.Minute), time.Time{}},
		{"@every 15m", now.Add(-40 * time.Minute), now.Add(-10 * time.Minute)},
		{"@every 1s", now.AddDate(0, 0, -30), now}, // too many to walk through: now stands for all of them
	} {
		got, due := mustSchedule(t, c.spec, nil).missed(c.since, now)
		if !got.Equal(c.want) || due == c.want.IsZero() {
			t.Errorf("%s since %v: missed %v (%v), want %v", c.spec, c.since, got, due, c.want)
		}
	}
}

func TestScheduleMistakes(t *testing.T) {
	for _, spec := range []string{"", "daily", "0 9 * *", "TZ=UTC 0 9 * * *", "CRON_TZ=", "@every", "@every never", "61 * * * *", "0 0 31 2 *"} {
		if _, err := parseSchedule(spec, nil); err == nil {
			t.Errorf("%q was understood", spec)
		}
	}
}

func newTestScheduler(t *testing.T) *scheduler {
	return newScheduler(t.Context(), time.UTC, slog.New(slog.DiscardHandler))
}

func TestRunsOfOneJobDoNotOverlap(t *testing.T) {
	s := newTestScheduler(t)
	var running, most, runs atomic.Int32
	entered, leave := make(chan struct{}, 10), make(chan struct{})
	run := s.add(mustSchedule(t, "@every 1s", nil), "job", func(context.Context, time.Time) {
		most.Store(max(most.Load(), running.Add(1)))
		runs.Add(1)
		entered <- struct{}{}
		<-leave
		running.Add(-1)
	})
	s.start()
	go run(time.Now())
	<-entered
	time.Sleep(2200 * time.Millisecond) // the schedule comes twice meanwhile
	if runs.Load() != 1 {
		t.Errorf("%d runs were begun while the first was under way", runs.Load()-1)
	}
	close(leave)
	select {
	case <-entered: // the next one runs again
	case <-time.After(10 * time.Second):
		t.Error("no run after the long one")
	}
	s.stop()
	if most.Load() != 1 {
		t.Errorf("%d runs at once", most.Load())
	}
}

func TestAPanicDoesNotEndTheJob(t *testing.T) {
	s := newTestScheduler(t)
	runs := make(chan int, 10)
	n := 0
	s.add(mustSchedule(t, "@every 1s", nil), "job", func(context.Context, time.Time) {
		n++ // runs of one job do not overlap
		runs <- n
		if n == 1 {
			panic("the first run fails")
		}
	})
	s.start()
	defer s.stop()
	for want := 1; want <= 2; want++ {
		select {
		case got := <-runs:
			if got != want {
				t.Errorf("run %d, want %d", got, want)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("run %d never came", want)
		}
	}
}

func TestStopWaitsForTheJob(t *testing.T) {
	s := newTestScheduler(t)
	entered, done := make(chan struct{}, 10), atomic.Bool{}
	s.add(mustSchedule(t, "@every 1s", nil), "job", func(context.Context, time.Time) {
		entered <- struct{}{}
		time.Sleep(200 * time.Millisecond)
		done.Store(true)
	})
	s.start()
	<-entered
	s.stop()
	if !done.Load() {
		t.Error("stop came back before the job had finished")
	}
}

func TestDescribeSchedule(t *testing.T) {
	for spec, want := range map[string]string{
		"0 9 * * MON": "every Monday at 09:00 UTC", "30 18 * * *": "every day at 18:30 UTC", "0 7 1 * *": "on the first of every month at 07:00 UTC",
		"@weekly": "every week", "*/5 * * * *": "", "0 9 * * 1,3": "", "@every 6h": "",
	} {
		if got := describeSchedule(spec, "UTC"); got != want {
			t.Errorf("%s: %q, want %q", spec, got, want)
		}
	}
}
