"""Engines: the networks that a run's settings ask for, verified, and who draws with them.

Promise: nothing is loaded whose digest differs, nothing stands in for what is absent, and every
network that takes part is in ``models``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal

import torch

from forensics.choices import MEASURING, check_settings
from forensics.config import Settings
from forensics.faces.detector import Detector
from forensics.faces.embed import Embedder, decision_of
from forensics.faces.retinaface import OfficialDetector, OfficialDetectorConfig
from forensics.faces.tracklets import Decision
from forensics.media.probe import Media
from forensics.models.load import LoadedModel, load_embedded, load_official, load_third_party
from forensics.models.nets.traces import TracesNet, build_traces
from forensics.models.official import ALEXNET, official_path, sha256_of
from forensics.models.profiles import Profile
from forensics.passes.drawing import Drawer, Manner, NativeDrawer
from forensics.passes.kept import Kept
from forensics.passes.official import ReferenceDrawer
from forensics.passes.probe import SOMEBODY_ELSE, Prober
from forensics.records import Model
from forensics.reference.build import ReferenceModels
from forensics.reference.engine import ReferenceEngine
from forensics.restore.background import Background, LanczosBackground
from forensics.restore.choose import load_restorer
from forensics.restore.noise import parse_noise
from forensics.restore.parsing import FaceParser, PartsParser
from forensics.restore.plugin import plugin_model
from forensics.restore.realesrgan import RealEsrganBackground
from forensics.restore.restorer import Precision, Restorer
from forensics.restore.varied import VariedRestorer
from forensics.runtime import make_repeatable, resolve_device
from forensics.scoring.plugin_measures import PluginMeasure, load_plugin_measures
from forensics.scoring.scorer import Scorer

# What the embedded detector calls a face below this was never put to it in training.
LEAST_EYE_PX_EMBEDDED = 8.0
LEAST_EYE_PX_OFFICIAL = 5.0  # upstream's floor, gfpgan/utils.py:114


@dataclass(frozen=True)
class NativeNetworks:
    """What our own engine draws with."""

    restorer: Restorer
    background: Background
    parser: FaceParser | None  # None: the mask of the template


@dataclass(frozen=True)
class Engines:
    """The networks of a run.

    ``drawing`` is the native set or the official code; None where nothing is restored.
    """

    detector: Detector | OfficialDetector
    least_eye_px: float
    embedder: Embedder
    decision: Decision
    drawing: NativeNetworks | ReferenceEngine | None
    background: str  # what enlarges the picture outside the faces: "auto" resolved
    scorer: Scorer
    traces: TracesNet  # looks for an earlier restoration; always on the CPU
    models: tuple[Model, ...]
    prober: Prober | None = None  # None: no key face is examined further

    def facts(self) -> dict[str, object]:
        """Everything numeric that decides what is drawn, for the record."""
        if self.drawing is None:
            return {"engine": "none"}
        if isinstance(self.drawing, ReferenceEngine):
            return {"engine": "reference", "restorer": asdict(self.drawing.facts)}
        return {
            "engine": "native",
            "restorer": asdict(self.drawing.restorer.facts),
            "background": asdict(self.drawing.background.facts),
            "mask": "template"
            if self.drawing.parser is None
            else asdict(self.drawing.parser.facts),
        }

    @property
    def randomness(self) -> str:
        """Where random numbers enter, in words."""
        if self.drawing is None:
            return "none: nothing is restored, and no network of this run draws random numbers"
        if isinstance(self.drawing, ReferenceEngine):
            return "the official code draws new noise for every face at every call"
        mode = self.drawing.restorer.facts.noise_mode
        if mode.startswith("seed"):
            return "noise drawn from one seed a face; faces.jsonl has the seeds"
        return "none: no network of this run draws random numbers"

    def drawer(self, media: Media, settings: Settings, kept: Kept) -> Drawer:
        """Who draws the faces and pictures of this source.

        AssertionError for networks that measure alone.
        """
        if self.drawing is None:
            raise AssertionError("these networks were loaded to measure, not to draw")
        unsupported = media.unsupported_signal is not None
        if isinstance(self.drawing, ReferenceEngine):
            return ReferenceDrawer(self.drawing, unsupported, settings.upscale)
        manner = Manner(
            upscale=settings.upscale,
            upstream_compat=settings.upstream_compat,
            noise_seed=parse_noise(settings.noise).number,
            unsupported_signal=unsupported,
        )
        native = self.drawing
        return NativeDrawer(native.restorer, native.background, native.parser, manner, kept)


def resolved_background(settings: Settings, chosen: Profile, device: torch.device) -> str:
    """The method behind ``--background auto``: what upstream does with the official profiles."""
    if settings.background != "auto":
        return settings.background
    return "realesrgan-x2plus" if not chosen.own_detector and device.type == "cuda" else "lanczos"


def load_engines(settings: Settings) -> Engines:
    """Load every network from bytes whose digest matched, for the resolved device.

    Raises `UsageError` (2), `IntegrityError` (4) and `EnvironmentLacks` (5, with the command that
    fetches what is absent).
    """
    chosen = check_settings(settings)
    make_repeatable()
    device = resolve_device(settings.device)
    background = resolved_background(settings, chosen, device)
    reference = settings.engine == "reference"
    compat = settings.upstream_compat or reference
    loaded = _drawing_models(chosen, background, compat) | {
        role: load_embedded(role) for role in MEASURING
    }
    loaded["directions"] = load_embedded("directions")
    if chosen.kind != "embedded":
        loaded["alternatives"] = load_embedded("restorer")
    official = official_path(ALEXNET)
    models = [
        _record(role, model, deterministic=not (reference and role == "restorer"))
        for role, model in loaded.items()
    ]
    if official.is_file():
        models.append(_official_lpips(sha256_of(official)))
    measuring = load_plugin_measures(settings.plugin_measures)
    models += [_plugin_record(plugin) for plugin in measuring]
    drawing = (
        _reference(loaded, settings, background, device)
        if reference
        else _native(loaded, settings, background, device)
    )
    scorer = Scorer.load(
        loaded["perceptual"],
        loaded["identity"],
        official if official.is_file() else None,
        device,
        evidence=loaded["evidence"],
        plugins=measuring,
    )
    return Engines(
        detector=Detector.load(loaded["detector"].state, device)
        if chosen.own_detector
        else OfficialDetector.load(
            loaded["detector"], device, OfficialDetectorConfig(precision=settings.precision)
        ),
        least_eye_px=LEAST_EYE_PX_EMBEDDED if chosen.own_detector else LEAST_EYE_PX_OFFICIAL,
        embedder=Embedder(loaded["appearance"].state, str(device)),
        decision=decision_of(loaded["appearance"].card),
        drawing=drawing,
        background=background,
        scorer=scorer,
        traces=build_traces(loaded["traces"].state),
        models=tuple(models),
        prober=_prober(loaded, drawing, scorer, device),
    )


def load_measuring(device_name: str, *, probing: bool, measures: tuple[str, ...] = ()) -> Engines:
    """The networks that find, follow and measure faces, where nothing is restored.

    ``probing``: key faces are examined further, for which the embedded restorer draws other faces
    that fit; it takes part under the role "alternatives" and restores nothing.  ``measures``: names
    of plugin measures.
    """
    make_repeatable()
    device = resolve_device(device_name)
    loaded = {role: load_embedded(role) for role in ("detector", *MEASURING)}
    if probing:
        loaded["directions"] = load_embedded("directions")
        loaded["alternatives"] = load_embedded("restorer")
    models = [_record(role, model, deterministic=True) for role, model in loaded.items()]
    official = official_path(ALEXNET)
    backbone = official if probing and official.is_file() else None
    if backbone is not None:
        models.append(_official_lpips(sha256_of(backbone)))
    measuring = load_plugin_measures(measures)
    models += [_plugin_record(plugin) for plugin in measuring]
    scorer = Scorer.load(
        loaded["perceptual"],
        loaded["identity"],
        backbone,
        device,
        evidence=loaded["evidence"],
        plugins=measuring,
    )
    painter = None
    if probing:
        varied = VariedRestorer(loaded["alternatives"], loaded["directions"], device)
        painter = Prober(None, varied, scorer, absent=SOMEBODY_ELSE)
    return Engines(
        detector=Detector.load(loaded["detector"].state, device),
        least_eye_px=LEAST_EYE_PX_EMBEDDED,
        embedder=Embedder(loaded["appearance"].state, str(device)),
        decision=decision_of(loaded["appearance"].card),
        drawing=None,
        background="none",
        scorer=scorer,
        traces=build_traces(loaded["traces"].state),
        models=tuple(models),
        prober=painter,
    )


def _prober(
    loaded: Mapping[str, LoadedModel],
    drawing: NativeNetworks | ReferenceEngine,
    scorer: Scorer,
    device: torch.device,
) -> Prober:
    """What examines key faces further; the embedded restorer draws the other faces that fit."""
    painter = loaded.get("alternatives", loaded["restorer"])
    return Prober(
        restorer=drawing.restorer if isinstance(drawing, NativeNetworks) else None,
        varied=VariedRestorer(painter, loaded["directions"], device),
        scorer=scorer,
    )


def _drawing_models(chosen: Profile, background: str, compat: bool) -> dict[str, LoadedModel]:
    """Detector, restorer, parser and background of a profile, by role."""
    loaded: dict[str, LoadedModel] = {}
    if chosen.own_detector:
        plugin = chosen.kind == "plugin"
        loaded["detector"] = load_embedded(chosen.detector)
        loaded["restorer"] = (plugin_model if plugin else load_embedded)(chosen.restorer)
    else:
        loaded["detector"] = load_official(chosen.detector)
        third = chosen.kind == "third-party"
        loaded["restorer"] = (load_third_party if third else load_official)(chosen.restorer)
        parser = chosen.parser_compat if compat else chosen.parser
        if parser is not None:
            loaded["parser"] = load_official(parser)
    if background != "lanczos":
        loaded["background"] = load_official(background)
    return loaded


def _native(
    loaded: Mapping[str, LoadedModel], settings: Settings, background: str, device: torch.device
) -> NativeNetworks:
    precision = settings.precision
    parser = loaded.get("parser")
    return NativeNetworks(
        restorer=load_restorer(
            loaded["restorer"], device, precision=precision, noise=settings.noise
        ),
        background=LanczosBackground()
        if background == "lanczos"
        else RealEsrganBackground.load(loaded["background"], device, precision=precision),
        parser=None if parser is None else _parser(parser, device, precision),
    )


def _parser(model: LoadedModel, device: torch.device, precision: Precision) -> FaceParser:
    kind: Literal["bisenet", "parsenet"] = (
        "parsenet" if model.card["name"] == "parsenet" else "bisenet"
    )
    return PartsParser(kind, model, device, precision=precision)


def _reference(
    loaded: Mapping[str, LoadedModel], settings: Settings, background: str, device: torch.device
) -> ReferenceEngine:
    models = ReferenceModels(
        restorer=loaded["restorer"],
        detector=loaded["detector"],
        parser=loaded["parser"],
        background=loaded.get("background"),
    )
    return ReferenceEngine.load(models, device, upscale=settings.upscale, background=background)


def _record(role: str, model: LoadedModel, *, deterministic: bool) -> Model:
    """The record of a network that takes part; embedded ones name their card."""
    card = model.card
    embedded = card.get("kind", "embedded") == "embedded"
    return Model(
        role=role,
        name=str(card["name"]),
        version=str(card["version"]),
        file=f"{model.role}.safetensors" if embedded else str(card["file"]),
        sha256=model.sha256,
        state_sha256=None if embedded else card["state_sha256"],
        licence=str(card["licence"]),
        source="embedded" if embedded else str(card["source"]),
        deterministic=deterministic,
        card=f"{model.role}.json" if embedded else None,
    )


def _plugin_record(plugin: PluginMeasure) -> Model:
    card = plugin.card
    return Model(
        role=f"measure {plugin.key}",
        name=plugin.name,
        version=card["version"],
        file=card["file"],
        sha256=plugin.sha256,
        licence=card["licence"],
        source=card["source"],
        deterministic=False,  # nobody promised that it is
    )


def _official_lpips(digest: str) -> Model:
    return Model(
        role="lpips backbone",
        name=ALEXNET.name,
        version="official",
        file=ALEXNET.file,
        sha256=digest,
        licence=ALEXNET.licence,
        source=ALEXNET.url,
        deterministic=True,
    )
