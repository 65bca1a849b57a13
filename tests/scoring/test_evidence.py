"""The evidence model: risk control, shares outside, registration, gates, and what it ships with."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.models.load import load_embedded
from forensics.models.nets.evidence import EvidenceNet, build_evidence
from forensics.scoring.evidence import (
    NAMES,
    Bin,
    EvidenceModel,
    EvidenceTable,
    Supported,
    at_sizes,
    outside_share,
    registered,
    risk_control,
    shipped_evidence,
    support,
)
from forensics.scoring.references import Band, Curve, Entry, ReferenceTable
from tests.scoring.made_faces import face, filmed

CPU = torch.device("cpu")
Picture = np.ndarray


def one_bin(people: int = 100) -> Bin:
    """Eye distances of 16 to 64 px; true faces scored 0.001, 0.002, ... ."""
    shares = tuple((k + 1) / 1000 for k in range(people))
    return Bin(16.0, 64.0, {256: 1.0, 128: 1.0, 64: 1.0}, {128: people}, shares, shares)


def table(people: int = 100) -> EvidenceTable:
    return EvidenceTable("test", "0" * 64, 0.1, (one_bin(people),))


@pytest.fixture(scope="module")
def shipped() -> EvidenceModel:
    """The network and the calibration that travel with the package."""
    model = load_embedded("evidence")
    return EvidenceModel(build_evidence(model.state), model.sha256, shipped_evidence(), CPU)


def test_an_untrained_network_states_the_crop_and_a_wide_interval() -> None:
    torch.manual_seed(1)
    net = EvidenceNet().eval()
    grey = np.full((512, 512, 3), 100, np.uint8)
    said = support(net, [grey], [4.0], CPU)[0]
    assert {size: s.mean.shape for size, s in said.items()} == {
        256: (256, 256, 3),
        128: (128, 128, 3),
        64: (64, 64, 3),
    }
    for one in said.values():
        assert np.abs(one.mean - 100 / 255).max() < 0.05
        assert np.abs(one.upper - one.mean - 0.05).max() < 0.03
        assert bool((one.lower < one.mean).all() and (one.mean < one.upper).all())


def test_a_faces_statement_does_not_depend_on_its_neighbours() -> None:
    torch.manual_seed(2)
    net = EvidenceNet().eval()
    rng = np.random.default_rng(0)
    crops = [rng.integers(0, 256, (512, 512, 3), np.uint8) for _ in range(3)]
    alone = support(net, crops[:1], [4.0], CPU)[0]
    among = support(net, crops, [4.0, 9.0, 2.0], CPU)[0]
    assert np.abs(alone[128].mean - among[128].mean).max() < 1e-5


def test_risk_control_takes_the_least_stretch_that_holds() -> None:
    """(n R + 1) / (n + 1) <= alpha: with n = 99 and alpha = 0.1 the sum of losses must be <= 9."""
    stretches = np.array([1.0, 2.0, 3.0])
    losses = np.tile([0.2, 8.999 / 99, 0.0], (99, 1))
    assert risk_control(losses, stretches, 0.1) == 2.0
    assert risk_control(losses + np.array([0, 1e-4, 0]), stretches, 0.1) == 3.0
    with pytest.raises(ValueError, match=r"no stretch up to 3\.0"):
        risk_control(np.full((99, 3), 0.5), stretches, 0.1)


def test_risk_control_wants_every_wider_interval_to_hold_as_well() -> None:
    losses = np.tile([0.01, 0.5, 0.01], (200, 1))
    assert risk_control(losses, np.array([1.0, 2.0, 3.0]), 0.1) == 3.0


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(30, 150))
def test_risk_control_keeps_its_promise_on_new_people(seed: int, people: int) -> None:
    """Mean loss of new people at the chosen stretch stays at alpha, within what chance allows."""
    rng = np.random.default_rng(seed)
    stretches = np.geomspace(0.3, 6, 60)

    def losses(count: int) -> np.ndarray:
        """Shares of normal values outside +- stretch, for people of different spread."""
        spread = rng.uniform(0.6, 1.6, count)
        values = np.abs(rng.normal(size=(count, 400))) * spread[:, None]
        return (values[:, :, None] > stretches[None, None]).mean(1)

    chosen = risk_control(losses(people), stretches, 0.1)
    outside = losses(400)[:, int(np.argmin(np.abs(stretches - chosen)))].mean()
    assert outside < 0.1 + 4 * 0.06 / np.sqrt(people)


def test_percentiles_follow_the_ranks() -> None:
    held = table()
    found = held.reference("interval_violation", 20)
    assert found is not None
    assert (found.median, found.p99, found.n) == (pytest.approx(0.051), pytest.approx(0.1), 100)
    assert held.reference("interval_violation", 90) is None


def test_under_99_people_there_is_no_99th_percentile() -> None:
    assert table(98).reference("interval_violation", 20) is None
    assert table(99).reference("interval_violation", 20) is not None


@pytest.mark.parametrize(("curve_p99", "limit"), [(0.04, 0.1), (0.4, 0.4)])
def test_the_limit_is_the_higher_of_new_people_and_of_footage_like_this(
    curve_p99: float, limit: float
) -> None:
    """`reference` is 0.051 and 0.1 of 100 people; the curve's middle and number are its own."""
    name, quality = "interval_violation", {"interocular_px": 20.0, "noise": 1.0}
    quality |= {"cutoff": 0.3, "contrast": 12.0}
    band = Band(16.0, 32.0, 0.0, float(np.log(curve_p99 / 0.02)), 150)
    flat = np.zeros(6)
    curve = Curve(flat, flat + 1, flat - 99, flat + 99, np.r_[np.log(0.02), np.zeros(27)], (band,))
    entry = Entry("log", "evidence", curve, curve)
    found = table().limit(name, quality, ReferenceTable("test", {}, {name: entry}))
    assert found is not None
    assert found.p99 == pytest.approx(limit)
    assert (found.median, found.n) == (pytest.approx(0.02), 100)
    alone = table().limit(name, quality, ReferenceTable("test", {}, {}))
    assert alone == table().reference(name, 20)
    far = {**quality, "interocular_px": 90.0}
    assert table().limit(name, far, ReferenceTable("test", {}, {name: entry})) is None


def test_the_interval_has_a_floor_of_one_grey_level() -> None:
    flat = np.full((64, 64, 3), 0.5, np.float32)
    _, upper = Supported(flat, flat, flat).widened(1.0)
    assert float(upper[0, 0, 0] - flat[0, 0, 0]) == pytest.approx(1 / 255, rel=1e-5)
    assert outside_share(flat, Supported(flat, flat, flat), 1.0) == 0.0
    assert outside_share(flat + 2 / 255, Supported(flat, flat, flat), 1.0) == 1.0


def test_a_shift_of_half_a_pixel_and_a_colour_cast_are_no_contradiction(portrait: Picture) -> None:
    mean = at_sizes(registered(portrait, _at_256(portrait)))[256]
    moved = cv2.warpAffine(
        portrait, np.array([[1, 0, 1.0], [0, 1, 1.0]]), (512, 512),
        flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101,
    )  # fmt: skip
    cast = np.clip(moved * np.array([0.9, 1.0, 1.05]) + 6, 0, 255).astype(np.uint8)
    again = registered(cast, mean)
    inner = slice(40, 216)
    assert np.abs(again - mean)[inner, inner].mean() < 1.5 / 255
    assert np.abs(_at_256(cast) - mean)[inner, inner].mean() > 5 / 255


def _at_256(rgb_u8: Picture) -> np.ndarray:
    small = cv2.resize(rgb_u8, (256, 256), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32) / 255


def test_outside_its_sizes_and_for_another_network_it_abstains(portrait: Picture) -> None:
    torch.manual_seed(3)
    model = EvidenceModel(EvidenceNet().eval(), "0" * 64, table(), CPU)
    small = replace(face(filmed(portrait, 4)), interocular_px=10.0)
    assert "under 16 px" in model.read([small])[0].reasons["interval_violation"]
    large = replace(face(filmed(portrait, 4)), interocular_px=80.0)
    assert "finer than the evidence model" in model.read([large])[0].reasons["mean_distance"]
    other = replace(model, sha256="1" * 64)
    assert "another evidence model" in other.read([face(filmed(portrait, 4))])[0].reasons[NAMES[0]]


@pytest.mark.parametrize("factor", [4, 8])
def test_the_shipped_model_supports_the_truth_and_not_a_wider_face(
    shipped: EvidenceModel, portrait: Picture, widened: Picture, factor: int
) -> None:
    native = filmed(portrait, factor)
    readings = shipped.read([face(native, portrait), face(native, widened)])
    truth, wider = (reading.values["interval_violation"] for reading in readings)
    limit = shipped.table.reference("interval_violation", 125.92 / factor)
    assert limit is not None
    assert truth < limit.p99 < wider
    assert readings[0].values["mean_distance"] < readings[1].values["mean_distance"]


def test_the_shipped_calibration_is_of_the_shipped_network(shipped: EvidenceModel) -> None:
    assert shipped.table.model == shipped.sha256
    assert shipped.table.alpha == 0.1
    edges = [(one.start_px, one.end_px) for one in shipped.table.bins]
    assert all(a[1] == b[0] for a, b in pairwise(edges))
    assert all(n >= 50 for one in shipped.table.bins for n in one.people.values())
