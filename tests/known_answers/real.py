"""Known answers, real footage: frames of recorded clips, with the drawn side made from themselves.

Nobody knows the sharp face behind a recorded frame, so the restored side is the frame's own crop,
sharpened, as a plain restorer would leave it: it contradicts nothing until it is edited.
"""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np

from forensics.faces.align import align_face
from forensics.scoring.measure import FaceInput
from tests.known_answers.footage import Filmed
from tests.known_answers.truths import U8, Truth, iris_centre
from training.portraits import detect, yunet

# Three signers, 640x480, H.264, about 29 px between the eyes; no hand over the face in this frame.
CLIPS = ("help", "milk", "night", "no", "please", "sister", "sorry", "student", "again", "yes")
FRAME = 20
EYES_PX = 29.0
WHOLE = np.array([[1.0, 0, 0], [0, 1, 0]])


def film_real(shared: Path) -> list[Filmed]:
    """One face of each clip, as the trial takes it."""
    net = yunet(shared)
    found = []
    for name in CLIPS:
        frame = _frame(shared / "clips" / "intel" / "asl_gestures" / f"{name}.mkv")
        boxes = detect(net, np.ascontiguousarray(frame[..., ::-1]))
        best = boxes[int(boxes[:, 14].argmax())]
        points = best[4:14].reshape(5, 2).astype(np.float64)
        aligned = align_face(frame, points)
        x0, y0, width, height = np.rint(best[:4]).astype(int)
        soft = cv2.GaussianBlur(aligned.crop_rgb_u8, (0, 0), aligned.scale)
        sharp = np.clip(1.6 * aligned.crop_rgb_u8.astype(float) - 0.6 * soft, 0, 255)
        drawn = np.ascontiguousarray(sharp.astype(np.uint8))
        placed = points @ aligned.affine[:, :2].T + aligned.affine[:, 2]
        irises = np.stack([iris_centre(drawn, eye) for eye in placed[:2]])
        truth = Truth(name, "real", drawn, placed, irises, aligned.interocular_px)
        face = FaceInput(
            crop_rgb_u8=aligned.crop_rgb_u8,
            restored_rgb_u8=drawn,
            native_rgb_u8=aligned.native_rgb_u8,
            scale=aligned.scale,
            interocular_px=aligned.interocular_px,
            yaw_deg=aligned.yaw_deg,
            qp_reason="not asked for",
            region_rgb_u8=np.ascontiguousarray(
                frame[max(0, y0) : y0 + height, max(0, x0) : x0 + width]
            ),
        )
        found.append(Filmed(truth, EYES_PX, "as recorded", face, WHOLE, frame, aligned.affine))
    return found


def _frame(path: Path) -> U8:
    with av.open(str(path)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number == FRAME:
                return np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
    raise ValueError(f"{path.name} has no frame {FRAME}")
