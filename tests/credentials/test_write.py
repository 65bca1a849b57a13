"""Credentials written into a medium: what they say, what stays as it was, what a reader finds."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from forensics.credentials.manifest import PREFIX, SOURCE_TYPE, Claim, definition, regions
from forensics.credentials.read import read_files
from forensics.credentials.write import CredentialsFailed, Item, write_credentials
from forensics.evidence.keys import SigningKey
from forensics.media.framehash import framehash_text
from forensics.media.streams import packet_digest
from tests.credentials.conftest import make_signer
from tests.credentials.parts import Anchored, flip, own_reader


@pytest.fixture
def signed(clip: Path, tmp_path: Path, claim: Claim, anchored: Anchored) -> Path:
    """A copy of the clip that carries credentials, with the clip as its parent."""
    medium = Path(shutil.copyfile(clip, tmp_path / "signed.mp4"))
    write_credentials([Item(medium, clip, claim)], anchored.key)
    return medium


def test_the_library_s_own_reader_trusts_it_with_the_root(
    signed: Path, anchored: Anchored, stranger: Anchored
) -> None:
    assert own_reader(signed, "video/mp4", anchored.root_pem)[0] == "Trusted"
    assert own_reader(signed, "video/mp4", stranger.root_pem)[0] == "Valid"
    assert own_reader(signed, "video/mp4")[0] == "Valid"


def test_it_says_what_was_done_and_to_what(signed: Path, claim: Claim) -> None:
    _, document = own_reader(signed, "video/mp4")
    manifest = document["manifests"][document["active_manifest"]]
    data = {assertion["label"]: assertion["data"] for assertion in manifest["assertions"]}
    assert data["c2pa.actions.v2"]["allActionsIncluded"] is True
    actions = data["c2pa.actions.v2"]["actions"]
    assert [a["action"] for a in actions] == [
        "c2pa.opened",
        "c2pa.edited",
        "c2pa.resized",
        "c2pa.transcoded",
    ]
    edited = actions[1]
    assert edited["digitalSourceType"] == SOURCE_TYPE
    assert edited["parameters"] == {
        f"{PREFIX}bundle": claim.bundle_id,
        f"{PREFIX}original_sha256": claim.original_sha256,
        f"{PREFIX}weights_sha256": {"restorer": "cd" * 32},
    }
    assert edited["changes"] == regions(claim)
    (parent,) = manifest["ingredients"]
    assert (parent["title"], parent["relationship"]) == ("clip.mp4", "parentOf")
    assert parent["metadata"] == {f"{PREFIX}original_sha256": claim.original_sha256}


def test_regions_name_person_frames_time_and_place(claim: Claim) -> None:
    first, second = regions(claim)
    frames, time, place = first["region"]  # type: ignore[misc, attr-defined]
    assert frames == {"type": "frame", "frame": {"start": 0, "end": 2}}  # C2PA counts from 0
    assert time == {
        "type": "temporal",
        "time": {"type": "npt", "start": "0.000000", "end": "0.080000"},
    }
    # Union of the boxes of frames 1-3, (5, 5)-(17, 17) in source px, twice enlarged.
    shape = {"origin": {"x": 10.0, "y": 10.0}, "width": 24.0, "height": 24.0}
    assert place == {"type": "spatial", "shape": {"type": "rectangle", "unit": "pixel", **shape}}
    assert second["region"][0]["frame"] == {"start": 5, "end": 5}  # type: ignore[index]
    assert {r["name"] for r in (first, second)} == {"person 00"}  # person 01 was skipped


def test_many_stretches_become_one_region_that_says_so(claim: Claim) -> None:
    face = claim.faces[0]
    faces = tuple(dataclasses.replace(face, frame=2 * n + 1) for n in range(60))
    (only,) = regions(dataclasses.replace(claim, faces=faces))
    assert only["region"][0]["frame"] == {"start": 0, "end": 118}  # type: ignore[index]
    assert "with gaps" in str(only["description"])


def test_a_picture_without_restored_faces_claims_no_region(claim: Claim) -> None:
    still = dataclasses.replace(claim, faces=(), moving=False, upscale=1)
    (assertion,) = definition(still)["assertions"]  # type: ignore[misc]
    (edited,) = assertion["data"]["actions"]  # type: ignore[index]
    assert "changes" not in edited


def test_time_stamps_frames_and_sound_stay_as_they_were(signed: Path, clip: Path) -> None:
    assert signed.read_bytes() != clip.read_bytes()
    assert framehash_text(signed) == framehash_text(clip)
    assert packet_digest(signed) == packet_digest(clip)


def test_a_picture_is_signed_in_place(
    picture: Path, enlarged: Path, claim: Claim, anchored: Anchored
) -> None:
    still = dataclasses.replace(claim, moving=False)
    (record,) = write_credentials([Item(enlarged, picture, still)], anchored.key)
    assert (record.outcome, record.state, record.failures) == ("found", "Valid", ())
    assert record.signer == "Test newsroom"
    assert own_reader(enlarged, "image/png", anchored.root_pem)[0] == "Trusted"
    assert sorted(p.name for p in enlarged.parent.iterdir()) == ["restored.png", "source.png"]


def test_a_changed_picture_byte_is_never_trusted(signed: Path, anchored: Anchored) -> None:
    flip(signed, b"mdat", 40)
    (found,) = read_files([signed], anchored.root_pem)
    assert found.state == "Invalid"
    assert "assertion.bmffHash.mismatch" in {f.code for f in found.failures}
    assert own_reader(signed, "video/mp4", anchored.root_pem)[0] == "Invalid"


def test_other_containers_get_a_sidecar(
    clip: Path, tmp_path: Path, claim: Claim, anchored: Anchored
) -> None:
    medium = Path(shutil.copyfile(clip, tmp_path / "restored.mkv"))
    before = medium.read_bytes()
    (record,) = write_credentials([Item(medium, clip, claim)], anchored.key)
    assert record.sidecar == "restored.mkv.c2pa"
    assert medium.read_bytes() == before
    assert (tmp_path / "restored.mkv.c2pa").stat().st_size > 1000


@pytest.mark.parametrize("content", [b"", b"\x1aE\xdf\xa3 no container we know", b"ftyp" * 9])
def test_an_original_of_any_kind_can_be_the_parent(
    content: bytes, tmp_path: Path, enlarged: Path, claim: Claim, anchored: Anchored
) -> None:
    original = tmp_path / "clip.bin"
    original.write_bytes(content)
    (found,) = read_files([original])
    item = Item(enlarged, original, claim, found.reason)
    (record,) = write_credentials([item], anchored.key)
    assert record.state == "Valid"
    _, document = own_reader(enlarged, "image/png")
    (parent,) = document["manifests"][document["active_manifest"]]["ingredients"]
    assert parent["metadata"][f"{PREFIX}credentials_not_read"] == found.reason


def test_a_key_without_a_chain_is_refused(
    picture: Path, enlarged: Path, claim: Claim, anchored: Anchored
) -> None:
    before = enlarged.read_bytes()
    bare = SigningKey(anchored.key.private, None)
    with pytest.raises(CredentialsFailed, match="no certificate chain"):
        write_credentials([Item(enlarged, picture, claim)], bare)
    assert enlarged.read_bytes() == before


def test_an_expired_chain_is_refused_and_the_medium_stays(
    picture: Path, enlarged: Path, claim: Claim
) -> None:
    from datetime import timedelta

    old = make_signer("Retired", age=timedelta(days=4000))
    before = enlarged.read_bytes()
    with pytest.raises(CredentialsFailed):
        write_credentials([Item(enlarged, picture, claim)], old.key)
    assert enlarged.read_bytes() == before
    assert sorted(p.name for p in enlarged.parent.iterdir()) == ["restored.png", "source.png"]


def test_the_private_key_is_not_given_to_the_child(
    picture: Path, enlarged: Path, claim: Claim, anchored: Anchored, monkeypatch: pytest.MonkeyPatch
) -> None:
    from forensics.credentials import process

    told: list[bytes] = []
    tell = process._Talk._tell

    def listening(self: process._Talk, line: bytes) -> None:
        told.append(line)
        tell(self, line)

    monkeypatch.setattr(process._Talk, "_tell", listening)
    write_credentials([Item(enlarged, picture, claim)], anchored.key)
    assert len(told) == 3  # the job, one signature, the reading back
    assert not any(b"PRIVATE" in line for line in told)
    import base64

    assert len(base64.b64decode(told[1])) == 64
