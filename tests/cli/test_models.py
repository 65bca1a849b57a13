"""``forensics models`` as a person uses it: list, fetch, verify, add, and their exit codes."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from forensics.cli import models as command
from forensics.cli.app import main
from forensics.models import fetch as fetching
from forensics.models.download import Patience
from tests.models.cache import put, redigest
from tests.models.server import Server, cut, serving, status, whole

SIZES = {"gfpgan-1.4": 900_000, "retinaface-resnet50": 500_000, "bisenet": 300_000}
RAW = {name: random.Random(name).randbytes(size) for name, size in SIZES.items()}


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as record:
        yield record


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FORENSICS_MODELS_DIR", str(tmp_path / "models"))
    quick = Patience(connect_s=10, read_s=10, pause_s=0.0)
    monkeypatch.setattr(fetching, "Patience", lambda: quick)
    return tmp_path / "models"


@pytest.fixture
def profile(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The profile gfpgan-1.4 with other digests, at this machine's server."""
    for name, raw in RAW.items():
        row = redigest(monkeypatch, name, raw, server.url(f"/{name}"))
        server.routes[f"/{name}"] = whole(raw)
        server.routes[f"/pub/{row.file}"] = whole(raw)
    return server


def run(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr(sys, "argv", ["forensics", "models", *map(str, words)])
    with pytest.raises(SystemExit) as caught:
        main()
    return int(caught.value.code or 0)


def states(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    capsys.readouterr()
    assert run(monkeypatch, "list", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    return {m["name"]: m["state"] for m in document["models"]}


def test_list_shows_name_role_licence_state_and_profile(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "list") == 0
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("parsenet "))
    assert "[parser]" in lines[at]
    assert "not fetched" in lines[at]
    assert "gfpgan-1.4 (upstream-compat)" in lines[at]
    assert "CC BY-NC-SA 4.0" in lines[at + 1]
    assert len([line for line in lines if line.startswith("embedded-")]) == 8


def test_list_as_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "list", "--json") == 0
    models = {m["name"]: m for m in json.loads(capsys.readouterr().out)["models"]}
    assert len(models) == 25
    row = models["gfpgan-1.4"]
    assert row["kind"] == "official"
    assert row["bytes"] == 348632874
    assert row["agreeing_sources"] == "at least 12"
    assert row["commercial_use"] == "unclear"
    assert row["profiles"] == ["gfpgan-1.4"]
    assert row["origin"] is None
    assert models["bisenet"]["profiles"] == ["gfpgan-1.3", "gfpgan-1.4", "restoreformer"]


def test_the_first_screen_tells_terms_and_calibration_and_agreement_is_asked_for(
    profile: Server,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(monkeypatch, "fetch", "gfpgan-1.4") == 2
    err = capsys.readouterr().err
    assert "To fetch: 3 of 3 files, 1.7 MB." in err
    assert "DFDNet (CC BY-NC-SA 4.0)" in err
    assert "public sources that agree: at least 12" in err
    assert "No calibration for gfpgan-1.4 exists here" in err
    assert "forensics calibrate --models gfpgan-1.4 --portraits DIR" in err
    assert "realesrgan-x2plus (the background on a GPU)" in err
    assert "--accept-licence" in err
    assert "Nothing was fetched" in err
    assert profile.asked == []
    assert not folder.exists()


def test_a_profile_is_fetched_and_verified(
    profile: Server,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    profile.routes["/bisenet"] = cut(RAW["bisenet"], 100_000)
    assert run(monkeypatch, "fetch", "gfpgan-1.4", "--accept-licence") == 0
    err = capsys.readouterr().err
    assert "GFPGANv1.4.pth: fetched; its digest matches" in err
    assert (folder / "GFPGANv1.4.pth").read_bytes() == RAW["gfpgan-1.4"]
    assert (folder / "parsing_bisenet.pth").read_bytes() == RAW["bisenet"]
    assert states(monkeypatch, capsys)["retinaface-resnet50"] == "present"
    assert run(monkeypatch, "verify") == 0
    assert "11 checked, 0 altered, 14 not fetched." in capsys.readouterr().err
    asked = len(profile.asked)
    assert run(monkeypatch, "fetch", "gfpgan-1.4") == 0  # agreed once
    assert "was here already" in capsys.readouterr().err
    assert len(profile.asked) == asked


def test_a_mirror_named_by_the_environment(
    profile: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORENSICS_MIRROR", profile.url("/pub"))
    assert run(monkeypatch, "fetch", "retinaface-resnet50") == 0
    assert [asked.path for asked in profile.asked] == ["/pub/detection_Resnet50_Final.pth"]
    assert "from the mirror" in capsys.readouterr().err


def test_two_names_one_of_them_not_to_be_had(
    profile: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    profile.routes["/bisenet"] = status(404)
    assert run(monkeypatch, "fetch", "bisenet", "retinaface-resnet50", "--accept-licence") == 5
    err = capsys.readouterr().err
    assert "detection_Resnet50_Final.pth: fetched" in err
    assert "parsing_bisenet.pth is not at" in err
    assert "Traceback" not in err
    found = states(monkeypatch, capsys)
    assert (found["bisenet"], found["retinaface-resnet50"]) == ("not fetched", "present")


def test_wrong_bytes_exit_4_and_outrank_what_is_not_to_be_had(
    profile: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    profile.routes["/bisenet"] = status(404)
    profile.routes["/retinaface-resnet50"] = whole(RAW["retinaface-resnet50"][::-1])
    assert run(monkeypatch, "fetch", "gfpgan-1.4", "--accept-licence") == 4
    err = capsys.readouterr().err
    assert "is not detection_Resnet50_Final.pth: SHA-256" in err
    assert "parsing_bisenet.pth: NOT HERE" in err


def test_a_cut_off_fetch_exits_3_and_is_listed_as_partly_fetched(
    profile: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    profile.routes["/retinaface-resnet50"] = cut(RAW["retinaface-resnet50"], 10_000, times=99)
    assert run(monkeypatch, "fetch", "retinaface-resnet50") == 3
    assert "it goes on from there" in capsys.readouterr().err
    assert states(monkeypatch, capsys)["retinaface-resnet50"] == "partly fetched"


def test_offline_names_file_digest_and_folder(
    profile: Server,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(monkeypatch, "fetch", "gfpgan-1.4", "--offline") == 5
    err = capsys.readouterr().err
    assert "--offline forbids" in err
    assert str(folder) in err
    assert profile.asked == []


def test_placed_by_hand(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    row = put(monkeypatch, folder, "bisenet", RAW["bisenet"])
    assert run(monkeypatch, "fetch", "bisenet", "--offline") == 0
    err = capsys.readouterr().err
    assert f"{row.file}: was placed by hand and is accepted: its digest matches" in err
    assert "CelebAMask-HQ" in err
    (folder / row.file).write_bytes(RAW["bisenet"][::-1])
    assert run(monkeypatch, "fetch", "bisenet") == 4
    assert str(folder / row.file) in capsys.readouterr().err
    assert (folder / row.file).read_bytes() == RAW["bisenet"][::-1]
    assert run(monkeypatch, "verify", "--json") == 4
    models = {m["name"]: m for m in json.loads(capsys.readouterr().out)["models"]}
    assert models["bisenet"]["state"] == "altered"
    assert "SHA-256" in models["bisenet"]["problem"]


def test_wrong_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "fetch", "nobody") == 2
    assert "'nobody'" in capsys.readouterr().err
    assert run(monkeypatch, "fetch") == 2
    assert run(monkeypatch, "fetch", "bisenet", "--accept-licence", "--mirror", "ftp://x") == 2
    assert run(monkeypatch, "add", "x", tmp_path / "gone.pth") == 2
    assert run(monkeypatch, "fetch", "embedded") == 0
    assert "nothing to fetch" in capsys.readouterr().err


def test_adding_a_file_that_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.pth"
    path.write_bytes(b"cos\nsystem\n(S'echo'\ntR.")
    assert run(monkeypatch, "add", "mine", path) == 3
    err = capsys.readouterr().err
    assert "something else than weights" in err
    assert "Traceback" not in err


def test_ctrl_c_keeps_what_came(
    profile: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(fetching, "record_fetch", stop)
    assert run(monkeypatch, "fetch", "retinaface-resnet50") == 130
    assert "goes on from there" in capsys.readouterr().err
    assert states(monkeypatch, capsys)["retinaface-resnet50"] == "not fetched"


def test_the_sentence_about_calibration_names_the_command() -> None:
    told = command.NO_CALIBRATION.format(names="gfpgan-1.4", first="gfpgan-1.4")
    assert "'forensics calibrate --models gfpgan-1.4 --portraits DIR'" in told
