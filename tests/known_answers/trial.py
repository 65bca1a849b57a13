"""Known answers, trial: edit every filmed truth, ask the judge, and keep what was seen.

An edit is made once and held against all footage of its truth; a face is asked only what its edit
should move.  Seeded throughout: the same answers on every run of one set of library versions.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from forensics.scoring.mismatch import PAIR_LIKENESS
from tests.known_answers.footage import Filmed
from tests.known_answers.judge import ALL_MEASURES, Facts, Judge
from tests.known_answers.kinds import KINDS, Case, Kind
from tests.known_answers.tally import Answer
from tests.known_answers.truths import U8, Truth

OF_THE_FOOTAGE = frozenset({"too_small", "profile"})  # flags that no restoration can earn or avoid


@dataclass
class Outcome:
    """Everything a trial found.

    ``false_flags``: flags on the ``clean`` untouched truths, by code, with the faces that carry
    them.  ``wrong_sights``: edits seen by a measure that must not see them, by kind, size and
    measure.  ``not_made``: edits that the truth did not allow.
    """

    answers: list[Answer] = field(default_factory=list)
    clean: int = 0
    false_flags: dict[str, list[str]] = field(default_factory=dict)
    wrong_sights: dict[tuple[str, float, str], list[str]] = field(default_factory=dict)
    not_made: list[str] = field(default_factory=list)


def run(filmed: Sequence[Filmed], judge: Judge, kinds: Sequence[Kind] = KINDS) -> Outcome:
    """Try every kind and size on every filmed truth, and count false flags on the truths."""
    outcome = Outcome()
    truths = list({one.truth.name: one.truth for one in filmed}.values())
    for number, truth in enumerate(truths):
        own = [(one, judge.facts(one.face)) for one in filmed if one.truth is truth]
        for one, facts in own:
            _look_at_truth(outcome, judge, one, facts)
        # Everybody meets another person, and not always the next one.
        other = truths[(number + 1 + number % (len(truths) - 1)) % len(truths)]
        for kind in kinds:
            if truth.name not in kind.not_on:
                for size in kind.sizes:
                    _try(outcome, judge, kind, size, other, own)
    return outcome


def _look_at_truth(outcome: Outcome, judge: Judge, one: Filmed, facts: Facts) -> None:
    outcome.clean += 1
    looked = judge.look(one.face, (*ALL_MEASURES, PAIR_LIKENESS), facts)
    footage = judge.look_at_footage(one.frame_rgb_u8, one.affine)
    for code in (*looked.flags, *footage.flags):
        if code not in OF_THE_FOOTAGE:
            outcome.false_flags.setdefault(code, []).append(one.name)


def _try(
    outcome: Outcome,
    judge: Judge,
    kind: Kind,
    size: float,
    other: Truth,
    own: Sequence[tuple[Filmed, Facts]],
) -> None:
    """One kind and size on all footage of one truth."""
    seed = zlib.crc32(f"{kind.name} {size} {own[0][0].truth.name}".encode())
    cases = [(Case(one, other, size, seed), facts) for one, facts in own]
    try:
        for case, facts, edited in _edited(kind, cases):
            _ask(outcome, judge, kind, case, facts, edited)
    except ValueError as reason:  # not every iris can take every colour
        outcome.not_made.append(f"{kind.name} {size:g}, {own[0][0].truth.name}: {reason}")


def _edited(kind: Kind, cases: Sequence[tuple[Case, Facts]]) -> Iterator[tuple[Case, Facts, U8]]:
    once = None if kind.by_footage else kind.edit(cases[0][0])
    for case, facts in cases:
        yield case, facts, kind.edit(case) if once is None else once


def _ask(outcome: Outcome, judge: Judge, kind: Kind, case: Case, facts: Facts, edited: U8) -> None:
    what = f"{kind.name} {case.size:g}, {case.filmed.name}"
    if kind.by_footage:
        face = replace(case.filmed.face, restored_rgb_u8=edited)
    else:
        face = case.filmed.restored(edited)
    if kind.refilm is not None:
        looked = judge.look_at_footage(*kind.refilm(case))
    else:
        looked = judge.look(face, kind.asks, facts)
    seen = any(code in looked.flags for code in kind.flags) or any(map(looked.above, kind.above))
    outcome.answers.append(
        Answer(
            kind=kind.name,
            size=case.size,
            eyes_px=case.filmed.size_px,
            asked=kind.gate(case.size, case.filmed.size_px),
            seen=seen,
            named=kind.names in looked.flags if kind.names else seen,
            what=what,
            flags=looked.flags,
        )
    )
    for name in kind.unseen_by:
        if looked.above(name):
            outcome.wrong_sights.setdefault((kind.name, case.size, name), []).append(what)
