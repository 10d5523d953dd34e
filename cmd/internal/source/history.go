package source

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Revision is one version of a file in a git repository.
type Revision struct {
	Commit  string    // the full hash
	Date    time.Time // when it was committed, in UTC
	Author  string    // the author's name
	Message string    // subject and body
	Bytes   []byte    // the file as of this commit; the caller keeps it
	// TooLarge is set, and Bytes is not, where the file is over the size limit.
	TooLarge *TooLargeError
}

// Silent reports whether the commit asks that nothing of it is announced: "[silent]" stands in its message.
func (r *Revision) Silent() bool { return strings.Contains(strings.ToLower(r.Message), "[silent]") }

// ErrNoHistory says that no commit of the repository has the file.
var ErrNoHistory = errors.New("no commit has this file")

// History gives the versions of a file in a git repository, oldest first, along the first parents of HEAD; a commit that
// removed the file has none. Where repo is empty, it is the repository that the file stands in, and file is a path as any
// other; else repo is a work tree or a bare repository, and file starts at its top. It runs the git program twice,
// whatever the number of versions. An error ends the sequence.
func (s *Source) History(ctx context.Context, repo, file string) iter.Seq2[*Revision, error] {
	return func(yield func(*Revision, error) bool) {
		if err := s.history(ctx, repo, file, func(r *Revision) bool { return yield(r, nil) }); err != nil {
			yield(nil, err)
		}
	}
}

func (s *Source) history(ctx context.Context, repo, file string, yield func(*Revision) bool) error {
	if repo == "" {
		repo, file = filepath.Dir(file), filepath.Base(file)
	} else if info, err := os.Stat(repo); err != nil || !info.IsDir() {
		return fmt.Errorf("there is no folder %s: --repo names a git work tree or a bare repository", repo)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// What git prints must not depend on who runs it: every setting that changes this output is set here.
	log, err := git(ctx, repo, "-c", "log.showRoot=true", "-c", "log.showSignature=false", "log", "--first-parent", "-m", "--reverse",
		"--raw", "-z", "--no-abbrev", "--no-renames", "--no-color", "--encoding=UTF-8", "--format=%H%x00%ct%x00%an%x00%B", "--", filepath.ToSlash(file))
	if err != nil {
		return err
	}
	blobs, err := git(ctx, repo, "cat-file", "--batch")
	if err != nil {
		cancel()
		return errors.Join(err, ignoreKilled(log.wait()))
	}
	found, more, err := s.replay(log, blobs, file, yield)
	if err != nil || !more {
		cancel() // git may wait to be read from
		logErr, blobErr := log.wait(), blobs.wait()
		return errors.Join(err, ignoreKilled(logErr), ignoreKilled(blobErr))
	}
	if err := errors.Join(log.wait(), blobs.wait()); err != nil {
		return fmt.Errorf("reading the history of %s: %w", file, err)
	}
	if !found {
		return fmt.Errorf("%s: %w: name it as it stands in the repository, from its top", file, ErrNoHistory)
	}
	return nil
}

// replay reads what git log prints, and fetches each version's bytes; more is false when the caller has enough.
func (s *Source) replay(log, blobs *gitProcess, file string, yield func(*Revision) bool) (found, more bool, err error) {
	var rev *Revision
	for {
		token, err := log.token()
		if errors.Is(err, io.EOF) {
			return found, true, nil
		} else if err != nil {
			return found, false, fmt.Errorf("reading the history of %s: %w", file, err)
		}
		raw, isRaw := strings.CutPrefix(strings.TrimPrefix(token, "\n"), ":")
		if !isRaw {
			if rev, err = log.revision(token); err != nil {
				return found, false, fmt.Errorf("reading the history of %s: %w", file, err)
			}
			continue
		}
		if _, err := log.token(); err != nil { // the path
			return found, false, fmt.Errorf("reading the history of %s: %w", file, err)
		}
		blob := regularFile(raw)
		if blob == "" || rev == nil {
			continue
		}
		if err := blobs.blob(blob, s.maxBytes(), rev); err != nil {
			return found, false, fmt.Errorf("reading %s as of commit %s: %w", file, rev.Commit, err)
		}
		found = true
		if !yield(rev) {
			return found, false, nil
		}
		rev = nil
	}
}

// regularFile gives the object of a raw diff line, "100644 100644 OLD NEW M", where the new side is a file.
func regularFile(raw string) string {
	f := strings.Fields(raw)
	if len(f) < 5 || !strings.HasPrefix(f[1], "100") {
		return ""
	}
	return f[3]
}

// gitProcess is a running git.
type gitProcess struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr bytes.Buffer
}

// git starts the git program in a repository, without what the caller's environment says of another one.
func git(ctx context.Context, repo string, args ...string) (*gitProcess, error) {
	p := &gitProcess{cmd: exec.CommandContext(ctx, "git", append([]string{"-C", repo, "--literal-pathspecs"}, args...)...)}
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); name != "GIT_DIR" && name != "GIT_WORK_TREE" && name != "GIT_INDEX_FILE" && name != "GIT_PREFIX" {
			p.cmd.Env = append(p.cmd.Env, v)
		}
	}
	p.cmd.Env = append(p.cmd.Env, "GIT_TERMINAL_PROMPT=0", "LC_ALL=C")
	p.cmd.Stderr = &p.stderr
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("starting git: %w", err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("starting git: %w", err)
	}
	if err := p.cmd.Start(); errors.Is(err, exec.ErrNotFound) {
		return nil, errors.New("the git program is needed to read a history, and is not installed")
	} else if err != nil {
		return nil, fmt.Errorf("starting git: %w", err)
	}
	p.out = bufio.NewReaderSize(out, 1<<16)
	return p, nil
}

// wait ends the process, and says what it had to complain of.
func (p *gitProcess) wait() error {
	p.in.Close()
	err := p.cmd.Wait()
	if complaint := strings.TrimSpace(p.stderr.String()); err != nil && complaint != "" {
		return fmt.Errorf("git: %s: %w", complaint, err)
	}
	if err != nil {
		return fmt.Errorf("git: %w", err)
	}
	return nil
}

// ignoreKilled drops the error of a process that was told to end.
func ignoreKilled(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) && !exit.Exited() || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// token reads up to the next NUL.
func (p *gitProcess) token() (string, error) {
	t, err := p.out.ReadString(0)
	if err != nil {
		if errors.Is(err, io.EOF) && t != "" {
			return "", io.ErrUnexpectedEOF
		}
		return "", err
	}
	return t[:len(t)-1], nil
}

// revision reads the head of a commit, of which the hash is read already.
func (p *gitProcess) revision(commit string) (*Revision, error) {
	var f [3]string
	for i := range f {
		t, err := p.token()
		if err != nil {
			return nil, err
		}
		f[i] = strings.ToValidUTF8(t, "\uFFFD")
	}
	seconds, err := strconv.ParseInt(f[0], 10, 64)
	if err != nil {
		return nil, fmt.Errorf("the date of commit %s: %w", commit, err)
	}
	return &Revision{Commit: commit, Date: time.Unix(seconds, 0).UTC(), Author: f[1], Message: strings.TrimSpace(f[2])}, nil
}

// blob fetches an object from "git cat-file --batch".
func (p *gitProcess) blob(object string, limit int64, into *Revision) error {
	if _, err := io.WriteString(p.in, object+"\n"); err != nil {
		return err
	}
	head, err := p.out.ReadString('\n')
	if err != nil {
		return err
	}
	f := strings.Fields(head)
	if len(f) != 3 || f[1] != "blob" {
		return fmt.Errorf("git has no such object: %s", strings.TrimSpace(head))
	}
	size, err := strconv.ParseInt(f[2], 10, 64)
	if err != nil {
		return err
	}
	if size > limit {
		into.TooLarge = &TooLargeError{Where: "commit " + into.Commit, Max: limit}
		_, err = io.CopyN(io.Discard, p.out, size+1)
		return err
	}
	into.Bytes = make([]byte, size+1) // a line end follows
	if _, err = io.ReadFull(p.out, into.Bytes); err != nil {
		return err
	}
	into.Bytes = into.Bytes[:size]
	return nil
}
