package source

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// schemes are the ways to a remote that run no program of a stranger's choice.
var schemes = []string{"https", "http", "ssh", "git+ssh", "ssh+git", "git", "file"}

// transport is git's form of an address that names the program to run.
var transport = regexp.MustCompile(`^[\w.+-]*::`)

// checkRemote refuses what is no place of a repository, or would be more than one.
func checkRemote(remote string) error {
	scheme, _, isURL := strings.Cut(remote, "://")
	switch {
	case remote == "":
		return &HistoryError{errors.New("no repository is named"), "set `repository` to a path or an address"}
	case strings.HasPrefix(remote, "-"), strings.ContainsFunc(remote, unicode.IsControl):
		return &HistoryError{errors.New("that can be no repository"), "set `repository` to a path or an address; put ./ in front of a path that begins with -"}
	case transport.MatchString(remote), isURL && !slices.Contains(schemes, scheme):
		return &HistoryError{errors.New("git would not fetch from there safely"), "use https://, ssh://, git://, file://, host:path or a path"}
	}
	return nil
}

// IsLocal tells a path from an address, as git does.
func IsLocal(remote string) bool {
	colon, slash := strings.IndexByte(remote, ':'), strings.IndexByte(remote, '/')
	return colon < 0 || filepath.VolumeName(remote) != "" || slash >= 0 && slash < colon
}

// sshCommand is ssh without questions to anybody, unless the operator has set one.
func sshCommand(ctx context.Context, remote string) string {
	if IsLocal(remote) || strings.Contains(remote, "://") && !strings.Contains(remote[:strings.Index(remote, "://")], "ssh") {
		return ""
	}
	set, _ := gitDir{path: "."}.line(ctx, "config", "--global", "--get", "core.sshCommand") // none, or none that can be read
	if set != "" || os.Getenv("GIT_SSH_COMMAND") != "" || os.Getenv("GIT_SSH") != "" {
		return ""
	}
	return "ssh -oBatchMode=yes -oConnectTimeout=30 -oServerAliveInterval=20 -oServerAliveCountMax=3"
}

const (
	hintAccess  = "give the user that runs linkletter an ssh key or a git credential helper for it; `git ls-remote` shows whether it works"
	hintAddress = "see whether the address is right; a private repository needs an ssh key or a git credential helper"
	hintLater   = "it is tried again at the next check"
)

// explanations are what git says of a failure that has nothing to do with what is in a clone, and what to do about it.
var explanations = []struct{ says, hint string }{
	{"Authentication failed", hintAccess},
	{"could not read Username", hintAccess},
	{"could not read Password", hintAccess},
	{"terminal prompts disabled", hintAccess},
	{"Permission denied", hintAccess},
	{"returned error: 401", hintAccess},
	{"returned error: 403", hintAccess},
	{"Host key verification failed", "connect to the host once with ssh as the user that runs linkletter, and accept its key"},
	{"epository not found", hintAddress},
	{"' not found", hintAddress},
	{"not appear to be a git repository", hintAddress},
	{"' does not exist", hintAddress},
	{"access denied or repository not exported", hintAddress},
	{"strange hostname", hintAddress},
	{"strange pathname", hintAddress},
	{"transport '", "use https://, ssh://, git://, file://, host:path or a path"},
	{"Could not resolve host", hintAddress},
	{"unable to look up", hintAddress},
	{"o space left on device", "make room on the disk"},
	{"unable to access", hintLater},
	{"unable to connect", hintLater},
	{"Could not read from remote repository", hintLater},
	{"hung up", hintLater},
	{"RPC failed", hintLater},
	{"early EOF", hintLater},
	{"unexpected disconnect", hintLater},
	{"expected flush", hintLater},
	{"invalid server response", hintAddress},
	{"bad line length", hintAddress},
	{"remote error", hintLater},
	{"not our ref", "it was changed in the meantime; the next check sees what is there now"},
}

// explain adds to what git says what to do about it. where is the folder it worked in.
func explain(err error, where string) error {
	var why *complaint
	if already := (*HistoryError)(nil); errors.As(err, &already) || !errors.As(err, &why) {
		return err
	}
	switch {
	case strings.Contains(why.text, "dubious ownership"):
		return &HistoryError{err, "it belongs to another user; where you trust it: git config --global --add safe.directory '*', or its folder instead of *"}
	case strings.Contains(why.text, "not a git repository"):
		return &HistoryError{fmt.Errorf("%s is not in a git repository", where), hintRepo}
	}
	for _, e := range explanations {
		if strings.Contains(why.text, e.says) {
			return &HistoryError{err, e.hint}
		}
	}
	return err
}

// isExplained says that a failure is not one of the clone itself.
func isExplained(err error) bool {
	var why *HistoryError
	return errors.As(err, &why)
}

func isLocked(err error) bool {
	var why *complaint
	return errors.As(err, &why) && (strings.Contains(why.text, "cannot lock ref") || strings.Contains(why.text, "File exists"))
}

func isNoBranch(err error) bool {
	var why *complaint
	return errors.As(err, &why) && (strings.Contains(why.text, "find remote ref") || strings.Contains(why.text, "not found in upstream"))
}

// noBranch says that a branch is not there, and which are.
func noBranch(branch string, refs []string) error {
	const most = 10
	var names []string
	for _, ref := range refs[:min(len(refs), most)] {
		names = append(names, strings.TrimPrefix(ref, "refs/heads/"))
	}
	list := strings.Join(names, ", ")
	if len(refs) > most {
		list += fmt.Sprintf(" and %d more", len(refs)-most)
	}
	switch {
	case len(refs) == 0:
		return &HistoryError{errors.New("the repository does not have any branches yet"), "push the list first, or see whether the address is right"}
	case branch == "":
		return &HistoryError{errors.New("its HEAD names no branch that is there"), "set `branch` to one of " + list}
	}
	return &HistoryError{fmt.Errorf("there is no branch %s", branch), "set `branch` to one of " + list}
}
