package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"linkletter/cmd/internal/check"
	"linkletter/cmd/internal/deliver"
	"linkletter/cmd/internal/publish"
	"linkletter/cmd/internal/source"
	"linkletter/feed"
	"linkletter/feed/curated"
	"linkletter/feed/digest"
	"linkletter/store"
	"linkletter/templates"
)

// schedulerLease is the right to check lists and send issues; one process has it.
const schedulerLease = "scheduler"

// app is the program with its parts put together from the configuration.
type app struct {
	*program
	cfg       *Config
	log       *slog.Logger
	store     *store.Store
	keys      digest.Keys
	templates *templates.Set // nil: the operator's cannot be used, and the command needs none
	site      templates.Site
	tag       string // whose ids there are
	checker   *check.Checker
	publisher *publish.Publisher
	deliverer *deliver.Deliverer
	watched   map[string]*watched // by list
	check     checkFunc
	places    *places
	batches   batches
	owner     string // what serve is called in the scheduler's lease

	hub     *publish.Hub // nil: none is configured
	hubWait time.Duration
	hubBell bell       // rung when there is something to tell the hub
	noting  sync.Mutex // held from before a publication until the hub's feeds are noted
}

// open reads the configuration and makes the parts. The caller closes the app.
func (p *program) open(ctx context.Context) (*app, error) {
	log, err := p.logger()
	if err != nil {
		return nil, err
	}
	cfg, err := LoadConfig(p.configFile)
	if err != nil {
		return nil, err
	}
	a := &app{program: p, cfg: cfg, log: log, watched: map[string]*watched{}, hubWait: hubWait, hubBell: newBell()}
	switch a.templates, err = cfg.loadTemplates(); {
	case err != nil && p.noTemplates:
		log.Warn("no page and no mail can be made until a template is mended; what is published stays as it is", logError, err)
	case err != nil:
		return nil, fmt.Errorf("loading the templates: %w", err)
	}
	if a.store, err = store.Open(ctx, cfg.path(cfg.Database), p.now); err != nil {
		return nil, err
	}
	if err := a.assemble(ctx); err != nil {
		return nil, errors.Join(err, a.store.Close())
	}
	return a, nil
}

func (a *app) close() error { return a.store.Close() }

func (p *program) logger() (*slog.Logger, error) {
	level := slog.LevelWarn // a command says itself what it did
	if p.logLevel != "" {
		if err := level.UnmarshalText([]byte(p.logLevel)); err != nil {
			return nil, usageError{hintError{fmt.Errorf("--log-level: there is no level %q", p.logLevel), "debug, info, warn or error"}}
		}
	}
	options := &slog.HandlerOptions{Level: level}
	if p.logJSON {
		return slog.New(slog.NewJSONHandler(p.err, options)), nil
	}
	return slog.New(slog.NewTextHandler(p.err, options)), nil
}

// assemble copies the configuration into the plain fields of the parts.
func (a *app) assemble(ctx context.Context) error {
	cfg := a.cfg
	secret, err := a.store.Secret(ctx)
	if err != nil {
		return err
	}
	a.keys = digest.NewKeys(secret)
	if a.tag, err = a.store.KeptTag(ctx); err != nil {
		return err
	}
	if a.tag == "" {
		a.tag = cfg.tag()
	}
	a.site = templates.Site{Site: feed.Site{Base: cfg.BaseURL}, Title: cfg.Title, Imprint: cfg.Imprint, Forms: cfg.Serve && len(cfg.Digests) > 0}
	for _, d := range cfg.Digests {
		a.site.Digests = append(a.site.Digests, templates.DigestLink{ID: d.ID, Title: d.Title, When: describeSchedule(d.Schedule, cfg.Timezone)})
	}
	for i, l := range cfg.Lists {
		at, err := parseSchedule(l.Check, cfg.location)
		if err != nil {
			return fmt.Errorf("list %s: %w", l.ID, err)
		}
		a.watched[l.ID] = &watched{config: &cfg.Lists[i], at: at.spreadBy(l.ID, cfg.Checks.Jitter)}
	}
	a.checker = &check.Checker{
		Store: a.store,
		Source: &source.Source{MaxBytes: cfg.MaxListMiB << 20, UserAgent: userAgent(cfg.BaseURL), Data: cfg.repositories(),
			HostRate: cfg.Checks.PerHost, Now: a.now},
		Tag: a.tag,
		Now: a.now,
		Guard: curated.Guard{MaxNew: cfg.Guard.MaxNew, MaxNewShare: cfg.Guard.MaxNewShare,
			MaxLostShare: cfg.Guard.MaxLostShare, MinLost: cfg.Guard.MinLost},
	}
	a.check, a.places = a.checker.Check, newPlaces(cfg.Checks.AtOnce)
	a.publisher, a.hub = a.newPublisher(), a.newHub()
	a.deliverer, err = a.newDeliverer()
	return err
}

// tag is whose ids new entries are to get.
func (c *Config) tag() string {
	if c.Tag != "" {
		return c.Tag
	}
	return feed.Site{Base: c.BaseURL}.Host()
}

// isLocal says that a host is this machine's own name for itself, which nobody else can subscribe to.
func isLocal(host string) bool { return feed.Site{Base: "http://" + host}.Local() }

// settle makes what is kept for ever from the configuration: whose ids there are, and when each digest's news begins.
// Whoever has the lease calls it; commands that only look do not.
func (a *app) settle(ctx context.Context) error {
	tag, err := a.store.Tag(ctx, a.cfg.tag(), isLocal)
	if err != nil {
		return err
	}
	a.tag, a.checker.Tag, a.publisher.Tag = tag, tag, tag
	renamed, err := a.rename(ctx)
	if err != nil {
		return err
	}
	var ids []string
	for _, d := range a.cfg.Digests {
		ids = append(ids, d.ID)
		if err := a.store.BeginDigest(ctx, d.ID, d.Lists); err != nil {
			return err
		}
	}
	if err := errors.Join(a.store.EndDigests(ctx, ids), a.settleHub(ctx)); err != nil || !renamed {
		return err
	}
	if _, err := a.publishAll(ctx); err != nil { // or the list would be read under both of its addresses
		a.log.Error("publishing", logError, err)
	}
	return nil
}

// rename gives lists that have another id now what is known of them under their old one, and says whether there were any.
func (a *app) rename(ctx context.Context) (renamed bool, err error) {
	for _, l := range a.cfg.Lists {
		for _, old := range l.Formerly {
			done, err := a.store.Rename(ctx, old, l.ID)
			switch {
			case errors.Is(err, store.ErrBothKnown):
				a.log.Warn("a list keeps its own history, for it was read under its new id before the old one was named (formerly); what is known under the old id is not used",
					logList, l.ID, "formerly", old)
			case err != nil:
				return renamed, err
			case done:
				renamed = true
				a.log.Info("a list has another id now; its entries, issues and subscriptions go on", logList, l.ID, "formerly", old)
			}
		}
	}
	return renamed, nil
}

// known refuses an id that no configured list has.
func (a *app) known(id string) error {
	if a.watched[id] != nil {
		return nil
	}
	var ids []string
	for _, l := range a.cfg.Lists {
		ids = append(ids, l.ID)
	}
	return usageError{hintError{fmt.Errorf("there is no list %q in %s", id, a.cfg.file), fmt.Sprintf("it has %s", joinNames(ids))}}
}

// list is a known list as it is to be checked. That its header file cannot be read is the trouble of that check.
func (a *app) list(id string) (check.List, error) {
	c := a.watched[id].config
	at, err := a.cfg.place(c.Source)
	if err != nil {
		return check.List{}, fmt.Errorf("its source: %w", err)
	}
	list := check.List{ID: id, At: at, Baseline: *c.Baseline}
	if c.Page != "" {
		if list.Page, err = url.Parse(c.Page); err != nil {
			return check.List{}, fmt.Errorf("its page: %w", err)
		}
	}
	return list, nil
}

// listIDs are the lists that arguments name; none given are all.
func (a *app) listIDs(given []string) ([]string, error) {
	if len(given) > 0 {
		for _, id := range given {
			if err := a.known(id); err != nil {
				return nil, err
			}
		}
		return given, nil
	}
	var ids []string
	for _, l := range a.cfg.Lists {
		ids = append(ids, l.ID)
	}
	return ids, nil
}

// digest is a configured digest by its id; an empty id is the only one there is.
func (a *app) digest(id string) (DigestConfig, error) {
	var ids []string
	for _, d := range a.cfg.Digests {
		if d.ID == id || id == "" && len(a.cfg.Digests) == 1 {
			return d, nil
		}
		ids = append(ids, d.ID)
	}
	switch {
	case len(ids) == 0:
		return DigestConfig{}, usageError{fmt.Errorf("%s has no digests", a.cfg.file)}
	case id == "":
		return DigestConfig{}, usageError{hintError{errors.New("there are several digests; name one"), joinNames(ids)}}
	}
	return DigestConfig{}, usageError{hintError{fmt.Errorf("there is no digest %q in %s", id, a.cfg.file), fmt.Sprintf("it has %s", joinNames(ids))}}
}

// writable makes a folder and tries to write there, so that a start fails with a clear message rather than a check at
// night.
func writable(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return hintError{fmt.Errorf("cannot make the folder %s: %w", dir, err), "make it yourself, or give the user that runs linkletter the right to"}
	}
	f, err := os.CreateTemp(dir, ".linkletter-*")
	if err != nil {
		return hintError{fmt.Errorf("cannot write in the folder %s: %w", dir, err), "give the user that runs linkletter the right to, or name another folder in the configuration"}
	}
	return errors.Join(f.Close(), os.Remove(filepath.Join(dir, filepath.Base(f.Name()))))
}
