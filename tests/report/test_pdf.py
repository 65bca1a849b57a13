"""The PDF: PDF/A-3a, tagged, repeatable, with audit.json inside and nothing fetched."""

from __future__ import annotations

import contextlib
import http.server
import logging
import re
import threading
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pypdfium2
import pypdfium2.raw as raw
import pytest

from forensics.report import pdf as pdf_module
from forensics.report import words
from forensics.report.pdf import (
    PdfError,
    PdfUnavailable,
    pdf_available,
    render_pdf,
    write_pdf,
)
from forensics.report.view import View, load_view

CREATED = datetime(2026, 1, 2, tzinfo=UTC)

pytestmark = [
    pytest.mark.skipif(pdf_available() is not None, reason="Pango is absent"),
    # WeasyPrint opens the ICC profile of PDF/A and leaves closing it to the garbage collector.
    pytest.mark.filterwarnings("ignore:unclosed file .*sRGB2014:ResourceWarning"),
]


@pytest.fixture(scope="module")
def pdf(view: View) -> bytes:
    return render_pdf(view)


@pytest.fixture(scope="module")
def document(pdf: bytes) -> Iterator[pypdfium2.PdfDocument]:
    opened = pypdfium2.PdfDocument(pdf)
    yield opened
    opened.close()


def _pages(document: pypdfium2.PdfDocument) -> list[str]:
    out = []
    for page in document:
        text = page.get_textpage()
        out.append(" ".join(text.get_text_bounded().split()))
        text.close()
        page.close()
    return out


def _opened(pdf: bytes) -> bytes:
    """The file with its Flate streams unpacked: catalogue and metadata lie in such streams."""
    out = [pdf]
    for found in re.finditer(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.S):
        with contextlib.suppress(zlib.error):  # pictures and ICC data are no Flate text
            out.append(zlib.decompress(found[1]))
    return b"\n".join(out)


def test_it_is_marked_as_pdf_a_3a_with_our_dates(
    pdf: bytes, document: pypdfium2.PdfDocument
) -> None:
    inside = _opened(pdf)
    assert re.search(rb"pdfaid:part(=\"3\"|>3<)", inside)
    assert re.search(rb"pdfaid:conformance(=\"A\"|>A<)", inside)
    for entry in (b"/OutputIntents", b"/StructTreeRoot", b"/MarkInfo", b"/AF", b"/AFRelationship"):
        assert entry in inside
    about = document.get_metadata_dict()
    assert about["CreationDate"] == about["ModDate"] == "D:20260102030447Z"
    assert about["Title"] == "Restoration audit of two_people.mp4"


def test_it_is_tagged_and_every_figure_has_a_text(document: pypdfium2.PdfDocument) -> None:
    assert raw.FPDFCatalog_IsTagged(document.raw)
    tree = raw.FPDF_StructTree_GetForPage
    found: list[tuple[str, str]] = []
    for page in document:
        root = tree(page.raw)
        for index in range(raw.FPDF_StructTree_CountChildren(root)):
            _collect(raw.FPDF_StructTree_GetChildAtIndex(root, index), found)
        raw.FPDF_StructTree_Close(root)
        page.close()
    figures = {alt for kind, alt in found if kind == "Figure"}
    assert "Person 00, frame 2, restored face: band high; contradicts the footage" in figures
    assert any(alt.startswith("Timeline of Person 01.") for alt in figures)
    assert "" not in figures
    assert {"H1", "H2", "Table", "TH", "Caption"} <= {kind for kind, _ in found}


def _collect(element: object, found: list[tuple[str, str]]) -> None:
    if not element:
        return
    found.append(
        (
            _text(raw.FPDF_StructElement_GetType, element),
            _text(raw.FPDF_StructElement_GetAltText, element),
        )
    )
    for index in range(raw.FPDF_StructElement_CountChildren(element)):
        _collect(raw.FPDF_StructElement_GetChildAtIndex(element, index), found)


def _text(ask: object, element: object) -> str:
    import ctypes

    assert callable(ask)
    size = ask(element, None, 0)
    if not size:
        return ""
    buffer = ctypes.create_string_buffer(size)
    ask(element, buffer, size)
    return buffer.raw.decode("utf-16-le").rstrip("\0")


def test_audit_json_is_attached_byte_for_byte(document: pypdfium2.PdfDocument, view: View) -> None:
    assert document.count_attachments() == 1
    attachment = document.get_attachment(0)
    assert attachment.get_name() == "audit.json"
    assert bytes(attachment.get_data()) == view.audit_json
    assert view.audit_json == (view.data_dir / "audit.json").read_bytes()


def test_two_renders_are_equal_byte_for_byte(bundle: Path, pdf: bytes) -> None:
    assert render_pdf(load_view(bundle / "data")) == pdf


def test_every_page_names_run_source_and_number(
    document: pypdfium2.PdfDocument, view: View
) -> None:
    pages = _pages(document)
    assert len(pages) > 3
    for number, text in enumerate(pages, start=1):
        assert words.NOT_FOR_IDENTIFICATION in text
        assert view.audit.run.id in text
        assert view.audit.source.sha256 in text.replace(" ", "")
        assert f"Page {number} of {len(pages)}" in text


def test_it_says_what_the_html_says(document: pypdfium2.PdfDocument, view: View) -> None:
    text = " ".join(_pages(document))
    first = _pages(document)[0]
    assert first.index(words.DEMONSTRATION_SENTENCE) < first.index("Restoration audit")
    for part in (
        *(person.summary for person in view.audit.people),
        words.NO_PROBABILITY_SENTENCE,
        "the frame could not be decoded",
        words.PICTURE_STATES["none"],
        "Text is set in Open Sans and DejaVu Sans",
    ):
        assert part in text


def test_bookmarks_lead_through_it(document: pypdfium2.PdfDocument) -> None:
    titles = [item.get_title() for item in document.get_toc(max_depth=3)]
    assert titles[0] == "Restoration audit"
    assert {"The answer", "Flags", "Accounting", "Measures", "Provenance", "Limits"} <= set(titles)


def test_hostile_text_stays_text(hostile_bundle: Path) -> None:
    document = pypdfium2.PdfDocument(render_pdf(load_view(hostile_bundle / "data")))
    text = "".join(_pages(document)).replace(" ", "")
    assert document.count_attachments() == 1
    document.close()
    assert "<script>alert(1)</script>" in text
    assert "\\u202e" in text
    assert "\u202e" not in text


def test_no_face_has_a_pdf_too(empty_bundle: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "weasyprint")
    document = pypdfium2.PdfDocument(render_pdf(load_view(empty_bundle / "data")))
    assert "No face found; this does not mean that nobody is there." in " ".join(_pages(document))
    document.close()
    assert caplog.messages == []  # every rule of the style means something to WeasyPrint


# ---------------------------------------------------------------- nothing is fetched


SECRET = "the-secret-that-must-not-leak"  # noqa: S105 - bait of this test, guards nothing
VECTORS = {
    "img": '<img src="{}" alt="x">',
    "stylesheet": '<link rel="stylesheet" href="{}">',
    "attachment": '<link rel="attachment" href="{}">',
    "anchor attachment": '<a rel="attachment" href="{}">x</a>',
    "import": "<style>@import url({});</style>",
    "background": '<p style="background-image: url({})">x</p>',
    "font": "<style>@font-face {{ font-family: q; src: url({}) }} p {{ font-family: q }}</style>",
    "content": "<style>p::before {{ content: url({}) }}</style>",
    "list": '<ul style="list-style-image: url({})"><li>x</li></ul>',
    "border": '<p style="border-image: url({}) 1; border: 1px solid">x</p>',
    "object": '<object data="{}">x</object>',
    "embed": '<embed src="{}">',
    "svg image": '<svg xmlns="http://www.w3.org/2000/svg"><image href="{}"/></svg>',
    "svg use": '<svg xmlns="http://www.w3.org/2000/svg"><use href="{}#a"/></svg>',
    "mask": '<p style="mask-image: url({})">x</p>',
    "page": "<style>@page {{ background: url({}) }}</style>",
    "icon": '<link rel="icon" href="{}">',
}


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, list[str]]]:
    """A server on this machine that lists what it was asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}/x", asked
        running.shutdown()
        thread.join()


@pytest.mark.parametrize("name", VECTORS)
def test_a_vector_neither_asks_nor_leaks(
    name: str, server: tuple[str, list[str]], tmp_path: Path
) -> None:
    address, asked = server
    bait = tmp_path / "bait.txt"
    bait.write_text(SECRET, encoding="utf-8")
    for target in (address, bait.as_uri()):
        text = (
            f"<!doctype html><html lang=en><title>t</title><p>x</p>{VECTORS[name].format(target)}"
        )
        try:
            made = write_pdf(text, {}, b"{}", created=CREATED, identifier=b"0" * 16)
        except PdfError as refused:
            assert "refers to nothing outside itself" in refused.message  # noqa: PT017 - either
            continue
        document = pypdfium2.PdfDocument(made)
        names = [document.get_attachment(i).get_name() for i in range(document.count_attachments())]
        held = [bytes(document.get_attachment(i).get_data()) for i in range(len(names))]
        text_of = " ".join(_pages(document))
        document.close()
        assert names == ["audit.json"]
        assert held == [b"{}"]
        assert SECRET not in text_of
        assert SECRET.encode() not in made
    assert asked == []


def test_the_fetcher_refuses_what_it_does_not_know() -> None:
    with pytest.raises(PdfError, match="nothing outside itself"):
        write_pdf(
            '<img src="mem:other.jpg" alt="x">', {}, b"{}", created=CREATED, identifier=b"0" * 16
        )


# ---------------------------------------------------------------- what is absent


def test_a_missing_library_is_named_and_costs_exit_5(
    view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf_module, "_LIBRARIES", {"Pango": ("libabsent-of-this-test.so.9",)})
    assert pdf_available() == "system libraries are missing: Pango"
    with pytest.raises(PdfUnavailable) as caught:
        render_pdf(view)
    assert caught.value.exit_code == 5
    assert "--format html" in caught.value.hint


def test_dates_of_no_meaning_still_give_a_pdf() -> None:
    assert pdf_module.clock("yesterday") == datetime(1970, 1, 1, tzinfo=UTC)
    assert pdf_module.clock("2026-01-02T03:04:05+02:00") == datetime(
        2026, 1, 2, 1, 4, 5, tzinfo=UTC
    )


def test_a_german_pdf_says_its_language_and_speaks_it_in_its_margins(view: View) -> None:
    made = render_pdf(view, "de")
    assert made == render_pdf(view, "de")
    assert re.search(rb"/Lang ?\((\xfe\xff\x00)?d\x00?e\)", _opened(made))
    document = pypdfium2.PdfDocument(made)
    pages = _pages(document)
    document.close()
    assert f"Seite 1 von {len(pages)}" in pages[0]
    assert "Prüfung einer Restaurierung" in pages[0]
    assert "Restoration audit" not in " ".join(pages)
    assert not re.search(r"Page \d", " ".join(pages))


def test_only_bundled_fonts_are_in_it(pdf: bytes) -> None:
    names = set(re.findall(rb"/FontName ?/([^\s/<>]+)", _opened(pdf)))
    assert len(names) >= 3
    assert all(re.search(rb"Open-?Sans|DejaVu|Report", name) for name in names), names
