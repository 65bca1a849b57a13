"""Retold: sentences that the record holds in English, said again in the language of a report.

A sentence is made again from the fields of its own record, and only where the English one made
from the same fields is the recorded one, word for word.  Where it is not, or where the record does
not hold all of it, the recorded sentence is shown as it is and marked as English.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from forensics.records import Audit, Flag, Mode, Person
from forensics.report.calibration import calibration_limits, frequency_sentence
from forensics.report.flag_texts import FLAGS
from forensics.report.known import known
from forensics.report.language import Spoken, english, spoken_as
from forensics.report.other_words import OTHER_FINDINGS, alone_summary, mismatched_summary
from forensics.report.words import flag_words, person_summary

_Made = TypeVar("_Made")


def retold_person(person: Person, audit: Audit) -> str:
    """The one sentence about a person."""
    return _retold(person.summary, lambda: _person(person, audit))


def retold_flag(flag: Flag, mode: Mode = "restore") -> str:
    """The sentence of a flag; a detail of it must be in the catalogue."""
    detail = _detail(flag, mode)
    if detail is None or (told := _told(detail)) is None:
        return english(flag.words)
    return _flag(flag, mode, told or None)


def retold_limits(audit: Audit) -> tuple[str, ...]:
    """What the audit cannot say."""
    notes = {
        text: place
        for place, text in enumerate(_in_english(lambda: calibration_limits(audit.calibration)))
    }
    return tuple(
        calibration_limits(audit.calibration)[notes[text]] if text in notes else known(text)
        for text in audit.limits
    )


def _retold(text: str, again: Callable[[], str]) -> str:
    return again() if _in_english(again) == text else english(text)


def _in_english(make: Callable[[], _Made]) -> _Made:
    with spoken_as(None):
        return make()


def _person(person: Person, audit: Audit) -> str:
    if audit.mode == "restored_only":
        return alone_summary(
            person.id,
            person.faces,
            person.faces_failed,
            person.flags,
            person.interocular_px_range,
        )
    if "mismatched_pair" in person.risk.because and person.risk.band == "not_calculable":
        return mismatched_summary(person.id, person.faces, person.flags)
    text = person_summary(
        person=person.id,
        band=person.risk.band,
        faces=person.faces,
        faces_restored=person.faces_restored,
        faces_failed=person.faces_failed,
        bands=person.bands,
        flags=person.flags,
        interocular_px_range=person.interocular_px_range,
    )
    if audit.calibration is None or not person.risk.calibrated:
        return text
    return f"{text} {frequency_sentence(person.risk, audit.calibration)}"


def _flag(flag: Flag, mode: Mode, detail: str | None) -> str:
    return flag_words(
        flag.code,
        measured=flag.measured,
        reference=flag.reference,
        unit=flag.unit,
        detail=detail,
        finding=OTHER_FINDINGS[mode].get(flag.code),
    )


def _told(detail: str) -> str | None:
    """A detail in the language spoken; None where some of it is not known."""
    parts = [[known(part) for part in whole.split(", ")] for whole in detail.split("; ")]
    if any(isinstance(part, Spoken) for whole in parts for part in whole):
        return None
    return "; ".join(", ".join(whole) for whole in parts)


def _detail(flag: Flag, mode: Mode) -> str | None:
    """What a flag's English sentence says beside its numbers; "" for nothing, None: not ours."""
    plain = _in_english(lambda: _flag(flag, mode, None))
    if flag.words == plain:
        return ""
    head = _in_english(lambda: OTHER_FINDINGS[mode].get(flag.code) or FLAGS[flag.code].finding)
    start = f"{head} ("
    end = f"; {plain.removeprefix(start)}" if plain.startswith(start) else ")."
    if not flag.words.startswith(start) or not flag.words.endswith(end):
        return None
    return flag.words[len(start) : len(flag.words) - len(end)]
