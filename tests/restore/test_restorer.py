"""Batching: order, padding, failures that stay with their face, rounding; with fake networks."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from forensics.records import Failure
from forensics.restore.restorer import restore_batched

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]


def faces(*levels: int) -> U8:
    """Flat crops, one a level."""
    return np.stack([np.full((512, 512, 3), level, np.uint8) for level in levels])


def brighter(crops: U8) -> F32:
    """A network that adds 10.4 levels."""
    return crops.astype(np.float32) + np.float32(10.4)


def levels_of(results: list[U8 | Failure]) -> list[int | str]:
    return [r.reason if isinstance(r, Failure) else int(r[0, 0, 0]) for r in results]


def test_one_result_a_face_in_order_rounded_and_clipped() -> None:
    assert levels_of(restore_batched(faces(1, 50, 100, 150, 250), brighter, 2)) == [
        11,
        60,
        110,
        160,
        255,
    ]


def test_every_call_has_the_fixed_batch_and_padding_is_zero() -> None:
    seen = []

    def watch(crops: U8) -> F32:
        seen.append([int(c[0, 0, 0]) for c in crops])
        return crops.astype(np.float32)

    restore_batched(faces(1, 2, 3), watch, 2)
    assert seen == [[1, 2], [3, 0]]


def test_no_faces_no_calls() -> None:
    def never(crops: U8) -> F32:
        raise AssertionError("called without faces")

    assert restore_batched(np.zeros((0, 512, 512, 3), np.uint8), never, 4) == []
    assert restore_batched([], never, 4) == []


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_a_failure_not_the_crop(value: float) -> None:
    def broken(crops: U8) -> F32:
        out = crops.astype(np.float32)
        out[crops[:, 0, 0, 0] == 66, 5, 6, 1] = value
        return out

    good, bad, other = restore_batched(faces(10, 66, 30), broken, 4)
    assert isinstance(bad, Failure)
    assert bad.stage == "restore"
    assert "not finite" in bad.reason
    assert "1 of 786432" in bad.error
    assert levels_of([good, other]) == [10, 30]


def test_a_runtime_error_costs_only_the_face_that_causes_it() -> None:
    calls = []

    def picky(crops: U8) -> F32:
        calls.append(len(crops))
        if (crops[:, 0, 0, 0] == 66).any():
            raise RuntimeError("out of memory")
        return brighter(crops)

    results = restore_batched(faces(10, 66, 30, 40, 50), picky, 4)
    assert levels_of(results) == [20, "the network failed on this face", 40, 50, 60]
    failure = results[1]
    assert isinstance(failure, Failure)
    assert failure.error == "RuntimeError: out of memory"
    assert calls == [4] * 6, "every retry keeps the padded batch size"


def test_other_errors_are_not_swallowed() -> None:
    def wrong(crops: U8) -> F32:
        raise TypeError("a programming error")

    with pytest.raises(TypeError, match="programming error"):
        restore_batched(faces(1), wrong, 2)


@pytest.mark.parametrize(
    "crops",
    [np.zeros((1, 256, 256, 3), np.uint8), np.zeros((1, 512, 512, 3), np.float32)],
)
def test_wrong_crops_are_refused(crops: U8) -> None:
    with pytest.raises(ValueError, match=r"must be \(512, 512, 3\) uint8"):
        restore_batched(crops, brighter, 2)


def test_a_batch_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        restore_batched(faces(1), brighter, 0)
