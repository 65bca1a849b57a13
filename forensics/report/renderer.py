"""Renderer: which versions decide the bytes of a report, without rendering one.

The same names and values on two machines mean that one bundle gives the same report on both, apart
from characters that only a font of the machine can draw.
"""

from __future__ import annotations

import ctypes
import hashlib
import zlib
from collections.abc import Callable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, Literal

import forensics
from forensics.report.resources import templates_dir

Kind = Literal["html", "pdf"]
REPORT_KINDS: Final[tuple[Kind, ...]] = ("html", "pdf")
_PACKAGES: Final[dict[Kind, tuple[str, ...]]] = {
    "html": ("jinja2", "markupsafe", "babel", "pillow"),
    "pdf": (
        "jinja2",
        "markupsafe",
        "babel",
        "pillow",
        "weasyprint",
        "pydyf",
        "tinyhtml5",
        "fonttools",
    ),
}
_ABSENT: Final = "absent"


def renderer_versions(kind: Kind) -> dict[str, str]:
    """Versions by name for one kind of report; ``absent`` where something is not here."""
    found = {
        "restoration-forensics": forensics.__version__,
        "templates and code": _own_digest(),
        **{name: _version(name) for name in _PACKAGES[kind]},
    }
    if kind == "pdf":
        found |= {
            "zlib": zlib.ZLIB_RUNTIME_VERSION,
            "pango": _asked("libpango-1.0.so.0", "pango_version_string"),
            "harfbuzz": _asked("libharfbuzz.so.0", "hb_version_string"),
        }
    return found


def difference(here: dict[str, str], recorded: dict[str, str]) -> str:
    """Where two renderers differ, in words: ``weasyprint 70.0 here, 69.1 recorded``; or empty."""
    names = [n for n in {**recorded, **here} if here.get(n) != recorded.get(n)]
    return "; ".join(
        f"{n} {here.get(n, _ABSENT)} here, {recorded.get(n, _ABSENT)} recorded" for n in names
    )


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return _ABSENT


@cache
def _own_digest() -> str:
    """Short digest of what this package itself puts into a report: code, templates, fonts."""
    package = Path(forensics.__file__).parent
    files = [*(package / "report").glob("*.py"), *package.glob("record*.py")]
    files += (package / "report" / "locale").rglob("*.mo")
    files += [path for path in templates_dir().rglob("*") if path.is_file()]
    digest = hashlib.sha256()
    for path in sorted(files, key=lambda path: (path.parent.name, path.name)):
        digest.update(f"{path.name}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


@cache
def _asked(library: str, function: str) -> str:
    """A system library's own word for its version."""
    names = (library, library.replace(".so.", ".").replace(".0", ".0.dylib", 1))
    for name in names:
        try:
            ask: Callable[[], bytes | None] = getattr(ctypes.CDLL(name), function)
        except (OSError, AttributeError):
            continue
        ask.restype = ctypes.c_char_p  # type: ignore[attr-defined] # a ctypes function has it
        answer = ask()
        return answer.decode("ascii", "replace") if answer else _ABSENT
    return _ABSENT
