"""Signals: being asked to end is like Ctrl-C: what was done stays, and can be resumed."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from forensics.errors import Interrupted

# A closed terminal and the end of a machine's run are no reason to lose work.
_ASKED_TO_END = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)
)


@contextmanager
def terminable() -> Iterator[None]:
    """Inside, these signals do what Ctrl-C does; ignored ones stay ignored (nohup).

    Raises `Interrupted` where nothing was begun that could be continued.
    """
    handlers = {number: signal.getsignal(number) for number in _ASKED_TO_END}
    before = {n: h for n, h in handlers.items() if h is not None and h is not signal.SIG_IGN}
    for number in before:
        signal.signal(number, _interrupt)
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted("interrupted", "Nothing had been written yet.") from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
