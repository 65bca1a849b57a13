"""Hostile inputs: each ends with a message or a sound bundle; nothing is read, asked or run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.attacks import corpus, corpus_places
from tests.attacks.corpus import SECRET, Case, Maker
from tests.attacks.ledger import Note
from tests.attacks.trial import (
    bundle_faults,
    bundle_leaks,
    crashes,
    leaks,
    listen,
    run_jobs,
)
from tests.attacks.worker import Outcome

TITLE = "hostile inputs"
FAMILIES = (*corpus.ALL, corpus_places.links, corpus_places.writing)
SLOW = {"names_each"}
NAMED = [
    pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else [])
    for name in (family.__name__ for family in FAMILIES)
]
# Torch and the libraries take about 0.9 GB before the first job.
PEAK_BYTES = 3_500_000_000
SLOWEST_S = 60.0


@dataclass(frozen=True)
class Tried:
    cases: dict[str, Case]
    outcomes: dict[str, Outcome]


@pytest.fixture(scope="module")
def tried(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Tried]:
    """All cases of the chosen families, by as few processes as they leave alive."""
    root = tmp_path_factory.mktemp("hostile")
    ids = " ".join(item.nodeid for item in request.session.items)
    chosen = [family for family in FAMILIES if f"[{family.__name__}]" in ids]
    with listen() as server:
        make = Maker(root, server.getsockname()[1])
        cases = {case.job.name: case for family in chosen for case in family(make)}
        outcomes = run_jobs([case.job for case in cases.values()], root, server)
        yield Tried(cases, outcomes)


def _wrong(case: Case, outcome: Outcome) -> list[str]:
    """What the command did that it should not have, apart from crashes and leaks."""
    faults = []
    if outcome.code not in case.codes:
        faults.append(f"exit {outcome.code}, not {sorted(case.codes)}: {outcome.err[-400:]}")
    if case.words not in outcome.err:
        faults.append(f"no word of {case.words!r}: {outcome.err[-400:]}")
    if case.bundle is not None and outcome.code in {0, 3} and case.bundle.exists():
        faults += bundle_faults(case.bundle)
    if case.leaves_nothing:
        left = [p.name for p in Path(case.job.cwd).glob("out*") if not p.is_symlink()]
        faults += [f"left {name!r} behind" for name in left]
    if outcome.peak_bytes > PEAK_BYTES or outcome.seconds > SLOWEST_S:
        faults.append(f"took {outcome.peak_bytes:,} bytes and {outcome.seconds} s")
    return faults


@pytest.mark.parametrize("family", NAMED)
def test_nothing_crashes_leaks_or_runs(family: str, tried: Tried, note: Note) -> None:
    """All cases of a family; the table at the end counts them."""
    module = corpus if hasattr(corpus, family) else corpus_places
    mine = [case for case in tried.cases.values() if case.family in _titles(module, family)]
    assert mine
    faults = {}
    for case in mine:
        outcome = tried.outcomes[case.job.name]
        crashed = crashes(outcome)
        leaked = leaks(outcome)
        for folder in Path(case.job.cwd).glob("out*"):
            leaked += [] if folder.is_symlink() else bundle_leaks(folder, [SECRET])
        wrong = _wrong(case, outcome)
        note(TITLE, case.family, "tried")
        note(TITLE, case.family, "crashed", bool(crashed))
        note(TITLE, case.family, "leaked", bool(leaked))
        note(TITLE, case.family, "wrong answer", bool(wrong))
        if found := [*crashed, *leaked, *wrong]:
            faults[case.job.name] = found
    assert not faults, "\n".join(f"{name}: {what}" for name, what in faults.items())


def _titles(module: object, family: str) -> set[str]:
    return {
        "scripts": {"playlist or script"},
        "names": {"names"},
        "names_each": {"names, each"},
        "metadata": {"metadata"},
        "sizes": {"huge and bombs"},
        "numbers": {"NaN"},
        "weights": {"pickled code"},
        "links": {corpus_places.LINKS},
        "writing": {corpus_places.WRITING},
    }[family]
