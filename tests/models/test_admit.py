"""``models add``: only what is shown to be a face restorer at 512 px is taken in."""

from __future__ import annotations

import hashlib
import json
import pickle
from pathlib import Path

import pytest
import safetensors.torch
import torch

from forensics.errors import InputError, IntegrityError, UsageError
from forensics.models import admit
from forensics.models.admit import add
from forensics.models.catalogue import entries
from forensics.models.converted import record_path
from forensics.models.load import load_third_party
from forensics.models.profiles import profile
from forensics.models.state_digest import state_sha256
from forensics.models.third_party import added_path, read_third_party, weights_path
from tests.models.cache import pth, put

State = dict[str, torch.Tensor]
TRIAL = admit._try


@pytest.fixture(scope="session")
def small_restorer() -> State:
    """RestoreFormer as spandrel knows it, with few channels: 0.5 million random numbers."""
    from spandrel.architectures.RestoreFormer import RestoreFormer

    torch.manual_seed(7)
    net = RestoreFormer(
        n_embed=8,
        embed_dim=32,
        ch=32,
        out_ch=3,
        ch_mult=(1, 1, 1, 1, 1, 1),
        num_res_blocks=1,
        attn_resolutions=(16,),
        dropout=0.0,
        in_channels=3,
        resolution=512,
        z_channels=32,
        double_z=False,
        enable_mid=True,
        head_size=8,
    )
    return {name: tensor.clone() for name, tensor in net.state_dict().items()}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FORENSICS_MODELS_DIR", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture(autouse=True)
def _no_trial(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """One grey picture costs seconds; the tests that are about it run it."""
    if not request.node.get_closest_marker("slow"):
        monkeypatch.setattr(admit, "_try", lambda *_: None)


@pytest.fixture
def file(tmp_path: Path, small_restorer: State) -> Path:
    path = tmp_path / "Tuned v2.pth"
    path.write_bytes(pth({"params_ema": small_restorer}))
    return path


def test_a_restorer_is_recorded_with_both_digests_and_loads(
    file: Path, small_restorer: State
) -> None:
    added = add("tuned", file, "CC BY 4.0")
    assert added == read_third_party("tuned")
    assert added.architecture == "RestoreFormer"
    assert added.recognised_by.startswith("spandrel 0.")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert added.conversion.file_sha256 == digest
    assert added.conversion.state_sha256 == state_sha256(weights_path("tuned").read_bytes())
    model = load_third_party("tuned")
    assert (model.role, model.sha256) == ("restorer", digest)
    assert model.card["kind"] == "third-party"
    assert model.card["licence"] == "CC BY 4.0"
    assert model.card["architecture"] == "RestoreFormer"
    assert set(model.state) == set(small_restorer)
    for name, tensor in small_restorer.items():
        torch.testing.assert_close(model.state[name], tensor, rtol=0, atol=0)
    known = profile("tuned")
    assert (known.kind, known.restorer) == ("third-party", "tuned")
    assert known.fetched() == ("retinaface-resnet50", "bisenet")
    listed = {entry.name: entry for entry in entries(check=True)}["tuned"]
    assert (listed.kind, listed.state, listed.origin) == ("third-party", "present", "added")
    assert listed.sha256 == digest
    assert listed.profiles == ("tuned",)
    detector = {entry.name: entry for entry in entries()}["retinaface-resnet50"]
    assert "tuned" in detector.profiles


def test_the_given_file_is_not_needed_again(file: Path) -> None:
    added = add("tuned", file)
    file.unlink()
    assert load_third_party("tuned").card["state_sha256"] == added.conversion.state_sha256


def test_the_same_file_is_accepted_again_and_another_is_not(
    file: Path, small_restorer: State
) -> None:
    first = add("tuned", file)
    assert add("tuned", file) == first
    changed = dict(small_restorer)
    changed["quantize.embedding.weight"] = changed["quantize.embedding.weight"] + 1
    file.write_bytes(pth(changed))
    with pytest.raises(UsageError, match="another file was added as 'tuned'"):
        add("tuned", file)
    assert read_third_party("tuned") == first


def test_safetensors_are_taken_as_well_and_have_the_same_tensors(
    file: Path, tmp_path: Path, small_restorer: State
) -> None:
    other = tmp_path / "tuned.safetensors"
    other.write_bytes(safetensors.torch.save(small_restorer))
    one, two = add("one", file), add("two", other)
    assert one.conversion.file_sha256 != two.conversion.file_sha256
    assert one.conversion.state_sha256 == two.conversion.state_sha256


@pytest.mark.parametrize(
    "name", ["", "Tuned", "a/b", "..", "-x", "ä", "a" * 65, "embedded", "gfpgan-1.4", "bisenet"]
)
def test_names_that_are_none_or_taken_are_wrong_use(file: Path, name: str, folder: Path) -> None:
    with pytest.raises(UsageError, match="name"):
        add(name, file)
    assert not folder.exists()


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for path in (tmp_path / "gone.pth", tmp_path):
        with pytest.raises(UsageError, match="there is no file"):
            add("tuned", path)


def _touch(path: str) -> None:
    Path(path).touch()


class Code:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, ...]:
        return (_touch, (str(self.marker),))


def test_pickled_code_never_runs(tmp_path: Path, folder: Path) -> None:
    marker, path = tmp_path / "executed", tmp_path / "evil.pth"
    for raw in (pickle.dumps(Code(marker)), pth({"params_ema": {"a": Code(marker)}})):
        path.write_bytes(raw)
        with pytest.raises(InputError, match="something else than weights") as caught:
            add("tuned", path)
        assert caught.value.exit_code == 3
    assert not marker.exists()
    assert not folder.exists()


@pytest.mark.parametrize("raw", [b"", b"not weights", b"PK\x03\x04rest", b"\x80\x02."])
def test_bytes_that_are_no_weights(tmp_path: Path, folder: Path, raw: bytes) -> None:
    path = tmp_path / "x.pth"
    path.write_bytes(raw)
    with pytest.raises(InputError):
        add("tuned", path)
    assert not folder.exists()


def test_numbers_that_are_not_in_the_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.pth"
    path.write_bytes(pth({"a": torch.zeros(1).expand(1_000_000, 1_000_000)}))
    with pytest.raises(InputError, match="claims 4000000000000 bytes"):
        add("tuned", path)


def test_an_archive_that_unpacks_to_more_than_it_is(tmp_path: Path) -> None:
    import io
    import zipfile

    packed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(pth({"a": torch.zeros(5_000_000)}))) as plain,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as small,
    ):
        for entry in plain.infolist():
            small.writestr(entry.filename, plain.read(entry))
    path = tmp_path / "x.pth"
    path.write_bytes(packed.getvalue())
    with pytest.raises(InputError, match="unpacks to 2000"):
        add("tuned", path)


@pytest.mark.parametrize(
    "odd",
    [
        torch.zeros(2, 2).to_sparse(),
        torch.zeros(2, dtype=torch.complex64),
        torch.zeros(2, device="meta"),
    ],
    ids=["sparse", "complex", "meta"],
)
def test_tensors_of_odd_kinds(tmp_path: Path, odd: torch.Tensor) -> None:
    path = tmp_path / "x.pth"
    path.write_bytes(pth({"a": odd}))
    with pytest.raises(InputError):
        add("tuned", path)


def test_a_dict_that_holds_itself(tmp_path: Path) -> None:
    import io

    endless: dict[str, object] = {}
    endless["params"] = endless
    stream = io.BytesIO()
    torch.save(endless, stream)
    path = tmp_path / "x.pth"
    path.write_bytes(stream.getvalue())
    with pytest.raises(InputError, match="state dict"):
        add("tuned", path)


def test_a_broken_safetensors_file(tmp_path: Path, small_restorer: State) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(safetensors.torch.save(small_restorer)[:-10])
    with pytest.raises(InputError, match="no whole safetensors file"):
        add("tuned", path)


def test_what_spandrel_does_not_know(tmp_path: Path) -> None:
    path = tmp_path / "x.pth"
    path.write_bytes(pth({"layer.weight": torch.ones(3, 3)}))
    with pytest.raises(InputError, match=r"does not recognise: 1 tensors, first 'layer\.weight'"):
        add("tuned", path)


def test_an_enlarger_is_no_face_restorer(shared_data: Path) -> None:
    path = shared_data / "models/realesrgan/realesr-general-x4v3_from_ncnn_fp16.pth"
    with pytest.raises(InputError, match="no face restorer at 512 px: spandrel finds") as caught:
        add("tuned", path)
    assert "enlarger, scale 4, 3 channels in, 3 out" in caught.value.message


def test_a_detector_is_no_face_restorer(shared_data: Path) -> None:
    with pytest.raises(UsageError, match=r"is the official retinaface-mobile0\.25"):
        add("tuned", shared_data / "models/retinaface/detection_mobilenet0.25_Final.pth")


def test_layers_that_do_not_fit_are_named(tmp_path: Path, small_restorer: State) -> None:
    path = tmp_path / "x.pth"
    missing = {k: v for k, v in small_restorer.items() if k != "decoder.conv_in.weight"}
    path.write_bytes(pth(missing))
    with pytest.raises(InputError, match=r"is not one: .*decoder\.conv_in\.weight"):
        add("tuned", path)


def test_numbers_that_are_not_finite(tmp_path: Path, small_restorer: State) -> None:
    path = tmp_path / "x.pth"
    bad = small_restorer["decoder.conv_in.weight"].clone()
    bad[0] = float("nan")
    path.write_bytes(pth({**small_restorer, "decoder.conv_in.weight": bad}))
    with pytest.raises(InputError, match=r"decoder\.conv_in\.weight holds numbers"):
        add("tuned", path)


class Answering:
    """A descriptor whose network answers as it is told."""

    def __init__(self, answer: torch.Tensor | Exception) -> None:
        self.answer = answer

    def float(self) -> Answering:
        return self

    def eval(self) -> Answering:
        return self

    def __call__(self, picture_01: torch.Tensor) -> torch.Tensor:
        assert picture_01.shape == (1, 3, 512, 512)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (torch.full((1, 3, 512, 512), float("nan")), "not finite"),
        (torch.zeros(1, 3, 1024, 1024), "1024"),
        (RuntimeError("size mismatch"), "cannot restore a 512 px picture: size mismatch"),
    ],
)
def test_a_network_that_cannot_restore_a_grey_picture(
    answer: torch.Tensor | Exception, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        TRIAL(Answering(answer), "x.pth")


def test_an_official_file_is_used_under_its_own_name(
    file: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(monkeypatch, folder, "restoreformer", file.read_bytes())
    with pytest.raises(UsageError, match="is the official restoreformer"):
        add("tuned", file)


@pytest.mark.parametrize("what", ["weights", "gone", "record", "digests", "another's"])
def test_what_was_altered_later_is_refused(file: Path, what: str) -> None:
    add("tuned", file)
    weights, record = weights_path("tuned"), added_path("tuned")
    if what == "weights":
        raw = bytearray(weights.read_bytes())
        raw[-1] ^= 1
        weights.write_bytes(raw)
    elif what == "gone":
        weights.unlink()
    elif what == "record":
        record.write_text("{}")
    elif what == "digests":
        document = json.loads(record.read_text())
        document["conversion"]["state_sha256"] = "0" * 64
        record.write_text(json.dumps(document))
    else:
        record.rename(added_path("other"))
        record = added_path("other")
    name = record.name.removesuffix(".added.json")
    with pytest.raises(IntegrityError) as caught:
        load_third_party(name)
    assert caught.value.exit_code == 4
    listed = {entry.name: entry for entry in entries(check=True)}[name]
    assert listed.state == "altered"
    assert listed.problem
    if what in ("weights", "gone", "digests"):
        assert caught.value.hint == (
            "Run 'forensics models add tuned FILE' again with the file it came from."
        )
        add("tuned", file)
        assert load_third_party("tuned").state


def test_an_interrupted_add_is_not_listed(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(admit, "write_whole", stop)
        with pytest.raises(KeyboardInterrupt):
            add("tuned", file)
    assert "tuned" not in {entry.name for entry in entries()}
    assert record_path(weights_path("tuned")).exists()
    add("tuned", file)
    assert "tuned" in {entry.name for entry in entries()}


@pytest.mark.slow
def test_a_small_restorer_restores_a_grey_picture(file: Path) -> None:
    assert add("tuned", file).architecture == "RestoreFormer"


@pytest.mark.slow
def test_gfpgan_at_full_size(tmp_path: Path) -> None:
    from spandrel.architectures.GFPGAN import GFPGAN

    torch.manual_seed(3)
    net = GFPGAN(
        out_size=512,
        num_style_feat=512,
        channel_multiplier=2,
        decoder_load_path=None,
        fix_decoder=False,
        num_mlp=8,
        input_is_latent=True,
        different_w=True,
        narrow=1,
        sft_half=True,
    )
    path = tmp_path / "mine.pth"
    torch.save({"params_ema": net.state_dict()}, path)
    expected = {name: float(t.double().sum()) for name, t in net.state_dict().items()}
    del net
    assert add("mine", path).architecture == "GFPGAN"
    path.unlink()
    state = load_third_party("mine").state
    assert {name: float(t.double().sum()) for name, t in state.items()} == expected
