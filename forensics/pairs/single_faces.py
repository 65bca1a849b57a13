"""Pairs, single faces: lays the faces of a restorer's output on the source, one by one.

Where a tool left no whole pictures, its ``cropped_faces`` are what it cut out of the source before
it redrew anything: each is found again in the source's frame by what both show (points, then the
pixels), and the restored face of its name lies where its crop lies.  Names say which frame to look
in; a crop that is not found there is left out with a reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import cv2
import numpy as np

from forensics.errors import IncompleteError
from forensics.media.decode import DecodedFrame, FrameFailure
from forensics.media.probe import Media
from forensics.media.quick import natural_key
from forensics.media.reader import read_frames
from forensics.pairs.alignment import Alignment
from forensics.pairs.fitting import WINDOW, agreement_maps, gain_offset
from forensics.pairs.grid import F64, U8, luma
from forensics.pairs.hypotheses import Points, matches, points_of
from forensics.pairs.names import plain_stems
from forensics.pairs.other import Other
from forensics.progress import Progress
from forensics.record_pair import FrameMap, Pair, Sureness

COMPARED_PX: Final = 128
"""Side at which crop and source are compared: as much as a face of ordinary footage holds."""
FOUND: Final = 0.96
"""Agreement of crop and source from which the place counts as found: they are the same pixels."""
SAME_GREY: Final = 2.5
"""Grey levels that may be left between the two: a codec's or a resampler's, no other moment's."""
_SIDES: Final = (96, 160, 256)  # of the crop, where points are looked for
_MOST_STEP: Final = 40.0  # px: crops of 5,000 px and of 3 are no faces
_LEAST_POINTS: Final = 6
_ECC: Final = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 60, 1e-5)
_ENDING: Final = re.compile(r"^(?P<base>.+)_\d{2,}$")


def align_faces(source: Media, other: Other, progress: Progress) -> Alignment:
    """Find every crop in the frame that its name tells.

    Raises `IncompleteError` where names tell no frame, or no crop is found in its frame.
    """
    crops = other.crops
    if crops is None:
        raise ValueError("single faces without their crops")
    wanted = frames_of(source, other.names)
    to_other: dict[int, F64] = {}
    lost: dict[int, str] = {}
    scale = np.array(other.media.geometry.display_size) / np.array(crops.geometry.display_size)
    with progress.step("Laying single faces", len(other.names)) as step:
        for number, frame, plane, crop in _together(source, crops, wanted):
            step.advance()
            if isinstance(crop, str):
                lost[number] = crop
                continue
            place = find_crop(plane, crop)
            if place is None:
                lost[number] = f"its crop was not found in frame {frame} of the source"
                continue
            to_other[number] = _resized(place, float(scale[0]), float(scale[1]))
    if not to_other:
        why = next(iter(lost.values()), "no name tells a frame")
        raise IncompleteError(
            f"none of {len(other.names)} single faces could be laid on the source: {why}",
            "Give the restoration that was made from this very source.",
        )
    return _answer(source, other, wanted, to_other, lost)


def frames_of(source: Media, names: tuple[str, ...]) -> dict[int, int]:
    """Number of a face picture -> source frame (both from 1), by name, where a name tells one.

    Raises `IncompleteError` where none does.
    """
    bases = [m["base"] if (m := _ENDING.match(name)) else name for name in names]
    found: dict[int, int] = {}
    if source.pictures:
        stems = [picture.stem for picture in source.pictures]
        for known in (stems, list(plain_stems(stems))):
            places = {stem: n for n, stem in enumerate(known, start=1)}
            found = {n: places[b] for n, b in enumerate(bases, start=1) if b in places}
            if found:
                return found
        if len(stems) == 1 and len(set(bases)) == 1:
            return dict.fromkeys(range(1, len(names) + 1), 1)
    else:
        digits = [m.group() if (m := re.search(r"\d+$", base)) else None for base in bases]
        if all(digit is not None for digit in digits):
            numbers = [int(digit) for digit in digits if digit is not None]
            first = 0 if min(numbers) == 0 else 1  # tools count from 0 or from 1
            found = {
                n: number - first + 1
                for n, number in enumerate(numbers, start=1)
                if number - first < source.source.frames
            }
            if found:
                return found
    raise IncompleteError(
        f"the names of the single faces (such as {names[0]}) tell no frame of the source",
        "Keep the names that the tool gave, and give the frames that it was given.",
    )


def _together(
    source: Media, crops: Media, wanted: dict[int, int]
) -> Iterator[tuple[int, int, U8, U8 | str]]:
    """Face number, frame, the frame's luma and the crop's (or why there is none), in one pass."""
    frames = iter(read_frames(source))
    current: DecodedFrame | FrameFailure | None = None
    plane: U8 = np.zeros((1, 1), np.uint8)
    for number, crop in enumerate(read_frames(crops), start=1):
        frame = wanted.get(number)
        if frame is None:
            yield number, 0, plane, "its name tells no frame of the source"
            continue
        while current is None or current.frame < frame:
            current = next(frames)
            if isinstance(current, DecodedFrame) and current.frame == frame:
                plane = luma(current.rgb_u8)
        if current.frame > frame:
            yield number, frame, plane, "it comes in another order than the source's frames"
        elif isinstance(current, FrameFailure):
            yield number, frame, plane, f"frame {frame} of the source cannot be decoded"
        elif isinstance(crop, FrameFailure):
            yield number, frame, plane, f"its crop cannot be decoded: {crop.reason}"
        else:
            yield number, frame, plane, luma(crop.rgb_u8)


def find_crop(plane: U8, crop: U8) -> F64 | None:
    """(2, 3) from source px to px of the crop, a similarity; None where it is not found."""
    points = points_of(plane)
    best: F64 | None = None
    score = 0.0
    for side in _SIDES:
        small = np.asarray(cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA), np.uint8)
        start = _by_points(points, points_of(small))
        if start is None:
            continue
        place = _resized(start, COMPARED_PX / side, COMPARED_PX / side)
        place, share = _refined(plane, crop, place)
        if share > score:
            best, score = place, share
        if score >= 0.99:
            break
    if best is None or score < FOUND:
        return None
    height, width = crop.shape
    return _resized(best, width / COMPARED_PX, height / COMPARED_PX)


def _by_points(source: Points, crop: Points) -> F64 | None:
    pairs = matches(source, crop, turned=True)
    if len(pairs) < _LEAST_POINTS:
        return None
    here = np.ascontiguousarray(pairs[:, :2], np.float32)
    there = np.ascontiguousarray(pairs[:, 2:], np.float32)
    matrix, inliers = cv2.estimateAffinePartial2D(
        here, there, method=cv2.RANSAC, ransacReprojThreshold=3.0, maxIters=3000, confidence=0.999
    )
    if matrix is None or int(inliers.sum()) < _LEAST_POINTS:
        return None
    return np.asarray(matrix, np.float64)


def _refined(plane: U8, crop: U8, place: F64) -> tuple[F64, float]:
    """The place refined over pixels, and the share of textured windows that agree."""
    side = (COMPARED_PX, COMPARED_PX)
    small = np.asarray(cv2.resize(crop, side, interpolation=cv2.INTER_AREA), np.uint8)
    inverse = np.asarray(cv2.invertAffineTransform(place), np.float32)
    try:
        _, found = cv2.findTransformECC(
            small, plane, inverse.copy(), cv2.MOTION_AFFINE, _ECC, np.full_like(plane, 255), 5
        )
        refined = _similar(np.asarray(cv2.invertAffineTransform(found), np.float64), plane.shape)
    except cv2.error:  # does not converge: the points' own answer stands
        refined = place
    exact, rough = _share(plane, small, refined), _share(plane, small, place)
    return (refined, exact) if exact >= rough - 0.02 else (place, rough)


def _similar(matrix: F64, shape: tuple[int, ...]) -> F64:
    """The similarity nearest to an affine map, over the crop's own square."""
    corners = np.array([[0, 0], [COMPARED_PX, 0], [0, COMPARED_PX], [COMPARED_PX, COMPARED_PX]])
    back = np.asarray(cv2.invertAffineTransform(matrix), np.float64)
    here = corners @ back[:, :2].T + back[:, 2]
    rows = []
    for x, y in here:
        rows += [[x, -y, 1, 0], [y, x, 0, 1]]
    a, b, tx, ty = np.linalg.lstsq(np.array(rows), corners.ravel().astype(float), rcond=None)[0]
    return np.array([[a, -b, tx], [b, a, ty]])


def _share(plane: U8, small: U8, place: F64) -> float:
    """Agreement where the crop lies inside the source; 0 where it hardly does."""
    size = (COMPARED_PX, COMPARED_PX)
    size_there = float(np.sqrt(abs(np.linalg.det(place[:, :2]))))
    if not 1 / _MOST_STEP <= size_there <= _MOST_STEP:
        return 0.0
    step = 1 / size_there  # source px a px compared
    fine = plane.astype(np.float32)
    if step > 1:  # warpAffine samples without filtering
        fine = np.asarray(cv2.GaussianBlur(fine, (0, 0), 0.5 * np.sqrt(step**2 - 1) + 0.05))
    there = cv2.warpAffine(fine, place, size, flags=cv2.INTER_LINEAR)
    inside = cv2.warpAffine(np.ones_like(plane), place, size, flags=cv2.INTER_NEAREST) > 0
    soft, soft_there = (
        np.asarray(cv2.GaussianBlur(p.astype(np.float32), (0, 0), 1.5), np.float32)
        for p in (small, there)
    )
    holds, agrees = agreement_maps(soft, soft_there)
    holds, agrees = holds & inside, agrees & inside
    if inside.mean() < 0.3 or holds.sum() < 2 * WINDOW**2:
        return 0.0
    rest = soft[inside] - gain_offset(soft[inside], soft_there[inside])
    if 1.4826 * float(np.median(np.abs(rest))) > SAME_GREY:
        return 0.0
    return float(agrees.sum() / holds.sum())


def _resized(place: F64, across: float, down: float) -> F64:
    """The same place when the crop's picture is resized by these factors."""
    return np.array([
        [place[0, 0] * across, place[0, 1] * across, (place[0, 2] + 0.5) * across - 0.5],
        [place[1, 0] * down, place[1, 1] * down, (place[1, 2] + 0.5) * down - 0.5],
    ])  # fmt: skip


def _answer(
    source: Media,
    other: Other,
    wanted: dict[int, int],
    to_other: dict[int, F64],
    lost: dict[int, str],
) -> Alignment:
    faces: dict[int, tuple[int, ...]] = {}
    for number in sorted(to_other, key=lambda n: (natural_key(other.names[n - 1]), n)):
        frame = wanted[number]
        faces[frame] = (*faces.get(frame, ()), number)
    count = source.source.frames
    frames = {frame: numbers[0] for frame, numbers in sorted(faces.items())}
    reasons = {}
    for frame in range(1, count + 1):
        if frame not in frames:
            own = [why for n, why in lost.items() if wanted.get(n) == frame]
            reasons[frame] = own[0] if own else "the other holds no face of it"
    share = len(to_other) / len(other.names)
    sure: Sureness = "certain" if share >= 0.95 else "likely" if share >= 0.6 else "unsure"
    notes = [
        *other.notes,
        f"{len(to_other)} of {len(other.names)} single faces were found in their frames; "
        + {"certain": "certain", "likely": "likely", "unsure": "not sure"}[sure],
    ]
    notes += [f"{other.names[n - 1]} was left out: {why}" for n, why in list(lost.items())[:5]]
    media = other.media.source
    record = Pair(
        file=media.file,
        sha256=media.sha256,
        sha512=media.sha512,
        bytes=media.bytes,
        layout="faces",
        kind=media.kind,
        frames=media.frames,
        width=other.media.geometry.display_size[0],
        height=other.media.geometry.display_size[1],
        folder=other.folder,
        geometry=None,
        frame_map=FrameMap(
            mapped=len(frames),
            unmapped=count - len(frames),
            other_frames=media.frames,
            other_unused=len(lost),
            repeated=0,
            by_name=True,
            sure=sure,
        ),
        notes=tuple(notes),
    )
    return Alignment(record, frames, reasons, None, faces, to_other)
