"""Restore, background by Real-ESRGAN: a network draws the picture outside the faces too.

Promise: deterministic; memory bounded by the tile; a tile that fails (the network raises, memory
runs out, numbers are not finite) makes the whole frame's background Lanczos and says why.
Upstream puts the previous tile's pixels there (Real-ESRGAN:realesrgan/utils.py:158-180).

Tiles: a frame of up to `TILE_PX` squared px is one tile and equals the network's answer for the
whole.  The compact network sees 34 px to each side, so its tiles equal the whole exactly.  The
large networks could see 349 (x4plus) or 698 px (x2plus), of which nearly nothing carries: they
read `HALO_PX` around a tile and neighbours are mixed over `BLEND_PX` on each side of a seam.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np
import torch

from forensics.errors import IntegrityError
from forensics.models.load import LoadedModel
from forensics.models.nets.rrdb import RRDBNet, build_rrdb
from forensics.models.nets.srvgg import CompactNet, build_srvgg
from forensics.restore import tiles
from forensics.restore.background import (
    U8,
    BackgroundFacts,
    Enlarged,
    check_frame,
    enlarge,
    enlarged_size_px,
    resized,
)

log = logging.getLogger(__name__)

TILE_PX = 1152
HALO_PX = 32
BLEND_PX = 8
# Feature px a side that the large networks walk at once: what fits a CPU's cache, else a lot.
BLOCK_CPU_PX = 128
BLOCK_GPU_PX = 1024
DTYPES = {"exact": torch.float32, "fast": torch.bfloat16}
Precision = Literal["exact", "fast"]
Forward = Callable[[torch.Tensor], torch.Tensor]


class TileError(RuntimeError):
    """A tile gave no picture; the message says why, for a reader."""


class RealEsrganBackground:
    """Real-ESRGAN x4plus, x2plus or general-x4v3 on one device, in one number format."""

    def __init__(
        self,
        net: RRDBNet | CompactNet,
        facts: BackgroundFacts,
        device: torch.device,
        *,
        pre_pad_px: int = 0,
    ) -> None:
        """Take a network with its weights; `load` is the usual way in.

        ``pre_pad_px``: source px mirrored beyond the right and lower rim while it is enlarged, as
        upstream's option of that name.  Raises ``ValueError`` for facts without sizes.
        """
        if facts.tile_px is None or facts.halo_px is None or facts.batch_size is None:
            raise ValueError("facts lack the tile, the halo or the batch")
        self._net = net
        self._facts = facts
        self._device = device
        self._pre_pad_px = pre_pad_px
        self._tile_px, self._halo_px = facts.tile_px, facts.halo_px
        self._blend_px, self._batch = facts.blend_px or 0, facts.batch_size

    @classmethod
    def load(
        cls,
        model: LoadedModel,
        device: torch.device,
        *,
        precision: Precision = "exact",
        tile_px: int = TILE_PX,
        batch_size: int = 1,
        wdn: LoadedModel | None = None,
        denoise: float = 1.0,
    ) -> RealEsrganBackground:
        """Build the network from verified weights.

        ``precision``: exact is float32, fast is bfloat16.  ``tile_px`` squared source px are one
        tile at most.  ``wdn`` and ``denoise``: weights of the variant that keeps noise, and the
        share of ``model`` in the mixture (upstream's ``-dn``; 1 is ``model`` alone).

        Raises `IntegrityError` when weights do not fit a known network or each other, and
        ``ValueError`` for a share outside 0..1, a share below 1 without ``wdn`` and a tile too
        small for its halo.
        """
        if not 0 <= denoise <= 1:
            raise ValueError(f"denoise must lie in 0..1, is {denoise}")
        if denoise < 1 and wdn is None:
            raise ValueError("a share of denoising needs the second weights")
        mixed = model.state if wdn is None else _mixed(model, wdn, denoise)
        net = _built(model, mixed)
        net.to(device=device, dtype=DTYPES[precision]).to(memory_format=torch.channels_last)
        exact_tiles = net.reach_px <= HALO_PX * 2
        halo_px = net.reach_px if exact_tiles else HALO_PX
        if tile_px < 2 * (halo_px + net.multiple_px):
            raise ValueError(f"a tile of {tile_px} px has no room for a halo of {halo_px} px")
        facts = BackgroundFacts(
            method=f"realesrgan x{net.scale}",
            model=str(model.card["name"]),
            version=str(model.card["version"]),
            sha256=model.sha256,
            licence=str(model.card["licence"]),
            dtype=str(DTYPES[precision]).removeprefix("torch."),
            net_scale=net.scale,
            tile_px=tile_px,
            halo_px=halo_px,
            reach_px=net.reach_px,
            blend_px=0 if exact_tiles else BLEND_PX,
            batch_size=batch_size,
            denoise=denoise if wdn is not None else None,
            denoise_sha256=wdn.sha256 if wdn is not None else None,
        )
        return cls(net, facts, device)

    @property
    def facts(self) -> BackgroundFacts:
        """Method, model, digest, licence and numeric settings."""
        return self._facts

    def enlarge(self, frame_rgb_u8: U8, scale: float) -> Enlarged:
        """Enlarge (H, W, 3) uint8 by ``scale`` >= 1; a new array.

        The network's own enlargement is brought to ``scale`` by Lanczos, as upstream's
        ``outscale``; sizes are rounded to nearest (upstream cuts).  Raises ``ValueError`` for a
        wrong dtype, shape or scale.
        """
        check_frame(frame_rgb_u8)
        height, width = frame_rgb_u8.shape[:2]
        size_px = enlarged_size_px(width, height, scale)
        try:
            drawn = self._drawn(frame_rgb_u8)
        except (RuntimeError, MemoryError) as error:
            reason = str(error) if isinstance(error, TileError) else _reason(error)
            log.warning("the background of a frame falls back to Lanczos: %s", reason)
            return Enlarged(enlarge(frame_rgb_u8, scale), reason)
        return Enlarged(resized(drawn, size_px))

    def _drawn(self, frame_rgb_u8: U8) -> U8:
        """The frame enlarged by the network's own factor, (net_scale * H, net_scale * W, 3)."""
        height, width = frame_rgb_u8.shape[:2]
        padded = _padded(frame_rgb_u8, self._pre_pad_px, self._net.multiple_px)
        layout = tiles.plan(
            (padded.shape[1], padded.shape[0]),
            self._tile_px,
            self._halo_px,
            multiple_px=self._net.multiple_px,
            blend_px=self._blend_px,
        )
        canvas = tiles.Canvas(layout, self._net.scale)
        for group in tiles.groups(layout.tiles, self._batch):
            levels = self._levels(np.stack([tile.read(padded) for tile in group]))
            for tile, answer in zip(group, levels, strict=True):
                canvas.put(tile, answer)
        scale = self._net.scale
        return np.ascontiguousarray(canvas.rgb_u8[: height * scale, : width * scale])

    def _levels(self, windows_rgb_u8: U8) -> tiles.F32:
        """(N, h, w, 3) uint8 to (N, scale * h, scale * w, 3) in grey levels.

        Always a whole batch, padded with zeros: a tile's bits do not depend on how many there are.
        Raises `TileError` for numbers that are not finite.
        """
        batch = np.zeros((self._batch, *windows_rgb_u8.shape[1:]), np.uint8)
        batch[: len(windows_rgb_u8)] = windows_rgb_u8
        with torch.inference_mode():
            # (N, H, W, 3) seen as (N, 3, H, W) is channels-last as it stands.
            x_01 = torch.from_numpy(batch).to(self._device).permute(0, 3, 1, 2).float() / 255
            y = self._forward(x_01)[: len(windows_rgb_u8)]
            if not bool(torch.isfinite(y).all()):
                wrong = int((~torch.isfinite(y)).sum())
                raise TileError(f"{wrong} of {y.numel()} values of a tile are not finite")
            levels = y.clamp_(0, 1).mul_(255).permute(0, 2, 3, 1).cpu().numpy()
        return np.asarray(levels, np.float32)

    def _forward(self, x_01: torch.Tensor) -> torch.Tensor:
        """(B, 3, h, w) float32 in [0, 1] to (B, 3, scale * h, scale * w) float32, not clipped."""
        if isinstance(self._net, CompactNet):
            return self._net.forward(x_01)
        block_px = BLOCK_CPU_PX if self._device.type == "cpu" else BLOCK_GPU_PX
        return self._net.forward(x_01, block_px)


def _built(model: LoadedModel, state: Mapping[str, torch.Tensor]) -> RRDBNet | CompactNet:
    """The network that ``state`` belongs to."""
    try:
        if "conv_first.weight" in state:
            return build_rrdb(state)
        return build_srvgg(state)
    except (RuntimeError, ValueError) as error:
        raise IntegrityError(
            f"the weights of '{model.card['name']}' fit no known Real-ESRGAN network: {error}",
            "Fetch the model again, or choose another background.",
        ) from error


def _mixed(model: LoadedModel, wdn: LoadedModel, share: float) -> dict[str, torch.Tensor]:
    """``share`` of the first weights and the rest of the second (deep network interpolation)."""
    shapes = {name: value.shape for name, value in model.state.items()}
    if shapes != {name: value.shape for name, value in wdn.state.items()}:
        raise IntegrityError(
            f"'{wdn.card['name']}' is not the counterpart of '{model.card['name']}'",
            "Only realesr-general-x4v3 and realesr-general-wdn-x4v3 can be mixed.",
        )
    return {
        name: share * value + (1 - share) * wdn.state[name] for name, value in model.state.items()
    }


def _padded(frame_rgb_u8: U8, pre_pad_px: int, multiple_px: int) -> U8:
    """The frame, mirrored beyond its right and lower rim up to a multiple (upstream: reflect)."""
    height, width = frame_rgb_u8.shape[:2]
    down = pre_pad_px + -(height + pre_pad_px) % multiple_px
    across = pre_pad_px + -(width + pre_pad_px) % multiple_px
    if not down and not across:
        return frame_rgb_u8
    # One single row or column has nothing to mirror: numpy repeats it.
    return np.pad(frame_rgb_u8, ((0, down), (0, across), (0, 0)), "reflect")


def _reason(error: RuntimeError | MemoryError) -> str:
    """Why a tile failed, in one line."""
    first = str(error).strip().splitlines()
    return f"{type(error).__name__}: {first[0] if first else 'no message'}"
