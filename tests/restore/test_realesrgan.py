"""Real-ESRGAN background on small networks: sizes, tiles, faults, facts."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from forensics.errors import IntegrityError
from forensics.models.load import LoadedModel
from forensics.models.nets.rrdb import RRDBNet
from forensics.models.nets.srvgg import CompactNet
from forensics.restore.background import BackgroundFacts, LanczosBackground, enlarge
from forensics.restore.realesrgan import RealEsrganBackground

CPU = torch.device("cpu")


def rrdb(scale: int = 2, seed: int = 0) -> LoadedModel:
    """A large network made small, whose answer is a picture near its input's mean."""
    torch.manual_seed(seed)
    net = RRDBNet(scale, num_feat=8, num_block=1, num_grow=4)
    return model(net, f"small-x{scale}")


def compact(seed: int = 0) -> LoadedModel:
    torch.manual_seed(seed)
    return model(CompactNet(4, num_feat=8, num_conv=2), "small-x4v3")


def model(net: torch.nn.Module, name: str) -> LoadedModel:
    card = {"name": name, "version": "0", "licence": "none"}
    state = {key: value.detach().clone() for key, value in net.state_dict().items()}
    return LoadedModel("background", state, "ab" * 32, card)


def frame(height: int, width: int, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 1.5)


@pytest.mark.parametrize("asked", [1, 1.5, 2, 4])
@pytest.mark.parametrize("name", ["x2", "x4", "compact"])
def test_every_size_comes_out_as_asked(name: str, asked: float) -> None:
    loaded = {"x2": lambda: rrdb(2), "x4": lambda: rrdb(4), "compact": compact}[name]()
    background = RealEsrganBackground.load(loaded, CPU)
    result = background.enlarge(frame(31, 45), asked)
    assert result.fallen_back is None
    assert result.rgb_u8.shape == (round(31 * asked), round(45 * asked), 3)
    assert result.rgb_u8.dtype == np.uint8


def test_the_answer_is_the_networks_brought_to_size_by_lanczos() -> None:
    loaded = compact()
    picture = frame(24, 30)
    background = RealEsrganBackground.load(loaded, CPU)
    net = CompactNet(4, 8, 2)
    net.load_state_dict(loaded.state)
    with torch.inference_mode():
        x = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255
        levels = net(x).clamp(0, 1)[0].permute(1, 2, 0).numpy() * 255
    whole = np.rint(levels).astype(np.uint8)
    assert np.abs(background.enlarge(picture, 4).rgb_u8.astype(int) - whole).max() <= 1
    shrunk = cv2.resize(background.enlarge(picture, 4).rgb_u8, (60, 48), interpolation=4)
    assert np.array_equal(background.enlarge(picture, 2).rgb_u8, shrunk)


@pytest.mark.parametrize("batch_size", [1, 3])
def test_tiles_of_the_compact_network_equal_the_whole(batch_size: int) -> None:
    picture = frame(60, 80)
    whole = RealEsrganBackground.load(compact(), CPU)
    tiled = RealEsrganBackground.load(compact(), CPU, tile_px=32, batch_size=batch_size)
    assert tiled.facts.halo_px == tiled.facts.reach_px == 4
    difference = tiled.enlarge(picture, 4).rgb_u8.astype(int) - whole.enlarge(picture, 4).rgb_u8
    assert np.abs(difference).max() <= 1  # a sum in another order may round the other way
    assert (difference != 0).mean() < 1e-3


def test_a_tile_that_reads_all_it_can_reach_equals_the_whole_for_the_large_network() -> None:
    loaded, picture = rrdb(2), frame(80, 96)
    whole = RealEsrganBackground.load(loaded, CPU)
    tiled = RealEsrganBackground.load(loaded, CPU, tile_px=88)
    assert whole.facts.reach_px == 38
    assert tiled.facts.halo_px == 38
    assert tiled.facts.blend_px == 0
    difference = tiled.enlarge(picture, 2).rgb_u8.astype(int) - whole.enlarge(picture, 2).rgb_u8
    assert np.abs(difference).max() <= 1


def test_an_odd_picture_is_mirrored_to_an_even_one_and_cut_again() -> None:
    background = RealEsrganBackground.load(rrdb(2), CPU)
    picture = frame(21, 33)
    mirrored = np.pad(picture, ((0, 1), (0, 1), (0, 0)), "reflect")
    got = background.enlarge(picture, 2).rgb_u8
    assert np.array_equal(got, background.enlarge(mirrored, 2).rgb_u8[:42, :66])


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 3)])
def test_tiny_pictures_have_an_answer(size: tuple[int, int]) -> None:
    for loaded in (rrdb(2), compact()):
        result = RealEsrganBackground.load(loaded, CPU).enlarge(frame(*size), 2)
        assert result.fallen_back is None
        assert result.rgb_u8.shape == (size[0] * 2, size[1] * 2, 3)


def failing_at(background: RealEsrganBackground, number: int, how: object) -> None:
    """Make the call of that number (from 1) go wrong: raise, or answer with ``how`` (a float)."""
    net, calls = background._net.forward, []

    def forward(*args: object) -> torch.Tensor:
        calls.append(1)
        answer = net(*args)  # type: ignore[arg-type]  # handed through as it came
        if len(calls) == number:
            if isinstance(how, Exception):
                raise how
            answer[0, 0, 3, 3] = how
        return answer

    background._net.forward = forward  # type: ignore[method-assign]  # the fault is the test


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (RuntimeError("cuDNN said no\nat length"), "RuntimeError: cuDNN said no"),
        (torch.OutOfMemoryError("CUDA out of memory"), "OutOfMemoryError: CUDA out of memory"),
        (MemoryError(), "MemoryError: no message"),
        (float("nan"), "1 of 12288 values of a tile are not finite"),
        (float("inf"), "1 of 12288 values of a tile are not finite"),
    ],
)
@pytest.mark.parametrize("number", [1, 3])
def test_a_failed_tile_gives_lanczos_for_the_frame_and_the_next_frame_is_drawn(
    number: int, how: object, words: str
) -> None:
    picture = frame(60, 80)
    background = RealEsrganBackground.load(compact(), CPU, tile_px=32)
    drawn = background.enlarge(picture, 2)
    failing_at(background, number, how)
    failed = background.enlarge(picture, 2)
    if isinstance(how, float):
        assert failed.fallen_back is not None
        assert failed.fallen_back.endswith("values of a tile are not finite")
    else:
        assert failed.fallen_back == words
    assert np.array_equal(failed.rgb_u8, enlarge(picture, 2))
    again = background.enlarge(picture, 2)
    assert again.fallen_back is None
    assert np.array_equal(again.rgb_u8, drawn.rgb_u8)


def test_the_same_frame_gives_the_same_bytes() -> None:
    picture = frame(60, 80)
    for precision in ("exact", "fast"):
        one = RealEsrganBackground.load(rrdb(2), CPU, tile_px=88, precision=precision)  # type: ignore[arg-type]  # a literal from the list above
        assert np.array_equal(one.enlarge(picture, 2).rgb_u8, one.enlarge(picture, 2).rgb_u8)


def test_bfloat16_stays_within_a_level_of_float32() -> None:
    picture = frame(40, 56)
    for loaded in (rrdb(2), compact()):
        exact = RealEsrganBackground.load(loaded, CPU).enlarge(picture, 2).rgb_u8
        fast = RealEsrganBackground.load(loaded, CPU, precision="fast").enlarge(picture, 2).rgb_u8
        assert np.abs(exact.astype(int) - fast).mean() < 1


def test_the_variants_are_mixed_by_share() -> None:
    plain, noisy = compact(0), compact(1)
    picture = frame(20, 20)
    mixed = RealEsrganBackground.load(plain, CPU, wdn=noisy, denoise=0.25)
    state = {k: 0.25 * v + 0.75 * noisy.state[k] for k, v in plain.state.items()}
    by_hand = RealEsrganBackground.load(LoadedModel("background", state, "x", plain.card), CPU)
    assert np.array_equal(mixed.enlarge(picture, 4).rgb_u8, by_hand.enlarge(picture, 4).rgb_u8)
    assert mixed.facts.denoise == 0.25
    assert mixed.facts.denoise_sha256 == noisy.sha256
    alone = RealEsrganBackground.load(plain, CPU).facts
    assert alone.denoise is None
    with pytest.raises(ValueError, match="second weights"):
        RealEsrganBackground.load(plain, CPU, denoise=0.5)
    with pytest.raises(ValueError, match=r"0\.\.1"):
        RealEsrganBackground.load(plain, CPU, denoise=1.5)
    with pytest.raises(ValueError, match="no room"):
        RealEsrganBackground.load(plain, CPU, tile_px=8)
    with pytest.raises(IntegrityError, match="counterpart"):
        RealEsrganBackground.load(plain, CPU, wdn=rrdb(2), denoise=0.5)


def test_weights_of_something_else_are_refused() -> None:
    for state in ({"a": torch.zeros(3)}, {"conv_first.weight": torch.zeros(64, 5, 3, 3)}):
        card = {"name": "n", "version": "0", "licence": "none"}
        with pytest.raises(IntegrityError, match="fit no known"):
            RealEsrganBackground.load(LoadedModel("background", state, "x", card), CPU)


def test_facts_name_what_ran() -> None:
    facts = RealEsrganBackground.load(rrdb(4), CPU, precision="fast", tile_px=256).facts
    assert facts == BackgroundFacts(
        method="realesrgan x4",
        model="small-x4",
        version="0",
        sha256="ab" * 32,
        licence="none",
        dtype="bfloat16",
        net_scale=4,
        tile_px=256,
        halo_px=19,
        reach_px=19,
        blend_px=0,
        batch_size=1,
    )
    full = RealEsrganBackground.load(model(RRDBNet(2, 8, 23, 4), "x"), CPU).facts
    assert (full.reach_px, full.halo_px, full.blend_px) == (698, 32, 8)
    assert LanczosBackground().facts == BackgroundFacts("lanczos4")


@pytest.mark.parametrize("background", [LanczosBackground(), "net"])
def test_wrong_input_is_refused(background: object) -> None:
    if background == "net":
        background = RealEsrganBackground.load(compact(), CPU)
    assert isinstance(background, LanczosBackground | RealEsrganBackground)
    with pytest.raises(ValueError, match="uint8"):
        background.enlarge(np.zeros((4, 4, 3), np.float32), 2)  # type: ignore[arg-type]  # that is the point
    with pytest.raises(ValueError, match="scale must be"):
        background.enlarge(np.zeros((4, 4, 3), np.uint8), 0.5)
    with pytest.raises(ValueError, match="pixels"):
        background.enlarge(np.zeros((0, 4, 3), np.uint8), 2)
