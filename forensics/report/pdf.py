"""PDF: the same page as PDF/A-3a, tagged, with audit.json attached, from the bundle alone.

WeasyPrint gets a fetcher that knows the figures and bundled fonts by name and refuses every
other address.  Dates and identifier come from the run, so two renders of one bundle give the
same bytes under the same WeasyPrint, Pango and fonts.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib.util
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from markupsafe import Markup

from forensics.errors import ForensicsError
from forensics.report import words
from forensics.report.html import figure_parts
from forensics.report.language import _, speaking
from forensics.report.page import Page, build_page
from forensics.report.resources import font
from forensics.report.templating import CONTENT_POLICY, environment, margins, style

if TYPE_CHECKING:
    from weasyprint.urls import URLFetcher

    from forensics.report.figures import Picture
    from forensics.report.view import View

FONTS: Final = (
    "OpenSans-Regular.ttf",
    "OpenSans-Semibold.ttf",
    "DejaVuSans.ttf",
    "DejaVuSansMono.ttf",
)
ATTACHMENT: Final = "audit.json"
VARIANT: Final = "pdf/a-3a"
_LIBRARIES: Final[Mapping[str, tuple[str, ...]]] = {
    "GObject": ("libgobject-2.0.so.0", "libgobject-2.0.0.dylib", "libgobject-2.0-0.dll"),
    "Pango": ("libpango-1.0.so.0", "libpango-1.0.dylib", "libpango-1.0-0.dll"),
    "PangoFT2": ("libpangoft2-1.0.so.0", "libpangoft2-1.0.dylib", "libpangoft2-1.0-0.dll"),
    "HarfBuzz": ("libharfbuzz.so.0", "libharfbuzz.0.dylib", "libharfbuzz-0.dll"),
    "HarfBuzz subset": (
        "libharfbuzz-subset.so.0",
        "libharfbuzz-subset.0.dylib",
        "libharfbuzz-subset-0.dll",
    ),
    "Fontconfig": ("libfontconfig.so.1", "libfontconfig.1.dylib", "libfontconfig-1.dll"),
}
_NO_CLOCK: Final = datetime(1970, 1, 1, tzinfo=UTC)


class PdfError(ForensicsError):
    """The PDF could not be made; the HTML report is not affected."""


class PdfUnavailable(PdfError):
    """This machine lacks what a PDF needs."""

    exit_code = 5


def pdf_available() -> str | None:
    """None when a PDF can be made here, else what is missing, in words.

    Looks for the libraries WeasyPrint opens, without importing or rendering anything.
    """
    if importlib.util.find_spec("weasyprint") is None:
        return "WeasyPrint is not installed"
    missing = [name for name, files in _LIBRARIES.items() if not any(map(_opens, files))]
    return f"system libraries are missing: {', '.join(missing)}" if missing else None


def _opens(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def render_pdf(view: View, language: str | None = None) -> bytes:
    """The report of a view as a PDF/A-3a file with the bytes of audit.json attached.

    ``language``: None is that of the run.

    Raises `PdfUnavailable` where WeasyPrint or one of its libraries is absent.
    """
    lacking = pdf_available()
    if lacking is not None:
        raise PdfUnavailable(
            f"no PDF can be made here: {lacking}",
            "Install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0, or use --format html.",
        )
    with speaking(language or view.language):
        return _spoken_pdf(view)


def _spoken_pdf(view: View) -> bytes:
    page = build_page(view)
    created = clock(view.audit.run.ended_utc)
    text = (
        environment()
        .get_template("report.html")
        .render(
            page=page,
            words=words,
            policy=CONTENT_POLICY,
            script=None,
            script_words=None,
            style=Markup("\n").join((style("report.css"), style("report-pdf.css"))) + margins(),
            paged=True,
            created=created.strftime("%Y-%m-%dT%H:%M:%SZ"),
            source_of=_address,
            links=False,
        )
    )
    return write_pdf(
        text, _parts(page), view.audit_json, created=created, identifier=_identifier(view)
    )


def write_pdf(
    text: str,
    parts: Mapping[str, bytes],
    attached: bytes,
    *,
    created: datetime,
    identifier: bytes,
    attachment: str = ATTACHMENT,
) -> bytes:
    """``text`` (HTML) as PDF/A-3a; ``parts`` are all the files that it may refer to.

    ``attachment`` is the name of the file that holds ``attached``.  Parts are addressed as
    ``mem:NAME``.  Any other address ends the rendering with a
    `PdfError`, whatever element or style holds it.
    """
    from weasyprint import HTML, Attachment
    from weasyprint.urls import FatalURLFetchingError

    fetcher = _fetcher(parts)
    enclosed = Attachment(
        string=attached,
        name=attachment,
        description=_("The result this report is a view of"),
        url_fetcher=fetcher,
        created=created,
        modified=created,
        relationship="Data",
    )
    document = HTML(string=text, url_fetcher=fetcher)
    try:
        out = document.write_pdf(
            pdf_variant=VARIANT, pdf_identifier=identifier, attachments=[enclosed]
        )
    except FatalURLFetchingError as error:  # a BaseException, so it must be named
        raise PdfError(f"the PDF was not made: {error}") from error
    if not isinstance(out, bytes):
        raise TypeError("WeasyPrint returns bytes when it is given no target")
    return out


def _fetcher(parts: Mapping[str, bytes]) -> URLFetcher:
    from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse

    class Deny(URLFetcher):  # type: ignore[misc] # weasyprint ships no types
        """Knows the parts of this report by name and refuses everything else."""

        def fetch(self, url: str, headers: object = None) -> URLFetcherResponse:
            name = url.removeprefix("mem:")
            if name == url or name not in parts:
                # It derives from BaseException, so WeasyPrint cannot pass over it.
                raise FatalURLFetchingError(f"a report refers to nothing outside itself: {url!r}")
            kind = "font/ttf" if name.endswith(".ttf") else "image/jpeg"
            return URLFetcherResponse(url, parts[name], {"Content-Type": kind})

    return Deny(allowed_protocols=("mem",), allow_redirects=False, fail_on_errors=True)


def _parts(page: Page) -> dict[str, bytes]:
    parts = {name: font(name).read_bytes() for name in FONTS}
    parts |= figure_parts(page)
    return parts


def _address(picture: Picture) -> str:
    return f"mem:{picture.name}"


def _identifier(view: View) -> bytes:
    """16 bytes from the run's id: the same bundle always gives the same file."""
    return hashlib.sha256(view.audit.run.id.encode("utf-8", "surrogatepass")).digest()[:16]


def clock(text: str) -> datetime:
    """The end of the run; a text that is no time counts as none, and the report still renders."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return _NO_CLOCK
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
