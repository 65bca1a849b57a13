"""Share of the roofline: arithmetic a frame needs over what the machine did in a measured product.

GFLOP (1 multiply-add = 2) counted with torch's FlopCounterMode on upstream's networks; those of
pictures grow with their pixels.  Only networks count; warps, blends and files do not.
"""

from __future__ import annotations

GFPGAN_FACE, PARSENET_FACE, BISENET_FACE = 395.5, 469.0, 27.5
RETINAFACE_720P, RRDB_X2_720P = 199.8, 8263.0
PIXELS_720P = 1280 * 720


def gflop(
    size: tuple[int, int], faces: int, with_background: bool, mask_face: float
) -> dict[str, float]:
    """Arithmetic of one frame by stage."""
    share = size[0] * size[1] / PIXELS_720P
    out = {
        "detect": RETINAFACE_720P * share,
        "restore": GFPGAN_FACE * faces,
        "mask": mask_face * faces,
    }
    if with_background:
        out["background"] = RRDB_X2_720P * share
    return out


def share(work_gflop: float, seconds: float, peak_tflops: float) -> float:
    """Part of the measured peak that was used, 0..1."""
    return work_gflop / 1000 / seconds / peak_tflops
