package curated

import (
	"regexp"
	"strings"
)

// unify brings the forms that one site has for one page to a single form.
func (a *address) unify() {
	if isForge(a.host) {
		a.repository()
		return
	}
	switch a.host {
	case "youtu.be":
		a.video(strings.TrimPrefix(a.path, "/"))
	case "youtube.com", "youtube-nocookie.com", "music.youtube.com":
		for _, p := range [...]string{"/embed/", "/v/", "/shorts/", "/live/"} {
			if id, ok := strings.CutPrefix(a.path, p); ok {
				a.video(id)
				return
			}
		}
	case "x.com", "twitter.com":
		a.host = "twitter.com"
		a.lowerOwner()
	case "raw.githubusercontent.com":
		a.path = strings.TrimSuffix(a.path, "/")
	case "arxiv.org":
		a.paper()
	default:
		a.encyclopedia()
	}
}

// lowerOwner folds the case of the name of a user, who owns what is below it.
func (a *address) lowerOwner() {
	user, rest, below := strings.Cut(strings.TrimPrefix(a.path, "/"), "/")
	if a.path = strings.TrimSuffix("/"+strings.ToLower(user), "/"); below {
		a.path += "/" + rest
	}
}

// paperVersion ends the number of a paper: "2001.00001v2", "math/0309136v1".
var paperVersion = regexp.MustCompile(`(\d)v\d+$`)

// paper makes the address of a paper's abstract, whatever its form and version.
func (a *address) paper() {
	for _, form := range [...]string{"/abs/", "/pdf/", "/html/"} {
		if id, ok := strings.CutPrefix(a.path, form); ok {
			for strings.HasSuffix(id, ".pdf") || paperVersion.MatchString(id) {
				id = paperVersion.ReplaceAllString(strings.TrimSuffix(id, ".pdf"), "$1")
			}
			a.path = "/abs/" + id
			return
		}
	}
}

// wikis have a mobile form of each of their hosts: "en.m.wikipedia.org".
var wikis = words("wikipedia org, wiktionary org, wikibooks org, wikiquote org, wikisource org, wikivoyage org, wikiversity org, wikinews org")

// encyclopedia drops the mobile part of a wiki's host.
func (a *address) encyclopedia() {
	if language, site, ok := strings.Cut(a.host, ".m."); ok && wikis[foldTitle(site)] {
		a.host = language + "." + site
	}
}

// video makes the long address of a video.
func (a *address) video(id string) {
	if id == "" || strings.Contains(id, "/") {
		return
	}
	for p := range strings.SplitSeq(a.query, "&") {
		if strings.HasPrefix(p, "v=") {
			a.host, a.path = "youtube.com", "/watch"
			return
		}
	}
	a.host, a.path = "youtube.com", "/watch"
	if a.query == "" {
		a.query = "v=" + id
	} else {
		a.query = "v=" + id + "&" + a.query
	}
}

// repository folds what a forge does not tell apart: the case of owner and name, ".git", and the default branch's root.
func (a *address) repository() {
	owner, rest, _ := strings.Cut(strings.TrimPrefix(a.path, "/"), "/")
	name, rest, deeper := strings.Cut(rest, "/")
	if name == "" && !deeper {
		a.path = strings.ToLower(a.path)
		return
	}
	owner, name = strings.ToLower(owner), strings.ToLower(name)
	for strings.HasSuffix(name, ".git") {
		name = strings.TrimSuffix(name, ".git")
	}
	switch rest {
	case "", "tree/master", "tree/main", "-/tree/master", "-/tree/main":
	default:
		name += "/" + rest
	}
	if !strings.HasPrefix(a.path[1:], owner) || a.path[1+len(owner):] != "/"+name {
		a.path = "/" + owner + "/" + name
	}
}

// isForge reports whether the addresses of a host begin with an owner and a repository.
func isForge(host string) bool {
	switch host {
	case "github.com", "gitlab.com", "bitbucket.org", "codeberg.org":
		return true
	}
	return false
}
