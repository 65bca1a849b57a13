"""With the real networks: a pair that this tool restored, a wrong person, a clip alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from forensics.evidence.lines import iter_faces, load_audit
from forensics.evidence.verify import verify
from forensics.records import MEASURES, Audit, FaceLine
from forensics.report.other_words import WITHOUT_ORIGINAL
from forensics.scoring.alone import NAMES
from tests.bundle_checks import validate_bundle
from tests.held.conftest import command
from tests.held.made import U8, frames_of, write_clip, write_pictures

FRAMES = 14  # measures over time ask for twelve


@dataclass(frozen=True)
class Looked:
    """A bundle, read back."""

    bundle: Path
    code: int
    told: str
    audit: Audit
    faces: list[FaceLine]


def audited(out: Path, *words: object) -> Looked:
    code, _, told = command("audit", *words, "-o", out)
    assert out.is_dir(), told
    return Looked(out, code, told, load_audit(out), list(iter_faces(out)))


@pytest.fixture(scope="module")
def clip(two_people: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clip")
    return write_clip(folder / "clip.mp4", frames_of(two_people, 40, FRAMES))


@pytest.fixture(scope="module")
def alone(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Looked:
    out = tmp_path_factory.mktemp("alone") / "bundle"
    return audited(out, clip, "--restored-only", "--format", "html")


def test_only_what_needs_no_original_is_measured(alone: Looked) -> None:
    assert alone.code == 0, alone.told
    assert alone.faces
    for face in alone.faces:
        assert set(face.measures) <= set(NAMES)
        absent = {n for n, why in face.not_measured.items() if why == "no original"}
        assert absent == set(MEASURES) - set(NAMES)
        assert not face.references
        assert (face.crop_sha256, face.restored_sha256 is None) == (None, False)
    measured = {name for face in alone.faces for name in face.measures}
    assert {"blockiness", "qp", "hair_grid", "jitter", "identity_dispersion"} <= measured


def test_no_face_has_a_band_and_the_first_words_say_why(alone: Looked) -> None:
    assert {face.risk.band for face in alone.faces} == {"not_calculable"}
    assert {p.risk.band for p in alone.audit.people} == {"not_calculable"}
    assert all(face.risk.probability is None for face in alone.faces)
    assert alone.audit.limits[0] == WITHOUT_ORIGINAL
    assert alone.told.startswith(WITHOUT_ORIGINAL)
    html = (alone.bundle / "data" / "report" / "report.html").read_text("utf-8")
    body = html[html.index("<body>") :]
    first = body.index('class="notice"')
    assert body[first:].split(">", 1)[1].startswith(WITHOUT_ORIGINAL)


def test_a_bundle_without_an_original_is_intact(alone: Looked) -> None:
    assert validate_bundle(alone.bundle) == []
    assert verify(alone.bundle).exit_code == 0, verify(alone.bundle).lines()
    assert alone.audit.restored is None
    folders = {path.name for path in (alone.bundle / "data").iterdir()}
    assert not folders & {"cropped_faces", "cmp", "maps", "restored", "alternatives"}
    code, _, told = command("verify", alone.bundle, "--deep")
    assert code == 0, told
    code, _, told = command("replay", alone.bundle)
    assert code == 2
    assert "without its original" in told


@pytest.mark.slow  # a minute on two cores
def test_a_pair_is_measured_as_the_run_that_restored_it(clip: Path, tmp_path: Path) -> None:
    own = audited(tmp_path / "own", clip, "--format", "html", "--every", 4, "-q")
    theirs = own.bundle / "data" / "restored" / "clip.mp4"
    held = audited(tmp_path / "held", clip, "--restored", theirs, "--every", 4)
    assert held.code == own.code == 0, held.told
    assert verify(held.bundle).exit_code == 0, verify(held.bundle).lines()
    assert validate_bundle(held.bundle) == []
    assert len(held.faces) == len(own.faces)
    for mine, other in zip(own.faces, held.faces, strict=True):
        assert (mine.frame, mine.person, mine.crop_sha256) == (
            other.frame, other.person, other.crop_sha256,
        )  # fmt: skip
        asked = other.not_measured.get("stability_input", "")
        if other.measures:
            assert "somebody else" in asked or "key and flagged faces" in asked
    # What lies between is H.264 at 2x: 0.3 noise units on the mean of a first clip.
    for name, bar in {
        "contradiction": 1.0,
        "identity_drift": 0.05,
        "invented_detail": 0.02,
    }.items():
        values = [
            np.median([face.measures[name] for face in run.faces if name in face.measures])
            for run in (own, held)
        ]
        assert values[0] == pytest.approx(values[1], abs=bar)
    assert "mismatched_pair" not in {flag.code for flag in held.audit.flags}
    assert (held.bundle / "data" / "report" / "report.pdf").read_bytes().startswith(b"%PDF")


@pytest.fixture
def one_picture(tmp_path: Path) -> Callable[[U8, str], Path]:
    def write(rgb: U8, name: str) -> Path:
        return write_pictures(tmp_path / name, [rgb], lambda _: name) / f"{name}.png"

    return write


@pytest.mark.slow  # two audits of pictures
def test_another_face_in_the_same_place_is_flagged_and_not_rated(
    shared_data: Path, one_picture: Callable[[U8, str], Path], tmp_path: Path
) -> None:
    """Two people photographed in one studio: the face of one pasted into the picture of the other.

    The surroundings lie on each other, so the pair aligns; the face belongs to somebody else.
    """
    from PIL import Image

    london = shared_data / "portraits" / "london_neutral"
    first, second = sorted(london.glob("*.jpg"))[:2]
    a, b = (
        np.asarray(Image.open(p).convert("RGB").resize((512, 512), Image.Resampling.BOX), np.uint8)
        for p in (first, second)
    )
    y, x = np.mgrid[0:512, 0:512]
    weight = np.clip(1.6 - np.hypot((x - 256) / 90, (y - 262) / 115), 0, 1)[..., None]
    mixed = np.asarray(weight * b + (1 - weight) * a, np.uint8)
    large = np.asarray(Image.fromarray(mixed).resize((1024, 1024), Image.Resampling.BICUBIC))
    source, other = one_picture(a, "photo"), one_picture(large, "photo_out")
    held = audited(tmp_path / "held", source, "--restored", other, "--format", "html")
    assert [flag.code for flag in held.audit.flags] == ["mismatched_pair"]
    assert {face.risk.band for face in held.faces} == {"not_calculable"}
    assert held.audit.people[0].risk.because == ("mismatched_pair",)
    assert "is not rated" in held.audit.people[0].summary
    assert verify(held.bundle).exit_code == 0, verify(held.bundle).lines()
    html = (held.bundle / "data" / "report" / "report.html").read_text("utf-8")
    assert "beside what accurate pictures" not in html
    right = one_picture(
        np.asarray(Image.fromarray(a).resize((1024, 1024), Image.Resampling.BICUBIC)), "right_out"
    )
    held = audited(tmp_path / "right", source, "--restored", right, "--format", "html")
    assert "mismatched_pair" not in {flag.code for flag in held.audit.flags}
