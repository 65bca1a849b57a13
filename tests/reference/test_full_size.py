"""Reference engine at full size: upstream's constructors, seeded weights, the same bytes."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from forensics.errors import EnvironmentLacks, UsageError
from forensics.faces.align import align_face
from forensics.models.load import LoadedModel
from forensics.reference.build import ReferenceModels, arch_of, build_upsampler
from forensics.reference.engine import ReferenceEngine, rows_of
from forensics.reference.frame import ReferenceFrame
from forensics.reference.packages import official_classes
from forensics.restore.background import enlarge
from forensics.restore.choose import load_restorer
from forensics.restore.mask import FaceMask
from forensics.restore.parsing import PartsParser
from forensics.restore.paste import PlacedFace
from forensics.restore.paste_upstream import paste_upstream
from tests.reference import made

pytestmark = [pytest.mark.reference, pytest.mark.slow]


def _networks() -> dict[str, torch.nn.Module]:
    """GFPGAN, RetinaFace R50 and ParseNet with seeded weights; noise strengths are not zero."""
    official_classes()
    from facexlib.detection.retinaface import RetinaFace
    from facexlib.parsing.parsenet import ParseNet
    from gfpgan.archs.gfpganv1_clean_arch import GFPGANv1Clean

    torch.manual_seed(3)
    gfpgan = GFPGANv1Clean(
        512, 512, 2, None, False, 8, input_is_latent=True, different_w=True, narrow=1, sft_half=True
    )
    with torch.no_grad():
        for name, value in gfpgan.named_parameters():
            if name.startswith("stylegan_decoder") and value.numel() == 1:
                value.fill_(0.05)
    return {
        "restorer": gfpgan,
        "detector": RetinaFace("resnet50", device=torch.device("cpu")),
        "parser": ParseNet(in_size=512, out_size=512, parsing_ch=19),
    }


@pytest.fixture(scope="module")
def models() -> ReferenceModels:
    return ReferenceModels(**{role: made.model(role, net) for role, net in _networks().items()})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder: upstream puts its weights into the current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _unwrapped(models: ReferenceModels, folder: Path) -> Any:
    """`GFPGANer` built by hand, as inference_gfpgan.py does, from files in upstream's places."""
    weights = folder / "gfpgan/weights"
    weights.mkdir(parents=True)
    torch.save({"params_ema": models.restorer.state}, weights / "GFPGANv1.4.pth")
    torch.save(models.detector.state, weights / "detection_Resnet50_Final.pth")
    torch.save(models.parser.state, weights / "parsing_parsenet.pth")
    path = str(weights / "GFPGANv1.4.pth")
    return official_classes().gfpganer(model_path=path, upscale=2, device=made.CPU)


def test_gfpgan_at_full_size_gives_upstreams_bytes(models: ReferenceModels, folder: Path) -> None:
    engine = ReferenceEngine.load(models, made.CPU, noise="stored")
    assert list(folder.iterdir()) == []  # nothing was put beside the user's work
    frame = made.picture()
    result = engine.enhance(frame, made.TWO_FACES[:1])
    del engine
    assert isinstance(result, ReferenceFrame)

    plain = _unwrapped(models, folder)
    forward = plain.gfpgan.forward
    plain.gfpgan.forward = lambda x, **k: forward(x, **k, randomize_noise=False)
    plain.face_helper.face_det.detect_faces = lambda *_: rows_of(made.TWO_FACES[:1])
    with contextlib.redirect_stdout(io.StringIO()):
        crops, restored, picture = plain.enhance(frame[..., ::-1].copy(), paste_back=True)
    (only,) = result.faces
    assert only.crop_rgb_u8 is not None
    assert only.restored_rgb_u8 is not None
    assert np.array_equal(only.crop_rgb_u8, crops[0][..., ::-1])
    assert np.array_equal(only.restored_rgb_u8, restored[0][..., ::-1])
    assert np.array_equal(result.picture_rgb_u8, picture[..., ::-1])
    assert np.ptp(restored[0]) > 20  # a picture, not a flat field


def test_our_engine_under_upstream_compat_gives_the_same_picture(
    models: ReferenceModels, folder: Path
) -> None:
    """The whole way, each side by itself: align, restore, enlarge, mask, paste."""
    frame = made.picture()
    engine = ReferenceEngine.load(models, made.CPU, noise="stored")
    theirs = engine.enhance(frame, made.TWO_FACES[:1])
    del engine
    assert isinstance(theirs, ReferenceFrame)
    points = np.asarray(theirs.faces[0].landmarks_px)
    aligned = align_face(frame, points, upstream_compat=True)
    assert np.array_equal(aligned.crop_rgb_u8, theirs.faces[0].crop_rgb_u8)
    restorer = load_restorer(models.restorer, made.CPU, precision="exact", noise="stored")
    (drawn,) = restorer.restore([aligned.crop_rgb_u8])
    assert isinstance(drawn, np.ndarray)
    off = np.abs(drawn.astype(int) - theirs.faces[0].restored_rgb_u8)
    # 1e-4 of [-1, 1] may round to another level; it is one level, in few places.
    assert off.max() <= 1
    assert (off > 0).mean() < 0.001
    (mask,) = PartsParser("parsenet", models.parser, made.CPU).masks([drawn])
    assert isinstance(mask, FaceMask)
    picture = enlarge(frame, 2)
    paste_upstream(picture, [PlacedFace(drawn, aligned.affine, 0, mask)], 2)
    apart = np.abs(picture.astype(int) - theirs.picture_rgb_u8)
    assert apart.max() <= 2
    assert (apart > 1).mean() < 0.001


def test_restoreformer_is_known_by_its_tensors(models: ReferenceModels, folder: Path) -> None:
    from gfpgan.archs.restoreformer_arch import RestoreFormer

    torch.manual_seed(4)
    restorer = made.model("restorer", RestoreFormer())
    assert (arch_of(models.restorer), arch_of(restorer)) == ("clean", "RestoreFormer")
    other = ReferenceModels(restorer, models.detector, models.parser)
    engine = ReferenceEngine.load(other, made.CPU)
    assert engine.facts.deterministic  # it draws no noise
    result = engine.enhance(made.picture(), made.TWO_FACES[:1])
    assert isinstance(result, ReferenceFrame)
    assert isinstance(result.faces[0].restored, np.ndarray)


def test_real_esrgan_x2_behind(models: ReferenceModels, folder: Path) -> None:
    from basicsr.archs.rrdbnet_arch import RRDBNet

    torch.manual_seed(5)
    net = RRDBNet(3, 3, num_feat=64, num_block=23, num_grow_ch=32, scale=2)
    upsampler = made.model("background", net)
    whole = ReferenceModels(models.restorer, models.detector, models.parser, upsampler)
    engine = ReferenceEngine.load(whole, made.CPU, background="realesrgan-x2plus", tile_px=32)
    result = engine.enhance(made.picture(size=(48, 64)), ())
    assert isinstance(result, ReferenceFrame)
    assert (result.faces, result.background_failure) == ((), None)
    assert result.picture_rgb_u8.shape == (96, 128, 3)
    assert engine.facts.tile_px == 32


def test_what_does_not_fit_is_refused(models: ReferenceModels, folder: Path) -> None:
    whole = ReferenceModels(models.restorer, models.detector, models.parser, models.parser)
    with pytest.raises(EnvironmentLacks, match="realesrgan-x4plus"):
        ReferenceEngine.load(models, made.CPU, background="realesrgan-x4plus")
    with pytest.raises(UsageError, match="realesr-general-x4v3"):
        ReferenceEngine.load(whole, made.CPU, background="realesr-general-x4v3")
    with pytest.raises(UsageError, match="no such background"):
        ReferenceEngine.load(whole, made.CPU, background="nearest")
    swapped = ReferenceModels(models.restorer, models.detector, models.detector)
    with pytest.raises(UsageError, match="ParseNet"):
        ReferenceEngine.load(swapped, made.CPU)


def test_the_real_x4v3_runs_as_background(
    models: ReferenceModels, folder: Path, shared_data: Path
) -> None:
    path = shared_data / "models/realesrgan/realesr-general-x4v3_from_ncnn_fp16.pth"
    state = {k: v.float() for k, v in torch.load(path, weights_only=True)["params"].items()}
    net = LoadedModel("background", state, "0" * 64, {})
    upsampler = build_upsampler(official_classes(), net, "realesr-general-x4v3", made.CPU)
    frame = made.picture(size=(48, 64))
    result = upsampler.enhance(frame[..., ::-1].copy(), outscale=2)[0][..., ::-1]
    assert result.shape == (96, 128, 3)
    # A real network keeps the picture: block means stay where they were.
    small = result.reshape(6, 16, 8, 16, 3).mean((1, 3))
    assert np.abs(small - frame.reshape(6, 8, 8, 8, 3).mean((1, 3))).mean() < 6
