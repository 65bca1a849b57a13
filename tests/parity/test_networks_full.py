"""The networks at full size with seeded random weights: the official packages' own pictures.

Slow: a face of the official class costs seconds. One full-size network is held at a time.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from forensics.models.nets.gfpgan import KEYS
from forensics.models.nets.retinaface import LeanRetinaFace, published
from forensics.restore.choose import load_restorer
from forensics.restore.official import OfficialRestorer
from tests.networks import (
    CPU,
    FULL,
    crops_rgb_u8,
    gfpgan,
    loaded,
    pictures_m11,
    restoreformer,
    rmse_share,
    state_of,
)

pytestmark = pytest.mark.slow
EXACT = 1e-4


@pytest.fixture(autouse=True)
def _one_network_at_a_time() -> Iterator[None]:
    yield
    gc.collect()


@pytest.fixture(scope="module")
def gfpgan_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of the full-size GFPGANv1Clean in a temporary file."""
    path = tmp_path_factory.mktemp("weights") / "gfpgan.safetensors"
    save_file(state_of(gfpgan(1, **FULL)), path)
    return path


def drawn(
    state: dict[str, torch.Tensor], x_m11: torch.Tensor, precision: str, noise: str = "stored"
) -> torch.Tensor:
    """The unrounded picture of a loaded restorer's network."""
    restorer = load_restorer(loaded(state), CPU, precision=precision, noise=noise)  # type: ignore[arg-type]  # a Precision
    assert isinstance(restorer, OfficialRestorer)
    with torch.inference_mode():
        return restorer.net(x_m11, ())


@pytest.mark.reference
def test_gfpgan_equals_the_official_package(gfpgan_file: Path) -> None:
    from forensics.reference.aliases import supply_missing_modules

    supply_missing_modules()
    from gfpgan.archs.gfpganv1_clean_arch import GFPGANv1Clean

    x_m11 = pictures_m11(1, 512)
    state = load_file(gfpgan_file)
    assert len(state) == KEYS == 285
    official = GFPGANv1Clean(**FULL, fix_decoder=False).eval()
    official.load_state_dict(state, strict=True)
    with torch.inference_mode():
        wanted = official(x_m11, return_rgb=False, randomize_noise=False)[0]
    del official
    exact = drawn(state, x_m11, "exact")
    assert float((exact - wanted).abs().max()) <= EXACT
    assert float((drawn(state, x_m11, "exact", "zero") - wanted).abs().mean()) > 0.01
    assert 0 < rmse_share(drawn(state, x_m11, "fast"), wanted) <= 0.01


def test_a_full_size_faces_bytes_do_not_depend_on_the_other_rows(gfpgan_file: Path) -> None:
    from forensics.restore import official
    from forensics.restore.noise import Noise

    crops = crops_rgb_u8(2)
    model = loaded(load_file(gfpgan_file))
    restorer = official.load_gfpgan(model, CPU, "fast", Noise("stored"), batch_size=2)
    together = restorer.restore(crops)
    turned = restorer.restore(crops[::-1].copy())
    (alone,) = restorer.restore(crops[1:])
    assert isinstance(alone, np.ndarray)
    assert np.array_equal(alone, together[1])
    assert np.array_equal(turned[0], together[1])
    assert np.array_equal(turned[1], together[0])


@pytest.mark.reference
def test_restoreformer_equals_the_official_package() -> None:
    from forensics.reference.aliases import supply_missing_modules

    supply_missing_modules()
    from gfpgan.archs.restoreformer_arch import RestoreFormer

    x_m11 = pictures_m11(1, 512)
    state = state_of(restoreformer(1))
    official = RestoreFormer().eval()
    official.load_state_dict(state, strict=True)
    with torch.inference_mode():
        wanted = official(x_m11)[0]
    del official
    assert float((drawn(state, x_m11, "exact") - wanted).abs().max()) <= EXACT
    assert 0 < rmse_share(drawn(state, x_m11, "fast"), wanted) <= 0.01


def test_retinaface_resnet50_equals_facexlib() -> None:
    from facexlib.detection.retinaface import RetinaFace

    torch.manual_seed(0)
    net = RetinaFace("resnet50", device=CPU).eval().requires_grad_(False)
    # Batch norms that have seen something: mean, variance, gain and shift of their own.
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    # Answers of the size that trained heads give: a softmax of hundreds only shows roundings.
    for heads in (net.ClassHead, net.BboxHead, net.LandmarkHead):
        for head in heads:
            head.conv1x1.weight.mul_(0.01)
    x = pictures_m11(1, 192) * 127.5
    with torch.inference_mode():
        boxes, classes, points = net(x)
        lean = LeanRetinaFace(published(state_of(net)), torch.float32)
        got = lean(x)
    for ours, theirs in zip(got, (boxes, classes[..., 1], points), strict=True):
        scale = float(theirs.abs().max())
        assert float((ours - theirs).abs().max()) <= 1e-5 * max(scale, 1.0)
