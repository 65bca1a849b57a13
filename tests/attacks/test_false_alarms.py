"""False alarms: twenty untouched bundles of every make pass, and each answer names what it is."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from forensics.config import Settings
from forensics.evidence.archive import write_archive
from forensics.evidence.signing import UNSIGNED, Signing
from forensics.evidence.token import load_roots
from forensics.evidence.trust import NOBODY, Trust
from forensics.evidence.verify import verify
from tests.attacks import hostile_bytes as hb
from tests.attacks.audited import Sealed, audit, chained
from tests.attacks.ledger import Note
from tests.bundles import make_bundle, rebag
from tests.signers import signer
from tests.tsa import serving

TITLE = "untouched bundles, false alarms"
ONE, TWO = Signing((signer(1),)), Signing((signer(1), signer(2)))


def drawn(root: Path, signing: Signing = UNSIGNED, **options: bool) -> Path:
    return make_bundle(root, side=16, signing=signing, start=datetime.now(UTC), **options)


def without_original(root: Path) -> Path:
    """An unsigned bundle as ``--no-original`` leaves it."""
    bundle = drawn(root)
    shutil.rmtree(bundle / "data" / "original")
    rebag(bundle)
    return bundle


def pictures(root: Path, signing: Signing, **settings: object) -> Path:
    """Two frames in a folder, by the whole pipeline."""
    folder = root / "frames"
    folder.mkdir(parents=True)
    for number in (1, 2):
        hb.picture(folder / f"{number}.png")
    chosen = Settings.model_validate({"format": "html", **settings})
    return audit(folder, root / "frames-audit", chosen, signing)


def picture(root: Path, signing: Signing, **settings: object) -> Path:
    root.mkdir(parents=True)
    chosen = Settings.model_validate({"format": "html", **settings})
    return audit(hb.picture(root / "a.png"), root / "a-audit", chosen, signing)


DRAWN: dict[str, tuple[Callable[[Path, Signing], Path], bool]] = {
    # name: maker, signed
    "unsigned": (lambda root, _: drawn(root), False),
    "unsigned, ZIP": (lambda root, _: write_archive(drawn(root)), False),
    "unsigned, nothing failed": (lambda root, _: drawn(root, failed=False), False),
    "unsigned, nobody there": (lambda root, _: drawn(root, no_faces=True), False),
    "unsigned, hostile names": (lambda root, _: drawn(root, hostile=True), False),
    "unsigned, without the original": (lambda root, _: without_original(root), False),
    "signed": (lambda root, _: drawn(root, ONE), True),
    "signed, ZIP": (lambda root, _: write_archive(drawn(root, ONE)), True),
    "signed by two": (lambda root, _: drawn(root, TWO), True),
    "signed, nobody there": (lambda root, _: drawn(root, ONE, no_faces=True), True),
    "signed, hostile names": (lambda root, _: drawn(root, ONE, hostile=True), True),
    "stamped": (drawn, True),
    "stamped, ZIP": (lambda root, stamping: write_archive(drawn(root, stamping)), True),
    "stamped, nothing failed": (lambda root, stamping: drawn(root, stamping, failed=False), True),
}
AUDITED: dict[str, tuple[Callable[[Path, Signing], Path], bool]] = {
    "audit of a picture, unsigned": (lambda root, _: picture(root, UNSIGNED), False),
    "audit of a picture, private, without the original, credentials": (
        lambda root, _: picture(root, Signing((chained(1)[0],)), private=True, original=False),
        True,
    ),
    "audit of a folder, frames kept": (
        lambda root, _: pictures(root, UNSIGNED, save="source,frames"),
        False,
    ),
    "audit of a folder, credentials, ZIP": (
        lambda root, _: write_archive(pictures(root, Signing((chained(1)[0],)))),
        True,
    ),
}


def _answer(bundle: Path, is_signed: bool, roots: Sealed) -> list[str]:
    """What verify says wrongly of an untouched bundle."""
    faults = []
    result = verify(bundle, NOBODY)
    words = "signer not checked" if is_signed else "unsigned"
    if result.exit_code or words not in result.first_line:
        faults.append(f"without a key: {result.exit_code} {result.first_line} {result.steps}")
    if is_signed:
        pinned = verify(bundle, Trust((signer(1).public,)))
        if pinned.exit_code or pinned.verdict != "intact_signer_known":
            faults.append(f"with the key: {pinned.exit_code} {pinned.first_line}")
        stamped = result.seal is not None and result.seal.time != "not_attested"
        trust = Trust((signer(1).public,), 1, load_roots([roots.authority.root]))
        if stamped and verify(bundle, trust).exit_code:
            faults.append("with the authority's root")
    return faults


def _judge(found: dict[str, tuple[Path, bool]], sealed: Sealed, note: Note) -> str:
    faults = []
    for name, (bundle, is_signed) in found.items():
        wrong = _answer(bundle, is_signed, sealed)
        note(TITLE, name, "false alarms", bool(wrong), 1)
        if wrong:
            faults.append(f"{name}: {wrong}")
    return "\n".join(faults)


def test_sixteen_untouched_bundles_pass(sealed: Sealed, tmp_path: Path, note: Note) -> None:
    found: dict[str, tuple[Path, bool]] = {
        "audit of a clip, stamped, credentials, PDF": (sealed.bundle, True),
        "audit of a clip, stamped, credentials, PDF, ZIP": (sealed.archive, True),
    }
    with serving(sealed.authority) as url:
        stamping = Signing((signer(1),), url)
        for number, (name, (make, is_signed)) in enumerate(DRAWN.items()):
            found[name] = make(tmp_path / str(number), stamping), is_signed
    assert len(found) == 16
    assert not _judge(found, sealed, note)


@pytest.mark.slow
def test_four_more_by_the_whole_pipeline_pass(sealed: Sealed, tmp_path: Path, note: Note) -> None:
    found = {
        name: (make(tmp_path / str(number), UNSIGNED), is_signed)
        for number, (name, (make, is_signed)) in enumerate(AUDITED.items())
    }
    assert len(found) == 4
    assert not _judge(found, sealed, note)
