"""Messages: collects the report's texts, brings the catalogues up to date and compiles them.

``python -m forensics.report.messages --write`` after a text was changed; then every message that
is new or changed in a ``.po`` wants a translation, and ``--write`` once more compiles it.
``--check`` fails when anything is stale, missing, unsure (fuzzy) or has other fields than the
English text.  Both read the source tree: the templates and this package's own files.
"""

from __future__ import annotations

import argparse
import io
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from string import Formatter
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from forensics.config import LANGUAGES
from forensics.report.language import DOMAIN, ENGLISH, FOLDER
from forensics.report.resources import templates_dir

_KEYWORDS: Final = {
    "_": None,
    "N_": None,
    "filled": None,
    "ngettext": (1, 2),
    "counted": (2, 3),
}
_PYTHON: Final = [("**.py", "python")]
_JINJA: Final = [("**.html", "jinja2.ext:babel_extract")]
_OPTIONS: Final = {"**.html": {"trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}}
_MARKUP: Final = re.compile(r"[<>&\"]")


class _Bare(Catalog):
    """A catalogue without dates and versions in its head, so that its bytes say what it holds."""

    @property
    def mime_headers(self) -> list[tuple[str, str]]:
        """What gettext needs and no more."""
        head = [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Transfer-Encoding", "8bit"),
        ]
        if self.locale is not None:
            head += [("Language", str(self.locale)), ("Plural-Forms", self.plural_forms)]
        return head

    @mime_headers.setter
    def mime_headers(self, headers: object) -> None:
        """Heads that are read are made anew."""


def collected() -> Catalog:
    """Every message of code and templates, without places, so that moved code changes nothing."""
    found = _bare(None)
    for folder, mapping in ((Path(__file__).parent, _PYTHON), (templates_dir(), _JINJA)):
        for _file, _line, message, comments, context in extract_from_dir(
            folder,
            mapping,
            _OPTIONS,
            keywords=_KEYWORDS,
            comment_tags=("Translators:",),
        ):
            found.add(message, auto_comments=comments, context=context)
    return found


def written(catalogue: Catalog) -> bytes:
    """A catalogue as text, sorted by message."""
    out = io.BytesIO()
    for message in catalogue:
        # Which of these a text gets depends on the version of Babel.
        message.flags -= {"python-format", "python-brace-format"}
    write_po(out, catalogue, width=100, sort_output=True, no_location=True)
    return out.getvalue()


def compiled(catalogue: Catalog) -> bytes:
    """A catalogue as gettext reads it; unsure translations are left out."""
    out = io.BytesIO()
    write_mo(out, catalogue)
    return out.getvalue()


def template_file() -> Path:
    """All messages without translations."""
    return FOLDER / f"{DOMAIN}.pot"


def catalogue_file(language: str) -> Path:
    """The translations of a language."""
    return FOLDER / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def read_catalogue(language: str) -> Catalog:
    """The translations of a language as they lie there; none where there is no file yet."""
    made = _bare(language)
    path = catalogue_file(language)
    if path.is_file():
        with path.open("rb") as file:
            for message in read_po(file, language, DOMAIN):
                if message.id:
                    made.add(message.id, message.string, flags=message.flags)
    return made


def complaints(messages: Catalog, language: str) -> Iterator[str]:
    """What is wrong with the files of a language; nothing when they are complete and fresh."""
    there = read_catalogue(language)
    path = catalogue_file(language)
    for message in messages:
        if not message.id:
            continue
        found = there.get(message.id)
        ids, texts = _texts(message.id), _texts(found.string if found is not None else "")
        if found is None or found.fuzzy or not all(texts):
            yield f"{path.name} ({language}): {_shown(ids)} has no sure translation"
        elif wrong := _unlike(ids, texts):
            yield f"{path.name} ({language}): {_shown(ids)} {wrong}"
    for message in there:
        if message.id and message.id not in messages:
            yield f"{path.name} ({language}): {_shown(_texts(message.id))} is no message any more"
    binary = path.with_suffix(".mo")
    if not binary.is_file() or binary.read_bytes() != compiled(there):
        yield f"{binary.name} ({language}) is not what its .po compiles to"


def _texts(forms: object) -> tuple[str, ...]:
    """One text, or all forms of a plural."""
    return tuple(map(str, forms)) if isinstance(forms, (tuple, list)) else (str(forms or ""),)


def _unlike(ids: Sequence[str], texts: Sequence[str]) -> str:
    """How translations differ in what must be the same; "" for not at all."""
    wanted = _fields(ids[-1])
    for text in texts:
        if _fields(text) != wanted:
            return f"has the fields {sorted(_fields(text))} and not {sorted(wanted)}"
        if _MARKUP.search(text):
            return "has a sign of markup, which a template may not put in"
        if (
            ids[0][:1].isspace() != text[:1].isspace()
            or ids[0][-1:].isspace() != text[-1:].isspace()
        ):
            return "begins or ends with a space where the other does not"
    return ""


def _fields(text: str) -> set[tuple[str, str]]:
    return {(name, spec or "") for _, name, spec, _ in Formatter().parse(text) if name is not None}


def _shown(ids: Sequence[str]) -> str:
    text = ids[0]
    return repr(text if len(text) <= 60 else f"{text[:60]}\u2026")


def _bare(language: str | None) -> Catalog:
    made = _Bare(locale=language, domain=DOMAIN, charset="utf-8", fuzzy=False)
    made.header_comment = "# The texts of the reports of restoration-forensics; Apache-2.0."
    return made


def others() -> tuple[str, ...]:
    """The languages that have a catalogue."""
    return tuple(name for name in LANGUAGES if name != ENGLISH)


def _update() -> None:
    messages = collected()
    template_file().parent.mkdir(exist_ok=True)
    template_file().write_bytes(written(messages))
    for language in others():
        there = read_catalogue(language)
        there.update(messages, no_fuzzy_matching=True)
        there.obsolete.clear()
        path = catalogue_file(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(written(there))
        path.with_suffix(".mo").write_bytes(compiled(there))


def main(argv: Sequence[str] | None = None) -> int:
    """Write or check; 0 where nothing is wrong, else 1."""
    parser = argparse.ArgumentParser(prog="python -m forensics.report.messages")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--write", action="store_true", help="collect, update, compile")
    what.add_argument("--check", action="store_true", help="fail on what is stale or missing")
    if parser.parse_args(argv).write:
        _update()
    messages = collected()
    wrong = [line for language in others() for line in complaints(messages, language)]
    if not template_file().is_file() or template_file().read_bytes() != written(messages):
        wrong.append(f"{template_file().name} is stale: run 'make messages'")
    for line in wrong:
        sys.stderr.write(f"{line}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
