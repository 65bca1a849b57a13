"""Report, calibration: what is said about probabilities, on the terminal and in both reports."""

from __future__ import annotations

from typing import Final

from forensics.records import CalibrationNote, Risk
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
    if not note.shown:
        return f"{NO_PROBABILITY_SENTENCE} Its test missed the bar; the report says by how much."
    (sentence,) = calibration_limits(note)
    return sentence


def calibration_limits(note: CalibrationNote | None) -> tuple[str, ...]:
    """What both reports say of the calibration that was read; nothing where there was none."""
    if note is None:
        return ()
    people = ", ".join(f"{count} for {group}" for group, count in note.people.items())
    if not note.shown:
        why = " ".join(f"{name}: {text}" for name, text in note.verdicts.items())
        return (f"This restorer was tested (people: {people}) and missed the bar. {why}",)
    shown = "; ".join(f"{name}: {ABOUT[name]}" for name in note.shown)
    return (
        f"Probabilities are given for: {shown}. They were tested on people that nothing was chosen "
        f"on (people: {people}; {note.made_utc}; record {note.sha256[:16]}).",
    )


def frequency_sentence(risk: Risk, note: CalibrationNote) -> str:
    """A calibrated risk as a natural frequency.

    Raises `ValueError` for a risk without probability.
    """
    if risk.probability is None or risk.interval is None or risk.about is None:
        raise ValueError("the risk has no probability")
    low, high = (round(100 * edge) for edge in risk.interval)
    return (
        f"Of 100 restored faces that scored like this in the test ({note.people['test']} people, "
        f"{note.made_utc[:10]}), about {round(100 * risk.probability)} erred: {ABOUT[risk.about]} "
        f"(90 % interval: {low} to {high})."
    )
