"""Roll-up: tables and pages say what the bundles say, and show hostile names as text."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import pytest

from forensics.batch import faces_table, rollup
from forensics.evidence.check_batch import verify_batch
from forensics.evidence.lines import iter_faces
from forensics.evidence.verify import verify
from forensics.record_batch import ItemResult
from forensics.records import MEASURES
from forensics.report.batch_html import render_batch_html
from forensics.report.batch_page import SORTS, build_batch_page
from forensics.report.batch_pdf import render_batch_pdf
from forensics.report.pdf import pdf_available
from tests.batch.rollups import make_batch, summary_of

# ---------------------------------------------------------------- batch.json and batch.csv


def test_batch_json_is_what_its_schema_says(made: Path, repo_root: Path) -> None:
    schema = json.loads((repo_root / "docs" / "schema" / "batch.schema.json").read_bytes())
    document = json.loads((made / "batch.json").read_bytes())
    jsonschema.validate(document, schema)
    assert document["schema"] == "restoration-forensics/batch/1"
    clock = schema["x-clock-fields"]
    assert "items.seconds" in clock
    assert "run.id" in clock


def test_the_table_has_a_row_per_item_and_person_and_runs_no_formula(made: Path) -> None:
    rows = list(csv.DictReader(io.StringIO((made / "batch.csv").read_text("utf-8"))))
    summary = summary_of(made)
    expected = [(item.id, max(1, len(item.people))) for item in summary.items]
    found = [(name, sum(row["id"] == name for row in rows)) for name, _ in expected]
    assert found == expected
    for row in rows:
        for cell in row.values():
            assert cell[:1] not in {"=", "+", "-", "@"}, cell
    (bad,) = [row for row in rows if row["id"] == "bad"]
    assert bad["source"].startswith("'+=cmd")
    assert (bad["outcome"], bad["exit_code"], bad["band"]) == ("failed", "3", "")
    people = [row for row in rows if row["id"] == "a"]
    assert [row["person"] for row in people] == [str(p.id) for p in summary.items[0].people]
    assert people[0]["faces"] == str(summary.items[0].people[0].faces)


def test_sha256sum_checks_the_folder_without_this_tool(made: Path) -> None:
    if (tool := shutil.which("sha256sum")) is None:
        pytest.skip("sha256sum is not installed")
    done = subprocess.run(
        [tool, "-c", "batch.sha256"], cwd=made, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(": OK") == 4 + 3  # json, csv, html, parquet and three bundles


# ---------------------------------------------------------------- pages


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]


def test_hostile_names_are_text_and_the_page_runs_nothing(made: Path) -> None:
    text = (made / "batch.html").read_text("utf-8")
    page = _Tags()
    page.feed(text)
    assert not {"script", "iframe", "object", "img", "link", "form"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert "&lt;script&gt;" in text
    assert "\u202e" not in text
    assert "\\u202e" in text
    policies = [v for n, v in page.attributes if n == "content" and v.startswith("default-src")]
    assert policies == [
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none';"
        " form-action 'none'"
    ]
    links = {v for n, v in page.attributes if n == "href" and not v.startswith("#")}
    assert links == {f"{name}/data/report/report.html" for name in ("a", "h", "n")}


def test_the_page_sorts_without_a_script(made: Path) -> None:
    text = (made / "batch.html").read_text("utf-8")
    for name in SORTS:
        assert f'id="sort-{name}"' in text
        rule = f".items:has(#sort-{name}:checked) tbody tr {{ order: var(--{name}); }}"
        assert rule in text
    styles = re.findall(r'<tr role="row" style="([^"]*)"', text)
    assert len(styles) == 5
    for style in styles:
        assert re.fullmatch(r"(--[a-z]+:-?\d+;?)+", style), style
    page = build_batch_page(summary_of(made), links=True)
    by = {
        sort: [row.id for row in sorted(page.items, key=lambda row: dict(row.order)[sort])]
        for sort in SORTS
    }
    assert by["plan"] == ["a", "h", "n", "bad", "same"]
    assert by["name"] == ["a", "bad", "h", "n", "same"]
    assert by["outcome"][0] == "bad"
    assert by["outcome"][-1] == "same"
    assert set(by["people"][:2]) == {"a", "h"}


def test_the_page_says_the_counts_the_failures_and_the_limits(made: Path) -> None:
    text = (made / "batch.html").read_text("utf-8")
    for words in (
        "5 items: 3 audited, 1 failed, 1 same as another; 1 of those with a bundle incomplete.",
        "Not complete: part of the work failed; the table below says what.",
        "bad is broken",
        "mend",
        "no face found; this does not mean that nobody is there",
        "the same bytes with the same settings as &#39;a&#39;, which is audited once",
        "the same person in two items is counted twice",
        "Restored with the built-in demonstration model, not with GFPGAN.",
    ):
        assert words in text, words
    for never in ("fake", "real face", "true face", "match", "authentic"):
        assert never not in text.lower()


def test_a_batch_of_nothing_left_out_says_so_on_paper(made: Path) -> None:
    summary = summary_of(made)
    page = build_batch_page(summary, links=False, most=2)
    assert page.left_out == "The first 2 of 5 items; all are in batch.csv and batch.html."
    assert all(row.href is None for row in page.items)


def test_the_pdf_holds_batch_json(made: Path) -> None:
    if pdf_available() is not None:
        pytest.skip("Pango is absent")
    import pikepdf

    raw = (made / "batch.json").read_bytes()
    summary = summary_of(made)
    out = render_batch_pdf(summary, raw)
    assert out == render_batch_pdf(summary, raw), "the same summary gives the same bytes"
    with pikepdf.open(io.BytesIO(out)) as pdf:
        assert list(pdf.attachments) == ["batch.json"]
        assert pdf.attachments["batch.json"].get_file().read_bytes() == raw
        assert len(pdf.pages) >= 2


def test_the_same_summary_gives_the_same_page(made: Path) -> None:
    text = (made / "batch.html").read_text("utf-8")
    assert render_batch_html(summary_of(made)) == text


# ---------------------------------------------------------------- faces.parquet


def test_every_face_of_every_bundle_is_a_row(made: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    table = pq.read_table(made / "faces.parquet")
    assert table.schema.metadata[b"schema"] == b"restoration-forensics/faces-table/1"
    assert table.column_names == list(faces_table.COLUMNS)
    rows = table.to_pylist()
    expected = [(name, f) for name in ("a", "h", "n") for f in iter_faces(made / name)]
    assert len(rows) == len(expected) > 0
    for row, (name, line) in zip(rows, expected, strict=True):
        assert (row["item"], row["frame"], row["person"]) == (name, line.frame, line.person)
        assert row["band"] == line.risk.band
        assert row["flags"] == list(line.flags)
        assert dict(row["not_measured"]) == line.not_measured
        for measure in MEASURES:
            value = {"interocular_px": line.interocular_px, **line.measures}.get(measure)
            assert row[measure] == value, measure
    files = {f.file: f for f in summary_of(made).files}
    assert files["faces.parquet"].rows == len(rows)


def test_what_plugins_measured_is_in_the_row(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    (line, *_) = iter_faces(made / "a")
    read = {"plugin_measures": {"plugin:hue": 0.25}, "plugin_not_measured": {"plugin:ear": "dark"}}
    lines = [line.model_copy(update=read), line]
    monkeypatch.setattr(faces_table, "iter_faces", lambda bundle: iter(lines))
    items = [item for item in summary_of(made).items if item.id == "a"]
    assert faces_table.write_faces(tmp_path / "faces.parquet", made, items) == 2
    first, second = pq.read_table(tmp_path / "faces.parquet").to_pylist()
    assert first["plugin_measures"] == [("plugin:hue", 0.25)]
    assert first["plugin_not_measured"] == [("plugin:ear", "dark")]
    assert second["plugin_measures"] == second["plugin_not_measured"] == []


def test_without_pyarrow_there_is_no_table_and_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollup, "pyarrow_here", lambda: False)
    out = make_batch(tmp_path)
    assert not (out / "faces.parquet").exists()
    (file,) = [f for f in summary_of(out).files if f.file == "faces.parquet"]
    assert (file.outcome, file.reason) == ("skipped", faces_table.MISSING_WORDS)
    assert "extra &#39;analysis&#39;" in (out / "batch.html").read_text("utf-8")
    assert verify_batch(out, verify).exit_code == 0


def _blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text("utf-8"), re.DOTALL)


def test_the_example_of_the_documents_runs(
    made: Path, repo_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    duckdb = pytest.importorskip("duckdb")
    monkeypatch.chdir(made)
    queries = _blocks(repo_root / "docs" / "analysis.md", "sql")
    assert len(queries) >= 3
    found = [duckdb.sql(query).fetchall() for query in queries]
    faces = sum(1 for name in ("a", "h", "n") for _ in iter_faces(made / name))
    assert sum(row[-1] for row in found[0]) == faces
    assert all(found)


def test_every_column_is_documented(repo_root: Path) -> None:
    text = (repo_root / "docs" / "analysis.md").read_text("utf-8")
    for name in faces_table.COLUMNS:
        if name.startswith("ref_") or name in MEASURES:
            continue
        assert f"`{name}`" in text, name


def test_a_result_is_a_record_that_survives_json(made: Path) -> None:
    for item in summary_of(made).items:
        assert ItemResult.model_validate_json(item.model_dump_json()) == item
