"""Known answers, document: the tables of a run as text, and the page docs/known-answers.md."""

from __future__ import annotations

from collections.abc import Sequence

from tests.known_answers.footage import SIZES_PX
from tests.known_answers.kinds import KINDS
from tests.known_answers.open_misses import OPEN_MISSES, OPEN_NAMES
from tests.known_answers.real import EYES_PX
from tests.known_answers.sequences import SIZES_PX as TIMED_SIZES_PX
from tests.known_answers.sequences import TIMED_KINDS, TimedOutcome
from tests.known_answers.tally import Answer, recall, recall_table, wilson
from tests.known_answers.trial import Outcome

START, END = "<!-- tables -->", "<!-- end -->"


def table(outcome: Outcome) -> list[str]:
    """Kind and severity by eye distance, with a legend."""
    return [
        "seen/tried by eye distance in the footage; in brackets below the size gate, where nothing",
        "is asked; last: above the gate, any right answer (Wilson 95 %), and by the naming flag",
        *recall_table(outcome.answers, SIZES_PX),
        f"not made: {len(outcome.not_made)}",
    ]


def real_table(outcome: Outcome) -> list[str]:
    """The same on frames of recorded clips; nothing is asked of them, they are shown."""
    return recall_table(outcome.answers, (EYES_PX,))


def misses(answers: Sequence[Answer]) -> list[str]:
    """Every miss above the gate, by kind and size."""
    lines = []
    for kind in dict.fromkeys(a.kind for a in answers):
        lost = [a for a in answers if a.kind == kind and a.asked and not a.seen]
        lines += [a.what for a in lost]
    return lines or ["none"]


def timed_table(outcome: TimedOutcome) -> list[str]:
    """Edits over time, and what the untouched clips were flagged for."""
    return [
        *recall_table(outcome.answers, TIMED_SIZES_PX),
        f"untouched: {outcome.clean_clips} clips, {outcome.clean_s:.0f} s:"
        f" {len(outcome.false_flags)} flags {'; '.join(outcome.false_flags)}".rstrip(),
    ]


def false_flags(outcome: Outcome) -> list[str]:
    """Flags on untouched truths by code, with the faces."""
    flagged = {face for faces in outcome.false_flags.values() for face in faces}
    low, high = wilson(len(flagged), outcome.clean)
    lines = [
        f"{len(flagged)} of {outcome.clean} true faces carry a flag"
        f" ({100 * low:.1f} to {100 * high:.1f} %, Wilson 95 %)"
    ]
    lines += [f"{code}: {', '.join(faces)}" for code, faces in outcome.false_flags.items()]
    return lines


def kinds_table(outcome: Outcome) -> list[str]:
    """One line a kind: gate, recall above it, and whether it is an open miss."""
    rows = [["kind", "must be seen when", "seen", "named", "open"]]
    for kind in KINDS:
        asked = [a for a in outcome.answers if a.kind == kind.name and a.asked]
        named = recall(asked, named=True)
        open_ = [
            word
            for word, listed in (("seen", OPEN_MISSES), ("named", OPEN_NAMES))
            if kind.name in listed
        ]
        rows.append(
            [
                f"{kind.name} ({kind.unit})",
                kind.gate_words,
                str(recall(asked)),
                f"{named.hits}/{named.tries}" if kind.names else "no flag for it",
                " and ".join(open_) or "-",
            ]
        )
    return [_row(rows[0]), _row(["---"] * 5), *map(_row, rows[1:])]


def timed_kinds_table(outcome: TimedOutcome) -> list[str]:
    """One line a kind over time, as `kinds_table`."""
    rows = [["kind", "must be seen when", "seen", "flag", "open"]]
    for kind in TIMED_KINDS:
        found = recall(a for a in outcome.answers if a.kind == kind.name and a.asked)
        open_ = "seen" if kind.name in OPEN_MISSES else "-"
        rows.append(
            [f"{kind.name} ({kind.unit})", kind.gate_words, str(found), f"`{kind.flag}`", open_]
        )
    return [_row(rows[0]), _row(["---"] * 5), *map(_row, rows[1:])]


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


Section = tuple[str, list[str], bool]  # title, lines, whether they are Markdown already


def sections(still: Outcome, timed: TimedOutcome, real: Outcome | None) -> list[Section]:
    """Everything that a run found, in the order of the page."""
    found: list[Section] = [
        ("By kind", kinds_table(still), True),
        ("By severity and eye distance", table(still), False),
        ("Flags on untouched true faces", false_flags(still), False),
        ("By kind, over time", timed_kinds_table(timed), True),
        ("By severity, over time", timed_table(timed), False),
    ]
    if real is not None:
        found.append(("Recorded footage", [*real_table(real), *false_flags(real)], False))
    lost = [*misses(still.answers), *misses(timed.answers)]
    return [*found, ("Missed above the gate, every one", lost, False)]


def lines(still: Outcome, timed: TimedOutcome, real: Outcome | None) -> list[str]:
    """As plain text for a terminal."""
    out: list[str] = []
    for title, content, _ in sections(still, timed, real):
        out += ["", title, "-" * len(title), *content]
    return out


def page(text: str, still: Outcome, timed: TimedOutcome, real: Outcome | None) -> str:
    """The page with its tables renewed. Raises `ValueError` when it lacks the two marks."""
    head, start, rest = text.partition(START)
    _, end, tail = rest.partition(END)
    if not start or not end:
        raise ValueError(f"the page has no marks {START} and {END}")
    out: list[str] = []
    for title, content, markdown in sections(still, timed, real):
        # The mark tells the tests of the documents that this block is no command.
        fenced = content if markdown else ["<!-- test: output -->", "```", *content, "```"]
        out += ["", f"## {title}", "", *fenced]
    return head + START + "\n".join(["", *out, "", ""]) + END + tail
