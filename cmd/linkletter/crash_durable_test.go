package main

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"linkletter/cmd/internal/mailer/smtptest"
)

// A killed process loses nothing that the kernel has, a computer without power does: so the kernel is watched. Between the
// last of a message's body and its dot, the database's log is written and has reached the disk, for every message.
func TestIntentIsOnDiskBeforeTheDot(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("strace is missing")
		}
		t.Skip("strace is missing: what reaches the disk is not seen")
	}
	const messages = 20
	server := smtptest.New(t)
	i := install(t, fmt.Sprintf(`
lists: [{id: tools, source: list.md, baseline: 0}]
digests: [{id: weekly, from: "Tools <tools@example.org>"}]
mail: {smtp: "smtp://%s", connections: 1}
`, server.Addr))
	i.write("list.md", toolList(1))
	i.run("check")
	addresses := []string{"subscribers", "add"}
	for n := range messages {
		addresses = append(addresses, fmt.Sprintf("s%d@example.net", n))
	}
	i.run(addresses...)
	i.write("list.md", toolList(2))
	i.run("check")

	cmd := i.linkletter("digest", "send")
	cmd.Args = append([]string{strace, "-f", "-y", "-qq", "-s", "16", "-o", "calls",
		"-e", "trace=fdatasync,fsync,sync_file_range,pwrite64,pwritev,write,writev,sendto,sendmsg"}, cmd.Args...)
	cmd.Path = strace
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%q: %v\n%s", cmd.Args, err, out)
	}
	if n := len(server.Journal()); n != messages {
		t.Fatalf("%d messages were accepted, want %d", n, messages)
	}
	calls, err := os.ReadFile(i.path("calls"))
	i.must(err)
	dots, early := intents(strings.Split(string(calls), "\n"))
	if dots != messages || len(early) > 0 {
		t.Errorf("%d dots were seen, want %d; before %d of them nothing reached the disk since the body:\n%s",
			dots, messages, len(early), strings.Join(early, "\n"))
	}
}

var (
	traced  = regexp.MustCompile(`^(\d+) +(\w+)\((\d+<[^>]*>)(.*)$`)
	resumed = regexp.MustCompile(`^(\d+) +<\.\.\. (\w+) resumed>`)
)

// intents reads the output of strace -f -y, and gives how many dots were written to sockets and those of them that went out
// before the log, written after what was written to that socket last, had reached the disk.
func intents(calls []string) (dots int, early []string) {
	written := 0                // the line of the last write to the log
	synced := 0                 // the write to the log up to which it is on disk
	syncing := map[string]int{} // by thread: the same, once its sync is done
	intent := map[string]int{}  // by socket: the first write to the log after the last of a body; 0: none yet
	for n, line := range calls {
		n++ // so that 0 is never
		if m := resumed.FindStringSubmatch(line); m != nil {
			if isSync(m[2]) {
				synced = max(synced, syncing[m[1]])
			}
			continue
		}
		m := traced.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		thread, call, file, rest := m[1], m[2], m[3], m[4]
		switch {
		case isSync(call) && strings.HasSuffix(file, ".db-wal>"):
			if strings.Contains(rest, "<unfinished") {
				syncing[thread] = written
			} else {
				synced = max(synced, written)
			}
		case isSync(call):
			delete(syncing, thread)
		case strings.HasSuffix(file, ".db-wal>"):
			written = n
			for socket, first := range intent {
				if first == 0 {
					intent[socket] = n
				}
			}
		case !strings.Contains(file, "<socket:") && !strings.Contains(file, "<TCP"):
		case strings.HasPrefix(rest, `, ".\r\n"`):
			dots++
			if first := intent[file]; first == 0 || synced < first {
				early = append(early, fmt.Sprintf("line %d: %s", n, line))
			}
		default:
			intent[file] = 0
		}
	}
	return dots, early
}

func isSync(call string) bool { return call == "fsync" || call == "fdatasync" }

// The reader of strace's output tells the orders apart.
func TestIntents(t *testing.T) {
	const body, wal, sync, dot = `7  write(13<socket:[2]>, "From: T"..., 679) = 679`,
		`8  pwrite64(8</x/linkletter.db-wal>, "\0\0"..., 24, 9) = 24`, `8  fsync(8</x/linkletter.db-wal>) = 0`, `7  write(13<socket:[2]>, ".\r\n", 3) = 3`
	const begun, done = `8  fdatasync(8</x/linkletter.db-wal> <unfinished ...>`, `8  <... fdatasync resumed>) = 0`
	tests := map[string]struct {
		calls []string
		early int
	}{
		"in order":                     {[]string{body, wal, sync, dot, body, wal, begun, done, dot}, 0},
		"no sync":                      {[]string{body, wal, sync, dot, body, wal, dot}, 1},
		"the sync of an older write":   {[]string{wal, body, sync, dot}, 1},
		"a write after the sync began": {[]string{wal, begun, body, wal, done, dot}, 1},
		"a sync that goes on":          {[]string{body, wal, begun, dot, done}, 1},
		"a sync that failed to come":   {[]string{body, dot}, 1},
		"the sync of another file":     {[]string{body, wal, `8  fsync(9</x/linkletter.db>) = 0`, dot}, 1},
		"another connection":           {[]string{body, wal, sync, `7  write(14<TCP:[1->2]>, "MAIL"..., 62) = 62`, dot}, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dots, early := intents(tt.calls)
			if want := strings.Count(strings.Join(tt.calls, "\n"), `".\r\n"`); dots != want || len(early) != tt.early {
				t.Errorf("%d dots and %d too early %q, want %d and %d, of\n%s", dots, len(early), early, want, tt.early, strings.Join(tt.calls, "\n"))
			}
		})
	}
}
