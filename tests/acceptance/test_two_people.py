"""The clip with truth: two people, right numbers, honest bands, faithful video.

The committed clip runs always; variants with seeds that nobody developed on are slow.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from fixtures.build import truth_frame
from forensics.evidence.verify import verify
from forensics.media.writer import packet_digest
from forensics.records import FaceLine
from tests.acceptance.conftest import Audited

SEEDS = (7104, 7105, 7106)


@pytest.fixture(
    params=["committed", *(pytest.param(s, marks=pytest.mark.slow) for s in SEEDS)], scope="session"
)
def audited(
    request: pytest.FixtureRequest, demo: Audited, variant: Callable[[int], Audited]
) -> Audited:
    """The committed clip, then each variant."""
    return demo if request.param == "committed" else variant(request.param)


def test_ends_complete_and_verifies(audited: Audited) -> None:
    assert audited.exit_code == 0
    assert audited.audit.run.complete
    assert verify(audited.bundle).exit_code == 0


def test_exactly_two_people_keep_their_numbers(audited: Audited) -> None:
    names = audited.people_names()
    assert audited.audit.totals.people == 2
    assert sorted(names) == [0, 1]
    assert sorted(names.values()) == ["collins", "hopper"]
    strayed = 0
    judged = 0
    for face in audited.faces:
        people = audited.truth["frames"][face.frame - 1]["people"]
        one = people[names[face.person]]
        if one["occluded"] > 0.3 or one["in_view"] < 0.7:
            continue
        judged += 1
        eyes = np.mean(one["landmarks_px"][:2], axis=0)
        mine = np.mean(face.landmarks_px[:2], axis=0)
        strayed += bool(np.linalg.norm(eyes - mine) > one["interocular_px"])
    assert judged > 100
    assert strayed == 0


def test_totals_add_up(audited: Audited) -> None:
    t = audited.audit.totals
    assert t.frames == len(audited.frames) == len(audited.truth["frames"])
    assert t.frames_restored + t.frames_failed == t.frames
    assert t.faces == len(audited.faces) == sum(p.faces for p in audited.audit.people)
    assert t.faces_restored + t.faces_skipped + t.faces_failed == t.faces


def _times(path: str) -> list[Fraction]:
    with av.open(path) as box:
        stream = box.streams.video[0]
        pts = sorted(p.pts for p in box.demux(stream) if p.pts is not None)
        return [p * stream.time_base for p in pts]


def test_frames_times_and_sound_survive(audited: Audited) -> None:
    restored = audited.bundle / "data" / audited.audit.restored.file
    assert _times(str(restored)) == _times(str(audited.source))
    assert packet_digest(restored, "audio") == packet_digest(audited.source, "audio")
    with av.open(str(restored)) as box:
        video = box.streams.video[0]
        assert video.sample_aspect_ratio in (None, 1)
        assert (video.width, video.height) == tuple(2 * v for v in audited.truth["display_px"])


def _share(faces: list[FaceLine], wanted: Callable[[FaceLine], bool]) -> float:
    return sum(map(wanted, faces)) / max(1, len(faces))


def test_small_faces_are_flagged_too_small(audited: Audited) -> None:
    names = audited.people_names()
    people = audited.truth["frames"]
    small = [
        f
        for f in audited.within("small")
        if people[f.frame - 1]["people"][names[f.person]]["interocular_px"] < 14
    ]
    assert len(small) >= 5
    # The eye distance is measured, not read from the truth: within 2 px of 16 it may differ.
    assert _share(small, lambda f: "too_small" in f.flags) == 1.0
    assert all(f.risk.band != "no_sign" for f in small)


def test_blurred_and_compressed_stretch_is_caution_for_both(audited: Audited) -> None:
    faces = audited.within("blurred")
    assert {f.person for f in faces} == {0, 1}
    causes = {"qp", "blockiness", "blur"}
    assert all(f.risk.band in {"caution", "high"} for f in faces)
    assert all(causes & set(f.risk.because) for f in faces)


def test_sharp_stretch_is_not_blamed_on_quality(audited: Audited) -> None:
    faces = audited.within("sharp")
    assert {f.person for f in faces} == {0, 1}
    causes = {"qp", "blockiness", "blur"}
    assert not any(causes & set(f.risk.because) for f in faces)
    # One accurate face in a hundred is flagged by design, and this restorer is not accurate.
    assert _share(faces, lambda f: f.risk.band == "no_sign") >= 0.8


def _read(path: str) -> np.ndarray:
    return cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2RGB)


def _gains_db(audited: Audited, wanted: Callable[[FaceLine], bool]) -> list[float]:
    """PSNR in the face's core on the template: restored less bicubic, against the clean truth."""
    data = audited.bundle / "data"
    names = audited.people_names()
    gains = []
    for face in audited.faces:
        one = audited.truth["frames"][face.frame - 1]["people"][names[face.person]]
        clear = one["occluded"] < 0.02 and one["in_view"] > 0.99
        if face.frame % 3 or not clear or face.affine is None or not wanted(face):
            continue
        clean = truth_frame(face.frame, upscale=2, seed=audited.truth["seed"])
        twice = np.array(face.affine)
        twice[:, :2] /= 2
        twice[:, 2] -= twice[:, :2].sum(1) * 0.5
        target = cv2.warpAffine(clean, twice, (512, 512), flags=cv2.INTER_CUBIC)
        file = f"{face.frame:06d}_{face.person:02d}.png"
        crop = _read(str(data / "cropped_faces" / file))
        restored = _read(str(data / "restored_faces" / file))
        core = np.s_[140:440, 130:382]
        gains.append(_psnr(restored[core], target[core]) - _psnr(crop[core], target[core]))
    return gains


def test_restored_faces_beat_bicubic_where_the_footage_lacks_detail(audited: Audited) -> None:
    """Small, blurred and coarse faces: nearer to the clean truth than bicubic."""
    gains = _gains_db(audited, lambda f: f.risk.band == "caution" and f.interocular_px < 45)
    assert len(gains) >= 15
    assert float(np.median(gains)) > 0.03


def test_a_clean_face_loses_little(audited: Audited) -> None:
    """The known weakness: what needs no restoring is made worse, a grey level or so more error.

    Against a bicubic picture that is 33 dB near to the truth, 2 dB are about 1.4 grey levels.
    """
    gains = _gains_db(audited, lambda f: f.risk.band == "no_sign")
    assert len(gains) >= 15
    assert float(np.median(gains)) > -1.0
    assert min(gains) > -2.0


def _psnr(a: np.ndarray, b: np.ndarray) -> float:
    error = float(np.mean((a.astype(float) - b.astype(float)) ** 2))
    return 10 * float(np.log10(255**2 / max(error, 1e-9)))
