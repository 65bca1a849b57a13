"""Known answers as a program: prints every table; ``python -m tests.known_answers``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.known_answers import document
from tests.known_answers.footage import film_all
from tests.known_answers.judge import shipped_judge
from tests.known_answers.real import film_real
from tests.known_answers.sequences import film_clips, run_clips
from tests.known_answers.trial import run
from tests.known_answers.truths import public_truths, shared_truths

MANY = 12


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--people", type=int, default=MANY, help="0: the public truths alone")
    args = parser.parse_args()
    truths = public_truths() + (shared_truths(args.data, args.people) if args.people else ())
    outcome = run(film_all(truths), shipped_judge())
    timed = run_clips(film_clips(truths[:6]))
    _say("Severity by eye distance", document.table(outcome))
    _say("By kind", document.kinds_table(outcome))
    _say("Flags on untouched true faces", document.false_flags(outcome))
    _say("Missed above the gate", document.misses(outcome.answers))
    _say("Over time", document.timed_table(timed))
    _say("Over time, by kind", document.timed_kinds_table(timed))
    _say("Over time, missed above the gate", document.misses(timed.answers))
    if args.people:
        real = run(film_real(args.data), shipped_judge())
        _say("Recorded footage", document.real_table(real))
        _say("Flags on untouched recorded faces", document.false_flags(real))


def _say(title: str, lines: Sequence[str]) -> None:
    sys.stdout.write("\n".join(["", title, "-" * len(title), *lines, ""]))


if __name__ == "__main__":
    main()
