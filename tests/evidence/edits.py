"""Edits that the tests of verify make to a bundle, and what they read from its answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from forensics.evidence.verification import Verification


def failed_steps(result: Verification) -> dict[str, str]:
    return {step.name: step.reason for step in result.steps if step.status == "failed"}


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def append(name: str, content: bytes = b"x") -> Callable[[Path], None]:
    def act(root: Path) -> None:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as stream:
            stream.write(content)

    return act


def remove(*names: str) -> Callable[[Path], None]:
    def act(root: Path) -> None:
        for name in names:
            (root / name).unlink()

    return act


def edit_lines(root: Path, name: str, change: Callable[[list[str]], list[str]]) -> None:
    path = root / "data" / name
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(change(lines)), encoding="utf-8")


def edit_audit(root: Path, change: Callable[[dict[str, object]], object]) -> None:
    path = root / "data" / "audit.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    change(document)
    path.write_text(json.dumps(document), encoding="utf-8")
