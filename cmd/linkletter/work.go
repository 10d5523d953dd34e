package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"linkletter/cmd/internal/check"
	"linkletter/cmd/internal/deliver"
	"linkletter/feed"
	"linkletter/feed/curated"
	"linkletter/store"
)

// Attribute keys of the log.
const (
	logList   = "list"
	logDigest = "digest"
	logIssue  = "issue"
	logError  = "error"
)

// checkList checks one list, remembers a failure, and publishes what changed. One list's trouble is its own: the caller
// goes on with the next. When the list is being checked already, it waits for that, and checks again.
func (a *app) checkList(ctx context.Context, id string) (*check.Result, error) {
	return a.checkWith(ctx, id, a.check, true)
}

func (a *app) checkWith(ctx context.Context, id string, f checkFunc, wait bool) (result *check.Result, err error) {
	if err := a.known(id); err != nil {
		return nil, err
	}
	w := a.watched[id]
	if err := w.enter(ctx, id, a.now(), wait); err != nil {
		return nil, err
	}
	defer func() {
		var hangs *hangsError
		if !errors.As(err, &hangs) {
			w.leave()
		}
	}()
	before, err := a.store.List(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		before, err = &store.List{ID: id}, nil
	}
	if err != nil {
		return nil, err
	}
	list, err := a.list(id)
	if err == nil {
		result, err = a.perform(ctx, w, list, before.Error != "", f)
	}
	if err != nil && ctx.Err() != nil {
		return nil, errors.Join(ctx.Err(), err)
	}
	if err != nil {
		return nil, a.checkFailed(ctx, w, id, err)
	}
	if before.Error != "" {
		a.log.Info("the list works again", logList, id, "failed_since", before.ErrorSince, "checks", before.Failures)
	}
	return result, a.checked(ctx, result)
}

// checked publishes what a check found.
func (a *app) checked(ctx context.Context, result *check.Result) error {
	id := result.List
	a.warnRelative(id, result)
	l, err := a.store.List(ctx, id)
	if err != nil {
		return err
	}
	for _, h := range l.Holds {
		result.Standing = append(result.Standing, curated.Hold{Kind: h.Kind, Reason: h.Reason, Count: h.Count})
	}
	state := a.state(l)
	if result.Unchanged && state == l.Published && exists(filepath.Join(a.publisher.Dir, feed.ListDir(id), feed.PageFile)) {
		return nil
	}
	return a.publish(ctx, id, state)
}

// warnRelative says that links of a list lead nowhere from a feed.
func (a *app) warnRelative(id string, r *check.Result) {
	n := 0
	for _, e := range r.Report.Added {
		if u, err := url.Parse(e.URL); err == nil && !u.IsAbs() {
			n++
		}
	}
	if n > 0 {
		a.log.Warn("entries have relative addresses, which lead nowhere from a feed or a mail; set the list's page, where they start", logList, id, "entries", n)
	}
}

// logCheck writes what a check found to the log.
func (a *app) logCheck(ctx context.Context, r *check.Result, err error) {
	var failed *failedCheck
	var busy *busyError
	switch {
	case errors.As(err, &failed):
		a.tell(ctx, failed.list)
		if failed.also != nil {
			a.log.Error("publishing that a check failed", logList, failed.list.ID, logError, failed.also)
		}
		return
	case errors.As(err, &busy): // whoever asked is told
		a.log.Debug("not checked", logError, err)
		return
	case err != nil:
		a.log.Error("checking", logError, err)
		return
	}
	log := a.log.With(logList, r.List)
	for _, h := range r.Held {
		log.Warn("held, nothing of it is announced", "kind", h.Kind, "reason", h.Reason, "count", h.Count)
	}
	for _, w := range r.Warnings {
		log.Warn("about the source", "warning", w)
	}
	if a.watched[r.List].moves(r.Moved) {
		log.Warn("the source has moved for good; name its new address in the configuration", "to", r.Moved)
	}
	switch {
	case r.Unchanged:
		log.Debug("unchanged")
	case r.Silent:
		log.Info("read anew by another version of the program; what it finds by that is no news", "entries", r.Entries)
	case r.Baseline:
		log.Info("first check: what stands in the list is known now, and none of it is news", "entries", r.Entries)
	default:
		did := r.Taken
		if r.Revisions > 0 {
			log = log.With("revisions", r.Revisions)
		}
		log.Info("checked", "entries", r.Entries, "announced", len(did.Added), "removed", len(did.Removed), "changed", len(did.Changed))
	}
}

// send freezes the issue of a digest for a period and publishes its page. It gives nil when there is nothing new.
// Delivering is the caller's next step.
func (a *app) send(ctx context.Context, id string, period time.Time) (*store.Issue, error) {
	issue, err := a.deliverer.Freeze(ctx, id, period.In(a.cfg.location).Format(time.RFC3339))
	if err != nil {
		return nil, fmt.Errorf("digest %s: %w", id, err)
	}
	if err := a.store.Ran(ctx, id, period); err != nil {
		return nil, err
	}
	if issue == nil {
		a.log.Info("nothing new, or a draft waits for approval: no issue", logDigest, id)
	} else {
		a.log.Info("issue frozen", logDigest, id, logIssue, issue.Number, "entries", issue.Len())
	}
	// Without an issue too: a crash may have come between freezing one and publishing its page.
	_, err = a.publishAll(ctx)
	return issue, err
}

// requestsEvery is how often the store is asked for handed-over work.
const requestsEvery = time.Second

// deliverLog is how often a long delivery says in the log how far it is.
const deliverLog = 10 * time.Second

// deliver sends everything that is due, and notes whether anything can be sent. show, which may be nil, draws how far it
// is; without it a long delivery says so in the log.
func (a *app) deliver(ctx context.Context, show func(done, total int)) (deliver.Summary, error) {
	said := time.Now()
	summary, err := a.deliverer.Run(ctx, func(done, total int) {
		if show != nil {
			show(done, total)
		} else if time.Since(said) >= deliverLog {
			said = time.Now()
			a.log.Info("delivering", "done", done, "of", total)
		}
	})
	if summary.Recovered > 0 {
		a.log.Warn("an interrupted run left messages in doubt", "count", summary.Recovered, "policy", a.cfg.Mail.InDoubt)
	}
	if summary.Sent > 0 || summary.Failed > 0 || summary.Deferred > 0 || summary.InDoubt > 0 {
		a.log.Info("delivered", "sent", summary.Sent, "deferred", summary.Deferred, "failed", summary.Failed,
			"suppressed", summary.Suppressed, "in_doubt", summary.InDoubt)
	}
	if ctx.Err() != nil {
		return summary, err
	}
	return summary, errors.Join(err, a.store.SetTrouble(ctx, store.TroubleMail, err))
}

// answerRequests does what other commands handed over, until the context ends, and then waits for what is under way.
// Each is done by itself: a list whose check takes long keeps nobody else waiting.
func (a *app) answerRequests(ctx context.Context, wake func()) {
	tick := time.NewTicker(requestsEvery)
	defer tick.Stop()
	var all sync.WaitGroup
	defer all.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for {
			r, err := a.store.NextRequest(ctx)
			if err != nil && ctx.Err() == nil {
				a.log.Error("looking for handed-over work", logError, err)
			}
			if r == nil {
				break
			}
			all.Go(func() { a.answer(ctx, r, wake) })
		}
	}
}

// answer does one request and says what came of it.
func (a *app) answer(ctx context.Context, r *store.Request, wake func()) {
	result, err := a.fulfil(ctx, r)
	wake()
	failure := ""
	if err != nil {
		failure = err.Error()
	}
	// What was done is answered even while the program stops.
	if err := a.store.Answer(context.WithoutCancel(ctx), r.ID, result, failure); err != nil {
		a.log.Error("answering handed-over work", logError, err)
	}
}

// fulfil does one request and gives its result as JSON.
func (a *app) fulfil(ctx context.Context, r *store.Request) (answer string, err error) {
	defer a.recovered(&err)
	var result any
	switch r.Kind {
	case store.RequestCheck:
		var checked *check.Result
		checked, err = a.checkList(ctx, r.Subject)
		a.logCheck(ctx, checked, err)
		result = checked
	case store.RequestAccept:
		result, err = a.accept(ctx, r.Subject)
	case store.RequestDismiss:
		result, err = a.dismiss(ctx, r.Subject)
	case store.RequestSend:
		var sent *sentIssue
		if sent, err = a.sendNow(ctx, r.Subject); err == nil {
			sent.By = "the running scheduler"
		}
		result = sent
	case store.RequestPublish:
		result, err = a.publishAll(ctx)
	}
	if err != nil {
		return "", err
	}
	b, err := json.Marshal(result)
	return string(b), err
}

// recovered makes an error of a panic, so that one piece of work cannot end the program. It is deferred.
func (a *app) recovered(err *error) {
	if p := recover(); p != nil {
		a.log.Error("a panic; this is a mistake in linkletter", logError, p, "stack", string(debug.Stack()))
		*err = fmt.Errorf("a mistake in linkletter: %v", p)
	}
}

// decision is what became of what was held of a list.
type decision struct {
	List      string `json:"list"`
	Announced int    `json:"announced"`
	Dismissed int    `json:"dismissed"`
	Removed   int    `json:"removed"`
}

// accept believes what is held of a list. A reading of which nothing was taken in is made again, and believed then.
func (a *app) accept(ctx context.Context, id string) (*decision, error) {
	d := &decision{List: id}
	err := a.decide(ctx, id, func() (err error) {
		d.Announced, d.Removed, err = a.store.Accept(ctx, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	l, err := a.store.List(ctx, id)
	if err != nil || !slices.ContainsFunc(l.Holds, func(h store.Hold) bool { return h.Kind == curated.HoldUnreadable }) {
		return d, err
	}
	result, err := a.checkWith(ctx, id, a.checker.Believe, true)
	if err != nil {
		return nil, err
	}
	if len(result.Held) == 0 {
		d.Announced += len(result.Taken.Added)
		d.Removed += len(result.Taken.Removed)
	}
	return d, nil
}

func (a *app) dismiss(ctx context.Context, id string) (*decision, error) {
	d := &decision{List: id}
	err := a.decide(ctx, id, func() (err error) {
		d.Dismissed, err = a.store.Dismiss(ctx, id)
		return err
	})
	return d, err
}

// decide changes what is held of a list while no check is at it, and publishes what came of that.
func (a *app) decide(ctx context.Context, id string, change func() error) error {
	if err := a.known(id); err != nil {
		return err
	}
	w := a.watched[id]
	if err := w.enter(ctx, id, a.now(), true); err != nil {
		return err
	}
	defer w.leave()
	if _, err := a.store.List(ctx, id); errors.Is(err, store.ErrNotFound) {
		return hintError{fmt.Errorf("nothing is held of list %s: it was never checked", id), "linkletter check " + id}
	} else if err != nil {
		return err
	}
	if err := change(); err != nil {
		return err
	}
	l, err := a.store.List(ctx, id)
	if err != nil {
		return err
	}
	return a.publish(ctx, id, a.state(l))
}

// sendNow freezes a digest's next issue outside its schedule.
func (a *app) sendNow(ctx context.Context, id string) (*sentIssue, error) {
	goesOn := []string{}
	for _, d := range a.cfg.Digests {
		open, err := a.store.OpenIssues(ctx, d.ID)
		if err != nil {
			return nil, err
		}
		for _, i := range open {
			if rowOf(i).left() {
				goesOn = append(goesOn, fmt.Sprintf("%s #%d", d.ID, i.Number))
			}
		}
	}
	issue, err := a.send(ctx, id, a.now())
	if err != nil || issue == nil {
		return &sentIssue{Digest: id, GoesOn: goesOn}, err
	}
	return &sentIssue{Digest: id, GoesOn: goesOn, Number: issue.Number, Entries: issue.Len(), To: issue.Total(), Draft: issue.State == store.IssueDraft}, nil
}
