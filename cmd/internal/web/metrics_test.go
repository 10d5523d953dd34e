package web

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"linkletter/templates"
)

// scrape asks the operator's handler on real HTTP, and reads its samples.
func (s *site) scrape(t *testing.T) samples {
	t.Helper()
	running := httptest.NewServer(s.OperatorHandler())
	defer running.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, running.URL+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	a := do(t, r)
	if a.status != 200 || !strings.HasPrefix(a.header.Get("Content-Type"), "text/plain; version=") {
		t.Fatalf("%v", a)
	}
	problems, err := promlint.New(strings.NewReader(a.body)).Lint()
	if err != nil {
		t.Fatalf("%v in\n%s", err, a.body)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	all := samples{}
	for line := range strings.Lines(a.body) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		at := strings.LastIndexByte(strings.TrimSpace(line), ' ')
		if all[line[:at]], err = strconv.ParseFloat(strings.TrimSpace(line[at:]), 64); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// samples are metrics by their names and labels.
type samples map[string]float64

// check compares those that are wanted.
func (got samples) check(t *testing.T, want samples) {
	t.Helper()
	for sample, want := range want {
		if value, ok := got[sample]; !ok || value != want {
			t.Errorf("%s is %v (there: %v), want %v", sample, value, ok, want)
		}
	}
}

func TestMetricsOfRequests(t *testing.T) {
	s := newSite(t, func(s *site) { s.Metrics = NewMetrics(`1.2.3 "beta"`) })
	body := 0
	for range 3 {
		body += len(s.get(t, "/atom.xml").body)
	}
	s.ask(t, http.MethodHead, "/atom.xml", nil)
	tag := s.get(t, "/feed.json").header.Get("Etag")
	s.get(t, "/feed.json", "If-None-Match: "+tag)
	s.get(t, "/feed.json", "Range: bytes=0-9")
	s.get(t, "/")
	s.get(t, "/assets/style.css")
	s.get(t, "/feeds.opml")
	s.get(t, "/resources")
	s.get(t, "/-/subscribe")
	s.get(t, "/healthz")
	s.ask(t, http.MethodPost, "/rss.xml", nil)
	s.ask(t, http.MethodOptions, "/rss.xml", nil)
	got := s.scrape(t)
	got.check(t, samples{
		`linkletter_http_requests_total{code="200",kind="atom"}`:                 4,
		`linkletter_http_requests_total{code="200",kind="json"}`:                 1,
		`linkletter_http_requests_total{code="304",kind="json"}`:                 1,
		`linkletter_http_requests_total{code="206",kind="json"}`:                 1,
		`linkletter_http_requests_total{code="200",kind="page"}`:                 1,
		`linkletter_http_requests_total{code="200",kind="asset"}`:                1,
		`linkletter_http_requests_total{code="200",kind="opml"}`:                 1,
		`linkletter_http_requests_total{code="301",kind="other"}`:                1,
		`linkletter_http_requests_total{code="200",kind="form"}`:                 1,
		`linkletter_http_requests_total{code="200",kind="probe"}`:                1,
		`linkletter_http_requests_total{code="405",kind="rss"}`:                  1,
		`linkletter_http_requests_total{code="204",kind="rss"}`:                  1,
		`linkletter_http_response_bytes_total{kind="atom"}`:                      float64(body),
		`linkletter_http_request_duration_seconds_count{kind="atom"}`:            4,
		`linkletter_http_request_duration_seconds_bucket{kind="atom",le="+Inf"}`: 4,
		`linkletter_database_up`:                                                 1,
	})
	build := false
	for sample, value := range got {
		if strings.HasPrefix(sample, "linkletter_build_info{") && strings.Contains(sample, `version="1.2.3 \"beta\""`) && strings.Contains(sample, `goversion="go1.`) {
			build = value == 1
		}
	}
	if !build || got["go_goroutines"] == 0 || got["process_open_fds"] == 0 {
		t.Errorf("nothing is said of the build, Go or the process")
	}
	// They are for the operator only.
	if a := s.get(t, "/metrics"); a.status != 404 {
		t.Errorf("on the site's own address: %v", a)
	}
}

// What strangers ask for makes no labels.
func TestLabelsAreNotForStrangersToChoose(t *testing.T) {
	s := newSite(t, func(s *site) { s.Metrics = NewMetrics("dev") })
	for i := range 50 {
		s.get(t, fmt.Sprintf("/nothing/%d.xml?x=%d", i, i))
	}
	s.ask(t, "BREW", "/rss.xml", nil)
	got := s.scrape(t)
	got.check(t, samples{
		`linkletter_http_requests_total{code="404",kind="other"}`: 50,
		`linkletter_http_requests_total{code="405",kind="rss"}`:   1,
	})
	series := 0
	for sample := range got {
		if strings.HasPrefix(sample, "linkletter_http_requests_total") {
			series++
		}
		if strings.Contains(sample, "nothing") || strings.Contains(sample, "BREW") || strings.Contains(sample, ".xml") {
			t.Errorf("a label is somebody's to choose: %s", sample)
		}
	}
	if series != 2 {
		t.Errorf("%d series of requests, want 2", series)
	}
}

func TestMetricsOfTheStore(t *testing.T) {
	s := newSite(t, func(s *site) {
		s.Metrics = NewMetrics("dev")
		s.Lists = []string{"good", "bad", "held", "new"}
		s.Site.Digests = append(s.Site.Digests, templates.DigestLink{ID: "daily"})
	})
	s.exec(t, `
		INSERT INTO list (id, checked, began, entries) VALUES ('good', 2000, 1, 40), ('held', 3000, 1, 2), ('ended', 1, 1, 1000);
		INSERT INTO list (id, checked, began, entries, error, failures, good) VALUES ('bad', 5000, 1, 7, 'it broke', 4, 1000);
		INSERT INTO hold (list, kind, reason, count, since) VALUES ('held', 'added', 'too many', 30, 1), ('held', 'removed', 'too many', 3, 1);
		INSERT INTO issue (id, digest, number, period, state, frozen, subject, content, text, html) VALUES
			(1, 'weekly', 1, 'a', 'done', 100, '', '{"Number":1}', '', ''), (2, 'weekly', 2, 'b', 'paused', 200, '', '{"Number":2}', '', ''), (3, 'weekly', 3, 'c', 'done', 300, '', '{"Number":3}', '', '');
		INSERT INTO subscriber (id, address, key, created) VALUES (1, 'a', 'a', 1), (2, 'b', 'b', 1), (3, 'c', 'c', 1);
		INSERT INTO delivery (issue, subscriber, state, updated) VALUES
			(1, 1, 'sent', 1), (1, 2, 'in_doubt', 1), (2, 1, 'sent', 1), (2, 2, 'deferred', 1), (3, 1, 'sent', 1), (3, 2, 'sent', 1), (3, 3, 'failed', 1)`)
	got := s.scrape(t)
	got.check(t, samples{
		`linkletter_lists{state="ok"}`:                                   1,
		`linkletter_lists{state="failing"}`:                              1,
		`linkletter_lists{state="held"}`:                                 1,
		`linkletter_lists{state="unchecked"}`:                            1,
		`linkletter_entries`:                                             49,
		`linkletter_oldest_good_check_timestamp_seconds`:                 0,
		`linkletter_list_good_check_timestamp_seconds{list="good"}`:      2000,
		`linkletter_list_good_check_timestamp_seconds{list="bad"}`:       1000,
		`linkletter_list_good_check_timestamp_seconds{list="new"}`:       0,
		`linkletter_list_entries{list="good"}`:                           40,
		`linkletter_list_holds{list="held"}`:                             2,
		`linkletter_list_holds{list="good"}`:                             0,
		`linkletter_list_failures{list="bad"}`:                           4,
		`linkletter_list_failures{list="good"}`:                          0,
		`linkletter_digest_issue_number{digest="weekly"}`:                3,
		`linkletter_digest_issue_timestamp_seconds{digest="weekly"}`:     300,
		`linkletter_digest_deliveries{digest="weekly",state="sent"}`:     4,
		`linkletter_digest_deliveries{digest="weekly",state="failed"}`:   1,
		`linkletter_digest_deliveries{digest="weekly",state="deferred"}`: 1,
		`linkletter_digest_deliveries{digest="weekly",state="pending"}`:  0,
		`linkletter_digest_in_doubt{digest="weekly"}`:                    1,
		`linkletter_digest_paused_issues{digest="weekly"}`:               1,
		`linkletter_digest_issue_number{digest="daily"}`:                 0,
		`linkletter_digest_deliveries{digest="daily",state="in_doubt"}`:  0,
		`linkletter_database_up`:                                         1,
	})
	if _, ok := got[`linkletter_list_entries{list="ended"}`]; ok {
		t.Error("a list that is not in the configuration is told of")
	}
	// Of many lists only the whole is told.
	for i := len(s.Lists); i <= maxListed; i++ {
		s.Lists = append(s.Lists, fmt.Sprintf("list-%d", i))
	}
	got = s.scrape(t)
	if _, ok := got[`linkletter_list_entries{list="good"}`]; ok || got[`linkletter_lists{state="unchecked"}`] != maxListed-2 || got["linkletter_entries"] != 49 {
		t.Errorf("of %d lists: each one %v, unchecked %v, entries %v", len(s.Lists), ok, got[`linkletter_lists{state="unchecked"}`], got["linkletter_entries"])
	}
	// Without its store it tells what it has.
	s.Store.Close()
	if got = s.scrape(t); got["linkletter_database_up"] != 0 || got["go_goroutines"] == 0 {
		t.Errorf("without a store: %v up, %v goroutines", got["linkletter_database_up"], got["go_goroutines"])
	}
}

func TestOperatorHandler(t *testing.T) {
	s := newSite(t, nil)
	write(t, filepath.Join(s.Public, "metrics"), "a file", s.Now())
	running := httptest.NewServer(s.OperatorHandler())
	defer running.Close()
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/metrics": 404, "/": 404, "/atom.xml": 404, "/-/subscribe": 404} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, running.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if a := do(t, r); a.status != want {
			t.Errorf("%s without metrics: %v, want %d", path, a, want)
		}
	}
}
