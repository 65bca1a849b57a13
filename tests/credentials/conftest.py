"""A signing key with a chain, a tiny picture and a clip of ten frames; made, never fetched."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import av
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PIL import Image

from forensics.credentials.manifest import Claim
from forensics.evidence.certificates import make_certificates
from forensics.evidence.keys import SigningKey
from tests.credentials.parts import Anchored, Face

FRAMES = 10


def make_signer(name: str, age: timedelta = timedelta(days=1)) -> Anchored:
    """A key with a chain, and the root that a reader would pin."""
    private = Ed25519PrivateKey.generate()
    pair = make_certificates(private.public_key(), name, datetime.now(UTC) - age)
    return Anchored(SigningKey(private, pair.chain_pem), pair.root_pem.decode())


@pytest.fixture(scope="session")
def anchored() -> Anchored:
    return make_signer("Test newsroom")


@pytest.fixture(scope="session")
def stranger() -> Anchored:
    """Another key; a reader who pins the first root must not accept it."""
    return make_signer("Somebody else")


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "source.png"
    Image.fromarray(np.full((24, 32, 3), 90, np.uint8)).save(path)
    return path


@pytest.fixture
def enlarged(tmp_path: Path) -> Path:
    path = tmp_path / "restored.png"
    Image.fromarray(np.full((48, 64, 3), 120, np.uint8)).save(path)
    return path


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten frames and sound in MP4, uneven in time."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    with av.open(str(path), "w", format="mp4") as box:
        video = box.add_stream("libx264", rate=25, options={"threads": "1"})
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        sound = box.add_stream("aac", rate=16000)
        for index in range(FRAMES):
            grey = np.full((48, 64, 3), 20 * index + 30, np.uint8)
            frame = av.VideoFrame.from_ndarray(grey, format="rgb24")
            frame.pts = index * index + index
            box.mux(video.encode(frame))
        tone = av.AudioFrame.from_ndarray(
            np.zeros((1, 8192), np.float32), format="fltp", layout="mono"
        )
        tone.rate = 16000
        box.mux(sound.encode(tone))
        box.mux(video.encode(None))
        box.mux(sound.encode(None))
    return path


@pytest.fixture
def claim() -> Claim:
    """Person 0 in frames 1-3 and 6, person 1 skipped."""
    faces = tuple(
        Face(frame, (frame - 1) / 25, 0, (4.0 + frame, 5.0, 14.0 + frame, 17.0), "restored")
        for frame in (1, 2, 3, 6)
    )
    skipped = Face(2, 0.04, 1, (1.0, 1.0, 3.0, 3.0), "skipped")
    return Claim(
        bundle_id="6f2c2f6e-5d0b-4a55-9d0e-0a4c4b6f7a11",
        version="0.1.0",
        title="restored.mp4",
        original_name="clip.mp4",
        original_sha256="ab" * 32,
        weights_sha256={"restorer": "cd" * 32},
        faces=(*faces, skipped),
        upscale=2,
        moving=True,
    )
