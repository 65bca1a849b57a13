"""A whole run: a clip whose own credentials fail is audited in private, signed and verified."""

from __future__ import annotations

import getpass
import hashlib
import json
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path

import pytest

from forensics.api import run_audit
from forensics.config import Settings
from forensics.credentials.manifest import PREFIX, Claim
from forensics.credentials.write import Item, write_credentials
from forensics.evidence.archive import write_archive
from forensics.evidence.archive_tree import scan_archive
from forensics.evidence.check_credentials import credentials_step
from forensics.evidence.lines import load_audit
from forensics.evidence.signing import Signing
from forensics.evidence.tree import scan
from forensics.evidence.verify import verify
from forensics.media.describe import packet_hash_text
from forensics.progress import Silent
from forensics.records import Audit
from forensics.report.other_words import TWICE
from tests.bundle_checks import validate_bundle
from tests.credentials.conftest import make_signer
from tests.credentials.parts import Anchored, flip, own_reader

HOST, USER, FOLDER = "host-of-a-source", "name-of-a-person", "folder-of-a-case"


@dataclass(frozen=True)
class Run:
    source: Path
    bundle: Path
    audit: Audit
    signer: Anchored


@pytest.fixture(scope="module")
def audited(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The audit of a clip that another newsroom signed and somebody altered afterwards."""
    folder = tmp_path_factory.mktemp("run") / FOLDER
    folder.mkdir()
    source = Path(shutil.copyfile(clip, folder / "tip.mp4"))
    claim = Claim("b", "1", "tip.mp4", "camera.mp4", "ab" * 32, {}, (), 1, True)
    write_credentials([Item(source, clip, claim)], make_signer("Other newsroom").key)
    flip(source, b"mdat", 40)
    signer = make_signer("Test newsroom")
    said: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "gethostname", lambda: HOST)
        patch.setattr(getpass, "getuser", lambda: USER)
        done = run_audit(
            source,
            folder / "out",
            Settings(format="html", private=True, upscale=1, case="2026-001"),
            force=False,
            progress=Silent(),
            say=said.append,
            signing=Signing((signer.key,)),
        )
    assert any("present and NOT VALID" in line for line in said)
    return Run(source, folder / "out", done.audit, signer)


def test_what_the_source_carries_is_recorded_with_its_failure(audited: Run) -> None:
    found = audited.audit.source.credentials
    assert found is not None
    assert (found.outcome, found.state) == ("found", "Invalid")
    assert found.signer == "Other newsroom"
    assert {f.code for f in found.failures} == {"assertion.bmffHash.mismatch"}
    acquisition = json.loads((audited.bundle / "data/run/acquisition.json").read_bytes())
    assert acquisition["credentials"]["state"] == "Invalid"
    assert acquisition["before"] == acquisition["after"]
    assert (
        acquisition["before"]["sha256"] == hashlib.sha256(audited.source.read_bytes()).hexdigest()
    )
    assert acquisition["container"]["format"] == "mov,mp4,m4a,3gp,3g2,mj2"
    page = (audited.bundle / "data/report/report.html").read_text("utf-8")
    head = page[: page.index("</header>")]
    assert "present and NOT VALID" in head
    assert "assertion.bmffHash.mismatch" in head


def test_a_source_whose_credentials_claim_that_it_was_drawn_in_is_flagged(audited: Run) -> None:
    (flag,) = [one for one in audited.audit.flags if one.code == "restored_twice"]
    assert flag.person is None
    assert flag.frames == ((1, audited.audit.source.frames),)
    assert (
        "its Content Credentials claim the source type compositeWithTrainedAlgorithmicMedia"
        in flag.words
    )
    assert audited.audit.limits[1] == TWICE
    page = (audited.bundle / "data/report/report.html").read_text("utf-8")
    assert page.index("shows traces of an earlier restoration") < page.index("<h1>")


def test_the_restored_clip_is_signed_and_its_digest_is_that_of_the_signed_file(
    audited: Run,
) -> None:
    restored = audited.audit.restored
    assert restored is not None
    path = audited.bundle / "data" / restored.file
    assert hashlib.sha256(path.read_bytes()).hexdigest() == restored.sha256
    assert own_reader(path, "video/mp4", audited.signer.root_pem)[0] == "Trusted"
    assert restored.credentials is not None
    assert restored.credentials.signer == "Test newsroom"
    _, document = own_reader(path, "video/mp4")
    manifest = document["manifests"][document["active_manifest"]]
    (parent,) = manifest["ingredients"]
    assert parent["metadata"][f"{PREFIX}original_sha256"] == audited.audit.source.sha256
    data = {a["label"]: a["data"] for a in manifest["assertions"]}
    edited = data["c2pa.actions.v2"]["actions"][1]
    assert edited["parameters"][f"{PREFIX}bundle"] == audited.audit.run.id
    weights = {m.role: m.sha256 for m in audited.audit.models}
    assert edited["parameters"][f"{PREFIX}weights_sha256"] == weights
    # The failing original is visible in the child too.
    assert {f.code for f in restored.credentials.failures} == {"assertion.bmffHash.mismatch"}


def test_it_verifies_and_says_both_states(audited: Run) -> None:
    result = verify(audited.bundle)
    assert (result.exit_code, result.verdict) == (0, "intact_signer_unchecked")
    (step,) = [s for s in result.steps if s.name == "credentials"]
    assert step.status == "passed"
    assert "restored: Valid, signed by Test newsroom (signer not checked)" in step.reason
    assert "original: Invalid, signed by Other newsroom" in step.reason
    assert "assertion.bmffHash.mismatch" in step.reason
    assert "Content Credentials of the original: Invalid" in result.answers()["input"]


def test_a_zip_says_the_same(audited: Run) -> None:
    folder = credentials_step("credentials", scan(audited.bundle), audited.audit, None)
    packed = scan_archive(write_archive(audited.bundle))
    assert credentials_step("credentials", packed, audited.audit, None) == folder


def test_anchors_vouch_for_the_restored_clip_and_open_the_gate_for_the_source(
    audited: Run, stranger: Anchored
) -> None:
    tree, audit = scan(audited.bundle), audited.audit
    own = credentials_step("credentials", tree, audit, audited.signer.root_pem)
    assert (own.status, own.exit_code) == ("failed", 1)
    assert own.reason == "the given anchors do not vouch for the original (Invalid)"
    other = credentials_step("credentials", tree, audit, stranger.root_pem)
    assert (other.status, other.exit_code) == ("failed", 4)
    assert "do not vouch for the restored medium (Valid)" in other.reason


def test_every_document_follows_its_schema(audited: Run) -> None:
    assert validate_bundle(audited.bundle) == []


def test_a_private_run_names_neither_host_nor_user_nor_folder(audited: Run) -> None:
    files = [path for path in audited.bundle.rglob("*") if path.is_file()]
    assert len(files) > 15
    words = [HOST, USER, FOLDER, str(Path.home()), str(Path.cwd()), str(audited.source.parent)]
    leaks = [
        (path.name, word)
        for path in files
        for word in words
        if word.encode() in path.read_bytes() or word in path.name
    ]
    assert leaks == []


def test_packets_are_listed_beside_the_frames(audited: Run) -> None:
    frames = audited.bundle / "data/frames"
    assert (frames / "original.packethash").read_text() == packet_hash_text(audited.source)
    listed = (frames / "restored.packethash").read_text().splitlines()
    assert sum(line.startswith("0,") for line in listed) == audited.audit.source.frames


def test_the_environment_says_how_it_was_computed(audited: Run) -> None:
    record = json.loads((audited.bundle / "data/run/environment.json").read_bytes())
    pipeline = record["pipeline"]
    assert pipeline["restorer"]["batch_size"] == 4
    assert pipeline["restorer"]["noise_mode"] == "zero"
    assert pipeline["encoder"]["threads"] == "2"
    assert "accurate_rnd+bitexact" in pipeline["conversion"]
    assert record["numeric"]["cudnn_allow_tf32"] is False
    assert record["numeric"]["ffmpeg"]["libavcodec"]
    assert "--enable" in record["numeric"]["ffmpeg"]["configuration"]
    assert all(model.state_sha256 for model in load_audit(audited.bundle).models)
