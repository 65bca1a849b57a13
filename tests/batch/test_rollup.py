"""Roll-up: tables, pages and the seal say the same, show hostile names as text, refuse changes."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import pytest

from forensics.batch import faces_table, rollup
from forensics.batch.driver import Job, begin, run_batch
from forensics.batch.plan import BatchPlan, Planned
from forensics.config import Settings
from forensics.evidence.batch_seal import list_bytes, summary_bytes
from forensics.evidence.check_batch import is_batch, verify_batch
from forensics.evidence.lines import iter_faces
from forensics.evidence.signing import Signing
from forensics.evidence.verify import verify
from forensics.progress import Silent
from forensics.record_batch import BatchItem, BatchSummary, ItemResult
from forensics.records import MEASURES
from forensics.report.batch_html import render_batch_html
from forensics.report.batch_page import SORTS, build_batch_page
from forensics.report.batch_pdf import render_batch_pdf
from forensics.report.pdf import pdf_available
from tests.batch import stand_ins
from tests.bundles import make_bundle
from tests.signers import signer, trust

HOSTILE = "=cmd|'/c calc'!A1 <script>alert(1)</script>\u202e"


def _batch(folder: Path, signing: Signing | None = None) -> Path:
    """A batch of three bundles (one of them hostile), one failure and one duplicate."""
    names = Signing(elsewhere=signing.fingerprints) if signing else Signing()
    bundles = {
        "a": make_bundle(folder / "a", side=16, failed=False, signing=names),
        "h": make_bundle(folder / "h", side=16, hostile=True, signing=names),
        "n": make_bundle(folder / "n", side=16, no_faces=True, failed=False, signing=names),
    }
    runner = stand_ins.Drawn(lambda name: bundles[name], faults=frozenset({"bad"}))
    items = [
        Planned(stand_ins.item("a")),
        Planned(BatchItem("h", Path("/x"), None, HOSTILE)),
        Planned(stand_ins.item("n")),
        Planned(BatchItem("bad", Path("/y"), None, f"+{HOSTILE}")),
        Planned(stand_ins.item("same"), "a"),
    ]
    job = Job(folder / "out", Settings(format="html"), signing or Signing(), runner)
    run_batch(
        begin(BatchPlan(tuple(items), (f"{HOSTILE}: 1",)), job), job, Silent(), lambda _: None
    )
    return job.out


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An unsigned batch that no test may change."""
    return _batch(tmp_path_factory.mktemp("rollup"))


@pytest.fixture(scope="session")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, signed by key 1."""
    return _batch(tmp_path_factory.mktemp("signed-rollup"), Signing((signer(1),)))


def _summary(out: Path) -> BatchSummary:
    return BatchSummary.model_validate_json((out / "batch.json").read_bytes(), strict=True)


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
    summary = _summary(made)
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
    page = build_batch_page(_summary(made), links=True)
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
    summary = _summary(made)
    page = build_batch_page(summary, links=False, most=2)
    assert page.left_out == "The first 2 of 5 items; all are in batch.csv and batch.html."
    assert all(row.href is None for row in page.items)


def test_the_pdf_holds_batch_json(made: Path) -> None:
    if pdf_available() is not None:
        pytest.skip("Pango is absent")
    import pikepdf

    raw = (made / "batch.json").read_bytes()
    summary = _summary(made)
    out = render_batch_pdf(summary, raw)
    assert out == render_batch_pdf(summary, raw), "the same summary gives the same bytes"
    with pikepdf.open(io.BytesIO(out)) as pdf:
        assert list(pdf.attachments) == ["batch.json"]
        assert pdf.attachments["batch.json"].get_file().read_bytes() == raw
        assert len(pdf.pages) >= 2


def test_the_same_summary_gives_the_same_page(made: Path) -> None:
    text = (made / "batch.html").read_text("utf-8")
    assert render_batch_html(_summary(made)) == text


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
    files = {f.file: f for f in _summary(made).files}
    assert files["faces.parquet"].rows == len(rows)


def test_without_pyarrow_there_is_no_table_and_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollup, "pyarrow_here", lambda: False)
    out = _batch(tmp_path)
    assert not (out / "faces.parquet").exists()
    (file,) = [f for f in _summary(out).files if f.file == "faces.parquet"]
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


# ---------------------------------------------------------------- verify


def test_both_batches_are_intact(made: Path, signed: Path) -> None:
    assert is_batch(made)
    assert not is_batch(made / "a")
    assert verify_batch(made, verify).verdict == "intact_unsigned"
    pinned = trust(signer(1))
    found = verify_batch(signed, lambda path: verify(path, pinned), pinned)
    assert found.verdict == "intact_signer_known"
    assert found.document()["exit_code"] == 0
    unpinned = verify_batch(signed, verify)
    assert (unpinned.verdict, unpinned.exit_code) == ("intact_signer_unchecked", 0)


def _reseal(out: Path, change: Callable[[dict[str, object]], None]) -> None:
    """As somebody would who changes batch.json and makes the lists anew."""
    document = json.loads((out / "batch.json").read_bytes())
    change(document)
    summary = BatchSummary.model_validate_json(json.dumps(document), strict=True)
    (out / "batch.json").write_bytes(summary_bytes(summary))
    from forensics.evidence.bag import digest_file
    from forensics.evidence.batch_seal import VIEWS, bundle_digests

    names = ["batch.json", *(name for name in VIEWS if (out / name).exists())]
    digests = {name: digest_file(out / name).sha256 for name in names}
    (out / "batch.sha256").write_bytes(list_bytes(digests | bundle_digests(summary)))


def _items(document: dict[str, object]) -> list[dict[str, object]]:
    items = document["items"]
    assert isinstance(items, list)
    return items


def _other_band(document: dict[str, object]) -> None:
    people = _items(document)[0]["people"]
    assert isinstance(people, list)
    for person in people:
        person["band"] = "no_sign"
    counts = [p["band"] for item in _items(document) for p in item["people"]]  # type: ignore[attr-defined]
    document["bands"] = {
        band: counts.count(band)
        for band in ("high", "caution", "no_sign", "not_calculable")
        if band in counts
    }


def _drop_an_item(document: dict[str, object]) -> None:
    document["items"] = _items(document)[1:]


def _other_counts(document: dict[str, object]) -> None:
    counts = document["counts"]
    assert isinstance(counts, dict)
    counts["failed"], counts["done"] = 0, counts["done"] + 1


CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a view changed": (lambda o: (o / "batch.html").write_text("<p>all is well</p>"), "digests"),
    "a table changed": (lambda o: (o / "batch.csv").write_text("id\n"), "digests"),
    "the list changed": (lambda o: (o / "batch.sha256").write_text(""), "digests"),
    "the list gone": (lambda o: (o / "batch.sha256").unlink(), "digests"),
    "faces gone": (lambda o: (o / "faces.parquet").unlink(), "digests"),
    "a stranger": (lambda o: (o / "batch2.html").write_text("x"), "names"),
    "a strange folder": (lambda o: shutil.copytree(o / "a", o / "z"), "names"),
    "a link": (lambda o: (o / "x").symlink_to(o / "a"), "names"),
    "other counts": (lambda o: _reseal(o, _other_counts), "totals"),
    "a lost item": (lambda o: _reseal(o, _drop_an_item), "totals"),
    "a lighter band": (lambda o: _reseal(o, _other_band), "bundle a"),
    "a changed bundle": (lambda o: (o / "n" / "data" / "faces.csv").write_text("x"), "bundle n"),
    "another bundle": (
        lambda o: (shutil.rmtree(o / "n"), shutil.copytree(o / "a", o / "n")),
        "bundle n",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_batch_is_altered(name: str, made: Path, signed: Path, tmp_path: Path) -> None:
    change, where = CHANGES[name]
    for batch, pinned in ((made, None), (signed, trust(signer(1)))):
        out = tmp_path / ("signed" if pinned else "plain")
        shutil.copytree(batch, out)
        change(out)
        if pinned is None:
            found = verify_batch(out, verify)
        else:
            found = verify_batch(out, lambda path, p=pinned: verify(path, p), pinned)
        assert (found.verdict, found.exit_code) == ("altered", 4), found.lines()
        assert "ALTERED" in found.first_line
        failed = [step.name for step in found.steps if step.status == "failed"]
        failed += [f"bundle {bundle.name}" for bundle in found.bundles if bundle.exit_code]
        # Whoever re-makes the lists of an unsigned batch is caught by what the bundles say.
        assert where in failed, failed


def test_a_re_made_roll_up_is_refused_by_its_signature(signed: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(signed, tmp_path / "out"))

    def change(document: dict[str, object]) -> None:
        document["notes"] = ["nothing was left out"]

    _reseal(out, change)
    pinned = trust(signer(1))
    found = verify_batch(out, lambda path: verify(path, pinned), pinned)
    assert found.exit_code == 4
    assert [step.name for step in found.steps if step.status == "failed"] == ["statement"]
    shutil.rmtree(out / "signatures")
    found = verify_batch(out, lambda path: verify(path, pinned), pinned)
    assert [step.name for step in found.steps if step.status == "failed"] == ["signature"]


def test_a_bundle_that_is_not_here_is_an_incomplete_batch(made: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(made, tmp_path / "out"))
    shutil.rmtree(out / "n")
    found = verify_batch(out, verify)
    assert (found.verdict, found.exit_code) == ("incomplete", 3)
    assert "2 of 3 bundles intact" in found.first_line


def test_a_bundle_that_cannot_be_judged_is_an_incomplete_batch(made: Path, tmp_path: Path) -> None:
    """The contract: some of several could not be judged is exit 3, whatever one alone would be."""
    from forensics.evidence.verification import Step, Verification, conclude

    def judge(path: Path) -> Verification:
        if path.name == "a":
            return conclude("a", [Step("media", "not_checked", "a library is missing", 5)], None)
        return verify(path)

    found = verify_batch(made, judge)
    assert (found.verdict, found.exit_code) == ("incomplete", 3)


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b'{"schema": "restoration-forensics/batch/1"}', b"\xff" * 9]
)
def test_a_broken_roll_up_is_a_verdict_and_no_crash(
    content: bytes, made: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "batch.json").write_bytes(content)
    found = verify_batch(out, verify)
    assert found.exit_code in {3, 4}
    assert found.lines()


def test_a_bundle_s_name_that_is_a_path_is_not_followed(made: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(made, tmp_path / "out"))
    shutil.move(out / "a", tmp_path / "elsewhere")

    def change(document: dict[str, object]) -> None:
        _items(document)[0]["bundle"] = "../elsewhere"

    _reseal(out, change)
    found = verify_batch(out, verify)
    assert found.exit_code == 4
    (bundle,) = [b for b in found.bundles if b.name == "../elsewhere"]
    assert bundle.said == "the bundle is not here"


def test_a_result_is_a_record_that_survives_json(made: Path) -> None:
    for item in _summary(made).items:
        assert ItemResult.model_validate_json(item.model_dump_json()) == item
