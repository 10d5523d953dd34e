package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"linkletter/cmd/internal/check"
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
// goes on with the next.
func (a *app) checkList(ctx context.Context, id string) (*check.Result, error) {
	list, err := a.list(id)
	if err != nil {
		return nil, err
	}
	lock := a.listLocks[id]
	lock.Lock()
	defer lock.Unlock()
	result, err := a.checker.Check(ctx, list)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		first, recordErr := a.store.Failed(ctx, id, err.Error())
		if first {
			// The list's page says so from now on.
			recordErr = errors.Join(recordErr, a.publish(ctx, id))
		}
		return nil, errors.Join(fmt.Errorf("list %s: %w", id, err), recordErr)
	}
	return result, a.publish(ctx, id)
}

// publish rewrites the files of the named lists, or all.
func (a *app) publish(ctx context.Context, lists ...string) error {
	report, err := a.publisher.Publish(ctx, lists...)
	if report.Written > 0 || report.Removed > 0 {
		a.log.Info("published", "lists", lists, "written", report.Written, "unchanged", report.Unchanged, "removed", report.Removed)
	}
	return err
}

// logCheck writes what a check found to the log.
func (a *app) logCheck(r *check.Result, err error) {
	if err != nil {
		a.log.Error("check failed", logError, err)
		return
	}
	log := a.log.With(logList, r.List)
	for _, h := range r.Held {
		log.Warn("held, nothing of it is announced", "kind", h.Kind, "reason", h.Reason, "count", h.Count)
	}
	switch {
	case r.Unchanged:
		log.Debug("unchanged")
	case r.Baseline:
		log.Info("first check: what stands in the list is known now, and none of it is news", "entries", r.Entries)
	default:
		log.Info("checked", "entries", r.Entries, "announced", len(r.Announced()), "removed", len(r.Report.Removed), "changed", len(r.Report.Changed))
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
		a.log.Info("nothing new, no issue", logDigest, id)
	} else {
		a.log.Info("issue frozen", logDigest, id, logIssue, issue.Number, "entries", issue.Len())
	}
	// Without an issue too: a crash may have come between freezing one and publishing its page.
	return issue, a.publish(ctx)
}

// deliverLog is how often a long delivery says in the log how far it is.
const deliverLog = 10 * time.Second

// deliver sends everything that is due. show, which may be nil, draws how far it is.
func (a *app) deliver(ctx context.Context, show func(done, total int)) error {
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
	return err
}

// answerRequests does what other commands handed over, until the context ends.
func (a *app) answerRequests(ctx context.Context, wake func()) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		r, err := a.store.NextRequest(ctx)
		if err != nil && ctx.Err() == nil {
			a.log.Error("looking for handed-over work", logError, err)
		}
		if r == nil {
			continue
		}
		result, err := a.fulfil(ctx, r)
		wake()
		failure := ""
		if err != nil {
			failure = err.Error()
		}
		if err := a.store.Answer(ctx, r.ID, result, failure); err != nil && ctx.Err() == nil {
			a.log.Error("answering handed-over work", logError, err)
		}
	}
}

// fulfil does one request and gives its result as JSON.
func (a *app) fulfil(ctx context.Context, r *store.Request) (string, error) {
	var result any
	var err error
	switch r.Kind {
	case store.RequestCheck:
		result, err = a.checkList(ctx, r.Subject)
	case store.RequestAccept:
		result, err = a.accept(ctx, r.Subject)
	case store.RequestDismiss:
		result, err = a.dismiss(ctx, r.Subject)
	case store.RequestSend:
		result, err = a.sendNow(ctx, r.Subject)
	case store.RequestPublish:
		err = a.publish(ctx)
	}
	if err != nil {
		return "", err
	}
	b, err := json.Marshal(result)
	return string(b), err
}

// decision is what became of what was held of a list.
type decision struct {
	List      string `json:"list"`
	Announced int    `json:"announced"`
	Dismissed int    `json:"dismissed"`
	Removed   int    `json:"removed"`
}

func (a *app) accept(ctx context.Context, list string) (*decision, error) {
	announced, removed, err := a.store.Accept(ctx, list)
	if err != nil {
		return nil, err
	}
	return &decision{List: list, Announced: announced, Removed: removed}, a.publish(ctx, list)
}

func (a *app) dismiss(ctx context.Context, list string) (*decision, error) {
	n, err := a.store.Dismiss(ctx, list)
	if err != nil {
		return nil, err
	}
	return &decision{List: list, Dismissed: n}, a.publish(ctx, list)
}

// sentIssue is what `digest send` prints.
type sentIssue struct {
	Digest  string `json:"digest"`
	Number  int    `json:"number"` // 0: nothing new, no issue
	Entries int    `json:"entries"`
	To      int    `json:"to"` // subscribers
}

// sendNow freezes a digest's next issue outside its schedule.
func (a *app) sendNow(ctx context.Context, id string) (*sentIssue, error) {
	issue, err := a.send(ctx, id, a.now())
	if err != nil || issue == nil {
		return &sentIssue{Digest: id}, err
	}
	return &sentIssue{Digest: id, Number: issue.Number, Entries: issue.Len(), To: issue.Total()}, nil
}
