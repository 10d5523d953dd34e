package curated

import "strings"

// isHousefile reports an address of a file that speaks of the list itself: its licence, how to contribute, or the list in
// another language.
func (d *document) isHousefile(l *link) bool {
	path, own := l.url, true
	if hasScheme(path) {
		if path, own = forgeFile(path), false; path == "" {
			return false
		}
	}
	path, _, _ = strings.Cut(path, "#")
	path = strings.ToLower(strings.TrimPrefix(strings.TrimPrefix(path, "./"), "/"))
	folder, file := "", path
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		folder, file = path[:i], path[i+1:]
	}
	name, _, _ := strings.Cut(file, ".")
	switch name {
	case "contributing", "code_of_conduct", "code-of-conduct":
		return true
	case "license", "licence", "copying", "changelog", "readme":
		return own && (folder == "" || folder == ".github" || folder == "docs") || strings.Contains(foldTitle(d.plain(l.pieces)), name)
	}
	return own && (strings.HasPrefix(name, "readme-") || strings.HasPrefix(name, "readme_"))
}

// forgeFile gives the path of a file in a repository on a forge, or "".
func forgeFile(u string) string {
	for _, verb := range [...]string{"/blob/", "/raw/", "/tree/"} {
		if _, rest, ok := strings.Cut(u, verb); ok {
			_, path, _ := strings.Cut(rest, "/") // after the branch
			return path
		}
	}
	return ""
}

// isForm reports the address of a form in which readers of a list ask for changes to it.
func isForm(u string) bool {
	if !strings.Contains(u, "/new") && !strings.Contains(u, "/edit/") && !strings.Contains(u, "/compare/") {
		return false
	}
	_, rest, _ := strings.Cut(u, "://")
	parts := strings.SplitN(rest, "/", 5)
	if len(parts) < 4 {
		return false
	}
	verb, _, _ := strings.Cut(parts[3], "?")
	switch verb {
	case "edit", "compare":
		return len(parts) > 4 && isForge(canonicalHost(parts[0]))
	case "issues", "discussions":
		return len(parts) > 4 && isForge(canonicalHost(parts[0])) && strings.HasPrefix(parts[4], "new")
	}
	return false
}

// isCall reports whether an item asks for contributions: the words before its link do, or the link's own.
func isCall(lead, label string) bool {
	for _, w := range [...]string{
		"submit your", "submit yours", "submit a", "submit an", "suggest a", "suggest an", "add your", "add yours", "add a new",
		"become a sponsor", "become a backer", "edit this", "improve this page", "please submit", "open a pull request",
	} {
		if len(label) >= len(w) && strings.EqualFold(label[:len(w)], w) && (len(label) == len(w) || label[len(w)] == ' ') {
			return true
		}
	}
	if !hasWord(lead) || countWords(label) > 3 {
		return false
	}
	f := " " + foldTitle(lead) + " "
	for _, w := range [...]string{" submit ", " contribute ", " pull request ", " add your ", " add yours ", " suggest ", " send us ", " open an issue ", " edit this "} {
		if strings.Contains(f, w) {
			return true
		}
	}
	return strings.HasPrefix(f, " please check ") || strings.HasPrefix(f, " please refer ") || strings.HasPrefix(f, " please read ") ||
		strings.HasPrefix(f, " please see ")
}

// pointsElsewhere reports a sentence such as "See [the list of lines](…) for all of them": it begins with a verb of
// direction, and goes on after its link.
func (d *document) pointsElsewhere(it *item, lead string, link int) bool {
	if !hasWord(lead) {
		return false
	}
	first, more, _ := strings.Cut(foldTitle(lead), " ")
	switch first {
	case "see", "ask", "read", "refer", "consult", "subscribe", "join":
		return !strings.HasSuffix(lead, ":") && !strings.HasPrefix(more, "also") && !d.separated(link, it.head.to)
	}
	return false
}

// isContents reports whether the links of a list are for the most part places within the page: then the others are too.
func (d *document) isContents(links span) bool {
	own, other := 0, 0
	root := ""
	for i := links.from; i < links.to; i++ {
		u := d.links[i].url
		base, fragment, _ := strings.Cut(u, "#")
		switch {
		case base == "":
			own++
		case fragment != "" && isRepositoryRoot(base) && (root == "" || root == base):
			own++
			root = base
		case d.links[i].leadsOut():
			other++
		}
	}
	return own > 1 && (own > 2*other || contentsTitles[foldTitle(d.innermost())] && own > other)
}

// isRepositoryRoot reports an address such as https://github.com/owner/name, where a forge shows the list.
func isRepositoryRoot(u string) bool {
	rest, ok := cutWebScheme(u)
	parts := strings.Split(strings.Trim(rest, "/"), "/")
	return ok && len(parts) == 3 && isForge(canonicalHost(parts[0]))
}

// innermost is the title of the heading that the reading stands under.
func (d *document) innermost() string {
	if n := len(d.stack); n > 0 {
		return d.stack[n-1].title
	}
	return ""
}
