"""Official profiles, end to end: GFPGAN's own network at full size, with seeded random weights.

The weights draw nothing sensible; every other part is what casework runs: the catalogue, the
digests, RetinaFace with real weights, BiSeNet's mask, Real-ESRGAN with real weights, noise and
seeds, records, limits and the report.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from facexlib.parsing.bisenet import BiSeNet
from spandrel.architectures.GFPGAN.__arch.gfpganv1_clean_arch import GFPGANv1Clean

from forensics.errors import EnvironmentLacks
from forensics.evidence.lines import iter_faces, load_audit
from forensics.evidence.verify import verify
from forensics.models.nets.restorer import is_noise_weight
from forensics.records import Audit, FaceLine
from forensics.report.words import DEMONSTRATION_SENTENCE, FAST_SENTENCE
from tests.acceptance.conftest import run
from tests.acceptance.test_kinds import frame_png
from tests.bundle_checks import validate_bundle
from tests.models.cache import pth, put


def gfpgan() -> bytes:
    """Full size, seeded; noise strengths are not zero, so that noise matters."""
    torch.manual_seed(5)
    net = GFPGANv1Clean(
        out_size=512,
        num_style_feat=512,
        channel_multiplier=2,
        narrow=1,
        input_is_latent=True,
        different_w=True,
        sft_half=True,
    )
    state = net.state_dict()
    for name, value in state.items():
        if is_noise_weight(name):
            value.fill_(0.3)
    return pth({"params_ema": state})


def bisenet() -> bytes:
    torch.manual_seed(6)
    return pth(BiSeNet(num_class=19).state_dict())


def result(out: Path) -> tuple[Audit, list[FaceLine]]:
    assert verify(out).exit_code == 0
    assert validate_bundle(out) == []
    return load_audit(out), list(iter_faces(out))


@pytest.mark.slow
def test_gfpgan_from_the_catalogue_to_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shared_data: Path
) -> None:
    cache, models = tmp_path / "models", shared_data / "models"
    picture = frame_png(tmp_path / "frame.png")
    put(monkeypatch, cache, "gfpgan-1.4", gfpgan())
    put(monkeypatch, cache, "bisenet", bisenet())
    # The adapter tells the two backbones apart by their weights; only these are at hand.
    retinaface = next((models / "retinaface").glob("*.pth")).read_bytes()
    put(monkeypatch, cache, "retinaface-resnet50", retinaface)
    realesrgan = next((models / "realesrgan").glob("realesr-general-x4v3*")).read_bytes()
    put(monkeypatch, cache, "realesr-general-x4v3", realesrgan)

    common = ("--models", "gfpgan-1.4", "--precision", "fast", "--format", "html", "--no-label")
    runs = {
        "stored": ("--background", "realesr-general-x4v3"),
        "seven": ("--noise", "seed:7"),
        "again": ("--noise", "seed:7"),
        "eight": ("--noise", "seed:8"),
    }
    audits, faces = {}, {}
    for name, options in runs.items():
        assert run(picture, tmp_path / name, *common, *options) == 0
        audits[name], faces[name] = result(tmp_path / name)

    audit = audits["stored"]
    roles = {model.role: model.name for model in audit.models}
    assert roles["restorer"] == "gfpgan-1.4"
    assert (roles["parser"], roles["detector"]) == ("bisenet", "retinaface-resnet50")
    assert roles["background"] == audit.background.method == "realesr-general-x4v3"
    assert audits["seven"].background.method == "lanczos"
    assert audit.totals.faces_restored == audit.totals.faces == 2
    assert DEMONSTRATION_SENTENCE not in audit.limits
    assert FAST_SENTENCE in audit.limits
    assert not any(face.risk.calibrated for face in faces["stored"])
    html = (tmp_path / "stored" / "data" / "report" / "report.html").read_text("utf-8")
    assert DEMONSTRATION_SENTENCE not in html
    assert "native engine, precision fast, noise stored" in html

    assert [face.seed for face in faces["stored"]] == [None, None]
    seeds = [face.seed for face in faces["seven"]]
    assert len(set(seeds)) == 2
    assert None not in seeds
    assert seeds == [face.seed for face in faces["again"]]
    drawn = {name: [face.restored_sha256 for face in lines] for name, lines in faces.items()}
    assert drawn["seven"] == drawn["again"]
    assert not set(drawn["seven"]) & set(drawn["eight"])
    assert not set(drawn["seven"]) & set(drawn["stored"])


def test_what_is_not_fetched_is_named_at_once_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from forensics.choices import check_settings
    from forensics.config import Settings

    monkeypatch.setenv("FORENSICS_MODELS_DIR", str(tmp_path))
    settings = Settings(models="gfpgan-1.3", background="realesrgan-x2plus")
    with pytest.raises(EnvironmentLacks) as lacking:
        check_settings(settings)
    assert lacking.value.exit_code == 5
    for name in ("gfpgan-1.3", "retinaface-resnet50", "bisenet", "realesrgan-x2plus"):
        assert name in lacking.value.message
        assert name in lacking.value.hint
    assert "forensics models fetch" in lacking.value.hint
