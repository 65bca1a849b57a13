"""The report in a real browser: no request, every control by keyboard, exact seeks."""

from __future__ import annotations

import random
import shutil
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from forensics.api import render_reports
from forensics.report.html import render_html
from forensics.report.view import load_view
from tests.browser.conftest import Opened, axe_violations, open_page, until

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser
SEEKS = 20


@pytest.fixture(scope="module")
def report(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = bundle / "data" / "report" / "report.html"
    path.write_text(render_html(load_view(bundle / "data")), "utf-8")
    return path


@pytest.fixture
def opened(chromium: Browser, report: Path) -> Opened:
    found = open_page(chromium, report)
    until(
        found.page, "[...document.querySelectorAll('[data-viewer]')].every((v) => v.dataset.shown)"
    )
    return found


def _seek(opened: Opened, person: int, place: int) -> str:
    """Ask a viewer for a frame by its place; what the clip's own code then says."""
    return str(
        opened.page.evaluate(
            """async ([person, place]) => {
                const root = document.querySelector(`#viewer-${person}`);
                const bar = root.querySelector('[data-seek]');
                root.dataset.shown = '';
                bar.value = place;
                bar.dispatchEvent(new Event('input'));
                const until = performance.now() + 5000;
                while (!root.dataset.shown && performance.now() < until)
                    await new Promise((done) => setTimeout(done, 5));
                return root.dataset.shown;
            }""",
            [person, place],
        )
    )


def test_nothing_is_asked_for_and_nothing_complained_of(opened: Opened, report: Path) -> None:
    outside = [url for url in opened.requests if not url.startswith("data:")]
    assert outside == [report.as_uri()]
    assert opened.complaints == []


def test_seeks_land_on_the_frame_whose_code_was_asked_for(opened: Opened, bundle: Path) -> None:
    view = load_view(bundle / "data")
    draw = random.Random(7)
    for _ in range(SEEKS):
        person = draw.choice([p.id for p in view.audit.people])
        faces = view.faces_of(person)
        place = draw.randrange(len(faces))
        assert _seek(opened, person, place) == str(faces[place].frame)
        status = opened.page.locator(f"#viewer-{person} .viewer-status").inner_text()
        assert status.startswith(f"Frame {faces[place].frame} ")


def test_a_clip_that_shows_another_frame_is_said_to(
    chromium: Browser, bundle: Path, tmp_path: Path
) -> None:
    """The fault: the clips of two people are exchanged behind the records."""
    copy = tmp_path / "exchanged"
    shutil.copytree(bundle, copy)
    one, two = (copy / "data" / "viewer" / f"{person:02d}.mp4" for person in (0, 1))
    bytes_of_one = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(bytes_of_one)
    view = load_view(copy / "data")
    frames = [[face.frame for face in view.faces_of(person)] for person in (0, 1)]
    differs = next(k for k, (a, b) in enumerate(zip(*frames, strict=False)) if a != b)
    report = tmp_path / "exchanged.html"
    report.write_text(render_html(view, links=False), "utf-8")
    opened = open_page(chromium, report)
    assert _seek(opened, 0, differs) == str(frames[1][differs])
    status = opened.page.locator("#viewer-0 .viewer-status")
    assert status.inner_text() == (
        f"The clip does not show frame {frames[0][differs]}: it shows frame {frames[1][differs]}."
    )
    assert "warn" in (status.get_attribute("class") or "")


def test_every_control_works_by_keyboard(opened: Opened, bundle: Path) -> None:
    page, faces = opened.page, load_view(bundle / "data").faces_of(0)
    root = page.locator("#viewer-0")

    def shows(frame: int) -> None:
        until(page, f"document.querySelector('#viewer-0').dataset.shown === '{frame}'")

    def button_says(word: str) -> None:
        play = "document.querySelector('#viewer-0 [data-do=play]')"
        until(page, f"{play}.textContent === '{word}'")

    page.locator("#viewer-0 [data-seek]").focus()
    page.keyboard.press("ArrowRight")
    shows(faces[1].frame)
    page.keyboard.press(".")
    shows(faces[2].frame)
    page.keyboard.press(",")
    shows(faces[1].frame)
    page.keyboard.press("Home")
    shows(faces[0].frame)
    page.keyboard.press("]")
    # The next stretch of flags: the first of them may have begun with the clip.
    flagged = next(b.frame for a, b in pairwise(faces) if b.flags and b.flags != a.flags)
    shows(flagged)
    page.keyboard.press("k")
    button_says("Pause")
    button_says("Play")
    focused = set()
    for _ in range(14):
        page.keyboard.press("Tab")
        focused.add(
            page.evaluate(
                "document.activeElement.dataset.do || document.activeElement.value || "
                "document.activeElement.textContent"
            )
        )
    assert {"previousFlag", "previous", "play", "next", "nextFlag", "blink", "trio"} <= focused
    root.locator("input[value=wipe]").check()
    assert root.locator("[data-wipe]").is_visible()


def test_the_table_of_faces_sorts_and_filters(opened: Opened, bundle: Path) -> None:
    page = opened.page
    first = "#faces-table tbody tr:not([hidden]) td:nth-child(2)"
    column = page.locator("#faces-table thead th").nth(1)
    column.get_by_role("button").click()
    assert column.get_attribute("aria-sort") == "ascending"
    frames = [int(text) for text in page.locator(first).all_inner_texts()]
    assert frames == sorted(frames)
    column.get_by_role("button").click()
    frames = [int(text) for text in page.locator(first).all_inner_texts()]
    assert frames == sorted(frames, reverse=True)
    faces = load_view(bundle / "data").faces
    one = next((face for face in faces if face.outcome == "failed"), faces[0])
    page.get_by_role("searchbox").fill(f"person {one.person:02d}, {one.outcome}")
    rows = page.locator("#faces-table tbody tr:not([hidden])").all_inner_texts()
    alike = [f for f in faces if (f.person, f.outcome) == (one.person, one.outcome)]
    assert 0 < len(rows) == len(alike) < len(faces)
    assert all(one.outcome in row for row in rows)


def test_a_face_leads_to_its_frame_in_the_viewer(opened: Opened) -> None:
    link = opened.page.locator("#faces-table a[data-person='1']").last
    frame = link.get_attribute("data-frame")
    link.click()
    until(opened.page, f"document.querySelector('#viewer-1').dataset.shown === '{frame}'")


def test_without_a_script_everything_is_there(chromium: Browser, report: Path) -> None:
    page = open_page(chromium, report, script=False).page
    assert page.locator("video[controls]").count() == 2
    assert page.locator("video").first.is_visible()
    assert not page.locator(".viewer-stage").first.is_visible()
    assert not page.locator("button").first.is_visible()
    assert page.locator("#faces-table tbody tr").count() == len(load_view(report.parents[1]).faces)


@pytest.mark.parametrize("width", [320, 1440, 3840])
def test_nothing_runs_out_of_the_page(chromium: Browser, report: Path, width: int) -> None:
    page = open_page(chromium, report, width=width).page
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(chromium: Browser, report: Path, scheme: str) -> None:
    opened = open_page(chromium, report)
    opened.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    found, passed = axe_violations(opened.page)
    assert found == []
    assert passed > 10


def test_clips_beside_the_page_play_from_the_disk(
    chromium: Browser, bundle: Path, tmp_path: Path
) -> None:
    (path,) = render_reports(bundle, tmp_path / "out", ("html",), assets=True)
    opened = open_page(chromium, path)
    until(opened.page, "document.querySelector('#viewer-0').dataset.shown === 'unknown'")
    status = opened.page.locator("#viewer-0 .viewer-status").inner_text()
    assert "compare the number in the picture's margin" in status
    assert all(url.startswith(path.parent.as_uri()) for url in opened.requests)
    assert opened.page.evaluate(
        "[...document.images].every((i) => i.complete && i.naturalWidth > 0)"
    )
    assert opened.complaints == []
