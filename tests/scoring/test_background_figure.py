"""The background figure: what was changed outside the faces, and nothing inside them."""

from __future__ import annotations

import numpy as np
import pytest

from forensics.assembly import Gathered, flag_records, flags_by_face
from forensics.records import FrameLine
from forensics.restore.background import enlarge
from forensics.scoring.background_figure import Redrawn, RedrawnFrames, background_change
from tests.scoring.made_faces import Picture, filmed
from tests.scoring.test_flags import fact

# Template px to the source: a face of 64 native px whose square begins at (40, 30).
FACE = np.array([[8.0, 0.0, -8.0 * 40], [0.0, 8.0, -8.0 * 30]])


@pytest.fixture(scope="module")
def source(portrait: Picture) -> Picture:
    return filmed(portrait, 3.2)  # (160, 160, 3)


def test_the_plain_enlargement_reads_nothing(source: Picture) -> None:
    found = background_change(source, enlarge(source, 2), [])
    assert found is not None
    assert found.changed_grey < 0.5  # luma of rounded channels against rounded luma
    assert 0 < found.plain_grey < 5


def test_a_change_of_known_size_reads_its_size(source: Picture) -> None:
    plain = enlarge(source, 2)
    rng = np.random.default_rng(1)
    signs = rng.choice([-8, 8], plain.shape[:2])[..., None]
    within = (plain > 10) & (plain < 245)
    changed = np.where(within.all(2, keepdims=True), plain + signs, plain).astype(np.uint8)
    found = background_change(source, changed, [])
    assert found is not None
    share = within.all(2).mean()
    assert found.changed_grey == pytest.approx(8 * share**0.5, abs=0.3)


def test_what_lies_inside_a_face_does_not_count(source: Picture) -> None:
    restored = enlarge(source, 2)
    restored[60 : 60 + 128, 80 : 80 + 128] = 255  # the template's square at twice the size
    outside = background_change(source, restored, [FACE])
    assert outside is not None
    assert outside.changed_grey < 0.5
    whole = background_change(source, restored, [])
    assert whole is not None
    assert whole.changed_grey > 20


def test_a_picture_that_is_all_face_has_no_background(source: Picture) -> None:
    wide = np.array([[2.0, 0.0, 50.0], [0.0, 2.0, 50.0]])
    assert background_change(source, enlarge(source, 2), [wide]) is None


def test_the_flag_is_a_note_on_the_picture_with_both_figures() -> None:
    frames = RedrawnFrames()
    for frame, changed in ((1, 6.0), (2, 7.0), (3, 0.4), (5, 8.0)):
        frames.add(frame, Redrawn(changed, 0.9))
    (flag,) = frames.flags()
    assert (flag.code, flag.person, flag.severity) == ("background_redrawn", None, "note")
    assert flag.frames == ((1, 2), (5, 5))
    assert (flag.measured, flag.reference) == (7.0, 0.9)
    assert frames.median_grey == pytest.approx(6.5)
    assert RedrawnFrames().flags() == []
    assert RedrawnFrames().median_grey is None


def test_lines_of_frames_carry_it_to_the_record_and_to_no_face() -> None:
    gathered = Gathered()
    for frame in (1, 2):
        gathered.frame(
            FrameLine(
                frame=frame,
                outcome="restored",
                faces=1,
                background_redrawn=5.0,
                background_plain=1.0,
            )
        )
    gathered.frame(FrameLine(frame=3, outcome="restored", faces=0))
    background = gathered.background("realesrgan-x2plus", "auto")
    assert background.redrawn_grey == 5.0
    found = gathered.redrawn.flags()
    assert flags_by_face(found, [fact(1), fact(2)]) == {}
    (record,) = flag_records(found)
    assert record.person is None
    assert "redrawn" in record.words
    assert "measured 5 grey levels" in record.words
    assert Gathered().background("lanczos", "auto").redrawn_grey is None
