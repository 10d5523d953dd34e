package main

import (
	"fmt"
	"testing"
	"time"
)

func TestManyListsComeEvenly(t *testing.T) {
	every := mustSchedule(t, "@every 15m", nil)
	now := time.Date(2026, 3, 25, 12, 7, 3, 500, time.UTC)
	perMinute := map[int]int{}
	const lists = 10_000
	for i := range lists {
		s := every.spreadBy(fmt.Sprintf("list-%d", i), 5*time.Minute)
		next := s.Next(now)
		if wait := next.Sub(now); wait <= 0 || wait > 15*time.Minute {
			t.Fatalf("list %d comes after %v", i, wait)
		}
		if after := s.Next(next); after.Sub(next) != 15*time.Minute {
			t.Fatalf("list %d comes at %v and then at %v", i, next, after)
		}
		// Another start of the program, at another time, sees the same times.
		if again := s.Next(now.Add(-3 * 24 * time.Hour)).Add(3 * 24 * time.Hour); !again.Equal(next) {
			t.Fatalf("list %d comes at %v, and after a restart at %v", i, next, again)
		}
		perMinute[int(next.Sub(now)/time.Minute)]++
	}
	for minute := range 15 {
		if n := perMinute[minute]; n < lists/15*8/10 || n > lists/15*12/10 {
			t.Errorf("%d of %d lists come in minute %d", n, lists, minute)
		}
	}
}

func TestEveryBeforeTheEpochAndInSeconds(t *testing.T) {
	for _, c := range []struct {
		at, want int64
		interval time.Duration
		phase    float64
	}{
		{-7, -5, 5 * time.Second, 0}, {-5, 0, 5 * time.Second, 0}, {0, 1, time.Second, 0.99}, {0, 4, 5 * time.Second, 0.9}, {4, 9, 5 * time.Second, 0.9}, {-2, -1, 5 * time.Second, 0.9},
	} {
		if got := nextEvery(time.Unix(c.at, 0), c.interval, c.phase).Unix(); got != c.want {
			t.Errorf("after %d, every %v at %v: %d, want %d", c.at, c.interval, c.phase, got, c.want)
		}
	}
}

// A cron expression is put off by at most what is configured and a tenth of its interval; none of its times is lost or
// comes twice.
func TestCronTimesArePutOffALittle(t *testing.T) {
	for _, c := range []struct {
		spec       string
		most, want time.Duration // want: the most that any list waits
	}{
		{"* * * * *", time.Hour, 6 * time.Second},
		{"@hourly", 5 * time.Minute, 5 * time.Minute},
		{"@hourly", time.Hour, 6 * time.Minute},
		{"0 9 * * MON", time.Hour, time.Hour},
		{"0,30 9 * * *", time.Hour, 3 * time.Minute},
		{"@daily", 0, 0},
	} {
		base := mustSchedule(t, c.spec, nil)
		longest := time.Duration(0)
		for i := range 200 {
			s := base.spreadBy(fmt.Sprint(i), c.most)
			plain := base.Next(time.Date(2026, 3, 25, 8, 29, 59, 0, time.UTC))
			late := s.Next(plain.Add(-time.Second))
			for n := range 5 {
				delay := late.Sub(plain)
				if delay < 0 || delay > c.most {
					t.Fatalf("%s by %v: run %d of list %d is put off by %v", c.spec, c.most, n, i, delay)
				}
				if n == 0 {
					longest = max(longest, delay)
				}
				if inBetween := s.Next(late.Add(-time.Second)); !inBetween.Equal(late) {
					t.Fatalf("%s: a second before %v comes %v", c.spec, late, inBetween)
				}
				plain, late = base.Next(plain), s.Next(late)
			}
		}
		if longest > c.want || longest < c.want*8/10 {
			t.Errorf("%s by %v: lists are put off by up to %v, want nearly %v", c.spec, c.most, longest, c.want)
		}
	}
}

func TestBackoff(t *testing.T) {
	const q = 15 * time.Minute
	for failures, want := range []time.Duration{0, 0, q, 3 * q, 7 * q, 15 * q, maxBackoff, maxBackoff} {
		if got := backoff(q, failures, 1); got != want {
			t.Errorf("after %d failures: %v, want %v", failures, got, want)
		}
		if got := backoff(q, failures, 0); got != want/2 {
			t.Errorf("after %d failures, by chance: %v at least, want %v", failures, got, want/2)
		}
	}
	for _, interval := range []time.Duration{time.Second, 24 * time.Hour, 1<<63 - 1} {
		if got := backoff(interval, 1_000_000, 1); got != maxBackoff {
			t.Errorf("every %v, after a million failures: %v, want %v", interval, got, maxBackoff)
		}
	}
}
