"""Null engines: the whole audit with drawn-by-nobody networks, for attacks on everything else.

The detector sees one face in the middle of every frame that is large enough, the restorer hands
back the crop (or NaN), the scorer measures one made-up number.  Probe, reader, writer, bundle,
records and reports are the real ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from forensics.choices import check_settings
from forensics.config import Settings
from forensics.engines import Engines, NativeNetworks, _record
from forensics.faces.tracklets import Decision
from forensics.models.load import ROLES, LoadedModel, read_card
from forensics.records import Detection, Failure, Model
from forensics.restore.background import LanczosBackground
from forensics.restore.restorer import RestorerFacts, restore_batched
from forensics.scoring.maps import Scored

EYE_PX = 24.0


class NullDetector:
    """One face, upright, in the middle of a frame of at least 64 px a side."""

    def detect(self, frames_rgb_u8: Sequence[np.ndarray]) -> list[list[Detection]]:
        return [self._one(frame) for frame in frames_rgb_u8]

    def _one(self, frame: np.ndarray) -> list[Detection]:
        height, width = frame.shape[:2]
        if min(height, width) < 64:
            return []
        x, y, half = width / 2, height / 2, EYE_PX / 2
        points = (
            (x - half, y - 8),
            (x + half, y - 8),
            (x, y + 6),
            (x - half * 0.8, y + 18),
            (x + half * 0.8, y + 18),
        )
        return [Detection((x - 28, y - 30, x + 28, y + 30), points, 0.99)]


class NullEmbedder:
    """Everybody looks alike."""

    def embed(self, crops_rgb_u8: np.ndarray) -> np.ndarray:
        out = np.zeros((len(crops_rgb_u8), 8), np.float32)
        out[:, 0] = 1.0
        return out


class NullRestorer:
    """Hands back what it gets, or NaN through the real batching."""

    def __init__(self, nan: bool) -> None:
        self._nan = nan

    def restore(
        self, crops_rgb_u8: np.ndarray, seeds: Sequence[int] = ()
    ) -> list[np.ndarray | Failure]:
        def forward(batch: np.ndarray) -> np.ndarray:
            return np.full(batch.shape, np.nan, np.float32) if self._nan else batch.astype("f4")

        return restore_batched(crops_rgb_u8, forward, 1)

    @property
    def facts(self) -> RestorerFacts:
        return RestorerFacts("null", "0", "0" * 64, "none", True, "uint8", 1, "none")


class NullScorer:
    """One number a face; says of all others that they were not measured."""

    digests: Mapping[str, str] = {}

    def score(self, faces: Sequence[Any]) -> list[Scored]:
        maps = {"invented_detail": np.zeros((512, 512), np.float32)}
        measured = {"invented_detail": 0.0}
        return [Scored(measured, {"lpips_crop": "null engine"}, {}, maps) for _ in faces]


class NullTraces:
    """No face was drawn before."""

    def __call__(self, placed: object) -> list[float]:
        return [0.0]


@cache
def _models() -> tuple[Model, ...]:
    cards = {role: read_card(role) for role in ROLES}
    return tuple(
        _record(role, LoadedModel(role, {}, str(card["sha256"]), card), deterministic=True)
        for role, card in cards.items()
    )


def null_engines(settings: Settings, *, nan: bool = False) -> Engines:
    """In place of `forensics.engines.load_engines`."""
    check_settings(settings)
    return Engines(
        detector=NullDetector(),  # type: ignore[arg-type]  # has the one method that is called
        least_eye_px=8.0,
        embedder=NullEmbedder(),  # type: ignore[arg-type]
        decision=Decision(),
        drawing=NativeNetworks(
            NullRestorer(nan),  # type: ignore[arg-type]
            LanczosBackground(),
            None,
        ),
        background="lanczos",
        scorer=NullScorer(),  # type: ignore[arg-type]
        traces=NullTraces(),  # type: ignore[arg-type]
        models=_models(),
    )


def null_measuring(device: str, *, probing: bool, measures: tuple[str, ...] = ()) -> Engines:
    """In place of `forensics.engines.load_measuring`."""
    measuring = {"detector", "appearance", "perceptual", "identity", "evidence", "traces"}
    return Engines(
        detector=NullDetector(),  # type: ignore[arg-type]  # has the one method that is called
        least_eye_px=8.0,
        embedder=NullEmbedder(),  # type: ignore[arg-type]
        decision=Decision(),
        drawing=None,
        background="none",
        scorer=NullScorer(),  # type: ignore[arg-type]
        traces=NullTraces(),  # type: ignore[arg-type]
        models=tuple(model for model in _models() if model.role in measuring),
    )
