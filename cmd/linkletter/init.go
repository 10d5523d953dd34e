package main

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"github.com/spf13/cobra"

	"linkletter/cmd/internal/source"
	"linkletter/feed/curated"
)

// configTemplate is the commented configuration; the config.yaml of the project is what it gives for defaultSample.
//
//go:embed config.yaml.tmpl
var configTemplate string

// sample is what a new configuration says of its list. The strings are YAML.
type sample struct {
	ID, Title, Weekly, Description, Source string
}

// defaultSample describes the list that the project itself ships.
var defaultSample = sample{
	ID: "resources", Title: "Feeds and newsletters", Weekly: "Feeds and newsletters, weekly",
	Description: "Good resources on feeds, newsletters and curated lists.", Source: "RESOURCES.md",
}

func (p *program) initCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "init [FILE|URL]",
		Short: "Write a commented config.yaml here, for the list in this folder",
		Long: `Write a commented config.yaml here. It watches the list named, or the Markdown file in this
folder that looks most like a list, and calls it as it calls itself; an address is read for
that. An existing file is never written over.

With --templates it writes the built-in templates of mails and pages into a folder instead,
for you to change (docs/templates.md).`,
		Example: "  linkletter init\n  linkletter init README.md\n  linkletter init https://github.com/ada/tools\n  linkletter init --templates templates",
		Args:    args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			location := ""
			if dir != "" && len(given) > 0 {
				return usageError{errors.New("--templates writes templates and no configuration: give it no list")}
			}
			if dir != "" {
				return p.writeTemplates(dir)
			}
			if len(given) == 1 {
				location = given[0]
			}
			return p.init(cmd.Context(), location)
		},
	}
	cmd.Flags().StringVar(&dir, "templates", "", "write the built-in templates into this new `FOLDER` instead")
	return cmd
}

func (p *program) init(ctx context.Context, location string) error {
	if exists(p.configFile) {
		return hintError{fmt.Errorf("%s is there already and stays as it is", p.configFile), "edit it, or move it away first"}
	}
	folder := filepath.Dir(p.configFile)
	s, found, err := p.describeList(ctx, folder, location)
	if err != nil {
		return err
	}
	b, err := renderConfig(s)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(p.configFile, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("writing the configuration: %w", err)
	}
	if _, err := f.Write(b); err != nil {
		return errors.Join(fmt.Errorf("writing %s: %w", p.configFile, err), f.Close())
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("writing %s: %w", p.configFile, err)
	}
	if found == "" {
		_, err = fmt.Fprintf(p.out, "%s written. No Markdown list was found here: put one at %s or set source, then: linkletter serve\n", p.configFile, s.Source)
		return err
	}
	_, err = fmt.Fprintf(p.out, "%s written; it watches %s under the id %s, which stands in addresses for ever. Next: linkletter serve\n",
		p.configFile, strings.Trim(s.Source, `"`), s.ID)
	return err
}

// renderConfig gives the configuration for a list.
func renderConfig(s sample) ([]byte, error) {
	t, err := template.New("config.yaml").Parse(configTemplate)
	if err != nil {
		return nil, fmt.Errorf("the built-in configuration: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, s); err != nil {
		return nil, fmt.Errorf("the built-in configuration: %w", err)
	}
	return b.Bytes(), nil
}

// describeList makes the sample for a list, or for the one found in a folder; found is empty when there is none.
func (p *program) describeList(ctx context.Context, folder, location string) (s sample, found string, err error) {
	switch {
	case location == "":
		if location, err = findList(folder); err != nil || location == "" {
			return defaultSample, "", err
		}
	case source.IsURL(location):
		title, err := titleOfAddress(ctx, location)
		if ctx.Err() != nil {
			return s, "", ctx.Err()
		}
		if err != nil {
			title = "List"
			fmt.Fprintf(p.err, "linkletter: warning: no list could be read there, so its id and its title are placeholders; set them before the first check: %s\n", oneLine(err.Error()))
		}
		return newSample(title, location), location, nil
	default:
		if !exists(location) {
			return s, "", hintError{fmt.Errorf("there is no file %s", location), "name the Markdown file of the list"}
		}
		// The configuration's paths start at its own folder.
		if location, err = relative(folder, location); err != nil {
			return s, "", err
		}
	}
	b, err := os.ReadFile(filepath.Join(folder, location))
	if err != nil {
		return s, "", fmt.Errorf("reading the list: %w", err)
	}
	title := curated.Parse(b, curated.Options{}).Title
	if title == "" {
		title = nameOfFile(filepath.ToSlash(location), folder)
	}
	return newSample(title, location), location, nil
}

// newSample describes a list by its title.
func newSample(title, location string) sample {
	title = oneLine(title)
	return sample{ID: listID(title), Title: quoted(title), Weekly: quoted(title + ", weekly"), Description: quoted(""), Source: quoted(location)}
}

// titleOfAddress reads the list at an address, and gives its title, or a name made from the address.
func titleOfAddress(ctx context.Context, address string) (string, error) {
	got, err := fetchOnce(ctx, address)
	if err != nil {
		return "", err
	}
	if got.Doubt != "" {
		return "", errors.New(got.Doubt)
	}
	list := curated.Parse(got.Bytes, curated.Options{Page: got.Page})
	if len(list.Entries) == 0 {
		return "", fmt.Errorf("no entries were found among its %s", count(list.Links, "link", "links"))
	}
	if list.Title != "" {
		return list.Title, nil
	}
	u, err := url.Parse(address)
	if err != nil {
		return "", fmt.Errorf("naming the list: %w", err)
	}
	return nameOfAddress(u), nil
}

// nameOfAddress names a list without a title as nameOfFile does.
func nameOfAddress(u *url.URL) string {
	parts := strings.FieldsFunc(u.Path, func(c rune) bool { return c == '/' })
	switch n := len(parts); {
	case n == 0:
		return u.Hostname()
	case !isReadme(parts[n-1]):
		return stem(parts[n-1])
	case n > 3: // a forge's: owner, repository, branch, file
		return parts[1]
	case n > 1:
		return parts[n-2]
	}
	return u.Hostname()
}

// stem is a file's name without its extension.
func stem(name string) string { return strings.TrimSuffix(name, path.Ext(name)) }

// isReadme says that a file's name tells nothing of the list in it.
func isReadme(name string) bool { return strings.EqualFold(stem(name), "readme") }

// nameOfFile names a list without a title by its file, or, where that is a README, by the folder that it stands in. The
// file is named with slashes, from home on.
func nameOfFile(file, home string) string {
	if !isReadme(path.Base(file)) {
		return stem(path.Base(file))
	}
	return cmp.Or(nameOfFolder(filepath.Join(home, filepath.FromSlash(path.Dir(file)))), stem(path.Base(file)))
}

// nameOfFolder is the name of a folder or a repository; empty where it has none.
func nameOfFolder(folder string) string {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return ""
	}
	if filepath.Base(folder) == ".git" {
		folder = filepath.Dir(folder)
	}
	name := strings.TrimSuffix(filepath.Base(folder), ".git")
	return strings.Trim(name, string(filepath.Separator))
}

// relative is a file's path as the configuration in folder names it.
func relative(folder, file string) (string, error) {
	from, err := filepath.Abs(folder)
	if err != nil {
		return "", fmt.Errorf("finding %s: %w", folder, err)
	}
	to, err := filepath.Abs(file)
	if err != nil {
		return "", fmt.Errorf("finding %s: %w", file, err)
	}
	rel, err := filepath.Rel(from, to)
	if err != nil {
		return "", fmt.Errorf("naming %s from %s: %w", file, folder, err)
	}
	return filepath.ToSlash(rel), nil
}

// findList picks the Markdown file of a folder with the most entries.
func findList(folder string) (string, error) {
	files, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return "", hintError{fmt.Errorf("there is no folder %s", folder), "make it first"}
	}
	if err != nil {
		return "", fmt.Errorf("looking for a list: %w", err)
	}
	best, most := "", 0
	for _, f := range files {
		ext := strings.ToLower(filepath.Ext(f.Name()))
		info, err := f.Info()
		if err != nil || !info.Mode().IsRegular() || info.Size() > source.DefaultMaxBytes || !slices.Contains([]string{".md", ".markdown"}, ext) {
			continue
		}
		b, err := os.ReadFile(filepath.Join(folder, f.Name()))
		if err != nil {
			continue // another file may be the list
		}
		if n := len(curated.Parse(b, curated.Options{}).Entries); n > most {
			best, most = f.Name(), n
		}
	}
	return best, nil
}

// listID makes an id of a title.
func listID(title string) string {
	var b strings.Builder
	for _, c := range strings.ToLower(title) {
		switch {
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
			b.WriteRune(c)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	id := strings.Trim(b.String()[:min(b.Len(), 40)], "-")
	if !idForm.MatchString(id) || isReserved(id) {
		return "list"
	}
	return id
}

// quoted is a string as YAML: JSON's is a subset of it.
func quoted(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return `""` // strings always encode
	}
	return strings.TrimSpace(b.String())
}
