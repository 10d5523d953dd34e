package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"linkletter/cmd/internal/publish"
	"linkletter/feed"
)

// hubWait is how long a command tells the hub after its work; what is left is told by the next, or by `serve`.
const hubWait = 10 * time.Second

// hubFiles are the documents that readers subscribe to, and so those that a hub is told of.
var hubFiles = []string{feed.AtomFile, feed.RSSFile, feed.JSONFile, feed.ChangesFile}

// newHub makes what tells the hub; nil where none is configured.
func (a *app) newHub() *publish.Hub {
	if a.cfg.Hub == "" {
		return nil
	}
	return &publish.Hub{URL: a.cfg.Hub, Store: a.store, UserAgent: userAgent(a.cfg.BaseURL), Now: a.now, Log: a.log}
}

// publishNoting publishes, and notes which feeds the hub is to be told of. It asks nothing of the hub.
func (a *app) publishNoting(ctx context.Context, lists []string) (publish.Report, error) {
	if a.hub == nil {
		return a.publisher.Publish(ctx, lists...)
	}
	a.noting.Lock() // so that what was interrupted is what no other goroutine is about to note
	defer a.noting.Unlock()
	interrupted, err := a.store.BeginPublication(ctx, time.Now()) // file times are the wall clock's
	if err != nil && ctx.Err() == nil {                           // the files are worth more than the hub
		a.log.Error("the hub may not be told of this publication if the program dies now", logError, err)
	}
	report, failed := a.publisher.Publish(ctx, lists...)
	topics := a.topics(report.Changed)
	if !interrupted.IsZero() {
		missed, err := a.writtenSince(interrupted)
		if err != nil { // what was interrupted stays noted, and is looked for the next time
			a.log.Error("the hub is told of an interrupted publication later", logError, err)
			return report, failed
		}
		topics = slices.Compact(slices.Sorted(slices.Values(append(topics, a.topics(missed)...))))
	}
	// What was published is noted even while the program stops.
	if err := a.store.NotePings(context.WithoutCancel(ctx), topics); err != nil {
		a.log.Error("the hub is told of this publication later", logError, err)
		return report, failed
	}
	if len(topics) > 0 {
		a.hubBell.ring()
	}
	return report, failed
}

// topics are the public addresses of those files of the tree that are feeds, as the feeds themselves give them.
func (a *app) topics(files []string) []string {
	var topics []string
	for _, file := range files {
		if slices.Contains(hubFiles, path.Base(file)) {
			topics = append(topics, feed.CleanURL(a.site.File(file)))
		}
	}
	return topics
}

// writtenSince are the files of the tree that were written at a time or later.
func (a *app) writtenSince(at time.Time) (files []string, err error) {
	dir := a.publisher.Dir
	err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // removed meanwhile
		}
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if !info.ModTime().Before(at) {
			files = append(files, filepath.ToSlash(strings.TrimPrefix(name, dir+string(filepath.Separator))))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("looking into %s: %w", dir, err)
	}
	return files, nil
}

// tellHubWhenDue tells the hub what it is to be told, each time the bell rings and every so often, until the context ends.
func (a *app) tellHubWhenDue(ctx context.Context) {
	a.whenever(ctx, a.hubBell, func() { a.tellHub(ctx) })
}

// tellHubBriefly tells the hub after the work of a command, for a while.
func (a *app) tellHubBriefly(ctx context.Context) {
	if a.hub == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, a.hubWait)
	defer cancel()
	a.tellHub(ctx)
}

// tellHub tells the hub. Whoever has the scheduler's lease calls it.
func (a *app) tellHub(ctx context.Context) {
	if err := a.hub.Run(ctx); err != nil && ctx.Err() == nil {
		a.log.Error("telling the hub", logError, err)
	}
}

// settleHub forgets what a hub was to be told when none is configured any more.
func (a *app) settleHub(ctx context.Context) error {
	if a.hub != nil {
		return nil
	}
	return a.store.ForgetHub(ctx)
}
