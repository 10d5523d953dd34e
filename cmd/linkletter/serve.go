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

// draftRetry is how long a draft waits that could not be mailed to the operator.
const draftRetry = 5 * time.Minute

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
			lease, err := a.take(ctx, serveName)
			var held *store.HeldError
			if errors.As(err, &held) {
				return hintError{err, "only one scheduler works on a database; stop that one first"}
			}
			if err != nil {
				return err
			}
			a.owner = lease.Owner
			return errors.Join(holding(ctx, lease, a.serve), lease.Release(context.WithoutCancel(ctx)))
		},
	}
}

// noImprint is said by all who send issues.
const noImprint = "no imprint is set (imprint: in the configuration): many countries' law wants to read in every issue who sends it, with a postal address"

// prepare looks for what would only fail later, folders that cannot be written, and says what an operator should know
// before anything is sent.
func (a *app) prepare() error {
	for _, w := range a.templates.Warnings {
		a.log.Warn("a template of yours lacks something", "warning", w)
	}
	if a.cfg.Imprint == "" && len(a.cfg.Digests) > 0 {
		a.log.Warn(noImprint)
	}
	if err := writable(a.cfg.path(a.cfg.Public)); err != nil {
		return err
	}
	if a.cfg.Mail.SMTP == "" && len(a.cfg.Digests) > 0 {
		return writable(a.cfg.path(a.cfg.Mail.Outbox))
	}
	return nil
}

// serve runs until the context ends: the web server, the schedule, the sender and the requests of other commands.
func (a *app) serve(ctx context.Context) error {
	if err := a.settle(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var parts sync.WaitGroup
	issues, signups := newBell(), newBell()
	server := a.newServer(signups.ring)
	server.Ready = func(asked context.Context) error { return a.ready(asked, ctx) }
	failed := func(err error) { cancel(fmt.Errorf("the web server stopped: %w", err)) }
	end, err := a.operate(ctx, server, failed)
	if err != nil {
		return err
	}
	defer end()
	if a.cfg.Serve {
		listener, err := a.listen(ctx)
		if err != nil {
			return err
		}
		parts.Go(func() {
			if err := server.Serve(ctx, listener); err != nil {
				failed(err)
			}
		})
	}
	a.greet(ctx)
	parts.Go(func() { a.deliverWhenDue(ctx, issues) })
	parts.Go(func() { a.confirmWhenAsked(ctx, signups) })
	parts.Go(func() { a.draftWhenMade(ctx) })
	parts.Go(func() { a.pruneWhenOld(ctx) })
	if a.cfg.readsMail() {
		parts.Go(func() { a.readMailWhenDue(ctx) })
	} else if err := a.store.SetTrouble(ctx, store.TroubleMailbox, nil); err != nil { // of a mailbox that there was
		a.log.Error("clearing the trouble of a mailbox", logError, err)
	}
	parts.Go(func() { a.answerRequests(ctx, issues.ring) })
	parts.Go(func() { a.schedule(ctx, issues.ring) })
	if a.hub != nil {
		parts.Go(func() { a.tellHubWhenDue(ctx) })
	}
	parts.Wait()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	a.log.Info("stopped")
	return nil
}

// operate answers the operator's own address, if there is one, until the function it gives is called: to the very end.
func (a *app) operate(ctx context.Context, server *web.Server, failed func(error)) (end func(), err error) {
	if a.cfg.Metrics == "" {
		return func() {}, nil
	}
	listener, err := web.Listen(ctx, "metrics", a.cfg.Metrics)
	if err != nil {
		return nil, err
	}
	a.log.Info("answering metrics", "listen", a.cfg.Metrics)
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	running.Go(func() {
		if err := server.ServeOperator(ctx, listener); err != nil {
			failed(err)
		}
	})
	return func() {
		cancel()
		running.Wait()
	}, nil
}

// listen opens the site's address, or takes the socket that the service manager opened for it.
func (a *app) listen(ctx context.Context) (net.Listener, error) {
	l, err := web.PassedListener()
	if err != nil {
		return nil, err
	}
	if l != nil {
		a.log.Info("listening on the socket that was passed by the service manager; listen in the configuration is not used", "socket", l.Addr().String())
		return l, nil
	}
	return web.Listen(ctx, "listen", a.cfg.Listen)
}

// ready says why this process should not be asked now. running ends when it stops.
func (a *app) ready(asked, running context.Context) error {
	if running.Err() != nil {
		return errors.New("it is stopping")
	}
	holder, err := a.store.Holder(asked, schedulerLease)
	switch {
	case err != nil:
		if asked.Err() == nil || errors.Is(asked.Err(), context.DeadlineExceeded) { // else nobody waits for the answer any more
			a.log.Error("looking for who may work on the database", logError, err)
		}
		return errors.New("the database does not answer")
	case holder == nil || holder.Owner != a.owner:
		return errors.New("another process works on this database now")
	}
	return nil
}

// bell wakes a worker. Rung while it rings, it rings once.
type bell chan struct{}

func newBell() bell { return make(bell, 1) }

func (b bell) ring() {
	select {
	case b <- struct{}{}:
	default:
	}
}

// greet says where everything is, and what an operator should know before others do.
func (a *app) greet(ctx context.Context) {
	feed, files := a.feedAddresses()
	if a.cfg.Serve {
		a.log.Info("serving", "feed", feed, "site", a.site.Root(), "listen", a.cfg.Listen, "files", files)
	} else {
		a.log.Info("publishing files only (serve: false)", "feed", feed, "files", files)
	}
	switch {
	case isLocal(a.tag):
		a.log.Warn("entry ids are provisional: base_url is a local address and no tag is set; set one of them before others subscribe, and the ids change once more")
	case a.tag != a.cfg.tag():
		a.log.Warn("ids keep the host they were made with, so that readers do not see everything as new; what is configured is not used", "ids", a.tag, "configured", a.cfg.tag())
	}
	if a.cfg.Mail.SMTP == "" && len(a.cfg.Digests) > 0 {
		a.log.Info("no mail.smtp is set: messages are written to the outbox", "outbox", a.cfg.path(a.cfg.Mail.Outbox))
	}
	orphans, err := a.orphans(ctx)
	if err != nil {
		a.log.Error("counting subscribers", logError, err)
	}
	for id, n := range orphans {
		a.log.Warn("a digest that is not in the configuration has subscribers; nothing is sent to them", logDigest, id, "subscribers", n)
	}
}

// schedule checks and sends at the configured times until the context ends, then waits for what is under way.
func (a *app) schedule(ctx context.Context, wake func()) {
	s := newScheduler(ctx, a.cfg.location, a.log)
	for _, l := range a.cfg.Lists {
		s.call(a.watched[l.ID].at, func(ctx context.Context) { a.checkScheduled(ctx, l.ID) })
	}
	var late []func() // issues
	for _, d := range a.cfg.Digests {
		at, _ := parseSchedule(d.Schedule, a.cfg.location) // validated when the configuration was read
		run := s.add(at, "digest "+d.ID, func(ctx context.Context, scheduled time.Time) {
			if _, err := a.send(ctx, d.ID, scheduled); err != nil && ctx.Err() == nil {
				a.log.Error("making the issue", logDigest, d.ID, logError, err)
			}
			wake()
		})
		late = append(late, func() {
			if period, due := a.digestDue(ctx, d.ID, at); due {
				a.log.Info("an issue came due while the program was down; making it now, once", logDigest, d.ID, "period", period)
				run(period)
			}
		})
	}
	s.start()
	a.catchUp(ctx, late)
	<-ctx.Done()
	s.stop()
}

// digestDue gives the newest time a digest was due and not attended to.
func (a *app) digestDue(ctx context.Context, id string, at schedule) (time.Time, bool) {
	clock, err := a.store.Clock(ctx, id)
	if err != nil {
		if ctx.Err() == nil {
			a.log.Error("looking for missed issues", logDigest, id, logError, err)
		}
		return time.Time{}, false
	}
	return at.missed(clock.Ran, a.now())
}

// deliverWhenDue sends what is due, each time the bell rings and every so often, until the context ends.
func (a *app) deliverWhenDue(ctx context.Context, b bell) {
	a.whenever(ctx, b, func() {
		if _, err := a.deliver(ctx, nil); err != nil && ctx.Err() == nil {
			a.log.Error("delivering", logError, err)
		}
	})
}

// confirmWhenAsked sends the mails that people who signed up wait for. It does not wait for an issue's delivery.
func (a *app) confirmWhenAsked(ctx context.Context, b bell) {
	a.whenever(ctx, b, func() {
		_, err := a.deliverer.Confirmations(ctx)
		if ctx.Err() != nil {
			return
		}
		if err = errors.Join(err, a.store.SetTrouble(ctx, store.TroubleConfirmations, err)); err != nil {
			a.log.Error("sending confirmations", logError, err)
		}
	})
}

// draftWhenMade mails drafts to the operator. One that cannot be mailed is tried again less often, for nobody waits for it.
func (a *app) draftWhenMade(ctx context.Context) {
	var next time.Time
	a.whenever(ctx, newBell(), func() {
		if a.now().Before(next) {
			return
		}
		if !a.mailDrafts(ctx) {
			next = a.now().Add(draftRetry)
		}
	})
}

// whenever does work now, when the bell rings and every so often.
func (a *app) whenever(ctx context.Context, b bell, work func()) {
	tick := time.NewTicker(deliverEvery)
	defer tick.Stop()
	guarded := func() {
		var ignored error // recovered has logged it
		defer a.recovered(&ignored)
		work()
	}
	for {
		guarded()
		select {
		case <-ctx.Done():
			return
		case <-b:
		case <-tick.C:
		}
	}
}
