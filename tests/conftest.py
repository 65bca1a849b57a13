"""Tests: one seed, no network, an empty home, and no skip that nobody listed.

Promise: a test sees neither the user's files nor the network. Every skip is printed at the end, and
a run in which something was skipped for a reason that ``tests/skips.toml`` does not list fails.
"""

from __future__ import annotations

import os
import random
import re
import socket
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

pytest_plugins = ["pytester"]

# Before anything loads a native library: the last bits of a sum depend on the number of threads.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "2" if os.environ.get("PYTEST_XDIST_WORKER") is None else "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the command line sets it

ROOT = Path(__file__).resolve().parents[1]
SKIPS_FILE = Path(__file__).with_name("skips.toml")
SEED = 20260101
LOOPBACK = {"127.0.0.1", "::1", "localhost", "0.0.0.0", "::", ""}  # noqa: S104 - compared, not bound


class NetworkUse(AssertionError):
    """A test, or the code under it, reached for the network."""


# ---------------------------------------------------------------- shared data


def _shared_folder() -> Path | None:
    """The data folder beside the repository, or the one FORENSICS_SHARED_DATA names."""
    named = os.environ.get("FORENSICS_SHARED_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    return folder if folder.is_dir() else None


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of portraits, clips and weights that are not part of the repository."""
    folder = _shared_folder()
    if folder is None:
        pytest.skip("shared data is absent")
    return folder


@pytest.fixture(scope="session")
def repo_root() -> Path:
    """The checkout the tests run from."""
    return ROOT


@pytest.fixture(scope="session")
def two_people(repo_root: Path) -> Path:
    """The committed clip of two real portraits, made by ``fixtures/build.py``."""
    return repo_root / "fixtures" / "two_people.mp4"


# ---------------------------------------------------------------- isolation


@pytest.fixture(autouse=True)
def _fixed_seeds() -> None:
    """The same random numbers whatever ran before."""
    random.seed(SEED)
    if (numpy := sys.modules.get("numpy")) is not None:
        numpy.random.seed(SEED)
    if (torch := sys.modules.get("torch")) is not None and hasattr(torch, "manual_seed"):
        torch.manual_seed(SEED)


@pytest.fixture(scope="session", autouse=True)
def _empty_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """HOME and the XDG folders are empty and temporary, here and in every process a test starts."""
    home = tmp_path_factory.mktemp("home")
    folders = {
        "HOME": home,
        "XDG_CONFIG_HOME": home / ".config",
        "XDG_CACHE_HOME": home / ".cache",
        "XDG_DATA_HOME": home / ".local" / "share",
        "XDG_STATE_HOME": home / ".local" / "state",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name in [n for n in os.environ if n.startswith("FORENSICS_")]:
            if name != "FORENSICS_SHARED_DATA":
                patch.delenv(name)
        for name, folder in folders.items():
            folder.mkdir(parents=True, exist_ok=True)
            patch.setenv(name, str(folder))
        # Terminal width and colour are part of what messages look like.
        patch.setenv("COLUMNS", "120")
        patch.setenv("NO_COLOR", "1")
        patch.delenv("CLICOLOR_FORCE", raising=False)
        patch.delenv("FORCE_COLOR", raising=False)
        yield


@pytest.fixture(scope="session", autouse=True)
def _no_network() -> Iterator[None]:
    """Sockets reach this machine alone; names other than this machine's are not looked up."""
    connect, connect_ex, getaddrinfo = (
        socket.socket.connect,
        socket.socket.connect_ex,
        socket.getaddrinfo,
    )

    def check(address: Any) -> None:
        # A str is the path of a Unix socket.
        if isinstance(address, tuple) and str(address[0]) not in LOOPBACK:
            raise NetworkUse(f"a test reached for {address[0]}")

    def guarded_connect(self: socket.socket, address: Any) -> None:
        check(address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        check(address)
        return connect_ex(self, address)

    def guarded_getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name is not None and name not in LOOPBACK | {socket.gethostname()}:
            raise NetworkUse(f"a test looked up {name}")
        return getaddrinfo(host, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded_connect)
        patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
        patch.setattr(socket, "getaddrinfo", guarded_getaddrinfo)
        yield


# ---------------------------------------------------------------- what this machine cannot run


def _has_gpu() -> bool:
    """Whether the NVIDIA driver shows a device; asked without torch, which loads for seconds."""
    return any(Path("/proc/driver/nvidia/gpus").glob("*")) or Path("/dev/dxg").exists()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skips, with a listed reason, what this machine cannot run."""
    import shutil

    marked = {mark.name for item in items for mark in item.iter_markers()}
    lacking: dict[str, str] = {}
    if "gpu" in marked and not _has_gpu():
        lacking["gpu"] = "GPU: not run"
    if "reference" in marked and not (find_spec("gfpgan") and find_spec("realesrgan")):
        lacking["reference"] = "extra 'reference' is not installed"
    if "browser" in marked and not (shutil.which("chromium") or shutil.which("chromium-browser")):
        lacking["browser"] = "chromium is not installed"
    for item in items:
        for name, reason in lacking.items():
            if item.get_closest_marker(name):
                item.add_marker(pytest.mark.skip(reason=reason))


# ---------------------------------------------------------------- skips: listed, printed, counted


def listed_reasons(path: Path = SKIPS_FILE) -> list[re.Pattern[str]]:
    """Reasons for which a test may be skipped, as whole-string patterns."""
    entries = tomllib.loads(path.read_text(encoding="utf-8"))["skip"]
    return [re.compile(entry["reason"]) for entry in entries]


def unlisted(reasons: Counter[str], allowed: list[re.Pattern[str]]) -> list[str]:
    """Those of ``reasons`` that no entry of the list covers, sorted."""
    return sorted(r for r in reasons if not any(p.fullmatch(r) for p in allowed))


class SkipLedger:
    """Collects every skip of a run, prints them at its end and fails it for an unlisted reason."""

    def __init__(self) -> None:
        self.reasons: Counter[str] = Counter()
        self.tests: dict[str, list[str]] = {}

    def note(self, node: str, report: pytest.TestReport | pytest.CollectReport) -> None:
        """Counts one skip under its reason."""
        text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reason = str(text).removeprefix("Skipped: ").strip()
        self.reasons[reason] += 1
        self.tests.setdefault(reason, []).append(node)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        # An expected failure also arrives as "skipped"; it carries `wasxfail` and is not a skip.
        if report.skipped and not hasattr(report, "wasxfail"):
            self.note(report.nodeid, report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self.note(report.nodeid, report)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if unlisted(self.reasons, listed_reasons()) and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        write = terminalreporter.write_line
        if not _has_gpu():
            write("GPU: not run")
        if not self.reasons:
            write("skips: none")
            return
        terminalreporter.section("skips, every one")
        strange = set(unlisted(self.reasons, listed_reasons()))
        for reason, count in sorted(self.reasons.items()):
            write(f"{'NOT LISTED ' if reason in strange else ''}{reason}  ({count})")
            for node in self.tests[reason]:
                write(f"    {node}")
        if strange:
            write("The run fails: tests/skips.toml does not list the reasons marked NOT LISTED.")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        # Under xdist the workers report to this process, which keeps the one ledger.
        config.pluginmanager.register(SkipLedger(), "skip-ledger")
