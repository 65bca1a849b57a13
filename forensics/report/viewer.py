"""Viewer: one person frame by frame, from the small clip that the bundle holds.

The clip travels inside the page as long as a byte budget lasts; what is said of each frame stands
beside it as data.  Without a script the page shows the clip with the browser's own controls.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

from markupsafe import Markup

from forensics.records import Comparison, FaceLine, Mode, Person
from forensics.report.escape import visible
from forensics.report.known import known
from forensics.report.language import N_, _, joined_text
from forensics.report.other_words import outcome_words
from forensics.report.view import View
from forensics.report.words import (
    BANDS,
    counted,
    flag_title,
    person_name,
    reason_words,
)

CLIP_BYTES: Final = 11_000_000
"""Of clips in one report; as data: URIs about 14.7 MB, so that a page stays below 25 MB."""
_MAX_CLIP_BYTES: Final = 256 * 1024 * 1024

LEFT_OUT: Final = N_(
    "The clips of this report together are larger than a page should be; "
    "this one is in the bundle's folder."
)
NOT_MADE: Final = N_("No clip of this person was made")
GONE: Final = N_("The clip is recorded and is not in this bundle.")


@dataclass(frozen=True)
class ViewerBlock:
    """The viewer of one person, or the reason why there is none.

    ``clip`` is the address of the clip (a data: URI, or a file beside the page), None where it
    stays in the bundle; ``file`` then names it, relative to the data folder.  ``data`` is JSON for
    the script, safe inside a script element.
    """

    label: str
    clip: str | None
    file: str | None
    reason: str
    data: Markup
    frames: int
    flagged: int

    @property
    def count_words(self) -> str:
        """How many frames it has and how many of them carry a flag."""
        return _("{frames}, {flagged:,} of them flagged").format(
            frames=counted(self.frames, "frame", "frames"), flagged=self.flagged
        )


class Projector:
    """Hands out the clips of people: inside the page until its byte budget is spent, or beside it.

    ``folder``: where clips lie beside the page, as the page names it; `beside` then tells which.
    None puts them into the page.
    """

    def __init__(self, view: View, folder: str | None = None) -> None:
        self._view, self._folder = view, folder
        self.beside: dict[str, Path] = {}
        self._left = CLIP_BYTES
        self._recorded = {item.person: item for item in view.audit.comparisons}

    def block(self, person: Person, faces: Sequence[FaceLine]) -> ViewerBlock | None:
        """The viewer of a person; None where no such clip belongs to a bundle.

        That is so for a single picture and for bundles older than the viewer.
        """
        made = self._recorded.get(person.id)
        if made is None:
            return None
        if made.outcome != "written":
            return _without(
                person,
                joined_text("", (_(NOT_MADE), ": ", known(made.reason or made.outcome), ".")),
                None,
            )
        if made.viewer is None or made.rate is None:
            return None
        path = self._view.data_dir / made.viewer
        # A link could lead a report to carry a clip from outside the bundle.
        if path.is_symlink() or path.parent.is_symlink() or not path.is_file():
            return _without(person, _(GONE), made.viewer)
        clip = self._placed(path)
        if clip is None:
            return _without(person, _(LEFT_OUT), made.viewer)
        flagged = sum(1 for face in faces if face.flags)
        return ViewerBlock(
            label=_("{id}, frame by frame").format(id=person_name(person.id)),
            clip=clip,
            file=made.viewer,
            reason="",
            data=_data(made, faces, self._view.audit.mode),
            frames=len(faces),
            flagged=flagged,
        )

    def _placed(self, path: Path) -> str | None:
        """The address of a clip in the page; None where no room is left for it."""
        if self._folder is not None:
            name = f"viewer-{path.name}"
            self.beside[name] = path
            return f"{self._folder}/{name}"
        size = path.stat().st_size
        if size > min(self._left, _MAX_CLIP_BYTES):
            return None
        self._left -= size
        return "data:video/mp4;base64," + base64.b64encode(path.read_bytes()).decode("ascii")


def _without(person: Person, reason: str, file: str | None) -> ViewerBlock:
    label = _("{id}, frame by frame").format(id=person_name(person.id))
    return ViewerBlock(label, None, file, reason, Markup(), 0, 0)


def _data(made: Comparison, faces: Sequence[FaceLine], mode: Mode) -> Markup:
    """What is said of each frame of the clip, in its order."""
    rate = Fraction(made.rate or "1")
    document = {
        "rate": [rate.numerator, rate.denominator],
        "person": made.person,
        "frames": [_frame(face, mode) for face in faces],
    }
    return script_safe(document)


def _frame(face: FaceLine, mode: Mode) -> list[object]:
    """Number, time, outcome, band and flags of one frame, as the script reads them."""
    outcome = outcome_words(face.outcome, mode)
    if face.outcome != "restored" or face.reason:
        outcome += f": {reason_words(face.reason)}"
    band = BANDS[face.risk.band]
    return [
        face.frame,
        None if face.pts_s is None else round(face.pts_s, 3),
        visible(outcome),
        face.risk.band,
        f"{band.shape} {band.word}",
        [flag_title(code) for code in face.flags],
    ]


def script_safe(document: object) -> Markup:
    """JSON that can stand inside a script element: no ``<``, no line separators of JavaScript."""
    text = json.dumps(document, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)  # noqa: S704 - ASCII without markup signs; it is data, never run
