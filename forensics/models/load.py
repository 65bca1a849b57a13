"""Models: load weights from the very bytes that were hashed, and nothing else."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forensics.config import models_dir
from forensics.errors import EnvironmentLacks, IntegrityError, UsageError
from forensics.models.converted import (
    Weights,
    convert,
    pack,
    read_conversion,
    read_converted,
    state_of,
)
from forensics.models.official import (
    Official,
    check_official,
    not_fetched,
    official,
    official_path,
    sha256_of,
)
from forensics.models.state_digest import state_sha256
from forensics.models.third_party import add_again, read_third_party, weights_path

if TYPE_CHECKING:
    import torch

log = logging.getLogger(__name__)

EMBEDDED = Path(__file__).parent / "embedded"
ROLES = (
    "detector", "restorer", "directions", "perceptual", "appearance", "identity", "evidence",
    "traces",
)  # fmt: skip


@dataclass(frozen=True)
class LoadedModel:
    """A verified state dict with its digest and card.

    ``sha256`` is the digest of the file as it was published or given; the card of official and
    third-party weights also holds ``state_sha256``, the digest of the tensors that were read.
    """

    role: str
    state: dict[str, torch.Tensor]
    sha256: str
    card: dict[str, Any]


def read_card(role: str) -> dict[str, Any]:
    """The model card of an embedded network (no torch needed).

    Raises `EnvironmentLacks` when the installation lacks it.
    """
    path = EMBEDDED / f"{role}.json"
    try:
        card: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise EnvironmentLacks(
            f"the embedded model '{role}' is not part of this installation",
            "Install the wheel again, or check out the repository whole.",
        ) from error
    return card


def load_embedded(role: str) -> LoadedModel:
    """Load an embedded network's weights as float32, after comparing their digest to the card.

    Raises `EnvironmentLacks` (5) when absent and `IntegrityError` (4) when altered.
    """
    import safetensors
    import safetensors.torch

    card = read_card(role)
    path = EMBEDDED / f"{role}.safetensors"
    try:
        raw = path.read_bytes()
    except FileNotFoundError as error:
        raise EnvironmentLacks(
            f"the weights of the embedded model '{role}' are missing",
            "Install the wheel again, or check out the repository whole.",
        ) from error
    digest = hashlib.sha256(raw).hexdigest()
    if digest != card["sha256"]:
        raise IntegrityError(
            f"the weights of the embedded model '{role}' have SHA-256 {digest}, "
            f"its card says {card['sha256']}",
            "Install the wheel again; do not use this copy.",
        )
    try:
        state = safetensors.torch.load(raw)
    except safetensors.SafetensorError as error:
        raise IntegrityError(
            f"the weights of the embedded model '{role}' are no safetensors file: {error}",
            "Install the wheel again; do not use this copy.",
        ) from error
    floats = {k: v.float() if v.is_floating_point() else v for k, v in state.items()}
    return LoadedModel(role, floats, digest, card)


def official_bytes(name: str) -> bytes:
    """The bytes of an official file whose SHA-256 is the catalogue's.

    Raises `UsageError` (2) for an unknown name, `EnvironmentLacks` (5) when the file is not here,
    `IntegrityError` (4) when it is another file.
    """
    row = official(name)
    try:
        raw = official_path(row).read_bytes()
    except FileNotFoundError as error:
        raise not_fetched(row) from error
    check_official(row, hashlib.sha256(raw).hexdigest())
    return raw


def load_official(name: str) -> LoadedModel:
    """Load official weights as float32 (counters stay integers), for any row that is no ONNX.

    The file's bytes are hashed at every load.  The first load opens them ``weights_only`` and keeps
    a safetensors copy with both digests; later ones read that copy, hashed as well.  Raises as
    `official_bytes` does, and `InputError` (3) for a file that holds something else than weights.
    """
    row = official(name)
    if row.is_onnx:
        raise UsageError(
            f"the model {name!r} is an ONNX file, not a state dict",
            "Its bytes are read with official_bytes().",
        )
    path = converted_path(row)
    record = read_conversion(path)
    if record is not None and record.file_sha256 == row.sha256:
        if not official_path(row).is_file():
            raise not_fetched(row)
        check_official(row, sha256_of(official_path(row)))
        weights = read_converted(path, record)
    else:
        weights = _first_load(row, state_of(official_bytes(name), row.file), path)
    return LoadedModel(row.role, weights.state, row.sha256, _official_card(row, weights))


def load_third_party(name: str) -> LoadedModel:
    """Load a restorer that was added with ``forensics models add``.

    Raises `UsageError` (2) for an unknown name and `IntegrityError` (4) when what lies in the
    models folder is not what was added.
    """
    added = read_third_party(name)
    weights = read_converted(weights_path(name), added.conversion, add_again(name))
    return LoadedModel("restorer", weights.state, added.conversion.file_sha256, added.card())


def check_conversion(row: Official) -> None:
    """Open the official file again and compare its tensors with those of the converted copy.

    Says more than the digests beside the copy, which whoever can write the folder can renew.
    Loads torch.  Raises `IntegrityError` when the tensors differ; does nothing without a copy.
    """
    record = read_conversion(converted_path(row))
    if record is None:
        return
    found = state_sha256(pack(state_of(official_bytes(row.name), row.file)))
    if found != record.state_sha256:
        raise IntegrityError(
            f"the converted copy {converted_path(row)} was not made from {row.file}: "
            f"its tensors have SHA-256 {record.state_sha256}, those of the file {found}",
            "Remove it and its record; they are made again from the file.",
        )


def converted_path(row: Official) -> Path:
    """Where the safetensors copy of an official file is kept."""
    return models_dir() / "converted" / f"{row.name}.safetensors"


def _first_load(row: Official, state: dict[str, torch.Tensor], path: Path) -> Weights:
    """Convert; a models folder that cannot be written costs the copy, not the load."""
    try:
        return convert(row.sha256, state, path)
    except OSError as error:
        log.warning("no converted copy of %s is kept: %s", row.file, error)
        floats = {k: v.float() if v.is_floating_point() else v for k, v in state.items()}
        return Weights(floats, state_sha256(pack(state)))


def _official_card(row: Official, weights: Weights) -> dict[str, Any]:
    return {
        "name": row.name,
        "title": row.title,
        "version": row.version,
        "role": row.role,
        "architecture": row.architecture,
        "kind": "official",
        "file": row.file,
        "source": row.url,
        "sha256": row.sha256,
        "state_sha256": weights.state_sha256,
        "agreeing_sources": row.agreeing,
        "licence": row.licence,
        "notice": row.notice,
        "non_commercial": list(row.non_commercial),
        "commercial_use": row.commercial_use,
    }
