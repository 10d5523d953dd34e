package web

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"linkletter/feed/digest"
	"linkletter/store"
)

const (
	metricsPath = "/metrics"
	// scrapeTimeout is how long one look at the store may take.
	scrapeTimeout = 10 * time.Second
	// maxListed is up to how many lists each has metrics of its own.
	maxListed = 1000
)

// OperatorHandler answers what is not for everybody: /metrics in Prometheus' text format or OpenMetrics, and /healthz and
// /readyz.
func (s *Server) OperatorHandler() http.Handler {
	probes := s.probes()
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w := &response{ResponseWriter: rw}
		defer func() {
			if p := recover(); p != nil {
				s.panicked(p, w, r.Method, r.URL.Path)
				http.Error(w, "Something went wrong.", http.StatusInternalServerError)
			}
		}()
		w.Header()["X-Content-Type-Options"] = nosniff
		switch {
		case isProbe(r.URL.Path):
			probes.answer(w, r, r.URL.Path)
		case r.URL.Path != metricsPath || s.Metrics == nil:
			http.NotFound(w, r)
		case allow(w, r, http.MethodGet):
			s.scrape(w, r)
		}
	})
}

// scrape answers with what was counted, and what the store says now.
func (s *Server) scrape(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), scrapeTimeout)
	defer cancel()
	now := prometheus.NewRegistry()
	now.MustRegister(&state{ctx, s})
	promhttp.HandlerFor(prometheus.Gatherers{s.Metrics.registry, now}, promhttp.HandlerOpts{EnableOpenMetrics: true}).ServeHTTP(w, r)
}

// state collects for one scrape.
type state struct {
	ctx context.Context
	*Server
}

// gauge is a metric that state may give.
func gauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("linkletter_"+name, help, labels, nil)
}

var (
	descDatabaseUp = gauge("database_up", "1: the database could be read for this answer.")

	descLists        = gauge("lists", "Lists, by how they are: failing, held (and not failing), unchecked or ok.", "state")
	descEntries      = gauge("entries", "Entries of all lists.")
	descOldestGood   = gauge("oldest_good_check_timestamp_seconds", "Of the list whose last good check is longest ago; 0: one was never checked well.")
	descListGood     = gauge("list_good_check_timestamp_seconds", "When the list was last checked well; 0: never.", "list")
	descListEntries  = gauge("list_entries", "Entries of the list.", "list")
	descListHolds    = gauge("list_holds", "Decisions of the guard that wait for somebody.", "list")
	descListFailures = gauge("list_failures", "Failed checks in a row; 0: the newest succeeded.", "list")

	descIssueNumber = gauge("digest_issue_number", "Number of the newest issue; 0: none yet.", "digest")
	descIssueFrozen = gauge("digest_issue_timestamp_seconds", "When the newest issue was made.", "digest")
	descDeliveries  = gauge("digest_deliveries", "Deliveries of the newest issue and of all that are not done, by state.", "digest", "state")
	descInDoubt     = gauge("digest_in_doubt", "Deliveries of all issues of which it is not known whether they were accepted.", "digest")
	descPaused      = gauge("digest_paused_issues", "Issues that wait for somebody to resume them.", "digest")
)

// deliveryStates are those that are told of, with none in them too.
var deliveryStates = []digest.State{
	digest.Pending, digest.Claimed, digest.Committing, digest.Sent, digest.Deferred, digest.Failed, digest.Suppressed,
	digest.InDoubt, digest.Cancelled,
}

// Describe says nothing beforehand: what there is depends on the store.
func (s *state) Describe(chan<- *prometheus.Desc) {}

// Collect gives what the store knows.
func (s *state) Collect(out chan<- prometheus.Metric) {
	give := func(d *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	up := 1.0
	if err := s.giveLists(give); err != nil {
		s.Log.Error("collecting metrics", "error", err)
		up = 0
	}
	for _, d := range s.Site.Digests {
		if err := s.giveDigest(give, d.ID); err != nil {
			s.Log.Error("collecting metrics", "error", err)
			up = 0
		}
	}
	give(descDatabaseUp, up)
}

type giving = func(d *prometheus.Desc, value float64, labels ...string)

func (s *state) giveLists(give giving) error {
	known, err := s.Store.Lists(s.ctx)
	if err != nil {
		return err
	}
	states := map[string]int{"ok": 0, "failing": 0, "held": 0, "unchecked": 0}
	entries, oldest := 0, time.Time{}
	for i, id := range s.Lists {
		l := known[id]
		if l == nil {
			l = &store.List{ID: id}
		}
		states[listState(l)]++
		entries += l.Counts.Entries
		if good := l.LastGood(); i == 0 || good.Before(oldest) {
			oldest = good
		}
		if len(s.Lists) > maxListed {
			continue
		}
		give(descListGood, seconds(l.LastGood()), id)
		give(descListEntries, float64(l.Counts.Entries), id)
		give(descListHolds, float64(len(l.Holds)), id)
		give(descListFailures, float64(l.Failures), id)
	}
	for state, n := range states {
		give(descLists, float64(n), state)
	}
	give(descEntries, float64(entries))
	give(descOldestGood, seconds(oldest))
	return nil
}

func listState(l *store.List) string {
	switch {
	case l.Error != "":
		return "failing"
	case len(l.Holds) > 0:
		return "held"
	case l.Checked.IsZero():
		return "unchecked"
	}
	return "ok"
}

func (s *state) giveDigest(give giving, id string) error {
	last, err := s.Store.Issues(s.ctx, id, 1)
	if err != nil {
		return err
	}
	open, err := s.Store.OpenIssues(s.ctx, id)
	if err != nil {
		return err
	}
	number, frozen, counts, paused := 0, time.Time{}, map[digest.State]int{}, 0
	for _, i := range last {
		number, frozen = i.Number, i.Frozen
	}
	seen := map[int64]bool{}
	for _, i := range append(last, open...) {
		if seen[i.Ref] {
			continue
		}
		seen[i.Ref] = true
		for state, n := range i.Counts {
			counts[state] += n
		}
		if i.State == store.IssuePaused {
			paused++
		}
	}
	give(descIssueNumber, float64(number), id)
	give(descIssueFrozen, seconds(frozen), id)
	for _, state := range deliveryStates {
		give(descDeliveries, float64(counts[state]), id, string(state))
	}
	give(descInDoubt, float64(counts[digest.InDoubt]), id)
	give(descPaused, float64(paused), id)
	return nil
}

// seconds is a time as Prometheus wants it; 0 for none.
func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}
