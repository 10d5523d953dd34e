package main

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// ConfigError is a mistake in the configuration, with its place.
type ConfigError struct {
	File         string
	Line, Column int // from 1; Line 0: the file as a whole; Column 0: the line as a whole
	Problem      string
	Hint         string
}

func (e *ConfigError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.File, e.Problem)
	}
	if e.Column == 0 {
		return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Problem)
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Problem)
}

// LoadConfig reads, completes and checks a configuration file.
func LoadConfig(path string) (*Config, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &ConfigError{File: path, Problem: "there is no such configuration file",
			Hint: "`linkletter init` writes one here; --config FILE names another"}
	}
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	c := Defaults()
	c.file = path
	if c.folder, err = filepath.Abs(filepath.Dir(path)); err != nil {
		return nil, fmt.Errorf("finding the folder of %s: %w", path, err)
	}
	file, err := parser.ParseBytes(b, 0)
	if err != nil {
		return nil, yamlError(path, err)
	}
	if len(file.Docs) > 1 {
		return nil, &ConfigError{File: path, Problem: "it holds several YAML documents; only one is read"}
	}
	if len(file.Docs) == 1 && file.Docs[0].Body != nil {
		body := file.Docs[0].Body
		if err := expand(path, body); err != nil {
			return nil, err
		}
		if err := durations(path, body); err != nil {
			return nil, err
		}
		if err := yaml.NodeToValue(body, c, yaml.Strict()); err != nil {
			return nil, yamlError(path, err)
		}
	}
	c.fill()
	return c, c.validate(file)
}

// path is a path of the configuration, relative ones starting at its folder.
func (c *Config) path(p string) string {
	if p == "" || filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(c.folder, p)
}

// variable is ${NAME} in a value.
var variable = regexp.MustCompile(`\$\{([^}]*)\}`)

// expand puts the environment's values for ${NAME} into the strings of a document. It works on the parsed tree, so that a
// value can never become YAML of its own.
func expand(file string, n ast.Node) error {
	var failed error
	ast.Walk(visitor(func(n ast.Node) {
		s, ok := n.(*ast.StringNode)
		if !ok || failed != nil {
			return
		}
		s.Value = variable.ReplaceAllStringFunc(s.Value, func(m string) string {
			name := variable.FindStringSubmatch(m)[1]
			value, set := os.LookupEnv(name)
			if !set && failed == nil {
				failed = at(file, s.Token, fmt.Sprintf("the environment has no variable %s", name), "set it before starting linkletter")
			}
			return value
		})
	}), n)
	return failed
}

// durations looks at the texts that must be times: of those that are none, the library's error does not say where they stand.
func durations(file string, n ast.Node) error {
	var failed error
	ast.Walk(visitor(func(n ast.Node) {
		pair, ok := n.(*ast.MappingValueNode)
		if !ok || failed != nil || !isDuration(reflect.TypeFor[Config](), pair.Key.GetToken().Value) {
			return
		}
		if s, ok := pair.Value.(*ast.StringNode); ok {
			if _, err := time.ParseDuration(s.Value); err != nil {
				failed = at(file, s.Token, fmt.Sprintf("%q is not %s", s.Value, describeType(reflect.TypeFor[time.Duration]())), "")
			}
		}
	}), n)
	return failed
}

// isDuration says whether a key wants a time, in whatever group it stands.
func isDuration(t reflect.Type, key string) bool {
	for _, field := range reflect.VisibleFields(t) {
		inner := field.Type
		if inner.Kind() == reflect.Slice {
			inner = inner.Elem()
		}
		switch {
		case inner == reflect.TypeFor[time.Duration]() && field.Tag.Get("yaml") == key,
			inner.Kind() == reflect.Struct && field.Tag.Get("yaml") != "" && isDuration(inner, key):
			return true
		}
	}
	return false
}

type visitor func(ast.Node)

func (v visitor) Visit(n ast.Node) ast.Visitor {
	v(n)
	return v
}

// at is a mistake at a token.
func at(file string, t *token.Token, problem, hint string) *ConfigError {
	e := &ConfigError{File: file, Problem: problem, Hint: hint}
	if t != nil && t.Position != nil {
		e.Line, e.Column = t.Position.Line, t.Position.Column
	}
	return e
}

// yamlError puts the library's error into ours, and names the nearest key for one that is unknown.
func yamlError(file string, err error) error {
	var y yaml.Error
	if !errors.As(err, &y) {
		return fmt.Errorf("%s: %w", file, err)
	}
	t, message, hint := y.GetToken(), y.GetMessage(), ""
	var unknown *yaml.UnknownFieldError
	if errors.As(err, &unknown) && t != nil {
		message = fmt.Sprintf("unknown key %q", t.Value)
		if near := nearest(t.Value, knownKeys(reflect.TypeFor[Config]())); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
			if near == t.Value {
				hint = fmt.Sprintf("it belongs %s", strings.Join(groups(reflect.TypeFor[Config](), near, "at the top of the file"), ", or "))
			}
		}
	}
	var wrong *yaml.TypeError
	if errors.As(err, &wrong) {
		message = fmt.Sprintf("this must be %s", describeType(wrong.DstType))
	}
	return at(file, t, message, hint)
}

// describeType says in words what a key wants.
func describeType(t reflect.Type) string {
	if t == reflect.TypeFor[time.Duration]() {
		return "a time like 15m or 2h"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	case reflect.Slice:
		return "a sequence: [a, b]"
	case reflect.Struct:
		return "a group of keys"
	}
	return "text"
}

// knownKeys are all keys of the configuration, at any depth.
func knownKeys(t reflect.Type) []string {
	var keys []string
	for key, inner := range keysOf(t) {
		keys = append(keys, key)
		if inner != nil {
			keys = append(keys, knownKeys(inner)...)
		}
	}
	return keys
}

// groups says in words in which groups a key stands.
func groups(t reflect.Type, key, here string) []string {
	var found []string
	for k, inner := range keysOf(t) {
		if k == key {
			found = append(found, here)
		}
		if inner != nil {
			found = append(found, groups(inner, key, "under "+k)...)
		}
	}
	return found
}

// keysOf gives the keys of a group, and of those that hold groups the type of these, or nil.
func keysOf(t reflect.Type) iter.Seq2[string, reflect.Type] {
	return func(yield func(string, reflect.Type) bool) {
		for _, field := range reflect.VisibleFields(t) {
			key, inner := field.Tag.Get("yaml"), field.Type
			if inner.Kind() == reflect.Slice {
				inner = inner.Elem()
			}
			if inner.Kind() != reflect.Struct {
				inner = nil
			}
			if key != "" && !yield(key, inner) {
				return
			}
		}
	}
}

// nearest is the candidate with the fewest edits to word, if that is at most a third of its letters, or two.
func nearest(word string, candidates []string) string {
	best, least := "", max(2, len(word)/3)+1
	for _, c := range candidates {
		if d := editDistance(word, c); d < least {
			best, least = c, d
		}
	}
	return best
}

// editDistance counts the letters to insert, delete or replace to make b of a (Levenshtein).
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		above := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := above
			if a[i] != b[j] {
				cost++
			}
			above = row[j+1]
			row[j+1] = min(cost, row[j]+1, above+1)
		}
	}
	return row[len(b)]
}
