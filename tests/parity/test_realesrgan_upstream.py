"""Real-ESRGAN against the official classes: whole and tiled within 1e-4, before quantisation.

Full architectures with seeded random weights on small pictures, and the real realesr-general-x4v3.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from forensics.models.load import LoadedModel
from forensics.models.nets.rrdb import build_rrdb
from forensics.models.nets.srvgg import build_srvgg
from forensics.reference.packages import OfficialClasses, official_classes
from forensics.restore import tiles
from forensics.restore.realesrgan import RealEsrganBackground

pytestmark = pytest.mark.reference
CPU = torch.device("cpu")
BAR = 1e-4
X4V3 = "models/realesrgan/realesr-general-x4v3_from_ncnn_fp16.pth"


@pytest.fixture(scope="module")
def official() -> OfficialClasses:
    """Upstream's classes."""
    return official_classes()


def picture(height: int, width: int) -> NDArray[np.uint8]:
    noise = np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)
    return np.asarray(cv2.GaussianBlur(noise, (0, 0), 1.2), np.uint8)


def seeded(net: Any, gain: float) -> Any:
    """Random weights whose answer is a picture: mean 0.5, spread 0.15.

    ``gain`` scales the trunk's; upstream starts its training at 0.1, and the trunk then hardly
    counts.
    """
    generator = torch.Generator().manual_seed(1)
    for name, parameter in net.named_parameters():
        if parameter.ndim == 4:
            spread = (2 / parameter[0].numel()) ** 0.5 * (gain if name.startswith("body") else 1)
            parameter.data.copy_(torch.randn(parameter.shape, generator=generator) * spread)
        else:
            parameter.data.fill_(0.1 if name.endswith("weight") else 0)
    with torch.inference_mode():
        x = torch.from_numpy(picture(32, 32)).permute(2, 0, 1)[None].float() / 255
        y = net(x)
        net.conv_last.weight.data *= 0.15 / float(y.std())
        net.conv_last.bias.data += 0.5 - net(x).mean((0, 2, 3))
    return net.eval()


def loaded(net: Any, name: str) -> LoadedModel:
    card = {"name": name, "version": "0", "licence": "none"}
    return LoadedModel("background", dict(net.state_dict()), "ab" * 32, card)


def upsampler(official: OfficialClasses, net: Any, scale: int, folder: Path, **more: Any) -> Any:
    """RealESRGANer with the given network's weights from a file, as its command uses it."""
    path = folder / "weights.pth"
    torch.save({"params_ema": net.state_dict()}, path)
    options = {"tile": 0, "tile_pad": 10, "pre_pad": 0, "half": False, "device": CPU, **more}
    return official.real_esrganer(scale=scale, model_path=str(path), model=net, **options)


def official_01(upsampler: Any, rgb_u8: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Upstream's answer (H', W', 3) RGB in [0, 1], not yet quantised."""
    with torch.no_grad():
        upsampler.pre_process(rgb_u8.astype(np.float32) / 255)
        upsampler.process()
        y = upsampler.post_process()
    return y[0].clamp(0, 1).permute(1, 2, 0).numpy()


def ours_01(background: RealEsrganBackground, rgb_u8: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Our answer put together from what is kept of every tile, in [0, 1], not yet quantised."""
    facts, scale = background.facts, background._net.scale
    assert facts.tile_px is not None
    assert facts.halo_px is not None
    height, width = rgb_u8.shape[:2]
    layout = tiles.plan(
        (width, height), facts.tile_px, facts.halo_px, multiple_px=background._net.multiple_px
    )
    out = np.full((height * scale, width * scale, 3), np.nan, np.float32)
    for tile in layout.tiles:
        answer = np.asarray(background._levels(tile.read(rgb_u8)[None])[0])
        a, d = tile.across, tile.down
        out[d.keep0 * scale : d.keep1 * scale, a.keep0 * scale : a.keep1 * scale] = answer[
            (d.keep0 - d.read0) * scale : (d.keep1 - d.read0) * scale,
            (a.keep0 - a.read0) * scale : (a.keep1 - a.read0) * scale,
        ]
    return out / 255


def assert_within(theirs: NDArray[np.float32], ours: NDArray[np.float32]) -> None:
    assert theirs.shape == ours.shape
    assert float(np.abs(theirs - ours).max()) <= BAR
    assert float(theirs.std()) > 0.02, "a flat picture would prove nothing"


@pytest.mark.parametrize(("scale", "size"), [(2, (24, 32)), (4, (12, 16))])
def test_the_large_network_equals_upstreams_whole(
    official: OfficialClasses, tmp_path: Path, scale: int, size: tuple[int, int]
) -> None:
    net = seeded(official.rrdbnet(3, 3, scale, 64, 23, 32), gain=0.5)
    theirs = upsampler(official, net, scale, tmp_path)
    background = RealEsrganBackground.load(loaded(net, f"x{scale}"), CPU)
    assert_within(official_01(theirs, picture(*size)), ours_01(background, picture(*size)))


def test_pieces_of_the_large_network_equal_its_whole(official: OfficialClasses) -> None:
    net = seeded(official.rrdbnet(3, 3, 2, 8, 2, 4), gain=1.0)
    ours = build_rrdb(net.state_dict())
    x = torch.from_numpy(picture(58, 74)).permute(2, 0, 1)[None].float() / 255
    with torch.inference_mode():
        theirs = net(x)
        for block_px in (13, 500):
            assert float((ours(x, block_px) - theirs).abs().max()) <= 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("gain", [0.1, 1.0])
def test_tiles_of_the_large_network_equal_upstreams_untiled_answer(
    official: OfficialClasses, tmp_path: Path, gain: float
) -> None:
    net = seeded(official.rrdbnet(3, 3, 2, 64, 23, 32), gain=gain)
    theirs = upsampler(official, net, 2, tmp_path)
    background = RealEsrganBackground.load(loaded(net, "x2"), CPU, tile_px=96)
    frame = picture(72, 140)
    layout = tiles.plan((140, 72), 96, 32, multiple_px=2)
    assert len(layout.tiles) == 2
    assert_within(official_01(theirs, frame), ours_01(background, frame))


def test_an_odd_picture_and_an_outscale_give_upstreams_picture(
    official: OfficialClasses, tmp_path: Path
) -> None:
    net = seeded(official.rrdbnet(3, 3, 2, 8, 1, 4), gain=0.5)
    frame = picture(31, 45)
    for pre_pad in (0, 10):
        theirs = upsampler(official, net, 2, tmp_path, pre_pad=pre_pad)
        made = RealEsrganBackground.load(loaded(net, "x2"), CPU)
        background = RealEsrganBackground(made._net, made.facts, CPU, pre_pad_px=pre_pad)
        for outscale in (2, 3):
            expected, _ = theirs.enhance(np.ascontiguousarray(frame[..., ::-1]), outscale=outscale)
            got = background.enlarge(frame, outscale).rgb_u8
            assert got.shape == expected.shape
            assert np.abs(got[..., ::-1].astype(int) - expected).max() <= 1


def test_bfloat16_stays_within_a_hundredth_of_the_range(official: OfficialClasses) -> None:
    net = seeded(official.rrdbnet(3, 3, 2, 64, 23, 32), gain=0.5)
    frame = picture(24, 32)
    exact = ours_01(RealEsrganBackground.load(loaded(net, "x2"), CPU), frame)
    fast = ours_01(RealEsrganBackground.load(loaded(net, "x2"), CPU, precision="fast"), frame)
    assert float(np.sqrt(((exact - fast) ** 2).mean())) <= 0.01


# ---------------------------------------------------------------- the real x4v3


@pytest.fixture(scope="module")
def x4v3(official: OfficialClasses, shared_data: Path) -> Any:
    """Upstream's class with the published weights."""
    state = torch.load(shared_data / X4V3, weights_only=True)["params"]
    net = official.srvgg(3, 3, 64, 32, 4, "prelu")
    net.load_state_dict({name: value.float() for name, value in state.items()}, strict=True)
    return net.eval()


@pytest.fixture(scope="module")
def photo(shared_data: Path) -> NDArray[np.uint8]:
    """A stretch of a real photograph, degraded as footage is."""
    path = sorted((shared_data / "portraits").rglob("*.jpg"))[0]
    read = cv2.imread(str(path))
    assert read is not None
    small = cv2.resize(read, (100, 76), interpolation=cv2.INTER_AREA)
    _, coded = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 50])
    decoded = cv2.imdecode(coded, cv2.IMREAD_COLOR)
    assert decoded is not None
    return np.ascontiguousarray(decoded[..., ::-1])


def test_the_real_compact_network_equals_upstreams_whole_and_in_tiles(
    official: OfficialClasses, x4v3: Any, photo: NDArray[np.uint8], tmp_path: Path
) -> None:
    theirs = official_01(upsampler(official, x4v3, 4, tmp_path), photo)
    whole = RealEsrganBackground.load(loaded(x4v3, "x4v3"), CPU)
    tiled = RealEsrganBackground.load(loaded(x4v3, "x4v3"), CPU, tile_px=84)
    assert tiled.facts.halo_px == 34
    assert len(tiles.plan((100, 76), 84, 34).tiles) >= 2
    assert_within(theirs, ours_01(whole, photo))
    assert_within(theirs, ours_01(tiled, photo))


def test_the_real_compact_network_in_bfloat16_is_less_than_a_level_off(
    x4v3: Any, photo: NDArray[np.uint8]
) -> None:
    exact = RealEsrganBackground.load(loaded(x4v3, "x4v3"), CPU).enlarge(photo, 4).rgb_u8
    fast = RealEsrganBackground.load(loaded(x4v3, "x4v3"), CPU, precision="fast")
    difference = np.abs(exact.astype(int) - fast.enlarge(photo, 4).rgb_u8)
    assert difference.mean() < 1
    assert difference.max() <= 8


def test_its_answer_is_a_likeness_of_the_photograph(x4v3: Any, photo: NDArray[np.uint8]) -> None:
    state = {name: value.half() for name, value in x4v3.state_dict().items()}
    net = build_srvgg(state)
    assert (net.scale, len(net.body), net.reach_px) == (4, 67, 34)
    drawn = RealEsrganBackground.load(loaded(x4v3, "x4v3"), CPU).enlarge(photo, 4).rgb_u8
    back = cv2.resize(drawn, (100, 76), interpolation=cv2.INTER_AREA)
    assert np.abs(back.astype(int) - photo).mean() < 6
