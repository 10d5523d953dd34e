package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

const importConfig = `lists: [{id: a, source: list.md}]
digests: [{id: weekly, from: "Tools <tools@example.org>"}, {id: monthly, from: "Tools <tools@example.org>"}]
`

// oddPeople is a file in which a row in twenty is refused and others are about those of rows before them, batches apart.
func oddPeople(rows int) string {
	var b strings.Builder
	b.WriteString("address,digest,state,created,confirmed,ended,paused,suppressed,suppressed_at\n")
	for i := range rows {
		address := fmt.Sprintf("reader%d@example.org", i*7919%rows)
		const at = "2026-01-02T03:04:05Z"
		switch i % 40 {
		case 3:
			fmt.Fprintf(&b, "reader %d,weekly,,,,,,,\n", i)
		case 7:
			fmt.Fprintf(&b, "\"%s,weekly,,%s,%s,,,,\n", address, at, at)
		case 11:
			fmt.Fprintf(&b, "READER%d@Example.org,weekly,unsubscribed,%s,,%s,,,\n", i/2, at, at)
		case 17:
			fmt.Fprintf(&b, "reader%d@example.org,weekly,confirmed,%s,%s,,,,\n", i/3, at, at)
		case 19:
			fmt.Fprintf(&b, "reader%d@example.org,,,,,,,bounce,%s\n", i/4, at)
		case 23:
			fmt.Fprintf(&b, "%s,monthly,pending,%s,,,2027-01-01,,\n", address, at)
		default:
			fmt.Fprintf(&b, "%s,weekly,confirmed,%s,%s,,,,\n", address, at, at)
		}
	}
	return b.String()
}

// TestImportIsInterruptedWithoutHarm kills and interrupts imports of one file, again and again, until one comes to its end: what is
// stored is then what one import stores that nobody disturbs.
func TestImportIsInterruptedWithoutHarm(t *testing.T) {
	rows := 200_000
	if testing.Short() || raceDetector {
		rows = 50_000
	}
	file := oddPeople(rows)
	calm := install(t, importConfig)
	calm.write("people.csv", file)
	began := time.Now()
	out := calm.run("subscribers", "import", "people.csv", "--refused", "refused.csv")
	took := time.Since(began)
	want := calm.run("subscribers", "export")

	harmed := install(t, importConfig)
	harmed.write("people.csv", file)
	interrupts, reports := 0, 0
	for n := 0; n < 6; n++ {
		signal := syscall.Signal(syscall.SIGKILL)
		if n%2 == 1 {
			signal = syscall.SIGINT
		}
		report := fmt.Sprintf("refused%d.csv", n)
		cmd := harmed.linkletter("subscribers", "import", "people.csv", "--refused", report)
		var said bytes.Buffer
		cmd.Stdout, cmd.Stderr = &said, &said
		harmed.must(cmd.Start())
		timer := time.AfterFunc(time.Duration(harmed.rand.Int64N(int64(took)/2)), func() { cmd.Process.Signal(signal) })
		err := cmd.Wait()
		timer.Stop()
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			switch status := exit.Sys().(syscall.WaitStatus); {
			case status.Signaled():
				harmed.kills++
			case strings.Contains(said.String(), "the same command goes on"):
				interrupts++
			case signal != syscall.SIGINT: // else it was interrupted before it began
				t.Fatalf("run %d: %v\n%s", n, err, &said)
			}
		}
		if info, err := os.Stat(harmed.path(report)); err == nil && info.Size() > 0 {
			reports++
			if info.Mode().Perm() != 0o600 {
				t.Errorf("%s may be read by others: %v", report, info.Mode())
			}
		}
	}
	t.Logf("%s: %d kills, %d interruptions, %d reports", bytes.TrimSpace(out), harmed.kills, interrupts, reports)
	harmed.run("subscribers", "import", "people.csv", "--refused", "last.csv")
	if got := harmed.run("subscribers", "export"); !bytes.Equal(want, got) {
		t.Errorf("after %d kills and %d interruptions %d bytes are exported, and %d without any; they differ in\n%s", harmed.kills, interrupts, len(got), len(want), firstDifference(want, got))
	}
	again := harmed.run("subscribers", "import", "people.csv", "--refused", "again.csv")
	if !strings.Contains(string(again), " 0 added, 0 changed, ") {
		t.Errorf("the import once more: %s", again)
	}
}

func firstDifference(a, b []byte) string {
	x, y := bytes.Split(a, []byte("\n")), bytes.Split(b, []byte("\n"))
	for i := range min(len(x), len(y)) {
		if !bytes.Equal(x[i], y[i]) {
			return fmt.Sprintf("line %d:\n- %s\n+ %s", i+1, x[i], y[i])
		}
	}
	return "their length"
}

// TestImportEndsWhenItsReportCannotBeWritten, and what it read until then stays.
func TestImportEndsWhenItsReportCannotBeWritten(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full here")
	}
	i := install(t, importConfig)
	i.write("people.csv", "address,digest\nada@example.org,weekly\nnobody,weekly\n")
	out, err := i.linkletter("subscribers", "import", "people.csv", "--refused", "/dev/full").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "writing the refused rows: ") {
		t.Errorf("%v, %s; want that the refused rows cannot be written", err, out)
	}
}
