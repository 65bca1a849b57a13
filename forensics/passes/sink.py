"""Sink: where a run puts what it finds, so that no pass knows files or bundles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from forensics.passes.kept import Kept
from forensics.records import FaceLine, FrameLine
from forensics.scoring.facts import FaceFact

Folder = Literal[
    "cropped_faces",
    "restored_faces",
    "cmp",
    "maps",
    "alternatives",
    "source_imgs",
    "restored_imgs",
    "restored",
]


class Sink(Protocol):
    """Takes pictures, lines and events in the order in which they arise."""

    @property
    def kept(self) -> Kept:
        """Faces that an interrupted run of the same audit restored."""

    def picture(self, folder: Folder, name: str, rgb_u8: NDArray[np.uint8]) -> None: ...

    def frame(self, line: FrameLine) -> None: ...

    def face(self, line: FaceLine, fact: FaceFact) -> None: ...

    def event(self, step: str, data: Mapping[str, object]) -> None: ...


def picture_name(frame: int, person: int | None = None, letter: str | None = None) -> str:
    """``000001_00.png`` for a face, ``000001_00_a.png`` for another one that fits, ``000001.png``
    for a frame.
    """
    if person is None:
        return f"{frame:06d}.png"
    ending = "" if letter is None else f"_{letter}"
    return f"{frame:06d}_{person:02d}{ending}.png"
