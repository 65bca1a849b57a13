"""Chromium from the system, driven by Playwright over files of this machine alone."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.conftest import run
from tests.bundles import make_bundle
from tests.viewer_clips import with_clips

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
# The sandbox needs rights that containers lack; the pages are our own.
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")


@dataclass
class Opened:
    """A page with everything it asked for and complained of."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    found = next((path for name in CHROMIUM if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=found, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def moving_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drawn bundle of two people with clips for the viewer."""
    bundle = make_bundle(tmp_path_factory.mktemp("drawn"), side=64, others=2)
    return with_clips(bundle, tmp_path_factory.mktemp("clips"))


@pytest.fixture(scope="session")
def demo_bundle(two_people: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``make demo`` makes: the committed clip, audited."""
    bundle = tmp_path_factory.mktemp("demo") / "bundle"
    assert run(two_people, bundle) == 0
    return bundle


@pytest.fixture(scope="session", params=["drawn", pytest.param("demo", marks=pytest.mark.slow)])
def bundle(request: pytest.FixtureRequest) -> Path:
    """Both: a drawn bundle, which has every outcome, and the demo, which is real."""
    name = {"drawn": "moving_bundle", "demo": "demo_bundle"}[request.param]
    return Path(request.getfixturevalue(name))


def until(page: Page, expression: str, wait_s: float = 30) -> None:
    """Wait until a JavaScript expression holds.

    Playwright's own waiting evaluates text inside the page, which the page's policy forbids.
    """
    end = time.monotonic() + wait_s
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"never came true: {expression}"
        page.wait_for_timeout(20)


def open_page(browser: Browser, file: Path, *, width: int = 1280, script: bool = True) -> Opened:
    """Open a file and note every request and complaint."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, java_script_enabled=script
    )
    opened = Opened(context.new_page())
    opened.page.on("request", lambda r: opened.requests.append(r.url))
    opened.page.on("pageerror", lambda e: opened.complaints.append(str(e)))
    opened.page.on(
        "console",
        lambda m: opened.complaints.append(m.text) if m.type in {"error", "warning"} else None,
    )
    opened.page.goto(file.as_uri())
    return opened


def axe_violations(page: Page) -> tuple[list[tuple[str, str, list[object]]], int]:
    """What axe-core finds against WCAG 2.2 AA, and how many of its rules passed."""
    axe = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
    page.evaluate(axe)  # a script element would be refused by the page's policy
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    result = page.evaluate("(tags) => axe.run({runOnly: tags})", tags)
    found = [
        (item["id"], item["help"], [node["target"] for node in item["nodes"]][:3])
        for item in result["violations"]
    ]
    return found, len(result["passes"])
