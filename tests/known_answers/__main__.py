"""Known answers as a program: prints every table; ``python -m tests.known_answers``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.known_answers import document
from tests.known_answers.footage import film_all
from tests.known_answers.judge import shipped_judge
from tests.known_answers.real import film_real
from tests.known_answers.sequences import film_clips, run_clips
from tests.known_answers.trial import run
from tests.known_answers.truths import public_truths, shared_truths

MANY, TIMED = 12, 6  # people of the shared portraits; truths that move


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--people", type=int, default=MANY, help="0: the public truths alone")
    parser.add_argument("--write", type=Path, help="the page whose tables to renew")
    args = parser.parse_args()
    truths = public_truths() + (shared_truths(args.data, args.people) if args.people else ())
    judge = shipped_judge()
    still = run(film_all(truths), judge)
    timed = run_clips(film_clips(truths[:TIMED]))
    real = run(film_real(args.data), judge) if args.people else None
    sys.stdout.write("\n".join(document.lines(still, timed, real)) + "\n")
    if args.write:
        page = args.write.read_text("utf-8")
        args.write.write_text(document.page(page, still, timed, real), "utf-8")


if __name__ == "__main__":
    main()
