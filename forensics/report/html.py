"""HTML: the report as one file with no request and nothing outside it.

One script of our own, named by its digest in the page's policy, serves the viewer and the tables;
everything is there without it.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from markupsafe import Markup

from forensics.report import words
from forensics.report.page import build_page
from forensics.report.templating import environment, screen_policy, script, style

if TYPE_CHECKING:
    from forensics.report.figures import Picture
    from forensics.report.view import View


def render_html(view: View, *, links: bool = True) -> str:
    """The report of a view as one HTML file.

    ``links``: refer to the full-size pictures beside the report by relative address; switched
    off for a report that is written elsewhere.  The same view always gives the same text.
    """
    template = environment().get_template("report.html")
    return template.render(
        page=build_page(view),
        words=words,
        policy=screen_policy(),
        script=script("report.js"),
        style=style("report.css") + Markup("\n") + style("report-screen.css"),
        paged=False,
        created=None,
        source_of=_data_uri,
        links=links,
    )


def _data_uri(picture: Picture) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(picture.jpeg).decode("ascii")
