"""Figures: the pictures of a face for a report, shrunk, labelled and held against their digests.

Footage, restored face and map come from the bundle's PNG files.  A picture whose pixels differ
from the digest in faces.jsonl says so; a file that is absent or unreadable is shown as missing,
never left out.  The label in the pixels of each copy stays with it when it is cut out of a page.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import ascii_lowercase
from typing import TYPE_CHECKING, Final, Literal

from forensics.records import FaceLine, Mode
from forensics.report.language import N_, Table, _
from forensics.report.language import number as said
from forensics.report.words import BANDS, flag_title, person_name

if TYPE_CHECKING:
    from PIL.Image import Image

TOTAL_BYTES: Final = 5_600_000
"""Of JPEG in one report; as data: URIs about 7.5 MB."""
SIDE_PX: Final = 320
OTHER_PX: Final = 240
"""Side of the other faces that fit, of which four stand in a row."""
LABEL_PX: Final = 22
LEAST_BEYOND: Final = 0.01
"""Share of a face's square beyond the frame from which the report speaks of it."""
_QUALITY: Final = 86
_MAX_SIDE_PX: Final = 4096
_MAX_FILE_BYTES: Final = 64 * 1024 * 1024
_PNG: Final = b"\x89PNG\r\n\x1a\n"

Kind = Literal["footage", "restored", "map", "other"]
State = Literal["shown", "missing", "unreadable", "none", "left_out"]
KINDS: Final[tuple[Kind, ...]] = ("footage", "restored", "map")
_FOLDERS: Final[dict[Kind, str]] = {
    "footage": "cropped_faces",
    "restored": "restored_faces",
    "map": "maps",
    "other": "alternatives",
}
_LABELS: Final[Mapping[Kind, str]] = Table(
    {
        "footage": N_("FOOTAGE, ENLARGED"),
        "restored": N_("AI-RESTORED"),
        "map": N_("MAP, AI-RESTORED"),
        "other": N_("AI-DRAWN"),
    }
)

_GIVEN: Final[Mapping[Kind, str]] = Table(
    {
        "restored": N_("GIVEN AS RESTORED"),
        "map": N_("MAP OF WHAT WAS GIVEN"),
    }
)
"""Labels where somebody else restored."""


DIGESTS: Final[Mapping[Kind, str]] = Table(
    {
        "footage": N_("footage sha256"),
        "restored": N_("restored sha256"),
        "map": N_("map sha256"),
    }
)
"""What the digest of a picture is called in a caption."""


@dataclass(frozen=True)
class Picture:
    """One picture of a face: a labelled JPEG copy, or why there is none."""

    kind: Kind
    state: State
    jpeg: bytes
    alt: str
    path: str  # relative to the data folder, with forward slashes
    digest: str | None  # SHA-256 of the full-size RGB bytes: as recorded, of a map as it lies there
    differs: bool  # the file's pixels differ from that digest
    height_px: int = SIDE_PX + LABEL_PX
    width_px: int = SIDE_PX

    @property
    def name(self) -> str:
        """Unique within a report and safe in a URL."""
        return f"{self.path.removesuffix('.png').replace('/', '-')}.jpg"


class Album:
    """Loads the pictures of faces until the byte budget of a report is spent."""

    def __init__(
        self,
        data_dir: Path,
        run_id: str,
        font: Path,
        labelled: bool = True,
        mode: Mode = "restore",
    ) -> None:
        """``labelled``: False for a run with --no-label; its figures have no margin."""
        self._mode = mode
        self._data_dir = data_dir
        self._label = _("bundle {run_id}").format(run_id=run_id[:8]) if labelled else None
        self._font = font
        self._left = TOTAL_BYTES

    def pictures(self, face: FaceLine) -> tuple[Picture, ...]:
        """Footage, restored face and map of one face, in this order."""
        digests = {"footage": face.crop_sha256, "restored": face.restored_sha256, "map": None}
        kinds: tuple[Kind, ...] = ("restored",) if self._mode == "restored_only" else KINDS
        return tuple(self._picture(face, kind, digests[kind]) for kind in kinds)

    def others(self, face: FaceLine) -> tuple[Picture, ...]:
        """The other faces that fit the same pixels, as many as were recorded."""
        pairs = zip(ascii_lowercase, face.alternatives, strict=False)
        return tuple(self._picture(face, "other", digest, letter) for letter, digest in pairs)

    def _picture(
        self, face: FaceLine, kind: Kind, digest: str | None, letter: str | None = None
    ) -> Picture:
        ending = "" if letter is None else f"_{letter}"
        path = f"{_FOLDERS[kind]}/{face.frame:06d}_{face.person:02d}{ending}.png"
        side_px = OTHER_PX if kind == "other" else SIDE_PX

        def without(state: State) -> Picture:
            return Picture(kind, state, b"", "", path, digest, differs=False, width_px=side_px)

        if self._left <= 0:
            return without("left_out")
        file = self._data_dir / path
        # A link could lead a report to show a picture from outside the bundle.
        if file.is_symlink() or file.parent.is_symlink() or not file.is_file():
            # A face that failed has no restored file: that is an outcome, not a lost file.
            return without("missing" if _expected(face, kind) else "none")
        image = _decoded(file)
        if image is None:
            return without("unreadable")
        found = hashlib.sha256(image.tobytes()).hexdigest()
        named = _GIVEN.get(kind, _LABELS[kind]) if self._mode != "restore" else _LABELS[kind]
        label = self._label and f"{named}  \u00b7  {self._label}"
        jpeg = _copy(image, label, self._font, side_px)
        self._left -= len(jpeg)
        differs = digest is not None and found != digest
        height_px = side_px + (LABEL_PX if label else 0)
        alt = _alt(face, kind) if letter is None else _other_alt(face, letter)
        return Picture(kind, "shown", jpeg, alt, path, digest or found, differs, height_px, side_px)


def _expected(face: FaceLine, kind: Kind) -> bool:
    if kind == "other":
        return True  # its digest is recorded
    if kind == "footage":
        return face.crop_sha256 is not None
    if kind == "restored":
        return face.restored_sha256 is not None or face.outcome == "restored"
    return "invented_detail" in face.measures or "contradiction" in face.measures


def _alt(face: FaceLine, kind: Kind) -> str:
    """States the finding, not the looks."""
    place = _("{person}, frame {frame}").format(person=person_name(face.person), frame=face.frame)
    if kind == "footage":
        return _(
            "{place}, as the footage holds it: {interocular_px:.0f} px between the eyes"
        ).format(place=place, interocular_px=face.interocular_px)
    found = ", ".join(flag_title(code) for code in face.flags) or _("no flag")
    if kind == "restored":
        return _("{place}, restored face: band {word}; {found}").format(
            place=place, word=BANDS[face.risk.band].word, found=found
        )
    share = face.measures.get("invented_detail")
    said = (
        ""
        if share is None
        else _(": {share:.0%} of the fine detail has no counterpart").format(share=share)
    )
    return _("{place}, map of what the footage does not carry{said}").format(place=place, said=said)


def _other_alt(face: FaceLine, letter: str) -> str:
    place = _("{person}, frame {frame}").format(person=person_name(face.person), frame=face.frame)
    number = _("{place} of {count}").format(
        place=ascii_lowercase.index(letter) + 1, count=len(face.alternatives)
    )
    return _(
        "{place}, another face drawn by software that shrinks to the same pixels, {number}"
    ).format(place=place, number=number)


def _decoded(file: Path) -> Image | None:
    """RGB pixels of a PNG; None when it is no PNG, is broken or is far larger than a face."""
    from PIL import Image  # loaded when a picture is drawn, not when words are needed

    if file.stat().st_size > _MAX_FILE_BYTES:
        return None
    raw = file.read_bytes()
    width, height = int.from_bytes(raw[16:20], "big"), int.from_bytes(raw[20:24], "big")
    # Looked up before Pillow opens it, which warns about size only after the fact.
    if not raw.startswith(_PNG) or not 0 < max(width, height) <= _MAX_SIDE_PX:
        return None
    try:
        return Image.open(io.BytesIO(raw), formats=("PNG",)).convert("RGB")
    except (OSError, ValueError, SyntaxError):  # Pillow's ways to say that a PNG is broken
        return None


def _copy(image: Image, label: str | None, font: Path, side_px: int) -> bytes:
    """A JPEG of ``side_px`` square, with a strip below that carries ``label`` in its pixels."""
    from PIL import Image, ImageDraw, ImageFont

    page = Image.new("RGB", (side_px, side_px + (LABEL_PX if label else 0)), (29, 33, 38))
    page.paste(image.resize((side_px, side_px), Image.Resampling.LANCZOS), (0, 0))
    if label:
        ImageDraw.Draw(page).text(
            (8, side_px + LABEL_PX // 2),
            label,
            fill=(255, 255, 255),
            font=ImageFont.truetype(str(font), 12),
            anchor="lm",
        )
    out = io.BytesIO()
    page.save(out, "JPEG", quality=_QUALITY, subsampling=0, optimize=True)
    return out.getvalue()


def beyond_words(share: float | None) -> str:
    """How much of a face's square lies beyond the frame; empty for less than a hundredth."""
    if share is None or share < LEAST_BEYOND:
        return ""
    return _(
        "{share} of this square lies beyond the rim of the frame (grey); nothing there was "
        "measured."
    ).format(share=said(share, ".0%"))
