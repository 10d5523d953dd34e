package source

import (
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
)

// forge is how one kind of forge builds its addresses: what stands between a repository and REF/PATH or a commit. On
// Gitea and Forgejo, REF begins with its kind: branch, tag or commit.
type forge struct {
	raw, page, commit string
}

var (
	gitHub    = &forge{raw: "/raw/", page: "/blob/", commit: "/commit/"}
	gitLab    = &forge{raw: "/-/raw/", page: "/-/blob/", commit: "/-/commit/"}
	gitea     = &forge{raw: "/raw/", page: "/src/", commit: "/commit/"}
	bitbucket = &forge{raw: "/raw/", page: "/src/", commit: "/commits/"}
)

// forges are the well-known ones, by their hosts; ssh has hosts of its own.
var forges = map[string]*forge{
	"github.com":           gitHub,
	"ssh.github.com":       gitHub,
	"gitlab.com":           gitLab,
	"altssh.gitlab.com":    gitLab,
	"codeberg.org":         gitea,
	"gitea.com":            gitea,
	"bitbucket.org":        bitbucket,
	"altssh.bitbucket.org": bitbucket,
}

// forgeOf tells the kind of forge by the host: a well-known one, or one that is named after its program.
func forgeOf(host string) *forge {
	if f := forges[host]; f != nil {
		return f
	}
	switch first, _, _ := strings.Cut(host, "."); first {
	case "gitlab":
		return gitLab
	case "gitea", "forgejo":
		return gitea
	}
	return nil
}

// repository is one repository of a forge.
type repository struct {
	forge *forge
	url   url.URL // its front page, without a slash at the end
}

// at is the address under the repository; rest is as people read it, not escaped.
func (r repository) at(rest string) *url.URL {
	u := r.url
	u.Path += rest
	return &u
}

// scpLike is git's short form of an ssh address: user@host:path.
var scpLike = regexp.MustCompile(`^(?:[\w.-]+@)?([\w.-]+):([^/\\:].*)$`)

// remoteRepository understands what git can fetch from; ok is false where no known forge has it.
func remoteRepository(remote string) (r repository, ok bool) {
	u, err := url.Parse(remote)
	if m := scpLike.FindStringSubmatch(remote); m != nil {
		u, err = &url.URL{Scheme: "ssh", Host: m[1], Path: "/" + m[2]}, nil
	}
	if err != nil || !slices.Contains([]string{"http", "https", "ssh", "git", "git+ssh"}, u.Scheme) {
		return r, false
	}
	host := strings.TrimPrefix(strings.ToLower(u.Hostname()), "www.")
	r.forge = forgeOf(host)
	way := strings.TrimSuffix(strings.Trim(path.Clean("/"+u.Path), "/"), ".git")
	if r.forge == nil || strings.Count(way, "/") < 1 || r.forge != gitLab && strings.Count(way, "/") > 1 && forges[host] != nil {
		return r, false
	}
	r.url = url.URL{Scheme: "https", Host: host, Path: "/" + way}
	switch {
	case forges[host] != nil:
		r.url.Host = strings.TrimPrefix(strings.TrimPrefix(host, "altssh."), "ssh.")
	case u.Scheme == "http" || u.Scheme == "https":
		r.url.Scheme, r.url.Host = u.Scheme, strings.ToLower(u.Host)
	}
	return r, true
}

var hexCommit = regexp.MustCompile(`^[0-9a-f]{7,64}$`)

// CommitPage is where people read a commit of a repository on a well-known forge. remote is what git fetches from:
// https://, ssh://, or git@host:owner/repository. It is empty where that is not known.
func CommitPage(remote, commit string) string {
	r, ok := remoteRepository(remote)
	if !ok || !hexCommit.MatchString(commit) {
		return ""
	}
	return r.at(r.forge.commit + commit).String()
}

// FilePage is where people read a file of a repository on a well-known forge; relative links of the file start there. ref
// is a branch, a full commit, or HEAD; path starts at the top of the repository. It is nil where that is not known.
func FilePage(remote, ref, path string) *url.URL {
	r, ok := remoteRepository(remote)
	if !ok || ref == "" || path == "" {
		return nil
	}
	if r.forge == gitea {
		ref = giteaRef(ref)
	}
	return r.at(r.forge.page + ref + "/" + path)
}

// giteaRef says the kind of a ref in front of it. HEAD, for the default branch, is known there as a commit.
func giteaRef(ref string) string {
	if ref == "HEAD" || len(ref) >= 40 && hexCommit.MatchString(ref) {
		return "commit/" + ref
	}
	return "branch/" + ref
}
