"""Clips for the viewer of a drawn bundle: real files of the real writer, in a copy of it."""

from __future__ import annotations

import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

from forensics.comparisons import viewer_file
from forensics.evidence.lines import load_audit, write_audit
from forensics.media.label import label_words
from forensics.media.side_by_side import SIDE_PX, ViewerClip, caption
from forensics.records import Comparison
from forensics.report.view import load_view
from tests.bundles import rebag

RATE = Fraction(25)


def with_clips(bundle: Path, root: Path) -> Path:
    """A copy of ``bundle`` below ``root`` with ``viewer/PP.mp4`` of everybody; returns it."""
    copy = root / bundle.name
    shutil.copytree(bundle, copy)
    view = load_view(copy / "data")
    made = []
    for person in view.audit.people:
        path = copy / "data" / viewer_file(person.id)
        path.parent.mkdir(exist_ok=True)
        clip = ViewerClip(path, RATE, label_words(view.audit.run.id))
        for face in view.faces_of(person.id):
            name = f"{face.frame:06d}_{face.person:02d}.png"
            panels = [_panel(copy / "data" / f / name) for f in ("cropped_faces", "restored_faces")]
            words = caption(face.frame, face.pts_s, face.person, face.outcome)
            clip.add(face.frame, words, *panels, _panel(copy / "data" / "maps" / name))
        clip.close()
        full = copy / "data" / f"cmp_{person.id:02d}.mp4"
        full.write_bytes(path.read_bytes())  # no test here looks at the large clip
        made.append(
            Comparison(
                file=full.name,
                person=person.id,
                frames=len(view.faces_of(person.id)),
                outcome="written",
                viewer=viewer_file(person.id),
                rate=str(RATE),
            )
        )
    write_audit(copy / "data", load_audit(copy).model_copy(update={"comparisons": tuple(made)}))
    rebag(copy)
    return copy


def _panel(path: Path) -> np.ndarray | None:
    if not path.is_file():
        return None
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB").resize((SIDE_PX, SIDE_PX)), np.uint8)
