package main

import (
	"context"
	"os"

	"golang.org/x/time/rate"

	"linkletter/cmd/internal/deliver"
	"linkletter/cmd/internal/mailer"
	"linkletter/cmd/internal/web"
	"linkletter/feed/digest"
	"linkletter/store"
)

// periodical is a digest as the packages below know it.
func (c *Config) periodical(d DigestConfig) digest.Digest {
	titles := map[string]string{}
	for _, l := range c.Lists {
		titles[l.ID] = l.Title
	}
	return digest.Digest{ID: d.ID, Title: d.Title, Lists: d.Lists, From: d.From,
		ListTitles: titles, MinEntries: d.MinEntries, Approve: d.Approve, Location: c.location}
}

// newDeliverer makes the deliverer from the configuration.
func (a *app) newDeliverer() (*deliver.Deliverer, error) {
	m := a.cfg.Mail
	d := &deliver.Deliverer{
		Store: a.store, Templates: a.templates, Keys: a.keys, Site: a.site, Operator: a.cfg.Operator,
		Bounces: a.cfg.bounces, Connections: m.Connections, PerConnection: m.PerConnection, PerDomain: m.PerDomain, Quiet: a.cfg.quiet,
		Now: a.now, Log: a.log,
	}
	if m.PerSecond > 0 {
		d.Rate = rate.NewLimiter(rate.Limit(m.PerSecond), 1)
	}
	if m.InDoubt == "resend" {
		d.Hold = m.InDoubtHold
	}
	d.Signers = map[string]mailer.Signers{}
	for _, c := range a.cfg.Digests {
		d.Digests = append(d.Digests, a.cfg.periodical(c))
		var err error
		if d.Signers[c.ID], err = a.cfg.signers(c); err != nil {
			return nil, err
		}
	}
	for _, k := range m.DKIM {
		if info, err := os.Stat(a.cfg.path(k.KeyFile)); err == nil && info.Mode().Perm()&0o007 != 0 {
			a.log.Warn("everybody on this machine can read a DKIM key; take their right away (chmod o-rwx)", "file", k.KeyFile)
		}
	}
	if m.SMTP == "" {
		outbox := mailer.Outbox{Dir: a.cfg.path(m.Outbox)}
		d.Dial = func(context.Context) (deliver.Conn, error) { return outbox, nil }
		return d, nil
	}
	server, err := a.cfg.mailServer()
	if err != nil {
		return nil, err
	}
	d.Dial = func(ctx context.Context) (deliver.Conn, error) {
		conn, err := server.Dial(ctx)
		if err != nil {
			return nil, err // not conn: a nil *Conn in an interface is not nil
		}
		return conn, nil
	}
	return d, nil
}

// newServer makes the web server from the configuration. wake is called when there is something to mail.
func (a *app) newServer(wake func()) *web.Server {
	s := &web.Server{
		Public: a.cfg.path(a.cfg.Public), Site: a.site, Store: a.store, Templates: a.templates, Keys: a.keys,
		Forms: a.site.Forms, Wake: wake, Now: a.now, Log: a.log, Hub: a.cfg.Hub, Formerly: map[string]string{}, Location: a.cfg.location,
		Limits: store.SignUpLimits{Address: a.cfg.SignUp.PerAddress, Client: a.cfg.SignUp.PerClient, Total: a.cfg.SignUp.Total},
	}
	for _, d := range a.cfg.Digests {
		s.Digests = append(s.Digests, a.cfg.periodical(d))
	}
	for _, l := range a.cfg.Lists {
		s.Lists = append(s.Lists, l.ID)
		for _, old := range l.Formerly {
			s.Formerly[old] = l.ID
		}
	}
	if a.cfg.Metrics != "" {
		s.Metrics = web.NewMetrics(version)
	}
	for _, p := range a.cfg.TrustedProxies {
		if prefix, err := parsePrefix(p); err == nil { // validated when the configuration was read
			s.TrustedProxies = append(s.TrustedProxies, prefix)
		}
	}
	return s
}
