"""Page 1: Content Credentials of the source; failing ones set apart, "none found" in its place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pypdfium2
import pytest

from forensics.record_credentials import CredentialFailure, Credentials
from forensics.report.html import render_html
from forensics.report.pdf import render_pdf
from forensics.report.view import View
from tests.report.pages import Page

READER = "c2pa-python 0.38.1"
NONE = Credentials(outcome="none", reader=READER)
SOUND = Credentials(outcome="found", state="Valid", signer="City desk", files_with=1, reader=READER)
MISMATCH = CredentialFailure(
    code="assertion.dataHash.mismatch", place="this file", words="Hashes do not match"
)
PARENT = CredentialFailure(
    code="assertion.bmffHash.mismatch", place="its ingredient \u201craw.mov\u201d"
)


def with_credentials(
    view: View, source: Credentials | None, restored: Credentials | None = None
) -> View:
    audit = view.audit
    assert audit.restored is not None
    return replace(
        view,
        audit=audit.model_copy(
            update={
                "source": audit.source.model_copy(update={"credentials": source}),
                "restored": audit.restored.model_copy(update={"credentials": restored}),
            }
        ),
    )


def shown(view: View) -> dict[str, str]:
    """Class of each paragraph on credentials and its text; all stand in the page's head."""
    page = Page(render_html(view))
    (head,) = [element for element in page.all("header") if "top" in element.attributes["class"]]
    found = {}
    for paragraph in page.all("p"):
        if "credentials" in paragraph.attributes.get("class", "").split():
            assert paragraph.text in head.text
            found[paragraph.text] = paragraph.attributes["class"]
    return found


def test_none_found_is_said_in_its_place(view: View) -> None:
    expected = {"Content Credentials of the source: none found.": "credentials small"}
    assert shown(with_credentials(view, NONE)) == expected
    folder = NONE.model_copy(update={"files": 12})
    (said,) = shown(with_credentials(view, folder))
    assert said == "Content Credentials of the source: none found in any of 12 files."


def test_a_run_that_did_not_look_says_nothing(view: View) -> None:
    assert shown(with_credentials(view, None)) == {}


def test_sound_ones_name_the_signer_and_do_not_vouch_for_the_picture(view: View) -> None:
    claimed = SOUND.model_copy(update={"source_types": ("digitalCapture",)})
    ((said, kind),) = shown(with_credentials(view, claimed)).items()
    assert (
        "present and unbroken, signed by \u201cCity desk\u201d; who that is was not checked" in said
    )
    assert "claim the source type digitalCapture" in said
    assert "they do not say that the picture is right" in said
    assert kind == "credentials small"


def test_failing_ones_are_set_apart(view: View) -> None:
    broken = SOUND.model_copy(update={"state": "Invalid", "failures": (MISMATCH,)})
    first, second = shown(with_credentials(view, broken)).items()
    assert "present and NOT VALID" in first[0]
    assert "assertion.dataHash.mismatch (this file: Hashes do not match)" in second[0]
    assert first[1] == second[1] == "credentials warn"


def test_a_failing_parent_is_shown_under_a_file_that_is_in_order(view: View) -> None:
    child = SOUND.model_copy(update={"failures": (PARENT,)})
    first, second = shown(with_credentials(view, child)).items()
    assert "unbroken" in first[0]
    assert "assertion.bmffHash.mismatch (its ingredient \u201craw.mov\u201d)" in second[0]
    assert second[1] == "credentials warn"


def test_many_failures_are_counted(view: View) -> None:
    many = tuple(MISMATCH.model_copy(update={"place": f"part {n}"}) for n in range(9))
    failing = SOUND.model_copy(update={"failures": many})
    assert any(
        "and 4 more in audit.json" in text for text in shown(with_credentials(view, failing))
    )


def test_unreadable_ones_say_why(view: View) -> None:
    crashed = Credentials(outcome="unreadable", reason="the reader crashed (signal 11)")
    (said,) = shown(with_credentials(view, crashed))
    assert said == (
        "Content Credentials of the source: could not be read (the reader crashed (signal 11))."
    )


@pytest.mark.parametrize("hostile", ["<img src=x onerror=alert(1)>", "</p><script>x</script>"])
def test_hostile_names_stay_text(view: View, hostile: str) -> None:
    named = SOUND.model_copy(update={"signer": hostile, "failures": (MISMATCH,)})
    html = render_html(with_credentials(view, named))
    assert hostile not in html
    assert hostile in Page(html).words


def test_they_stand_on_page_1_of_the_pdf(view: View, tmp_path: Path) -> None:
    child = SOUND.model_copy(update={"failures": (PARENT,)})
    restored = SOUND.model_copy(update={"signer": "Test newsroom"})
    pdf = render_pdf(with_credentials(view, child, restored))
    with pypdfium2.PdfDocument(pdf) as document:
        page = document[0]
        words = " ".join(page.get_textpage().get_text_bounded().split())
        page.render(scale=1.3).to_pil().save(tmp_path / "page1.png")
    assert "Content Credentials of the source: present, unbroken in this file, not in" in words
    assert "Failed checks of these credentials: assertion.bmffHash.mismatch" in words
    assert "signed by \u201cTest newsroom\u201d, which say that faces in it were drawn" in words
