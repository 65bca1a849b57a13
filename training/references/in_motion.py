"""Rows of the reference table from footage in motion: faces deep in a coded clip.

A codec spends few bits on what moves little: at a coarse quantiser a mouth or an eye of the footage
is some frames old, and the true face differs from it more than from a frame coded alone.  Still
portraits filmed with their two neighbours (`samples`) hold no such frames; these do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forensics.scoring.measure import FaceInput
from training.references import moving, samples

SEED = 20261130
CLIPS = 5  # of each photo
FRAMES = 24
TAKEN = (8, 16, 23)  # of them: far enough apart and from the first, which is coded alone
CODED = ("h264", "h264_blur", "double")
SMALLEST_BAND = 2  # of `samples.SIZES_PX`: 16 px between the eyes, where landmarks begin
Row = dict[str, Any]


def plan(photos: int) -> list[samples.Known]:
    """Clips of every photo: coded by H.264, their sizes in turn."""
    rng = np.random.default_rng(SEED)
    bands = range(SMALLEST_BAND, len(samples.SIZES_PX) - 1)
    found = []
    for photo in range(photos):
        for k in range(CLIPS):
            known = samples.draw(photo, bands[(photo + k) % len(bands)], rng)
            while known.family not in CODED:
                known = samples.draw(photo, bands[(photo + k) % len(bands)], rng)
            found.append(known)
    return found


def count(photos: int) -> int:
    """Faces that `rows` gives for so many photos."""
    return photos * CLIPS * len(TAKEN)


def faces(truth_rgb_u8: NDArray[np.uint8], known: samples.Known) -> Iterator[FaceInput]:
    """The taken frames of one clip, as scoring is given them."""
    for number, shown in enumerate(moving.clip(truth_rgb_u8, known, FRAMES)):
        if number in TAKEN:
            yield FaceInput(
                crop_rgb_u8=shown.crop_rgb_u8,
                restored_rgb_u8=shown.truth_rgb_u8,
                native_rgb_u8=shown.native_rgb_u8,
                scale=shown.scale,
                interocular_px=shown.interocular_px,
                yaw_deg=None,
                qp=None if known.qp is None else float(known.qp),
                region_rgb_u8=shown.frame_rgb_u8,
            )


def rows(
    truths: NDArray[np.uint8], people: list[str], measure: Callable[[FaceInput], dict[str, float]]
) -> Iterator[Row]:
    """One row for every taken frame; ``family`` is ``moving``."""
    for known in plan(len(people)):
        facts = samples.known_facts(known)
        truth = np.ascontiguousarray(truths[known.photo])
        for face in faces(truth, known):
            yield measure(face) | facts | {"family": "moving", "person": people[known.photo]}
