package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"linkletter/cmd/internal/web"
	"linkletter/store"
)

// deliverEvery is how often due deliveries are looked for when nothing rings before.
const deliverEvery = 15 * time.Second

func (p *program) serveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Watch the lists, publish, mail and answer the web, until stopped",
		Long: `Check every list on its schedule, publish what is new, send every digest on its schedule and
answer the web: feeds, pages, sign-up, confirmation and unsubscribing. What was missed
while the program was down is done once at start. SIGINT or SIGTERM stops it after what
is under way.`,
		Example: `  linkletter serve
  linkletter serve --config /etc/linkletter/config.yaml --log-json`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			if p.logLevel == "" {
				p.logLevel = "info" // a service's log is how it is watched
			}
			a, err := p.open(ctx)
			if err != nil {
				return err
			}
			defer a.close()
			if err := a.prepare(); err != nil {
				return err
			}
			lease, err := a.take(ctx, "serve")
			if err != nil {
				return err
			}
			defer lease.Release(context.WithoutCancel(ctx))
			listener, err := web.Listen(ctx, a.cfg.Listen)
			if err != nil {
				return err
			}
			return holding(ctx, lease, func(ctx context.Context) error { return a.serve(ctx, listener) })
		},
	}
}

// prepare looks for what would only fail later: folders that cannot be written.
func (a *app) prepare() error {
	if err := writable(a.cfg.path(a.cfg.Public)); err != nil {
		return err
	}
	if a.cfg.Mail.SMTP == "" && len(a.cfg.Digests) > 0 {
		return writable(a.cfg.path(a.cfg.Mail.Outbox))
	}
	return nil
}

// serve runs until the context ends: the web server, the schedule, the sender and the requests of other commands.
func (a *app) serve(ctx context.Context, listener net.Listener) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	a.greet(listener)
	bell := make(chan struct{}, 1)
	wake := func() {
		select {
		case bell <- struct{}{}:
		default: // it is ringing already
		}
	}
	var parts sync.WaitGroup
	parts.Go(func() {
		if err := a.newServer(wake).Serve(ctx, listener); err != nil {
			cancel(fmt.Errorf("the web server stopped: %w", err))
		}
	})
	parts.Go(func() { a.deliverWhenDue(ctx, bell) })
	parts.Go(func() { a.answerRequests(ctx, wake) })
	parts.Go(func() {
		// A crash may have come between remembering and publishing: the files are made from the store again.
		if err := a.publish(ctx); err != nil && ctx.Err() == nil {
			a.log.Error("publishing", logError, err)
		}
		a.schedule(ctx, wake)
	})
	parts.Wait()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	a.log.Info("stopped")
	return nil
}

// greet says where everything is.
func (a *app) greet(listener net.Listener) {
	feed, files := a.feedAddresses()
	a.log.Info("serving", "feed", feed, "site", a.site.Root(), "listen", listener.Addr().String(), "files", files)
	if a.cfg.Tag == "" && a.site.Local() {
		a.log.Warn("entry ids are not final: base_url is a local address and no tag is set; set base_url, or tag, before others subscribe")
	}
	if a.cfg.Mail.SMTP == "" && len(a.cfg.Digests) > 0 {
		a.log.Info("no mail.smtp is set: messages are written to the outbox", "outbox", a.cfg.path(a.cfg.Mail.Outbox))
	}
}

// schedule checks and sends at the configured times until the context ends, then waits for what is under way.
func (a *app) schedule(ctx context.Context, wake func()) {
	s := newScheduler(ctx, a.cfg.location, a.log)
	for _, l := range a.cfg.Lists {
		at, _ := parseSchedule(l.Check, a.cfg.location) // validated when the configuration was read
		now := s.add(at, "check "+l.ID, func(ctx context.Context, _ time.Time) {
			result, err := a.checkList(ctx, l.ID)
			if ctx.Err() == nil {
				a.logCheck(result, err)
			}
		})
		if a.checkDue(ctx, l.ID, at) {
			now(a.now())
		}
	}
	for _, d := range a.cfg.Digests {
		at, _ := parseSchedule(d.Schedule, a.cfg.location)
		now := s.add(at, "digest "+d.ID, func(ctx context.Context, scheduled time.Time) {
			if _, err := a.send(ctx, d.ID, scheduled); err != nil && ctx.Err() == nil {
				a.log.Error("making the issue", logDigest, d.ID, logError, err)
			}
			wake()
		})
		if period, due := a.digestDue(ctx, d.ID, at); due {
			a.log.Info("an issue came due while the program was down; making it now, once", logDigest, d.ID, "period", period)
			now(period)
		}
	}
	s.start()
	<-ctx.Done()
	s.stop()
}

// checkDue says whether a list's check was missed while the program was down, or was never made.
func (a *app) checkDue(ctx context.Context, id string, at schedule) bool {
	l, err := a.store.List(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return true
	}
	if err != nil {
		a.log.Error("looking for missed checks", logList, id, logError, err)
		return true
	}
	_, due := at.missed(l.Checked, a.now())
	return due || l.Checked.IsZero() || l.Error != ""
}

// digestDue gives the newest time a digest was due and not attended to.
func (a *app) digestDue(ctx context.Context, id string, at schedule) (time.Time, bool) {
	clock, err := a.store.Clock(ctx, id)
	if err != nil {
		a.log.Error("looking for missed issues", logDigest, id, logError, err)
		return time.Time{}, false
	}
	return at.missed(clock.Ran, a.now())
}

// deliverWhenDue sends what is due, each time the bell rings and every so often, until the context ends.
func (a *app) deliverWhenDue(ctx context.Context, bell <-chan struct{}) {
	tick := time.NewTicker(deliverEvery)
	defer tick.Stop()
	for {
		if err := a.deliver(ctx, nil); err != nil && ctx.Err() == nil {
			a.log.Error("delivering", logError, err)
		}
		if _, err := a.deliverer.Confirmations(ctx); err != nil && ctx.Err() == nil {
			a.log.Error("sending confirmations", logError, err)
		}
		select {
		case <-ctx.Done():
			return
		case <-bell:
		case <-tick.C:
		}
	}
}
