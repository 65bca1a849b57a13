"""Tampering with what the records say: events, faces, flags, totals, reports, and the seal."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from forensics.evidence.dsse import canonical_json, sign
from forensics.evidence.signing import ENVELOPE, SIGNERS, STAMP
from tests.attacks.sealed import ATTACKERS, Target, fixed_key
from tests.attacks.tamper import PLAIN, Act, Attack, delete, replace, together

EVENTS, FACES, FRAMES = "log/events.jsonl", "faces.jsonl", "frames.jsonl"
HTML = "data/report/report.html"
Lines = Callable[[list[bytes]], list[bytes]]


def lines(name: str, change: Lines) -> Act:
    return replace(f"data/{name}", lambda raw: b"".join(change(raw.splitlines(keepends=True))))


def document(name: str, change: Callable[[dict[str, Any]], object]) -> Act:
    def act(raw: bytes) -> bytes:
        content = json.loads(raw)
        change(content)
        return json.dumps(content, ensure_ascii=False).encode()

    return replace(name, act)


def in_line(name: str, number: int, change: Callable[[dict[str, Any]], object]) -> Act:
    def edit(found: list[bytes]) -> list[bytes]:
        content = json.loads(found[number])
        change(content)
        found[number] = json.dumps(content, ensure_ascii=False).encode() + b"\n"
        return found

    return lines(name, edit)


def audit(change: Callable[[dict[str, Any]], object]) -> Act:
    return document("data/audit.json", change)


def events(target: Target) -> Iterator[Attack]:
    """A log that says something else, or nothing."""
    changes: dict[str, Lines] = {
        "emptied": lambda found: [],
        "first line dropped": lambda found: found[1:],
        "a middle line dropped": lambda found: found[:1] + found[2:],
        "seal event dropped": lambda found: found[:-1],
        "two lines swapped": lambda found: [found[1], found[0], *found[2:]],
        "reversed": lambda found: found[::-1],
        "a line twice": lambda found: [found[0], *found],
        "a time changed": lambda found: [found[0].replace(b"2", b"1", 9), *found[1:]],
        "a step renamed": lambda found: [found[0].replace(b'"start"', b'"begin"'), *found[1:]],
        "a foreign line": lambda found: [*found[:-1], b"{}\n", found[-1]],
    }
    for name, change in changes.items():
        words = ("events.jsonl", "hash", "seal event", "seq", "event")
        yield Attack("event log", name, lines(EVENTS, change), words)


def faces(target: Target) -> Iterator[Attack]:
    """Faces and frames left out, doubled or moved."""
    count = len((target.bundle / "data" / FACES).read_bytes().splitlines())

    def drop(number: int) -> Lines:
        return lambda found: found[:number] + found[number + 1 :]

    for number in range(count):
        words = ("counts", "faces.jsonl", "totals")
        yield Attack("dropped faces", f"face line {number + 1}", lines(FACES, drop(number)), words)
    for number in (0, 3, 5):
        words = ("frames.jsonl", "frame", "totals")
        act = lines(FRAMES, drop(number))
        yield Attack("dropped faces", f"frame line {number + 1}", act, words)
    doubled = lines(FACES, lambda found: [found[0], *found])
    yield Attack("dropped faces", "a face twice", doubled, ("faces.jsonl", "counts", "faces"))
    pair = together(lines(FACES, drop(2)), lines("faces.csv", drop(3)))
    yield Attack("dropped faces", "a face and its row", pair, ("faces.jsonl", "counts", "totals"))


def flags(target: Target) -> Iterator[Attack]:
    """Flags, bands and outcomes made harmless."""
    found = [json.loads(raw) for raw in (target.bundle / "data" / FACES).read_bytes().splitlines()]
    flagged = [number for number, face in enumerate(found) if face["flags"]]
    words = ("flag", "faces.jsonl", "band", "audit.json")
    for number in flagged[:5]:
        act = in_line(FACES, number, lambda face: face.update(flags=[]))
        yield Attack("dropped flags", f"flags of face line {number + 1}", act, words)
    for number in range(len(json.loads((target.bundle / "data/audit.json").read_bytes())["flags"])):
        act = audit(lambda d, n=number: d["flags"].pop(n))
        yield Attack("dropped flags", f"flag {number + 1} of the summary", act, words)
    yield Attack("dropped flags", "all of the summary", audit(lambda d: d.update(flags=[])), words)
    calm = audit(lambda d: d["people"][0]["risk"].update(band="no_sign"))
    yield Attack("dropped flags", "a person's band", calm, words)
    band = in_line(FACES, 2, lambda face: face["risk"].update(band="no_sign"))
    yield Attack("dropped flags", "a face's band", band, words)


def totals(target: Target) -> Iterator[Attack]:
    """Counts that were changed."""
    known = json.loads((target.bundle / "data/audit.json").read_bytes())["totals"]
    for name, value in known.items():
        act = audit(lambda d, n=name, v=value: d["totals"].update({n: v + 1}))
        yield Attack("changed totals", name, act, (name, "audit.json"))
    whole = audit(lambda d: d["run"].update(complete=True, exit_code=0, failures=[]))
    yield Attack("changed totals", "called complete", whole, ("complete", "audit.json"))


def reports(target: Target) -> Iterator[Attack]:
    """Reports with other words; re-made, only the signature or drawing them again tells."""
    for name, (old, new) in {
        "title": (b"drawn", b"genuine"),
        "a script": (b"</title>", b"</title><script>alert(1)</script>"),
        "a remote picture": (b"</title>", b"</title><img src='https://example.org/x.png'>"),
        "a comment": (b"</title>", b"</title><!-- checked -->"),
        "a space": (b"<title>", b"<title> "),
        "a style": (b"</title>", b"</title><style>.flags{display:none}</style>"),
        "a form": (b"</title>", b"</title><form action='https://example.org'></form>"),
        "another doctype": (b"<!doctype html>", b"<!DOCTYPE html>"),
    }.items():
        act = replace(HTML, lambda raw, o=old, n=new: raw.replace(o, n, 1))
        yield Attack("edited report", name, act, ("report.html",))
    other = replace(HTML, lambda raw: b"<!doctype html><title>another</title>\n")
    yield Attack("edited report", "replaced", other, ("report.html",))


def signatures(target: Target) -> Iterator[Attack]:
    """The seal itself: emptied, swapped, doubled, respelled, re-signed."""
    own = target.own_key

    def envelope(change: Callable[[dict[str, Any]], object]) -> Act:
        def act(raw: bytes) -> bytes:
            content = json.loads(raw)
            change(content)
            return canonical_json(content)

        return replace(ENVELOPE, act)

    def by_own_key(root: Path) -> None:
        import base64

        payload = base64.b64decode(json.loads((root / ENVELOPE).read_bytes())["payload"])
        (root / ENVELOPE).write_bytes(sign(payload, (own,)))

    foreign_stamp = replace(STAMP, lambda raw: (target.other / STAMP).read_bytes())
    foreign = replace(ENVELOPE, lambda raw: (target.other / ENVELOPE).read_bytes())
    entries: dict[str, tuple[Act, tuple[str, ...]]] = {
        "empty list": (envelope(lambda d: d.update(signatures=[])), ("bundle.dsse.json",)),
        "no list": (envelope(lambda d: d.pop("signatures")), ("bundle.dsse.json",)),
        "entry twice": (
            envelope(lambda d: d["signatures"].append(d["signatures"][0])),
            ("bundle.dsse.json",),
        ),
        "other key id": (
            envelope(lambda d: d["signatures"][0].update(keyid="0" * 64)),
            ("signer.pem", "bundle.dsse.json"),
        ),
        "other payload type": (
            envelope(lambda d: d.update(payloadType="text/plain")),
            ("bundle.dsse.json",),
        ),
        "other payload": (
            envelope(lambda d: d.update(payload="e30=")),
            ("signature", "bundle.dsse.json"),
        ),
        "indented": (
            replace(ENVELOPE, lambda raw: json.dumps(json.loads(raw), indent=1).encode()),
            ("bundle.dsse.json",),
        ),
        "a key twice": (
            replace(ENVELOPE, lambda raw: raw.replace(b"{", b'{"payloadType":"x",', 1)),
            ("bundle.dsse.json",),
        ),
        "of another bundle": (foreign, ("another bundle",)),
        "by another key": (by_own_key, ("signer.pem", "audit.json names")),
        "by another key, signer.pem too": (
            together(by_own_key, replace(SIGNERS, lambda raw: own.public_pem)),
            ("audit.json names",),
        ),
        "signer.pem of another": (
            replace(SIGNERS, lambda raw: fixed_key(9).public_pem),
            ("signer.pem",),
        ),
        "signer.pem with a remark": (
            replace(SIGNERS, lambda raw: b"# me\n" + raw),
            ("signer.pem",),
        ),
        "signer.pem with CRLF": (
            replace(SIGNERS, lambda raw: raw.replace(b"\n", b"\r\n")),
            ("signer.pem",),
        ),
        "taken away": (
            together(delete(ENVELOPE, SIGNERS, STAMP), lambda root: (root / "signatures").rmdir()),
            ("no signature is there",),
        ),
    }
    for name, (act, words) in entries.items():
        yield Attack("signature", name, act, words, ATTACKERS[:2])
    stamps: dict[str, tuple[Act, tuple[str, ...]]] = {
        "of another bundle": (foreign_stamp, ("time stamp",)),
        "emptied": (replace(STAMP, lambda raw: b""), ("time stamp",)),
        "cut": (replace(STAMP, lambda raw: raw[:-40]), ("time stamp",)),
        "appended bytes": (replace(STAMP, lambda raw: raw + b"\0"), ("time stamp",)),
        "text": (replace(STAMP, lambda raw: b"Thu Jan 1 1970\n"), ("time stamp",)),
        "another digest": (_other_imprint(target), ("time stamp",)),
        "another time": (_other_time(), ("time stamp",)),
        "without its signature": (delete(ENVELOPE, SIGNERS), ("bundle.dsse.json",)),
    }
    for name, (act, words) in stamps.items():
        yield Attack("time stamp", name, act, words, PLAIN)


def _other_imprint(target: Target) -> Act:
    """The token's own digest of the envelope, one bit changed."""
    import hashlib

    imprint = hashlib.sha256((target.bundle / ENVELOPE).read_bytes()).digest()
    other = bytes([imprint[0] ^ 1]) + imprint[1:]
    return replace(STAMP, lambda raw: raw.replace(imprint, other, 1))


def _other_time() -> Act:
    """The token's own year, one later."""

    def act(raw: bytes) -> bytes:
        at = raw.index(b"\x18\x0f20") + 4  # GeneralizedTime, 15 bytes: 20YY...
        year = int(raw[at : at + 2]) + 1
        return raw[:at] + b"%02d" % year + raw[at + 2 :]

    return replace(STAMP, act)


ALL = (events, faces, flags, totals, reports, signatures)
