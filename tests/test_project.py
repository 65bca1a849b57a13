"""The project itself: what it loads, what travels in the wheel, what its files may say."""

from __future__ import annotations

import importlib.util
import json
import re
import resource
import subprocess
import sys
import tomllib
import zipfile
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ["core.txt", "all.txt", "setup.txt"]


# ---------------------------------------------------------------- what is loaded


def loaded_after(*arguments: str, cwd: Path) -> set[str]:
    """Top-level modules in ``sys.modules`` once ``forensics ARGUMENTS`` has ended, in a process."""
    code = (
        "import json, runpy, sys\n"
        f"sys.argv = ['forensics', *{list(arguments)!r}]\n"
        "try:\n"
        "    runpy.run_module('forensics', run_name='__main__', alter_sys=True)\n"
        "except SystemExit as stop:\n"
        "    code = stop.code or 0\n"
        "else:\n"
        "    code = 0\n"
        "sys.stderr.write('\\n@@' + json.dumps([code, sorted({m.split('.')[0] for m in "
        "sys.modules})]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=cwd, check=False
    )
    _, _, told = done.stderr.rpartition("\n@@")
    assert told, done.stderr
    code_seen, modules = json.loads(told)
    # verify and report refuse an empty folder, with a code of the contract and not a traceback.
    assert code_seen in {0, 2, 3, 4}, done.stderr
    return set(modules)


@pytest.mark.parametrize(
    ("arguments", "never"),
    [
        (["--help"], {"torch", "torchvision", "cv2", "av", "weasyprint", "pydantic", "numpy"}),
        (["--version"], {"torch", "cv2", "weasyprint"}),
        (["audit", "--help"], {"torch", "cv2", "weasyprint"}),
        (["audit", "absent.mp4"], {"torch", "cv2"}),
        (["verify", "empty"], {"torch", "torchvision", "cv2", "spandrel", "lpips"}),
        (["report", "empty"], {"torch", "torchvision", "cv2", "spandrel", "lpips"}),
        (["models", "list"], {"torch", "torchvision", "cv2", "spandrel", "lpips"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_light_commands_load_nothing_heavy(
    arguments: list[str], never: set[str], tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    loaded = loaded_after(*arguments, cwd=tmp_path)
    assert "forensics" in loaded
    assert loaded & never == set()


def test_help_takes_at_most_half_a_second_of_work(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "forensics", "--help"]
    seconds = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(argv, check=True, capture_output=True, cwd=tmp_path)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    # Processor time, not the clock: others may be using this machine. Help uses one thread.
    assert min(seconds) <= 0.5


def test_importing_the_package_loads_nothing_of_others(tmp_path: Path) -> None:
    code = "import sys; before = set(sys.modules); import forensics; print(set(sys.modules)-before)"
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    ).stdout
    loaded = {name.split(".")[0] for name in re.findall(r"'([\w.]+)'", told)}
    assert loaded <= {"forensics", *sys.stdlib_module_names}


@pytest.mark.slow
def test_the_gpl_tracker_inside_facexlib_is_never_loaded(tmp_path: Path) -> None:
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in sorted((ROOT / "forensics").rglob("*.py"))
        if path.name not in {"__init__.py", "__main__.py"}
    ]
    code = f"import importlib, sys\nfor n in {names!r}: importlib.import_module(n)\n"
    code += "print('\\n'.join(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    ).stdout.split()
    assert "torch" in loaded
    # facexlib names the folder, an empty package, when it is imported; its files are the tracker.
    assert [n for n in loaded if n.startswith("facexlib.tracking.")] == []
    assert {"filterpy", "numba"} & set(loaded) == set()


# ---------------------------------------------------------------- what travels


@pytest.mark.slow
def test_wheel_carries_templates_and_embedded_weights(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        check=True,
        capture_output=True,
        cwd=ROOT,
    )
    (wheel,) = tmp_path.glob("restoration_forensics-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    templates = {f"forensics/{name}" for name in tracked() if name.startswith("templates/")}
    weights = {n for n in tracked() if re.fullmatch(r"forensics/models/embedded/.+", n)}
    assert templates
    assert [n for n in weights if n.endswith(".safetensors")]
    assert templates | weights <= names
    texts = {n for n in tracked() if n.startswith("forensics/report/locale/")}
    assert [n for n in texts if n.endswith(".mo")]
    # Tables, cards, the catalogue: all that is tracked, so that nothing is fetched later.
    assert {name for name in tracked() if name.startswith("forensics/")} <= names
    assert [name for name in names if name.endswith(".ttf")]
    assert "forensics/py.typed" in names
    assert {n.split("/")[0] for n in names if ".dist-info" not in n} == {"forensics"}


def test_embedded_weights_stay_small() -> None:
    weights = list((ROOT / "forensics" / "models" / "embedded").glob("*.safetensors"))
    assert weights
    assert sum(path.stat().st_size for path in weights) <= 25_000_000


# ---------------------------------------------------------------- what the files say


@cache
def tracked() -> tuple[str, ...]:
    """Names of the files of the repository; those on disk where there is no git."""
    try:
        told = subprocess.run(
            ["git", "ls-files", "-z"], capture_output=True, text=True, check=True, cwd=ROOT
        ).stdout
    except (FileNotFoundError, subprocess.CalledProcessError):
        folders = ("forensics", "templates", "tests", "fixtures", "training", "benchmarks", "docs")
        files = [p for folder in folders for p in (ROOT / folder).rglob("*") if p.is_file()]
        return tuple(p.relative_to(ROOT).as_posix() for p in files if "__pycache__" not in p.parts)
    return tuple(name for name in told.split("\0") if name and (ROOT / name).is_file())


def texts(*suffixes: str) -> dict[str, str]:
    """Tracked files with one of ``suffixes``, as text."""
    return {
        name: (ROOT / name).read_text(encoding="utf-8")
        for name in tracked()
        if name.endswith(suffixes)
    }


def test_code_files_stay_under_400_lines() -> None:
    lengths = {name: text.count("\n") for name, text in texts(".py").items()}
    assert {name: n for name, n in lengths.items() if n >= 400} == {}


def test_no_path_of_one_machine_is_in_the_text() -> None:
    # Written in pieces, or this file would be the first to be found.
    bad = re.compile(r"(?<![\w.])/(?:work|root|home/(?!someone/)\w+)/|(?<![\w./])/tm" + r"p/\w")
    found = {
        f"{name}: {match[0]}"
        for name, text in texts(".py", ".md", ".toml", ".txt", ".json", ".html", ".css").items()
        for match in bad.finditer(text)
    }
    assert found == set()


def test_shipped_words_never_judge_a_face() -> None:
    files = texts(".html").items()
    bad = re.compile(r"\b(deep)?fake\b|\btrue face\b|\breal face\b|\bgenuine\b", re.IGNORECASE)
    assert [
        name for name, text in files if name.startswith("templates/") and bad.search(text)
    ] == []


# ---------------------------------------------------------------- locks


def locked(name: str) -> dict[str, set[str]]:
    """Versions that a lock names, by package."""
    versions: dict[str, set[str]] = {}
    for line in (ROOT / "requirements" / name).read_text(encoding="utf-8").splitlines():
        if line[:1].isalnum():
            package, version = line.split(" ")[0].split("==")
            versions.setdefault(package, set()).add(version)
    return versions


@pytest.mark.parametrize("name", LOCKS)
def test_locks_hold_names_versions_and_hashes_and_no_addresses(name: str) -> None:
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"^\s*(--(extra-)?index-url|-i|--find-links|-f)\b", text, re.MULTILINE)
    entries = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    assert entries
    for entry in entries:
        assert re.match(r"[\w.-]+==[\w.+!-]+", entry), entry[:80]
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry[:80]


def test_the_core_lock_is_part_of_the_full_one() -> None:
    core, full = locked("core.txt"), locked("all.txt")
    assert {p: v for p, v in core.items() if not v <= full.get(p, set())} == {}


def project() -> dict[str, object]:
    """The project table of pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def names_of(requirements: list[str]) -> set[str]:
    """Package names of requirement lines, as locks write them."""
    return {re.split(r"[^\w.-]", line)[0].lower().replace("_", "-") for line in requirements}


def test_locks_hold_every_dependency_and_every_extra() -> None:
    table = project()
    assert names_of(table["dependencies"]) <= set(locked("core.txt"))
    for extra, lines in table["optional-dependencies"].items():
        assert names_of(lines) <= set(locked("all.txt")), extra
    assert "tb-nightly" not in locked("all.txt")


def test_pyav_stays_below_19() -> None:
    assert {v.split(".")[0] for v in locked("all.txt")["av"]} == {"18"}


# ---------------------------------------------------------------- setup


@cache
def bootstrap():
    """The setup script, which is no package."""
    spec = importlib.util.spec_from_file_location("bootstrap", ROOT / "requirements/bootstrap.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_each_extra_can_be_left_out_of_the_full_lock() -> None:
    full, core = ((ROOT / "requirements" / n).read_text() for n in ("all.txt", "core.txt"))
    base, parts = bootstrap().without_extras(full, core)
    names = {extra: {n for n, _, _ in bootstrap().lock_blocks(t)} for extra, t in parts.items()}
    assert {"gfpgan", "realesrgan", "basicsr"} <= names["reference"]
    assert "ray" in names["cluster"]
    assert names["capture"] == {"yt-dlp"}
    in_base = {n for n, _, _ in bootstrap().lock_blocks(base)}
    assert {"torch", "pytest", "ruff", "mypy"} <= in_base
    assert in_base & set.union(*names.values()) == set()
    assert in_base | set.union(*names.values()) == set(locked("all.txt"))


@pytest.mark.parametrize("version", [(3, 10), (3, 14)])
def test_setup_refuses_a_python_outside_the_range(version: tuple[int, int]) -> None:
    with pytest.raises(bootstrap().SetupStopped, match=r"3\.11, 3\.12 or 3\.13"):
        bootstrap().check_python(version)


def test_setup_names_the_one_apt_line(monkeypatch: pytest.MonkeyPatch) -> None:
    setup = bootstrap()
    monkeypatch.setattr(setup.platform, "system", lambda: "Linux")
    monkeypatch.setattr(setup, "PDF_LIBRARIES", {"libnot-there-1.so.0": "libpango-1.0-0"})
    monkeypatch.setattr(setup, "CV2_LIBRARIES", {})
    with pytest.raises(setup.SetupStopped) as stop:
        setup.check_libraries(with_pdf=True)
    assert "apt-get install --no-install-recommends libpango-1.0-0" in str(stop.value)
    assert "FORMAT=html" in str(stop.value)
    setup.check_libraries(with_pdf=False)


# ---------------------------------------------------------------- licences

# Packages of the core whose terms reach beyond a notice; THIRD_PARTY.md says what they mean here.
EXPLAINED = {"pyphen", "certifi", "pathspec", "tqdm"}


def test_core_dependencies_have_permissive_licences_or_are_explained() -> None:
    from importlib.metadata import PackageNotFoundError, metadata

    strict = re.compile(r"\b(A|L)?GPL|GNU |MPL|Mozilla|Non-?Commercial|CC-BY-NC", re.IGNORECASE)
    found = set()
    for name in locked("core.txt"):
        try:
            facts = metadata(name)
        except PackageNotFoundError:
            continue  # for another platform or another Python
        named = facts.get("License-Expression") or (facts.get("License") or "")[:80]
        kinds = [c for c in facts.get_all("Classifier") or [] if c.startswith("License")]
        if strict.search(" ".join([named, *kinds])):
            found.add(name)
    assert found - EXPLAINED == set()
    page = (ROOT / "THIRD_PARTY.md").read_text(encoding="utf-8")
    assert all(name in page for name in found)


# ---------------------------------------------------------------- skips


def test_a_skip_for_an_unlisted_reason_fails_the_run(pytester: pytest.Pytester) -> None:
    tests = Path(__file__).parent
    pytester.makeconftest((tests / "conftest.py").read_text(encoding="utf-8"))
    (pytester.path / "skips.toml").write_text((tests / "skips.toml").read_text(encoding="utf-8"))
    pytester.makepyfile(
        "import pytest\n"
        "def test_listed(): pytest.skip('shared data is absent')\n"
        "@pytest.mark.skip(reason='not today')\n"
        "def test_unlisted(): pass\n"
    )
    listed = pytester.runpytest_subprocess("-k", "test_listed")
    assert listed.ret == 0
    both = pytester.runpytest_subprocess()
    assert both.ret == pytest.ExitCode.TESTS_FAILED
    both.stdout.fnmatch_lines(
        ["NOT LISTED not today*(1)", "shared data is absent*(1)", "The run fails:*"]
    )


def test_tests_cannot_reach_other_machines() -> None:
    import socket

    with pytest.raises(AssertionError, match="looked up"):
        socket.create_connection(("example.org", 80), timeout=1)
    with (
        socket.socket() as probe,
        pytest.raises(AssertionError, match="reached for"),
    ):
        probe.connect(("192.0.2.1", 80))
