package source

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
)

// gitDir is a folder that git works in.
type gitDir struct {
	path string
	// reach lets git talk to the repository's remote. It is for clones that Sync made: what a stranger's repository says of
	// remotes is not followed.
	reach  bool
	own    bool   // such a clone itself; a repository around it is none of ours
	ssh    string // the ssh command where reach is set; empty: as the operator has set it
	remote string // what it is a clone of, as it is configured, secrets and all; empty: not known
}

// offline is the same folder without its remote.
func (d gitDir) offline() gitDir {
	d.reach = false
	return d
}

// online is the same folder with its remote, if it is ours.
func (d gitDir) online() gitDir {
	d.reach = d.own
	return d
}

// gitProcess is a running git.
type gitProcess struct {
	cmd    *exec.Cmd
	out    *bufio.Reader
	stderr tail
	stop   func() // ends it at once
	remote string // which no message repeats as it is
}

// always are the settings that no repository may change: nothing of it is run.
var always = []string{"-c", "core.hooksPath=" + os.DevNull, "-c", "core.fsmonitor=false"}

// reaching are the settings of a git that talks to a remote: it does not hang on a dead connection, asks nobody, and leaves
// no process behind.
var reaching = []string{"-c", "http.lowSpeedLimit=1000", "-c", "http.lowSpeedTime=60", "-c", "protocol.version=2", "-c", "core.askPass=",
	"-c", "credential.interactive=false", "-c", "gc.autoDetach=false", "-c", "maintenance.autoDetach=false",
	"-c", "fetch.recurseSubmodules=false", "-c", "submodule.recurse=false"}

// start starts the git program with what it shall read; whoever starts it waits for it.
func (d gitDir) start(ctx context.Context, in io.Reader, args ...string) (*gitProcess, error) {
	given := append([]string{"-C", d.path}, always...)
	if d.own {
		given = append(given, "--git-dir=.")
	}
	if d.reach {
		given = append(given, reaching...)
	}
	ctx, stop := context.WithCancel(ctx)
	p := &gitProcess{cmd: exec.CommandContext(ctx, "git", append(given, args...)...), stderr: tail{full: stop}, stop: stop, remote: d.remote}
	p.cmd.Env = d.environment()
	p.cmd.Stdin, p.cmd.Stderr = in, &p.stderr
	p.cmd.WaitDelay = time.Second
	alone(p.cmd)
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		stop()
		return nil, fmt.Errorf("starting git: %w", err)
	}
	if err = p.cmd.Start(); err != nil {
		stop()
	}
	if errors.Is(err, exec.ErrNotFound) {
		return nil, &HistoryError{errors.New("the git program is not installed"), "install git, which reads repositories"}
	} else if err != nil {
		return nil, fmt.Errorf("starting git: %w", err)
	}
	p.out = bufio.NewReaderSize(out, 1<<13)
	return p, nil
}

// maxPrinted is the most that is read of what git prints at once: the names of a repository's branches, say. What there may
// be more of is read piece by piece.
const maxPrinted = 8 << 20

var errTalkative = &HistoryError{fmt.Errorf("git tells more than %d MiB of it", maxPrinted>>20), "see with `git ls-remote` whether it is the repository that is meant"}

// run lets git run to its end, and gives what it printed.
func (d gitDir) run(ctx context.Context, in string, args ...string) (string, error) {
	p, err := d.start(ctx, strings.NewReader(in), args...)
	if err != nil {
		return "", err
	}
	out, err := io.ReadAll(&limited{r: p.out, left: maxPrinted, err: errTalkative})
	if err == errTalkative {
		p.stop()
		_ = p.wait() // it was stopped
		return "", err
	}
	return string(out), p.ended(err)
}

// line is run for what prints one line.
func (d gitDir) line(ctx context.Context, args ...string) (string, error) {
	out, err := d.run(ctx, "", args...)
	return strings.TrimSuffix(out, "\n"), err
}

// environment is the caller's without git's own variables, which may speak of another repository or change what git
// prints; those stay that lead to its settings and say where to look for a repository, or how to reach a remote.
func (d gitDir) environment() []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		switch name {
		case "GIT_EXEC_PATH", "GIT_CEILING_DIRECTORIES", "GIT_DISCOVERY_ACROSS_FILESYSTEM":
			return false
		case "GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSH_VARIANT", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "GIT_PROXY_COMMAND":
			return !d.reach
		case "SSH_ASKPASS":
			return true
		}
		return strings.HasPrefix(name, "GIT_") && !strings.HasPrefix(name, "GIT_CONFIG_")
	})
	env = append(env, "LC_ALL=C", "LANGUAGE=")
	if !d.reach {
		return append(env, "GIT_ALLOW_PROTOCOL=none")
	}
	if d.ssh != "" {
		env = append(env, "GIT_SSH_COMMAND="+d.ssh)
	}
	return append(env, "GIT_ALLOW_PROTOCOL=file:git:http:https:ssh", "GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=", "SSH_ASKPASS_REQUIRE=never",
		"GCM_INTERACTIVE=never")
}

// complaint is an error that git told on its standard error.
type complaint struct {
	text    string
	code    int  // that it ended with
	endless bool // it said the same again and again
}

func (c *complaint) Error() string { return "git: " + c.text }

// isKilled says that a git was ended from outside, as when the machine stops its services: nothing follows of what it read.
func isKilled(err error) bool {
	var why *complaint
	return errors.As(err, &why) && why.code < 0 && !why.endless
}

// wait lets the process end, and says what it had to complain of.
func (p *gitProcess) wait() error {
	err := p.cmd.Wait()
	p.stop()
	if err == nil {
		return nil
	}
	return &complaint{cmp.Or(p.stderr.text(p.remote), err.Error()), p.cmd.ProcessState.ExitCode(), p.stderr.endless}
}

// ended waits for a process that ends by itself, and gives err unless it has a reason of its own.
func (p *gitProcess) ended(err error) error {
	if why := p.wait(); why != nil {
		return why
	}
	return err
}

// maxToken is the most that is kept of one thing that git prints: a name, a path, a commit's message.
const maxToken = 1 << 16

// token reads up to the next NUL.
func (p *gitProcess) token() (string, error) {
	var t []byte
	for {
		part, err := p.out.ReadSlice(0)
		t = append(t, part[:min(len(part), maxToken-len(t))]...)
		switch {
		case err == bufio.ErrBufferFull:
			continue
		case err == io.EOF && len(t) > 0:
			err = io.ErrUnexpectedEOF
		}
		return strings.TrimSuffix(string(t), "\x00"), err
	}
}

// tail keeps the end of what is written. Who says the same again and again is ended.
type tail struct {
	kept    []byte
	cut     bool // something came before
	endless bool
	full    func()
}

func (t *tail) Write(b []byte) (int, error) {
	const size, often = 1 << 12, 10
	t.kept = append(t.kept, b...)
	if over := len(t.kept) - size; over > 0 {
		t.kept, t.cut = t.kept[over:], true
	}
	if !t.endless && len(b) > 20 && bytes.Count(t.kept, b) > often {
		t.endless = true
		t.full()
	}
	return len(b), nil
}

// userinfo is the part of an address that may be a secret.
var userinfo = regexp.MustCompile(`://[^/\s]*@`)

// In a message, whatever may be a secret is taken for one: a password may have a slash, and a query a token.
var (
	userinfoIn = regexp.MustCompile(`://[^\s'"]*@`)
	queryIn    = regexp.MustCompile(`(://[^\s'"?]*)\?[^\s'"]*`)
)

// text is what git complained of, on one line and without secrets of the remote or another address.
func (t *tail) text(remote string) string {
	kept := string(t.kept)
	if t.cut { // perhaps in the midst of an address
		_, kept, _ = strings.Cut(kept, "\n")
	}
	if remote != "" {
		kept = strings.ReplaceAll(kept, remote, withoutSecrets(remote))
	}
	var lines []string
	for line := range strings.Lines(strings.ToValidUTF8(kept, "\uFFFD")) {
		line = strings.Map(func(r rune) rune {
			if unicode.IsControl(r) {
				return -1
			}
			return r
		}, line)
		line = strings.TrimPrefix(strings.TrimPrefix(strings.TrimSpace(line), "fatal: "), "error: ")
		switch {
		case line == "", strings.HasPrefix(line, "warning: "), strings.HasPrefix(line, "hint: "):
		case strings.HasPrefix(line, "Please make sure you have the correct access"), line == "and the repository exists.":
		default:
			lines = append(lines, line)
		}
	}
	text := userinfoIn.ReplaceAllString(strings.Join(lines, "; "), "://")
	return queryIn.ReplaceAllString(text, "$1?…")
}
