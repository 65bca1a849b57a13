"""Messages: the catalogue is complete and fresh, and each of its faults is told."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from string import Formatter

import pytest

from forensics.config import LANGUAGES
from forensics.report import language, messages
from forensics.report.known import _FORMS


def test_every_message_has_a_sure_german_text_and_the_files_are_fresh() -> None:
    collected = messages.collected()
    assert len([m for m in collected if m.id]) > 700
    assert messages.template_file().read_bytes() == messages.written(collected)
    assert {*messages.others(), "en"} == set(LANGUAGES)
    assert sorted(p.name for p in language.FOLDER.iterdir() if p.is_dir()) == ["de"]
    assert list(messages.complaints(collected, "de")) == []


def _faulty(fault: str) -> tuple[str, str]:
    """A catalogue text with a fault, and what must be said of it."""
    if fault == "missing":
        return "", "no sure translation"
    if fault == "field":
        return "Einzelbild {nummer}", "has the fields"
    if fault == "format":
        return "Einzelbild {number:,}", "has the fields"
    return "<b>Einzelbild</b> {number}", "a sign of markup"


@pytest.mark.parametrize(
    "fault", ["missing", "field", "format", "markup", "fuzzy", "gone", "stale"]
)
def test_a_fault_of_a_catalogue_is_told(
    fault: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    collected = messages.collected()
    there = messages.read_catalogue("de")
    wanted = "no sure translation"
    if fault == "fuzzy":
        there.get("Frame {number}").flags.add("fuzzy")
    elif fault == "gone":
        there.add("a text that was taken out", "ein Text")
        wanted = "no message any more"
    elif fault == "stale":
        wanted = "not what its .po compiles to"
    else:
        there.get("Frame {number}").string, wanted = _faulty(fault)
    monkeypatch.setattr(messages, "FOLDER", tmp_path)
    path = messages.catalogue_file("de")
    path.parent.mkdir(parents=True)
    path.write_bytes(messages.written(there))
    path.with_suffix(".mo").write_bytes(b"" if fault == "stale" else messages.compiled(there))
    found = list(messages.complaints(collected, "de"))
    assert len(found) == 1, found
    assert wanted in found[0]


BINDING = {
    "has no counterpart in the footage": "hat keine Entsprechung im Bildmaterial",
    "contradicts the footage": "widerspricht dem Bildmaterial",
    "no sign of invention found; this does not confirm the face": (
        "kein Anzeichen einer Erfindung gefunden; das bestätigt das Gesicht nicht"
    ),
    "AI-restored. Not for identification.": "KI-restauriert. Nicht zur Identifizierung.",
}
NEVER = r"\b(echt|unecht|gefälscht|Fälschung|Fake|authentisch|wahre[srnm]?|Treffer|übereinstimm)"


def test_the_words_about_faces_are_as_strong_as_the_english_ones() -> None:
    there = messages.read_catalogue("de")
    for english, german in BINDING.items():
        assert there.get(english).string == german
    unknowable = [m for m in there if m.id and "cannot be known from this footage" in str(m.id)]
    assert len(unknowable) >= 3
    for message in unknowable:
        assert re.search(
            "lassen sich aus diesem Bildmaterial nicht erkennen"
            "|lässt sich aus diesem Bildmaterial nicht erkennen",
            str(message.string),
        )
    texts = [str(message.string) for message in there if message.id]
    assert [text for text in texts if re.search(NEVER, text, re.IGNORECASE)] == []


def test_what_other_stages_record_is_still_what_they_say() -> None:
    """A form that no stage writes any more is a translation that nobody will see."""
    package = Path(language.__file__).parents[1]
    everything = "\n".join(
        node.value
        for path in sorted(package.rglob("*.py"))
        if path.name != "known.py"
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    for form in _FORMS:
        # Sentences are put together of parts there, so four words in a row, or two of few, must do.
        pieces = [literal for literal, *_rest in Formatter().parse(form)]
        words = max(pieces, key=len).split()
        many = 4 if len(words) > 4 else min(2, len(words))
        rows = [" ".join(words[k : k + many]) for k in range(len(words) - many + 1)]
        assert any(row in everything for row in rows), form


def _called(node: ast.AST) -> str:
    function = node.func if isinstance(node, ast.Call) else None
    return str(getattr(function, "id", getattr(function, "attr", "")))


def test_every_message_stands_where_it_is_collected() -> None:
    """What stands inside an f-string, or is put together, is never found by the collector."""
    found = []
    for path in sorted(Path(language.__file__).parent.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.JoinedStr):
                inside = [n for n in ast.walk(node) if _called(n) in {"_", "N_", "counted"}]
                found += [(path.name, n) for n in inside if isinstance(n.args[-1], ast.Constant)]
            unfit = _called(node) == "counted" and len(node.args) != 3
            made_up = _called(node) in {"_", "N_"} and isinstance(node.args[0], ast.JoinedStr)
            if unfit or made_up:
                found.append((path.name, node))
    assert [(name, ast.unparse(node)) for name, node in found] == []
