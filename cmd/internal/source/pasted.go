package source

import (
	"net/url"
	"path"
	"slices"
	"strings"
)

// candidate is an address where the Markdown may stand.
type candidate struct {
	raw  *url.URL // of the bytes
	page *url.URL // where people read them; nil: the address that the bytes came from
}

// readmes are the names that a repository's first page is taken from, the commonest first.
var readmes = []string{"README.md", "readme.md", "Readme.md", "ReadMe.md", "README.markdown", "readme.markdown", "README"}

// understand gives the addresses where the Markdown may stand for an address as people paste it: a repository, a page or
// a raw file of a forge. The likeliest is first; a repository's README may have several names. Any other address stands
// for itself.
func understand(u *url.URL) []candidate {
	way := strings.Split(strings.Trim(path.Clean("/"+u.Path), "/"), "/")
	switch host := hostOf(u); {
	case host == "gist.github.com" || host == "gist.githubusercontent.com":
		if found := gist(u, host, way); found != nil {
			return found
		}
	case host == "raw.githubusercontent.com" && len(way) > 3 && way[0] != "wiki":
		r := repository{gitHub, url.URL{Scheme: "https", Host: "github.com", Path: "/" + way[0] + "/" + way[1]}}
		return []candidate{{raw: secure(u, host), page: r.pageOf(way[2:])}}
	default:
		if p, ok := split(u, host, way); ok {
			return p.candidates()
		}
	}
	plain := *u
	plain.User, plain.Fragment, plain.RawFragment = nil, "", ""
	return []candidate{{raw: &plain}}
}

// hostOf is the host in small letters, without www.; with its port, where it is not the scheme's own.
func hostOf(u *url.URL) string {
	host := strings.TrimPrefix(strings.ToLower(u.Hostname()), "www.")
	if port := u.Port(); port != "" && port != "80" && port != "443" {
		host += ":" + port
	}
	return host
}

// secure is an address of a well-known host, which all speak https.
func secure(u *url.URL, host string) *url.URL {
	return &url.URL{Scheme: "https", Host: host, Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery}
}

// pasted is an address of a forge, taken apart.
type pasted struct {
	repository
	rest  []string // REF and PATH; nobody can tell where a REF with slashes ends, but the forge itself
	kind  kind
	query string
}

// kind says what an address of a forge names.
type kind int

const (
	front  kind = iota // the repository
	file               // a file
	folder             // a folder, or a branch
	either             // a file or a folder: Gitea and Bitbucket write both alike
)

// verbs are the words between a repository and REF/PATH.
var verbs = map[*forge]map[string]kind{
	gitHub:    {"blob": file, "raw": file, "blame": file, "edit": file, "tree": folder},
	gitLab:    {"blob": file, "raw": file, "blame": file, "edit": file, "tree": folder},
	gitea:     {"src": either, "raw": file, "media": file},
	bitbucket: {"src": either, "raw": file},
}

// split takes apart an address of a well-known forge, of a host named after the forge's program, or of any host where the
// path leaves no doubt.
func split(u *url.URL, host string, way []string) (p pasted, ok bool) {
	known := forges[host] != nil
	p.forge = forgeOf(host)
	at, verb := verbAt(p.forge, known, way)
	if p.forge == nil || at < 0 && !known {
		if f, i, v := unmistakable(way); f != nil {
			p.forge, at, verb = f, i, v
		}
	}
	end := len(way)
	if at >= 0 {
		end = at
		p.rest, p.kind = way[verb+1:], verbs[p.forge][way[verb]]
	}
	switch {
	case p.forge == nil, end < 2, at < 0 && !known && looksLikeFile(way[end-1]):
		return p, false
	case p.forge == gitLab && (way[0] == "api" || at < 0 && slices.Contains(way, "-")): // its interface, or another page
		return p, false
	case p.forge != gitLab && end > 2 && (known || at < 0): // another page of the repository: its issues, say
		return p, false
	case at >= 0 && len(p.rest) == 0:
		p.kind = front
	}
	p.url = url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host), Path: "/" + strings.TrimSuffix(strings.Join(way[:end], "/"), ".git")}
	if known {
		p.url.Scheme, p.url.Host = "https", host
	}
	if p.forge == gitLab && u.Query().Has("ref_type") {
		p.query = url.Values{"ref_type": u.Query()["ref_type"][:1]}.Encode()
	}
	if ref := u.Query().Get("at"); p.forge == bitbucket && len(p.rest) > 1 && ref != "" && !strings.Contains(ref, "/") {
		p.rest = append([]string{ref}, p.rest[1:]...) // the path has a commit, and this the branch it was looked at on
	}
	return p, true
}

// verbAt finds where the repository ends, and the verb after it; -1 where there is none.
func verbAt(f *forge, known bool, way []string) (end, verb int) {
	for i := 2; i < len(way); i++ {
		if f == gitLab && way[i] == "-" && i+1 < len(way) {
			if _, is := verbs[f][way[i+1]]; is {
				return i, i + 1
			}
		}
		// GitLab's addresses had no dash before 2019.
		if _, is := verbs[f][way[i]]; is && (f == gitLab && i+1 < len(way) || f != gitLab && known && i == 2) {
			return i, i
		}
	}
	return -1, -1
}

// unmistakable finds what only a forge writes, on whatever host: GitLab's /-/blob/, and Gitea's /src/branch/.
func unmistakable(way []string) (f *forge, end, verb int) {
	for i := 2; i+2 < len(way); i++ {
		if _, is := verbs[gitLab][way[i+1]]; is && way[i] == "-" {
			return gitLab, i, i + 1
		}
		if _, is := verbs[gitea][way[i]]; is && slices.Contains(giteaRefs, way[i+1]) {
			return gitea, i, i
		}
	}
	return nil, -1, -1
}

// giteaRefs are the kinds of refs that stand in Gitea's addresses.
var giteaRefs = []string{"branch", "tag", "commit"}

// looksLikeFile tells a file's name from a folder's, as far as the name can.
func looksLikeFile(name string) bool {
	ext := strings.ToLower(path.Ext(name))
	return slices.Contains([]string{".md", ".markdown", ".mdown", ".mkd", ".mkdn", ".mdx", ".rmd", ".qmd", ".txt", ".rst", ".adoc", ".org", ".html"}, ext)
}

// candidates are where the Markdown of the address may stand.
func (p pasted) candidates() []candidate {
	rest := p.rest
	if p.kind == front {
		rest = []string{"HEAD"} // the default branch, on all of them
		if p.forge == gitea {
			rest = []string{"branch", "HEAD"}
		}
	}
	isRef := len(rest) == 1 || p.forge == gitea && len(rest) == 2 && slices.Contains(giteaRefs, rest[0])
	if p.kind == file && !isRef || p.kind == either && !isRef && looksLikeFile(rest[len(rest)-1]) {
		return []candidate{p.candidate(rest)}
	}
	var all []candidate
	for _, name := range readmes {
		all = append(all, p.candidate(append(slices.Clip(rest), name)))
	}
	if p.kind == either && !isRef {
		all = append(all, p.candidate(rest))
	}
	return all
}

func (p pasted) candidate(rest []string) candidate {
	raw := p.at(p.forge.raw + strings.Join(rest, "/"))
	if p.url.Host == "github.com" {
		raw = &url.URL{Scheme: "https", Host: "raw.githubusercontent.com", Path: p.url.Path + "/" + strings.Join(rest, "/")}
	}
	page := p.pageOf(rest)
	raw.RawQuery, page.RawQuery = p.query, p.query
	return candidate{raw: raw, page: page}
}

// pageOf is where people read REF/PATH.
func (r repository) pageOf(rest []string) *url.URL {
	if r.forge == gitHub && len(rest) > 3 && rest[0] == "refs" && (rest[1] == "heads" || rest[1] == "tags") {
		rest = rest[2:]
	}
	return r.at(r.forge.page + strings.Join(rest, "/"))
}

// gist gives the addresses of a gist's file: the first one, where none is named. What the button "Raw" gives names a
// revision, which never changes; it stands for the newest one here.
func gist(u *url.URL, host string, way []string) []candidate {
	way = slices.Clone(way)
	var name []string
	if i := slices.Index(way, "raw"); i > 0 {
		name, way = way[i+1:], way[:i]
		if len(name) > 0 && len(name[0]) == 40 && hexCommit.MatchString(name[0]) {
			name = name[1:]
		}
	} else if len(way) > 2 {
		way = way[:2]
	}
	id := strings.TrimSuffix(way[len(way)-1], ".git")
	if !hexCommit.MatchString(id) || host == "gist.githubusercontent.com" && len(way) != 2 {
		return nil
	}
	way[len(way)-1] = id
	front := "/" + strings.Join(way, "/")
	rawHost := "gist.githubusercontent.com"
	if len(way) == 1 {
		rawHost = "gist.github.com" // which knows the owner
	}
	names := []string{strings.Join(name, "/")}
	if len(name) == 0 {
		names = gistFiles(u.Fragment)
	}
	var all []candidate
	for _, n := range names {
		raw := &url.URL{Scheme: "https", Host: rawHost, Path: strings.TrimSuffix(front+"/raw/"+n, "/")}
		all = append(all, candidate{raw: raw, page: &url.URL{Scheme: "https", Host: "gist.github.com", Path: front}})
	}
	return all
}

// gistFiles are the names that an anchor such as #file-my-list-md may stand for; "" is the first file of the gist.
func gistFiles(anchor string) []string {
	name, is := strings.CutPrefix(anchor, "file-")
	dash := strings.LastIndexByte(name, '-')
	switch {
	case !is || dash < 1:
		return []string{""}
	case name[:dash] == "readme":
		return readmes
	}
	return []string{name[:dash] + "." + name[dash+1:]}
}
