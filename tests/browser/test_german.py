"""The German report in a real browser: accessible, no request, and its script speaks German."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from forensics.report.html import render_html
from forensics.report.view import load_view
from tests.browser.conftest import Opened, axe_violations, open_page, until
from tests.report import drawn_views

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def report(moving_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("german") / "report.html"
    view = drawn_views.said(load_view(moving_bundle / "data"))
    path.write_text(render_html(view, links=False, language="de"), "utf-8")
    return path


@pytest.fixture
def opened(chromium: Browser, report: Path) -> Opened:
    found = open_page(chromium, report)
    until(
        found.page, "[...document.querySelectorAll('[data-viewer]')].every((v) => v.dataset.shown)"
    )
    return found


def test_axe_finds_no_violation(opened: Opened) -> None:
    found, passed = axe_violations(opened.page)
    assert found == []
    assert passed > 10
    assert opened.complaints == []


def test_the_viewer_speaks_german(opened: Opened) -> None:
    status = opened.page.locator("#viewer-0 .viewer-status")
    assert re.fullmatch(r"Einzelbild 1 · 0,000 s · restauriert · .*", status.inner_text())
    opened.page.locator("#viewer-0 [data-do=previousFlag]").click()
    assert status.inner_text() == "Vor diesem Einzelbild liegt keine Auffälligkeit."
    opened.page.locator("input[data-filter]").fill("vorsicht, person 01")
    told = opened.page.locator(".filter [role=status]").inner_text()
    assert re.fullmatch(r"[1-9] von 9 Gesichtern", told)


def test_numbers_with_a_decimal_comma_are_sorted_as_numbers(opened: Opened) -> None:
    column = (
        "[...document.querySelectorAll('#faces-table tbody tr')].map((r) => r.cells[3].textContent)"
    )
    opened.page.locator("#faces-table th button").nth(3).click()
    shown = opened.page.evaluate(column)
    assert all(re.fullmatch(r"\d+,\d", text) for text in shown)
    values = [float(text.replace(",", ".")) for text in shown]
    assert values == sorted(values)
    assert values[0] != values[-1]


def test_nothing_is_wider_than_a_narrow_screen(opened: Opened) -> None:
    opened.page.set_viewport_size({"width": 320, "height": 800})
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= 320
