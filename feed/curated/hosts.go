package curated

import "strings"

// unify brings the forms that one site has for one page to a single form.
func (a *address) unify() {
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
	case "x.com":
		a.host = "twitter.com"
	case "github.com", "gitlab.com", "bitbucket.org", "codeberg.org":
		a.repository()
	case "raw.githubusercontent.com":
		a.path = strings.TrimSuffix(a.path, "/")
	case "arxiv.org":
		if id, ok := strings.CutPrefix(a.path, "/pdf/"); ok {
			a.path = "/abs/" + strings.TrimSuffix(id, ".pdf")
		}
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
