"""Degradations for training and threshold fitting: families by name, every draw repeatable.

A *family* is a named order of steps (``FAMILIES``); a *plan* is one draw from a family, with all
its numbers; ``apply`` runs a plan on a crop. Keeping draw and run apart lets a card print what was
done, and lets validation leave whole families out.

Units: every length (blur, motion, shrink factor) is stated **on the 512 template**, whatever the
size of the crop at hand, so ``factor=8`` means 16 px between the eyes for a 256 and for a 512 crop
alike.

The order blur > shrink > noise > JPEG follows GFPGAN (Wang et al., 2021, section 4.1), the second
pass Real-ESRGAN (Wang et al., 2021, section 3); the H.264 passes are real encodes by libx264
through PyAV.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.calibration.coding import (
    add_noise,
    blur_kernel,
    h264_pass,
    jpeg_pass,
    motion_kernel,
)

U8 = NDArray[np.uint8]
TEMPLATE_PX = 512
SHRINK = {"area": cv2.INTER_AREA, "linear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC}
ENLARGE = {"linear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC}
FAMILIES = ("mild", "gfpgan", "second_order", "motion", "h264", "h264_double")
WEIGHTS = {
    "mild": 0.06,
    "gfpgan": 0.30,
    "second_order": 0.16,
    "motion": 0.10,
    "h264": 0.26,
    "h264_double": 0.12,
}


@dataclass(frozen=True)
class Pass:
    """One pass over the picture. Lengths in 512-template px; 0 or None leaves a step out.

    ``noise`` is a standard deviation in grey levels (0 to 255) at the shrunk size; ``jpeg`` a
    quality (1 to 100, 4:2:0 chroma); ``qp`` an H.264 quantiser (0 to 51) with ``frames`` frames
    encoded, each moved by up to ``move_px`` of the shrunk picture; the last one is kept.
    """

    blur: float = 0.0
    blur_ratio: float = 1.0
    blur_deg: float = 0.0
    motion: float = 0.0
    motion_deg: float = 0.0
    factor: float = 1.0
    shrink: str = "area"
    noise: float = 0.0
    grey_noise: bool = False
    jpeg: int | None = None
    qp: int | None = None
    frames: int = 1
    move_px: float = 0.0


@dataclass(frozen=True)
class Plan:
    """One draw: passes in order, then enlargement back to the crop's size by ``enlarge``."""

    family: str
    passes: tuple[Pass, ...]
    enlarge: str
    seed: int

    @property
    def factor(self) -> float:
        """Total shrink factor against the 512 template."""
        return self.passes[-1].factor


def _moved(rgb_u8: U8, count: int, move_px: float, rng: np.random.Generator) -> list[U8]:
    """``count`` frames of a picture drifting by up to ``move_px``; the last one stands still."""
    height, width = rgb_u8.shape[:2]
    frames = []
    for _ in range(count - 1):
        dx, dy = rng.uniform(-move_px, move_px, 2)
        matrix = np.array([[1, 0, dx], [0, 1, dy]], np.float64)
        frames.append(
            cv2.warpAffine(
                rgb_u8,
                matrix,
                (width, height),
                flags=cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REFLECT,
            )
        )
    return [*frames, rgb_u8]


def _run(rgb_u8: U8, step: Pass, size: int, rng: np.random.Generator) -> U8:
    """One pass. ``size`` is the side of the crop before any pass: it fixes what a length means."""
    here = rgb_u8.shape[0] / TEMPLATE_PX  # px of this picture for one px of the 512 template
    out = rgb_u8
    if step.blur * here > 0.25:
        kernel = blur_kernel(step.blur * here, step.blur_ratio, step.blur_deg)
        out = cv2.filter2D(out, -1, kernel, borderType=cv2.BORDER_REFLECT_101)
    if step.motion * here > 1:
        kernel = motion_kernel(step.motion * here, step.motion_deg)
        out = cv2.filter2D(out, -1, kernel, borderType=cv2.BORDER_REFLECT_101)
    side = min(size, max(16, round(TEMPLATE_PX / step.factor)))
    if side != out.shape[0]:
        how = SHRINK[step.shrink] if side < out.shape[0] else cv2.INTER_LINEAR
        out = cv2.resize(out, (side, side), interpolation=how)
    if step.noise > 0:
        out = add_noise(out, step.noise, step.grey_noise, rng)
    if step.jpeg is not None:
        out = jpeg_pass(out, step.jpeg)
    if step.qp is not None:
        out = h264_pass(_moved(out, step.frames, step.move_px, rng), step.qp)[-1]
    return out


def apply(crop_rgb_u8: U8, plan: Plan) -> U8:
    """Run a plan on a square template crop (S, S, 3) uint8: same size out, enlarged back.

    The crop shows the whole 512 template at any side S. Same crop and plan, same bytes.
    """
    small = shrunk(crop_rgb_u8, plan)
    size = crop_rgb_u8.shape[0]
    if small.shape[0] == size:
        return small
    return cv2.resize(small, (size, size), interpolation=ENLARGE[plan.enlarge])


def shrunk(crop_rgb_u8: U8, plan: Plan) -> U8:
    """As ``apply``, without the enlargement: the picture at its degraded size."""
    rng = np.random.default_rng(plan.seed)
    out = crop_rgb_u8
    for step in plan.passes:
        out = _run(out, step, crop_rgb_u8.shape[0], rng)
    return out


def _first_pass(rng: np.random.Generator, factor: float) -> Pass:
    """Blur, shrink and noise as GFPGAN draws them; blur grows with the factor, as optics do."""
    return Pass(
        blur=float(rng.uniform(0.1, 0.75) * factor),
        blur_ratio=float(rng.uniform(0.5, 1.0)),
        blur_deg=float(rng.uniform(0, 180)),
        factor=factor,
        shrink=str(rng.choice(list(SHRINK))) if factor < 4 else "area",
        noise=float(rng.uniform(0, 8)) if rng.random() < 0.7 else 0.0,
        grey_noise=bool(rng.random() < 0.4),
    )


def draw(family: str, rng: np.random.Generator, factors: tuple[float, float] = (1.0, 10.0)) -> Plan:
    """Draw one plan of a family; ``factors`` bounds the shrink factor (log-uniform).

    Raises ``KeyError`` for a family that is not in ``FAMILIES``.
    """
    if family not in FAMILIES:
        raise KeyError(f"no degradation family {family!r}; known: {', '.join(FAMILIES)}")
    factor = float(np.exp(rng.uniform(np.log(factors[0]), np.log(factors[1]))))
    first = _first_pass(rng, factor)
    jpeg = int(rng.integers(35, 96))
    qp = int(rng.integers(24, 46)) if factor < 5 else int(rng.integers(24, 39))
    video = {"qp": qp, "frames": int(rng.integers(1, 4)), "move_px": float(rng.uniform(0, 1.5))}
    passes: tuple[Pass, ...]
    if family == "mild":
        passes = (
            replace(
                first, blur=first.blur * 0.4, noise=first.noise * 0.25, factor=min(factor, 2.5)
            ),
        )
    elif family == "gfpgan":
        passes = (replace(first, jpeg=jpeg),)
    elif family == "motion":
        passes = (
            replace(
                first,
                blur=first.blur * 0.6,
                motion=float(rng.uniform(0.5, 2.5) * factor),
                motion_deg=float(rng.uniform(0, 180)),
                jpeg=jpeg,
            ),
        )
    elif family == "second_order":
        early = replace(
            first, factor=max(1.0, factor ** float(rng.uniform(0.3, 0.7))), jpeg=max(jpeg, 50)
        )
        late = _first_pass(rng, factor)
        passes = (early, replace(late, blur=late.blur * 0.6, noise=late.noise * 0.5, jpeg=jpeg))
    elif family == "h264":
        passes = (
            replace(
                first,
                noise=first.noise * 0.6,
                qp=qp,
                frames=video["frames"],
                move_px=video["move_px"],
            ),
        )
    else:  # h264_double: compressed, shrunk again, compressed again
        early = replace(
            first, factor=max(1.0, factor / float(rng.uniform(1.2, 2.0))), qp=max(24, qp - 8)
        )
        passes = (
            early,
            Pass(factor=factor, qp=qp, frames=video["frames"], move_px=video["move_px"]),
        )
    enlarge = "cubic" if rng.random() < 0.6 else "linear"
    return Plan(family, passes, enlarge, int(rng.integers(2**31)))


def draw_any(
    rng: np.random.Generator,
    factors: tuple[float, float] = (1.0, 10.0),
    leave_out: frozenset[str] = frozenset(),
) -> Plan:
    """Draw a family by ``WEIGHTS`` (without those in ``leave_out``), then a plan of it."""
    names = [name for name in FAMILIES if name not in leave_out]
    weight = np.array([WEIGHTS[name] for name in names])
    return draw(str(rng.choice(names, p=weight / weight.sum())), rng, factors)


def draw_clean(rng: np.random.Generator) -> Plan:
    """A small but well-kept face: no blur beyond the grid's own, little noise, H.264 QP 16 to 32.

    Not among ``FAMILIES``: a restorer that never sees it changes what needs no change.
    """
    factor = float(np.exp(rng.uniform(np.log(1.0), np.log(10.0))))
    only = Pass(
        blur=float(rng.uniform(0, 0.3)) * factor,
        factor=factor,
        shrink=str(rng.choice(list(SHRINK))),
        noise=float(rng.uniform(0, 2.5)),
        qp=int(rng.integers(16, 33)),
        frames=int(rng.integers(1, 3)),
    )
    return Plan("clean", (only,), "cubic", int(rng.integers(2**31)))


def trial_plan(factor: float, seed: int, codec: str) -> Plan:
    """The fixed degradation of the tests: blur, area shrink, noise 3, then JPEG 75 or H.264 QP 28.

    ``codec`` is ``jpeg`` or ``h264``; the enlargement back is bicubic, so ``apply`` is the bicubic
    baseline of every comparison.
    """
    base = Pass(blur=0.35 * factor, factor=factor, shrink="area", noise=3.0)
    last = {"jpeg": replace(base, jpeg=75), "h264": replace(base, qp=28)}[codec]
    return Plan(f"test_{codec}", (last,), "cubic", seed)
