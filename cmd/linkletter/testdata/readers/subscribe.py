"""subscribe.py STATE: follows feeds as a program does that is made with feedparser.

Every line of standard input is a JSON object, {"base": ADDRESS, "feeds": [NAME…]}, and is one reload of the feeds, which
stand below the address. Each is asked for with the validators that its last answer gave, and answered with one line: a
JSON array of what became of each feed. Ids that were seen and validators are kept in the file STATE."""
import json
import os
import sys

import feedparser


def article(entry):
    content = [c.value for c in entry.get("content", [])]
    return {
        "ID": entry.id,
        "Link": entry.get("link", ""),
        "Links": [link.href for link in entry.get("links", [])],
        "Content": "".join(content + [entry.get("summary", "")]),
    }


def reload(base, name, kept):
    address = base + name
    have = kept["validators"].get(address, {})
    # What is relative stays so: whoever reads the entry would resolve it against something else.
    d = feedparser.parse(address, etag=have.get("etag"), modified=have.get("modified"), resolve_relative_uris=False)
    shown = [article(e) for e in d.entries]
    unread = [a["ID"] for a in shown if a["ID"] not in kept["seen"]]
    kept["seen"] += unread
    if d.get("status") in (200, 226):
        kept["validators"][address] = {"etag": d.get("etag"), "modified": d.get("modified")}
    return {
        "Feed": name,
        "Status": d.get("status", 0),
        "Complaint": str(d.get("bozo_exception", "it is not well-formed")) if d.bozo else "",
        "Shown": shown,
        "Unread": unread,
    }


def main():
    for line in sys.stdin:
        asked, state = json.loads(line), {}
        if os.path.exists(sys.argv[1]):
            with open(sys.argv[1]) as f:
                state = json.load(f)
        answer = [reload(asked["base"], name, state.setdefault(name, {"seen": [], "validators": {}})) for name in asked["feeds"]]
        with open(sys.argv[1], "w") as f:
            json.dump(state, f)
        print(json.dumps(answer), flush=True)


main()
