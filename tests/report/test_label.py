"""What ties a report to its bundle, and the label in its figures."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from PIL import Image

from forensics.report.figures import LABEL_PX, SIDE_PX, Album
from forensics.report.html import render_html
from forensics.report.page import build_page
from forensics.report.resources import font
from forensics.report.view import View
from forensics.report.words import NO_LABEL_SENTENCE, UNSIGNED_SENTENCE
from tests.report.pages import Page


def with_settings(view: View, **settings: bool) -> View:
    merged = {**view.audit.settings, **settings}
    return replace(view, audit=view.audit.model_copy(update={"settings": merged}))


@pytest.mark.parametrize(("labelled", "height"), [(True, SIDE_PX + LABEL_PX), (False, SIDE_PX)])
def test_figures_carry_the_label_in_a_margin_or_none(
    view: View, labelled: bool, height: int
) -> None:
    album = Album(view.data_dir, view.audit.run.id, font("OpenSans-Regular.ttf"), labelled)
    face = next(face for face in view.faces if face.outcome == "restored")
    for picture in album.pictures(face):
        assert picture.height_px == height
        with Image.open(io.BytesIO(picture.jpeg)) as shown:
            assert shown.size == (SIDE_PX, height)


def test_no_label_is_said_first_and_only_then(view: View) -> None:
    without = build_page(with_settings(view, label=False))
    assert NO_LABEL_SENTENCE in without.notices
    assert NO_LABEL_SENTENCE not in build_page(with_settings(view, label=True)).notices
    html = Page(render_html(with_settings(view, label=False)))
    heights = {e.attributes["height"] for e in html.all("img")}
    assert heights == {str(SIDE_PX)}


def test_every_figure_shows_the_digest_of_its_file(view: View) -> None:
    for person in build_page(view).people:
        for figure in person.figures:
            shown = [p for p in figure.pictures if p.state == "shown"]
            assert all(p.digest for p in shown)
            assert len(figure.digests) >= len(shown)


def test_the_foot_names_bundle_source_case_and_signers(view: View) -> None:
    signer = "ab" * 32
    run = view.audit.run.model_copy(update={"signers": (signer,)})
    signed = replace(view, audit=view.audit.model_copy(update={"run": run}))
    page = Page(render_html(signed))
    foot = page.one("footer").text
    for words in (run.id, view.audit.source.sha256, str(run.case), signer):
        assert words in foot
    assert f"is to be signed with the key {signer}" in page.words
    assert UNSIGNED_SENTENCE not in page.words
