"""HTML: the report as one file with no request and nothing outside it.

One script of our own, named by its digest in the page's policy, serves the viewer and the tables;
everything is there without it.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from markupsafe import Markup

from forensics.report import words
from forensics.report.language import speaking
from forensics.report.page import Page, build_page
from forensics.report.script_words import script_words
from forensics.report.templating import SCRIPT, environment, narrow, screen_policy, script, style
from forensics.report.viewer import Projector

if TYPE_CHECKING:
    from forensics.report.figures import Picture
    from forensics.report.view import View


ASSETS: Final = "report-assets"
"""Folder of pictures and clips beside a page that does not carry them in itself."""


def render_html(view: View, *, links: bool = True, language: str | None = None) -> str:
    """The report of a view as one HTML file.

    ``links``: refer to the full-size pictures beside the report by relative address; switched
    off for a report that is written elsewhere.  ``language``: None is that of the run.  The same
    view always gives the same text.
    """
    with speaking(language or view.language):
        return _rendered(build_page(view, Projector(view)), _data_uri, links=links, beside=False)


def render_html_beside(
    view: View, language: str | None = None
) -> tuple[str, dict[str, bytes | Path]]:
    """The report as a page and what belongs into the folder `ASSETS` beside it, by name.

    Values are bytes, or files of the bundle to be copied.  For clips too long for one file.
    """
    projector = Projector(view, ASSETS)
    with speaking(language or view.language):
        page = build_page(view, projector)
        parts: dict[str, bytes | Path] = {**figure_parts(page), **projector.beside}
        return _rendered(page, _beside, links=False, beside=True), parts


def figure_parts(page: Page) -> dict[str, bytes]:
    """The pictures that a page shows, by name."""
    return {
        item.name: item.jpeg
        for person in page.people
        for figure in person.figures
        for item in (*figure.pictures, *figure.others)
        if item.state == "shown"
    }


def _rendered(page: Page, source_of: Callable[[Picture], str], *, links: bool, beside: bool) -> str:
    template = environment().get_template("report.html")
    return template.render(
        page=page,
        words=words,
        policy=screen_policy(beside=beside),
        script=script(SCRIPT),
        script_words=script_words(),
        style=style("report.css") + Markup("\n") + style("report-screen.css") + narrow(),
        paged=False,
        created=None,
        source_of=source_of,
        links=links,
    )


def _data_uri(picture: Picture) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(picture.jpeg).decode("ascii")


def _beside(picture: Picture) -> str:
    return f"{ASSETS}/{picture.name}"
