"""Official weights: hashed at every load, opened weights_only once, converted, compared again."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import pickle
import random
from pathlib import Path

import pytest
import torch

from forensics.errors import EnvironmentLacks, InputError, IntegrityError, UsageError
from forensics.models import load
from forensics.models.catalogue import entries
from forensics.models.converted import convert, pack, record_path, state_of
from forensics.models.load import converted_path, load_official, official_bytes
from forensics.models.official import official
from forensics.models.state_digest import state_sha256
from tests.models.cache import pth, put

STATE = {
    "a.weight": torch.arange(6, dtype=torch.float32).reshape(2, 3),
    "a.half": torch.tensor([0.5, 1.5], dtype=torch.float16),
    "a.count": torch.tensor(3, dtype=torch.int64),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def bisenet(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    put(monkeypatch, folder, "bisenet", pth(STATE))
    return folder / "parsing_bisenet.pth"


def test_what_is_loaded_is_what_was_hashed(bisenet: Path) -> None:
    model = load_official("bisenet")
    assert model.role == "parser"
    assert model.sha256 == hashlib.sha256(bisenet.read_bytes()).hexdigest()
    assert set(model.state) == set(STATE)
    torch.testing.assert_close(model.state["a.weight"], STATE["a.weight"], rtol=0, atol=0)
    assert model.state["a.half"].dtype == torch.float32
    assert model.state["a.count"].dtype == torch.int64
    card = model.card
    assert card["name"] == "bisenet"
    assert card["file"] == "parsing_bisenet.pth"
    assert card["source"] == official("bisenet").url
    assert card["sha256"] == model.sha256
    assert "CelebAMask-HQ" in card["notice"]
    assert card["non_commercial"] == ["training pictures CelebAMask-HQ (non-commercial)"]


def test_the_file_is_unpickled_once_and_both_digests_are_kept(
    bisenet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = load_official("bisenet")
    copy = converted_path(official("bisenet"))
    record = json.loads(record_path(copy).read_text())
    assert record["file_sha256"] == first.sha256
    assert record["state_sha256"] == first.card["state_sha256"] == state_sha256(copy.read_bytes())

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("opened as a pickle again")

    monkeypatch.setattr(torch, "load", refuse)
    second = load_official("bisenet")
    assert second.card == first.card
    for name, tensor in first.state.items():
        torch.testing.assert_close(second.state[name], tensor, rtol=0, atol=0)


@pytest.mark.parametrize("key", ["params_ema", "params", "state_dict"])
def test_nested_weights_are_unwrapped(
    key: str, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    put(monkeypatch, folder, "bisenet", pth({key: STATE, "params_other": {}}))
    assert set(load_official("bisenet").state) == set(STATE)


def test_averaged_weights_go_before_others_and_wrappers_lose_their_prefix(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    nested = {"params": {"module.w": torch.zeros(2)}, "params_ema": {"module.w": torch.ones(2)}}
    put(monkeypatch, folder, "bisenet", pth(nested))
    assert load_official("bisenet").state["w"].tolist() == [1.0, 1.0]


def test_an_absent_file_names_the_command_that_fetches_it(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setenv("FORENSICS_MODELS_DIR", str(folder))
    with pytest.raises(EnvironmentLacks, match=r"'gfpgan-1\.4' is not fetched") as caught:
        load_official("gfpgan-1.4")
    assert caught.value.exit_code == 5
    assert "'forensics models fetch gfpgan-1.4 --accept-licence'" in caught.value.hint
    with pytest.raises(EnvironmentLacks) as caught:
        official_bytes("realesrgan-x2plus")
    assert "'forensics models fetch realesrgan-x2plus'" in caught.value.hint


@pytest.mark.parametrize("converted", [False, True])
def test_an_altered_file_is_refused_and_left_alone(bisenet: Path, converted: bool) -> None:
    if converted:
        load_official("bisenet")
    raw = bytearray(bisenet.read_bytes())
    raw[len(raw) // 2] ^= 1
    bisenet.write_bytes(raw)
    with pytest.raises(IntegrityError, match=r"parsing_bisenet\.pth is not the official") as caught:
        load_official("bisenet")
    assert caught.value.exit_code == 4
    assert bisenet.read_bytes() == raw


def test_the_file_must_be_here_even_when_its_copy_is(bisenet: Path) -> None:
    load_official("bisenet")
    bisenet.unlink()
    with pytest.raises(EnvironmentLacks, match="not fetched"):
        load_official("bisenet")


@pytest.mark.parametrize("what", ["copy", "gone", "record", "state digest"])
def test_a_converted_copy_that_differs_is_refused(bisenet: Path, what: str) -> None:
    load_official("bisenet")
    copy = converted_path(official("bisenet"))
    record = record_path(copy)
    if what == "copy":
        raw = bytearray(copy.read_bytes())
        raw[-1] ^= 1
        copy.write_bytes(raw)
    elif what == "gone":
        copy.unlink()
    elif what == "record":
        record.write_text("{}")
    else:
        document = json.loads(record.read_text())
        record.write_text(json.dumps(document | {"state_sha256": "0" * 64}))
    with pytest.raises(IntegrityError) as caught:
        load_official("bisenet")
    assert "made again" in caught.value.hint
    copy.unlink(missing_ok=True)
    record.unlink()
    assert set(load_official("bisenet").state) == set(STATE)


def test_a_copy_whose_record_was_renewed_is_found_by_the_deep_check(
    bisenet: Path,
) -> None:
    honest = load_official("bisenet").card["state_sha256"]
    other = {name: tensor + 1 for name, tensor in STATE.items()}
    convert(official("bisenet").sha256, other, converted_path(official("bisenet")))

    def state(*, deep: bool) -> str:
        found = {entry.name: entry for entry in entries(check=True, deep=deep)}["bisenet"]
        return found.state

    assert state(deep=False) == "present"
    assert state(deep=True) == "altered"
    # What is recorded of a run is the digest of the tensors that were really read.
    assert load_official("bisenet").card["state_sha256"] != honest
    for path in converted_path(official("bisenet")).parent.iterdir():
        path.unlink()
    assert load_official("bisenet").card["state_sha256"] == honest
    assert state(deep=True) == "present"


def test_a_copy_of_another_file_is_made_again(
    bisenet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_official("bisenet")
    other = {"a.weight": torch.full((2, 3), 7.0)}
    put(monkeypatch, bisenet.parent, "bisenet", pth(other))
    assert load_official("bisenet").state["a.weight"].unique().tolist() == [7.0]
    assert load_official("bisenet").state["a.weight"].unique().tolist() == [7.0]


def test_a_folder_that_cannot_be_written_costs_the_copy_alone(
    bisenet: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(load, "convert", refuse)
    with caplog.at_level(logging.WARNING):
        model = load_official("bisenet")
    assert "no converted copy of parsing_bisenet.pth is kept" in caplog.text
    assert len(model.card["state_sha256"]) == 64
    assert not converted_path(official("bisenet")).exists()


class Code:
    """What a hostile file does when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.marker,))


def test_pickled_code_never_runs(
    monkeypatch: pytest.MonkeyPatch, folder: Path, tmp_path: Path
) -> None:
    marker = tmp_path / "executed"
    for raw in (pickle.dumps(Code(marker)), pth({"a": Code(marker)})):
        put(monkeypatch, folder, "bisenet", raw)
        with pytest.raises(InputError, match="something else than weights"):
            load_official("bisenet")
    assert not marker.exists()
    assert not converted_path(official("bisenet")).exists()


@pytest.mark.parametrize(
    "content",
    [[1, 2], {}, {"a": torch.ones(1), "b": "text"}, {"a": 1}, {"params": {"params": {}}}],
    ids=["list", "empty", "text inside", "number", "nothing inside"],
)
def test_what_is_no_state_dict_is_refused(
    content: object, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    stream = io.BytesIO()
    torch.save(content, stream)
    put(monkeypatch, folder, "bisenet", stream.getvalue())
    with pytest.raises(InputError, match="state dict"):
        load_official("bisenet")


@pytest.mark.parametrize("form", ["zip", "legacy", "safetensors"])
def test_changed_bytes_give_tensors_or_one_message(form: str) -> None:
    stream = io.BytesIO()
    torch.save({"params": STATE}, stream, _use_new_zipfile_serialization=form == "zip")
    raw = pack(STATE) if form == "safetensors" else stream.getvalue()
    chance = random.Random(form)
    refused = 0
    for _ in range(150):
        changed = bytearray(raw)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(changed))
            what = chance.random()
            if what < 0.6:
                changed[at] = chance.randrange(256)
            elif what < 0.8:
                del changed[max(1, at) :]
            else:
                changed[at:at] = chance.randbytes(3)
        try:
            pack(state_of(bytes(changed), "x"))
        except InputError:
            refused += 1
    assert refused > 100


def test_torchscript_is_refused(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    import warnings

    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        torch.jit.save(torch.jit.script(torch.nn.ReLU()), stream)
    put(monkeypatch, folder, "bisenet", stream.getvalue())
    with pytest.raises(InputError, match="something else than weights"):
        load_official("bisenet")


def test_unknown_names_and_onnx_are_wrong_use(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    with pytest.raises(UsageError, match="no model named 'gfpgan'"):
        load_official("gfpgan")
    put(monkeypatch, folder, "yunet-2023mar", b"onnx")
    with pytest.raises(UsageError, match="ONNX"):
        load_official("yunet-2023mar")
    assert official_bytes("yunet-2023mar") == b"onnx"


def test_the_real_files_at_hand_open(
    shared_data: Path, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    detector = shared_data / "models/retinaface/detection_mobilenet0.25_Final.pth"
    monkeypatch.setenv("FORENSICS_MODELS_DIR", str(folder))
    folder.mkdir()
    (folder / detector.name).write_bytes(detector.read_bytes())
    model = load_official("retinaface-mobile0.25")  # its official digest, unchanged
    assert sum(t.numel() for k, t in model.state.items() if "num_batches" not in k) > 400_000
    upscaler = shared_data / "models/realesrgan/realesr-general-x4v3_from_ncnn_fp16.pth"
    put(monkeypatch, folder, "realesr-general-x4v3", upscaler.read_bytes())
    assert load_official("realesr-general-x4v3").state["body.0.weight"].shape == (64, 3, 3, 3)
