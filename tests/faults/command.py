"""Command: ``python -m tests.faults.command PLAN`` runs an audit with stub networks and one fault.

The plan is JSON: ``argv`` for the command, ``fault``, and ``at``: the number of the face, or of the
call, at which it strikes.  Everything but the networks is what a user runs.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from typing import Any

from tests.faults.audits import Drawing, counted, stubs


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _end() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def _full() -> None:
    """From now on no file may grow beyond 4 KiB, as if the disk were full."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))


AT_FACE: dict[str, Callable[[], None]] = {
    "kill at a face": _kill,
    "terminate at a face": _end,
    "full disk at a face": _full,
}
AT_CALL: dict[str, tuple[str, Callable[[], None]]] = {
    "kill while following": ("forensics.media.cuts.CutMeter.add", _kill),
    "kill at a picture": ("forensics.bundle_sink.BundleSink.picture", _kill),
    "kill at a line": ("forensics.bundle_sink.BundleSink.face", _kill),
    "kill at a frame": ("forensics.media.video_writer.VideoWriter.write", _kill),
    "kill at the end of the clip": ("forensics.media.video_writer.VideoWriter.close", _kill),
    "kill while sealing": ("forensics.evidence.bundle.write_bag", _kill),
    "kill while resuming": ("forensics.evidence.bundle.shutil.rmtree", _kill),
    "terminate while probing": ("forensics.media.apart.asking.Apart.video", _end),
}


def main(plan: dict[str, Any]) -> None:
    """Put the stubs and the fault in place, then run the command."""
    from forensics.cli import app

    fault, at = plan.get("fault", ""), plan.get("at", 0)

    def strike(number: int) -> None:
        if number == at and fault in AT_FACE:
            AT_FACE[fault]()

    drawing = Drawing(strike)
    with stubs(drawing) as patch:
        if fault in AT_CALL:
            name, act = AT_CALL[fault]
            counted(patch, name, at, act)
        sys.argv = ["forensics", *plan["argv"]]
        try:
            app.main()
        finally:
            sys.stderr.write(f"drawn: {drawing.faces}\n")


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
