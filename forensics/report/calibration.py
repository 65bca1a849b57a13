"""Report, calibration: what is said about probabilities, on the terminal and in both reports."""

from __future__ import annotations

from typing import Final

from forensics.records import CalibrationNote, Risk
from forensics.report.known import known
from forensics.report.language import N_, Table, _, joined_text, when
from forensics.report.words import NO_PROBABILITY_SENTENCE, TESTED_SENTENCE

COMMAND: Final = "forensics calibrate --models {profile} --portraits DIR"
ABOUT: Final = Table(
    {
        "any": N_("the identity, a feature or an attribute differs from the sharp picture"),
        "identity": N_("a recogniser no longer takes the two for one person"),
        "feature": N_("the eyes, the nose or the mouth differ from the sharp picture"),
        "attribute": N_("glasses, facial hair or the colour of the eyes changed"),
    }
)


def calibration_sentence(note: CalibrationNote | None, profile: str, reason: str | None) -> str:
    """One sentence or two: whether there are probabilities, from what, and if not, why."""
    if note is None:
        why = f" ({reason})" if reason else ""
        return _(
            "{first} No calibration of this restorer is at hand{why}; '{command}' makes one."
        ).format(
            first=_(NO_PROBABILITY_SENTENCE),
            why=why,
            command=COMMAND.format(profile=profile),
        )
    if not note.shown:
        if not note.tested:
            return _("{first} The report says what its calibration lacked.").format(
                first=_(NO_PROBABILITY_SENTENCE)
            )
        return _("{first} The report says by how much it missed.").format(first=_(TESTED_SENTENCE))
    (sentence,) = calibration_limits(note)
    return sentence


def calibration_limits(note: CalibrationNote | None) -> tuple[str, ...]:
    """What both reports say of the calibration that was read; nothing where there was none."""
    if note is None:
        return ()
    people = ", ".join(
        _("{count} for {group}").format(count=count, group=group)
        for group, count in note.people.items()
    )
    if not note.shown:
        why = joined_text(
            " ", (joined_text(": ", (name, known(text))) for name, text in note.verdicts.items())
        )
        return (
            _("This restorer was tested (people: {people}) and missed the bar. {why}").format(
                people=people, why=why
            ),
        )
    shown = "; ".join(f"{name}: {ABOUT[name]}" for name in note.shown)
    return (
        _(
            "Probabilities are given for: {shown}. They were tested on people that "
            "nothing was chosen on (people: {people}; {made_utc}; record {sha256})."
        ).format(shown=shown, people=people, made_utc=when(note.made_utc), sha256=note.sha256[:16]),
    )


def frequency_sentence(risk: Risk, note: CalibrationNote) -> str:
    """A calibrated risk as a natural frequency.

    Raises `ValueError` for a risk without probability.
    """
    if risk.probability is None or risk.interval is None or risk.about is None:
        raise ValueError("the risk has no probability")
    low, high = (round(100 * edge) for edge in risk.interval)
    return _(
        "Of 100 restored faces that scored like this in the test ({people} "
        "people, {made_utc}), about {erred} erred: {about} (90 % interval: {low} "
        "to {high})."
    ).format(
        people=note.people["test"],
        made_utc=when(note.made_utc[:10]),
        erred=round(100 * risk.probability),
        about=ABOUT[risk.about],
        low=low,
        high=high,
    )
