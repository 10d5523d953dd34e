package templates

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// firefox is a Firefox that is driven by its Marionette protocol
// (https://firefox-source-docs.mozilla.org/testing/marionette/Protocol.html), which needs no other program.
type firefox struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
	last int
}

// Firefox asks for nothing by itself, and what it asks for all the same comes no further than this machine.
const firefoxPrefs = `user_pref("marionette.port", 0);
user_pref("app.update.enabled", false);
user_pref("app.normandy.enabled", false);
user_pref("browser.safebrowsing.update.enabled", false);
user_pref("browser.startup.page", 0);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("network.proxy.type", 1);
user_pref("network.proxy.http", "127.0.0.1");
user_pref("network.proxy.http_port", 9);
user_pref("network.proxy.ssl", "127.0.0.1");
user_pref("network.proxy.ssl_port", 9);
user_pref("services.settings.server", "");
user_pref("toolkit.telemetry.server", "");
`

func startFirefox(t *testing.T) *firefox {
	t.Helper()
	profile := t.TempDir()
	if err := os.WriteFile(filepath.Join(profile, "user.js"), []byte(firefoxPrefs), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(need(t, "firefox-esr"), "--headless", "--no-remote", "--marionette", "--profile", profile)
	cmd.Env = append(os.Environ(), "HOME="+profile)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	var port []byte
	for deadline := time.Now().Add(time.Minute); len(port) == 0; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("Firefox did not say within a minute where it listens")
		}
		port, _ = os.ReadFile(filepath.Join(profile, "MarionetteActivePort")) // not there yet
	}
	conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strings.TrimSpace(string(port))))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	f := &firefox{t: t, conn: conn, r: bufio.NewReader(conn)}
	f.read() // its greeting
	f.do("WebDriver:NewSession", map[string]any{})
	return f
}

// do sends a command and gives its result.
func (f *firefox) do(command string, params map[string]any) json.RawMessage {
	f.t.Helper()
	f.last++
	b, err := json.Marshal([]any{0, f.last, command, params})
	if err != nil {
		f.t.Fatal(err)
	}
	if _, err := fmt.Fprintf(f.conn, "%d:%s", len(b), b); err != nil {
		f.t.Fatalf("telling Firefox %s: %v", command, err)
	}
	var answer [4]json.RawMessage // 1, number, error, result
	if err := json.Unmarshal(f.read(), &answer); err != nil {
		f.t.Fatal(err)
	}
	if string(answer[2]) != "null" {
		f.t.Fatalf("Firefox says to %s: %s", command, answer[2])
	}
	return answer[3]
}

// read takes in one message: its length, a colon, JSON.
func (f *firefox) read() []byte {
	f.t.Helper()
	var n int
	if _, err := fmt.Fscanf(f.r, "%d:", &n); err != nil {
		f.t.Fatalf("reading what Firefox says: %v", err)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(f.r, b); err != nil {
		f.t.Fatalf("reading what Firefox says: %v", err)
	}
	return b
}

// evaluate opens an address and gives what an expression is there, as JSON.
func (f *firefox) evaluate(address, script string) []byte {
	f.t.Helper()
	f.do("WebDriver:Navigate", map[string]any{"url": address})
	result := f.do("WebDriver:ExecuteScript", map[string]any{"script": "return JSON.stringify(" + script + ")", "args": []any{}})
	var value struct{ Value string }
	if err := json.Unmarshal(result, &value); err != nil {
		f.t.Fatalf("Firefox answers %s: %v", result, err)
	}
	return []byte(value.Value)
}
