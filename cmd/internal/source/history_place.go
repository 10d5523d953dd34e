package source

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"linkletter/feed/curated"
)

// place is where a list stands: files of a repository, as of a revision.
type place struct {
	gitDir  // without its remote, so that nothing is fetched that is not meant to be
	shallow bool
	opened  os.FileInfo // the folder, which another may take the place of
	rev     string      // the full hash
	names   []name
	origin  string // what the repository is a clone of; empty: not known
	branch  string // by which the files' pages are named
	pages   map[string]*url.URL
}

// name is a path from the top of the repository, with slashes, or a pattern of such.
type name struct {
	path    string
	pattern bool
}

// spec is the name for git.
func (n name) spec() string {
	if n.pattern {
		return ":(top,glob)" + n.path
	}
	return ":(top,literal)" + n.path
}

// fits reports whether git gave a path for the name itself: for a folder's name it gives all that is in it.
func (n name) fits(p string) bool { return n.pattern || n.path == p }

func (at *place) specs() []string {
	specs := make([]string, len(at.names))
	for i, n := range at.names {
		specs[i] = n.spec()
	}
	return specs
}

var errFolder = &HistoryError{errors.New("it is a folder"), "name the Markdown file itself"}

const hintRepo = "name a git work tree or a bare repository"

// locate finds the repository, the files in it, and the revision.
func (s *Source) locate(ctx context.Context, q Query) (*place, error) {
	at := &place{gitDir: s.gitDir(ctx, q.Repository), branch: cmp.Or(q.Branch, "HEAD"), pages: make(map[string]*url.URL)}
	if len(q.Files) == 0 {
		return nil, errors.New("no file is named")
	}
	find := at.findNames
	if q.Repository == "" {
		find = at.findFiles
	}
	if err := find(ctx, q.Files); err != nil {
		return nil, explain(err, at.path)
	}
	if q.Follow && (len(at.names) > 1 || at.names[0].pattern) {
		return nil, &HistoryError{errors.New("only a single file can be followed through renames"), "name one file, or follow none"}
	}
	// There may be no remote, and git says so with an error.
	at.origin, _ = at.line(ctx, "config", "--get", "remote.origin.url")
	var err error
	at.rev, err = at.line(ctx, "rev-parse", "--verify", "--end-of-options", cmp.Or(q.Rev, "HEAD")+"^{commit}")
	switch why := (*complaint)(nil); {
	case err != nil && (!errors.As(err, &why) || isKilled(err)):
		return nil, err
	case err != nil && q.Rev == "":
		return nil, &HistoryError{errors.New("the repository does not have any commits yet"), "commit the list first, or name a branch that has some"}
	case err != nil, !hexCommit.MatchString(at.rev): // which "^main" is not
		return nil, &HistoryError{fmt.Errorf("%w %q", ErrNoRevision, q.Rev), "name a branch, a tag or a commit of the repository"}
	}
	return at, nil
}

// findNames takes names that start at the top of the repository.
func (at *place) findNames(ctx context.Context, files []string) error {
	for _, file := range files {
		n := name{path.Clean(filepath.ToSlash(file)), IsPattern(file)}
		if n.pattern {
			n.path = path.Clean(file) // which has backslashes of its own
		}
		if !filepath.IsLocal(filepath.FromSlash(n.path)) || strings.ContainsRune(file, 0) {
			return &HistoryError{errors.New("it is no path in a repository"), "the path starts at the top of the repository"}
		}
		if n.path == "." {
			return errFolder
		}
		at.names = append(at.names, n)
	}
	_, err := at.find(ctx, hintRepo)
	return err
}

// findFiles takes names as the caller's folder has them; the repository is the one that the first stands in.
func (at *place) findFiles(ctx context.Context, files []string) error {
	var home string
	for i, file := range files {
		file = filepath.Clean(file)
		in := at
		if dir := filepath.Dir(file); i == 0 {
			at.path = dir
		} else if dir != at.path {
			in = &place{gitDir: gitDir{path: dir}}
		}
		prefix, err := in.find(ctx, "for a file that is gone, name its repository with --repo")
		if err != nil {
			return err
		}
		n := name{path: path.Join(prefix, filepath.Base(file))}
		if !filepath.IsLocal(filepath.FromSlash(n.path)) || n.path == "." {
			return errFolder
		}
		at.names = append(at.names, n)
		if len(files) == 1 {
			return nil
		}
		repository, err := in.line(ctx, "rev-parse", "--absolute-git-dir")
		if err != nil {
			return err
		}
		if home = cmp.Or(home, repository); home != repository {
			return &HistoryError{fmt.Errorf("%s is in another repository than %s", file, files[0]), "a list is in one repository"}
		}
	}
	return nil
}

// find looks for the repository, and gives the folder's path in it.
func (at *place) find(ctx context.Context, hint string) (prefix string, err error) {
	if at.opened, err = os.Stat(at.path); err != nil || !at.opened.IsDir() {
		return "", &HistoryError{fmt.Errorf("there is no folder %s", at.path), hint}
	}
	out, err := at.line(ctx, "rev-parse", "--is-shallow-repository", "--show-prefix")
	if err != nil {
		return "", err
	}
	shallow, prefix, _ := strings.Cut(out, "\n")
	at.shallow = shallow == "true"
	return prefix, nil
}

// file is a file of the list, with its page.
func (at *place) file(p string, b []byte) curated.File {
	page, known := at.pages[p]
	if !known {
		page = FilePage(at.origin, at.branch, p)
		at.pages[p] = page
	}
	return curated.File{Path: p, Bytes: b, Page: page}
}
