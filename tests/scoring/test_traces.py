"""Scoring, traces: footage whose face was drawn before, and footage that only looks special."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from forensics.models.load import load_embedded, read_card
from forensics.models.nets.traces import TracesNet, _zone_values, build_traces
from forensics.restore import mask
from forensics.scoring import traces
from forensics.scoring.flags import person_flags
from forensics.scoring.thresholds import shipped_thresholds
from forensics.scoring.traces import (
    TRACES,
    cut,
    declared_traces,
    find_traces,
    measure_traces,
    mirrored,
    place,
    told,
)
from tests.known_answers.footage import film
from tests.known_answers.pairs import restored_before
from tests.known_answers.truths import public_truths
from tests.scoring.test_flags import fact

LIMIT = shipped_thresholds()["traces_limit"]
FILMED = {0: (24.0, 2), 1: (24.0, 4)}


def test_the_oval_is_the_one_that_restorers_paste() -> None:
    assert traces.MASK_CENTRE_PX == mask.MASK_CENTRE_PX
    assert traces.MASK_RADII_PX == mask.MASK_RADII_PX
    assert traces.MASK_POWER == mask.MASK_POWER
    assert pytest.approx(mask.MASK_CORE) == traces.INSIDE


@pytest.fixture(scope="module")
def net() -> TracesNet:
    return build_traces(load_embedded("traces").state)


def test_the_limit_is_the_one_that_the_card_was_made_with() -> None:
    figures = read_card("traces")["figures"]
    assert figures["limit"] == LIMIT
    assert figures["limit_by_rule"] <= LIMIT


def test_a_mirrored_picture_reads_the_same(net: TracesNet) -> None:
    filmed = film(public_truths()[0], 24.0, 0, 1)
    placed = place(*cut(filmed.frame_rgb_u8, filmed.affine))
    assert placed is not None
    other = mirrored(placed)
    assert told(net, other) == pytest.approx(told(net, placed), abs=1e-5)
    assert torch.equal(mirrored(other).place, placed.place)


def test_the_zones_cover_the_face_its_seam_its_ring_and_what_lies_beyond() -> None:
    """At one template px a px: the oval's axes, the square's rim and the middle of the face."""
    affine = np.array([[1.0, 0.0, -60.0], [0.0, 1.0, -60.0]])  # the field, whole
    part = np.zeros((701, 633, 3), np.uint8)
    placed = place(part, affine)
    assert placed is not None
    zones, where = placed.zones[0].numpy(), placed.place[0].numpy()

    def zone_of(u: int, v: int) -> list[int]:
        return np.flatnonzero(zones[:, v + 60, u + 60]).tolist()

    assert zone_of(256, 292) == [0]
    assert zone_of(256 + int(0.9 * 168), 292) == [1]
    assert zone_of(256 + int(1.2 * 168), 292) == [2]
    assert zone_of(-20, 292) == [3]
    assert zone_of(-20, -20) == [3]
    assert where[0, 292 + 60, 256 + 168 + 60] == pytest.approx(1.0, abs=1e-3)
    assert where[1:3, 256 + 60, 256 + 60] == pytest.approx([0, 0])
    assert where[3] == pytest.approx(math.log2(125.92 / 32), abs=1e-3)


def test_what_a_zone_holds_is_its_mean_and_its_spread() -> None:
    x = torch.arange(12.0).reshape(1, 1, 3, 4)
    zones = torch.zeros(1, 2, 3, 4)
    zones[0, 0, 0] = 1  # 0, 1, 2, 3; the second zone is absent
    found = _zone_values(x, zones)[0].tolist()
    assert found == pytest.approx([1.5, math.sqrt(1.25), 0.0, 0.0])


def test_a_mirrored_face_or_a_flat_picture_is_read_without_a_fault(net: TracesNet) -> None:
    flat = np.full((120, 110, 3), 90, np.uint8)
    for affine in ([[5.0, 0, 0], [0, 5.0, 0]], [[-5.0, 0, 540], [0, 5.0, 0]]):
        value = measure_traces(flat, np.array(affine), net).values[TRACES]
        assert math.isfinite(value)
        assert value < LIMIT


def test_it_abstains_where_nothing_can_be_told(net: TracesNet) -> None:
    filmed = film(public_truths()[0], 24.0, 0, 1)
    small = filmed.affine * 2  # twice the template px for a px: half the eye distance
    assert "under 16 px" in measure_traces(filmed.frame_rgb_u8, small, net).reasons[TRACES]
    corner = np.ascontiguousarray(filmed.frame_rgb_u8[:20, :20])
    assert "too little" in measure_traces(corner, filmed.affine, net).reasons[TRACES]
    outside = filmed.affine.copy()
    outside[:, 2] -= 5000
    assert "too little" in measure_traces(filmed.frame_rgb_u8, outside, net).reasons[TRACES]
    wrong = filmed.frame_rgb_u8.astype(np.float32)
    with pytest.raises(ValueError, match="uint8"):
        measure_traces(wrong, filmed.affine, net)  # type: ignore[arg-type]


def test_a_near_face_is_read_at_a_bounded_size() -> None:
    filmed = film(public_truths()[0], 160.0, 0, 1)
    part, affine = cut(filmed.frame_rgb_u8, filmed.affine)
    scale = float(np.sqrt(np.linalg.det(affine[:, :2])))
    assert traces.TEMPLATE_INTEROCULAR_PX / scale == pytest.approx(80.0, rel=0.01)
    assert part.shape[0] < 480


def test_the_median_over_a_persons_faces_decides() -> None:
    table = shipped_thresholds()
    own = [fact(k, traces=LIMIT + 1 if k % 5 == 1 else None) for k in range(1, 31)]
    found = find_traces(0, own, table)
    assert found is not None
    assert (found.code, found.severity) == ("restored_twice", "caution")
    assert found.frames == ((1, 26),)
    assert (
        found.detail
        == "inside the face it is drawn otherwise than around it; so in 6 of 6 faces read"
    )
    assert found in person_flags(0, own)
    few = [fact(k, traces=LIMIT + 1 if k < 3 else LIMIT - 1) for k in range(1, 7)]
    assert find_traces(0, few, table) is None
    assert find_traces(0, [fact(1)], table) is None


def test_what_the_credentials_claim_is_a_finding_of_the_whole_source() -> None:
    types = ("digitalCapture", "compositeWithTrainedAlgorithmicMedia")
    found = declared_traces(types, None, 120)
    assert found is not None
    assert (found.code, found.person, found.frames) == ("restored_twice", None, ((1, 120),))
    assert found.detail is not None
    assert found.detail.endswith("source type compositeWithTrainedAlgorithmicMedia")
    for harmless in ((), ("digitalCapture",), ("algorithmicallyEnhanced",)):
        assert declared_traces(harmless, None, 120) is None
    both = declared_traces(types, "AI-RESTORED by somebody", 3)
    assert both is not None
    assert both.detail == f"{found.detail}; its own tags say so"
    tags_alone = declared_traces((), "AI-RESTORED by somebody", 3)
    assert tags_alone is not None
    assert tags_alone.detail == "its own tags say so"


@pytest.mark.parametrize("number", [0, 1])
def test_a_face_drawn_before_stands_out_and_the_footage_itself_does_not(
    number: int, net: TracesNet
) -> None:
    size_px, quality = FILMED[number]
    filmed = film(public_truths()[number], size_px, quality, 11)
    clean = measure_traces(filmed.frame_rgb_u8, filmed.affine, net).values[TRACES]
    drawn = measure_traces(*restored_before(filmed, 2), net).values[TRACES]
    assert clean < LIMIT
    assert drawn > clean + 1.0
