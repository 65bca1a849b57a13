"""Label: words in a margin beside a picture's pixels, never over them.

A margin stays with a picture that is cut out of a report or a folder; the pixels that were compared
and measured stay as they are.
"""

from __future__ import annotations

from functools import cache, lru_cache
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

MARGIN_PX: Final = 32
RESTORED_WORDS: Final = "AI-RESTORED"
FOOTAGE_WORDS: Final = "FOOTAGE, ENLARGED"
MAP_WORDS: Final = "MAP, AI-RESTORED"
GIVEN_WORDS: Final = "GIVEN AS RESTORED"
GIVEN_MAP_WORDS: Final = "MAP OF WHAT WAS GIVEN"
CODE_PX: Final = 8
"""Height of the strip that carries a frame's number for a program."""
CODE_BITS: Final = 20
CODE_CELLS: Final = CODE_BITS + 4
_PAPER: Final = (29, 33, 38)
_INK: Final = (255, 255, 255)
_TEXT_PX: Final = 16
_EDGE_PX: Final = 10


def short_id(run_id: str) -> str:
    """The first group of a run's UUID: enough to find its bundle, short enough for a margin."""
    return run_id[:8]


@lru_cache(maxsize=64)
def margin(*words: str, width: int) -> NDArray[np.uint8]:
    """A strip (MARGIN_PX, ``width``, 3) uint8 RGB; each text begins an equal share of the width.

    Text that is too long is cut at the edge of its share.
    """
    strip = Image.new("RGB", (width, MARGIN_PX), _PAPER)
    share = width // len(words)
    for number, text in enumerate(words):
        cell = Image.new("RGB", (share, MARGIN_PX), _PAPER)
        draw = ImageDraw.Draw(cell)
        draw.text((_EDGE_PX, MARGIN_PX // 2), text, fill=_INK, font=_font(), anchor="lm")
        strip.paste(cell, (number * share, 0))
    found = np.asarray(strip, dtype=np.uint8)
    found.setflags(write=False)
    return found


def label_words(run_id: str, *, given: bool = False) -> tuple[str, str, str]:
    """What stands below the footage, below the restored face and below its map.

    ``given``: somebody else restored, by means that are not known.
    """
    restored, map_ = (GIVEN_WORDS, GIVEN_MAP_WORDS) if given else (RESTORED_WORDS, MAP_WORDS)
    return FOOTAGE_WORDS, f"{restored}  -  bundle {short_id(run_id)}", map_


@lru_cache(maxsize=64)
def frame_code(frame: int, width: int) -> NDArray[np.uint8]:
    """A strip (CODE_PX, ``width``, 3) uint8 that says a frame's number in cells of black and white.

    Twenty cells hold the number modulo 2**20, the highest bit first, four the sum of its groups of
    four bits modulo 16, so that a reader knows a strip that it misread.
    """
    number = frame % 2**CODE_BITS
    check = sum(number >> shift & 15 for shift in range(0, CODE_BITS, 4)) % 16
    word = number << 4 | check
    cells = [word >> place & 1 for place in range(CODE_CELLS - 1, -1, -1)]
    edges = np.linspace(0, width, CODE_CELLS + 1).round().astype(int)
    strip = np.zeros((CODE_PX, width, 3), np.uint8)
    for cell, (left, right) in zip(cells, pairwise(edges), strict=True):
        strip[:, left:right] = 255 * cell
    strip.setflags(write=False)
    return strip


def labelled_pair(
    pair_rgb_u8: NDArray[np.uint8], run_id: str, *, given: bool = False
) -> NDArray[np.uint8]:
    """Footage and restored face side by side (H, W, 3), with the label in a margin below.

    The upper H rows of the result are the pair's own pixels.
    """
    words = label_words(run_id, given=given)[:2]
    return np.vstack([pair_rgb_u8, margin(*words, width=pair_rgb_u8.shape[1])])


@cache
def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The font that Pillow carries itself, so that no machine draws it otherwise."""
    return ImageFont.load_default(_TEXT_PX)
