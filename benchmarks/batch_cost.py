"""What an audit costs one core: seconds for a start, for each frame and for each face.

``python -m benchmarks.batch_cost [FRAMES]`` audits three clips made of the committed one (two
people; no face, the same size; the same two people, fewer frames) with one thread and prints
processor seconds, so that a busy machine does not change the figures much.  docs/cluster.md turns
them into machines.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Measure and print."""
    frames = int(sys.argv[1]) if len(sys.argv) > 1 else 12
    import torch

    torch.set_num_threads(1)
    from forensics.batch.execute import kept_engines
    from forensics.config import Settings

    settings = Settings(format="html", device="cpu")
    with tempfile.TemporaryDirectory(prefix="batch-cost-") as folder:
        place = Path(folder)
        full = _clip(place / "full.mp4", frames, faces=True)
        empty = _clip(place / "empty.mp4", frames, faces=False)
        start = time.process_time()
        kept_engines(settings)
        load = time.process_time() - start
        _audit(_clip(place / "warm.mp4", 2, faces=True), place / "warm", settings)
        none, none_faces = _audit(empty, place / "empty", settings)
        some, some_faces = _audit(full, place / "full", settings)
        again = _clip(place / "half.mp4", frames // 2, faces=False)
        half, _ = _audit(again, place / "half", settings)
        size = sum(p.stat().st_size for p in (place / "full").rglob("*") if p.is_file())
    frame = (none - half) / (frames - frames // 2)
    face = (some - none) / max(1, some_faces - none_faces)
    print(f"frames {frames}, 480x400, faces {some_faces} and {none_faces}, one thread")
    print(f"networks loaded once a worker: {load:.2f} s")
    print(f"an audit, whatever is in it:   {none - frames * frame:.2f} s")
    print(f"each frame (480x400):          {frame:.3f} s")
    print(f"each face:                     {face:.3f} s")
    print(f"bundle, each face:             {size / max(1, some_faces) / 1e6:.2f} MB")


def _clip(path: Path, frames: int, *, faces: bool) -> Path:
    """The first frames of the committed clip, or blurred beyond any face."""
    import av
    import cv2

    with (
        av.open(str(ROOT / "fixtures" / "two_people.mp4")) as source,
        av.open(str(path), "w") as out,
    ):
        stream = out.add_stream("libx264", rate=15)
        stream.options = {"crf": "18"}
        for number, frame in enumerate(source.decode(video=0)):
            if number == frames:
                break
            picture = frame.to_ndarray(format="rgb24")
            if not faces:
                picture = cv2.GaussianBlur(picture, (0, 0), 40)
            stream.height, stream.width = picture.shape[:2]
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                out.mux(packet)
        for packet in stream.encode():
            out.mux(packet)
    return path


def _audit(source: Path, out: Path, settings: object) -> tuple[float, int]:
    """Processor seconds of one audit, its children included, and the faces it restored."""
    from forensics.api import run_audit
    from forensics.batch.execute import kept_engines
    from forensics.config import Settings
    from forensics.progress import Silent

    assert isinstance(settings, Settings)  # noqa: S101 - for the type checker
    before = os.times()
    done = run_audit(
        source,
        out,
        settings,
        force=False,
        progress=Silent(),
        say=lambda words: None,
        engines=kept_engines,
    )
    after = os.times()
    used = sum(after[:4]) - sum(before[:4])
    return used, done.audit.totals.faces_restored


if __name__ == "__main__":
    main()
