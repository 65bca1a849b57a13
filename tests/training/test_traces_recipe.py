"""The traces network's recipe: ways of saving, masks, what training varies, bookkeeping."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from forensics.scoring.traces import place
from training.traces import config
from training.traces.figures import counted, rule_limit
from training.traces.hands import head, sharpened, square
from training.traces.samples import Sample, keep, kept
from training.traces.saved import POSTS, drawn_post, enlarged_affine, save, wide_post
from training.traces.train import narrowed, rate, varied


def _sample(kind: str, restored: bool, size_px: float = 24.0, post: str = "png") -> Sample:
    rng = np.random.default_rng(5)
    picture = rng.integers(0, 256, (130, 120, 3)).astype(np.uint8)
    affine = np.array([[5.0, 0.0, -40.0], [0.0, 5.0, -40.0]])
    return Sample("P1", kind, restored, post, size_px, "clean", picture, affine)


def test_an_enlarged_frame_keeps_the_face_on_the_template() -> None:
    """The centre of pixel (3, 4) lies at (6.5, 8.5) in the frame twice as large."""
    affine = np.array([[5.0, 0.2, -40.0], [-0.2, 5.0, 7.0]])
    large = enlarged_affine(affine, 2)
    here, there = np.array([3.0, 4.0, 1.0]), np.array([6.5, 8.5, 1.0])
    assert large @ there == pytest.approx(affine @ here)


@pytest.mark.parametrize("post", [*POSTS, "qp31", "jpeg66", "0.45x"])
def test_each_way_of_saving_keeps_the_face_in_its_place(post: str) -> None:
    """A white square of 20 px on black keeps its middle on the template to half a native px."""
    picture = np.zeros((96, 80, 3), np.uint8)
    picture[30:50, 20:40] = 255
    affine = np.array([[4.0, 0.0, 0.0], [0.0, 4.0, 0.0]])
    out, placed = save(picture, affine, post)
    y, x = np.nonzero(out[..., 1] > 127)
    middle = placed @ np.array([x.mean(), y.mean(), 1.0])
    assert middle == pytest.approx([4 * 29.5, 4 * 39.5], abs=2.0)


def test_ways_of_saving_are_drawn_from_what_can_be_saved() -> None:
    rng = np.random.default_rng(1)
    drawn = {drawn_post(rng) for _ in range(200)}
    assert drawn == set(POSTS)
    picture = np.zeros((32, 32, 3), np.uint8)
    for _ in range(30):
        save(picture, np.eye(2, 3), wide_post(rng))


def test_masks_end_before_the_rim_and_hold_the_face() -> None:
    for mask in (head(), square()):
        assert mask.soft[292, 256] == pytest.approx(1.0, abs=1e-3)
        rim = np.concatenate([mask.soft[0], mask.soft[-1], mask.soft[:, 0], mask.soft[:, -1]])
        assert float(rim.max()) < 0.02


def test_sharpening_leaves_flat_areas_and_steepens_edges() -> None:
    step = np.full((20, 20, 3), 100, np.uint8)
    assert np.array_equal(sharpened(step, 1.0, 1.0), step)
    step[:, 10:] = 140
    out = sharpened(step, 1.0, 1.0)
    assert out[5, 9, 0] < 100 < 140 < out[5, 10, 0]


def test_samples_come_back_as_they_were_kept(tmp_path: Path) -> None:
    given = [_sample("clean", False), _sample("strong, 2x", True, 40.0, "qp20")]
    keep(tmp_path / "a.u8", iter(given))
    back = kept(tmp_path / "a.u8")
    assert [one.kind for one in back] == ["clean", "strong, 2x"]
    for one, was in zip(back, given, strict=True):
        assert np.array_equal(one.rgb_u8, was.rgb_u8)
        assert np.array_equal(one.affine, was.affine)


def test_what_training_varies_keeps_face_and_zones_together() -> None:
    """Mirrored, the place across changes its sign and the zones move with the picture."""
    placed = place(_sample("clean", False).rgb_u8, _sample("clean", False).affine)
    assert placed is not None
    seen = set()
    for seed in range(12):
        other = varied(placed, np.random.default_rng(seed))
        mirrored = bool(torch.equal(other.zones, placed.zones.flip(3)))
        seen.add(mirrored)
        sign = -1 if mirrored else 1
        where = other.place.flip(3) if mirrored else other.place
        assert torch.equal(where[:, 1], sign * placed.place[:, 1])
        assert torch.equal(where[:, 0], placed.place[:, 0])
        assert 0 <= float(other.levels.min()) <= float(other.levels.max()) <= 255
    assert seen == {False, True}


def test_a_narrowed_sample_keeps_its_place() -> None:
    one = _sample("clean", False)
    shapes = set()
    for seed in range(20):
        rgb, affine = narrowed(one, np.random.default_rng(seed))
        shapes.add(rgb.shape)
        offset = (one.affine[:, 2] - affine[:, 2]) / -5.0
        x, y = np.rint(offset).astype(int)
        assert np.array_equal(rgb[0, 0], one.rgb_u8[y, x])
    assert len(shapes) > 3


def test_the_rate_rises_and_falls() -> None:
    assert rate(0, 4000) == pytest.approx(config.LR[0] / config.WARMUP_STEPS)
    assert rate(2000, 4000) == pytest.approx(sum(config.LR) / 2, rel=1e-3)
    assert rate(4000, 4000) == pytest.approx(config.LR[1])


def test_the_rule_lies_above_all_but_one_in_five_hundred_untouched_samples() -> None:
    """Of 0, 0.001 to 1.000 the 99.8th percentile is 0.998; restored ones do not count."""
    rows = [(_sample("clean", False), k / 1000) for k in range(1001)]
    rows += [(_sample("strong, 2x", True), value) for value in (1.49, 1.51, 9.0)]
    limit = rule_limit(rows)
    assert limit == 1.5
    assert counted(rows, limit)["clean"] == {"all": "0/1001", "png": "0/1001"}
    assert counted(rows, limit, "size")["strong, 2x"] == {"20-32 px": "2/3", "all": "2/3"}
