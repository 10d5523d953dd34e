"""Verify every DKIM signature of a message, and that none is good any more when the message is tampered with.

verify.py MESSAGE ZONE: the message as a mailbox holds it, and a JSON object of TXT records by name. Prints what was verified.
"""

import json
import re
import sys

import dkim

message = re.sub(rb"\r?\n", b"\r\n", open(sys.argv[1], "rb").read())
zone = json.load(open(sys.argv[2]))


def lookup(name, timeout=5):
    return zone.get(name.decode().rstrip("."), "").encode()


def good(message, i):
    try:
        return dkim.DKIM(message).verify(idx=i, dnsfunc=lookup)
    except dkim.DKIMException:
        return False


head, body = message.split(b"\r\n\r\n", 1)
fields = re.split(rb"\r\n(?![ \t])", head)
names = [f.split(b":", 1)[0].strip().lower() for f in fields]
signatures = [f for f, n in zip(fields, names) if n == b"dkim-signature"]
failed = False
for i, signature in enumerate(signatures):
    tags = dict(re.sub(rb"\s", b"", t).split(b"=", 1) for t in signature.split(b":", 1)[1].split(b";") if t.strip())
    algorithm = tags[b"a"].decode()
    if not good(message, i):
        failed = True
        print(f"{algorithm}: the signature is not good")
    signed = [n.lower() for n in tags[b"h"].split(b":")]
    tampered = {"body": head + b"\r\n\r\n" + body.replace(b"e", b"x", 1), "body's end": message + b"more\r\n"}
    for name in sorted(set(signed)):
        word = name.decode()
        if name in names:
            at = max(k for k, n in enumerate(names) if n == name)
            changed, gone = list(fields), list(fields)
            changed[at] += b" x"
            del gone[at]
            tampered[f"{word} changed"] = b"\r\n".join(changed) + b"\r\n\r\n" + body
            tampered[f"{word} taken out"] = b"\r\n".join(gone) + b"\r\n\r\n" + body
        if signed.count(name) > names.count(name):
            tampered[f"{word} added"] = name + b": x\r\n" + message
    if "from added" not in tampered:
        failed = True
        print(f"{algorithm}: a second From can be added")
    for how, other in tampered.items():
        if good(other, i):
            failed = True
            print(f"{algorithm}: {how}, and the signature is still good")
    print(f"{algorithm}: good, and {len(tampered)} ways of tampering found out")
sys.exit(failed)
