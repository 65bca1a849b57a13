"""Parsing against facexlib's own classes with random weights, and the mapping of parts by name."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np
import pytest
import torch
from facexlib.parsing.bisenet import BiSeNet
from facexlib.parsing.parsenet import ParseNet
from facexlib.utils.face_restoration_helper import FaceRestoreHelper

from forensics.errors import IntegrityError
from forensics.models.load import LoadedModel
from forensics.models.nets import bisenet, parsenet
from forensics.records import Failure
from forensics.restore.mask import FaceMask, feathered
from forensics.restore.parsing import FACE_PARTS, PartsParser, numbers_of
from forensics.restore.paste import PlacedFace
from forensics.restore.paste_upstream import paste_upstream

CPU = torch.device("cpu")
# Upstream's table (face_restoration_helper.py): 255 for each class of ParseNet that is pasted.
UPSTREAM_TABLE = [0, *[255] * 13, 0, 255, 0, 0, 0]


def seeded(net: torch.nn.Module, seed: int = 0) -> torch.nn.Module:
    """Random weights, and statistics as a trained network would have them."""
    generator = torch.Generator().manual_seed(seed)
    for name, value in net.state_dict().items():
        if name.endswith("running_var"):
            value.copy_(torch.rand(value.shape, generator=generator) + 0.5)
        elif value.is_floating_point() and value.ndim < 2:
            value.copy_(torch.rand(value.shape, generator=generator) * 0.4 + 0.8 * (".bn" in name))
        elif value.is_floating_point():
            value.copy_(torch.randn(value.shape, generator=generator) / value[0].numel() ** 0.5)
            if len(value) == len(bisenet.CLASSES):
                # Features are positive: without this one class would win everywhere.
                value.sub_(value.mean(1, keepdim=True))
    return net.eval()


def model(net: torch.nn.Module, name: str) -> LoadedModel:
    card = {"name": name, "version": "0", "licence": "none"}
    return LoadedModel("parser", dict(net.state_dict()), "cd" * 32, card)


def crop(seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 256, (512, 512, 3), np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 3)


def test_the_parts_of_a_face_are_upstreams_in_its_own_order() -> None:
    assert numbers_of(FACE_PARTS, parsenet.CLASSES) == tuple(
        number for number, value in enumerate(UPSTREAM_TABLE) if value
    )


def test_the_two_networks_know_the_same_parts_in_another_order() -> None:
    assert set(bisenet.CLASSES) == set(parsenet.CLASSES)
    assert len(bisenet.CLASSES) == len(parsenet.CLASSES) == 19
    assert (parsenet.CLASSES[13], parsenet.CLASSES[14], parsenet.CLASSES[15]) == (
        "hair",
        "hat",
        "ear_r",
    )
    assert (bisenet.CLASSES[17], bisenet.CLASSES[18], bisenet.CLASSES[9]) == (
        "hair",
        "hat",
        "ear_r",
    )
    chosen = numbers_of(FACE_PARTS, bisenet.CLASSES)
    left_out = {name for number, name in enumerate(bisenet.CLASSES) if number not in chosen}
    assert left_out == {"background", "hat", "neck", "neck_l", "cloth"}
    with pytest.raises(ValueError, match="knows no beard"):
        numbers_of(frozenset({"skin", "beard"}), bisenet.CLASSES)


def test_bisenets_scores_equal_facexlibs() -> None:
    official = seeded(BiSeNet(19))
    net = bisenet.load_bisenet(official.state_dict())
    x = torch.randn(1, 3, 128, 96)
    with torch.inference_mode():
        theirs, ours = official(x)[0], bisenet.bisenet_scores(net, x)
    assert float((theirs - ours).abs().max()) <= 1e-6
    assert float(theirs.std()) > 1e-3


def test_parsenets_scores_equal_facexlibs() -> None:
    official = seeded(ParseNet(512, 512, parsing_ch=19))
    net = parsenet.load_parsenet(official.state_dict())
    x = torch.randn(1, 3, 64, 96)
    with torch.inference_mode():
        theirs, ours = official(x)[0], parsenet.parsenet_scores(net, x)
    assert float((theirs - ours).abs().max()) <= 1e-6
    assert float(theirs.std()) > 1e-3


def test_a_mask_is_the_feather_of_the_classes_that_facexlib_finds() -> None:
    official = seeded(BiSeNet(19), seed=8)  # one whose classes vary over the picture
    parser = PartsParser("bisenet", model(official, "bisenet"), CPU)
    picture = crop()
    x = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255
    mean, spread = torch.tensor(bisenet.MEAN_01), torch.tensor(bisenet.SPREAD_01)
    with torch.inference_mode():
        found = official((x - mean.view(1, 3, 1, 1)) / spread.view(1, 3, 1, 1))[0].argmax(1)[0]
    names = np.array(bisenet.CLASSES)[found.numpy()]
    expected = feathered(np.isin(names, sorted(FACE_PARTS)), "bisenet")
    (mask,) = parser.masks([picture])
    assert isinstance(mask, FaceMask)
    assert 0.02 < np.isin(names, sorted(FACE_PARTS)).mean() < 0.98, "the maps tell parts apart"
    # An equal score may fall the other way by a rounding; a few pixels of that hardly show.
    assert np.abs(mask.soft - expected.soft).mean() < 1e-3
    assert parser.facts.sha256 == "cd" * 32
    assert (parser.facts.dtype, len(parser.facts.parts)) == ("float32", 14)


def test_a_mask_does_not_depend_on_the_crops_beside_it() -> None:
    parser = PartsParser("bisenet", model(seeded(BiSeNet(19)), "bisenet"), CPU, precision="fast")
    together = parser.masks([crop(0), crop(1)])
    for number, mask in enumerate(together):
        (alone,) = parser.masks([crop(number)])
        assert isinstance(mask, FaceMask)
        assert isinstance(alone, FaceMask)
        assert np.array_equal(mask.soft, alone.soft)


def test_a_parser_that_fails_gives_a_failure_and_no_mask() -> None:
    parser = PartsParser("bisenet", model(seeded(BiSeNet(19)), "bisenet"), CPU)

    def broken(x: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("out of memory")

    def spoilt(x: torch.Tensor) -> torch.Tensor:
        return torch.full((1, 19, 512, 512), float("nan"))

    for how, words in ((broken, "out of memory"), (spoilt, "not finite")):
        object.__setattr__(parser._parse, "scores", how)
        (result,) = parser.masks([crop()])
        assert isinstance(result, Failure)
        assert words in result.error
        assert result.stage == "paste"
    with pytest.raises(ValueError, match="512"):
        parser.masks([np.zeros((256, 256, 3), np.uint8)])


@pytest.mark.parametrize("kind", ["bisenet", "parsenet"])
def test_weights_of_another_network_are_refused(kind: Literal["bisenet", "parsenet"]) -> None:
    with pytest.raises(IntegrityError, match="do not fit"):
        PartsParser(kind, model(torch.nn.Linear(2, 2), "x"), CPU)


@pytest.mark.slow
def test_mask_and_paste_by_parsenet_equal_upstreams_bytes() -> None:
    official = seeded(ParseNet(512, 512, parsing_ch=19))
    restored, frame = crop(4), crop(5)[:150, :200]
    affine = np.array([[3.0, 0.4, -60.0], [-0.4, 3.0, 20.0]])
    helper = FaceRestoreHelper.__new__(FaceRestoreHelper)
    helper.upscale_factor, helper.face_size, helper.use_parse = 2, (512, 512), True
    helper.device, helper.face_parse = CPU, official
    helper.input_img, helper.save_ext = np.ascontiguousarray(frame[..., ::-1]), "png"
    helper.affine_matrices, helper.inverse_affine_matrices = [affine.copy()], []
    helper.restored_faces = [np.ascontiguousarray(restored[..., ::-1])]
    helper.get_inverse_affine()
    theirs = helper.paste_faces_to_input_image()[..., ::-1]
    parser = PartsParser("parsenet", model(official, "parsenet"), CPU)
    (mask,) = parser.masks([restored])
    assert isinstance(mask, FaceMask)
    ours = cv2.resize(frame, (400, 300), interpolation=cv2.INTER_LANCZOS4)
    paste_upstream(ours, [PlacedFace(restored, affine, 0, mask)], 2)
    difference = np.abs(theirs.astype(int) - ours)
    # A score that is equal to a rounding may choose the other class; one level is the bar.
    assert difference.max() <= 1
    assert (difference == 0).mean() > 0.999
    assert 0.05 < mask.soft.mean() < 0.95
