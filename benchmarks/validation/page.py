"""Validation, page: ``docs/validation.md`` and its figures from ``docs/validation/figures.json``.

``python -m benchmarks.validation.page --write`` or ``--check``; a test checks as well.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.validation import drawing
from benchmarks.validation.sections import sections

DOCS = Path(__file__).parents[2] / "docs"
FIGURES = DOCS / "validation" / "figures.json"
PAGE = DOCS / "validation.md"


def pictures(found: Mapping[str, Any]) -> dict[str, str]:
    """File name to SVG."""
    made = {}
    for name, target in found["embedded"].items():
        figures = target["figures"]
        if figures is None:
            continue
        made[f"reliability_{name}.svg"] = drawing.reliability(
            f"Reliability, {name}", figures["reliability"]
        )
        made[f"coverage_{name}.svg"] = drawing.risk_coverage(
            f"Risk and coverage, {name}", figures["risk_coverage"], figures["prevalence"]
        )
        bars = [("risk", figures["auroc"])]
        bars += [(k, b["auroc"]) for k, b in figures["baselines"].items()]
        made[f"auroc_{name}.svg"] = drawing.areas(f"Embedded restorer, {name}", bars)
    for name, one in found["all restorers"].items():
        if one["auroc"] is not None:
            bars = [("risk", one["auroc"])]
            bars += [(k, b["auroc"]) for k, b in one["baselines"].items()]
            made[f"all_{name}.svg"] = drawing.areas(f"All restorers, {name}", bars)
    return made


def files(found: Mapping[str, Any]) -> dict[Path, str]:
    """Every file that the figures make."""
    drawn = pictures(found)
    made = {DOCS / "validation" / name: text for name, text in drawn.items()}
    return made | {PAGE: sections(found, frozenset(drawn))}


def write(found: Mapping[str, Any]) -> None:
    """Write the page and its figures."""
    for path, text in files(found).items():
        path.write_text(text, "utf-8")


def differing(found: Mapping[str, Any]) -> list[str]:
    """Names of files that are not what the figures make."""
    wrong = []
    for path, text in files(found).items():
        if not path.is_file() or path.read_text("utf-8") != text:
            wrong.append(path.name)
    return wrong


def main() -> None:
    """Write or check."""
    parser = argparse.ArgumentParser(description=__doc__)
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--write", action="store_true")
    group.add_argument("--check", action="store_true")
    args = parser.parse_args()
    found = json.loads(FIGURES.read_text("utf-8"))
    if args.write:
        write(found)
    elif wrong := differing(found):
        raise SystemExit(f"not what the figures make: {', '.join(wrong)}")


if __name__ == "__main__":
    main()
