"""The Dockerfile, read without Docker: its packages, files and lists are those of the setup.

There is no Docker engine where these tests run, so the image itself is not built here.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
INSTRUCTIONS = frozenset(
    ["FROM", "RUN", "ARG", "ENV", "COPY", "WORKDIR", "USER", "VOLUME", "ENTRYPOINT", "CMD"]
)


def instructions() -> list[tuple[str, str]]:
    """Each instruction with its words; continued lines joined, remarks left out."""
    text = (ROOT / "Dockerfile").read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [
        (line.split()[0], line.split(maxsplit=1)[1]) for line in joined.splitlines() if line.strip()
    ]


def apt_packages(text: str) -> set[str]:
    found = re.search(r"apt-get install([^&]*)", text)
    assert found
    return {word for word in found[1].split() if not word.startswith("-")}


def test_it_is_made_of_known_instructions_that_a_shell_can_read() -> None:
    found = instructions()
    assert {name for name, _ in found} <= INSTRUCTIONS
    assert found[0][0] == "FROM"
    for name, words in found:
        if name == "RUN":
            subprocess.run(["bash", "-n", "-c", words], check=True)
        elif name != "CMD":
            assert shlex.split(words)


def test_its_system_libraries_are_those_of_the_setup_and_of_ci() -> None:
    (run,) = [words for name, words in instructions() if "apt-get install" in words]
    sys.path.insert(0, str(ROOT / "requirements"))
    try:
        import bootstrap
    finally:
        sys.path.remove(str(ROOT / "requirements"))
    wanted = {*bootstrap.CV2_LIBRARIES.values(), *bootstrap.PDF_LIBRARIES.values()}
    assert apt_packages(run) == wanted
    assert wanted <= set(re.findall(r"lib[\w.-]+", (ROOT / ".ci" / "run").read_text("utf-8")))


def test_what_it_copies_is_there_and_reaches_the_builder() -> None:
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    allowed = {line.removeprefix("!").rstrip("/") for line in ignored if line.startswith("!")}
    copied = set()
    for name, words in instructions():
        if name == "COPY" and not words.startswith("--from"):
            *sources, _ = words.split()
            copied |= {source.rstrip("/") for source in sources}
    assert copied == allowed
    assert [name for name in copied if not (ROOT / name).exists()] == []


def test_every_package_is_installed_by_its_hash_but_the_two_that_are_named() -> None:
    runs = " ".join(words for name, words in instructions() if name == "RUN")
    installs = re.findall(r"(?:uv )?pip install.*?(?=&&|;|$)", runs)
    loose = [line for line in installs if "--require-hashes" not in line]
    assert len(installs) == 4
    assert [bool("torch.txt" in line or "/build/dist/" in line) for line in loose] == [True, True]
    assert all("--no-deps" in line for line in installs)


def test_it_runs_as_nobody_in_particular() -> None:
    names = [name for name, _ in instructions()]
    last = len(names) - 1 - names[::-1].index("USER")
    assert instructions()[last][1] != "root"
    assert "RUN" not in names[last:]


def listed(word: str) -> str:
    done = subprocess.run(
        [sys.executable, str(ROOT / "requirements" / "container.py"), word],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def names_in(text: str) -> set[str]:
    return set(re.findall(r"^([\w.-]+)==", text, re.MULTILINE))


def test_the_lists_add_up_to_the_core_list() -> None:
    core = (ROOT / "requirements" / "core.txt").read_text("utf-8")
    assert listed("cuda") == core
    cpu, torch = listed("cpu"), listed("cpu-torch")
    assert names_in(torch) == {"torch", "torchvision"}
    left_out = names_in(core) - names_in(cpu)
    assert {"torch", "torchvision", "triton", "cuda-toolkit"} <= left_out
    assert all(re.match(r"nvidia-|cuda-|triton|torch", name) for name in left_out)
    assert all(f"{line} ;" in core for line in torch.split())
    assert cpu.count("--hash=sha256:") > 100
    with pytest.raises(subprocess.CalledProcessError):
        listed("gpu")
