"""The strip of other faces that fit: in both reports, labelled, and checked by verify."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from forensics.evidence.verify import verify
from forensics.report import words
from forensics.report.figures import LABEL_PX, OTHER_PX
from forensics.report.html import render_html
from forensics.report.pdf import pdf_available, render_pdf
from forensics.report.selection import choose
from forensics.report.view import View, load_view
from tests.bundles import make_bundle, rebag
from tests.report.conftest import SIDE_PX
from tests.report.pages import Page

NAME = "000001_00_b.png"


@pytest.fixture(scope="module")
def with_others(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("others"), side=SIDE_PX, others=4)


@pytest.fixture(scope="module")
def shown(with_others: Path) -> Page:
    return Page(render_html(load_view(with_others / "data")))


def _strip(page: Page) -> list[dict[str, str]]:
    return [
        e.attributes for e in page.all("img") if "shrinks to the same pixels" in e.attributes["alt"]
    ]


def test_four_faces_stand_beside_the_restored_one_with_the_sentence(shown: Page) -> None:
    strip = _strip(shown)
    assert len(strip) == 4
    assert [image["alt"][-6:] for image in strip] == ["1 of 4", "2 of 4", "3 of 4", "4 of 4"]
    assert {(i["width"], i["height"]) for i in strip} == {(str(OTHER_PX), str(OTHER_PX + LABEL_PX))}
    assert "Each of these shrinks to the same pixels. The software chose one." in shown.words
    assert "They lie 0.0625 apart" in shown.words
    assert "Drawn by the built-in demonstration model: 4 faces of many" in shown.words


def test_without_them_there_is_no_strip(html: str) -> None:
    assert words.OTHERS_SENTENCE not in html
    assert 'class="others"' not in html


def test_another_restorer_is_named_beside_the_model_that_drew() -> None:
    text = words.others_words(3, None, "gfpgan-1.4")
    assert text.startswith("Drawn by the built-in demonstration model, not by gfpgan-1.4, which")
    assert "3 faces of many that fit." in text
    assert "apart" not in text


def test_a_face_with_others_is_chosen_for_the_report(with_others: Path) -> None:
    view = load_view(with_others / "data")
    person = view.audit.people[0].model_copy(update={"key_frames": (2,)})
    chosen = choose(person, view.faces_of(0), (), 2)
    assert [(c.face.frame, c.key) for c in chosen] == [(2, True), (1, False)]


@pytest.mark.skipif(pdf_available() is not None, reason="Pango is absent")
def test_the_pdf_holds_the_sentence_and_four_more_pictures(with_others: Path, view: View) -> None:
    import pypdfium2

    def read(found: View) -> tuple[str, int]:
        document = pypdfium2.PdfDocument(render_pdf(found))
        text = " ".join(page.get_textpage().get_text_range() for page in document)
        kinds = [item.type for page in document for item in page.get_objects()]
        return " ".join(text.split()), kinds.count(pypdfium2.raw.FPDF_PAGEOBJ_IMAGE)

    text, pictures = read(load_view(with_others / "data"))
    _, before = read(view)
    assert "Each of these shrinks to the same pixels. The software chose one." in text
    assert pictures == before + 4


def test_verify_passes_and_holds_each_picture_to_its_line(
    with_others: Path, tmp_path: Path
) -> None:
    assert verify(with_others).exit_code == 0
    for deed in ("changed", "lost", "added"):
        made = make_bundle(tmp_path / deed, side=SIDE_PX, others=4)
        path = made / "data" / "alternatives" / NAME
        if deed == "changed":
            Image.new("RGB", (SIDE_PX, SIDE_PX), (9, 9, 9)).save(path)
        elif deed == "lost":
            path.unlink()
        else:
            path.with_name("000001_00_e.png").write_bytes(path.read_bytes())
        rebag(made)
        result = verify(made)
        assert result.exit_code == 4, deed
        said = " ".join(str(step) for step in result.steps)
        assert "alternatives/" in said, deed
