package main

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// front is a web server in front of the program, as a snippet in deploy/ sets it up.
type front struct {
	name    string
	snippet string
	codings []string // those it sends, best first
	fails   int      // how many points of the conformance check it fails, see below
	// site makes a whole configuration of the snippet: what stands under a path instead of on a host of its own, and what
	// is for those with no program behind.
	site func(f *fronted, snippet string, under, alone bool) string
	// start gives the command, with the configuration's file.
	start func(f *fronted, config string) *exec.Cmd
}

var fronts = []front{
	{
		name: "nginx", snippet: "nginx.conf", codings: []string{"br", "gzip"},
		// Of a request with both If-None-Match and If-Modified-Since it believes neither unless both hold (RFC 9110, 13.1.3,
		// wants the first alone). Readers send what belongs together.
		fails: 1,
		site: func(f *fronted, s string, under, alone bool) string {
			s = regexp.MustCompile(`(?m)^\s*(ssl_.*|listen \[::\].*)\n`).ReplaceAllString(s, "")
			s = f.replace(s, "listen 443 ssl;", "listen "+f.addr+";")
			if under { // once as it is, and once with what is optional
				s = f.replace(s, "location / {", "location / { return 200 another; }\nlocation = /links { return 301 /links/; }\nlocation /links/ {")
			} else {
				s = f.replace(s, "# brotli_static", "brotli_static")
			}
			if alone {
				s = f.replace(s, "${uri}index.html @linkletter", "${uri}index.html =404")
				s = regexp.MustCompile(`(?s)\n\s*error_page[^\n]*|location @linkletter \{.*?\}`).ReplaceAllString(s, "")
			}
			temp := ""
			for i, what := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
				temp += fmt.Sprintf("%s_temp_path %s/%d;\n", what, f.dir, i)
			}
			return fmt.Sprintf(`load_module /usr/lib/nginx/modules/ngx_http_brotli_static_module.so;
daemon off; master_process off; pid %[1]s/nginx.pid; error_log %[1]s/log; events {}
http { access_log off; include /etc/nginx/mime.types; default_type application/octet-stream; gzip on; %[2]s %[3]s }`, f.dir, temp, s)
		},
		start: func(f *fronted, config string) *exec.Cmd {
			return exec.Command(f.tool("nginx", "/usr/lib/nginx/modules/ngx_http_brotli_static_module.so"), "-e", "stderr", "-c", config)
		},
	},
	{
		name: "Caddy", snippet: "Caddyfile", codings: []string{"br", "zstd", "gzip"},
		site: func(f *fronted, s string, under, alone bool) string {
			if under {
				s = regexp.MustCompile(`(?s)\nlinks\.example\.org \{.*?\n\}`).ReplaceAllString(s, "")
				s = regexp.MustCompile(`(?m)^#(\S*example\.org \{|\t.*|\})$`).ReplaceAllString(s, "$1")
				s = f.replace(s, "\nexample.org {", "\nhttp://"+f.addr+" {\nrespond another")
			} else {
				s = f.replace(s, "\nlinks.example.org {", "\nhttp://"+f.addr+" {")
			}
			if alone {
				s = regexp.MustCompile(`(?s)rewrite \* \{http\.request\.orig_uri\}\n\s*reverse_proxy [^\n]*`).ReplaceAllString(s, "respond 404")
			}
			return "{\n\tadmin off\n\tauto_https off\n\tdefault_bind 127.0.0.1\n}\n" + s
		},
		start: func(f *fronted, config string) *exec.Cmd {
			cmd := exec.Command(f.tool("caddy"), "run", "--adapter", "caddyfile", "--config", config)
			cmd.Env = append(os.Environ(), "HOME="+f.dir, "XDG_DATA_HOME="+f.dir, "XDG_CONFIG_HOME="+f.dir)
			return cmd
		},
	},
	{
		name: "Apache", snippet: "apache.conf", codings: []string{"br", "zstd", "gzip"},
		site: func(f *fronted, s string, under, alone bool) string {
			s = regexp.MustCompile(`(?m)^\s*SSL.*\n`).ReplaceAllString(s, "")
			s = f.replace(s, "*:443", f.addr)
			if under {
				alias := regexp.MustCompile(`(?m)^#   ((RedirectMatch|Alias) .*)$`)
				var lines []string
				for _, m := range alias.FindAllStringSubmatch(s, -1) {
					lines = append(lines, m[1])
				}
				f.write("site/index.html", "another")
				s = regexp.MustCompile(`DocumentRoot .*`).ReplaceAllString(s, "DocumentRoot "+f.path("site")+"\n"+strings.Join(lines, "\n"))
				s = strings.Replace(s, "</VirtualHost>", "<Directory "+f.path("site")+">\nRequire all granted\n</Directory>\n</VirtualHost>", 1)
			}
			if alone {
				s = regexp.MustCompile(`.*\n.*\n.*\[P,END\]\n`).ReplaceAllString(s, "")
			}
			modules := ""
			for _, m := range []string{"mpm_event", "authz_core", "mime", "dir", "env", "alias", "headers", "rewrite", "proxy", "proxy_http", "deflate", "filter"} {
				modules += fmt.Sprintf("LoadModule %s_module /usr/lib/apache2/modules/mod_%s.so\n", m, m)
			}
			return fmt.Sprintf("%sServerRoot %[2]s\nDefaultRuntimeDir %[2]s\nPidFile %[2]s/pid\nErrorLog %[2]s/log\nServerName 127.0.0.1\nListen %[3]s\nUser nobody\nGroup nogroup\n"+
				"TypesConfig /etc/mime.types\nAddOutputFilterByType DEFLATE text/html text/plain application/xml\n%[4]s", modules, f.dir, f.addr, s)
		},
		start: func(f *fronted, config string) *exec.Cmd {
			return exec.Command(f.tool("apache2", "/etc/mime.types"), "-d", f.dir, "-f", config, "-D", "FOREGROUND")
		},
	},
}

// fronted is an installation with a web server in front.
type fronted struct {
	*installation
	front
	addr    string                  // of the web server
	program string                  // address of the program
	base    string                  // public address
	clients map[string]*http.Client // by their addresses
}

// tool finds a program of Debian, which may need files that other packages bring.
func (i *installation) tool(name string, needs ...string) string {
	i.Helper()
	found, err := exec.LookPath(name)
	if err != nil {
		found, err = exec.LookPath("/usr/sbin/" + name)
	}
	for _, file := range needs {
		if err == nil {
			_, err = os.Stat(file)
		}
	}
	if err != nil {
		if os.Getenv("CI") == "true" {
			i.Fatalf("%s is needed in CI: %v", name, err)
		}
		i.Skipf("skipped: %v", err)
	}
	return found
}

// replace exchanges a part of the snippet that has to be there.
func (f *fronted) replace(s, old, new string) string {
	f.Helper()
	if !strings.Contains(s, old) {
		f.Fatalf("deploy/%s holds no %q any more", f.snippet, old)
	}
	return strings.ReplaceAll(s, old, new)
}

// freeAddress is one on which nothing listens, below those that the system gives to connections: none of these takes it
// before a server does.
func freeAddress(t *testing.T) string {
	t.Helper()
	for range 100 {
		address := fmt.Sprintf("127.0.0.1:%d", 10000+rand.IntN(20000))
		if l, err := net.Listen("tcp", address); err == nil {
			l.Close()
			return address
		}
	}
	t.Fatal("no port is free")
	return ""
}

// frontWindow is how many entries the feeds hold; older ones are in archives.
const frontWindow = 5

// ironTools is a list of so many entries.
func ironTools(n int) string {
	var b strings.Builder
	b.WriteString("# Tools\n\n## Iron\n\n")
	for i := range n {
		fmt.Fprintf(&b, "- [Tool %d](https://example.org/tools/%d) - The tool number %d, of good iron.\n", i, i, i)
	}
	return b.String()
}

// newFronted starts the program, and the web server in front of it.
func newFronted(t *testing.T, kind front, under, alone bool) *fronted {
	f := &fronted{installation: &installation{T: t, dir: t.TempDir()}, front: kind, addr: freeAddress(t), program: freeAddress(t), clients: map[string]*http.Client{}}
	f.base = "http://" + f.addr
	if under {
		f.base += "/links"
	}
	f.must(os.Chmod(filepath.Dir(f.dir), 0o755)) // the web server may run as somebody else
	f.write("config.yaml", fmt.Sprintf(`
base_url: %s
listen: %s
serve: %v
trusted_proxies: [127.0.0.1]
tag: example.org
signup: {per_client: 1}
window: %d
lists: [{id: tools, source: list.md, formerly: [implements], feeds: {changes: true}}]
digests: %s
`, f.base, f.program, !alone, frontWindow, map[bool]string{false: `[{id: weekly, from: "Tools <tools@example.org>"}]`, true: "[]"}[alone]))
	f.must(os.MkdirAll(f.path("site"), 0o755))
	snippet, err := os.ReadFile(filepath.Join("..", "..", "deploy", f.snippet))
	f.must(err)
	text := f.replace(string(snippet), "/var/lib/linkletter/public", f.path("data/public"))
	text = f.replace(text, "127.0.0.1:8080", f.program)
	f.write("front.conf", f.site(f, text, under, alone))
	cmd := f.start(f, f.path("front.conf"))
	for _, n := range []int{2, 12} {
		f.write("list.md", ironTools(n))
		f.run("check")
	}
	if !alone {
		f.serves()
	}
	f.background(cmd)
	f.answers(f.base + "/atom.xml")
	if !alone {
		f.answers("http://" + f.program + "/healthz")
	}
	return f
}

// background runs a web server until the test ends.
func (f *fronted) background(cmd *exec.Cmd) {
	f.Helper()
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	f.must(cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	f.Cleanup(func() {
		f.must(ignoreFinished(cmd.Process.Signal(syscall.SIGTERM))) // Apache's children end with it
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			cmd.Process.Kill()
			<-ended
		}
		if f.Failed() {
			log, _ := os.ReadFile(f.path("log"))
			f.Logf("%s said:\n%s%s", f.name, &said, log)
		}
	})
}

// answers waits until there is something at an address.
func (f *fronted) answers(address string) {
	f.Helper()
	var last string
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		res, err := http.Get(address)
		if err != nil {
			last = err.Error()
			continue
		}
		res.Body.Close()
		if last = res.Status; res.StatusCode == http.StatusOK {
			return
		}
	}
	log, _ := os.ReadFile(f.path("log"))
	f.Fatalf("%s never answered; the last was: %s\n%s", address, last, log)
}

// reply is an answer as it came over the wire.
type reply struct {
	*http.Response
	body string
}

// ask makes a request as it is: nothing is decoded or followed. Headers are "Name: value".
func (f *fronted) ask(method, address, body string, header ...string) reply {
	f.Helper()
	req, err := http.NewRequestWithContext(f.Context(), method, address, strings.NewReader(body))
	f.must(err)
	from := "127.0.0.1"
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		if name == "From" { // the address of the client
			from = value
			continue
		}
		req.Header.Set(name, value)
	}
	res, err := f.client(from).Do(req)
	f.must(err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	f.must(err)
	return reply{res, string(b)}
}

// client is one at an address of this machine. It decodes and follows nothing.
func (f *fronted) client(from string) *http.Client {
	if f.clients[from] == nil {
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
		transport := &http.Transport{DisableCompression: true, DialContext: dialer.DialContext}
		f.Cleanup(transport.CloseIdleConnections)
		f.clients[from] = &http.Client{Transport: transport, Timeout: 20 * time.Second,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	return f.clients[from]
}

func (f *fronted) get(path string, header ...string) reply {
	f.Helper()
	return f.ask(http.MethodGet, f.base+path, "", header...)
}
