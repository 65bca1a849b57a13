"""Templating: the one jinja environment of both reports; every value in it is inert text.

Values are made safe twice over: hidden characters become visible (`escape.visible`), markup
becomes text (autoescape).  A name that a template misspells is an error, not an empty place.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from markupsafe import Markup

from forensics.report.escape import visible
from forensics.report.resources import templates_dir

if TYPE_CHECKING:
    from jinja2 import Environment

CONTENT_POLICY: Final = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none';"
    " form-action 'none'"
)
"""No script, no request, no address but pictures in the page itself."""


def style(name: str) -> Markup:
    """A style sheet of our own from the templates folder; never text from a bundle."""
    text = (templates_dir() / name).read_text(encoding="utf-8")
    return Markup(text)  # noqa: S704 - shipped with the package, holds no outside text


@cache
def environment() -> Environment:
    """The environment that renders ``templates/*.html``."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(templates_dir()),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _shown(value: object) -> object:
    """Text gets its hidden characters made visible; markup is ours and stays as it is."""
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return visible(value)
    return value
