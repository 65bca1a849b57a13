"""Plugins: found without importing, loaded only as installed, and held to what they owe."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from forensics.config import Settings
from forensics.errors import EnvironmentLacks, IntegrityError, UsageError
from forensics.models.plugins import (
    MEASURES,
    RESTORERS,
    files_sha256,
    find_plugin,
    load_plugin,
    plugin_names,
    plugins,
)
from forensics.records import Failure
from forensics.restore.plugin import WrongFace, checked
from forensics.scoring.measure import FaceInput
from forensics.scoring.plugin_measures import FAILED, load_plugin_measures, read_all
from tests.plugins.conftest import by_hand, on_path


def crops(count: int) -> np.ndarray:
    rng = np.random.default_rng(5)
    return rng.integers(0, 256, (count, 512, 512, 3), np.uint8)


def face() -> FaceInput:
    crop, restored = crops(2)
    return FaceInput(crop, restored, crop[:64, :64].copy(), scale=8.0, interocular_px=16.0)


# ---------------------------------------------------------------- finding and loading


def test_listing_imports_nothing_of_a_plugin(installed: Path) -> None:
    (found,) = plugins(RESTORERS)
    assert (found.name, found.distribution, found.version) == (
        "example-sharpen",
        "forensics-example",
        "0.3.1",
    )
    assert found.licence == "Apache-2.0"
    assert plugin_names(MEASURES) == ["edge-gain"]
    assert "forensics_example" not in sys.modules
    files_sha256(found)
    assert "forensics_example" not in sys.modules
    make, digest = load_plugin(found)
    assert "forensics_example" in sys.modules
    assert make.__name__ == "sharpener"
    assert digest == files_sha256(found)


def test_models_list_names_it_without_importing(
    installed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from forensics.cli.models import list_models

    list_models(as_json=True)
    assert json.loads(capsys.readouterr().out)["plugins"] == {
        "example-sharpen": "forensics-example 0.3.1"
    }
    list_models(as_json=False)
    said = capsys.readouterr()
    assert "example-sharpen: restorer of the package forensics-example 0.3.1" in said.err
    assert "forensics_example" not in sys.modules


def test_a_profile_of_a_plugin_needs_nothing_fetched(installed: Path) -> None:
    from forensics.choices import check_settings, network_names

    settings = Settings(models="example-sharpen", measure="edge-gain")
    chosen = check_settings(settings)
    assert (chosen.kind, chosen.own_detector, chosen.fetched()) == ("plugin", True, ())
    assert {"example-sharpen", "plugin:edge-gain"} <= set(network_names(settings, chosen))
    assert "forensics_example" not in sys.modules


@pytest.mark.parametrize(
    "settings",
    [
        Settings(models="no-such-plugin"),
        Settings(measure="no-such-measure"),
        Settings(models="example-sharpen", noise="zero"),
        Settings(models="example-sharpen", precision="fast"),
        Settings(models="example-sharpen", engine="reference"),
    ],
)
def test_what_has_no_effect_or_is_not_there_is_refused(installed: Path, settings: Settings) -> None:
    from forensics.choices import check_settings

    with pytest.raises(UsageError):
        check_settings(settings)


def test_an_altered_file_is_not_loaded(installed: Path) -> None:
    code = installed / "forensics_example" / "__init__.py"
    code.write_text(code.read_text("utf-8") + "\nX = 1\n", "utf-8")
    with pytest.raises(IntegrityError, match="changed after it was installed"):
        load_plugin(find_plugin(RESTORERS, "example-sharpen"))
    assert "forensics_example" not in sys.modules


def test_a_missing_file_is_named(installed: Path) -> None:
    plugin = find_plugin(RESTORERS, "example-sharpen")
    (installed / "forensics_example" / "__init__.py").unlink()
    with pytest.raises(IntegrityError, match=r"lacks its file forensics_example/__init__\.py"):
        files_sha256(plugin)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    target = tmp_path / "byhand"
    target.mkdir()
    yield from on_path(target)


POINT = "[forensics.restorers]\nodd = {module}:make\n"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("raise RuntimeError('no licence file')", "cannot be loaded: RuntimeError: no licence"),
        ("import not_there_at_all", "cannot be loaded: ModuleNotFoundError"),
        ("make = 3", "is not callable"),
    ],
)
def test_a_plugin_that_cannot_be_loaded_is_one_message(place: Path, code: str, words: str) -> None:
    by_hand(place, "odd-one", code, POINT.format(module="odd_one"))
    with pytest.raises(EnvironmentLacks, match=words):
        load_plugin(find_plugin(RESTORERS, "odd"))


def test_code_outside_the_hashed_files_is_refused(place: Path, tmp_path: Path) -> None:
    by_hand(place, "odd-two", "", POINT.format(module="elsewhere_two"))
    (place / "elsewhere_two.py").write_text("def make(device): ...\n", "utf-8")
    with pytest.raises(EnvironmentLacks, match="not among the files it installed"):
        load_plugin(find_plugin(RESTORERS, "odd"))
    points = "[forensics.restorers]\nsix = odd_six:make\n"
    by_hand(tmp_path / "byhand", "odd-six", "", points, record=False)
    with pytest.raises(EnvironmentLacks, match="keeps no list of its files"):
        load_plugin(find_plugin(RESTORERS, "six"))


def test_two_packages_with_one_name_are_refused(place: Path) -> None:
    by_hand(place, "odd-three", "def make(device): ...", POINT.format(module="odd_three"))
    by_hand(place, "odd-four", "def make(device): ...", POINT.format(module="odd_four"))
    with pytest.raises(UsageError, match=r"odd-four 1\.0, odd-three 1\.0"):
        find_plugin(RESTORERS, "odd")


# ---------------------------------------------------------------- restoring


def restorer_of(place: Path, code: str):
    import torch

    from forensics.restore.choose import load_restorer
    from forensics.restore.plugin import plugin_model

    by_hand(place, "odd-five", code, POINT.format(module="odd_five"))
    return load_restorer(plugin_model("odd"), torch.device("cpu"))


def test_the_example_restores_and_states_itself(installed: Path) -> None:
    import torch

    from forensics.restore.choose import load_restorer
    from forensics.restore.plugin import plugin_model

    restorer = load_restorer(plugin_model("example-sharpen"), torch.device("cpu"))
    facts = restorer.facts
    assert (facts.name, facts.version, facts.deterministic) == ("example-sharpen", "0.3.1", True)
    assert len(facts.sha256) == 64
    given = crops(3)
    given[1] = 90  # one colour: the example refuses it
    first, broken, third = restorer.restore(given)
    assert isinstance(first, np.ndarray)
    assert isinstance(third, np.ndarray)
    assert not np.array_equal(first, given[0])
    assert isinstance(broken, Failure)
    assert "nothing to sharpen" in broken.error
    alone = restorer.restore(given[2:])
    assert np.array_equal(alone[0], third)


def test_a_plugin_cannot_change_what_it_was_given(place: Path) -> None:
    code = (
        "class R:\n"
        "    def restore(self, crop):\n"
        "        crop[:] = 7\n"
        "        return crop\n"
        "def make(device): return R()\n"
    )
    given = crops(1)
    before = given.copy()
    (found,) = restorer_of(place, code).restore(given)
    assert np.array_equal(given, before)
    assert (found == 7).all()


def test_an_unsteady_plugin_is_not_called_repeatable(place: Path) -> None:
    code = (
        "class R:\n"
        "    n = 0\n"
        "    def restore(self, crop):\n"
        "        R.n += 1\n"
        "        crop[:] = R.n\n"
        "        return crop\n"
        "def make(device): return R()\n"
    )
    assert restorer_of(place, code).facts.deterministic is False


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        ("None", "numpy array is asked for, not NoneType"),
        ("crop[:256]", r"shape must be \(512, 512, 3\), is \(256, 512, 3\)"),
        ("crop.astype('int32')", "must be uint8 or a float, is int32"),
        ("crop.astype('float32')", r"floats must lie in \[0, 1\]"),
        ("crop / 255 * float('nan')", "not finite"),
        ("1 / 0", "ZeroDivisionError"),
    ],
)
def test_a_wrong_face_is_a_failure_of_that_face(place: Path, returned: str, words: str) -> None:
    drawer = f"class R:\n    def restore(self, crop): return {returned}\n"
    code = drawer + "def make(device): return R()\n"
    (found,) = restorer_of(place, code).restore(crops(1))
    assert isinstance(found, Failure)
    assert found.stage == "restore"
    assert re.search(words, found.error)


@pytest.mark.parametrize(
    ("code", "error", "words"),
    [
        ("def make(device): raise OSError('no card')", EnvironmentLacks, "could not be started"),
        ("def make(device): return 3", UsageError, r"gave a int without restore\(\)"),
    ],
)
def test_a_plugin_that_does_not_start_is_one_message(
    place: Path, code: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        restorer_of(place, code)


def test_floats_are_rounded_to_the_nearest_grey() -> None:
    levels = np.full((512, 512, 3), 0.5, np.float32)
    levels[0, 0] = (0.0, 1.0, 127.4 / 255)
    found = checked(levels)
    assert found[0, 0].tolist() == [0, 255, 127]
    assert set(found[1:].ravel().tolist()) == {128}  # 127.5 goes to the even neighbour
    with pytest.raises(WrongFace):
        checked([1, 2, 3])


# ---------------------------------------------------------------- measuring


def test_the_example_measures(installed: Path) -> None:
    (plugin,) = load_plugin_measures(["edge-gain"])
    one = face()
    sharper = np.clip(one.crop_rgb_u8.astype(int) * 2 - 128, 0, 255).astype(np.uint8)
    gained = FaceInput(one.crop_rgb_u8, sharper, one.native_rgb_u8, 8.0, 16.0)
    values, reasons = read_all([plugin], gained)
    assert reasons == {}
    assert 0.2 < values["plugin:edge-gain"] < 1.0
    flat = np.full_like(one.crop_rgb_u8, 9)
    values, reasons = read_all([plugin], FaceInput(flat, flat, one.native_rgb_u8, 8.0, 16.0))
    assert values == {}
    assert reasons == {"plugin:edge-gain": "the plugin gave no number for this face"}


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        ("'much'", "a number is asked for, not str"),
        ("True", "a number is asked for, not bool"),
        ("float('inf')", "not finite"),
        ("1 / 0", "ZeroDivisionError"),
    ],
)
def test_a_measure_that_breaks_is_a_reason(place: Path, returned: str, words: str) -> None:
    by_hand(
        place,
        "odd-seven",
        f"def measure(crop, restored): return {returned}",
        "[forensics.measures]\nodd = odd_seven:measure\n",
    )
    values, reasons = read_all(load_plugin_measures(["odd"]), face())
    assert values == {}
    assert reasons["plugin:odd"].startswith(FAILED)
    assert words in reasons["plugin:odd"]
    assert not math.isnan(sum(values.values()))
