"""The digest of a network's tensors: independent of the file's order, sensitive to every weight."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
import safetensors.numpy

from forensics.errors import IntegrityError
from forensics.models.state_digest import state_sha256

A = np.arange(6, dtype=np.float32).reshape(2, 3)
B = np.array([1, 2], dtype=np.int64)


def repacked(order: list[tuple[str, np.ndarray]]) -> bytes:
    """A safetensors file by hand, tensors in the given order, with a note in its header."""
    header: dict[str, object] = {"__metadata__": {"note": "repacked"}}
    body = b""
    for name, array in order:
        kind = {"float32": "F32", "int64": "I64"}[str(array.dtype)]
        ends = [len(body), len(body) + array.nbytes]
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": ends}
        body += array.tobytes()
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


def test_the_rule_is_the_documented_one() -> None:
    expected = hashlib.sha256(b"a\0F32\0[2,3]\0" + A.tobytes() + b"b\0I64\0[2]\0" + B.tobytes())
    assert state_sha256(safetensors.numpy.save({"b": B, "a": A})) == expected.hexdigest()


def test_repacking_changes_nothing() -> None:
    first, second = repacked([("a", A), ("b", B)]), repacked([("b", B), ("a", A)])
    assert first != second
    assert state_sha256(first) == state_sha256(second)


@pytest.mark.parametrize(
    "other", [[("a", A + 1e-7), ("b", B)], [("a", A.T.copy()), ("b", B)], [("c", A), ("b", B)]]
)
def test_values_shape_and_name_count(other: list[tuple[str, np.ndarray]]) -> None:
    assert state_sha256(repacked(other)) != state_sha256(repacked([("a", A), ("b", B)]))


@pytest.mark.parametrize("raw", [b"", b"\x05\0\0\0\0\0\0\0[1,2]", b"\xff" * 40])
def test_what_is_no_safetensors_file_is_refused(raw: bytes) -> None:
    if raw == b"":
        raw = bytes(8) + b"x"
    with pytest.raises(IntegrityError, match="no safetensors file"):
        state_sha256(raw)
