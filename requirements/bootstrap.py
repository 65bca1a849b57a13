"""Setup: from a bare Python to a working ``.venv``, every package by its hash, nothing done twice.

Standard library alone. Promise: what this machine lacks is said before anything is downloaded; an
optional extra that cannot be built is reported and left out; a second run finds the setup current.

    python3 requirements/bootstrap.py core           what `make demo` needs
    python3 requirements/bootstrap.py all            plus extras and dev tools, for `make test`
    python3 requirements/bootstrap.py core --no-pdf  without the libraries that a PDF needs

Exit codes: 0 ready, 5 this machine lacks something (said in one message, with what to do).
"""

from __future__ import annotations

import argparse
import ctypes
import hashlib
import platform
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ROOT / "requirements"
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
LOWEST, BEYOND = (3, 11), (3, 14)
NEEDED_GB = {"core": 7, "all": 8}
EXIT_ENVIRONMENT = 5

# Shared libraries that wheels expect from the system: name to load, Debian package that has it.
CV2_LIBRARIES = {
    "libGL.so.1": "libgl1",
    "libxcb.so.1": "libgl1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
}
PDF_LIBRARIES = {
    "libgobject-2.0.so.0": "libglib2.0-0",
    "libpango-1.0.so.0": "libpango-1.0-0",
    "libpangoft2-1.0.so.0": "libpangoft2-1.0-0",
    "libfontconfig.so.1": "libpangoft2-1.0-0",
    "libharfbuzz.so.0": "libpango-1.0-0",
    "libharfbuzz-subset.so.0": "libharfbuzz-subset0",
}


class SetupStopped(Exception):
    """Setup cannot go on; the message says what is missing and what to do."""


def say(text: str) -> None:
    """One line to the person who waits, at once."""
    print(text, file=sys.stderr, flush=True)


# ---------------------------------------------------------------- what the machine has


def check_python(version: tuple[int, int]) -> None:
    """Raises SetupStopped unless ``version`` is one this project supports."""
    if not LOWEST <= version < BEYOND:
        raise SetupStopped(
            "Python {}.{} cannot run this project; it needs 3.11, 3.12 or 3.13.\n"
            "Name one: make demo PYTHON=/path/to/python3.12".format(*version)
        )


def missing_libraries(wanted: dict[str, str]) -> dict[str, str]:
    """Those of ``wanted`` (library: Debian package) that the loader does not find."""
    missing = {}
    for library, package in wanted.items():
        try:
            ctypes.CDLL(library)
        except OSError:
            missing[library] = package
    return missing


def check_libraries(with_pdf: bool) -> None:
    """Raises SetupStopped with the one apt line when a system library is missing (Linux only)."""
    if platform.system() != "Linux":
        return
    video = missing_libraries(CV2_LIBRARIES)
    pdf = missing_libraries(PDF_LIBRARIES) if with_pdf else {}
    if not video and not pdf:
        return
    packages = sorted(set(video.values()) | set(pdf.values()))
    lines = ["System libraries are missing: " + ", ".join(sorted({**video, **pdf})) + "."]
    lines.append("On Debian or Ubuntu, as root:")
    lines.append("    apt-get install --no-install-recommends " + " ".join(packages))
    if pdf and not video:
        lines.append("Only the PDF needs them. For a demo without the PDF: make demo FORMAT=html")
    raise SetupStopped("\n".join(lines))


def check_disk(kind: str, folder: Path) -> None:
    """Raises SetupStopped when ``folder`` has no room for the packages of ``kind``."""
    free_gb = shutil.disk_usage(folder).free / 1e9
    if free_gb < NEEDED_GB[kind]:
        raise SetupStopped(
            f"The packages need about {NEEDED_GB[kind]} GB in {folder}; {free_gb:.1f} GB are free."
        )


# ---------------------------------------------------------------- the lock, read


def lock_blocks(text: str) -> list[tuple[str, str, frozenset[str]]]:
    """Entries of a lock as (name, whole text, names that ask for it), in the order of the file.

    Who asks is what the resolver wrote below each entry as ``# via``; the project itself is there
    as ``restoration-forensics (pyproject.toml...)``.
    """
    blocks: list[tuple[str, list[str], set[str]]] = []
    for line in text.splitlines():
        if line[:1].isalnum():
            blocks.append((line.split("==")[0], [line], set()))
        elif blocks and line.strip():
            blocks[-1][1].append(line)
            comment = line.strip()
            if comment.startswith("#"):
                asker = comment.lstrip("# ").removeprefix("via").strip()
                blocks[-1][2].update({asker} - {""})
    return [(name, "\n".join(lines), frozenset(via)) for name, lines, via in blocks]


def closure(roots: set[str], asked_by: dict[str, set[str]]) -> set[str]:
    """``roots`` and everything they ask for, directly or not."""
    found = set(roots)
    grown = True
    while grown:
        more = {name for name, askers in asked_by.items() if askers & found} - found
        found |= more
        grown = bool(more)
    return found


def extra_roots() -> dict[str, set[str]]:
    """Names that each optional extra asks for itself, from pyproject.toml."""
    import re
    import tomllib  # absent before 3.11, where check_python has already stopped

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    return {
        extra: {re.split(r"[^A-Za-z0-9_.-]", line, maxsplit=1)[0].lower() for line in lines}
        for extra, lines in extras.items()
    }


def without_extras(lock: str, core_lock: str) -> tuple[str, dict[str, str]]:
    """Splits the full lock: what everyone gets, and what each extra adds to it."""
    blocks = lock_blocks(lock)
    asked_by: dict[str, set[str]] = {}
    for name, _, via in blocks:
        asked_by.setdefault(name, set()).update(via)
    in_core = {name for name, _, _ in lock_blocks(core_lock)}
    dev = {n for n, via in asked_by.items() if any("pyproject.toml:dev" in v for v in via)}
    base = in_core | closure(dev, asked_by)
    parts = {}
    for extra, roots in extra_roots().items():
        names = closure(roots & set(asked_by), asked_by) - base
        parts[extra] = "\n".join(text for name, text, _ in blocks if name in names) + "\n"
    return "\n".join(text for name, text, _ in blocks if name in base) + "\n", parts


# ---------------------------------------------------------------- installing


def run(*argv: str | Path) -> None:
    """Runs a setup command; raises SetupStopped with its exit code when it fails."""
    done = subprocess.run([str(a) for a in argv], cwd=ROOT, check=False)
    if done.returncode:
        raise SetupStopped(f"This step of the setup failed with exit {done.returncode}: {argv[:4]}")


def venv_version() -> tuple[int, int] | None:
    """Python version of the existing ``.venv``, or None when there is none that works."""
    if not VENV_PYTHON.exists():
        return None
    code = "import sys; print(*sys.version_info[:2])"
    told = subprocess.run(
        [str(VENV_PYTHON), "-c", code], capture_output=True, text=True, check=False
    )
    if told.returncode:
        return None
    major, minor = told.stdout.split()
    return int(major), int(minor)


def make_venv() -> None:
    """Makes ``.venv`` with pip in it, unless a usable one is there."""
    found = venv_version()
    if found is not None and LOWEST <= found < BEYOND:
        return
    made = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", str(VENV)], check=False, cwd=ROOT
    )
    if made.returncode:
        raise SetupStopped(
            "Python could not make a virtual environment. On Debian or Ubuntu, as root:\n"
            "    apt-get install python3-venv"
        )


def uv_install(lock: Path) -> bool:
    """Installs exactly what ``lock`` lists, by hash; says whether that worked.

    --no-deps: a lock is complete, and what it leaves out (overrides.txt) must stay out. The build
    constraints keep a package that is built here from fetching another torch to build with.
    """
    argv = [VENV_PYTHON, "-m", "uv", "pip", "install", "--python", VENV_PYTHON, "--no-deps"]
    argv += ["--require-hashes", "--build-constraints", LOCKS / "all.txt", "-r", lock]
    return subprocess.run([str(a) for a in argv], cwd=ROOT, check=False).returncode == 0


def install_extras_apart(lock: str, core_lock: str) -> list[str]:
    """After the full lock failed: dev tools first, then each extra alone; returns the failed."""
    base, parts = without_extras(lock, core_lock)
    scratch = VENV / "part.txt"
    scratch.write_text(base, encoding="utf-8")
    if not uv_install(scratch):
        raise SetupStopped("The dev tools could not be installed; see the messages above.")
    failed = []
    for extra, text in parts.items():
        scratch.write_text(text, encoding="utf-8")
        if text.strip() and not uv_install(scratch):
            failed.append(extra)
    return failed


# ---------------------------------------------------------------- once, then never again


def digest(kind: str) -> str:
    """What the setup of ``kind`` depends on: locks, project file, Python and place."""
    state = hashlib.sha256(repr((sys.version_info[:2], str(ROOT), kind)).encode())
    names = ["setup.txt", "core.txt", *(["all.txt"] if kind == "all" else [])]
    for path in [*(LOCKS / name for name in names), ROOT / "pyproject.toml"]:
        state.update(path.read_bytes())
    return state.hexdigest()


def set_up(kind: str, with_pdf: bool) -> None:
    """Brings ``.venv`` to the state that ``kind`` ("core" or "all") needs."""
    check_python(sys.version_info[:2])
    check_libraries(with_pdf)
    stamp, want = VENV / f".setup-{kind}", digest(kind)
    if venv_version() and stamp.exists() and stamp.read_text(encoding="utf-8") == want:
        say("Setup is current: .venv holds what the lock lists.")
        return
    say("Setup: Python packages go into .venv, about 6 GB installed (torch with CUDA).")
    say("They come from your package index; with a fast line this takes minutes, and only once.")
    check_disk(kind, ROOT)
    make_venv()
    stamp.unlink(missing_ok=True)
    pip = [VENV_PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run(*pip, "--require-hashes", "--no-deps", "-r", LOCKS / "setup.txt")
    if not uv_install(LOCKS / "core.txt"):
        raise SetupStopped("The packages could not be installed; see the messages above.")
    failed: list[str] = []
    if kind == "all" and not uv_install(LOCKS / "all.txt"):
        texts = ((LOCKS / name).read_text(encoding="utf-8") for name in ("all.txt", "core.txt"))
        failed = install_extras_apart(*texts)
    uv = [VENV_PYTHON, "-m", "uv", "pip", "install", "--python", VENV_PYTHON, "--quiet"]
    run(*uv, "--no-deps", "--no-build-isolation", "--offline", "--editable", ROOT)
    if failed:
        # No stamp: the next run tries again.
        say("\n*** NOT INSTALLED: extras " + ", ".join(failed) + "; their tests will be skipped.\n")
    else:
        stamp.write_text(want, encoding="utf-8")
        (VENV / ".setup-core").write_text(digest("core"), encoding="utf-8")
    say("Setup is done.")


def main() -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(description="Sets up .venv from the hash-locked lists.")
    parser.add_argument("kind", choices=["core", "all"])
    parser.add_argument("--no-pdf", action="store_true", help="do without the PDF's libraries")
    chosen = parser.parse_args()
    try:
        set_up(chosen.kind, with_pdf=not chosen.no_pdf)
    except SetupStopped as stop:
        say(str(stop))
        return EXIT_ENVIRONMENT
    return 0


if __name__ == "__main__":
    sys.exit(main())
