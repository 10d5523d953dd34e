package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// workflow is of a GitHub Actions workflow what the test runs or looks at.
type workflow struct {
	Env         map[string]string
	Permissions map[string]string
	Jobs        map[string]struct {
		Permissions map[string]string
		Steps       []struct {
			Uses, If, Run string
			With          map[string]any
			Env           map[string]string
		}
	}
}

// runner runs the shell commands of a CI job in the checkout of a list, as the job's service would.
type runner struct {
	t        *testing.T
	dir      string // the checkout
	temp     string // RUNNER_TEMP; output, path and issues stand in it
	settings map[string]string
}

// hub stands in for the service's own client: it keeps the issues it is told to make, and gives the newest one.
const hub = `#!/bin/sh
case "$1 $2" in
"issue list") cat "$RUNNER_TEMP/issue" 2>/dev/null ;;
"issue create") while [ "$1" != --body-file ]; do shift; done; cp "$2" "$RUNNER_TEMP/issue"; echo made >> "$RUNNER_TEMP/issues" ;;
"label create") ;;
*) echo "gh $*" >&2; exit 1 ;;
esac
true
`

func newRunner(t *testing.T) *runner {
	t.Helper()
	for _, tool := range []string{"git", "bash", "sed"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatalf("%s is needed in CI: %v", tool, err)
			}
			t.Skipf("skipped: %v", err)
		}
	}
	r := &runner{t: t, dir: t.TempDir(), temp: t.TempDir(), settings: map[string]string{}}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r.write(filepath.Join(r.temp, "tools", "gh"), hub)
	if err := os.Chmod(filepath.Join(r.temp, "tools", "gh"), 0o755); err != nil {
		t.Fatal(err)
	}
	// Under this name the test's own program is linkletter, see TestMain.
	for _, dir := range []string{filepath.Join(r.temp, "tools"), r.dir} {
		if err := os.Symlink(program, filepath.Join(dir, "linkletter")); err != nil {
			t.Skipf("skipped: %v", err)
		}
	}
	r.must("git init -q -b main . && git config user.name Ada && git config user.email ada@example.org")
	return r
}

func (r *runner) write(path, text string) {
	r.t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

func (r *runner) commit(list string) {
	r.t.Helper()
	r.write(filepath.Join(r.dir, "README.md"), list)
	r.must("git add README.md && git commit -qm 'Add'")
}

// shell runs a command, and gives what it printed and its exit status.
func (r *runner) shell(command string) (string, int) {
	r.t.Helper()
	cmd := exec.Command("bash", "-e", "-c", command)
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(), "RUNNER_TEMP="+r.temp, "GITHUB_OUTPUT="+filepath.Join(r.temp, "output"),
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull, "PATH="+filepath.Join(r.temp, "tools")+string(os.PathListSeparator)+os.Getenv("PATH"))
	for name, value := range r.settings {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		r.t.Fatalf("%s: %v", command, err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

func (r *runner) must(command string) {
	r.t.Helper()
	if out, code := r.shell(command); code != 0 {
		r.t.Fatalf("%s: exit status %d\n%s", command, code, out)
	}
}

// read is a file of the runner, empty where there is none.
func (r *runner) read(dir, name string) string {
	r.t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil && !os.IsNotExist(err) {
		r.t.Fatal(err)
	}
	return string(b)
}

func readYAML(t *testing.T, name string, into any) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "deploy", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(b, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// run runs the steps of a job that stand under no condition, but for the one that builds what is here already.
func (r *runner) run(w workflow, job string) (out string, code int) {
	r.t.Helper()
	for _, step := range w.Jobs[job].Steps {
		if step.Run == "" || step.If != "" || strings.HasPrefix(step.Run, "go build ") {
			continue
		}
		said, status := r.shell(step.Run)
		if out += said; status != 0 {
			return out, status
		}
	}
	return out, 0
}

// What the documentation tells a maintainer to copy does what it says, on a real repository.
func TestGitHubActions(t *testing.T) {
	var w workflow
	readYAML(t, "github-actions.yml", &w)
	r := newRunner(t)
	r.settings = w.Env
	r.commit("# Tools\n\n- [Anvil](https://anvil.example)\n")
	r.settings["BASE_URL"] = "https://ada.example/tools"

	if out, code := r.run(w, "feed"); code != 0 {
		t.Fatalf("the feed job ended with %d:\n%s", code, out)
	}
	if atom := r.read(r.dir, "public/atom.xml"); !strings.Contains(atom, `rel="self" type="application/atom+xml" href="https://ada.example/tools/atom.xml"`) ||
		!strings.Contains(atom, "<id>tag:ada.example,") || !strings.Contains(atom, ":links/") {
		t.Errorf("the feed:\n%s", atom)
	}
	if got := r.read(r.temp, "output"); got != "held=false\n" {
		t.Errorf("its output: %q", got)
	}

	// The digest: of the first revision nothing is new; each addition is in one issue.
	r.digest(w, 0, "")
	r.commit("# Tools\n\n- [Anvil](https://anvil.example)\n- [Bellows](https://bellows.example)\n")
	r.digest(w, 1, "Bellows")
	r.digest(w, 1, "Bellows")
	r.commit("# Tools\n\n- [Anvil](https://anvil.example)\n- [Bellows](https://bellows.example)\n- [Chisel](https://chisel.example)\n")
	r.digest(w, 2, "Chisel")
	if issue := r.read(r.temp, "issue"); strings.Contains(issue, "Bellows") {
		t.Errorf("an entry is in two issues:\n%s", issue)
	}

	// What is held stops the digest, but not the feed.
	var many bytes.Buffer
	many.WriteString("# Tools\n\n- [Anvil](https://anvil.example)\n- [Drill](https://drill.example)\n")
	for i := range 30 {
		fmt.Fprintf(&many, "- [Many %d](https://many%d.example)\n", i, i)
	}
	r.commit(many.String())
	if out, code := r.run(w, "feed"); code != 0 || !strings.Contains(out, "linkletter: held: ") {
		t.Errorf("the feed job with something held ended with %d:\n%s", code, out)
	}
	if got := r.read(r.temp, "output"); got != "held=false\nheld=true\n" {
		t.Errorf("its output: %q", got)
	}
	for _, step := range w.Jobs["feed"].Steps {
		if strings.Contains(step.If, "held") {
			if out, code := r.shell(step.Run); code != exitHeld || !strings.Contains(out, "to both linkletter commands, 'Write the feed' and 'Post the digest'") {
				t.Errorf("the step that says so ended with %d:\n%s", code, out)
			}
		}
	}
	if out, code := r.run(w, "digest"); code != exitHeld || r.read(r.temp, "issues") != "made\nmade\n" {
		t.Errorf("the digest job with something held ended with %d, want %d and no issue:\n%s", code, exitHeld, out)
	}
}

// A decision in both commands, as the job asks for, lets both go on.
func TestGitHubActionsWithADecision(t *testing.T) {
	var w workflow
	readYAML(t, "github-actions.yml", &w)
	r := newRunner(t)
	r.settings = w.Env
	r.commit("# Tools\n\n- [Anvil](https://anvil.example)\n")
	var many strings.Builder
	many.WriteString("# Tools\n\n- [Anvil](https://anvil.example)\n")
	for i := range 30 {
		fmt.Fprintf(&many, "- [Many %d](https://many%d.example)\n", i, i)
	}
	r.commit(many.String())
	r.settings["BASE_URL"] = "https://ada.example/tools"
	decided := strings.NewReplacer("linkletter feed ", "linkletter feed --dismiss $(git rev-parse HEAD) ",
		"linkletter digest preview ", "linkletter digest preview --dismiss $(git rev-parse HEAD) ")
	for _, job := range w.Jobs {
		for i := range job.Steps {
			job.Steps[i].Run = decided.Replace(job.Steps[i].Run)
		}
	}
	for _, job := range []string{"feed", "digest"} {
		if out, code := r.run(w, job); code != 0 {
			t.Errorf("the %s job ended with %d:\n%s", job, code, out)
		}
	}
	if got := r.read(r.temp, "output"); got != "held=false\n" {
		t.Errorf("the feed job's output: %q", got)
	}
}

// digest runs the digest's job: so many issues there are then, and the newest holds this.
func (r *runner) digest(w workflow, issues int, newest string) {
	r.t.Helper()
	if out, code := r.run(w, "digest"); code != 0 {
		r.t.Fatalf("the digest job ended with %d:\n%s", code, out)
	}
	if got := strings.Count(r.read(r.temp, "issues"), "made"); got != issues || !strings.Contains(r.read(r.temp, "issue"), newest) {
		r.t.Fatalf("%d issues, want %d and %q in the newest:\n%s", got, issues, newest, r.read(r.temp, "issue"))
	}
}

var pinned = regexp.MustCompile(`@[0-9a-f]{40}$`)

// The workflow has no right that it does not need, runs nothing that somebody could exchange under it, and puts no
// expression into a shell command.
func TestGitHubActionsIsCareful(t *testing.T) {
	var w workflow
	readYAML(t, "github-actions.yml", &w)
	if len(w.Permissions) > 0 || len(w.Jobs) != 2 {
		t.Errorf("every job may %v; there are %d jobs", w.Permissions, len(w.Jobs))
	}
	for name, job := range w.Jobs {
		rights := 0
		for right, how := range job.Permissions {
			if !slices.Contains([]string{"contents: read", "pages: write", "id-token: write", "issues: write"}, right+": "+how) {
				t.Errorf("job %s may %s %s", name, how, right)
			}
			rights++
		}
		if rights == 0 {
			t.Errorf("job %s says nothing of its rights", name)
		}
		if depth := job.Steps[0].With["fetch-depth"]; fmt.Sprint(depth) != "0" {
			t.Errorf("job %s checks out %v commits", name, depth)
		}
		for _, step := range job.Steps {
			if step.Uses != "" && !pinned.MatchString(step.Uses) {
				t.Errorf("job %s uses %s, which is not pinned", name, step.Uses)
			}
			if strings.HasPrefix(step.Uses, "actions/checkout@") && step.With["persist-credentials"] != false {
				t.Errorf("job %s leaves its credentials in the checkout", name)
			}
			if strings.Contains(step.Run, "${{") {
				t.Errorf("job %s puts an expression into a command:\n%s", name, step.Run)
			}
		}
	}
}

func TestGitLabCI(t *testing.T) {
	var w struct {
		Variables map[string]string
		Pages     struct {
			Script    []string
			Artifacts struct{ Paths []string }
		}
	}
	readYAML(t, "gitlab-ci.yml", &w)
	if w.Variables["GIT_DEPTH"] != "0" || !slices.Equal(w.Pages.Artifacts.Paths, []string{"public"}) {
		t.Errorf("depth %q, artifacts %v", w.Variables["GIT_DEPTH"], w.Pages.Artifacts.Paths)
	}
	r := newRunner(t)
	r.settings = w.Variables
	r.commit("# Tools\n\n- [Anvil](https://anvil.example)\n")
	r.settings["CI_PAGES_URL"] = "https://ada.example/tools"
	for _, command := range w.Pages.Script {
		if !strings.HasPrefix(command, "git clone ") && !strings.HasPrefix(command, "go build ") {
			r.must(command)
		}
	}
	if atom := r.read(r.dir, "public/atom.xml"); !strings.Contains(atom, "<title>Anvil</title>") {
		t.Errorf("the feed:\n%s", atom)
	}
}
