package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/textproto"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"linkletter/cmd/internal/source"
)

// SourceConfig says where a list lives: a file or an address alone, or the keys that say more.
type SourceConfig struct {
	Place string // a file, or an http(s) address, where nothing else is said

	URL        string `yaml:"url"`
	HeaderFile string `yaml:"header_file"`

	Repository string   `yaml:"repository"`
	Branch     string   `yaml:"branch"`
	File       string   `yaml:"file"`
	Files      []string `yaml:"files"`
}

// UnmarshalYAML reads either form.
func (s *SourceConfig) UnmarshalYAML(node ast.Node) error {
	if _, keys := node.(ast.MapNode); !keys {
		return yaml.NodeToValue(node, &s.Place)
	}
	type bare SourceConfig // without this method
	return yaml.NodeToValue(node, (*bare)(s), yaml.Strict())
}

// String names the source for people, without secrets.
func (s SourceConfig) String() string {
	at := source.Locate(s.Place)
	if s.URL != "" {
		at = source.Location{URL: s.URL}
	}
	if s.Repository != "" {
		at.Git = &source.Repository{Remote: s.Repository}
	}
	return at.String()
}

// place is a source with its paths made out and its secrets read.
func (c *Config) place(s SourceConfig) (source.Location, error) {
	switch {
	case s.Repository != "":
		files := s.Files
		if s.File != "" {
			files = []string{s.File}
		}
		remote := s.Repository
		if source.IsLocal(remote) {
			remote = c.path(remote)
		}
		return source.Location{Git: &source.Repository{Remote: remote, Branch: s.Branch, Files: files}}, nil
	case s.URL != "":
		header, err := readHeader(c.path(s.HeaderFile))
		if err != nil {
			return source.Location{}, fmt.Errorf("header file %s: %w", s.HeaderFile, err)
		}
		return source.Location{URL: s.URL, Header: header}, nil
	}
	at := source.Locate(s.Place)
	at.Path = c.path(at.Path)
	return at, nil
}

// repositories is the folder of the clones, beside the database.
func (c *Config) repositories() string {
	return filepath.Join(filepath.Dir(c.path(c.Database)), "git")
}

// maxHeader bounds a file of header lines.
const maxHeader = 64 << 10

// readHeader reads header lines such as "Authorization: Bearer …" (RFC 9112, section 5). Its errors hold nothing of them.
func readHeader(file string) (http.Header, error) {
	if file == "" {
		return nil, nil
	}
	b, err := os.ReadFile(file)
	var where *fs.PathError
	if errors.As(err, &where) {
		return nil, where.Err // the caller names the file
	}
	if err != nil {
		return nil, err
	}
	if len(b) > maxHeader {
		return nil, fmt.Errorf("it is larger than %d KiB", maxHeader>>10)
	}
	lines := append(bytes.TrimSpace(b), "\r\n\r\n"...)
	header, err := textproto.NewReader(bufio.NewReader(bytes.NewReader(lines))).ReadMIMEHeader()
	if err != nil || len(header) == 0 {
		return nil, errors.New("it holds no header lines")
	}
	return http.Header(header), nil
}

// source checks where a list lives.
func (v *validator) source(at string, s SourceConfig) {
	hint := "name the Markdown file or its https:// address; or {url, header_file}; or {repository, branch, file}"
	set := 0
	for _, is := range []string{s.Place, s.URL, s.Repository} {
		if is != "" {
			set++
		}
	}
	scheme, _, is := strings.Cut(s.Place, "://")
	switch {
	case set == 0:
		v.fail(at, hint, "it says nowhere where the list is")
	case set > 1:
		v.fail(at, hint, "url and repository exclude each other")
	case is && !source.IsURL(s.Place):
		v.fail(at, "name a file or an https:// address; {repository: …, file: README.md} is for what git fetches", "lists are not read over %s", scheme)
	case s.Place != "" && !source.IsURL(s.Place) && !source.IsLocal(s.Place) && !exists(v.c.path(s.Place)):
		v.fail(at, fmt.Sprintf("for a list in git, write {repository: %q, file: README.md}", s.Place), "there is no file %q, which is an address for git", s.Place)
	case s.Repository != "":
		v.repository(at, s)
	case s.Branch != "" || s.File != "" || s.Files != nil:
		v.fail(at, hint, "branch, file and files go with a repository")
	case s.URL != "" && !source.IsURL(s.URL):
		v.fail(at+".url", "write an http:// or https:// address", "%q is not a web address", s.URL)
	}
	if s.HeaderFile == "" {
		return
	}
	if s.URL == "" {
		v.fail(at+".header_file", "it goes with url", "there is no web server to send a header to")
	} else if _, err := readHeader(v.c.path(s.HeaderFile)); err != nil {
		v.fail(at+".header_file", `it holds lines like "Authorization: Bearer …"`, "%s: %v", s.HeaderFile, err)
	} else if u, err := url.Parse(s.URL); err != nil || u.User != nil {
		v.fail(at+".url", "put the password into header_file", "an address cannot hold a password beside header_file")
	}
}

// repository checks a source in git. Whether the branch and the files are there shows at the first check.
func (v *validator) repository(at string, s SourceConfig) {
	files := s.Files
	if s.File != "" {
		files = append([]string{s.File}, files...)
	}
	switch {
	case s.HeaderFile != "":
		v.fail(at+".header_file", "git asks its credential helper, or uses an ssh key", "a repository takes no header")
	case len(files) == 0:
		v.fail(at, "add file: README.md, or files: [books/*.md]", "it does not say which file of the repository is the list")
	case s.File != "" && s.Files != nil:
		v.fail(at+".files", "name the file there too", "file and files exclude each other")
	case strings.HasPrefix(s.Branch, "-"):
		v.fail(at+".branch", "", "%q is not a branch", s.Branch)
	case strings.HasPrefix(s.Repository, "-"):
		v.fail(at+".repository", "write a path or an address that git understands", "%q is not a repository", s.Repository)
	}
	for _, f := range files {
		if !filepath.IsLocal(f) || path.Clean(f) == "." {
			v.fail(at, "a file's path starts at the top of the repository: docs/list.md", "%q is not a file in a repository", f)
		}
	}
}
