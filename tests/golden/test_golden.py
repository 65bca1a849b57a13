"""Golden bundle: what an earlier version sealed is intact for this one; changes are found."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from forensics.evidence.trust import NOBODY, load_trust
from forensics.evidence.verification import Verification
from forensics.evidence.verify import verify

HERE = Path(__file__).parent
ARCHIVE = HERE / "drawn_square-audit.zip"


def check(path: Path) -> Verification:
    return verify(path, load_trust([HERE / "signing.pub.pem"], 1, [HERE / "tsa-root.pem"]))


def test_an_earlier_bundle_is_still_intact_signed_and_attested() -> None:
    result = check(ARCHIVE)
    assert (result.exit_code, result.verdict) == (0, "intact_signer_known"), result.lines()
    assert {step.name for step in result.steps if step.status == "failed"} == set()
    assert result.totals is not None
    assert (result.totals["frames"], result.totals["people"]) == (5, 0)
    assert result.seal is not None
    assert result.seal.time == "attested"


def test_without_the_key_its_first_line_says_that_nobody_was_asked() -> None:
    result = verify(ARCHIVE, NOBODY)
    assert result.exit_code == 0
    assert "signer not checked" in result.first_line


@pytest.mark.parametrize("seed", range(6))
def test_a_flipped_bit_of_it_is_found(seed: int, tmp_path: Path) -> None:
    raw = bytearray(ARCHIVE.read_bytes())
    bit = random.Random(seed).randrange(len(raw) * 8)
    raw[bit // 8] ^= 1 << bit % 8
    changed = tmp_path / ARCHIVE.name
    changed.write_bytes(raw)
    assert check(changed).exit_code == 4


def test_it_holds_nothing_but_what_it_says(repo_root: Path) -> None:
    assert ARCHIVE.stat().st_size < 300_000
    assert b"PRIVATE KEY" not in ARCHIVE.read_bytes()
    assert not [path.name for path in HERE.iterdir() if ".key" in path.name]
