package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"linkletter/templates"
)

// loadTemplates gives the templates, those in the configured folder in place of the built-in ones of the same name.
func (c *Config) loadTemplates() (*templates.Set, error) {
	if c.Templates == "" {
		return templates.Load(nil)
	}
	dir := c.path(c.Templates)
	set, err := templates.Load(os.DirFS(dir))
	var wrong *templates.Error
	if !errors.As(err, &wrong) {
		return set, err
	}
	e := &ConfigError{File: filepath.Join(dir, filepath.FromSlash(wrong.Path)), Line: wrong.Line, Problem: wrong.Problem}
	switch _, err := os.Stat(e.File); {
	case wrong.Unknown:
		e.Hint = "`linkletter init --templates DIR` writes all there are"
		if near := nearestTemplate(wrong.Path); near != "" {
			e.Hint = fmt.Sprintf("is it meant to be %s? (%s)", near, e.Hint)
		}
	case errors.Is(err, fs.ErrNotExist): // a built-in one that another in the folder no longer suits
		e.File = "the built-in " + wrong.Path
		e.Hint = fmt.Sprintf("it is used together with the templates in %s: one of them lacks what it needs", dir)
	}
	return nil, e
}

// withoutTemplates runs a command that makes no page and no mail. A mistake in a template is only a warning to it: whoever
// has to stop an issue or to save the database must not have to mend that first.
func (p *program) withoutTemplates(run func(*cobra.Command, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, given []string) error {
		p.noTemplates = true
		return run(cmd, given)
	}
}

// nearestTemplate is the template that a name was most likely meant to be: it is called so, or nearly so; empty: none is.
func nearestTemplate(name string) string {
	base := path.Base(name)
	most := max(1, len(strings.TrimSuffix(base, path.Ext(base)))/4) // endings alike make no name alike
	best, least := "", math.MaxInt
	for _, known := range templates.Names() {
		if editDistance(base, path.Base(known)) > most {
			continue
		}
		if d := editDistance(name, known); d < least { // the same name may stand in both folders
			best, least = known, d
		}
	}
	return best
}

// writeTemplates writes the built-in templates into a folder of their own, to be changed there.
func (p *program) writeTemplates(dir string) error {
	found, err := os.ReadDir(dir)
	if err == nil && len(found) > 0 {
		return hintError{fmt.Errorf("%s is not empty, and nothing is written over what is there", dir), "name a folder that does not exist yet"}
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("writing the templates: %w", err)
	}
	if err := os.CopyFS(dir, templates.Originals()); err != nil {
		return fmt.Errorf("writing the templates: %w", err)
	}
	_, err = fmt.Fprintf(p.out, "%s written to %s. Remove those you do not change, so that later versions can improve them; then set `templates: %s` in %s\n",
		count(len(templates.Names()), "template", "templates"), dir, dir, p.configFile)
	return err
}
