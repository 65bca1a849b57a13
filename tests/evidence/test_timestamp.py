"""Time stamps: a token attests time only by a pinned authority and near the claimed end.

The authority is `openssl ts` behind a server on the loopback address.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import rfc3161_client as rfc3161
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from forensics.errors import UsageError
from forensics.evidence import timestamp
from forensics.evidence.archive import write_archive
from forensics.evidence.check_token import time_faults
from forensics.evidence.cms import CmsError, own_certificate
from forensics.evidence.signing import Signing
from forensics.evidence.timestamp import TimestampError, check_url, request_token
from forensics.evidence.token import TokenError, check_token, load_roots
from forensics.evidence.trust import Trust
from forensics.evidence.verify import verify
from tests.bundles import make_bundle
from tests.evidence.edits import failed_steps
from tests.signers import signer, trust
from tests.tsa import Authority, make_authority, serving

ALICE = signer(1)
TOKEN = "signatures/bundle.dsse.json.tsr"  # noqa: S105 - a file's name
MESSAGE = b"the envelope's bytes"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("tsa") / "a")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("tsa") / "b", name="Stranger")


@pytest.fixture(scope="module")
def stamped(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle signed and stamped now; no test may change it."""
    return _stamped(tmp_path_factory.mktemp("stamped"), authority)


@pytest.fixture
def bundle(stamped: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(stamped, tmp_path / "bundle"))


@pytest.fixture(scope="module")
def pinned(authority: Authority) -> Trust:
    return replace(trust(ALICE), tsa_roots=load_roots([authority.root]))


def _stamped(folder: Path, authority: Authority, ended_s_ago: float = 60) -> Path:
    start = datetime.now(UTC) - timedelta(seconds=ended_s_ago)
    with serving(authority) as url:
        return make_bundle(
            folder, side=16, no_faces=True, signing=Signing((ALICE,), url), start=start
        )


def _token(authority: Authority, message: bytes = MESSAGE) -> bytes:
    query = rfc3161.TimestampRequestBuilder().data(message)
    query = query.hash_algorithm(rfc3161.HashAlgorithm.SHA256).cert_request(cert_request=True)
    return authority.reply(query.build().as_bytes())


# ---------------------------------------------------------------- intact


def test_a_pinned_authority_attests_the_time(stamped: Path, pinned: Trust) -> None:
    result = verify(stamped, pinned)
    assert failed_steps(result) == {}
    assert (result.exit_code, result.verdict) == (0, "intact_signer_known")
    assert result.seal is not None
    assert result.seal.time == "attested"
    moment = datetime.fromisoformat(result.document()["time_utc"])  # type: ignore[arg-type] # text
    assert abs((datetime.now(UTC) - moment).total_seconds()) < 300
    assert result.answers()["time"].startswith("yes: the signature existed at 2")


def test_without_a_pinned_authority_the_words_say_that_the_issuer_was_not_checked(
    stamped: Path,
) -> None:
    result = verify(stamped, trust(ALICE))
    assert result.exit_code == 0
    step = next(step for step in result.steps if step.name == "time")
    assert step.status == "passed"
    assert "its issuer was not checked: no --tsa-root was given" in step.reason
    assert result.answers()["time"].startswith("not checked: a token names 2")


def test_openssl_accepts_the_token(stamped: Path, authority: Authority) -> None:
    command = ["openssl", "ts", "-verify", "-in", TOKEN, "-data", "signatures/bundle.dsse.json"]
    command += ["-CAfile", str(authority.root)]
    done = subprocess.run(command, cwd=stamped, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "Verification: OK\n")


def test_a_token_without_certificate_needs_the_authoritys_own(
    authority: Authority, bundle: Path, pinned: Trust
) -> None:
    envelope = (bundle / "signatures" / "bundle.dsse.json").read_bytes()
    query = rfc3161.TimestampRequestBuilder().data(envelope)
    query = query.hash_algorithm(rfc3161.HashAlgorithm.SHA256).cert_request(cert_request=False)
    (bundle / TOKEN).write_bytes(authority.reply(query.build().as_bytes()))
    step = next(step for step in verify(bundle).steps if step.name == "time")
    assert "its signature could not be checked here" in step.reason
    assert verify(bundle, pinned).exit_code == 4
    roots = load_roots([authority.root, authority.folder / "tsa.pem"])
    result = verify(bundle, replace(pinned, tsa_roots=roots))
    assert result.answers()["time"].startswith("yes")


def test_signature_and_time_stamp_hold_in_a_zip_as_well(bundle: Path, pinned: Trust) -> None:
    result = verify(write_archive(bundle), pinned)
    assert failed_steps(result) == {}
    assert (result.exit_code, result.verdict) == (0, "intact_signer_known")
    assert result.answers()["time"].startswith("yes")


def test_without_the_library_a_time_stamp_is_not_checked_and_nothing_passes(
    stamped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "rfc3161_client", None)
    result = verify(stamped, trust(ALICE))
    assert (result.exit_code, result.verdict) == (5, "could_not_check")
    assert "time did not run" in result.first_line


# ---------------------------------------------------------------- attacks


def test_the_token_of_another_bundle_is_named(
    bundle: Path, authority: Authority, pinned: Trust
) -> None:
    (bundle / TOKEN).write_bytes(_token(authority, b"another envelope"))
    for reader in (Trust(), pinned):
        result = verify(bundle, reader)
        assert result.exit_code == 4
        assert "is over other bytes" in failed_steps(result)["time"]


def test_a_token_by_a_stranger_is_named_where_an_authority_is_pinned(
    bundle: Path, stranger: Authority, pinned: Trust
) -> None:
    envelope = (bundle / "signatures" / "bundle.dsse.json").read_bytes()
    (bundle / TOKEN).write_bytes(_token(stranger, envelope))
    assert verify(bundle).exit_code == 0
    result = verify(bundle, pinned)
    assert result.exit_code == 4
    assert "was not issued by the pinned authority" in failed_steps(result)["time"]


def test_a_removed_token_is_never_called_attested(bundle: Path, pinned: Trust) -> None:
    (bundle / TOKEN).unlink()
    result = verify(bundle, trust(ALICE))
    step = next(step for step in result.steps if step.name == "time")
    assert (step.status, result.exit_code) == ("not_included", 0)
    assert "asked for and none is there" in step.reason
    gated = verify(bundle, pinned)
    assert (gated.exit_code, gated.verdict) == (1, "intact_signer_known")
    assert "NOT MET: time" in gated.first_line
    assert gated.answers()["time"] == "no: its dates are its maker's claim"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no readable time stamp"),
        (b"\x30\x03\x02\x01\x00", "no readable time stamp"),
        (b"\x30\x05\x30\x03\x02\x01\x02", "answered with status 2"),
        (b"<html>", "no readable time stamp"),
        (b"\0" * (2**18 + 5), "larger than 262144 bytes"),
    ],
)
def test_what_is_no_token_is_named(bundle: Path, content: bytes, words: str) -> None:
    (bundle / TOKEN).write_bytes(content)
    result = verify(bundle)
    assert result.exit_code == 4
    assert words in failed_steps(result)["time"]


def test_a_byte_after_the_token_is_found(bundle: Path) -> None:
    with (bundle / TOKEN).open("ab") as stream:
        stream.write(b"\0")
    assert "time" in failed_steps(verify(bundle))


def test_a_run_that_claims_to_have_ended_an_hour_earlier_is_found(
    authority: Authority, pinned: Trust, tmp_path: Path
) -> None:
    backdated = _stamped(tmp_path, authority, ended_s_ago=3600 + 42)
    result = verify(backdated, pinned)
    assert result.exit_code == 4
    assert "more than 10 minutes apart" in failed_steps(result)["time"]


def test_the_rule_of_ten_minutes_to_the_second() -> None:
    token = datetime(2026, 1, 2, 3, 0, tzinfo=UTC)
    minute = timedelta(minutes=1)
    assert time_faults(token, token - 10 * minute, token - 10 * minute) == []
    assert time_faults(token, token, token + 10 * minute) == []
    late = token - 10 * minute - timedelta(seconds=1)
    assert ["10 minutes apart" in fault for fault in time_faults(token, late, late)] == [True]
    # The reports are rendered between the end of the run and its seal.
    assert time_faults(token, token - 60 * minute, token) == []
    assert "an hour apart" in time_faults(token, token - 61 * minute, token)[0]
    assert "an hour apart" in time_faults(token, token + 2 * minute, token)[0]
    assert "cannot be read" in time_faults(token, None, token)[0]


def test_a_certificate_that_had_ended_attests_nothing(tmp_path: Path) -> None:
    ended = make_authority(tmp_path / "old", leaf_ends=datetime.now(UTC) - timedelta(days=1))
    raw = _token(ended)
    for roots in ([], load_roots([ended.root])):
        with pytest.raises(TokenError, match="outside the validity of its certificate"):
            check_token(raw, MESSAGE, roots)


def test_no_byte_of_a_token_is_free_even_without_a_pinned_authority(authority: Authority) -> None:
    raw = _token(authority)
    passed = []
    for bit in range(0, len(raw) * 8, 7):
        changed = bytearray(raw)
        changed[bit // 8] ^= 1 << (bit % 8)
        try:
            check_token(bytes(changed), MESSAGE, [])
        except TokenError:
            continue
        passed.append(bit)
    assert passed == []
    assert len(raw) > 800


@pytest.mark.parametrize("rsa_leaf", [False, True])
@pytest.mark.parametrize(("digest", "ess"), [("sha256", "sha1"), ("sha512", "sha512")])
def test_tokens_of_other_algorithms_are_read(
    tmp_path: Path, rsa_leaf: bool, digest: str, ess: str
) -> None:
    other = make_authority(tmp_path / "other", rsa_leaf=rsa_leaf, digest=digest, ess=ess)
    raw = _token(other)
    token = check_token(raw, MESSAGE, load_roots([other.root]))
    assert (token.whole, token.pinned) == (True, True)
    assert check_token(raw, MESSAGE, []).whole
    changed = bytearray(raw)
    changed[-4] ^= 1
    with pytest.raises(TokenError, match="its signature does not hold"):
        check_token(bytes(changed), MESSAGE, [])


def test_the_own_certificate_is_the_leaf_and_a_swapped_one_is_found(
    authority: Authority, stranger: Authority
) -> None:
    raw = _token(authority)
    leaf = x509.load_pem_x509_certificate((authority.folder / "tsa.pem").read_bytes())
    assert own_certificate(raw) == leaf
    other = x509.load_pem_x509_certificate((stranger.folder / "tsa.pem").read_bytes())
    ours, theirs = (c.public_bytes(Encoding.DER) for c in (leaf, other))
    if len(ours) == len(theirs):  # the names differ in length otherwise, and so would the DER
        with pytest.raises(CmsError, match="other certificates"):
            own_certificate(raw.replace(ours, theirs))
    with pytest.raises(CmsError, match="strict DER"):
        own_certificate(raw[:-1])


# ---------------------------------------------------------------- asking for one


def test_a_token_is_had_from_the_authority(authority: Authority) -> None:
    with serving(authority) as url:
        raw = request_token(url, MESSAGE)
    token = check_token(raw, MESSAGE, load_roots([authority.root]))
    assert (token.whole, token.pinned) == (True, True)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("status", "127.0.0.1 answered with HTTP 503"),
        ("redirect", "127.0.0.1 answered with HTTP 302"),
        ("garbage", "is no readable time stamp"),
        ("huge", "sent more than 262144 bytes"),
        ("other", "is over other bytes"),
        ("slow", "cannot be reached|broke off"),
    ],
)
def test_an_authority_that_fails_is_one_sentence(
    authority: Authority, fault: str, words: str
) -> None:
    with serving(authority, fault) as url, pytest.raises(TimestampError, match=words):
        request_token(url, MESSAGE, timeout_s=0.3 if fault == "slow" else 5.0)


def test_an_authority_that_is_not_there_is_one_sentence() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(TimestampError, match=r"127.0.0.1 cannot be reached"):
        request_token(f"http://127.0.0.1:{port}/", MESSAGE)


def test_a_clock_that_is_off_gets_no_token(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timestamp, "MAX_SKEW_S", -1.0)
    with serving(authority) as url, pytest.raises(TimestampError, match="clock of this machine"):
        request_token(url, MESSAGE)


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://a/", "tsa.example.org", "http://", "http://a:99999/", "http://["],
)
def test_only_http_addresses_are_asked(url: str) -> None:
    with pytest.raises(UsageError, match="needs an http or https address"):
        check_url(url)


@pytest.mark.parametrize("url", ["https://user:secret@a/", "https://a/?token=secret"])
def test_secrets_in_an_address_are_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(UsageError, match="no passwords or queries") as caught:
        check_url(url)
    assert "secret" not in f"{caught.value}{caught.value.hint}"


@pytest.fixture
def unstamped(authority: Authority, tmp_path: Path) -> Iterator[Path]:
    """Signed, its authority failed."""
    with serving(authority, "status") as url:
        yield make_bundle(
            tmp_path,
            side=16,
            no_faces=True,
            signing=Signing((ALICE,), url),
            start=datetime.now(UTC),
        )


def test_a_bundle_whose_authority_failed_stands_signed_and_is_never_called_attested(
    unstamped: Path, pinned: Trust
) -> None:
    assert not (unstamped / TOKEN).exists()
    record = json.loads((unstamped / "data" / "audit.json").read_bytes())["run"]
    assert record["timestamp_requested"] is True
    result = verify(unstamped, trust(ALICE))
    assert (result.exit_code, result.verdict) == (0, "intact_signer_known")
    assert result.answers()["time"] == "no: its dates are its maker's claim"
    assert "asked for and none is there" in str(result.document())
    assert verify(unstamped, pinned).exit_code == 1


def test_files_that_hold_no_certificate_are_wrong_use(tmp_path: Path) -> None:
    (tmp_path / "root.pem").write_bytes(ALICE.public_pem)
    with pytest.raises(UsageError, match="holds no certificates"):
        load_roots([tmp_path / "root.pem"])
    leaf = make_authority(tmp_path / "tsa").folder / "tsa.pem"
    with pytest.raises(UsageError, match="none of the given certificates is a root"):
        load_roots([leaf])
    with pytest.raises(UsageError, match=r"cannot read 'absent.pem'"):
        load_roots([tmp_path / "absent.pem"])
