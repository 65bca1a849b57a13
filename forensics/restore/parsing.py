"""Restore, parsing: which pixels of a restored face are face, by a network that names its parts.

Promise: parts are chosen by name, since the two networks number them differently; a face whose
parts cannot be found is a `Failure`, never a mask made up in its place.

BiSeNet is the usual one (a sixteenth of ParseNet's arithmetic, MIT); ParseNet is upstream's and
serves --upstream-compat alone.  A mask may be made once for a track's key frame: it is a function
of one restored crop, and crops of one person on the template lie alike.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from forensics.errors import IntegrityError
from forensics.models.load import LoadedModel
from forensics.models.nets import bisenet, parsenet
from forensics.records import Failure
from forensics.restore.mask import TEMPLATE_PX, U8, FaceMask, feathered, upstream_feathered

log = logging.getLogger(__name__)

# What upstream pastes (face_restoration_helper.py:318: ParseNet's classes 1 to 13 and 15).
FACE_PARTS = frozenset(
    {
        "skin",
        "nose",
        "eye_g",
        "l_eye",
        "r_eye",
        "l_brow",
        "r_brow",
        "l_ear",
        "r_ear",
        "mouth",
        "u_lip",
        "l_lip",
        "hair",
        "ear_r",
    }
)
NOT_FOUND = "the parts of this face could not be found"
DTYPES = {"exact": torch.float32, "fast": torch.bfloat16}
Precision = Literal["exact", "fast"]
Scores = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class ParserFacts:
    """What identifies a parser and its numbers; ``parts`` are those counted as face."""

    name: str
    version: str
    sha256: str
    licence: str
    dtype: str
    parts: tuple[str, ...]
    deterministic: bool = True


class FaceParser(Protocol):
    """Anything that tells the face in restored crops."""

    @property
    def facts(self) -> ParserFacts:
        """Name, version, digest, licence, number format and parts."""
        ...

    def masks(self, restored_rgb_u8: Sequence[U8]) -> list[FaceMask | Failure]:
        """One mask for each of N restored crops (512, 512, 3) uint8 RGB, in order."""
        ...


def numbers_of(parts: frozenset[str], classes: Sequence[str]) -> tuple[int, ...]:
    """The channels of the named parts in a network's order.

    Raises ``ValueError`` for a part that the network does not know.
    """
    if unknown := parts - set(classes):
        raise ValueError(f"the network knows no {', '.join(sorted(unknown))}")
    return tuple(number for number, name in enumerate(classes) if name in parts)


@dataclass(frozen=True)
class _Network:
    """One of the two parsers: how it is built, read and softened."""

    load: Callable[[Mapping[str, torch.Tensor]], torch.nn.Module]
    scores: Callable[[torch.nn.Module, torch.Tensor], torch.Tensor]
    classes: Sequence[str]
    mean_01: tuple[float, float, float]
    spread_01: tuple[float, float, float]
    soften: Callable[[NDArray[np.bool_]], FaceMask]


_NETWORKS = {
    # The usual feather: float32 masks that fade before the crop's rim.
    "bisenet": _Network(
        bisenet.load_bisenet,
        bisenet.bisenet_scores,
        bisenet.CLASSES,
        bisenet.MEAN_01,
        bisenet.SPREAD_01,
        lambda inside: feathered(inside, "bisenet"),
    ),
    # Upstream's feather, float64.
    "parsenet": _Network(
        parsenet.load_parsenet,
        parsenet.parsenet_scores,
        parsenet.CLASSES,
        parsenet.MEAN_01,
        parsenet.SPREAD_01,
        lambda inside: upstream_feathered(inside, "parsenet"),
    ),
}


class PartsParser:
    """BiSeNet or ParseNet on one device: the pixels of the parts that upstream pastes."""

    def __init__(
        self,
        kind: Literal["bisenet", "parsenet"],
        model: LoadedModel,
        device: torch.device,
        *,
        precision: Precision = "exact",
    ) -> None:
        """Build the network from verified weights.

        ``precision``: exact is float32, fast is bfloat16.  Raises `IntegrityError` when the
        weights do not fit.
        """
        own, dtype = _NETWORKS[kind], DTYPES[precision]
        net = _fitting(own.load, model)
        net = net.to(device=device, dtype=dtype).to(memory_format=torch.channels_last)
        self._facts = _facts(model, precision)
        self._soften = own.soften
        self._parse = _Parse(
            lambda x: own.scores(net, x),
            numbers_of(FACE_PARTS, own.classes),
            own.mean_01,
            own.spread_01,
            device,
            dtype,
        )

    @property
    def facts(self) -> ParserFacts:
        """Name, version, digest, licence, number format and parts."""
        return self._facts

    def masks(self, restored_rgb_u8: Sequence[U8]) -> list[FaceMask | Failure]:
        """One mask a crop, in order; a crop's mask does not depend on the others."""
        return [self._parse.mask(crop, self._soften) for crop in restored_rgb_u8]


@dataclass(frozen=True)
class _Parse:
    """A network with its normalisation: from a crop to the pixels that are face."""

    scores: Scores
    face: tuple[int, ...]
    mean_01: tuple[float, float, float]
    spread_01: tuple[float, float, float]
    device: torch.device
    dtype: torch.dtype

    def mask(
        self, crop_rgb_u8: U8, soften: Callable[[NDArray[np.bool_]], FaceMask]
    ) -> FaceMask | Failure:
        """The soft mask of one crop; one crop at a time, so that its bits have no neighbours."""
        if crop_rgb_u8.shape != (TEMPLATE_PX, TEMPLATE_PX, 3) or crop_rgb_u8.dtype != np.uint8:
            raise ValueError(
                f"crop must be (512, 512, 3) uint8, is {crop_rgb_u8.shape} {crop_rgb_u8.dtype}"
            )
        try:
            with torch.inference_mode():
                scores = self.scores(self._input(crop_rgb_u8))[0]
                finite = bool(torch.isfinite(scores).all())
                classes = scores.argmax(0).cpu().numpy()
        except RuntimeError as error:
            log.warning("the parser failed on a face: %s", error)
            return Failure.of("paste", NOT_FOUND, error)
        if not finite:
            return Failure("paste", NOT_FOUND, "the network's scores are not finite")
        return soften(np.isin(classes, self.face))

    def _input(self, crop_rgb_u8: U8) -> torch.Tensor:
        """(512, 512, 3) uint8 to (1, 3, 512, 512), normalised as the network was trained."""
        x = torch.from_numpy(np.ascontiguousarray(crop_rgb_u8)).to(self.device)
        x_01 = x.permute(2, 0, 1)[None].float() / 255
        mean = torch.tensor(self.mean_01, device=self.device).view(1, 3, 1, 1)
        spread = torch.tensor(self.spread_01, device=self.device).view(1, 3, 1, 1)
        return ((x_01 - mean) / spread).to(self.dtype)


def _fitting(
    load: Callable[[Mapping[str, torch.Tensor]], torch.nn.Module], model: LoadedModel
) -> torch.nn.Module:
    """The network with the model's weights, or `IntegrityError`."""
    try:
        return load(model.state)
    except RuntimeError as error:
        raise IntegrityError(
            f"the weights of '{model.card['name']}' do not fit their network: {error}",
            "Fetch the model again.",
        ) from error


def _facts(model: LoadedModel, precision: Precision) -> ParserFacts:
    return ParserFacts(
        name=str(model.card["name"]),
        version=str(model.card["version"]),
        sha256=model.sha256,
        licence=str(model.card["licence"]),
        dtype=str(DTYPES[precision]).removeprefix("torch."),
        parts=tuple(sorted(FACE_PARTS)),
    )
