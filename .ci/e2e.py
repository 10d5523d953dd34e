#!/usr/bin/env python3
"""e2e.py BINARY SHARED: the main job, end to end, on the seed's real history.

Starts `linkletter serve` on revision 01, subscribes newsboat to the feed and an address to the digest (form, mailed link,
button), swaps in revisions 02 to 11, and counts: the feed gains exactly the expected entries, newsboat shows exactly that
many unread, one issue a period arrives at a real SMTP server with exactly those entries. Then it unsubscribes by POST and
sees that the next issue does not come, kills the program in the middle and sees that nothing is lost. Loopback only."""
import email, email.policy, glob, html, json, os, re, shutil, signal, socket, sqlite3, subprocess, sys, tempfile, time
import urllib.error, urllib.parse, urllib.request
from aiosmtpd.controller import Controller
import feedparser

BINARY, SHARED = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
SEED = os.path.join(SHARED, "seed", "history")
ADDRESS = "reader@example.org"
PERIOD = 5  # seconds between issues
PATIENCE = 40


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Mailbox:
    """Keeps what the SMTP server accepted."""
    def __init__(self):
        self.messages = []

    async def handle_DATA(self, server, session, envelope):
        self.messages.append((envelope.rcpt_tos, envelope.original_content))
        return "250 2.0.0 kept"

    def issues(self, address=ADDRESS):
        return [m for to, m in self.messages if to == [address] and b"\nList-Unsubscribe-Post:" in m]


def wait(what, condition, patience=PATIENCE):
    end = time.time() + patience
    while time.time() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.1)
    sys.exit(f"FAIL: waited {patience} s for {what}")


def check(what, got, want):
    if got != want:
        sys.exit(f"FAIL: {what}\n  got:  {got}\n  want: {want}")
    print(f"ok    {what}")


def http(url, data=None):
    with urllib.request.urlopen(urllib.request.Request(url, data=data), timeout=10) as r:
        return r.status, r.read().decode()


class Linkletter:
    def __init__(self, folder):
        self.folder = folder
        self.start()

    def start(self):
        self.process = subprocess.Popen([BINARY, "serve"], cwd=self.folder, stdout=subprocess.DEVNULL,
                                        stderr=open(os.path.join(self.folder, "log"), "a"))
        def up():
            if self.process.poll() is not None:
                sys.exit("FAIL: serve ended at start:\n" + open(os.path.join(self.folder, "log")).read())
            try:
                return http(BASE + "/healthz")[0] == 200
            except OSError:
                return False
        wait("the server to answer", up)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        check("SIGTERM stops it, with exit status 0", self.process.wait(timeout=PATIENCE), 0)


class Newsboat:
    def __init__(self, folder, feed):
        self.folder = folder
        os.mkdir(folder)
        for name, text in (("urls", feed + "\n"), ("config", "reload-threads 1\nerror-log /dev/null\n")):
            with open(os.path.join(folder, name), "w") as f:
                f.write(text)

    def run(self, command):
        f = lambda name: os.path.join(self.folder, name)
        return subprocess.run(["newsboat", "-u", f("urls"), "-C", f("config"), "-c", f("cache.db"), "-x", command],
                              capture_output=True, text=True, timeout=60, env={**os.environ, "HOME": self.folder}).stdout

    def unread(self):
        self.run("reload")
        return int(re.match(r"(\d+)", self.run("print-unread"))[1])

    def read_all(self):
        with sqlite3.connect(os.path.join(self.folder, "cache.db")) as db:
            db.execute("UPDATE rss_item SET unread = 0")


def feed_links():
    try:
        f = feedparser.parse(http(BASE + "/seed/atom.xml")[1])
    except urllib.error.HTTPError:
        return []  # not published yet
    if f.bozo:
        sys.exit(f"FAIL: feedparser complains: {f.bozo_exception}")
    return [e.link for e in f.entries]


def issue_links(message):
    m = email.message_from_bytes(message, policy=email.policy.default)
    page = m.get_body(("html",)).get_content()
    return {html.unescape(u) for u in re.findall(r'href="(https?://[^"]+)"', page)}


def main():
    global BASE
    work = tempfile.mkdtemp(prefix="linkletter-e2e-")
    web, smtp = free_port(), free_port()
    BASE = f"http://127.0.0.1:{web}"
    mailbox = Mailbox()
    server = Controller(mailbox, hostname="127.0.0.1", port=smtp)
    server.start()
    program = None
    try:
        list_file = os.path.join(work, "list.md")
        shutil.copy(os.path.join(SEED, "01.md"), list_file)
        with open(os.path.join(work, "config.yaml"), "w") as f:
            f.write(f"""base_url: {BASE}
listen: 127.0.0.1:{web}
tag: links.example.org
lists:
  - {{id: seed, title: The seed, source: list.md, check: "@every 1s"}}
digests:
  - {{id: news, title: News of the seed, lists: [seed], schedule: "@every {PERIOD}s", from: "Seed <seed@example.org>"}}
mail: {{smtp: "smtp://127.0.0.1:{smtp}", connections: 2}}
""")
        program = Linkletter(work)
        steps = {s["revision"]: s for s in json.load(open(os.path.join(SEED, "expected.json")))}
        known = {e["url"] for e in steps["01"]["added"]}
        wait("the first check", lambda: len(feed_links()) == len(known))
        check("the feed starts with the baseline", set(feed_links()), known)

        reader = Newsboat(os.path.join(work, "newsboat"), BASE + "/seed/atom.xml")
        check("newsboat finds the baseline on day one", reader.unread(), len(known))
        reader.read_all()

        status, page = http(BASE + "/-/subscribe", urllib.parse.urlencode({"address": ADDRESS, "digest": "news"}).encode())
        check("the sign-up form answers", status, 200)
        wait("the confirmation mail", lambda: mailbox.messages)
        to, raw = mailbox.messages.pop()
        check("the confirmation is for who asked", to, [ADDRESS])
        text = email.message_from_bytes(raw, policy=email.policy.default).get_body(("plain",)).get_content()
        link = re.search(re.escape(BASE) + r"/-/confirm/\S+", text)[0]
        http(link)  # a scanner looks; nothing happens
        listed = lambda: json.loads(subprocess.run([BINARY, "subscribers", "list", "--json"], cwd=work, capture_output=True, check=True).stdout)
        check("looking at the link confirms nothing", [s["state"] for s in listed()], ["pending"])
        http(link, b"")
        check("the button confirms", [s["state"] for s in listed()], ["confirmed"])

        news, issues = [], 0
        for revision in sorted(r for r in steps if r != "01"):
            expected = {e["url"] for e in steps[revision]["added"]}
            shutil.copy(os.path.join(SEED, revision + ".md"), list_file + ".new")
            os.replace(list_file + ".new", list_file)
            news += sorted(expected)
            if expected:
                wait(f"the news of revision {revision}", lambda: expected <= set(feed_links()))
                issues += 1
                wait(f"issue {issues}", lambda: len(mailbox.issues()) >= issues)
                links = issue_links(mailbox.issues()[-1])
                check(f"issue {issues} holds what revision {revision} adds", links & (known | set(news)), expected)
            else:
                time.sleep(PERIOD + 2)
            left = {u for s in steps.values() if s["revision"] <= revision for u in s["removed"]}
            check(f"revision {revision}: the feed's news is {len(news)} entries", set(feed_links()) - known, set(news) - left)
            check(f"revision {revision}: newsboat shows {len(expected)} unread", reader.unread(), len(expected))
            reader.read_all()
            check(f"revision {revision}: {issues} issues so far", len(mailbox.issues()), issues)

        files = []
        for n, m in enumerate(mailbox.issues()):
            files.append(os.path.join(work, f"{n}.eml"))
            open(files[-1], "wb").write(m)
        out = subprocess.run([sys.executable, os.path.join(SHARED, "tools", "mailcheck.py"), *files], capture_output=True, text=True)
        check("mailcheck.py on every issue" + (out.stdout if out.returncode else ""), out.returncode, 0)
        schema = os.path.join(SHARED, "data", "atom.rnc")
        for f in glob.glob(os.path.join(work, "data", "public", "**", "atom.xml"), recursive=True):
            out = subprocess.run(["jing", "-c", schema, f], capture_output=True, text=True)
            check(f"jing accepts {os.path.relpath(f, work)}" + out.stdout, out.returncode, 0)

        # Killed between remembering and mailing: nothing is lost, and nothing comes twice.
        add = lambda name: open(list_file, "a").write(f"\n- [{name}](https://example.org/{name}) - Added by the test.\n")
        add("first")
        wait("the entry in the feed", lambda: "https://example.org/first" in feed_links())
        program.kill()
        os.remove(os.path.join(work, "data", "public", "seed", "atom.xml"))
        time.sleep(PERIOD)  # an issue's time passes while it is down
        program.start()
        wait("the issue after the crash", lambda: len(mailbox.issues()) > issues)
        wait("the feed after the crash", lambda: "https://example.org/first" in feed_links())
        issues += 1
        time.sleep(PERIOD + 2)
        check("one issue after the crash, once", len(mailbox.issues()), issues)

        one_click = re.search(r"<(https?://[^>]+)>", email.message_from_bytes(mailbox.issues()[-1], policy=email.policy.default)["List-Unsubscribe"])[1]
        status, _ = http(one_click, b"List-Unsubscribe=One-Click")
        check("one click unsubscribes", (status, [s["state"] for s in listed()]), (200, ["unsubscribed"]))
        add("second")
        wait("the entry in the feed", lambda: "https://example.org/second" in feed_links())
        time.sleep(2 * PERIOD + 2)
        check("the next issue does not arrive", len(mailbox.issues()), issues)
        program.stop()

        # A smaller window, so that there is an archive.
        with open(os.path.join(work, "config.yaml"), "a") as f:
            f.write("window: 5\n")
        program.start()
        sections = lambda: sorted(glob.glob(os.path.join(work, "data", "public", "seed", "sections", "*", "atom.xml")))
        wait("the archive", lambda: os.path.exists(os.path.join(work, "data", "public", "seed", "archive", "1.xml")))
        section = os.path.relpath(sections()[0], os.path.join(work, "data", "public"))
        for name in ("seed/atom.xml", "seed/rss.xml", "seed/feed.json", "seed/archive/1.xml", "seed/archive/1.json", section, "atom.xml"):
            out = subprocess.run([sys.executable, os.path.join(SHARED, "tools", "httpcheck.py"), BASE + "/" + urllib.parse.quote(name)], capture_output=True, text=True)
            last = out.stdout.strip().splitlines()[-1].rpartition(": ")[2]
            check(f"httpcheck.py on {name}" + (out.stdout if last != "0 failed, 0 wanted" else ""), last, "0 failed, 0 wanted")
        program.stop()
        program = None
        print("1 passed, 0 failed")
    except BaseException:
        if os.path.exists(os.path.join(work, "log")):
            print("the program's log ends:\n" + "".join(open(os.path.join(work, "log")).readlines()[-30:]))
        raise
    finally:
        if program:
            program.process.kill()
        server.stop()
        shutil.rmtree(work, ignore_errors=True)


main()
