"""`forensics report` in every format: the same data, outside the bundle, or nothing at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from forensics.api import render_reports
from forensics.errors import UsageError
from forensics.evidence.table import FaceTable
from forensics.export import FORMATS, parse_formats, write_formats
from forensics.report import viewer
from forensics.report.html import ASSETS
from forensics.report.markdown import render_markdown
from forensics.report.view import View, load_view
from tests.report.pages import Page
from tests.viewer_clips import with_clips


@pytest.fixture(scope="module")
def written(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Path]]:
    """A bundle with clips and all formats rendered from it, pictures beside the HTML."""
    moving = with_clips(bundle, tmp_path_factory.mktemp("formats"))
    folder = tmp_path_factory.mktemp("out")
    paths = render_reports(moving, folder, FORMATS, assets=True)
    return moving, {path.name: path for path in paths}


def test_every_format_is_written_and_the_bundle_untouched(
    written: tuple[Path, dict[str, Path]],
) -> None:
    moving, files = written
    assert set(files) == {"report.html", "report.pdf", "report.json", "faces.csv", "report.md"}
    assert not list(moving.rglob("report.md"))


def test_the_table_is_the_bundles_own(written: tuple[Path, dict[str, Path]]) -> None:
    moving, files = written
    assert files["faces.csv"].read_bytes() == (moving / "data" / "faces.csv").read_bytes()


def test_a_plugins_measure_keeps_its_column(bundle: Path, tmp_path: Path) -> None:
    """A bundle whose faces carry one: the same header and cells as the run's own table."""
    view = load_view(bundle / "data")
    settings = {**view.audit.settings, "measure": "sharp,colour"}
    audit = view.audit.model_copy(update={"settings": settings})
    faces = tuple(
        face.model_copy(update={"plugin_measures": {"plugin:sharp": k / 8}})
        for k, face in enumerate(sorted(view.faces, key=lambda face: (face.frame, face.person)))
    )
    table = FaceTable(tmp_path, ("sharp", "colour"))
    for face in faces:
        table.write(face)
    table.close()
    other = View(view.data_dir, audit, view.audit_json, view.frames, faces, {})
    (written,) = write_formats(other, tmp_path / "out", ("csv",), assets=False)
    assert written.read_bytes() == (tmp_path / "faces.csv").read_bytes()
    header, first, second, *_ = written.read_text("utf-8").splitlines()
    assert header.endswith(",plugin:sharp,plugin:colour")
    assert (first.rsplit(",", 2)[1:], second.rsplit(",", 2)[1:]) == (["0.0", ""], ["0.125", ""])


def test_the_document_holds_every_line(written: tuple[Path, dict[str, Path]]) -> None:
    moving, files = written
    found = json.loads(files["report.json"].read_text("utf-8"))
    assert found["audit"] == json.loads((moving / "data" / "audit.json").read_text("utf-8"))
    lines = (moving / "data" / "faces.jsonl").read_text("utf-8").splitlines()
    key = lambda face: (face["frame"], face["person"])  # noqa: E731 - one key, used twice
    given = sorted((json.loads(line) for line in lines), key=key)
    for one, two in zip(sorted(found["faces"], key=key), given, strict=True):
        assert one["measures"] == two.get("measures", {})
        assert one["box_px"] == two["box_px"]


def test_pictures_and_clips_lie_beside_the_page(written: tuple[Path, dict[str, Path]]) -> None:
    moving, files = written
    page = Page(files["report.html"].read_text("utf-8"))
    sources = [e.attributes["src"] for e in page.elements if e.tag in {"img", "video"}]
    assert sources
    for source in sources:
        assert source.startswith(f"{ASSETS}/")
        assert (files["report.html"].parent / source).is_file()
    clip = files["report.html"].parent / ASSETS / "viewer-00.mp4"
    assert clip.read_bytes() == (moving / "data" / "viewer" / "00.mp4").read_bytes()


def test_no_budget_holds_for_clips_beside_the_page(
    written: tuple[Path, dict[str, Path]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(viewer, "CLIP_BYTES", 0)
    (path,) = render_reports(written[0], tmp_path / "out", ("html",), assets=True)
    assert len(Page(path.read_text("utf-8")).all("video")) == 2


def test_markdown_says_what_the_first_screen_says(view: View) -> None:
    text = render_markdown(view)
    for person in view.audit.people:
        assert f"**Person {person.id:02d}**" in text
    assert view.audit.source.sha256 in text
    assert text.count("\n## ") == 7
    assert "That does not confirm any face" in text or "| severity |" in text


def test_hostile_text_is_no_markup_in_markdown(hostile_bundle: Path) -> None:
    text = render_markdown(load_view(hostile_bundle / "data"))
    assert "<script>" not in text
    assert "\\<script\\>" in text
    assert "\u202e" not in text
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("text", "wanted"), [("md", ("md",)), ("csv, html", ("html", "csv")), ("pdf,pdf", ("pdf",))]
)
def test_formats_are_read_in_any_order(text: str, wanted: tuple[str, ...]) -> None:
    assert parse_formats(text) == wanted


@pytest.mark.parametrize("text", ["", "docx", "html,xlsx"])
def test_an_unknown_format_is_wrong_use(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_formats(text)
    assert "html, pdf, json, csv, md" in caught.value.hint


def test_a_format_that_fails_leaves_no_other_behind(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: View, language: str | None) -> str:
        raise OSError("disk full")

    monkeypatch.setattr("forensics.export.render_markdown", broken)
    with pytest.raises(OSError, match="disk full"):
        render_reports(bundle, tmp_path / "out", ("html", "md"))
    assert not (tmp_path / "out").exists()
