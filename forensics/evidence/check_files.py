"""Checks that the files are the ones that the records speak of: pictures, table, reports."""

from __future__ import annotations

import hashlib
import re
import struct
import warnings
import zlib
from collections.abc import Iterable, Mapping, Sequence
from string import ascii_lowercase
from typing import BinaryIO

from forensics.evidence.table import columns, face_row, row_text
from forensics.evidence.tree import Tree
from forensics.records import Audit, FaceLine, FrameLine

FACE_FOLDERS = ("cropped_faces", "restored_faces", "cmp", "maps")
ALTERNATIVES = "alternatives"
MAX_PICTURE_PX = 4096 * 4096
MAX_FRAME_PX = 16384 * 16384
_MAX_FAULTS = 20
# What Pillow raises for broken PNG data, by its source; MemoryError is left to surface.
_BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    struct.error,
    zlib.error,
    Warning,
)


def report_faults(tree: Tree, audit: Audit) -> list[str]:
    """Reports that are there and not recorded, or recorded and not there."""
    faults = []
    recorded = {f"data/{item.file}": item for item in audit.reports}
    for path, item in recorded.items():
        if item.outcome == "written" and not tree.has(path):
            faults.append(f"{item.file!r} is recorded as written and missing")
        if item.outcome != "written" and tree.has(path):
            faults.append(f"{item.file!r} is recorded as {item.outcome}, yet it is there")
        if item.outcome != "written" and not item.reason:
            faults.append(f"{item.file!r} is {item.outcome} without a reason")
    faults += [f"{p!r} is in no record" for p in tree.under("data/report/") if p not in recorded]
    return faults


def table_faults(tree: Tree, faces: Iterable[FaceLine], plugins: Sequence[str] = ()) -> list[str]:
    """Where faces.csv is not the table of faces.jsonl, compared line by line.

    ``plugins``: the plugin measures that audit.json names, each of which has its column.
    """
    if not tree.has("data/faces.csv"):
        return ["faces.csv is missing"]
    with tree.open("data/faces.csv") as stream:
        if not _next_is(stream, columns(plugins)):
            return ["faces.csv has other columns"]
        for face in faces:
            if not _next_is(stream, face_row(face, plugins)):
                return [f"faces.csv differs for person {face.person} in frame {face.frame}"]
        if stream.read(1):
            return ["faces.csv has rows that faces.jsonl has not"]
    return []


def _next_is(stream: BinaryIO, cells: list[str]) -> bool:
    expected = row_text(cells).encode()
    return stream.read(len(expected)) == expected


def picture_faults(
    tree: Tree, frames: Iterable[FrameLine], faces: Iterable[FaceLine], *, alone: bool = False
) -> tuple[list[str], int]:
    """Faults of the face pictures and saved frames, and how many pictures were decoded.

    ``alone``: of a clip without an original, whose faces lie beside no crop.  ImportError when
    Pillow is absent.
    """
    faults: list[str] = []
    known: set[str] = set()
    decoded = 0
    for face in faces:
        name = f"{face.frame:06d}_{face.person:02d}.png"
        known.update(f"data/{folder}/{name}" for folder in FACE_FOLDERS)
        faults += _missing(tree, face, name, alone)
        for folder, digest in (
            ("cropped_faces", face.crop_sha256),
            ("restored_faces", face.restored_sha256),
        ):
            path = f"data/{folder}/{name}"
            if digest is not None and tree.has(path):
                decoded += 1
                faults += _pixel_faults(tree, path, digest, MAX_PICTURE_PX)
        for letter, digest in zip(ascii_lowercase, face.alternatives, strict=False):
            path = f"data/{ALTERNATIVES}/{face.frame:06d}_{face.person:02d}_{letter}.png"
            known.add(path)
            decoded += 1
            faults += (
                _pixel_faults(tree, path, digest, MAX_PICTURE_PX)
                if tree.has(path)
                else [f"{path!r} is recorded and missing"]
            )
        if len(faults) > _MAX_FAULTS:
            return faults, decoded
    for folder in (*FACE_FOLDERS, ALTERNATIVES):
        faults += [
            f"{p!r} belongs to no face" for p in tree.under(f"data/{folder}/") if p not in known
        ]
    more, saved = _saved_frame_faults(tree, frames)
    return faults + more, decoded + saved


def comparison_faults(tree: Tree, audit: Audit, frames_of: Mapping[int, int]) -> list[str]:
    """Faults of the side-by-side clips; ``frames_of`` counts the frames of each person.

    Bundles of older versions have none, and neither has a single picture.
    """
    written = {f"data/{c.file}": c for c in audit.comparisons if c.outcome == "written"}
    faults = [
        f"{c.file!r} is {c.outcome} without a reason"
        for c in audit.comparisons
        if c.outcome != "written" and not c.reason
    ]
    faults += [
        f"{c.file!r} is recorded as written and missing"
        for path, c in written.items()
        if not tree.has(path)
    ]
    small = {f"data/{c.viewer}" for c in written.values() if c.viewer is not None}
    faults += [
        f"{path!r} is recorded as written and missing" for path in sorted(small - set(tree.files))
    ]
    found = (*tree.under("data/cmp_"), *tree.under("data/viewer/"))
    faults += [f"{path!r} is in no record" for path in found if path not in written.keys() | small]
    people = [c.person for c in audit.comparisons]
    if people and sorted(people) != sorted(frames_of):
        faults.append("not every person has one side-by-side clip")
    faults += [
        f"{c.file!r} is recorded with {c.frames} frames, its person is in {frames_of.get(c.person)}"
        for c in written.values()
        if c.frames != frames_of.get(c.person)
    ]
    return faults


def _missing(tree: Tree, face: FaceLine, name: str, alone: bool) -> list[str]:
    needed = []
    if alone:
        if face.crop_sha256 is not None:
            return [f"{name} has a crop although there is no original"]
        if face.outcome == "restored" and face.restored_sha256 is None:
            return [f"{name} has no digest of its picture"]
        needed = ["restored_faces"] if face.outcome == "restored" else []
    elif face.outcome == "restored":
        needed = ["cropped_faces", "restored_faces", "cmp"]
        if "invented_detail" in face.measures:
            needed.append("maps")
        if face.crop_sha256 is None or face.restored_sha256 is None:
            return [f"{name} was restored without digests of its pictures"]
    elif face.crop_sha256 is not None:
        needed = ["cropped_faces"]
    return [
        f"'{folder}/{name}' is missing"
        for folder in needed
        if not tree.has(f"data/{folder}/{name}")
    ]


def _saved_frame_faults(tree: Tree, frames: Iterable[FrameLine]) -> tuple[list[str], int]:
    saved = set(tree.under("data/source_imgs/") + tree.under("data/restored_imgs/"))
    if not saved:
        return [], 0
    faults: list[str] = []
    count = len(saved)
    for line in frames:
        for folder, digest in (
            ("source_imgs", line.source_rgb_sha256),
            ("restored_imgs", line.restored_rgb_sha256),
        ):
            path = f"data/{folder}/{line.frame:06d}.png"
            if path in saved and digest is not None:
                saved.remove(path)
                faults += _pixel_faults(tree, path, digest, MAX_FRAME_PX)
        if len(faults) > _MAX_FAULTS:
            return faults, count
    return faults + [f"{path!r} belongs to no frame" for path in sorted(saved)], count


def _pixel_faults(tree: Tree, path: str, sha256: str, max_px: int) -> list[str]:
    try:
        with tree.open(path) as stream:
            found = rgb_sha256(stream, max_px)
    except _BROKEN as error:
        return [f"{path!r} is no readable picture ({type(error).__name__})"]
    return [] if found == sha256 else [f"the pixels of {path!r} are not the recorded ones"]


def rgb_sha256(stream: BinaryIO, max_px: int = MAX_PICTURE_PX) -> str:
    """SHA-256 of the raw (H, W, 3) uint8 RGB bytes of a PNG; ValueError for any other picture."""
    from PIL import Image  # imported here: verify must start where Pillow is absent

    head = stream.read(24)
    if not re.fullmatch(rb"\x89PNG\r\n\x1a\n.{4}IHDR.{8}", head, re.DOTALL):
        raise ValueError("no PNG")
    width, height = struct.unpack(">II", head[16:24])
    if not 0 < width * height <= max_px:
        raise ValueError(f"{width} x {height} px is too large")
    stream.seek(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # what our writers write warns of nothing
        with Image.open(stream, formats=("PNG",)) as picture:
            if picture.mode != "RGB":
                raise ValueError(f"mode {picture.mode} instead of RGB")
            return hashlib.sha256(picture.tobytes()).hexdigest()
