"""DSSE: one spelling, verified before it is parsed, and read alike by an independent reader."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from securesystemslib.dsse import Envelope as OtherEnvelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import CryptoSigner, SSlibKey

from forensics.evidence.dsse import (
    EnvelopeError,
    canonical_json,
    envelope_bytes,
    pae,
    read_envelope,
    sign,
)
from tests.signers import signer

PAYLOAD = canonical_json({"b": 1, "a": "é"})


def test_the_encoding_is_that_of_the_specification() -> None:
    # The example of DSSE's protocol.md.
    encoded = pae("http://example.com/HelloWorld", b"hello world")
    assert encoded == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_an_independent_reader_accepts_what_we_sign() -> None:
    keys = [signer(1), signer(2)]
    raw = sign(PAYLOAD, keys)
    others = [SSlibKey.from_crypto(key.public, keyid=key.fingerprint) for key in keys]
    accepted = OtherEnvelope.from_dict(json.loads(raw)).verify(others, 2)
    assert set(accepted) == {key.fingerprint for key in keys}
    stranger = SSlibKey.from_crypto(signer(3).public, keyid=signer(3).fingerprint)
    with pytest.raises(VerificationError):
        OtherEnvelope.from_dict(json.loads(raw)).verify([stranger], 1)


def test_we_accept_what_an_independent_writer_signs() -> None:
    key = signer(1)
    public = SSlibKey.from_crypto(key.public, keyid=key.fingerprint)
    other = OtherEnvelope(PAYLOAD, "application/vnd.in-toto+json", {})
    other.sign(CryptoSigner(key.private, public))
    signature = other.signatures[key.fingerprint]
    ours = read_envelope(sign(PAYLOAD, [key]))
    assert ours.signatures[0].sig.hex() == signature.signature


def test_signatures_are_counted_once_and_by_key_alone() -> None:
    envelope = read_envelope(sign(PAYLOAD, [signer(1), signer(2)]))
    first = signer(1).fingerprint
    assert envelope.valid_signatures([signer(1).public, signer(1).public]) == (first,)
    assert envelope.valid_signatures([signer(3).public]) == ()
    assert envelope.valid_signatures([]) == ()


def test_a_signature_under_the_name_of_another_key_is_none() -> None:
    envelope = read_envelope(sign(PAYLOAD, [signer(1)]))
    swapped = [type(envelope.signatures[0])(signer(2).fingerprint, envelope.signatures[0].sig)]
    other = read_envelope(envelope_bytes(PAYLOAD, swapped))
    assert other.valid_signatures([signer(1).public, signer(2).public]) == ()


@pytest.mark.parametrize("keys", [[], [signer(1), signer(1)], [signer(n) for n in range(1, 18)]])
def test_no_key_twice_and_not_too_many(keys: list[object]) -> None:
    with pytest.raises(ValueError, match="1 to 16 different keys"):
        sign(PAYLOAD, keys)  # type: ignore[arg-type] # a list of keys, some of them wrong


def _changed(change: Callable[[dict[str, object]], object]) -> bytes:
    document = json.loads(sign(PAYLOAD, [signer(1), signer(2)]))
    change(document)
    return canonical_json(document) + b"\n"


def _twice(document: dict[str, object]) -> None:
    signatures = document["signatures"]
    assert isinstance(signatures, list)
    signatures.insert(0, signatures[0])


SOUND = sign(PAYLOAD, [signer(1), signer(2)])
MALFORMED = {
    "no signatures": (_changed(lambda d: d.update(signatures=[])), "1 to 16 signatures"),
    "signatures no list": (_changed(lambda d: d.update(signatures={})), "1 to 16 signatures"),
    "17 signatures": (
        _changed(lambda d: d.update(signatures=d["signatures"] * 9)),  # type: ignore[operator] # a list
        "1 to 16 signatures",
    ),
    "an entry twice": (_changed(_twice), "two signatures by one key"),
    "not sorted": (
        _changed(lambda d: d.update(signatures=d["signatures"][::-1])),  # type: ignore[index] # a list
        "not sorted",
    ),
    "another payload type": (_changed(lambda d: d.update(payloadType="text")), "payload type"),
    "a field more": (_changed(lambda d: d.update(extra=1)), "does not have the fields"),
    "a field less": (_changed(lambda d: d.pop("payload")), "does not have the fields"),
    "payload no text": (_changed(lambda d: d.update(payload=1)), "no Base64"),
    "payload no Base64": (_changed(lambda d: d.update(payload="*")), "broken Base64"),
    "entry without sig": (_changed(lambda d: d.update(signatures=[{"keyid": "a"}])), "exactly"),
    "keyid no fingerprint": (
        _changed(lambda d: d.update(signatures=[{"keyid": "A" * 64, "sig": ""}])),
        "keyid is no fingerprint",
    ),
    "a key twice": (SOUND.replace(b'{"payload"', b'{"payload":"","payload"', 1), "appears twice"),
    "indented": (json.dumps(json.loads(SOUND), indent=1).encode(), "not in the form"),
    "no line feed": (SOUND.rstrip(b"\n"), "not in the form"),
    "something after": (SOUND + b"\n", "not in the form"),
    "cut off": (SOUND[:-20], "not JSON"),
    "empty": (b"", "not JSON"),
    "nested": (b"[" * 200_000, "nested too deeply"),
    "a number that is none": (b'{"payload":NaN}', "NaN is not a number"),
    "not UTF-8": (b"\xff", "not UTF-8"),
    "a list": (b"[]\n", "does not have the fields"),
}


@pytest.mark.parametrize("kind", MALFORMED)
def test_a_malformed_envelope_is_refused_by_name(kind: str) -> None:
    raw, words = MALFORMED[kind]
    with pytest.raises(EnvelopeError, match=words):
        read_envelope(raw)


def test_base64_has_one_spelling() -> None:
    # 'QQ==' and 'QR==' decode to the same byte: only the first is written.
    raw = sign(b"A", [signer(1)])
    assert b'"payload":"QQ=="' in raw
    assert base64.b64decode("QR==") == b"A"
    with pytest.raises(EnvelopeError, match="not in the form"):
        read_envelope(raw.replace(b"QQ==", b"QR=="))


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(SOUND) * 8 - 1))
def test_no_bit_of_an_envelope_is_free(bit: int) -> None:
    changed = bytearray(SOUND)
    changed[bit // 8] ^= 1 << (bit % 8)
    keys = [signer(1), signer(2)]
    try:
        envelope = read_envelope(bytes(changed))
    except EnvelopeError:
        return
    assert len(envelope.valid_signatures([key.public for key in keys])) < 2


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_refused_and_nothing_else_happens(raw: bytes) -> None:
    with pytest.raises(EnvelopeError):
        read_envelope(raw)
