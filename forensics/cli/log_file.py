"""Log file: what a run said and logged, one JSON line each, for whoever looks for a cause later."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from forensics.cli.output import Output
from forensics.errors import UsageError

SAID = logging.getLogger("forensics.said")
"""For sentences that the screen shows anyway; they go to the file alone."""
SAID.propagate = False


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, object] = {
            "utc": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=True)


def aloud(output: Output) -> Callable[[str], None]:
    """What says a sentence on the screen and to the log file."""

    def say(words: str) -> None:
        SAID.info("%s", words)
        output.say(words)

    return say


@contextmanager
def logged(path: Path | None) -> Iterator[None]:
    """Append everything that this tool logs to ``path``; what is shown stays as it is.

    Raises `UsageError` when the file cannot be written.
    """
    if path is None:
        yield
        return
    try:
        handler = logging.FileHandler(path, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"--log-file: cannot write to {str(path)!r}: {error.strerror}", "Choose another file."
        ) from error
    handler.setFormatter(_Lines())
    tool = logging.getLogger("forensics")
    shown, root = tool.getEffectiveLevel(), logging.getLogger()
    before = tool.level
    quieted = [(other, other.level) for other in root.handlers]
    for other, level in quieted:  # more goes to the file, not to the screen
        other.setLevel(max(level, shown))
    for logger in (tool, SAID):
        logger.addHandler(handler)
    tool.setLevel(logging.DEBUG)
    try:
        yield
    except BaseException as error:
        tool.error("the run ended: %s", error, exc_info=error)
        raise
    finally:
        tool.setLevel(before)
        for logger in (tool, SAID):
            logger.removeHandler(handler)
        handler.close()
        for other, level in quieted:
            other.setLevel(level)
