"""Output: what the commands say. Results on stdout only with ``--json``; the rest on stderr."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Mapping
from typing import Any

from forensics.errors import ForensicsError


def visible(text: str) -> str:
    """Control and format characters as escapes, so that a file name cannot drive a terminal."""
    return "".join(
        c if c == "\n" or unicodedata.category(c) not in {"Cc", "Cf", "Cs"} else ascii(c)[1:-1]
        for c in text
    )


class Output:
    """Says things to a person on stderr, or one JSON document on stdout."""

    def __init__(self, as_json: bool = False, quiet: bool = False) -> None:
        self.as_json = as_json
        self.quiet = quiet

    def say(self, text: str) -> None:
        """One line for a person; nothing with ``--quiet``."""
        if not self.quiet:
            sys.stderr.write(visible(text) + "\n")

    def result(self, document: Mapping[str, Any], lines: list[str]) -> None:
        """The result: a document with ``--json``, otherwise lines (also with ``--quiet``)."""
        if self.as_json:
            json.dump(document, sys.stdout, ensure_ascii=False, indent=1, allow_nan=False)
            sys.stdout.write("\n")
        else:
            for line in lines:
                sys.stderr.write(visible(line) + "\n")


def report_error(error: ForensicsError, as_json: bool) -> None:
    """One message: what is wrong, with what, what to do."""
    sys.stderr.write(visible(f"forensics: {error.message}") + "\n")
    if error.hint:
        sys.stderr.write(visible(f"  {error.hint}") + "\n")
    if as_json:
        document = {
            "error": {
                "kind": type(error).__name__,
                "message": error.message,
                "hint": error.hint,
                "exit_code": error.exit_code,
            }
        }
        json.dump(document, sys.stdout, ensure_ascii=False, indent=1)
        sys.stdout.write("\n")
