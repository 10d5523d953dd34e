package publish

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// manifestFile names what Linkletter wrote in its folder and below, a path a line. In the tree's own, a line that ends
// in a slash is a folder with a manifest of its own; so a publication of one list reads and writes that list's only.
const manifestFile = ".linkletter"

const manifestHead = "# Linkletter wrote these files. It replaces and removes them, and no others.\n"

// manifest is a set of paths, relative to its folder.
type manifest map[string]bool

func (t *tree) readManifest(folder string) (manifest, error) {
	b, err := t.root.ReadFile(folder + manifestFile)
	if errors.Is(err, fs.ErrNotExist) {
		return manifest{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading what is published in %s: %w", t.name(folder), err)
	}
	m := manifest{}
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSuffix(line, "\n"); line != "" && !strings.HasPrefix(line, "#") {
			m[line] = true
		}
	}
	return m, nil
}

// whole says whether nothing that was published as a part is missing altogether: the tree has its manifest, and each part its
// folder. The folders are looked for together, for there may be thousands.
func (t *tree) whole() (bool, error) {
	m, err := t.readManifest("")
	if err != nil {
		return false, err
	}
	there := map[string]map[string]bool{} // names by folder
	for part := range m {
		if !strings.HasSuffix(part, "/") {
			continue
		}
		part = path.Clean(part)
		folder := path.Dir(part)
		if there[folder] == nil {
			names, err := t.names(folder)
			if err != nil {
				return false, err
			}
			there[folder] = names
		}
		if !there[folder][path.Base(part)] {
			return false, nil
		}
	}
	return t.exists(manifestFile), nil
}

// names are those of what stands in a folder; none if it is not there.
func (t *tree) names(folder string) (map[string]bool, error) {
	names := map[string]bool{}
	f, err := t.root.Open(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return names, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking into %s: %w", t.name(folder), explain(err, t.dir))
	}
	defer f.Close()
	all, err := f.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("looking into %s: %w", t.name(folder), explain(err, t.dir))
	}
	for _, name := range all {
		names[name] = true
	}
	return names, nil
}

func (t *tree) exists(name string) bool {
	_, err := t.root.Lstat(name)
	return err == nil
}

func (t *tree) writeManifest(folder string, m manifest) error {
	var b strings.Builder
	b.WriteString(manifestHead)
	for _, path := range m.sorted() {
		b.WriteString(path + "\n")
	}
	if folder == "" {
		t.top = nil
	}
	if err := t.replace(folder+manifestFile, []byte(b.String()), t.now()); err != nil {
		return err
	}
	if folder == "" {
		t.top = m
	}
	return nil
}

func (m manifest) sorted() []string {
	paths := make([]string, 0, len(m))
	for path := range m {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	return paths
}
