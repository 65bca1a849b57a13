"""Cuts of the footage, and people whose number goes across one."""

from __future__ import annotations

from forensics.report.language import _
from forensics.report.stretches import joined
from forensics.report.view import View
from forensics.report.words import counted, person_name, range_words


def shots_of(view: View, person: int) -> tuple[int, ...]:
    """The shots, from 1, in which a person is seen; none where the frames know of none."""
    seen = {face.frame for face in view.faces_of(person)}
    shots = {line.shot for line in view.frames if line.frame in seen}
    return tuple(sorted(shot for shot in shots if shot is not None))


def shot_words(shots: tuple[int, ...]) -> str:
    """``1, 3 to 5``."""
    return range_words(joined(shots))


def across_words(shots: tuple[int, ...]) -> str:
    """The shots of a person who is in more than one."""
    return _(
        "{shots}; across cuts by looks alone, which do not prove that it is one person"
    ).format(shots=shot_words(shots))


def cut_sentences(view: View) -> tuple[str, ...]:
    """What cuts do to the numbers of people; nothing where there are no cuts or no people."""
    shots = {line.shot for line in view.frames if line.shot is not None}
    if len(shots) < 2 or not view.audit.people:
        return ()
    seen_in = {person.id: shots_of(view, person.id) for person in view.audit.people}
    across = [
        _("{person} (shots {shots})").format(person=person_name(person), shots=shot_words(seen))
        for person, seen in seen_in.items()
        if len(seen) > 1
    ]
    first = _(
        "The footage has {cuts}, where the whole picture changes at once. There a number goes on "
        "only where the face looks the same as within one shot: one person may have several "
        "numbers."
    ).format(cuts=counted(len(shots) - 1, "cut", "cuts"))
    if not across:
        return (first,)
    return (
        first,
        _(
            "These go on across a cut, by looks alone, which do not prove that it is one person: "
            "{people}."
        ).format(people=", ".join(across)),
    )
