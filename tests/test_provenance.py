"""Provenance of a run without its networks: credentials in and out of every kind of source."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from forensics import provenance
from forensics.bundle_sink import BundleSink
from forensics.config import Settings
from forensics.credentials.write import CredentialsFailed
from forensics.errors import EnvironmentLacks
from forensics.evidence.bag import Digests
from forensics.evidence.bundle import BundleWriter
from forensics.evidence.check_media import list_sha256
from forensics.evidence.keys import SigningKey
from forensics.evidence.signing import UNSIGNED, Signing
from forensics.media.container import digest_file
from forensics.media.probe import Media, probe
from forensics.media.reader import DecodedFrame, read_frames
from forensics.media.writer import Written, open_writer
from forensics.provenance import Provenance
from forensics.records import Failure
from tests.credentials.conftest import make_signer
from tests.credentials.parts import Anchored, own_reader

RUN = "6f2c2f6e-5d0b-4a55-9d0e-0a4c4b6f7a11"


@pytest.fixture(scope="module")
def signer() -> Anchored:
    return make_signer("Test newsroom")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three pictures; the names sort otherwise than they count."""
    path = tmp_path / "shots"
    path.mkdir()
    for number in (1, 2, 10):
        Image.fromarray(np.full((24, 32, 3), 20 * number, np.uint8)).save(path / f"s{number}.png")
    return path


Started = tuple[Provenance, Written, BundleWriter, BundleSink]
Start = Callable[[Path, Signing], Started]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Brings a run to the point where everything is restored (here: copied)."""
    opened: list[tuple[BundleSink, BundleWriter]] = []

    def begin(source: Path, signing: Signing) -> Started:
        media = probe(source)
        bundle = BundleWriter.create(tmp_path / "out", force=False)
        sink = BundleSink(bundle)
        opened.append((sink, bundle))
        made = Provenance(RUN, media, Settings(upscale=1), bundle, sink, signing)
        return made, rewritten(media, bundle), bundle, sink

    yield begin
    for sink, bundle in opened:
        sink.close()
        bundle.abort()


def rewritten(media: Media, bundle: BundleWriter) -> Written:
    source = media.source
    writer = open_writer(media, bundle.data, source.display_width, source.display_height)
    for frame in read_frames(media):
        assert isinstance(frame, DecodedFrame)
        writer.write(frame, frame.rgb_u8)
    return writer.close()


def events(bundle: BundleWriter, sink: BundleSink) -> dict[str, dict[str, object]]:
    sink.close()
    lines = (bundle.data / "log" / "events.jsonl").read_text("utf-8").splitlines()
    return {event["step"]: event["data"] for event in map(json.loads, lines)}


def test_every_picture_of_a_folder_is_signed_with_its_own_parent(
    folder: Path, start: Start, signer: Anchored
) -> None:
    made, written, bundle, sink = start(folder, Signing((signer.key,)))
    assert (made.credentials.outcome, made.credentials.files) == ("none", 3)
    signed, failures = made.credit(written, (), [])
    assert failures == ()
    restored = sorted((bundle.data / "restored").iterdir())
    assert [path.name for path in restored] == ["s1.png", "s10.png", "s2.png"]
    for path in restored:
        state, document = own_reader(path, "image/png", signer.root_pem)
        assert state == "Trusted"
        (parent,) = document["manifests"][document["active_manifest"]]["ingredients"]
        assert parent["title"] == path.name
        original = digest_file(folder / path.name).sha256
        assert list(parent["metadata"].values()) == [original]
    credentials = signed.restored.credentials
    assert credentials is not None
    assert (credentials.files, credentials.files_with, credentials.file) == (3, 3, "s1.png")
    # The list's digest is that of the signed files, in frame order, as verify computes it.
    listed = [
        (Digests(found.sha256, found.sha512, found.bytes), name)
        for name in ("s1.png", "s2.png", "s10.png")
        for found in [digest_file(bundle.data / "restored" / name)]
    ]
    assert signed.restored.sha256 == list_sha256(listed)
    assert signed.restored.sha256 != written.restored.sha256
    assert "credentials written" in events(bundle, sink)


def test_without_a_key_nothing_is_written(folder: Path, start: Start) -> None:
    made, written, bundle, sink = start(folder / "s1.png", UNSIGNED)
    assert made.credit(written, (), []) == (written, ())
    assert written.restored.credentials is None
    assert set(events(bundle, sink)) == {"credentials of the source"}


def test_a_key_without_a_chain_writes_none_and_the_log_says_so(
    folder: Path, start: Start, signer: Anchored
) -> None:
    bare = Signing((SigningKey(signer.key.private, None),))
    made, written, bundle, sink = start(folder / "s1.png", bare)
    assert made.credit(written, (), []) == (written, ())
    log = events(bundle, sink)
    assert "no signing key has a certificate chain" in str(log["credentials not written"])


def test_what_cannot_be_written_is_a_failure_and_the_digest_is_of_what_lies_there(
    folder: Path, start: Start, signer: Anchored, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> None:
        raise CredentialsFailed("the library gave no answer")

    monkeypatch.setattr(provenance, "write_credentials", failing)
    made, written, bundle, _ = start(folder / "s1.png", Signing((signer.key,)))
    signed, failures = made.credit(written, (), [])
    assert failures == ("Content Credentials were not written: the library gave no answer",)
    path = bundle.data / signed.restored.file
    assert signed.restored.sha256 == digest_file(path).sha256 == written.restored.sha256
    assert signed.restored.credentials is None


def test_without_the_library_the_source_counts_as_not_read(
    folder: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lacking(_: object) -> None:
        raise EnvironmentLacks("the library c2pa is missing here")

    monkeypatch.setattr(provenance, "read_files", lacking)
    made, *_ = start(folder / "s1.png", UNSIGNED)
    assert made.credentials.outcome == "unreadable"
    assert made.credentials.reason == "the library c2pa is not installed here"


def test_a_failure_names_no_path() -> None:
    error = FileNotFoundError(2, "No such file or directory", "/cases/smith/a.png")
    assert Failure.of("decode", "gone", error).error == (
        "FileNotFoundError: No such file or directory"
    )
