"""Fuzz: no changed bit of any file passes, and no hostile content makes verify stumble."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from forensics.evidence.verify import verify
from tests.bundles import make_bundle, rebag

SEED = 20260102
SEALED_AGAIN = (
    "data/audit.json",
    "data/frames.jsonl",
    "data/faces.jsonl",
    "data/faces.csv",
    "data/log/events.jsonl",
    "data/cropped_faces/000001_00.png",
    "data/restored_faces/000001_00.png",
    "bag-info.txt",
)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("flips"), side=16)


def _files(bundle: Path) -> list[Path]:
    return sorted(path for path in bundle.rglob("*") if path.is_file())


def _flip(raw: bytes, bit: int) -> bytes:
    changed = bytearray(raw)
    changed[bit // 8] ^= 1 << (bit % 8)
    return bytes(changed)


def _surviving_flips(bundle: Path, rng: random.Random, share: float, flips: int) -> list[str]:
    """Flips that verify did not answer with 4, over a random share of the files."""
    survivors = []
    for path in _files(bundle):
        if rng.random() >= share:
            continue
        raw = path.read_bytes()
        for _ in range(flips):
            bit = rng.randrange(len(raw) * 8)
            path.write_bytes(_flip(raw, bit))
            if verify(bundle).exit_code != 4:
                survivors.append(f"{path.relative_to(bundle)} bit {bit}")
        path.write_bytes(raw)
    return survivors


def test_a_tenth_of_the_files_with_a_flipped_bit_never_passes(bundle: Path) -> None:
    assert len(_files(bundle)) > 40
    assert _surviving_flips(bundle, random.Random(SEED), share=0.1, flips=2) == []
    assert verify(bundle).exit_code == 0


@pytest.mark.slow
def test_no_file_with_a_flipped_bit_passes(bundle: Path) -> None:
    assert _surviving_flips(bundle, random.Random(SEED + 1), share=1.0, flips=8) == []
    assert verify(bundle).exit_code == 0


def _free_bits_of_tag_files(small: Path, step: int) -> list[str]:
    """Manifests list no digest of the tag manifests, so their form itself must be strict."""
    rng = random.Random(SEED + 2)
    survivors = []
    for name in ("tagmanifest-sha256.txt", "tagmanifest-sha512.txt", "bagit.txt"):
        raw = (small / name).read_bytes()
        for byte in range(rng.randrange(step), len(raw), step):
            (small / name).write_bytes(_flip(raw, byte * 8 + rng.randrange(8)))
            if verify(small).exit_code != 4:
                survivors.append(f"{name} byte {byte}")
        (small / name).write_bytes(raw)
    return survivors


def test_no_bit_of_a_tag_file_is_free(tmp_path: Path) -> None:
    small = make_bundle(tmp_path, side=16, no_faces=True)
    assert _free_bits_of_tag_files(small, step=11) == []


@pytest.mark.slow
def test_no_byte_of_a_tag_file_is_free(tmp_path: Path) -> None:
    small = make_bundle(tmp_path, side=16, no_faces=True)
    assert _free_bits_of_tag_files(small, step=1) == []


def test_no_file_cut_short_or_emptied_passes(bundle: Path) -> None:
    rng = random.Random(SEED + 3)
    for path in rng.sample(_files(bundle), 12):
        raw = path.read_bytes()
        for cut in (b"", raw[: rng.randrange(len(raw))]):
            path.write_bytes(cut)
            assert verify(bundle).exit_code == 4, path
        path.write_bytes(raw)


def _damage_and_seal(bundle: Path, copy: Path, rng: random.Random, rounds: int) -> None:
    for _ in range(rounds):
        if copy.exists():
            shutil.rmtree(copy)
        shutil.copytree(bundle, copy)
        path = copy / rng.choice(SEALED_AGAIN)
        raw = path.read_bytes()
        for _ in range(rng.randrange(1, 4)):
            raw = _flip(raw, rng.randrange(len(raw) * 8))
        if rng.random() < 0.3:
            middle = rng.randrange(len(raw))
            raw = raw[:middle] + rng.choice([b"", b"[" * 500, b"\0", b"\xff", raw]) + raw[middle:]
        path.write_bytes(raw)
        if path.name != "bag-info.txt":
            rebag(copy)
        result = verify(copy)
        assert result.exit_code in {0, 3, 4, 5}
        assert len(result.steps) >= 14
        result.lines()


def test_damage_that_was_sealed_again_never_makes_it_stumble(bundle: Path, tmp_path: Path) -> None:
    _damage_and_seal(bundle, tmp_path / "copy", random.Random(SEED + 4), rounds=25)


@pytest.mark.slow
def test_much_damage_that_was_sealed_again_never_makes_it_stumble(
    bundle: Path, tmp_path: Path
) -> None:
    _damage_and_seal(bundle, tmp_path / "copy", random.Random(SEED + 5), rounds=1500)
