"""Language: which language a rendering speaks, and how it says sentences, numbers and dates.

Texts are English in the code, marked with `_` (looked up when it is called) or `N_` (a constant
that is looked up later).  Outside `speaking` everything is English and nothing is looked up, so
that what an audit records never depends on a reader's language.  Text that is recorded in English
and has no counterpart in the catalogue keeps its language (`Spoken`), so that a page can say so.
"""

from __future__ import annotations

import gettext
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any, Final, TypeVar

from forensics.config import LANGUAGES
from forensics.errors import UsageError

ENGLISH: Final = "en"
DOMAIN: Final = "report"
FOLDER: Final = Path(__file__).parent / "locale"
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")
_NUMBER: Final = r"[0-9][0-9,]*(?:\.[0-9]+)?"
Piece = tuple[str, bool]
"""Text, and whether it is English in a text of another language."""


class _Unknown(gettext.NullTranslations):
    """Says nothing of a message that the catalogue lacks, so that its absence can be told."""

    def gettext(self, message: str) -> str:
        return ""

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return ""


@dataclass(frozen=True)
class Language:
    """A language other than English: its catalogue and the signs of its numbers."""

    name: str
    catalogue: gettext.NullTranslations
    decimal: str
    group: str
    per_cent: str  # what follows a number in per cent


_SPOKEN: ContextVar[Language | None] = ContextVar("spoken", default=None)


@contextmanager
def speaking(name: str) -> Iterator[None]:
    """Everything said inside is in this language. Raises `UsageError` (2) for an unknown one."""
    with spoken_as(None if check_language(name) == ENGLISH else _language(name)):
        yield


@contextmanager
def spoken_as(language: Language | None) -> Iterator[None]:
    """The same for a language at hand; None is English."""
    token = _SPOKEN.set(language)
    try:
        yield
    finally:
        _SPOKEN.reset(token)


def check_language(name: str) -> str:
    """The name of a language that there is. Raises `UsageError` (2) naming those there are."""
    if name not in LANGUAGES:
        raise UsageError(
            f"no texts in the language {name!r}", f"There are: {', '.join(LANGUAGES)}."
        )
    return name


def current() -> str:
    """Code of the language spoken at the moment, as ``<html lang>`` has it."""
    language = _SPOKEN.get()
    return ENGLISH if language is None else language.name


def signs() -> tuple[str, str]:
    """Decimal sign and sign between thousands of the language spoken."""
    language = _SPOKEN.get()
    return (".", ",") if language is None else (language.decimal, language.group)


@cache
def _language(name: str) -> Language:
    from babel import Locale
    from babel.numbers import get_decimal_symbol, get_group_symbol

    locale = Locale.parse(name)
    catalogue = gettext.translation(DOMAIN, FOLDER, [name])
    catalogue.add_fallback(_Unknown())
    return Language(
        name=name,
        catalogue=catalogue,
        decimal=get_decimal_symbol(locale),
        group=get_group_symbol(locale),
        per_cent=re.sub("[#0.,]", "", locale.percent_formats[None].pattern),
    )


# ---------------------------------------------------------------- text


class Spoken(str):
    """Text of a language in which pieces may be English; `pieces` joined are the text."""

    pieces: tuple[Piece, ...]

    def __new__(cls, pieces: Iterable[Piece]) -> Spoken:
        kept = tuple(piece for piece in pieces if piece[0])
        made = super().__new__(cls, "".join(text for text, _english in kept))
        made.pieces = kept
        return made


def pieces_of(text: str) -> tuple[Piece, ...]:
    """The pieces of a text, whatever it is."""
    return text.pieces if isinstance(text, Spoken) else ((str(text), False),)


class Phrase(str):
    """A message of another language; its fields are written as that language writes numbers."""

    def format(self, *values: object, **named: object) -> str:
        """`str.format` with numbers of the language; English pieces stay known as such."""
        made: list[Piece] = []
        for literal, field, spec, _conversion in Formatter().parse(self):
            made.append((literal, False))
            if field is None:
                continue
            value = named[field] if field in named else values[int(field)]
            if isinstance(value, Spoken):
                made += value.pieces
            else:
                made.append((number(value, spec or ""), False))
        return _flat(made)


def _flat(pieces: list[Piece]) -> str:
    if any(english for _text, english in pieces):
        return Spoken(pieces)
    return "".join(text for text, _english in pieces)


def _(message: str) -> str:
    """A message in the language spoken; one that its catalogue lacks stays as it is."""
    language = _SPOKEN.get()
    if language is None or not message:
        return message
    return Phrase(language.catalogue.gettext(message) or message)


def N_(message: str) -> str:
    """Marks a constant for the catalogue and gives it back as it is."""
    return message


def ngettext(one: str, many: str, count: int) -> str:
    """The form of a message that goes with a count; it may hold ``{count:,}``."""
    language = _SPOKEN.get()
    if language is None:
        return one if count == 1 else many
    found = language.catalogue.ngettext(one, many, count)
    return Phrase(found or (one if count == 1 else many))


def recorded(text: str, forms: Iterable[str] = ()) -> str:
    """A sentence that the record holds in English, in the language spoken where it is known.

    ``forms``: messages with fields of which the sentence may be one.  What is not in the catalogue
    stays English and is marked as that.
    """
    language = _SPOKEN.get()
    if language is None or not text:
        return text
    if found := language.catalogue.gettext(text):
        return Phrase(found)
    for form in forms:
        if (match := _pattern(form).fullmatch(text)) is not None:
            values = {name: _read_back(part) for name, part in match.groupdict().items()}
            return _(form).format(**values)
    return Spoken([(text, True)])


def english(text: str) -> str:
    """Text that is English whatever is spoken."""
    return text if _SPOKEN.get() is None or not text else Spoken([(text, True)])


def joined_text(sign: str, parts: Iterable[str]) -> str:
    """`sign.join` that remembers which parts are English."""
    made: list[Piece] = []
    for place, part in enumerate(parts):
        if place:
            made.append((sign, False))
        made += pieces_of(part)
    return _flat(made)


@cache
def _pattern(form: str) -> re.Pattern[str]:
    """What a message with fields looks like once it is said."""
    out = ""
    for literal, field, spec, _conversion in Formatter().parse(form):
        out += re.escape(literal)
        if field is not None:
            out += f"(?P<{field}>{_shape(spec)})"
    return re.compile(out, re.DOTALL)


def _shape(spec: str | None) -> str:
    """What a field with this format looks like; only what reads back as it was written."""
    if not spec:
        return ".+?"
    if (decimals := re.fullmatch(r",?\.([0-9])f", spec)) is not None:
        return rf"[0-9][0-9,]*\.[0-9]{{{decimals[1]}}}"
    return "[0-9][0-9,]*"


def _read_back(part: str) -> object:
    if re.fullmatch(_NUMBER, part) is None:
        return recorded(part)
    digits = part.replace(",", "")
    return float(digits) if "." in digits else int(digits)


# ---------------------------------------------------------------- tables


class Table(Mapping[_Key, _Value]):
    """A table of words; what is taken from it is in the language spoken at that moment.

    Values are texts, or frozen records whose texts are translated.
    """

    def __init__(self, rows: Mapping[_Key, _Value]) -> None:
        self._rows = dict(rows)

    def __getitem__(self, key: _Key) -> _Value:
        row: _Value = _translated(self._rows[key])
        return row

    def __iter__(self) -> Iterator[_Key]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


def _translated(value: Any) -> Any:
    if _SPOKEN.get() is None:
        return value
    if isinstance(value, str):
        return _(value)
    if isinstance(value, tuple):
        return tuple(_translated(part) for part in value)
    if is_dataclass(value) and not isinstance(value, type):
        texts = {f.name: getattr(value, f.name) for f in fields(value)}
        return replace(value, **{k: _(v) for k, v in texts.items() if isinstance(v, str)})
    return value


# ---------------------------------------------------------------- numbers and dates


def number(value: Any, spec: str) -> str:
    """`format` with the signs of the language spoken: ``1,234.5`` is ``1.234,5`` in German."""
    text = format(value, spec)
    language = _SPOKEN.get()
    if language is None or isinstance(value, bool) or not isinstance(value, (int, float)):
        return text
    swapped = {".": language.decimal, ",": language.group}
    body = "".join(swapped.get(sign, sign) for sign in text.removesuffix("%"))
    return body + language.per_cent if text.endswith("%") else body


def when(text: str) -> str:
    """A time of the record for a reader: as it stands in English, else as a date with a clock.

    Seconds are kept, the zone is UTC; a day alone stays one, and a text that is no time as it is.
    """
    language = _SPOKEN.get()
    if language is None:
        return text
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return text
    from babel.dates import format_date, format_time

    there = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    day = format_date(there, format="long", locale=language.name)
    if len(text) == len("2026-01-01"):
        return day
    clock = format_time(there, format="HH:mm:ss", locale=language.name)
    return f"{day}, {clock} UTC"
