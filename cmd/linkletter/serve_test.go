package main

import (
	"database/sql"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What was missed while the program was down is done once at start, and in this order: the check first, so that the late
// issue holds what came meanwhile.
func TestServeCatchesUp(t *testing.T) {
	i := install(t, `
listen: 127.0.0.1:0
lists: [{id: tools, source: list.md, check: "@hourly"}]
digests: [{id: weekly, schedule: "@hourly", from: "Tools <tools@example.org>"}]
`)
	i.write("list.md", "- [Anvil](https://example.org/anvil) - Heavy.\n")
	i.run("check")
	i.run("subscribers", "add", "ada@example.org")
	// Down for three days, in which the list grew.
	const down = 72 * time.Hour
	i.query(func(db *sql.DB) error {
		_, err := db.Exec(`UPDATE list SET checked = checked - ?1; UPDATE digest SET ran = ran - ?1; UPDATE digest_list SET began = began - ?1`, int(down.Seconds()))
		return err
	})
	i.write("list.md", "- [Anvil](https://example.org/anvil) - Heavy.\n- [Bellows](https://example.org/bellows) - Loud.\n")

	cmd := i.linkletter("serve")
	i.must(cmd.Start())
	defer cmd.Process.Kill()
	var sent []string
	for end := time.Now().Add(20 * time.Second); len(sent) == 0 && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		sent = i.column(`SELECT i.number || ' ' || json_array_length(i.content, '$.Groups[0].Items') FROM issue i JOIN delivery d ON d.issue = i.id WHERE d.state = 'sent'`)
	}
	i.must(cmd.Process.Signal(syscall.SIGTERM))
	i.must(cmd.Wait())
	if got := strings.Join(sent, ", "); got != "1 1" {
		t.Errorf("issues sent, with their entries: %q; want one, with the entry that came meanwhile", got)
	}
	files, err := os.ReadDir(i.path("data/outbox"))
	if err != nil || len(files) != 1 {
		t.Errorf("%d messages, %v; want 1", len(files), err)
	}
}
