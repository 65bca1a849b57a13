"""Pairs, other: opens somebody else's restoration: a file, a folder, or a tool's output folder.

Promise: whole pictures are preferred to single faces, what was used is said, and a folder that is
not understood is refused with the names that were looked for.  Nothing is decoded in this process.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from forensics.errors import ForensicsError, InputError, UsageError
from forensics.media.container import digest_files
from forensics.media.probe import Media, probe
from forensics.media.quick import list_folder, natural_key, quick_check, sniff_file
from forensics.pairs.names import plain_stems
from forensics.record_pair import Layout

GFPGAN_WHOLE: Final = "restored_imgs"
CODEFORMER_WHOLE: Final = "final_results"
FACES: Final = "restored_faces"
CROPS: Final = "cropped_faces"
SIDE_BY_SIDE: Final = "cmp"
LOOKED_FOR: Final = (
    "a video; a picture; a folder of pictures; a GFPGAN folder (restored_imgs, or restored_faces "
    "with cropped_faces); a CodeFormer folder (final_results, or restored_faces with "
    "cropped_faces); a Real-ESRGAN folder (NAME_out.png)"
)


@dataclass(frozen=True)
class Other:
    """Another's restoration, probed.

    ``folder`` is the subfolder of an output folder that was used.  ``names`` are the file stems of
    the frames of a folder (frame 1 first), empty for a video or a single picture.  ``crops`` is the
    folder of unrestored faces that layout ``faces`` is laid on by; frame for frame the same face as
    ``media``.  ``notes`` says what was left aside, a sentence each.
    """

    path: Path
    media: Media
    layout: Layout
    folder: str | None = None
    names: tuple[str, ...] = ()
    crops: Media | None = None
    notes: tuple[str, ...] = ()


def open_other(path: Path) -> Other:
    """Recognise and probe ``path``.

    Raises `UsageError` (2) for a path that does not exist, `InputError` (3) for what is no footage,
    is damaged, or is a folder in which nothing that was looked for lies.
    """
    if not path.exists():
        raise UsageError(
            f"--restored: there is no file or folder {str(path)!r}",
            f"Check the path. Understood are {LOOKED_FOR}.",
        )
    if not path.is_dir():
        kind = quick_check(path)
        media = probe(path)
        layout: Layout = "video" if kind == "video" else "image"
        return Other(path, media, layout, names=(path.stem,) if layout == "image" else ())
    return _open_folder(path)


def _open_folder(path: Path) -> Other:
    if _has_pictures(path / GFPGAN_WHOLE):
        return _whole(path, path / GFPGAN_WHOLE, "gfpgan")
    if _has_pictures(path / CODEFORMER_WHOLE):
        return _whole(path, path / CODEFORMER_WHOLE, "codeformer")
    if _has_pictures(path / FACES):
        return _single_faces(path, path / FACES, path / CROPS)
    if path.name == FACES and _has_pictures(path):
        return _single_faces(path, path, path.parent / CROPS)
    if _has_pictures(path):
        whole: dict[str, Layout] = {GFPGAN_WHOLE: "gfpgan", CODEFORMER_WHOLE: "codeformer"}
        stems = [picture.stem for picture in list_folder(path).pictures]
        flat: Layout = "realesrgan" if all(s.endswith("_out") for s in stems) else "frames"
        return _whole(path, path, whole.get(path.resolve().name, flat))
    if video := _only_video(path):
        media = probe(video)
        note = f"the folder holds one video, {video.name}, which was used"
        return Other(path, media, "video", notes=(note,))
    inside = sorted(p.name for p in path.iterdir())
    held = ", ".join(inside[:6]) + (", ..." if len(inside) > 6 else "") if inside else "nothing"
    raise InputError(
        f"nothing in the folder {path.name} is understood as a restoration; it holds {held}",
        f"Looked for: {LOOKED_FOR}.",
    )


def _whole(path: Path, folder: Path, layout: Layout) -> Other:
    """Whole pictures of a folder, in the order of their names without what a tool appended."""
    media = _ordered(probe(folder))
    sub = folder.name if folder != path else None
    names = tuple(picture.stem for picture in media.pictures)
    notes = []
    if sub is not None:
        notes.append(f"the whole pictures in {sub} were used, not the single faces")
    return Other(path, media, layout, sub, names, notes=tuple(notes))


def _ordered(media: Media) -> Media:
    """The folder's pictures in the order that their source's have.

    ``a1_out`` sorts before ``a_out`` although ``a`` comes before ``a1``: what every name ends in is
    left out of the comparison.
    """
    keys = plain_stems(tuple(p.stem for p in media.pictures))
    order = sorted(range(len(keys)), key=lambda n: (natural_key(keys[n] + ".png"), n))
    pictures = tuple(media.pictures[n] for n in order)
    if pictures == media.pictures:
        return media
    digests = digest_files(pictures)
    source = media.source.model_copy(update={"sha256": digests.sha256, "sha512": digests.sha512})
    return replace(media, pictures=pictures, source=source)


def _single_faces(path: Path, faces: Path, crops: Path) -> Other:
    """Restored faces and the crops they were made from, paired by name."""
    if not _has_pictures(crops):
        raise InputError(
            f"{faces.name} holds single faces and there is no {CROPS} beside it, without which "
            "nobody can say where in the source they belong",
            f"Give the folder with the whole pictures ({GFPGAN_WHOLE} or {CODEFORMER_WHOLE}), or "
            f"keep {CROPS}, which the tool writes as well.",
        )
    restored, cropped = probe(faces), probe(crops)
    suffixed = plain_stems(tuple(p.stem for p in restored.pictures))
    by_stem = {p.stem: p for p in cropped.pictures}
    pairs = [
        (picture, by_stem[stem])
        for picture, stem in zip(restored.pictures, suffixed, strict=True)
        if stem in by_stem
    ]
    if not pairs:
        pairs = [(p, by_stem[p.stem]) for p in restored.pictures if p.stem in by_stem]
    if not pairs:
        raise InputError(
            f"no picture in {faces.name} has the name of one in {crops.name}: "
            f"{restored.pictures[0].name} and {cropped.pictures[0].name}, for example",
            "Give the folder as the tool wrote it.",
        )
    notes = ["there are no whole pictures; single faces are laid on the source one by one"]
    if left := len(restored.pictures) - len(pairs):
        notes.append(f"{left} restored faces have no crop of their name and were left out")
    media = _these(restored, tuple(a for a, _ in pairs))
    sub = FACES if faces != path else None
    names = tuple(b.stem for _, b in pairs)
    return Other(
        path, media, "faces", sub, names, _these(cropped, tuple(b for _, b in pairs)), tuple(notes)
    )


def _these(media: Media, pictures: tuple[Path, ...]) -> Media:
    """The same folder with these pictures alone."""
    if pictures == media.pictures:
        return media
    digests = digest_files(pictures)
    update = {
        "sha256": digests.sha256,
        "sha512": digests.sha512,
        "bytes": digests.bytes,
        "frames": len(pictures),
    }
    return replace(media, pictures=pictures, source=media.source.model_copy(update=update))


def _has_pictures(folder: Path) -> bool:
    """Whether it is a folder that holds at least one picture."""
    if not folder.is_dir():
        return False
    try:
        return bool(list_folder(folder).pictures)
    except InputError:  # an empty folder, or none that can be listed
        return False


def _only_video(folder: Path) -> Path | None:
    """The video of a folder that holds one and nothing else of the kind."""
    videos = []
    for entry in sorted(folder.iterdir()):
        if not entry.is_file() or entry.is_symlink():
            continue
        try:
            if sniff_file(entry).kind == "video":
                videos.append(entry)
        except ForensicsError:  # a log, a list: not footage
            continue
    return videos[0] if len(videos) == 1 else None
