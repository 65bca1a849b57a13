"""Export: a bundle's data written again in the formats that people ask for, outside the bundle.

Everything is rendered before anything is written, so that a format that fails leaves no others
behind that look complete.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from forensics.errors import UsageError
from forensics.evidence.table import plugin_names, table_text
from forensics.records import FaceLine
from forensics.report.html import ASSETS, render_html, render_html_beside
from forensics.report.markdown import render_markdown
from forensics.report.pdf import render_pdf
from forensics.report.view import View
from forensics.report.whole import render_json

FORMATS = ("html", "pdf", "json", "csv", "md")


def parse_formats(text: str) -> tuple[str, ...]:
    """``html,md`` as formats in a fixed order. `UsageError` for an unknown one or for none."""
    wanted = {part.strip() for part in text.split(",") if part.strip()}
    unknown = sorted(wanted - set(FORMATS))
    if unknown or not wanted:
        what = f"unknown format: {', '.join(unknown)}" if unknown else "no format is given"
        raise UsageError(f"--format: {what}", f"Choose from {', '.join(FORMATS)}.")
    return tuple(name for name in FORMATS if name in wanted)


def write_formats(
    view: View, folder: Path, formats: tuple[str, ...], *, assets: bool, language: str | None = None
) -> list[Path]:
    """Render a view and write the files into ``folder``; returns what was written.

    ``language``: of HTML, PDF and Markdown; None is that of the run.
    """
    parts: dict[str, bytes | Path] = {}
    files: dict[str, bytes] = {}
    if "html" in formats:
        if assets:
            text, parts = render_html_beside(view, language)
        else:
            text = render_html(view, links=False, language=language)
        files["report.html"] = text.encode("utf-8")
    if "pdf" in formats:
        files["report.pdf"] = render_pdf(view, language)
    if "json" in formats:
        files["report.json"] = render_json(view).encode("utf-8")
    if "csv" in formats:
        table = table_text(_by_frame(view), plugin_names(view.audit))
        files["faces.csv"] = table.encode("utf-8")
    if "md" in formats:
        files["report.md"] = render_markdown(view, language).encode("utf-8")
    folder.mkdir(parents=True, exist_ok=True)
    if parts:
        beside = folder / ASSETS
        beside.mkdir(exist_ok=True)
        for name, part in parts.items():
            if isinstance(part, Path):
                shutil.copyfile(part, beside / name)
            else:
                (beside / name).write_bytes(part)
    written = []
    for name, content in files.items():
        (folder / name).write_bytes(content)
        written.append(folder / name)
    return written


def _by_frame(view: View) -> list[FaceLine]:
    """As faces.jsonl has them."""
    return sorted(view.faces, key=lambda face: (face.frame, face.person))
