package web

import (
	"net/http"
	"path"
	"runtime"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"linkletter/feed"
)

// kind is what a request is for, as far as metrics tell: addresses would be labels without end.
type kind int

const (
	kindOther kind = iota // nothing that is there
	kindAtom
	kindRSS
	kindJSON
	kindOPML
	kindPage
	kindAsset
	kindForm
	kindProbe
	kindCount
)

var kindNames = [kindCount]string{"other", "atom", "rss", "json", "opml", "page", "asset", "form", "probe"}

func kindOf(file, mediaType string) kind {
	switch mediaType {
	case feed.AtomType:
		return kindAtom
	case feed.RSSType:
		return kindRSS
	case feed.JSONType:
		return kindJSON
	case typeOPML:
		return kindOPML
	case "text/html":
		return kindPage
	}
	if path.Ext(file) == "" {
		return kindOther
	}
	return kindAsset
}

// statuses are those that the server answers with; another one is counted as 0.
var statuses = []int{0, 200, 204, 206, 226, 301, 304, 400, 403, 404, 405, 410, 412, 413, 416, 422, 500, 503}

// Metrics count what is answered, for Prometheus.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	counters [kindCount][]atomic.Pointer[prometheus.Counter] // of requests, by kind and place in statuses
	bytes    [kindCount]prometheus.Counter
	seconds  [kindCount]prometheus.Observer
}

// NewMetrics begins to count. version is the program's.
func NewMetrics(version string) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "linkletter_http_requests_total", Help: "Requests answered, by status code and kind of resource.",
		}, []string{"code", "kind"}),
	}
	bytes := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "linkletter_http_response_bytes_total", Help: "Bytes of bodies sent, by kind of resource.",
	}, []string{"kind"})
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "linkletter_http_request_duration_seconds", Help: "From a request's header to the end of its answer, by kind of resource.",
		Buckets: []float64{.0001, .0003, .001, .003, .01, .03, .1, .3, 1, 3, 10, 30},
	}, []string{"kind"})
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "linkletter_build_info", Help: "1; what runs is in the labels.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version()},
	})
	build.Set(1)
	m.registry.MustRegister(m.requests, bytes, seconds, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for k, name := range kindNames {
		m.counters[k] = make([]atomic.Pointer[prometheus.Counter], len(statuses))
		m.bytes[k], m.seconds[k] = bytes.WithLabelValues(name), seconds.WithLabelValues(name)
	}
	return m
}

// observe counts an answer. It is on the way of every request, and looks nothing up by name.
func (m *Metrics) observe(w *response, method string, took time.Duration) {
	status := w.status
	if status == 0 {
		status = http.StatusOK
	}
	i := max(0, slices.Index(statuses, status))
	counter := m.counters[w.kind][i].Load()
	if counter == nil {
		c := m.requests.WithLabelValues(strconv.Itoa(statuses[i]), kindNames[w.kind])
		counter = &c
		m.counters[w.kind][i].Store(counter)
	}
	(*counter).Inc()
	if method != http.MethodHead { // what is written then is not sent
		m.bytes[w.kind].Add(float64(w.bytes))
	}
	m.seconds[w.kind].Observe(took.Seconds())
}
