"""The static site builds without a warning, has every page, and loads nothing from elsewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built strictly: a page outside the nav or a link to nowhere fails."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "mkdocs", "build", "--strict", "-d", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_every_page_is_there_and_is_reached_from_the_start(site: Path) -> None:
    start = (site / "index.html").read_text("utf-8")
    for page in sorted((ROOT / "docs").glob("*.md")):
        made = page.with_suffix(".html").name
        assert (site / made).is_file(), made
        assert f'href="{made}"' in start or made == "index.html", made


def test_nothing_is_loaded_from_another_server(site: Path) -> None:
    loading = re.compile(
        r"<(?:script|img|iframe|source|video)\b[^>]*\bsrc=[\"']?(?:https?:)?//[^\"'\s>]+"
        r"|<link\b(?=[^>]*stylesheet)[^>]*href=[\"']?(?:https?:)?//[^\"'\s>]+"
    )
    styled = re.compile(r"url\([\"']?(?:https?:)?//|@import\s+[\"'](?:https?:)?//")
    pages, styles = sorted(site.rglob("*.html")), sorted(site.rglob("*.css"))
    assert len(pages) > 20
    assert styles
    found = [f"{p.name}: {m[0]}" for p in pages for m in loading.finditer(p.read_text("utf-8"))]
    found += [p.name for p in styles if styled.search(p.read_text("utf-8"))]
    assert found == []


def test_marks_of_the_tests_are_not_shown(site: Path) -> None:
    for page in site.glob("*.html"):
        text = re.sub(r"<!--.*?-->", "", page.read_text("utf-8"), flags=re.DOTALL)
        assert "test: run" not in text, page.name
        assert "test: needs" not in text, page.name


def test_the_picture_of_the_readme_is_small_and_there() -> None:
    from PIL import Image

    named = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", (ROOT / "README.md").read_text("utf-8"))
    assert named == ["docs/pictures/report.png"]
    path = ROOT / named[0]
    assert path.stat().st_size < 250_000
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        assert picture.width >= 1000


def test_links_of_the_readme_lead_somewhere() -> None:
    for page in ("README.md", "CONTRIBUTING.md", "THIRD_PARTY.md"):
        text = (ROOT / page).read_text("utf-8")
        for target in re.findall(r"\]\((?!https?:)([^)#\s]+)", text):
            assert (ROOT / target).exists(), f"{page}: {target}"


IMPORTED_AS = {"opencv-python": "cv2", "scikit-image": "skimage"}


def test_packages_of_the_readme_are_used_where_it_says() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    table = text.partition("## Where each package is used")[2].partition("\n`lpips_crop`")[0]
    rows = dict(re.findall(r"^\| ([a-z][\w-]+) \| (.+) \|$", table, re.MULTILINE))
    rows.pop("package", None)
    assert set(rows) == {
        *("typer", "torch", "gfpgan", "realesrgan", "facexlib", "opencv-python", "jinja2"),
        *("weasyprint", "lpips", "scikit-image"),
    }
    for package, where in rows.items():
        name = IMPORTED_AS.get(package, package)
        places = [ROOT / path for path in re.findall(r"`(forensics/[\w./]+)`", where)]
        assert all(place.exists() for place in places), (package, where)
        files = [f for p in places for f in (sorted(p.rglob("*.py")) if p.is_dir() else [p])]
        files = files or sorted((ROOT / "forensics" / "reference").glob("*.py"))
        if package == "facexlib":
            files = sorted((ROOT / "forensics" / "models" / "nets").glob("*.py"))
        imports = re.compile(rf"^\s*(?:import|from) {name}\b", re.MULTILINE)
        assert any(imports.search(f.read_text("utf-8")) for f in files), (package, where)
