"""Report, calibration: what is said about probabilities, on the terminal and in both reports."""

from __future__ import annotations

from typing import Final

from forensics.records import CalibrationNote
from forensics.report.words import NO_PROBABILITY_SENTENCE

COMMAND: Final = "forensics calibrate --models {profile} --portraits DIR"
ABOUT: Final = {
    "any": "the identity or a feature differs from the sharp picture",
    "identity": "a recogniser no longer takes the two for one person",
    "feature": "the eyes, the nose or the mouth differ from the sharp picture",
    "attribute": "glasses, facial hair or the colour of the eyes changed",
}


def calibration_sentence(note: CalibrationNote | None, profile: str, reason: str | None) -> str:
    """One sentence or two: whether there are probabilities, from what, and if not, why."""
    if note is None:
        why = f" ({reason})" if reason else ""
        return (
            f"{NO_PROBABILITY_SENTENCE} No calibration of this restorer is at hand{why}; "
            f"'{COMMAND.format(profile=profile)}' makes one."
        )
    people = ", ".join(f"{count} for {group}" for group, count in note.people.items())
    if not note.shown:
        why = " ".join(f"{name}: {text}" for name, text in note.verdicts.items())
        return f"{NO_PROBABILITY_SENTENCE} It was tested (people: {people}) and missed. {why}"
    shown = "; ".join(f"{name}: {ABOUT[name]}" for name in note.shown)
    return (
        f"Probabilities are given for: {shown}. They were tested on people that nothing was chosen "
        f"on (people: {people}; {note.made_utc}; record {note.sha256[:16]})."
    )
