"""Damaged media: 500 seeds of cuts, flipped bits, spliced parts; a tenth is always run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.attacks.corpus import Case, Maker
from tests.attacks.flaws import SEEDS, flawed, untouched
from tests.attacks.ledger import Note
from tests.attacks.trial import bundle_faults, bundle_leaks, crashes, leaks, listen, run_jobs
from tests.attacks.worker import Outcome

TITLE = "damaged media"
TENTH = range(0, SEEDS // 10)


def _tried(root: Path, seeds: range) -> tuple[list[Case], dict[str, Outcome]]:
    with listen() as server:
        make = Maker(root, server.getsockname()[1])
        # Whole files are audited too: otherwise a refusal of damaged ones would prove nothing.
        whole = untouched(make) if seeds.start else []
        cases = [*whole, *flawed(make, seeds)]
        return cases, run_jobs([case.job for case in cases], root, server)


def _judge(root: Path, seeds: range, note: Note) -> list[str]:
    cases, outcomes = _tried(root, seeds)
    faults = []
    for case in cases:
        outcome = outcomes[case.job.name]
        crashed, leaked = crashes(outcome), leaks(outcome)
        out = Path(case.job.cwd) / "out"
        if outcome.code not in case.codes:
            crashed.append(f"exit {outcome.code}: {outcome.err[-300:]}")
        if out.exists():
            leaked += bundle_leaks(out)
            crashed += [f"verify: {fault}" for fault in bundle_faults(out)]
        elif outcome.code in {0, 1}:
            crashed.append("no bundle")
        note(TITLE, case.family, "tried")
        note(TITLE, case.family, "audited", out.exists())
        note(TITLE, case.family, "refused", not out.exists())
        note(TITLE, case.family, "crashed", bool(crashed))
        note(TITLE, case.family, "leaked", bool(leaked))
        if crashed or leaked:
            faults.append(f"{case.job.name}: {crashed + leaked}")
    return faults


def test_a_tenth_of_the_damaged_files_ends_with_a_message_or_a_sound_bundle(
    tmp_path: Path, note: Note
) -> None:
    assert _judge(tmp_path, TENTH, note) == []


@pytest.mark.slow
def test_all_other_damaged_files_end_with_a_message_or_a_sound_bundle(
    tmp_path: Path, note: Note
) -> None:
    assert _judge(tmp_path, range(len(TENTH), SEEDS), note) == []
