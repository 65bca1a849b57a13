"""The glasses cue: labels belong to their lists, the shipped table says what made it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from forensics.scoring.references import TABLES
from training.attributes.__main__ import HERE, auroc, fit, labels
from training.attributes.paint import paint
from training.portraits import read_index


@pytest.mark.parametrize(("name", "worn"), [("train", 131), ("fit", 24)])
def test_labels_name_portraits_of_their_own_list(shared_data: Path, name: str, worn: int) -> None:
    with_glasses, unsure = labels(name)
    assert len(with_glasses) == worn
    assert not with_glasses & unsure
    group = {f"{photo.set}/{photo.file}": photo.group for photo in read_index(shared_data)}
    assert {group[key] for key in with_glasses | unsure} == {name}


def test_the_shipped_cue_names_its_labels_and_its_held_out_figures() -> None:
    table = json.loads((TABLES / "glasses.json").read_text("utf-8"))
    written = hashlib.sha256((HERE / "glasses_train.txt").read_bytes()).hexdigest()
    assert table["data"]["labels_sha256"] == written
    assert table["data"]["list"] == "train"
    for figure in table["held_out_fit"].values():
        assert figure["auroc"] > 0.95
        assert min(figure["n"]) >= 25


def test_the_fit_separates_what_can_be_separated() -> None:
    rng = np.random.default_rng(4)
    y = (np.arange(200) % 2).astype(float)
    x = rng.normal(size=(200, 5))
    x[:, 2] += 3 * y
    weights, bias = fit(x, y, np.full(200, 1 / 200))
    assert auroc(x @ weights + bias, y) > 0.95
    assert int(np.abs(weights).argmax()) == 2


def test_auroc_counts_pairs_in_order() -> None:
    score = np.array([0.1, 0.4, 0.35, 0.8])
    assert auroc(score, np.array([0.0, 0.0, 1.0, 1.0])) == pytest.approx(0.75)


def test_painted_frames_change_the_eyes_and_leave_mouth_and_chin() -> None:
    face = np.full((256, 256, 3), 170, np.uint8)
    rng = np.random.default_rng(8)
    for _ in range(6):
        change = np.abs(paint(face, rng).astype(int) - 170).max(2)
        assert change[90:150].max() > 15
        assert change[170:].max() == 0
    again = paint(face, np.random.default_rng(1))
    assert np.array_equal(again, paint(face, np.random.default_rng(1)))
