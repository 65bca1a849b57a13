"""verify and the side-by-side clips: recorded and there, one per person, all its frames."""

from __future__ import annotations

from pathlib import Path

import pytest

from forensics.evidence.check_files import comparison_faults
from forensics.evidence.lines import load_audit
from forensics.evidence.tree import Tree
from forensics.evidence.verify import verify
from forensics.records import Comparison
from tests.bundles import rebag
from tests.evidence.edits import failed_steps

FRAMES_OF = {0: 5, 1: 4}


def clip(
    person: int, frames: int, outcome: str = "written", reason: str | None = None
) -> Comparison:
    return Comparison.model_validate(
        {
            "file": f"cmp_{person:02d}.mp4",
            "person": person,
            "frames": frames,
            "outcome": outcome,
            "reason": reason,
        }
    )


BOTH = (clip(0, 5), clip(1, 4))
CASES = [
    pytest.param(BOTH, ("cmp_00", "cmp_01"), "", id="complete"),
    pytest.param((), (), "", id="older-bundle"),
    pytest.param((clip(0, 5), clip(1, 0, "failed", "full disk")), ("cmp_00",), "", id="failed"),
    pytest.param((clip(0, 5), clip(1, 0, "failed")), ("cmp_00",), "without a reason", id="mute"),
    pytest.param(BOTH, ("cmp_00",), "'cmp_01.mp4' is recorded as written and missing", id="gone"),
    pytest.param(BOTH, ("cmp_00", "cmp_01", "cmp_02"), "in no record", id="one-more"),
    pytest.param((), ("cmp_00",), "in no record", id="unrecorded"),
    pytest.param((clip(0, 5),), ("cmp_00",), "not every person", id="person-without"),
    pytest.param((clip(0, 5), clip(1, 3)), ("cmp_00", "cmp_01"), "with 3 frames", id="fewer"),
]


@pytest.mark.parametrize(("recorded", "there", "words"), CASES)
def test_clips_are_held_against_their_records(
    made: Path, recorded: tuple[Comparison, ...], there: tuple[str, ...], words: str
) -> None:
    audit = load_audit(made).model_copy(update={"comparisons": recorded})
    tree = Tree(made, {f"data/{name}.mp4": 1 for name in there}, (), (), ())
    faults = comparison_faults(tree, audit, FRAMES_OF)
    assert words in "; ".join(faults)
    assert bool(faults) == bool(words)


def test_a_clip_put_into_a_bundle_is_found(bundle: Path) -> None:
    (bundle / "data" / "cmp_00.mp4").write_bytes(b"x")
    rebag(bundle)
    result = verify(bundle)
    assert result.exit_code == 4
    assert "'data/cmp_00.mp4' is in no record" in failed_steps(result)["pictures"]
