package source

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Checkout is where a repository can be read, and what its branch is.
type Checkout struct {
	Dir    string // for Query.Repository
	Rev    string // the full hash of the branch's last commit
	Branch string // its name; empty: not known, or HEAD is no branch
}

// Query asks for the history of the list that r names, up to the checkout's last commit. A single file is followed through
// renames.
func (c *Checkout) Query(r Repository) Query {
	q := Query{Repository: c.Dir, Rev: c.Rev, Branch: r.Branch, Files: r.Files}
	q.Follow = q.Single()
	return q
}

// What a remote may take. A dead connection ends sooner.
const (
	fetchTimeout = 10 * time.Minute
	cloneTimeout = time.Hour
)

// Sync brings what is known of a repository up to date. One of this machine is used where it stands. Of any other, a bare
// clone without files is kept under Data, and fetched each time; files come when History reads them. It may be called by
// several goroutines and processes at once. Where there is something to be done about an error, it is a *HistoryError; no
// error has secrets of the address.
func (s *Source) Sync(ctx context.Context, r Repository) (*Checkout, error) {
	c, err := s.sync(ctx, r)
	if ctx.Err() != nil {
		err = ctx.Err() // and not that git was killed
	}
	if err != nil {
		return nil, fmt.Errorf("reading the repository %s: %w", withoutSecrets(r.Remote), err)
	}
	return c, nil
}

func (s *Source) sync(ctx context.Context, r Repository) (*Checkout, error) {
	if err := checkRemote(r.Remote); err != nil {
		return nil, err
	}
	if r.Branch != "" {
		_, err := gitDir{path: "."}.run(ctx, "", "check-ref-format", "refs/heads/"+r.Branch)
		if why := (*complaint)(nil); errors.As(err, &why) {
			return nil, &HistoryError{fmt.Errorf("%q can be no branch", r.Branch), "name the branch as `git branch` does"}
		} else if err != nil {
			return nil, err
		}
	}
	if IsLocal(r.Remote) {
		return localCheckout(ctx, r)
	}
	if s.Data == "" {
		return nil, errors.New("no folder is set for clones")
	}
	data, err := filepath.Abs(s.Data)
	if err != nil {
		return nil, fmt.Errorf("finding the folder for clones: %w", err)
	}
	dir := filepath.Join(data, cloneName(r.Remote))
	release, err := s.clones.wait(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer release()
	c := &clone{gitDir: gitDir{path: dir, reach: true, own: true, ssh: sshCommand(ctx, r.Remote), remote: r.Remote}, Repository: r}
	c.sweep()
	whole, err := c.whole(ctx)
	if whole {
		at, err := c.look(ctx)
		if err == nil || isExplained(err) || isKilled(err) || ctx.Err() != nil {
			return at, err
		}
	} else if err != nil {
		return nil, err
	}
	return c.anew(ctx)
}

// localCheckout is a repository of this machine.
func localCheckout(ctx context.Context, r Repository) (*Checkout, error) {
	d := gitDir{path: r.Remote}
	at := &place{gitDir: d}
	if _, err := at.find(ctx, "set `repository` to a git work tree, a bare repository or the address of one"); err != nil {
		return nil, explain(err, d.path)
	}
	c := &Checkout{Dir: r.Remote, Branch: r.Branch}
	rev := "HEAD"
	if r.Branch != "" {
		rev = "refs/heads/" + r.Branch
	} else {
		c.Branch, _ = d.line(ctx, "symbolic-ref", "--quiet", "--short", "HEAD") // which may be detached
	}
	var err error
	if c.Rev, err = d.line(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", rev+"^{commit}"); isKilled(err) {
		return nil, err
	} else if err != nil {
		branches, err := d.run(ctx, "", "for-each-ref", "--format=%(refname)", "refs/heads")
		return nil, cmp.Or(err, noBranch(r.Branch, strings.Fields(branches)))
	}
	return c, nil
}

// cloneName is a clone's folder: one for each address, whoever fetches from it.
func cloneName(remote string) string {
	if strings.HasPrefix(remote, "http://") || strings.HasPrefix(remote, "https://") {
		remote = userinfo.ReplaceAllString(remote, "://")
	}
	return fmt.Sprintf("%x", sha256.Sum256([]byte(remote)))[:24]
}

// gitDir is a folder that git works in.
func (s *Source) gitDir(ctx context.Context, path string) gitDir {
	d := gitDir{path: path}
	if s.Data == "" || path == "" {
		return d
	}
	data, err1 := filepath.Abs(s.Data)
	abs, err2 := filepath.Abs(path)
	if err1 != nil || err2 != nil || filepath.Dir(abs) != data {
		return d
	}
	d.own = true
	if remote, err := d.line(ctx, "config", "--get", "remote.origin.url"); err == nil {
		d.ssh, d.remote = sshCommand(ctx, remote), remote
	}
	return d
}

// turns lets one at a time work in a folder.
type turns struct {
	mu      sync.Mutex
	folders map[string]chan struct{}
}

// wait waits for the folder; whoever has it releases it.
func (t *turns) wait(ctx context.Context, folder string) (release func(), err error) {
	t.mu.Lock()
	if t.folders == nil {
		t.folders = make(map[string]chan struct{})
	}
	turn := t.folders[folder]
	if turn == nil {
		turn = make(chan struct{}, 1)
		t.folders[folder] = turn
	}
	t.mu.Unlock()
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// damageMark is a file in a clone that could not be read: it is made anew.
const damageMark = "linkletter-damaged"
