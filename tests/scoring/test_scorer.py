"""The scoring stage as a whole: every name accounted for, networks and tables held to digests."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from forensics.errors import IntegrityError
from forensics.models.load import LoadedModel
from forensics.models.nets.perceptual import build_perceptual
from forensics.records import MEASURES
from forensics.scoring import baseline, maps
from forensics.scoring.cards import cards
from forensics.scoring.references import (
    ReferenceTable,
    expand,
    features,
    from_scale,
    read_references,
    shipped_references,
    to_scale,
)
from forensics.scoring.risk import face_risk
from forensics.scoring.scorer import (
    NOT_IN_VERSION,
    FaceInput,
    Scored,
    Scorer,
    render_map,
    within_span,
)
from tests.scoring.made_faces import Picture, face, filmed

ROUND_FACTS = {
    "interocular_px": 40.0,
    "noise": 2.0,
    "cutoff": 0.4,
    "blur": 0.8,
    "blockiness": 1.1,
    "contrast": 12.0,
    "qp": 30.0,
}


def small_table(identity_sha256: str) -> ReferenceTable:
    """A table of constants: true faces score 2 (median) and 4 (p99); d0 is 0.3, p99 0.5."""

    def entry(scale: str, role: str | None, p50: float, p99: float) -> dict[str, object]:
        def constant(count: int) -> dict[str, object]:
            terms = 1 + count + count * (count + 1) // 2
            return {
                "centre": [0.0] * count,
                "spread": [1.0] * count,
                "low": [-100.0] * count,
                "high": [100.0] * count,
                "weights": [0.0] * terms,
                "bands": [{"from": 6.0, "to": 110.0, "p50": p50, "p99": p99, "n": 500}],
            }

        return {
            "scale": scale,
            "needs_model": role,
            "with_qp": constant(7),
            "without_qp": constant(6),
        }

    raw = {
        "version": "test",
        "models": {"identity": identity_sha256},
        "measures": {
            "contradiction": entry("log", None, math.log(2), math.log(4)),
            "identity_distance": entry("linear", "identity", 0.3, 0.5),
        },
    }
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        path = Path(folder) / "table.json"
        path.write_text(json.dumps(raw), "utf-8")
        return read_references(path)


@pytest.fixture(scope="module")
def scorer(perceptual_model: LoadedModel, identity_model: LoadedModel) -> Scorer:
    table = small_table(identity_model.sha256)
    return Scorer.load(perceptual_model, identity_model, None, "cpu", table)


@pytest.fixture(scope="module")
def scored(scorer: Scorer, portrait: Picture) -> Scored:
    made = face(filmed(portrait, 3), portrait, qp=30.0, yaw_deg=3.0, region_rgb_u8=portrait[:200])
    return scorer.score([made])[0]


def test_every_measure_is_a_number_or_has_a_reason(scored: Scored) -> None:
    assert set(scored.measures) | set(scored.not_measured) == set(MEASURES)
    assert not set(scored.measures) & set(scored.not_measured)
    assert all(math.isfinite(v) for v in scored.measures.values())
    assert scored.not_measured["lpips_crop"] == "official AlexNet backbone not fetched"
    assert scored.not_measured["disagreement"] == NOT_IN_VERSION
    measured = {"contradiction_eyes", "identity_drift", "lpips_embedded_crop", "blockiness", "qp"}
    measured |= {"landmark_shift", "iris_delta", "glasses", "facial_hair", "hair_grid"}
    assert measured <= set(scored.measures)


def test_references_and_maps_come_along(scored: Scored) -> None:
    assert scored.references["contradiction"] == pytest.approx(2.0)
    assert scored.references["contradiction_p99"] == pytest.approx(4.0)
    assert scored.references["identity_drift"] == 0.0
    assert scored.references["identity_drift_p99"] == pytest.approx(0.2)
    for name in ("invented_detail", "contradiction"):
        assert scored.maps[name].shape == (512, 512)
        assert scored.maps[name].dtype == np.float32
        assert bool(np.isfinite(scored.maps[name]).all())


def test_identity_drift_is_the_distance_less_the_expected_one(
    scorer: Scorer, portrait: Picture
) -> None:
    """An unrestored crop has distance 0, so the drift is minus d0."""
    nothing = scorer.score([face(filmed(portrait, 3))])[0]
    assert nothing.measures["identity_drift"] == pytest.approx(-0.3, abs=1e-5)
    assert nothing.measures["lpips_embedded_crop"] == pytest.approx(0.0, abs=1e-6)


def test_a_table_for_another_network_is_refused(
    perceptual_model: LoadedModel, identity_model: LoadedModel, portrait: Picture
) -> None:
    other = Scorer.load(perceptual_model, identity_model, None, "cpu", small_table("9" * 64))
    result = other.score([face(filmed(portrait, 4), portrait)])[0]
    assert result.not_measured["identity_drift"] == "reference table is for another model"
    assert "identity_drift" not in result.references


@pytest.mark.parametrize(
    ("factor", "yaw", "says"),
    [(8.5, 0.0, "under 16 px"), (3.0, -40.0, "turned by more than 35 degrees")],
)
def test_identity_drift_abstains(
    scorer: Scorer, portrait: Picture, factor: float, yaw: float, says: str
) -> None:
    result = scorer.score([face(filmed(portrait, factor), portrait, yaw_deg=yaw)])[0]
    assert says in result.not_measured["identity_drift"]


@pytest.mark.parametrize(("light", "measured"), [(0.6, True), (0.1, False)])
def test_identity_drift_abstains_in_the_dark(
    scorer: Scorer, portrait: Picture, light: float, measured: bool
) -> None:
    """There the recogniser takes every face for every other, and a low drift would say nothing."""
    dark = np.rint(portrait * light).astype(np.uint8)
    result = scorer.score([face(filmed(dark, 3), dark)])[0]
    assert ("identity_drift" in result.measures) is measured
    if not measured:
        assert "too dark or too flat" in result.not_measured["identity_drift"]
        assert (
            face_risk(
                measures=result.measures,
                not_measured=result.not_measured,
                references=result.references,
                flags=(),
            ).band
            != "no_sign"
        )


def test_faces_do_not_depend_on_their_company(scorer: Scorer, portrait: Picture) -> None:
    some = [face(filmed(portrait, factor), portrait) for factor in (2, 3, 4, 5, 7)]
    together = scorer.score(some)
    alone = scorer.score(some[3:4])[0]
    assert scorer.score([]) == []
    for name, value in alone.measures.items():
        assert together[3].measures[name] == pytest.approx(value, abs=2e-5), name


def test_lpips_is_the_packages_own(perceptual_model: LoadedModel, portrait: Picture) -> None:
    net = build_perceptual(perceptual_model.state)
    crop = face(filmed(portrait, 4)).crop_rgb_u8
    a, b = (baseline.as_m11([p], torch.device("cpu")) for p in (crop, portrait))
    expected = float(net(a, b))
    assert baseline.lpips_distances(net, a, b)[0] == pytest.approx(expected, rel=1e-6)
    assert a.min() >= -1
    assert a.max() <= 1


def test_another_file_is_not_the_official_backbone(tmp_path: Path) -> None:
    path = tmp_path / "alexnet-owt-7be5be79.pth"
    path.write_bytes(b"something else")
    with pytest.raises(IntegrityError, match="not the published AlexNet backbone"):
        baseline.build_official(path)


def test_official_keys_fit_torchvisions_layout() -> None:
    """The trunk of lpips takes torchvision's tensors by name (shapes checked strictly)."""
    from torchvision.models import alexnet

    torch.manual_seed(4)
    state = alexnet(weights=None).state_dict()
    net = baseline._with_trunk(state)
    x = torch.rand(1, 3, 64, 64)
    assert torch.equal(net.net.slice1(x), torch.relu(alexnet_features(state, x)))


def alexnet_features(state: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """First convolution of torchvision's AlexNet."""
    weight, bias = state["features.0.weight"], state["features.0.bias"]
    return torch.nn.functional.conv2d(x, weight, bias, stride=4, padding=2)


# ---------------------------------------------------------------- references


def test_quadratic_terms_are_in_order() -> None:
    z = np.array([2.0, 3.0])
    assert expand(z).tolist() == [1, 2, 3, 4, 6, 9]


@pytest.mark.parametrize("scale", ["log", "angle", "linear"])
def test_scales_go_there_and_back(scale: str) -> None:
    for value in (0.01, 0.3, 1.7):
        assert from_scale(to_scale(value, scale), scale) == pytest.approx(value, rel=1e-9)


def test_features_need_size_noise_cutoff_and_contrast() -> None:
    row = features(ROUND_FACTS, with_qp=True)
    assert row is not None
    assert row[0] == pytest.approx(math.log2(40))
    assert row[-1] == 30
    for name in ("interocular_px", "noise", "cutoff", "contrast", "qp"):
        less = {k: v for k, v in ROUND_FACTS.items() if k != name}
        assert features(less, with_qp=True) is None


def test_shipped_table_grows_with_the_quantiser_and_has_enough_faces() -> None:
    table = shipped_references()
    values = []
    for qp, cutoff in ((24.0, 0.45), (32.0, 0.3), (40.0, 0.15)):
        found = table.look_up("contradiction", ROUND_FACTS | {"qp": qp, "cutoff": cutoff})
        assert found is not None
        assert found.n >= 100
        assert 1.0 < found.median < found.p99 < 60
        values.append(found.median)
    assert values == sorted(values)


def test_no_reference_outside_the_fitted_sizes() -> None:
    table = shipped_references()
    for size in (3.0, 400.0):
        assert table.look_up("contradiction", ROUND_FACTS | {"interocular_px": size}) is None


def test_shipped_table_is_for_the_embedded_networks() -> None:
    """A new network needs `python -m training.references` again."""
    from forensics.models.load import EMBEDDED

    table = shipped_references()
    needed = {e.needs_model for e in table.entries.values() if e.needs_model is not None}
    assert "identity" in needed
    for role in needed:
        card = json.loads((EMBEDDED / f"{role}.json").read_text("utf-8"))
        assert table.models.get(role) == card["sha256"], role


# ---------------------------------------------------------------- maps, cards, page


def plain(invented: float, contradiction: float) -> Scored:
    field = np.ones((512, 512), np.float32)
    return Scored(
        {},
        {},
        {"contradiction": 2.0, "contradiction_p99": 5.0},
        {"invented_detail": invented * field, "contradiction": contradiction * field},
    )


@pytest.mark.parametrize(
    ("invented", "contradiction", "rgb"),
    [
        (0.0, 2.0, (0, 0, 0)),
        (1.0, 0.0, maps.INVENTED_RGB),
        (0.0, 10.0, maps.CONTRADICTION_RGB),
        (1.0, 10.0, maps.CONTRADICTION_RGB),
        (0.0, 6.0, (115, 80, 0)),
    ],
)
def test_map_colours(invented: float, contradiction: float, rgb: tuple[int, int, int]) -> None:
    picture = render_map(plain(invented, contradiction))
    assert picture.shape == (512, 512, 3)
    assert picture.dtype == np.uint8
    assert np.abs(picture[100, 100].astype(int) - np.array(rgb)).max() <= 1


def test_map_of_a_face_without_maps_is_black() -> None:
    assert int(render_map(Scored({}, {}, {}, {})).max()) == 0


def test_every_measured_name_has_a_card(scored: Scored) -> None:
    known = cards()
    for name in scored.measures:
        assert (name if not name.startswith("contradiction_") else "contradiction") in known
    for card in known.values():
        assert card.blind, card.name
        assert card.method
        assert card.gate
    for name, value in scored.measures.items():
        low, high = known[name.split("_")[0] if name.startswith("contra") else name].span
        assert low is None or value >= low - 1e-6, name
        assert high is None or value <= high + 1e-6, name


def test_the_page_of_measures_is_current(repo_root: Path) -> None:
    """Write it with ``python -m training.references.document``."""
    from training.references.document import page

    assert (repo_root / "docs" / "measures.md").read_text("utf-8") == page()


def test_input_and_stage_share_one_type() -> None:
    from forensics.scoring.measure import FaceInput as Original

    assert FaceInput is Original


def test_a_reference_never_leaves_the_range_of_its_measure() -> None:
    """In dark footage the fitted curve of a share ran to 2.3; a share ends at 1."""
    assert within_span("invented_detail", 2.28) == 1.0
    assert within_span("invented_detail", -0.1) == 0.0
    assert within_span("ssim_crop", 0.4) == 0.4
    assert within_span("contradiction", 17.0) == 17.0
    assert within_span("contradiction_eyes", 3.0) == 3.0
