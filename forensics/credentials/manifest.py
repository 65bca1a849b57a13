"""Credentials, manifest: what a restored medium says of itself, as C2PA actions.

Restoring faces is ``c2pa.edited`` with a trained model, never ``c2pa.enhanced``, which is for
changes that are not editorial.  Scores stay in the bundle: readers mangle arrays of numbers
(c2pa-rs issue 2570), and a score without its report says too much.  Source: C2PA 2.2, 18.2
(regions) and table 8 (actions).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from forensics.records import Box

PREFIX: Final = "org.restoration-forensics."
SOURCE_TYPE: Final = (
    "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
)
MOST_STRETCHES: Final = 50


class RestoredFace(Protocol):
    """What a region needs of one face; ``box_px`` in the source's picture."""

    @property
    def frame(self) -> int: ...
    @property
    def pts_s(self) -> float | None: ...
    @property
    def person(self) -> int: ...
    @property
    def box_px(self) -> Box: ...
    @property
    def outcome(self) -> str: ...


@dataclass(frozen=True)
class Claim:
    """What is claimed of one restored medium.

    ``weights_sha256`` by role.  ``faces`` are all faces; only restored ones become regions.
    ``upscale`` maps source px to px of the medium.  ``moving``: frames and times are stated.
    """

    bundle_id: str
    version: str
    title: str
    original_name: str
    original_sha256: str
    weights_sha256: Mapping[str, str]
    faces: tuple[RestoredFace, ...]
    upscale: int
    moving: bool


def definition(claim: Claim) -> dict[str, object]:
    """The manifest for c2pa's builder; ``c2pa.opened`` is put in front of it by the intent."""
    agent = {"name": "restoration-forensics", "version": claim.version}
    actions: list[dict[str, object]] = [
        {
            "action": "c2pa.edited",
            "softwareAgent": agent,
            "digitalSourceType": SOURCE_TYPE,
            "description": "faces drawn by a neural network; what it drew is not evidence",
            "parameters": {
                f"{PREFIX}bundle": claim.bundle_id,
                f"{PREFIX}original_sha256": claim.original_sha256,
                f"{PREFIX}weights_sha256": dict(claim.weights_sha256),
            },
            "changes": regions(claim),
        }
    ]
    if claim.upscale > 1:
        words = f"the whole picture enlarged {claim.upscale} times (Lanczos)"
        actions.append({"action": "c2pa.resized", "softwareAgent": agent, "description": words})
    if claim.moving:
        words = "frames encoded again; sound and subtitles copied where the container takes them"
        actions.append({"action": "c2pa.transcoded", "softwareAgent": agent, "description": words})
    if not any(face.outcome == "restored" for face in claim.faces):
        del actions[0]["changes"]
    return {
        "claim_generator_info": [agent],
        "title": claim.title,
        "assertions": [
            {
                "label": "c2pa.actions.v2",
                "data": {"allActionsIncluded": True, "actions": actions},
            }
        ],
    }


def ingredient(claim: Claim, unread: str | None = None) -> dict[str, object]:
    """The original as parent.  Its digest is named: C2PA hashes no file without credentials.

    ``unread`` says why nobody looked for credentials inside it.
    """
    metadata = {f"{PREFIX}original_sha256": claim.original_sha256}
    if unread:
        metadata[f"{PREFIX}credentials_not_read"] = unread
    return {"title": claim.original_name, "relationship": "parentOf", "metadata": metadata}


def regions(claim: Claim) -> list[dict[str, object]]:
    """One region per person and unbroken stretch of restored frames, in px of the medium."""
    found: list[dict[str, object]] = []
    people: dict[int, list[RestoredFace]] = {}
    for face in claim.faces:
        if face.outcome == "restored":
            people.setdefault(face.person, []).append(face)
    for person, faces in sorted(people.items()):
        faces = sorted(faces, key=lambda face: face.frame)
        stretches = list(_stretches(faces)) if claim.moving else [faces]
        note = f"{len(faces)} restored faces"
        if len(stretches) > MOST_STRETCHES:
            stretches = [faces]
            note += ", with gaps"
        found += [_region(claim, person, stretch, note) for stretch in stretches]
    return found


def _stretches(faces: Iterable[RestoredFace]) -> Iterable[list[RestoredFace]]:
    current: list[RestoredFace] = []
    for face in faces:
        if current and face.frame != current[-1].frame + 1:
            yield current
            current = []
        current.append(face)
    if current:
        yield current


def _region(claim: Claim, person: int, faces: list[RestoredFace], note: str) -> dict[str, object]:
    left, top, right, bottom = (
        min(face.box_px[0] for face in faces) * claim.upscale,
        min(face.box_px[1] for face in faces) * claim.upscale,
        max(face.box_px[2] for face in faces) * claim.upscale,
        max(face.box_px[3] for face in faces) * claim.upscale,
    )
    place: dict[str, object] = {
        "type": "spatial",
        "shape": {
            "type": "rectangle",
            "unit": "pixel",
            "origin": {"x": round(left, 2), "y": round(top, 2)},
            "width": round(right - left, 2),
            "height": round(bottom - top, 2),
        },
    }
    ranges: list[dict[str, object]] = []
    first, last = faces[0], faces[-1]
    if claim.moving:
        # C2PA counts frames from 0, everything else here from 1.
        ranges.append({"type": "frame", "frame": {"start": first.frame - 1, "end": last.frame - 1}})
        if first.pts_s is not None and last.pts_s is not None:
            time = {"type": "npt", "start": f"{first.pts_s:.6f}", "end": f"{last.pts_s:.6f}"}
            ranges.append({"type": "temporal", "time": time})
    return {
        "region": [*ranges, place],
        "name": f"person {person:02d}",
        "description": f"face of person {person:02d} drawn by a neural network ({note})",
    }
