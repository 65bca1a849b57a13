"""The network of RealESRGAN_x4plus and x2plus: residual dense blocks, walked in small pieces.

Promise: the state dict has exactly the keys of basicsr's ``RRDBNet`` and the answer is that
network's answer (a sum taken in another order apart, about 1e-6), with a fraction of its memory.

Source: ESRGAN (Wang et al. 2018) and Real-ESRGAN (Wang et al. 2021); names of the layers as in
basicsr ``archs/rrdbnet_arch.py``.

Why pieces: a dense block reads up to 192 channels for every pixel, and on a CPU a 720p frame of
them does not fit any cache.  A block of 128 x 128 pixels does.  Every piece is computed from a
window that is larger by what its convolutions reach (5 px in a dense block), and each layer drops
the rows it no longer needs, so pieces meet without any difference from the whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from forensics.models.nets.fused import conv_leaky_relu

SLOPE = 0.2  # of every leaky ReLU
RESIDUAL = 0.2  # share of a block's answer that is added to its input
DENSE_REACH_PX = 5  # convolutions of 3 x 3 one after another in a dense block
TAIL_REACH_PX = 2  # the four convolutions behind the trunk reach 1.25 feature px
TAIL_SCALE = 4  # output px for one feature px
UNSHUFFLE = {4: 1, 2: 2, 1: 4}  # input px for one feature px, by scale


@dataclass(frozen=True)
class _Window:
    """Rows ``y0`` to ``y1`` and columns ``x0`` to ``x1`` (end excluded) of a feature map."""

    y0: int
    y1: int
    x0: int
    x1: int

    def grown(self, by: int, height: int, width: int) -> _Window:
        """Larger by ``by`` on every side, cut to the map."""
        return _Window(
            max(0, self.y0 - by),
            min(height, self.y1 + by),
            max(0, self.x0 - by),
            min(width, self.x1 + by),
        )

    def of(self, tensor: torch.Tensor, held: _Window) -> torch.Tensor:
        """This window of a tensor that holds the window ``held``."""
        return tensor[
            :,
            :,
            self.y0 - held.y0 : self.y1 - held.y0,
            self.x0 - held.x0 : self.x1 - held.x0,
        ]


def _windows(height: int, width: int, block_px: int) -> Iterator[_Window]:
    """Windows of nearly equal size, at most ``block_px`` a side, that cover the map once."""
    rows, columns = -(-height // block_px), -(-width // block_px)
    for row in range(rows):
        for column in range(columns):
            yield _Window(
                row * height // rows,
                (row + 1) * height // rows,
                column * width // columns,
                (column + 1) * width // columns,
            )


class DenseBlock(nn.Module):
    """Five 3 x 3 convolutions, each fed with all before it (basicsr: ResidualDenseBlock)."""

    def __init__(self, num_feat: int = 64, num_grow: int = 32) -> None:
        super().__init__()
        widths = [num_feat + num_grow * i for i in range(5)]
        self.conv1 = nn.Conv2d(widths[0], num_grow, 3, 1, 1)
        self.conv2 = nn.Conv2d(widths[1], num_grow, 3, 1, 1)
        self.conv3 = nn.Conv2d(widths[2], num_grow, 3, 1, 1)
        self.conv4 = nn.Conv2d(widths[3], num_grow, 3, 1, 1)
        self.conv5 = nn.Conv2d(widths[4], num_feat, 3, 1, 1)

    def forward(self, x: torch.Tensor, block_px: int) -> torch.Tensor:
        """(B, num_feat, H, W) to the same, in pieces of at most ``block_px`` a side."""
        height, width = x.shape[2:]
        out = torch.empty_like(x)
        whole = _Window(0, height, 0, width)
        for window in _windows(height, width, block_px):
            piece = window.of(x, whole)
            residual = self._residual(x, window)
            torch.add(piece, residual, alpha=RESIDUAL, out=window.of(out, whole))
        return out

    def _residual(self, x: torch.Tensor, window: _Window) -> torch.Tensor:
        """The block's answer for one window, before it is scaled and added."""
        height, width = x.shape[2:]
        whole = _Window(0, height, 0, width)
        parts, held = [x], [whole]
        convs = (self.conv1, self.conv2, self.conv3, self.conv4, self.conv5)
        for number, conv in enumerate(convs, start=1):
            wanted = window.grown(DENSE_REACH_PX - number, height, width)
            needed = window.grown(DENSE_REACH_PX - number + 1, height, width)
            seen = [needed.of(part, has) for part, has in zip(parts, held, strict=True)]
            fed = torch.cat(seen, 1) if len(seen) > 1 else seen[0]
            y = _conv(conv, fed, wanted, needed, whole, rectified=number < len(convs))
            parts.append(y)
            held.append(wanted)
        return y


def _conv(
    conv: nn.Conv2d,
    x: torch.Tensor,
    wanted: _Window,
    held: _Window,
    whole: _Window,
    *,
    rectified: bool,
) -> torch.Tensor:
    """A 3 x 3 convolution of ``x``, which holds the window ``held``, for the window ``wanted``.

    ``rectified``: with the leaky ReLU behind it.

    Zeros are put around the map and nowhere else: a side that ends inside the map has real pixels
    one further out in ``held``.  torch pads both sides of a direction or none; where only one
    side is the map's rim, the row too many on the other side is dropped.
    """
    rows = int(held.y0 == whole.y0 == wanted.y0 or held.y1 == whole.y1 == wanted.y1)
    columns = int(held.x0 == whole.x0 == wanted.x0 or held.x1 == whole.x1 == wanted.x1)
    if rectified:
        y = conv_leaky_relu(x, conv.weight, conv.bias, (rows, columns), SLOPE)
    else:
        y = F.conv2d(x, conv.weight, conv.bias, padding=(rows, columns))
    got = _Window(
        held.y0 + 1 - rows, held.y1 - 1 + rows, held.x0 + 1 - columns, held.x1 - 1 + columns
    )
    return wanted.of(y, got)


class ResidualGroup(nn.Module):
    """Three dense blocks and a residual around them (basicsr: RRDB)."""

    def __init__(self, num_feat: int = 64, num_grow: int = 32) -> None:
        super().__init__()
        self.rdb1 = DenseBlock(num_feat, num_grow)
        self.rdb2 = DenseBlock(num_feat, num_grow)
        self.rdb3 = DenseBlock(num_feat, num_grow)

    def forward(self, x: torch.Tensor, block_px: int) -> torch.Tensor:
        """(B, num_feat, H, W) to the same."""
        out: torch.Tensor = self.rdb1(x, block_px)
        for block in (self.rdb2, self.rdb3):
            out = block(out, block_px)
        return out.mul_(RESIDUAL).add_(x)


class RRDBNet(nn.Module):
    """Real-ESRGAN's large network; ``scale`` is 4, 2 or 1, by what is shuffled into channels."""

    def __init__(
        self, scale: int = 4, num_feat: int = 64, num_block: int = 23, num_grow: int = 32
    ) -> None:
        super().__init__()
        self.scale = scale
        self.conv_first = nn.Conv2d(3 * UNSHUFFLE[scale] ** 2, num_feat, 3, 1, 1)
        self.body = nn.Sequential(*(ResidualGroup(num_feat, num_grow) for _ in range(num_block)))
        self.conv_body = nn.Conv2d(num_feat, num_feat, 3, 1, 1)
        self.conv_up1 = nn.Conv2d(num_feat, num_feat, 3, 1, 1)
        self.conv_up2 = nn.Conv2d(num_feat, num_feat, 3, 1, 1)
        self.conv_hr = nn.Conv2d(num_feat, num_feat, 3, 1, 1)
        self.conv_last = nn.Conv2d(num_feat, 3, 3, 1, 1)

    @property
    def multiple_px(self) -> int:
        """Width and height of the input must be multiples of this."""
        return UNSHUFFLE[self.scale]

    @property
    def reach_px(self) -> int:
        """Input px that can change an output pixel, to each side (698 for x2plus, 349 for x4plus).

        By far the most of it carries nothing: what leaves a block is a fifth of its answer.
        """
        trunk = 2 + 3 * DENSE_REACH_PX * len(self.body)
        return (trunk + TAIL_REACH_PX) * self.multiple_px

    def forward(self, x_01: torch.Tensor, block_px: int) -> torch.Tensor:
        """(B, 3, H, W) float32 RGB in [0, 1] to (B, 3, scale * H, scale * W) float32, not clipped.

        H and W are multiples of ``multiple_px``; ``block_px`` is the side of a piece in feature px.
        The layers compute in the dtype and the memory format of their weights.
        """
        x = x_01.to(self.conv_first.weight.dtype)
        first = self.conv_first(F.pixel_unshuffle(x, self.multiple_px))
        feat = first
        for group in self.body:
            feat = group(feat, block_px)
        feat = self.conv_body(feat).add_(first)
        return self._tail(feat, max(1, block_px // 2))

    def _tail(self, feat: torch.Tensor, block_px: int) -> torch.Tensor:
        """Enlarge the features to the output, piece by piece."""
        batch, _, height, width = feat.shape
        # Colours side by side, as the picture that becomes of it.
        out = torch.empty(
            (batch, 3, TAIL_SCALE * height, TAIL_SCALE * width),
            dtype=torch.float32,
            device=feat.device,
            memory_format=torch.channels_last,
        )
        whole = _Window(0, height, 0, width)
        for window in _windows(height, width, block_px):
            needed = window.grown(TAIL_REACH_PX, height, width)
            y = self._enlarged(needed.of(feat, whole))
            top, left = TAIL_SCALE * (window.y0 - needed.y0), TAIL_SCALE * (window.x0 - needed.x0)
            rows, columns = (
                TAIL_SCALE * (window.y1 - window.y0),
                TAIL_SCALE * (window.x1 - window.x0),
            )
            y0, x0 = TAIL_SCALE * window.y0, TAIL_SCALE * window.x0
            out[:, :, y0 : y0 + rows, x0 : x0 + columns] = y[
                :, :, top : top + rows, left : left + columns
            ]
        return out

    def _enlarged(self, feat: torch.Tensor) -> torch.Tensor:
        """Two enlargements by 2 (nearest), then two convolutions; float32 from the last one on."""
        for conv in (self.conv_up1, self.conv_up2):
            feat = F.interpolate(feat, scale_factor=2, mode="nearest")
            feat = conv_leaky_relu(feat, conv.weight, conv.bias, (1, 1), SLOPE)
        hr = self.conv_hr
        feat = conv_leaky_relu(feat, hr.weight, hr.bias, (1, 1), SLOPE)
        # In bfloat16 a level near white is a whole grey level wide: the picture itself is float32.
        last = self.conv_last
        bias = None if last.bias is None else last.bias.float()
        return F.conv2d(feat.float(), last.weight.float(), bias, padding=1)


def build_rrdb(state: Mapping[str, torch.Tensor]) -> RRDBNet:
    """The network whose sizes ``state`` tells, with these weights, on the CPU, in evaluation mode.

    Raises ``ValueError`` when the sizes are no RRDB network's and ``RuntimeError`` (torch's) when
    keys are missing, surplus or of another shape.
    """
    try:
        num_feat, channels = state["conv_first.weight"].shape[:2]
        num_grow = state["body.0.rdb1.conv1.weight"].shape[0]
    except KeyError as error:
        raise ValueError(f"not the weights of an RRDB network: {error} is missing") from error
    scales = {3 * step**2: scale for scale, step in UNSHUFFLE.items()}
    if channels not in scales:
        raise ValueError(f"conv_first takes {channels} channels; 3, 12 or 48 are known")
    groups = {name.split(".")[1] for name in state if name.startswith("body.")}
    net = RRDBNet(scales[channels], num_feat, len(groups), num_grow)
    net.load_state_dict(dict(state), strict=True)
    return net.eval().requires_grad_(False)
