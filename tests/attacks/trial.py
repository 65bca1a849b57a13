"""Trial: hands jobs to workers, restarts after one died, and judges what came out."""

from __future__ import annotations

import csv
import json
import os
import re
import socket
import subprocess
import sys
import unicodedata
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from forensics.evidence.verify import verify
from forensics.report.templating import SCRIPT, script
from tests.attacks.worker import Job, Outcome

ROOT = Path(__file__).resolve().parents[2]
_SCRIPT = re.compile(rb"<(?:script|iframe|object|embed|link|base|svg[^>]*onload)", re.I)
_DATA = re.compile(rb'<script type="application/json"(?: id="script-words")?>[^<]*</script>')
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def listen() -> socket.socket:
    """A socket on loopback that hostile inputs point to."""
    server = socket.create_server(("127.0.0.1", 0), backlog=128)
    server.set_inheritable(True)
    return server


def run_jobs(jobs: list[Job], folder: Path, server: socket.socket) -> dict[str, Outcome]:
    """Run every job; a worker that dies is replaced and its job's `Outcome.died` says how."""
    left, found = list(jobs), {}
    # A spool of its own, so that nothing else below the system's may be read unseen.
    spool = folder / "spool"
    spool.mkdir()
    turn = 0
    while left:
        turn += 1
        batch = folder / f"jobs{turn}.json"
        results = folder / f"results{turn}.jsonl"
        batch.write_text(json.dumps([asdict(job) for job in left]), encoding="utf-8")
        results.touch()
        done = subprocess.run(
            [sys.executable, "-m", "tests.attacks.worker", batch, results, str(server.fileno())],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1", "TMPDIR": str(spool)},
            pass_fds=[server.fileno()],
            capture_output=True,
            text=True,
            check=False,
        )
        begun = ""
        for line in results.read_text("utf-8").splitlines():
            entry = json.loads(line)
            if "end" in entry:
                found[entry["end"]["name"]] = Outcome(**entry["end"])
            else:
                begun = entry["start"]
        if begun and begun not in found:
            last = (done.stderr.strip().splitlines() or [""])[-1]
            found[begun] = Outcome(
                begun, None, "", "", 0, 0, [], [], [], [], f"exit {done.returncode}: {last}"
            )
        elif not begun:
            raise AssertionError(f"the worker did not start: {done.stderr[-2000:]}")
        left = [job for job in left if job.name not in found]
    return found


def crashes(outcome: Outcome) -> list[str]:
    """What a reader would call a crash: a death, a traceback, or an end without a message."""
    if outcome.died:
        return [f"the process died: {outcome.died}"]
    faults = []
    if "Traceback" in outcome.err:
        faults.append("traceback: " + outcome.err[-300:])
    if "internal error" in outcome.err:
        faults.append("internal error: " + outcome.err[-300:])
    if outcome.code not in {0, 1, 2, 3, 4, 5}:
        faults.append(f"exit {outcome.code}")
    if outcome.code and not outcome.err.strip():
        faults.append(f"exit {outcome.code} without a word")
    return faults


def leaks(outcome: Outcome) -> list[str]:
    """What was read, asked for or run beyond the job."""
    return [
        *(f"opened {path}" for path in outcome.files),
        *(f"asked the network: {what}" for what in outcome.network),
        *(f"started {what}" for what in outcome.processes),
        *(f"ran code: {what}" for what in outcome.ran_code),
        *(f"terminal: {c!r} reached the screen" for c in _raw_controls(outcome.err + outcome.out)),
    ]


def _raw_controls(text: str) -> list[str]:
    return sorted({c for c in text if unicodedata.category(c) in {"Cc", "Cf", "Cs"}} - {"\n"})


def bundle_leaks(bundle: Path, secrets: Iterable[bytes] = ()) -> list[str]:
    """What hostile content reached a bundle in a form that acts."""
    faults = []
    for path in sorted(bundle.rglob("*")):
        name = path.name
        if path.is_symlink():
            faults.append(f"{path} is a link")
        if any(unicodedata.category(c) in {"Cc", "Cf", "Cs"} for c in name) or name[0] in "-~":
            faults.append(f"the name {name!r}")
    for page in bundle.glob("data/report/*.html"):
        html = _without_ours(page.read_bytes())
        faults += [f"{page.name} holds {hit.group()!r}" for hit in _SCRIPT.finditer(html)]
        faults += [f"{page.name} holds {c!r}" for c in ("\x1b", "\u202e") if c in html.decode()]
    for table in bundle.glob("data/*.csv"):
        with table.open(encoding="utf-8", newline="") as stream:
            for row in csv.reader(stream):
                faults += [f"formula {cell!r}" for cell in row if _is_formula(cell)]
    for path in bundle.rglob("*"):
        if path.is_file():
            raw = path.read_bytes()
            faults += [f"{path.name} holds a secret" for secret in secrets if secret in raw]
    return faults


def _without_ours(html: bytes) -> bytes:
    """A report without its own script, whose text must be ours, and without its inert data.

    The page's policy runs no script but the one of that digest, so any other is a fault.
    """
    own = f"<script>{script(SCRIPT)}</script>".encode()
    return _DATA.sub(b"", html.replace(own, b"", 1))


def _is_formula(cell: str) -> bool:
    if not cell.startswith(_FORMULA):
        return False
    try:
        float(cell)
    except ValueError:
        return True
    return False


def bundle_faults(bundle: Path) -> list[str]:
    """What verify says against a bundle that a hostile input left."""
    result = verify(bundle)
    if result.exit_code in {0, 1}:
        return []
    return [f"{step.name}: {step.reason}" for step in result.steps if step.exit_code]
