package publish

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"linkletter/store"
)

const (
	hubBatch    = 64               // pings that are read at once
	hubTimeout  = 20 * time.Second // of one ping, redirects included
	hubFirst    = 30 * time.Second // before the second try, and twice as long before each after it
	hubLongest  = time.Hour        // between two tries
	hubPatience = 24 * time.Hour   // after which a ping is given up
	hubTries    = 4                // a ping is given up after no fewer; after so many, if the hub refuses it
	hubInARow   = 5                // so many failures one after the other are the hub's, and no single feed's
	hubHops     = 3                // redirects that are followed
	hubAnswer   = 4 << 10          // bytes of an answer that are read
)

// Hub tells a WebSub hub (https://www.w3.org/TR/websub/) which feeds were published anew. What it is to tell stands in the
// store, so that nothing is forgotten when the program or the hub is down. Its fields are set before the first call and not
// changed after.
//
// The recommendation leaves open how a hub is told (section 7). What all hubs understand is PubSubHubbub 0.3's way (section
// 7.1) with one feed in each request: hub.mode=publish with the feed's address in hub.url, which most read, and in
// hub.topic, which the others do. Several feeds in one request are written in three ways, none of which all know.
type Hub struct {
	URL       string
	Store     *store.Store
	Client    *http.Client // nil: the usual one. Its own rule for redirects is not asked
	UserAgent string
	Timeout   time.Duration  // of one ping; 0: 20 s
	Random    func() float64 // of [0, 1), by which tries are spread; nil: chance
	Now       func() time.Time
	Log       *slog.Logger
}

// Run tells the hub, one feed after the other, all that it is to be told now, until that is done, the hub does not answer,
// or the context ends. What it does not take is put off, and given up after a day, or after four tries if the hub refuses it; that is logged, and seen in the store's
// troubles until it takes something again. The error is the store's. Only one Run may be at work on a store at a time.
func (h *Hub) Run(ctx context.Context) error {
	r := hubRun{Hub: h}
	for {
		due, err := h.Store.DuePings(ctx, h.URL, hubBatch)
		if err != nil || len(due) == 0 {
			return err
		}
		for _, p := range due {
			err := h.tell(ctx, p.Topic)
			if ctx.Err() != nil && err != nil {
				return nil // not the hub's fault; it is told the next time
			}
			if more, err := r.account(context.WithoutCancel(ctx), p, err); err != nil || !more {
				return err
			}
		}
	}
}

// hubRun is one call of Run.
type hubRun struct {
	*Hub
	works    bool // the hub took something
	failures int  // since then
}

// account records what became of a ping, and says whether the next may be tried now.
func (r *hubRun) account(ctx context.Context, p store.Ping, failure error) (more bool, err error) {
	if failure == nil {
		r.failures = 0
		r.Log.Debug("the hub was told", "topic", p.Topic)
		if err := r.Store.EndPing(ctx, p); err != nil || r.works {
			return true, err
		}
		r.works = true
		return true, r.Store.HubWorks(ctx)
	}
	r.failures++
	var answer *hubError
	away := !errors.As(failure, &answer) || answer.away || r.failures >= hubInARow
	now := r.Now()
	next := now.Add(r.backoff(p.Attempts))
	if answer != nil && now.Add(answer.wait).After(next) {
		next = now.Add(answer.wait)
	}
	level := slog.LevelDebug
	if p.Attempts == 0 {
		level = slog.LevelWarn
	}
	r.Log.Log(ctx, level, "the hub was not told, and will be later", "topic", p.Topic, "error", failure, "next", next)

	refused := answer != nil && answer.refused || now.Sub(p.Since) >= hubPatience
	if refused && p.Attempts+1 >= hubTries {
		err = errors.Join(r.Store.EndPing(ctx, p), r.giveUp(ctx, fmt.Errorf("the hub %s could not be told of %s: %w", r.URL, p.Topic, failure)))
	} else {
		err = r.Store.PutOffPing(ctx, p, next)
	}
	if away {
		err = errors.Join(err, r.away(ctx, next, failure))
	}
	return !away, err
}

// away leaves the hub alone, whatever there is to tell it. After a day without success it gives up what is as old.
func (r *hubRun) away(ctx context.Context, until time.Time, failure error) error {
	since, err := r.Store.HubFailed(ctx, r.URL, until)
	if err != nil || r.Now().Sub(since) < hubPatience {
		return err
	}
	n, err := r.Store.DropPings(ctx, r.Now().Add(-hubPatience))
	if n > 0 {
		r.Log.Error("feeds that changed a day ago or more are not told to the hub any more", "feeds", n)
	}
	return errors.Join(err, r.giveUp(ctx, fmt.Errorf("the hub %s has taken nothing since %s: %w", r.URL, since.Format("2006-01-02 15:04 MST"), failure)))
}

// giveUp says so to whoever looks.
func (r *hubRun) giveUp(ctx context.Context, why error) error {
	why = fmt.Errorf("%w; readers learn of news when they look for themselves; check the address in the configuration (hub)", why)
	r.Log.Error("gave up telling the hub", "error", why)
	return r.Store.SetTrouble(ctx, store.TroubleHub, why)
}

// backoff is how long to wait after so many tries and one more, half of it by chance.
func (h *Hub) backoff(attempts int) time.Duration {
	random := h.Random
	if random == nil {
		random = rand.Float64
	}
	d := hubLongest
	if attempts < 10 {
		d = min(hubFirst<<attempts, hubLongest)
	}
	return d/2 + time.Duration(random()*float64(d/2))
}

// hubError is an answer other than "yes".
type hubError struct {
	text    string
	away    bool          // nothing should be asked of the hub now
	refused bool          // asking again will hardly help
	wait    time.Duration // as it asked
}

func (e *hubError) Error() string { return e.text }

// tell tells the hub of one feed. An error that is no *hubError says that there was no answer.
func (h *Hub) tell(ctx context.Context, topic string) error {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(h.Timeout, hubTimeout))
	defer cancel()
	at, err := url.Parse(h.URL)
	if err != nil {
		return &hubError{text: err.Error(), refused: true}
	}
	form := url.Values{"hub.mode": {"publish"}, "hub.url": {topic}, "hub.topic": {topic}}.Encode()
	for hop := 0; ; hop++ {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, at.String(), strings.NewReader(form))
		if err != nil {
			return &hubError{text: err.Error(), refused: true}
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("User-Agent", h.UserAgent)
		res, err := h.client().Do(req)
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return fmt.Errorf("it did not answer within %s", cmp.Or(h.Timeout, hubTimeout))
		}
		if err != nil {
			return err
		}
		said, _ := io.ReadAll(io.LimitReader(res.Body, hubAnswer)) // the status says all that counts
		res.Body.Close()
		next, err := h.judge(res, said, at)
		if next == nil || err != nil {
			return err
		}
		if hop == hubHops {
			return &hubError{text: fmt.Sprintf("it led on more than %d times", hubHops), refused: true}
		}
		at = next
	}
}

// client is what asks: it follows nothing by itself, because it would go on with GET, which tells nobody anything.
func (h *Hub) client() *http.Client {
	var c http.Client
	if h.Client != nil {
		c = *h.Client
	}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &c
}

// judge says what an answer means; next is where to ask instead.
func (h *Hub) judge(res *http.Response, said []byte, at *url.URL) (next *url.URL, err error) {
	e := &hubError{text: strings.TrimSpace(fmt.Sprintf("it answers %s %s", res.Status, firstLine(said))), wait: retryAfter(res.Header, h.Now())}
	switch s := res.StatusCode; {
	case s >= 200 && s < 300:
		return nil, nil
	case s == http.StatusMovedPermanently, s == http.StatusFound, s == http.StatusTemporaryRedirect, s == http.StatusPermanentRedirect:
		to, err := at.Parse(res.Header.Get("Location"))
		// What feeds name as their hub is one host's, and no other's word is taken for it.
		if err == nil && res.Header.Get("Location") != "" && to.Hostname() == at.Hostname() && (to.Scheme == at.Scheme || to.Scheme == "https") {
			return to, nil
		}
		e.text = fmt.Sprintf("it answers %s and leads to %q, another host: name the right address in the configuration (hub)", res.Status, res.Header.Get("Location"))
		e.refused = true
	case s == http.StatusTooManyRequests, s == http.StatusServiceUnavailable, e.wait > 0:
		e.away = true
	case s == http.StatusRequestTimeout:
	default:
		e.refused = s < 500
	}
	return nil, e
}

// firstLine is the beginning of what a hub says, in quotes.
func firstLine(said []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(said)), "\n")
	if line == "" {
		return ""
	}
	if r := []rune(line); len(r) > 120 {
		line = string(r[:120]) + "…"
	}
	return strconv.Quote(line)
}

// retryAfter reads the header of that name (RFC 9110, section 10.2.3), at most a day; 0 where nothing sensible is asked for.
func retryAfter(header http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(header.Get("Retry-After"))
	var wait time.Duration
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), hubPatience)
}
