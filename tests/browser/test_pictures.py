"""What the report looks like: screens and a page, held loosely against pictures that were seen.

Fonts differ from machine to machine, so both are shrunk until words are grey bars; what is found is
a part that is missing, moved, empty or of another colour.  To renew the pictures after a change
that was looked at: ``RENEW_PICTURES=1 pytest tests/browser/test_pictures.py``.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pypdfium2
import pytest
from PIL import Image

from forensics.report.html import render_html
from forensics.report.pdf import pdf_available, render_pdf
from forensics.report.view import load_view
from tests.browser.conftest import Opened, open_page, until

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser
PICTURES = Path(__file__).with_name("pictures")
WIDE_PX = 160
MOST_GREY = 7.0  # mean absolute difference
MOST_LONGER = 0.08  # of the height
PARTS = {
    "figure": "#person-0 figure.face >> nth=0",
    "viewer": "#viewer-0",
    "faces": "#faces",
    "court": "#method",
}


@pytest.fixture(scope="module")
def kind(bundle: Path, moving_bundle: Path) -> str:
    """What the names of the pictures begin with."""
    return "" if bundle == moving_bundle else "demo-"


@pytest.fixture(scope="module")
def opened(chromium: Browser, bundle: Path) -> Iterator[Opened]:
    path = bundle / "data" / "report" / "pictures.html"
    path.write_text(render_html(load_view(bundle / "data")), "utf-8")
    found = open_page(chromium, path)
    until(found.page, "document.querySelector('#viewer-0').dataset.shown === '1'")
    yield found
    path.unlink()


def _held(name: str, png: bytes) -> None:
    """Hold a screenshot against the picture of that name."""
    seen = Image.open(io.BytesIO(png)).convert("RGB")
    small = seen.resize((WIDE_PX, round(seen.height * WIDE_PX / seen.width)), Image.Resampling.BOX)
    path = PICTURES / f"{name}.png"
    if os.environ.get("RENEW_PICTURES"):
        small.save(path, optimize=True)
    known = Image.open(path).convert("RGB")
    assert abs(small.height - known.height) <= MOST_LONGER * known.height, (
        f"{name} is {small.height} px high at {WIDE_PX} px width, was {known.height}"
    )
    height = min(small.height, known.height)
    pair = [np.asarray(p, np.float64)[:height] for p in (small, known)]
    # Rows of words move by a line or two; blocks of eight rows do not.
    blocks = [p[: height // 8 * 8].reshape(height // 8, 8, WIDE_PX, 3).mean(1) for p in pair]
    off = float(np.abs(blocks[0] - blocks[1]).mean())
    assert off <= MOST_GREY, f"{name} differs by {off:.1f} grey levels"


def test_the_first_screen(opened: Opened, kind: str) -> None:
    opened.page.evaluate("window.scrollTo(0, 0)")
    _held(f"{kind}first", opened.page.screenshot())


@pytest.mark.parametrize("name", PARTS)
def test_a_part(opened: Opened, kind: str, name: str) -> None:
    _held(f"{kind}{name}", opened.page.locator(PARTS[name]).screenshot())


def test_a_narrow_screen(chromium: Browser, bundle: Path, kind: str, tmp_path: Path) -> None:
    path = tmp_path / "narrow.html"
    path.write_text(render_html(load_view(bundle / "data"), links=False), "utf-8")
    _held(f"{kind}narrow", open_page(chromium, path, width=320).page.screenshot())


def test_the_first_page_on_paper(bundle: Path, kind: str) -> None:
    if pdf_available() is not None:
        pytest.skip("Pango is absent")
    document = pypdfium2.PdfDocument(render_pdf(load_view(bundle / "data")))
    stream = io.BytesIO()
    document[0].render(scale=1).to_pil().save(stream, "PNG")
    _held(f"{kind}paper", stream.getvalue())


def test_a_part_that_is_missing_is_found(opened: Opened, kind: str) -> None:
    """The comparison itself: the viewer without its pictures does not pass."""
    if os.environ.get("RENEW_PICTURES"):
        return
    opened.page.evaluate("document.querySelector('#viewer-0 canvas').style.display = 'none'")
    with pytest.raises(AssertionError):
        _held(f"{kind}viewer", opened.page.locator("#viewer-0").screenshot())
    opened.page.evaluate("document.querySelector('#viewer-0 canvas').style.display = ''")
