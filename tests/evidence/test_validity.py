"""Retired keys: they count only where a pinned authority attests that they signed before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from forensics.errors import UsageError
from forensics.evidence.keys import load_public
from forensics.evidence.signing import Signing
from forensics.evidence.trust import load_trust
from forensics.evidence.validity import Validity, read_validity
from forensics.evidence.verify import verify
from tests.bundles import make_bundle
from tests.evidence.edits import failed_steps
from tests.signers import public_file, signer
from tests.tsa import make_authority, serving

ALICE, BOB = signer(1), signer(2)
DAY = timedelta(days=1)
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``stamped`` and ``plain``, both signed by Alice and Bob now, and the authority's root."""
    folder = tmp_path_factory.mktemp("validity")
    authority = make_authority(folder / "tsa")
    now = datetime.now(UTC)
    with serving(authority) as url:
        signing = Signing((ALICE, BOB), url)
        stamped = make_bundle(folder, side=16, no_faces=True, signing=signing, start=now)
    stamped.rename(folder / "stamped")
    signing = Signing((ALICE, BOB))
    made = make_bundle(folder / "p", side=16, no_faces=True, signing=signing, start=now)
    made.rename(folder / "plain")
    return folder


def _key(tmp_path: Path, *lines: str, name: str = "alice.pub.pem") -> Path:
    path = public_file(ALICE, tmp_path, name)
    path.write_bytes("".join(f"{line}\n" for line in lines).encode() + path.read_bytes())
    return path


def _days(days: float) -> str:
    return (datetime.now(UTC) + days * DAY).isoformat(timespec="seconds")


def _retired(days: float) -> str:
    return f"Retired-At: {_days(days)}"


def test_a_time_stamp_from_before_makes_a_retired_key_count(folder: Path, tmp_path: Path) -> None:
    key = _key(tmp_path, "Example Newsroom, desk key of 2026", _retired(+1))
    trust = load_trust([key], tsa_roots=[folder / "tsa" / "root.pem"])
    result = verify(folder / "stamped", trust)
    assert (result.exit_code, result.verdict) == (0, "intact_signer_known")


@pytest.mark.parametrize(
    ("bundle", "days", "pinned", "words"),
    [
        ("stamped", -1, True, "was retired at"),
        ("stamped", +1, False, "and no pinned time stamp is older"),
        ("plain", +1, True, "and no pinned time stamp is older"),
        ("plain", -1, False, "and no pinned time stamp is older"),
    ],
)
def test_a_retired_key_does_not_count_otherwise(
    folder: Path, tmp_path: Path, bundle: str, days: float, pinned: bool, words: str
) -> None:
    roots = [folder / "tsa" / "root.pem"] if pinned else []
    trust = load_trust([_key(tmp_path, _retired(days))], tsa_roots=roots)
    result = verify(folder / bundle, trust)
    assert (result.exit_code, result.verdict) == (4, "altered")
    reason = failed_steps(result)["time"]
    assert words in reason
    assert ALICE.fingerprint[:16] in reason
    assert result.answers()["signer"] == "not decided"


def test_another_key_that_counts_is_enough_and_is_the_one_that_is_named(
    folder: Path, tmp_path: Path
) -> None:
    keys = [_key(tmp_path, _retired(-1)), public_file(BOB, tmp_path)]
    result = verify(folder / "plain", load_trust(keys))
    assert (result.exit_code, result.verdict) == (0, "intact_signer_known")
    assert BOB.fingerprint in result.answers()["signer"]
    assert ALICE.fingerprint not in result.answers()["signer"]
    assert verify(folder / "plain", load_trust(keys, 2)).exit_code == 4


def test_a_key_does_not_count_before_its_first_day(folder: Path, tmp_path: Path) -> None:
    early = load_trust([_key(tmp_path, f"Valid-From: {_days(1)}")])
    assert "counts from" in failed_steps(verify(folder / "plain", early))["time"]
    assert verify(folder / "plain", load_trust([_key(tmp_path, "Valid-From: 2026-01-01")])).seal


def test_a_key_given_with_and_without_its_end_has_ended(folder: Path, tmp_path: Path) -> None:
    keys = [_key(tmp_path, _retired(-1)), _key(tmp_path, name="old.pub.pem")]
    for order in (keys, keys[::-1]):
        assert verify(folder / "plain", load_trust(order)).exit_code == 4


def test_the_bounds_are_to_the_second() -> None:
    second = timedelta(seconds=1)
    validity = Validity(NOON - DAY, NOON)
    assert validity.fault(NOON - second, None) is None
    assert validity.fault(NOON, None) is not None
    assert validity.fault(NOON - DAY, None) is None
    assert validity.fault(NOON - DAY - second, None) is not None
    # A claimed time never saves a retired key, and never proves that one began.
    assert validity.fault(None, NOON - second) is not None
    assert Validity(NOON).fault(None, NOON - second) is not None
    assert Validity().fault(None, None) is None


def test_the_lines_stand_above_the_key_among_other_text(tmp_path: Path) -> None:
    path = _key(
        tmp_path, "Our key.", "  # valid-from : 2026-05-04", "RETIRED-AT: 2026-05-05T01:00+01:00"
    )
    assert load_public(path) == ALICE.public
    validity = read_validity(path.read_bytes(), path.name)
    assert validity == Validity(datetime(2026, 5, 4, tzinfo=UTC), datetime(2026, 5, 5, tzinfo=UTC))
    below = path.read_bytes() + b"Retired-At: 2020-01-01\n"
    assert read_validity(below, path.name) == validity


@pytest.mark.parametrize(
    "line",
    [
        "Retired-At: soon",
        "Retired-At:",
        "Retired: 2026-01-01",
        "Valid-Until: 2026-01-01",
        "Retired-At: 2026-01-01\nRetired-At: 2027-01-01",
        "Retired-At: 2026-13-01",
    ],
)
def test_a_line_that_is_unclear_is_wrong_use_and_never_passed_over(
    tmp_path: Path, line: str
) -> None:
    with pytest.raises(UsageError, match=r"'alice.pub.pem': the line '(retired|valid)"):
        load_trust([_key(tmp_path, line)])
