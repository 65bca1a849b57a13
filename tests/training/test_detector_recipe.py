"""The detector's recipe: cycles and rates, who is in its scenes, what is ignored, the pins."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from training.detector import train
from training.detector.busy import BusyPainter
from training.detector.config import Config
from training.detector.losses import Targets, match, without_unseen
from training.detector.scenes import Portrait
from training.detector.turned import Bank, lights, stick

EMPTY = np.zeros((0, 4))


def a_head(side: int = 60) -> Portrait:
    """A skin-coloured square with labels, as a turned head is kept."""
    rgba = np.full((side, side, 4), (200, 150, 120, 255), np.uint8)
    five = np.array([[20, 20], [40, 20], [30, 30], [22, 42], [38, 42]], np.float64)
    box = np.array([10.0, 8.0, 50.0, 56.0])
    return Portrait("nobody", b"", box, five, rgba=rgba, eyes_px=20.0)


def painter(size: int = 160) -> BusyPainter:
    hand = np.full((24, 24, 4), (180, 130, 100, 255), np.uint8)
    bank = Bank([a_head()], [a_head().rgba], [hand], np.array([50.0]))  # type: ignore[list-item]
    picture = np.random.default_rng(0).integers(0, 255, (200, 200, 3), dtype=np.uint8)
    scenes = BusyPainter([a_head()], [picture], [], size, bank)
    scenes._background = lambda draw: (  # type: ignore[method-assign]
        np.full((size, size, 3), 30, np.uint8),
        [],
        [],
        [],
    )
    return scenes


def test_cycles_follow_each_other_and_each_rate_warms_up_and_falls() -> None:
    c = Config()
    ends = (c.first_cycle, c.second_cycle, c.third_cycle, c.fourth_cycle, c.steps)
    assert list(ends) == sorted(set(ends))
    begins = (0, *ends[:-1])
    tops = (c.lr, c.lr_second, c.lr_third, c.lr_fourth, c.lr_fifth)
    for number, (begin, end, top) in enumerate(zip(begins, ends, tops, strict=True)):
        assert train._which(begin, c) == train._which(end - 1, c) == number
        assert train.rate(begin, c) < 0.02 * top
        assert train.rate(begin + c.warmup_steps, c) == pytest.approx(top)
        assert train.rate(end - 1, c) < 0.02 * top


def test_each_cycle_draws_from_its_own_shards() -> None:
    c = Config()
    scenes = train.Scenes.__new__(train.Scenes)
    scenes.config = c
    n = c.scenes_per_shard
    begins = (0, c.second_cycle, c.third_cycle, c.fourth_cycle)
    drawn = [{k // n for k in scenes._pool(step).tolist()} for step in begins]
    assert drawn == [{0, 1}, {0, 1, 2}, {1, 2, 3, 4, 5}, {3, 4, 5, 6, 7, 8}]
    assert train.shard_count(c) == 9


def test_nobody_of_the_held_out_lists_is_in_the_pack_the_scenes_are_made_of(
    shared_data: Path,
) -> None:
    from training.portraits import read_index

    groups = {photo.person: photo.group for photo in read_index(shared_data)}
    train_people = {p for p, g in groups.items() if g == "train"}
    held = {p for p, g in groups.items() if g != "train"}
    assert len(train_people) > 500
    assert len(held) > 300
    assert not train_people & held
    source = (Path(train.__file__).parent / "turned.py").read_text("utf-8")
    assert "val" not in re.findall(r"(\w+)_256", source)
    assert "meshes_train.npz" in source
    assert "hands_train.npz" in source


def test_scenes_repeat_and_keep_boxes_on_what_was_pasted() -> None:
    first, second = (painter().scene(np.random.default_rng((7, 3))) for _ in range(2))
    assert np.array_equal(first.rgb_u8, second.rgb_u8)
    assert np.array_equal(first.boxes_px, second.boxes_px)
    seen = ignored = 0
    for k in range(60):
        scene = painter().scene(np.random.default_rng((8, k)), crowd=k % 3 == 0)
        assert scene.rgb_u8.shape == (160, 160, 3)
        assert len(scene.boxes_px) == len(scene.points_px) == len(scene.face)
        seen += int(scene.face.sum())
        ignored += int((~scene.face).sum())
    assert seen > 60  # faces to learn
    assert ignored > 5  # heads out of focus or covered: neither face nor background


def test_a_pasted_hand_covers_where_it_says_and_flames_stay_in_range() -> None:
    canvas = np.zeros((80, 80, 3), np.uint8)
    hand = np.full((32, 32, 4), (200, 140, 110, 255), np.uint8)
    cover = stick(np.random.default_rng(1), canvas, hand, np.array([40.0, 40.0]), 24.0)
    assert cover[40, 40]
    assert not cover[2, 2]
    assert (canvas[cover].sum(axis=1) > 0).all()
    assert not canvas[:3].any()
    brightest = []
    for k in range(12):
        hall = np.full((120, 120, 3), 90, np.uint8)
        lights(np.random.default_rng((2, k)), hall)
        brightest.append(int(hall.max()))
        assert np.median(hall) < 90, k  # a dark hall
    assert max(brightest) > 200  # with flames in it


def test_a_head_the_teacher_cannot_see_is_ignored_and_others_stay() -> None:
    kind = torch.tensor([[1, 1, 1, 0, -1]], dtype=torch.int8)
    face = torch.tensor([[0, 0, 1, 0, 0]])
    targets = Targets(kind, torch.zeros(1, 5, 4), torch.zeros(1, 5, 10), face)
    margin = torch.tensor([[-4.0, 2.0, -1.0, 6.0, 6.0]])
    logits = torch.stack((torch.zeros_like(margin), margin), dim=-1)
    kept = without_unseen(targets, logits, 0.5)
    # face 0 is seen by one of its priors, face 1 by none; background and ignored stay as they were
    assert kept.kind.tolist() == [[1, 1, -1, 0, -1]]


def test_match_says_which_face_a_prior_stands_for() -> None:
    priors = torch.tensor([[0.25, 0.25, 0.2, 0.2], [0.75, 0.75, 0.2, 0.2], [0.5, 0.1, 0.1, 0.1]])
    boxes = torch.tensor([[0.65, 0.65, 0.85, 0.85], [0.15, 0.15, 0.35, 0.35]])
    found = match(boxes, torch.zeros(2, 5, 2), torch.tensor([True, True]), priors, 0.35)
    assert found.kind.tolist() == [1, 1, 0]
    assert found.face.tolist() == [1, 0, 0]


def test_the_mesh_teacher_is_pinned_with_digests() -> None:
    text = (Path(train.__file__).parent / "mesh_teacher.txt").read_text("utf-8")
    pins = re.findall(r"^([\w.-]+)==([\w.]+) \\$", text, re.M)
    assert ("mediapipe", "0.10.21") in pins
    assert len(pins) > 20
    for block in re.split(r"^(?=\S+==)", text, flags=re.M)[1:]:
        assert "--hash=sha256:" in block
    assert "http" not in text


def test_the_card_states_the_recipe_that_is_here_or_an_older_one(repo_root: Path) -> None:
    card = json.loads((repo_root / "forensics/models/embedded/detector.json").read_text("utf-8"))
    told, here = card["recipe"]["config"], Config().as_dict()
    assert told["seed"] == here["seed"]
    if card["recipe"]["steps_done"] == here["steps"]:
        assert told == json.loads(json.dumps(here))
    else:
        assert card["recipe"]["steps_done"] == here["third_cycle"]
