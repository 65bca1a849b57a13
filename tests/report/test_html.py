"""The HTML: one file, inert, complete, readable without colour, script or network."""

from __future__ import annotations

import hashlib
import io
import re
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image

from forensics.report import words
from forensics.report.figures import LABEL_PX, Album
from forensics.report.figures import SIDE_PX as SHOWN_PX
from forensics.report.html import render_html
from forensics.report.resources import font
from forensics.report.view import View, load_view
from tests.bundles import make_bundle
from tests.report.conftest import SIDE_PX
from tests.report.pages import Page

ADDRESS = re.compile(r"(?:https?|ftps?|file|javascript|blob|ws|wss):|//[a-z0-9]", re.I)


@pytest.fixture(scope="session")
def page(html: str) -> Page:
    return Page(html)


# ---------------------------------------------------------------- inert and self-contained


def test_the_policy_stands_before_anything_else_in_the_head(page: Page) -> None:
    metas = page.all("meta")
    assert metas[0].attributes == {"charset": "utf-8"}
    policy = metas[1].attributes
    assert policy["http-equiv"] == "Content-Security-Policy"
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in policy["content"]
    assert re.search(r"script-src 'sha256-[A-Za-z0-9+/]{43}='$", policy["content"])


@pytest.mark.parametrize("which", ["html", "hostile_html"])
def test_nothing_outside_the_file_is_named(which: str, request: pytest.FixtureRequest) -> None:
    page = Page(request.getfixturevalue(which))
    assert not {"link", "iframe", "object", "embed", "base", "form"} & {
        element.tag for element in page.elements
    }
    data = {"type": "application/json", "id": "script-words"}
    assert [e.attributes for e in page.all("script")] == [data, {}]  # ours, named by the policy
    for element in page.elements:
        for name, value in element.attributes.items():
            assert not name.startswith("on"), (element.tag, name)
            if name == "src":
                assert value.startswith("data:image/jpeg;base64,")
            elif name == "href":
                assert re.fullmatch(r"#[a-z0-9-]+|\.\./(\w+)/\d{6,}_\d{2,}(_[a-d])?\.png", value)
            elif name not in {"alt", "content", "xmlns"}:
                assert not ADDRESS.search(value), (element.tag, name, value)


def test_the_style_loads_nothing(html: str) -> None:
    styles = re.findall(r"<style>(.*?)</style>", html, re.S)
    assert len(styles) == 1
    assert "url(" not in styles[0]
    assert "@import" not in styles[0]
    assert 'style="' not in html


def test_hostile_text_is_shown_and_does_nothing(hostile_html: str) -> None:
    page = Page(hostile_html)
    assert "<script>alert(1)</script>" in page.words  # as text
    assert "<img src=x onerror=alert(1)>" in page.words
    assert "{{7*7}}" in page.words
    assert "49" not in page.one("h1").text
    assert "\\u202e" in page.words
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u2028\x1b\x00]", hostile_html)
    assert "\\x1b" in page.words
    assert len(page.all("img")) == hostile_html.count("data:image/jpeg")


def test_the_page_is_well_formed(page: Page, hostile_html: str) -> None:
    assert page.unclosed == []
    assert Page(hostile_html).unclosed == []


def test_two_renders_are_equal_byte_for_byte(bundle: Path, html: str) -> None:
    assert render_html(load_view(bundle / "data")) == html


# ---------------------------------------------------------------- what a reader must get


def test_the_sentence_of_a_demonstration_stands_first(page: Page, view: View) -> None:
    body = page.words[page.words.index(view.audit.source.file) :]
    assert page.words.split(words.DEMONSTRATION_SENTENCE)[0].count(view.audit.source.file) == 1
    assert page.one("header").text.strip().startswith(words.DEMONSTRATION_SENTENCE)
    assert words.NOT_FOR_IDENTIFICATION in page.one("header").text
    assert body


def test_another_restorer_gets_no_demonstration_sentence(view: View) -> None:
    audit = view.audit.model_copy(
        update={
            "settings": {**view.audit.settings, "models": "gfpgan-1.4"},
            "limits": words.limits(
                demonstration=False, calibrated=False, people=2, lpips_official=True
            ),
        }
    )
    other = View(view.data_dir, audit, b"{}", view.frames, view.faces, {})
    assert words.DEMONSTRATION_SENTENCE not in Page(render_html(other)).words


def test_parts_stand_in_the_order_of_a_report(page: Page) -> None:
    heads = [element.text.split()[0] for element in page.all("h2")]
    assert heads == [
        "The",
        "Person",
        "Person",
        "Flags",
        "All",
        "Accounting",
        "Measures",
        "Provenance",
        "The",
        "Limits",
    ]


def test_required_facts_and_sentences(page: Page, view: View) -> None:
    audit = view.audit
    for text in (
        audit.source.sha256,
        audit.run.id,
        audit.source.note,
        words.NO_PROBABILITY_SENTENCE,
        words.UNSIGNED_SENTENCE,
        words.BASELINE_SENTENCE,
        words.SSIM_SENTENCE,
        *words.NOT_CONCLUDED,
        *words.MAP_KEY.values(),
        *(model.sha256 for model in audit.models),
        *(model.licence for model in audit.models),
        *(person.summary for person in audit.people),
        *(flag.words for flag in audit.flags),
        *audit.reproduce.values(),
        *audit.limits,
        "The run is not complete",
        "official AlexNet backbone not fetched",
    ):
        assert text is not None
        assert " ".join(text.split()) in " ".join(page.words.split())


def test_bands_carry_word_and_shape(page: Page) -> None:
    for code, band in words.BANDS.items():
        shown = [e for e in page.all("span") if e.attributes.get("class") == f"band band-{code}"]
        assert shown
        assert {" ".join(e.text.split()) for e in shown} == {f"{band.shape} {band.word}"}


def test_failed_faces_and_frames_are_shown(page: Page) -> None:
    accounting = next(e for e in page.all("section") if e.attributes["id"] == "accounting").text
    assert "whole frame" in accounting
    assert "the frame could not be decoded" in accounting
    assert "the network gave numbers that are not finite" in accounting
    assert "FloatingPointError: not finite" in accounting
    assert words.REASONS["below_eye_px"] in accounting
    assert words.REASONS["track_rejected"] in accounting
    figures = [e.text for e in page.all("figure") if "failed (left as it was)" in e.text]
    assert len(figures) == 1
    assert words.PICTURE_STATES["none"] in figures[0]


def test_totals_that_do_not_add_up_are_named(view: View) -> None:
    totals = view.audit.totals.model_copy(update={"faces_failed": 0})
    audit = view.audit.model_copy(update={"totals": totals})
    said = Page(render_html(View(view.data_dir, audit, b"", view.frames, view.faces, {}))).words
    assert "audit.json says 0 for \u201cfaces failed\u201d" in said
    assert "The counts disagree" not in Page(render_html(view)).words


def test_no_face_is_a_complete_result(empty_bundle: Path) -> None:
    page = Page(render_html(load_view(empty_bundle / "data")))
    assert "No face found; this does not mean that nobody is there." in page.words
    assert "The software ran to its end and lost no frame and no face." in page.words
    assert page.all("figure") == []
    assert page.unclosed == []


# ---------------------------------------------------------------- pictures


def test_alt_texts_state_the_finding(page: Page) -> None:
    alts = [image.attributes["alt"] for image in page.all("img")]
    assert len(alts) == len(set(alts)) > 6
    assert "Person 00, frame 2, restored face: band high; contradicts the footage" in alts
    assert "Person 00, frame 1, as the footage holds it: 46 px between the eyes" in alts
    assert any(re.search(r"map of .*: 14% of the fine detail has no counterpart", a) for a in alts)


def test_pictures_of_a_face_have_equal_size(page: Page) -> None:
    sizes = {(i.attributes["width"], i.attributes["height"]) for i in page.all("img")}
    assert sizes == {("320", "342")}


def test_missing_broken_and_changed_pictures_are_named(tmp_path: Path) -> None:
    data = make_bundle(tmp_path, side=SIDE_PX) / "data"
    (data / "cropped_faces" / "000001_00.png").unlink()
    (data / "restored_faces" / "000001_00.png").write_bytes(b"\x89PNG\r\n\x1a\nnonsense" * 9)
    outside = tmp_path / "outside.png"
    Image.new("RGB", (SIDE_PX, SIDE_PX), (255, 0, 0)).save(outside)
    (data / "maps" / "000001_00.png").unlink()
    (data / "maps" / "000001_00.png").symlink_to(outside)
    Image.new("RGB", (SIDE_PX, SIDE_PX), (255, 0, 0)).save(data / "restored_faces/000002_00.png")
    page = Page(render_html(load_view(data)))
    first, second = (
        next(e.text for e in page.all("figure") if e.attributes["id"] == f"face-00000{n}-00")
        for n in (1, 2)
    )
    assert first.count("picture missing: the file is not in the bundle") == 2
    assert first.count("picture missing: the file cannot be read as a picture") == 1
    assert "pixels differ from the digest" in second


def test_a_picture_that_claims_to_be_huge_is_not_opened(tmp_path: Path) -> None:
    data = make_bundle(tmp_path, side=SIDE_PX) / "data"
    target = data / "restored_faces" / "000001_00.png"
    raw = bytearray(target.read_bytes())
    raw[16:24] = (60000).to_bytes(4, "big") * 2
    target.write_bytes(bytes(raw))
    assert "cannot be read as a picture" in Page(render_html(load_view(data))).words


def test_the_label_is_in_the_pixels(view: View) -> None:
    face = view.faces_of(0)[0]
    pictures = Album(view.data_dir, view.audit.run.id, font("OpenSans-Regular.ttf")).pictures(face)
    for picture in pictures:
        image = Image.open(io.BytesIO(picture.jpeg)).convert("L")
        assert image.size == (SHOWN_PX, SHOWN_PX + LABEL_PX)
        strip = image.crop((0, SHOWN_PX + 2, SHOWN_PX, SHOWN_PX + LABEL_PX))
        low, high = strip.getextrema()
        assert low < 60  # the dark strip
        assert high > 200  # white letters on it


def test_pictures_stop_at_the_budget_and_say_so(
    view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("forensics.report.figures.TOTAL_BYTES", 30_000)
    said = Page(render_html(view)).words
    assert words.PICTURE_STATES["left_out"] in said


# ---------------------------------------------------------------- access


def test_structure_for_assistive_technology(page: Page, view: View) -> None:
    assert page.one("html").attributes["lang"] == "en"
    assert view.audit.source.file in page.all("title")[0].text  # the others are the charts'
    page.one("h1")
    page.one("main")
    page.one("header")
    page.one("footer")
    levels = [int(e.tag[1]) for e in page.elements if re.fullmatch("h[1-6]", e.tag)]
    assert levels[0] == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))
    ids = [e.attributes["id"] for e in page.elements if "id" in e.attributes]
    assert len(ids) == len(set(ids))
    for element in page.elements:
        for name in ("aria-labelledby",):
            assert set(element.attributes.get(name, "").split()) <= set(ids)
        if element.attributes.get("href", "").startswith("#"):
            assert element.attributes["href"][1:] in ids
    assert all(table.text.strip() for table in page.all("caption"))
    assert len(page.all("caption")) == len(page.all("table"))
    assert all("scope" in cell.attributes for cell in page.all("th"))


def test_the_timeline_has_text_and_a_table(page: Page) -> None:
    charts = page.all("svg")
    assert len(charts) == 2
    titles = [e.text for e in page.all("title") if e.attributes.get("id", "").startswith("tl")]
    assert "Band high: frames 2." in titles[0]
    assert "Not in view: frames 4." in titles[0]
    assert "Less than 16 px between the eyes: frames 5 to 6." in titles[1]
    captions = [e.text for e in page.all("caption") if e.text.startswith("Stretches of")]
    assert len(captions) == 2


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_text_colours_have_contrast_in_light_and_dark(html: str) -> None:
    palettes = [
        dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block))
        for block in re.findall(r":root \{(.*?)\}", html, re.S)
    ]
    assert len(palettes) == 2
    texts = {"ink", "quiet", "high", "caution", "no-sign", "not-calculable", "link", "warn"}
    for palette in palettes:
        for ground in ("paper", "wash"):
            for name in texts:
                a, b = sorted((_luminance(palette[name]), _luminance(palette[ground])))
                assert (b + 0.05) / (a + 0.05) >= 4.5, (name, palette[name], palette[ground])


def test_size_of_a_long_report_stays_within_the_cap(view: View) -> None:
    digest = hashlib.sha256(b"").hexdigest()
    faces = tuple(
        view.faces[0].model_copy(update={"frame": frame, "crop_sha256": digest})
        for frame in range(1, 5001)
    )
    source = view.audit.source.model_copy(update={"frames": 5000})
    audit = view.audit.model_copy(update={"source": source})
    text = render_html(View(view.data_dir, audit, b"", view.frames, faces, {}))
    assert len(text) < 8_000_000
    assert "of 5,000 faces are shown" in text


def test_a_report_outside_its_bundle_has_no_dead_links(view: View) -> None:
    page = Page(render_html(view, links=False))
    assert {e.attributes["href"][0] for e in page.all("a")} == {"#"}
    assert len(page.all("img")) > 6
