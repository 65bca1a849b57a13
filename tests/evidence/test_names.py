"""Names: safe ones stay, unsafe ones change, and the change is stable."""

from __future__ import annotations

import os
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from forensics.evidence.names import (
    MAX_NAME_BYTES,
    collision_key,
    decode_path,
    encode_path,
    name_fault,
    readable_name,
    safe_name,
    safe_names,
)

ANY_NAME = st.text(st.characters(exclude_categories=()), max_size=80)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("clip.mp4", "clip.mp4"),
        ("Überwachung 3.MOV", "Überwachung 3.MOV"),
        ("U\u0308ber.mp4", "Über.mp4"),
        ("\u202egnp.exe", "_gnp.exe"),
        ("a\u200bb.mp4", "a_b.mp4"),
        ("line\nbreak\x1b[31m.mp4", "line_break_[31m.mp4"),
        ("-y.mp4", "_y.mp4"),
        ("..", "unnamed"),
        ("", "unnamed"),
        (".hidden", "hidden"),
        ("trailing. . ", "trailing"),
        ("con.mp4", "_con.mp4"),
        ("LPT1", "_LPT1"),
        ("a/b\\c:d.mp4", "a_b_c_d.mp4"),
        ("100%.mp4", "100_.mp4"),
        ("wide\u3000space.mp4", "wide space.mp4"),
        ("bad\udcff.mp4", "bad_.mp4"),
    ],
)
def test_safe_name_of_known_cases(raw: str, expected: str) -> None:
    assert safe_name(raw) == expected


def test_a_long_name_keeps_its_suffix_and_fits() -> None:
    name = safe_name("ä" * 300 + ".mp4")
    assert name.endswith("ä.mp4")
    assert MAX_NAME_BYTES - 1 <= len(name.encode()) <= MAX_NAME_BYTES


@given(ANY_NAME)
@example("\u0041\u200d\u030a")
@example("-" * 200)
@example("a" * 149 + "\u0308.x")
@example("CON\u00a0.x")
@settings(deadline=None, max_examples=300)
def test_every_safe_name_is_stable_and_without_fault(raw: str) -> None:
    name = safe_name(raw)
    assert safe_name(name) == name
    assert name_fault(name) is None
    assert 1 <= len(name.encode()) <= MAX_NAME_BYTES + 1  # +1: "_" before a device name
    assert unicodedata.is_normalized("NFC", name)


@given(ANY_NAME)
@settings(deadline=None, max_examples=200)
def test_a_path_survives_the_manifest(path: str) -> None:
    encoded = encode_path(path)
    assert "\n" not in encoded
    assert "\r" not in encoded
    assert decode_path(encoded) == path


def test_manifest_spelling_is_the_one_of_the_rfc() -> None:
    assert encode_path("data/50%\r\n.txt") == "data/50%25%0D%0A.txt"


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("..", "relative"),
        ("a" * 256, "255 bytes"),
        ("a\u202eb", "U+202E"),
        ("a\nb", "U+000A"),
        ("a\\b", "backslash"),
        ("u\u0308", "NFC"),
        ("a.", "ends with"),
        ("a\udcff", "U+DCFF"),
    ],
)
def test_faults_are_named(name: str, word: str) -> None:
    fault = name_fault(name)
    assert fault is not None
    assert word in fault


def test_names_that_some_systems_take_for_one_share_a_key() -> None:
    assert collision_key("data/Straße.PNG") == collision_key("data/STRASSE.png")
    assert collision_key("u\u0308") == collision_key("Ü")
    assert collision_key("a") != collision_key("b")


def test_undecodable_bytes_stay_readable() -> None:
    assert readable_name(os.fsdecode(b"a\xffb.mp4")) == "a\\xffb.mp4"
    assert readable_name("\ud83d") == "\\ud83d"
    assert readable_name("plain ü") == "plain ü"


def test_names_cleaned_into_one_are_told_apart() -> None:
    names = safe_names(["a?.png", "a*.png", "A_.png", "b", "b"])
    assert names == ["a_.png", "a_-2.png", "A_-3.png", "b", "b-2"]
