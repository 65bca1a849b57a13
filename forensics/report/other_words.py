"""Words, other: what is said where somebody else restored, with or without the original.

Both reports, the terminal and ``Audit.limits`` say the same.  The rules of speech are those of
`forensics.report.words`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from forensics.records import FlagCode, Mode, Outcome
from forensics.report import words
from forensics.report.language import N_, Table, _
from forensics.report.sentences import CUTS_SENTENCE

WITHOUT_ORIGINAL: Final = N_(
    "Without the original footage nobody can say whether a detail is right."
)
NOTHING_RESTORED: Final = N_(
    "Nothing was restored here; somebody else's restoration was held against its source."
)
TWICE: Final = N_(
    "The source itself shows traces of an earlier restoration (see Flags): what "
    "it shows of these faces may already have been drawn, and then nothing below "
    "can be held against the truth."
)
MISMATCHED: Final = N_(
    "The restored picture does not show what its source shows. Nothing is "
    "said about faces under this flag, neither good nor bad."
)
NO_PROBABILITY: Final[Mapping[Mode, str]] = Table(
    {
        "restore": words.NO_PROBABILITY_SENTENCE,
        "pair": N_(
            "No probability is given: who or what restored this is not known here, "
            "so that no test of a restorer applies. What follows are facts and flags."
        ),
        "restored_only": N_(
            "No probability and no band is given: there is nothing to hold these "
            "faces against. What follows are facts and flags."
        ),
    }
)
ALONE_MEASURED: Final = N_(
    "Measured without an original: jitter is how fast the face moves against "
    "its surroundings, change over time and regular grids are the clip's "
    "own, and eye colours are left against right. True footage has some of "
    "each; no usual value is known for them."
)
ALONE_POPS: Final = N_(
    "What switches on or off was inferred from pixels alone: a face that "
    "turns soft or sharp from one frame to the next while its surroundings "
    "do not. Weak restorations switch unseen."
)
PAIR_POPS: Final = N_(
    "No log of the restoration exists: what switches on or off was inferred from pixels."
)
PAIR_STABILITY: Final = N_("How steady the restorer is could not be asked: it is not here.")


def alone_summary(
    person: int,
    faces: int,
    faces_failed: int,
    flags: Sequence[FlagCode],
    interocular_px_range: tuple[float, float],
) -> str:
    """The one sentence about a person of a clip without an original."""
    parts = [
        _(
            "{person}: without the original footage nobody can say whether a detail "
            "of this face is right"
        ).format(person=words.person_name(person)),
        _("followed in {faces}").format(faces=words.counted(faces, "frame", "frames")),
        words.eye_words(interocular_px_range, alone=True),
    ]
    if flags:
        parts.append(_("flags: ") + ", ".join(words.flag_title(code) for code in flags))
    if faces_failed:
        parts.append(
            _("of {faces} {faces_failed:,} could not be measured").format(
                faces=words.counted(faces, "face", "faces"), faces_failed=faces_failed
            )
        )
    return "; ".join(parts) + "."


def mismatched_summary(person: int, faces: int, flags: Sequence[FlagCode]) -> str:
    """The one sentence about a person whose restored picture belongs to something else."""
    titles = ", ".join(words.flag_title(code) for code in flags)
    return _(
        "{person}: the restored picture shows another face than this source; it "
        "is not rated, neither good nor bad; in {faces}; flags: {titles}."
    ).format(
        person=words.person_name(person),
        faces=words.counted(faces, "frame", "frames"),
        titles=titles,
    )


def alone_limits(*, people: int, complete: bool, every: int, made_source: bool) -> tuple[str, ...]:
    """What an audit without an original cannot say, most important first."""
    return (
        WITHOUT_ORIGINAL,
        _(
            "A restored face is a drawing by a network that was trained on other "
            "people. It must not be used to say who somebody is."
        ),
        NO_PROBABILITY["restored_only"],
        *_common(people, complete, every, made_source),
        _("Whether this clip was restored at all is not known here; it was given as restored."),
        ALONE_MEASURED,
        ALONE_POPS,
        _("Faces below the detector's reach, covered or turned away are not in the counts."),
        CUTS_SENTENCE,
        _INTEGRITY,
    )


def pair_limits(
    *, people: int, complete: bool, every: int, made_source: bool, lpips_official: bool
) -> tuple[str, ...]:
    """What an audit of somebody else's restoration cannot say, most important first."""
    usual = words.limits(
        demonstration=False,
        calibrated=True,  # its sentence about probabilities is replaced by ours
        people=people,
        lpips_official=lpips_official,
        complete=complete,
        every=1,
        made_source=made_source,
    )
    scored = () if every == 1 else (_("Only one frame in {every} was scored.").format(every=every),)
    return (
        NOTHING_RESTORED,
        usual[0],
        NO_PROBABILITY["pair"],
        *scored,
        *usual[1:],
        _(
            "Scale, place, frames and colour were found from the pictures; what this "
            "report says of them, and how sure it is, stands under 'What was held "
            "against what'."
        ),
        PAIR_POPS,
        PAIR_STABILITY,
    )


_INTEGRITY: Final = N_(
    "Integrity is stated from the moment this audit took the file in; what "
    "happened to it before is not known from here."
)


def _common(people: int, complete: bool, every: int, made_source: bool) -> tuple[str, ...]:
    out = []
    if people == 0:
        out.append(words.people_sentence(0))
    if not complete:
        out.append(_("Part of the work failed or is incomplete; the counts say which part."))
    if every > 1:
        out.append(_("Only one frame in {every} was measured.").format(every=every))
    if made_source:
        out.append(_("The source is a made clip, not a recording of an event."))
    return tuple(out)


_OUTCOMES: Final[dict[Mode, Mapping[Outcome, str]]] = {
    "restore": words.OUTCOMES,
    "pair": Table(
        {
            "restored": N_("held against the source"),
            "skipped": N_("skipped (nothing to hold against it)"),
            "failed": N_("failed (not compared)"),
        }
    ),
    "restored_only": Table(
        {
            "restored": N_("looked at"),
            "skipped": N_("skipped (not measured)"),
            "failed": N_("failed (not measured)"),
        }
    ),
}


def outcome_words(outcome: Outcome, mode: Mode) -> str:
    """What became of a face, in the words of the run's kind."""
    return _OUTCOMES[mode][outcome]


@dataclass(frozen=True)
class Accounted:
    """Words of the accounting: a row of what was done, of what was not, captions, and their rest.

    ``done`` follows frames and faces alike; ``frame_failed`` is what became of a failed frame.
    """

    done: str
    lost: str
    nothing_lost: str
    frame_failed: str


ACCOUNTED: Final[Mapping[Mode, Accounted]] = Table(
    {
        "restore": Accounted(
            "restored",
            N_("What was not restored"),
            N_("Nothing was left unrestored."),
            N_("failed (shown as it was)"),
        ),
        "pair": Accounted(
            N_("held against the source"),
            N_("What was not compared"),
            N_("Everything was compared."),
            N_("failed (not compared)"),
        ),
        "restored_only": Accounted(
            N_("looked at"),
            N_("What was not measured"),
            N_("Every face that was followed was looked at."),
            N_("failed (not measured)"),
        ),
    }
)
LOST_LANE: Final[Mapping[Mode, str]] = Table(
    {
        "restore": N_("not restored"),
        "pair": N_("not compared"),
        "restored_only": N_("not measured"),
    }
)
_UNCOMPARED: Final = N_(
    "This face could not be compared; nothing is said about it, neither good nor bad"
)
_FELL_SILENT: Final = N_(
    "This face could not be measured; nothing is said about it, neither good nor bad"
)
OTHER_FINDINGS: Final[Mapping[Mode, Mapping[FlagCode, str]]] = {
    "restore": {},
    "pair": Table(
        {
            "failed": _UNCOMPARED,
            "pop": N_(
                "From one frame to the next the face seems to change between restored "
                "and not restored; no log of the restoration exists to say so"
            ),
        }
    ),
    "restored_only": Table(
        {
            "failed": _FELL_SILENT,
            "pop": N_(
                "From one frame to the next the face turns soft or sharp while its "
                "surroundings do not, as where a restoration is switched on or off"
            ),
            "restored_twice": N_("The clip shows traces of a restoration"),
        }
    ),
}
"""What a flag says where somebody else restored, where that differs."""
