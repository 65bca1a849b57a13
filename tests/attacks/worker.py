"""Worker: runs the command on hostile inputs inside traps, in a process that may die of it.

``python -m tests.attacks.worker JOBS RESULTS``: one JSON line when a job starts, one when it ends,
so that the parent knows which job killed the process.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import json
import logging
import os
import resource
import signal
import socket
import struct
import sys
import time
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

ADDRESS_SPACE = 12 * 2**30
SLOWEST_S = 120


@dataclass
class Job:
    """One call of the command.

    ``readable`` are files and folders that it may open; ``bait`` are watched; ``marker`` is a file
    that only executed code makes.  ``engines``: null, nan or real.  ``embedded`` replaces the
    folder of embedded weights, ``most_bytes`` limits every written file.
    """

    name: str
    argv: list[str]
    cwd: str
    readable: list[str]
    engines: str = "null"
    bait: list[str] = field(default_factory=list)
    marker: str = ""
    embedded: str = ""
    models: str = ""
    most_bytes: int = 0
    plain_user: bool = False
    """Without root's right to write where the modes of files forbid it."""


@dataclass
class Outcome:
    """What a job did."""

    name: str
    code: int | None
    out: str
    err: str
    seconds: float
    peak_bytes: int
    files: list[str]
    network: list[str]
    processes: list[str]
    ran_code: list[str]
    died: str = ""


def run_job(job: Job, traps: Any) -> Outcome:
    """The command in this process, between the traps."""
    from forensics.cli import app

    hook, bait, canary = traps
    out, err = io.StringIO(), io.StringIO()
    code: int | None = None
    before = os.getcwd()
    os.chdir(job.cwd)
    sys.argv = ["forensics", *job.argv]
    own_settings = os.path.join(os.environ.get("XDG_CONFIG_HOME", ""), "forensics")
    # What decoding in the job before left behind must not count for this one.
    bait.touched()
    canary.knocks()
    began = time.monotonic()
    readable = [*job.readable, job.cwd, own_settings, os.environ.get("TMPDIR", "/tmp")]  # noqa: S108 - spools
    with (
        _engines(job),
        hook.on(readable) as caught,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            app.main()
            code = 0
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 1
    seconds = time.monotonic() - began
    os.chdir(before)
    logging.getLogger().handlers.clear()
    ran = list(caught.code)
    if job.marker and Path(job.marker).exists():
        ran.append("the marker file exists")
    return Outcome(
        name=job.name,
        code=code,
        out=out.getvalue(),
        err=err.getvalue(),
        seconds=round(seconds, 3),
        peak_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        files=sorted({*caught.files, *bait.touched()}),
        network=caught.network + ["knock"] * canary.knocks(),
        processes=caught.processes,
        ran_code=ran,
    )


@contextlib.contextmanager
def _engines(job: Job) -> Any:
    """Null engines, other weights and a file size limit, for one job."""
    import forensics.engines
    import forensics.models.load
    import forensics.run
    from tests.attacks.null_engines import null_engines

    real, folder = forensics.engines.load_engines, forensics.models.load.EMBEDDED
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    if job.engines != "real":
        fake = partial(null_engines, nan=job.engines == "nan")
        forensics.run.load_engines = fake  # type: ignore[assignment]  # same call
    if job.embedded:
        forensics.models.load.EMBEDDED = Path(job.embedded)
    if job.models:
        os.environ["FORENSICS_MODELS_DIR"] = job.models
    if job.most_bytes:
        resource.setrlimit(resource.RLIMIT_FSIZE, (job.most_bytes, hard))
    try:
        with _no_overrides() if job.plain_user else contextlib.nullcontext():
            yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        os.environ.pop("FORENSICS_MODELS_DIR", None)
        forensics.models.load.EMBEDDED = folder
        forensics.run.load_engines = real


@contextlib.contextmanager
def _no_overrides() -> Any:
    """Root's capabilities 1 and 2 (file modes do not bind) are laid down, then taken up again."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = struct.pack("Ii", 0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, this process
    before = ctypes.create_string_buffer(24)
    if libc.capget(header, before) != 0:
        raise OSError(ctypes.get_errno(), "capget")
    effective, *others = struct.unpack("6I", before.raw)
    if libc.capset(header, struct.pack("6I", effective & ~0b110, *others)) != 0:
        raise OSError(ctypes.get_errno(), "capset")
    try:
        yield
    finally:
        libc.capset(header, before.raw)


def _too_slow(number: int, frame: FrameType | None) -> None:
    os.write(2, b"a job took too long\n")
    os._exit(99)


def main(jobs_file: str, results_file: str, listening: str) -> None:
    from tests.attacks.traps import Bait, Canary, Hook

    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    signal.signal(signal.SIGALRM, _too_slow)
    jobs = [Job(**entry) for entry in json.loads(Path(jobs_file).read_text("utf-8"))]
    bait = Bait(sorted({path for job in jobs for path in job.bait}))
    canary = Canary(socket.socket(fileno=int(listening)))
    traps = (Hook(), bait, canary)
    import forensics.run  # noqa: F401 - loaded before the traps, as what it reads is no job's

    if any("pdf" in word for job in jobs for word in job.argv):
        # On its way in WeasyPrint asks the linker where Pango is, with fixed words.
        import weasyprint  # noqa: F401

    with Path(results_file).open("a", encoding="utf-8") as results:
        for job in jobs:
            results.write(json.dumps({"start": job.name}) + "\n")
            results.flush()
            signal.alarm(SLOWEST_S)
            outcome = run_job(job, traps)
            signal.alarm(0)
            results.write(json.dumps({"end": asdict(outcome)}) + "\n")
            results.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
