"""Templating: the one jinja environment of both reports; every value in it is inert text.

Values are made safe twice over: hidden characters become visible (`escape.visible`), markup
becomes text (autoescape).  A name that a template misspells is an error, not an empty place.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import TYPE_CHECKING, Final

from markupsafe import Markup, escape

from forensics.report.escape import visible
from forensics.report.language import ENGLISH, _, current, number, pieces_of
from forensics.report.resources import templates_dir
from forensics.report.words import begun

if TYPE_CHECKING:
    from jinja2 import Environment

CONTENT_POLICY: Final = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none';"
    " form-action 'none'"
)
"""On paper: no script, no request, no address but pictures in the page itself."""
SCRIPT: Final = "report.js"


def screen_policy(*, beside: bool = False) -> str:
    """On a screen: the same, with clips in the page itself and the one script of that digest.

    ``beside``: pictures and clips lie beside the page, on a disk or on the page's own server.
    """
    digest = hashlib.sha256(script(SCRIPT).encode("utf-8")).digest()
    named = base64.b64encode(digest).decode("ascii")
    policy, media = CONTENT_POLICY, "data:"
    if beside:
        media = "'self' file:"
        policy = policy.replace("img-src data:", f"img-src {media}")
    return f"{policy}; media-src {media}; script-src 'sha256-{named}'"


def style(name: str) -> Markup:
    """A style sheet of our own from the templates folder; never text from a bundle."""
    text = (templates_dir() / name).read_text(encoding="utf-8")
    return Markup(text)  # noqa: S704 - shipped with the package, holds no outside text


def script(name: str) -> Markup:
    """A script of our own from the templates folder; never text from a bundle."""
    text = (templates_dir() / name).read_text(encoding="utf-8")
    return Markup(text)  # noqa: S704 - shipped with the package, holds no outside text


@cache
def environment() -> Environment:
    """The environment that renders ``templates/*.html``."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(templates_dir()),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.globals.update({"_": _said, "filled": _filled})
    made.filters.update({"begun": begun, "numbered": _numbered})
    return made


def margins() -> Markup:
    """What the margins of the paper say, for `style`; the sheet itself says it in English."""
    if current() == ENGLISH:
        return Markup("")
    title = _css(_("Restoration audit"))
    before, rest = _("Page {page} of {pages}").split("{page}")
    between, after = rest.split("{pages}")
    numbers = f"{_css(before)} counter(page) {_css(between)} counter(pages) {_css(after)}"
    return Markup(  # noqa: S704 - messages of our own, as strings of CSS
        f"\n@page {{ @bottom-left {{ content: {title} }} @bottom-right {{ content: {numbers} }} }}"
    )


def narrow() -> Markup:
    """What a screen needs for languages of long words; nothing in English."""
    if current() == ENGLISH:
        return Markup("")
    return Markup(
        "\n.counts th, .counts td, .totals th, .totals td"
        " { hyphens: auto; overflow-wrap: anywhere; }"
        "\n@media (max-width: 30em) { .counts .band { white-space: normal; } }"
    )


def _css(text: str) -> str:
    """A string of CSS that cannot end early."""
    plain = "".join(c if c.isalnum() or c in " .,:;-" else f"\\{ord(c):x} " for c in text)
    return f'"{plain}"'


def _said(message: str) -> str:
    """A message of a template.  Ours, and without signs of markup, so it is put in as it is."""
    text = _(message)
    return text if any(sign in text for sign in '<>&"{') else Markup(text)  # noqa: S704 - as said


def _filled(message: str, **parts: object) -> Markup:
    return Markup(escape(_(message))).format(**parts)  # noqa: S704 - escaped at once


def _numbered(value: int) -> str:
    return number(value, ",")


def _shown(value: object) -> object:
    """Text gets its hidden characters made visible; markup is ours and stays as it is."""
    if isinstance(value, str) and not hasattr(value, "__html__"):
        pieces = pieces_of(value)
        if not any(english for _text, english in pieces):
            return visible(value)
        return Markup("").join(
            Markup('<span lang="en">{}</span>').format(visible(text)) if english else visible(text)
            for text, english in pieces
        )
    return value
