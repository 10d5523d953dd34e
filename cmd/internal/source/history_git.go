package source

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"linkletter/feed/curated"
)

// gitProcess is a running git.
type gitProcess struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr bytes.Buffer
}

// git starts the git program in a folder; whoever starts it waits for it.
func git(ctx context.Context, dir string, args ...string) (*gitProcess, error) {
	p := &gitProcess{cmd: exec.CommandContext(ctx, "git", append([]string{"-C", dir}, args...)...)}
	p.cmd.Env = gitEnvironment()
	p.cmd.Stderr = &p.stderr
	p.cmd.WaitDelay = time.Second
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("starting git: %w", err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("starting git: %w", err)
	}
	if err := p.cmd.Start(); errors.Is(err, exec.ErrNotFound) {
		return nil, &HistoryError{errors.New("the git program is not installed"), "install git, which reads repositories"}
	} else if err != nil {
		return nil, fmt.Errorf("starting git: %w", err)
	}
	p.out = bufio.NewReaderSize(out, 1<<16)
	return p, nil
}

// gitEnvironment is the caller's without git's own variables, which may speak of another repository or change what git
// prints; those stay that lead to its settings and say where to look for a repository. Nothing is fetched: a history is
// what is here, and what a repository says of others is a stranger's.
func gitEnvironment() []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		switch name {
		case "GIT_EXEC_PATH", "GIT_CEILING_DIRECTORIES", "GIT_DISCOVERY_ACROSS_FILESYSTEM":
			return false
		}
		return strings.HasPrefix(name, "GIT_") && !strings.HasPrefix(name, "GIT_CONFIG_")
	})
	return append(env, "GIT_ALLOW_PROTOCOL=none", "LC_ALL=C")
}

// wait lets the process end, and says what it had to complain of.
func (p *gitProcess) wait() error {
	p.in.Close()
	err := p.cmd.Wait()
	if complaint := strings.TrimSpace(p.stderr.String()); err != nil && complaint != "" {
		return fmt.Errorf("git: %s", strings.TrimPrefix(complaint, "fatal: "))
	}
	if err != nil {
		return fmt.Errorf("git: %w", err)
	}
	return nil
}

// ended waits for a process that ends by itself, and gives err unless it has a reason of its own.
func (p *gitProcess) ended(err error) error {
	if why := p.wait(); why != nil {
		return why
	}
	return err
}

// token reads up to the next NUL.
func (p *gitProcess) token() (string, error) {
	t, err := p.out.ReadString(0)
	if err == io.EOF && t != "" {
		err = io.ErrUnexpectedEOF
	}
	return strings.TrimSuffix(t, "\x00"), err
}

// atChange reports whether the next token is a line of a raw diff, of which the first has an empty line before it.
func (p *gitProcess) atChange() bool {
	next, _ := p.out.Peek(2)
	return bytes.HasPrefix(bytes.TrimPrefix(next, []byte("\n")), []byte(":"))
}

// read fetches an object from "git cat-file --batch", as the file at path of a revision.
func (p *gitProcess) read(object string, limit int64, path string, into *Revision) error {
	if _, err := io.WriteString(p.in, object+"\n"); err != nil {
		return p.ended(err)
	}
	head, err := p.out.ReadString('\n')
	if err != nil {
		return p.ended(err)
	}
	f := strings.Fields(head)
	if len(f) != 3 || f[1] != "blob" {
		return fmt.Errorf("git: %s", strings.TrimSpace(head))
	}
	size, err := strconv.ParseInt(f[2], 10, 64)
	if err != nil {
		return fmt.Errorf("git: %s", strings.TrimSpace(head))
	}
	if size > limit {
		into.TooLarge = &TooLargeError{Where: path + " as of commit " + into.Commit, Max: limit}
		if _, err = io.CopyN(io.Discard, p.out, size+1); err != nil { // a line end follows
			return p.ended(err)
		}
		return nil
	}
	b := make([]byte, size+1)
	if _, err = io.ReadFull(p.out, b); err != nil {
		return p.ended(err)
	}
	into.Files = []curated.File{{Path: path, Bytes: b[:size:size]}}
	return nil
}
