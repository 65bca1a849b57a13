"""Restore, protocol: what a restorer states about itself and what it owes for every face.

Promise: one result a face, in order; a face's bytes do not depend on its neighbours in the batch.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from forensics.records import Failure

log = logging.getLogger(__name__)

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
TEMPLATE_PX = 512
Crops = Sequence[U8] | U8
"""N crops (512, 512, 3) uint8 RGB: a sequence, or one array (N, 512, 512, 3)."""
Restoration = U8
"""A restored crop: (512, 512, 3) uint8 RGB on the 512 template."""
Forward = Callable[[U8], F32]
"""(B, 512, 512, 3) uint8 RGB to (B, 512, 512, 3) float32 in grey levels, not yet rounded."""
SeededForward = Callable[[U8, Sequence[int]], F32]
"""The same with at most B seeds, one for each row that holds a face."""
Precision = Literal["exact", "fast"]
"""exact: float32, repeatable bit for bit. fast: bfloat16."""


@dataclass(frozen=True)
class RestorerFacts:
    """What identifies a restorer and its numbers.

    ``noise_mode`` is none (the network has no noise), stored, zero or seed:N.
    """

    name: str
    version: str
    sha256: str
    licence: str
    deterministic: bool
    dtype: str
    batch_size: int
    noise_mode: str
    template_px: int = TEMPLATE_PX
    precision: Precision = "exact"
    memory_format: str = "contiguous"


@dataclass(frozen=True)
class FallenBack:
    """A restored face that a lesser method drew, and which one and why.

    Its repeat claim holds for that method: another batch size may round the last bit otherwise.
    """

    rgb_u8: U8
    reason: str


Result = Restoration | FallenBack | Failure


class Restorer(Protocol):
    """Anything that draws aligned faces anew."""

    @property
    def facts(self) -> RestorerFacts:
        """Name, version, digest, licence and the numeric settings of this restorer."""
        ...

    def restore(self, crops_rgb_u8: Crops, seeds: Sequence[int] = ()) -> list[Result]:
        """One result for each of N crops (512, 512, 3) uint8 RGB, in order; N may be 0.

        ``seeds``: one for each crop under noise mode seed:N (see `face_seed`), none otherwise;
        ``ValueError`` when that does not hold.
        """
        ...


def face_seed(n: int, frame: int, person: int) -> int:
    """The seed of a face's noise under ``--noise seed:N``: 48 bits, the same on every machine.

    Depends on the face's frame and person and on nothing else, so that a face keeps its noise
    whatever else was found, restored before, or kept from an interrupted run.
    """
    digest = hashlib.sha256(f"restoration-forensics noise {n} {frame} {person}".encode()).digest()
    return int.from_bytes(digest[:6], "big")


def restore_batched(crops_rgb_u8: Crops, forward: Forward, batch: int) -> list[Result]:
    """`restore_seeded` for a network without seeds."""
    return restore_seeded(crops_rgb_u8, (), lambda crops, _: forward(crops), batch)


def restore_seeded(
    crops_rgb_u8: Crops, seeds: Sequence[int], forward: SeededForward, batch: int
) -> list[Result]:
    """Run ``forward`` over crops in batches of exactly ``batch``, the last one padded with zeros.

    A fixed batch keeps a face's bits the same whatever its neighbours are (other sizes take other
    kernels).  A batch that raises ``RuntimeError`` (torch's out-of-memory error is one) is run
    again face by face at the same padded size; a face for which memory is lacking even so is run
    in a batch of one, and is `FallenBack`; faces that fail again are `Failure`s, the others are
    kept.  Numbers that are not finite are a `Failure`, never the crop handed back (upstream
    returns the unrestored crop there, GFPGAN:gfpgan/utils.py:124-130).

    Raises ``ValueError`` for a wrong shape, dtype or batch size.
    """
    check_crops(crops_rgb_u8)
    if batch < 1:
        raise ValueError(f"batch size must be at least 1, is {batch}")
    results: list[Result] = []
    for start in range(0, len(crops_rgb_u8), batch):
        group, own = crops_rgb_u8[start : start + batch], seeds[start : start + batch]
        try:
            results += _run(group, own, forward, batch)
        except RuntimeError as error:
            log.warning("a batch of %d faces failed, trying each alone: %s", len(group), error)
            results += [
                _run_alone(crop, own[k : k + 1], forward, batch) for k, crop in enumerate(group)
            ]
    return results


def check_crops(crops_rgb_u8: Crops) -> None:
    """Raise ``ValueError`` unless every crop is (512, 512, 3) uint8."""
    for number, crop in enumerate(crops_rgb_u8):
        if crop.shape != (TEMPLATE_PX, TEMPLATE_PX, 3) or crop.dtype != np.uint8:
            raise ValueError(
                f"crop {number} must be (512, 512, 3) uint8, is {crop.shape} {crop.dtype}"
            )


def _run(
    group_rgb_u8: Crops, seeds: Sequence[int], forward: SeededForward, batch: int
) -> list[Result]:
    """One padded forward pass; rows of the padding are thrown away."""
    padded = np.zeros((batch, TEMPLATE_PX, TEMPLATE_PX, 3), np.uint8)
    for row, crop in enumerate(group_rgb_u8):
        padded[row] = crop
    levels = forward(padded, seeds)
    if levels.shape != padded.shape:
        raise ValueError(f"the network returned {levels.shape} for {padded.shape}")
    return [_quantised(row) for row in levels[: len(group_rgb_u8)]]


def _run_alone(crop_rgb_u8: U8, seeds: Sequence[int], forward: SeededForward, batch: int) -> Result:
    """One face at the same padded batch size, so that its bytes equal those of a good batch."""
    try:
        return _run([crop_rgb_u8], seeds, forward, batch)[0]
    except RuntimeError as error:
        if batch == 1 or not lacks_memory(error):
            return Failure.of("restore", "the network failed on this face", error)
        reason = f"fallen_back: batch {batch} -> 1, memory was lacking"
    try:
        result = _run([crop_rgb_u8], seeds, forward, 1)[0]
    except RuntimeError as error:
        return Failure.of("restore", "the network failed on this face", error)
    return FallenBack(result, reason) if isinstance(result, np.ndarray) else result


def lacks_memory(error: RuntimeError) -> bool:
    """Whether torch says that memory is lacking: a GPU's (a class of its own) or the machine's."""
    return type(error).__name__ == "OutOfMemoryError" or "not enough memory" in str(error)


def _quantised(levels: F32) -> Restoration | Failure:
    """Round to nearest and clip to uint8, or say that the numbers are no picture."""
    if not np.isfinite(levels).all():
        wrong = int((~np.isfinite(levels)).sum())
        return Failure(
            "restore",
            "the network gave numbers that are not finite",
            f"{wrong} of {levels.size} values are NaN or infinite",
        )
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)
