"""What an audit costs one core: seconds for a start, a frame, a person and a face.

``python -m benchmarks.batch_cost [FRAMES]`` audits clips made of the committed one (its two people,
or blurred beyond any face; all FRAMES, or half of them) with one thread, and prints processor
seconds, so that a busy machine does not change the figures much.  docs/cluster.md turns them into
machines.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Measure and print."""
    frames = int(sys.argv[1]) if len(sys.argv) > 1 else 12
    import torch

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="batch-cost-") as folder:
        place = Path(folder)
        warm = _clip(place / "warm.mp4", 2, faces=True)
        first, _ = _audit(warm, place / "first")
        second, _ = _audit(warm, place / "second")
        half, _ = _audit(_clip(place / "half.mp4", frames // 2, faces=False), place / "half")
        none, none_faces = _audit(_clip(place / "empty.mp4", frames, faces=False), place / "empty")
        some, some_faces = _audit(_clip(place / "full.mp4", frames, faces=True), place / "full")
        few, few_faces = _audit(_clip(place / "few.mp4", frames // 2, faces=True), place / "few")
        size = sum(p.stat().st_size for p in (place / "full").rglob("*") if p.is_file())
    frame = (none - half) / (frames - frames // 2)
    face = ((some - none) - (few - half)) / (some_faces - few_faces)
    person = (some - none - some_faces * face) / 2
    print(f"frames {frames}, 480x400, faces {some_faces} and {none_faces}, one thread")
    print(f"networks loaded once a worker: {first - second:.2f} s")
    print(f"an audit, whatever is in it:   {none - frames * frame:.2f} s")
    print(f"each frame (480x400):          {frame:.3f} s")
    print(f"a million pixels of a frame:   {frame / 0.192:.2f} s")
    print(f"each person:                   {person:.2f} s")
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
            if number == 0:
                stream.height, stream.width = picture.shape[:2]
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                out.mux(packet)
        for packet in stream.encode():
            out.mux(packet)
    return path


def _audit(source: Path, out: Path) -> tuple[float, int]:
    """Processor seconds of one audit, its children included, and the faces it restored."""
    from forensics.batch.execute import execute_item
    from forensics.batch.runner import Order, Task
    from forensics.config import Settings
    from forensics.record_batch import BatchItem

    task = Task(BatchItem(source.stem, source, None, source.name), out)
    before = os.times()
    result = execute_item(task, Order(Settings(format="html", device="cpu")))
    after = os.times()
    if result.totals is None:
        raise SystemExit(f"{source.name}: {result.reason}")
    return sum(after[:4]) - sum(before[:4]), result.totals.faces_restored


if __name__ == "__main__":
    main()
