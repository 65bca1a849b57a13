"""Strict JSON: what is ambiguous is refused, what is written can be read."""

from __future__ import annotations

import pytest

from forensics.evidence.strict import StrictJsonError, dump_document, dump_line, loads


@pytest.mark.parametrize(
    ("raw", "word"),
    [
        (b'{"a":1,"a":1}', "twice"),
        (b'{"a":{"b":1,"b":2}}', "twice"),
        (b"NaN", "NaN"),
        (b"[-Infinity]", "Infinity"),
        (b"[1e999]", "finite"),
        (b"[" * 100_000, "deeply"),
        (b'"\xff"', "UTF-8"),
        (b"\xef\xbb\xbf{}", "JSON"),
        (b"{", "JSON"),
        (b"9" * 5000, "JSON"),
        (b"{} {}", "JSON"),
        (b'"' + b"x" * 1000 + b'"', "larger"),
    ],
)
def test_bad_documents_are_refused(raw: bytes, word: str) -> None:
    limit = 100 if word == "larger" else 1_000_000
    with pytest.raises(StrictJsonError, match=word):
        loads(raw, limit)


def test_round_trip_keeps_values_and_order() -> None:
    value = {"z": 1, "a": [0.1, 1e-7, -3, None, True, "ü\u2028\n"], "big": 12345678901234567}
    assert loads(dump_line(value)) == value
    assert list(loads(dump_document(value))) == ["z", "a", "big"]  # type: ignore[call-overload]


def test_a_line_is_one_line() -> None:
    raw = dump_line({"text": "a\nb\r\u2028"})
    assert raw.count(b"\n") == 1
    assert raw.endswith(b"}\n")


def test_not_a_number_is_never_written() -> None:
    with pytest.raises(ValueError, match="Out of range"):
        dump_line({"a": float("nan")})


def test_an_undecodable_file_name_becomes_visible_text() -> None:
    assert loads(dump_line({"file": "a\udcff.mp4"})) == {"file": "a\\xff.mp4"}
