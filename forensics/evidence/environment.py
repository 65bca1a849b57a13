"""Environment and command records: what machine, versions and words of command made a result.

Versions come from package metadata, so nothing heavy is imported.  With ``private`` the host,
user and all paths are left out.  Facts that a library knows only once it is loaded (GPU, FFmpeg
build, CPU capability of torch) are handed in by the stage that loaded it.
"""

from __future__ import annotations

import getpass
import hashlib
import importlib.metadata
import json
import locale
import os
import platform
import re
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import forensics
from forensics.evidence.names import readable_name
from forensics.records import AUDIT_SCHEMA

ENVIRONMENT_SCHEMA = "restoration-forensics/environment/1"
COMMAND_SCHEMA = "restoration-forensics/command/1"

PACKAGES: tuple[str, ...] = (
    "torch", "torchvision", "opencv-python", "av", "numpy", "scipy", "scikit-image", "pillow",
    "spandrel", "facexlib", "lpips", "safetensors", "weasyprint", "pydyf", "jinja2", "pydantic",
    "pydantic-core", "typer", "rich", "cryptography", "pooch", "gfpgan", "realesrgan", "basicsr",
    "ray", "yt-dlp", "c2pa-python", "rfc3161-client",
)  # fmt: skip
_PIXEL_PACKAGES = (
    "torch", "torchvision", "opencv-python", "av", "numpy", "scipy", "pillow", "spandrel",
    "facexlib", "safetensors", "gfpgan", "realesrgan", "basicsr",
)  # fmt: skip
THREAD_VARIABLES: tuple[str, ...] = (
    "OMP_NUM_THREADS", "OMP_WAIT_POLICY", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS", "ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "MKL_CBWR",
    "CUBLAS_WORKSPACE_CONFIG", "CUDA_VISIBLE_DEVICES", "NVIDIA_TF32_OVERRIDE", "PYTHONHASHSEED",
)  # fmt: skip
"""Environment variables that can change numbers; no other variable is recorded."""
_CPU_FLAGS = frozenset([
    "sse4_1", "sse4_2", "avx", "avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512vl",
    "avx512_vnni", "avx512_bf16", "avx_vnni", "amx_tile", "amx_bf16", "amx_int8",
    "asimd", "asimdhp", "asimddp", "sve", "sve2", "bf16", "i8mm",
])  # fmt: skip
_SECRET = re.compile("pass|secret|token|credential", re.IGNORECASE)
_URL_SECRET = re.compile(r"(?<=://)[^/@\s]+@|(?<=\?)\S+")
_FRACTION = re.compile(r"\d+/\d+")
REMOVED = "[removed]"


def environment_record(
    private: bool = False,
    numeric: Mapping[str, object] | None = None,
    pipeline: Mapping[str, object] | None = None,
) -> dict[str, object]:
    """Everything about the machine and the installation that can change a result.

    ``numeric`` holds what loaded libraries say (GPU, FFmpeg, torch's CPU capability), ``pipeline``
    how they were used (batch size, noise, encoder, colour conversion); both are stored as they are,
    so the caller keeps host names and paths out of them.
    """
    record: dict[str, object] = {
        "schema": ENVIRONMENT_SCHEMA,
        "private": private,
        "tool": _tool_record(),
        "python": {
            "version": platform.python_version(),
            "implementation": platform.python_implementation(),
            "build": list(platform.python_build()),
            "compiler": platform.python_compiler(),
        },
        "packages": package_versions(),
        "lock": _lock_record(),
        "system": {
            "os": platform.system(),
            "release": platform.release(),
            "distribution": _distribution(),
            "libc": " ".join(part for part in platform.libc_ver() if part) or None,
            "machine": platform.machine(),
        },
        "cpu": _cpu_record(),
        "memory_bytes": _memory_bytes(),
        "locale": ".".join(part or "C" for part in locale.getlocale()),
        "encoding": sys.getfilesystemencoding(),
        "clock": _clock_record(),
        "variables": {name: os.environ[name] for name in THREAD_VARIABLES if name in os.environ},
        "numeric": dict(numeric or {}),
        "pipeline": dict(pipeline or {}),
    }
    if not private:
        record["host"] = socket.gethostname()
        record["user"] = _user()
        record["paths"] = {
            "python": readable_name(_without_home(sys.executable)),
            "package": readable_name(_without_home(str(Path(forensics.__file__).parent))),
        }
    return record


def command_record(
    argv: Sequence[str],
    settings: Mapping[str, str | int | float | bool | None],
    cwd: Path | None = None,
    private: bool = False,
) -> dict[str, object]:
    """The command as it was given and the settings after defaults.

    Values of options that name a secret, and passwords and queries inside URLs, are removed.
    With ``private`` every path is cut to its last part and the working folder is left out.
    """
    record: dict[str, object] = {
        "schema": COMMAND_SCHEMA,
        "argv": [readable_name(word) for word in _clean_argv(argv, private)],
        "settings": {
            name: _clean_setting(name, value, private) for name, value in settings.items()
        },
    }
    if not private:
        record["cwd"] = readable_name(_without_home(str(cwd or Path.cwd())))
    return record


def package_versions(names: Sequence[str] = PACKAGES) -> dict[str, str | None]:
    """Installed versions by distribution name, None where it is not installed."""
    found: dict[str, str | None] = {}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found


def pixel_versions() -> dict[str, str | None]:
    """Versions of what decides the pixels of a restored face: this tool and its libraries."""
    tool = _tool_record()
    return {
        "restoration-forensics": str(tool["version"]),
        "commit": None if tool["commit"] is None else str(tool["commit"]),
        "python": platform.python_version(),
        **package_versions(_PIXEL_PACKAGES),
    }


def _clean_argv(argv: Sequence[str], private: bool) -> list[str]:
    words: list[str] = []
    hide_next = False
    for word in argv:
        option, equals, value = word.partition("=")
        if hide_next and not word.startswith("-"):
            words.append(REMOVED)
        elif equals and option.startswith("--"):
            words.append(f"{option}={_clean_value(option, value, private)}")
        else:
            words.append(_clean_value("", word, private))
        hide_next = word.startswith("--") and not equals and _SECRET.search(word) is not None
    return words


def _clean_setting(
    name: str, value: str | int | float | bool | None, private: bool
) -> str | int | float | bool | None:
    return _clean_value(name, value, private) if isinstance(value, str) else value


def _clean_value(name: str, value: str, private: bool) -> str:
    if value and _SECRET.search(name):
        return REMOVED
    if "://" in value:
        return _URL_SECRET.sub(REMOVED, value)
    if private and ("/" in value or "\\" in value) and not _FRACTION.fullmatch(value):
        return re.split(r"[/\\]", value.rstrip("/\\"))[-1]
    return _without_home(value)


def _without_home(path: str) -> str:
    """A path with the home folder as ``~``: a record needs no account name."""
    home = os.path.expanduser("~")
    if home not in {"~", "/", ""} and (path == home or path.startswith(home + os.sep)):
        return "~" + path[len(home) :]
    return path


def _tool_record() -> dict[str, object]:
    record: dict[str, object] = {
        "name": "restoration-forensics",
        "version": forensics.__version__,
        "schema": AUDIT_SCHEMA,
    }
    checkout = Path(forensics.__file__).resolve().parent.parent
    # Only our own checkout counts: an install inside somebody's repository is not at its commit.
    if (checkout / "pyproject.toml").is_file() and (checkout / ".git").exists():
        commit = _git(checkout, "rev-parse", "HEAD")
        changes = _git(checkout, "status", "--porcelain", "--", "forensics", "templates")
        record["commit"] = commit
        record["dirty"] = None if changes is None else bool(changes)
    else:
        record["commit"] = None
        record["dirty"] = None
        record["installed_files_sha256"] = _installed_digest()
    record["wheel_sha256"] = _wheel_digest()
    return record


def _git(checkout: Path, *words: str) -> str | None:
    """Output of a git command, None where git is absent, slow or refuses."""
    command = ["git", "-C", str(checkout), *words]
    quiet = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(  # noqa: S603 - fixed words, no shell, our own folder
            command, capture_output=True, text=True, timeout=10, check=False, env=quiet
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _installed_digest() -> str | None:
    """SHA-256 of the wheel's own list of files and digests (RECORD)."""
    try:
        record = importlib.metadata.distribution("restoration-forensics").read_text("RECORD")
    except importlib.metadata.PackageNotFoundError:
        return None
    return hashlib.sha256(record.encode()).hexdigest() if record else None


def _wheel_digest() -> str | None:
    """SHA-256 of the wheel that was installed, where the installer wrote it down (PEP 610)."""
    try:
        text = importlib.metadata.distribution("restoration-forensics").read_text("direct_url.json")
        archive = json.loads(text or "{}").get("archive_info", {})
    except (importlib.metadata.PackageNotFoundError, ValueError, AttributeError):
        return None
    found = archive.get("hashes", {}).get("sha256")
    return found if isinstance(found, str) else None


def _lock_record() -> dict[str, object]:
    """Digest of the lock file that the installation should follow, where it is at hand."""
    path = Path(forensics.__file__).resolve().parent.parent / "requirements" / "core.txt"
    try:
        content = path.read_bytes()
    except OSError:
        return {"file": None, "sha256": None}
    return {"file": "requirements/core.txt", "sha256": hashlib.sha256(content).hexdigest()}


def _distribution() -> str | None:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME")
    except OSError:
        return None


def _cpu_record() -> dict[str, object]:
    model: str | None = None
    flags: set[str] = set()
    for key, value in _cpuinfo():
        if key in {"model name", "Hardware", "CPU part"} and model is None:
            model = value
        if key in {"flags", "Features"} and not flags:
            flags = set(value.split()) & _CPU_FLAGS
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "model": model or platform.processor() or None,
        "flags": sorted(flags),
        "cores": os.cpu_count(),
        "usable_cores": usable,
    }


def _cpuinfo() -> list[tuple[str, str]]:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    pairs = (line.partition(":") for line in text.splitlines() if ":" in line)
    return [(key.strip(), value.strip()) for key, _, value in pairs]


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _clock_record() -> dict[str, object]:
    now = datetime.now(UTC).astimezone()
    return {
        "utc": now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "zone": now.tzname(),
        "utc_offset_s": int((now.utcoffset() or now - now).total_seconds()),
        "TZ": os.environ.get("TZ"),
        "attested": False,
    }


def _user() -> str | None:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # no entry for this user id, as in containers
        return None
