"""The embedded restorer with its latent moved: its own answer at zero, its own weights alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import skimage.data
import torch

from forensics.errors import IntegrityError
from forensics.models.load import EMBEDDED, load_embedded
from forensics.models.nets.varied import PARTS, check_directions
from forensics.restore.embedded import EmbeddedRestorer
from forensics.restore.varied import VariedRestorer

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def varied() -> VariedRestorer:
    return VariedRestorer(load_embedded("restorer"), load_embedded("directions"), CPU)


def test_a_weight_of_zero_is_the_restorers_own_answer(varied: VariedRestorer) -> None:
    crop = np.ascontiguousarray(skimage.data.astronaut())
    weights = np.zeros((2, varied.directions), np.float32)
    weights[1, 0] = 1.0
    own, other = varied.draw(crop, weights)
    restored = EmbeddedRestorer.load(load_embedded("restorer"), CPU, 1).restore([crop])[0]
    assert isinstance(restored, np.ndarray)
    assert float(np.abs(np.clip(own, 0, 255) - restored).max()) <= 0.51
    assert float(np.abs(other - own).mean()) > 0.1


def test_directions_of_another_restorer_are_refused() -> None:
    directions = load_embedded("directions")
    card = directions.card | {"restorer_sha256": "0" * 64}
    with pytest.raises(IntegrityError, match="belong to another restorer"):
        VariedRestorer(load_embedded("restorer"), replace(directions, card=card), CPU)
    short = {name: directions.state[name] for name in PARTS[:2]}
    with pytest.raises(IntegrityError, match="directions must hold"):
        VariedRestorer(load_embedded("restorer"), replace(directions, state=short), CPU)


def test_the_embedded_directions_are_small_and_named_for_this_restorer() -> None:
    directions = load_embedded("directions")
    check_directions(directions.state)
    assert (EMBEDDED / "directions.safetensors").stat().st_size < 200_000
    assert directions.card["restorer_sha256"] == load_embedded("restorer").sha256
    assert directions.card["data"]["list"] == "train"
    assert set(directions.card["data"]["lists_left_out"]) == {"fit", "cal"}
