"""Models, admit: take in a restorer of another maker, once it is shown to be one.

Promise: what is recorded as ``third-party`` was opened ``weights_only`` from the bytes whose digest
is kept, was recognised by spandrel core as a face restorer, and restored a 512 px picture here.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forensics.errors import InputError, IntegrityError, UsageError
from forensics.models import official as rows
from forensics.models.converted import (
    Conversion,
    check_converted,
    convert,
    converted_bytes,
    read_conversion,
    state_of,
    write_whole,
)
from forensics.models.load import ROLES, read_card
from forensics.models.profiles import BUILT_IN
from forensics.models.third_party import (
    NAME,
    ThirdParty,
    added_path,
    as_json,
    read_third_party,
    third_party_names,
    weights_path,
)

if TYPE_CHECKING:
    import torch

log = logging.getLogger(__name__)

SIDE_PX = 512
# What spandrel and torch raise for tensors that are not the network they were taken for.
_NOT_THAT = (
    RuntimeError,
    ValueError,
    TypeError,
    LookupError,
    AssertionError,
    AttributeError,
    ArithmeticError,
)


@dataclass(frozen=True)
class Found:
    """What spandrel made of a state dict."""

    architecture: str
    purpose: str
    scale: int
    channels: tuple[int, int]
    fits_512: bool

    def words(self) -> str:
        """In words, for the message that refuses it."""
        kinds = {"FaceSR": "face restorer", "SR": "enlarger", "Restoration": "picture restorer"}
        kind = kinds.get(self.purpose, self.purpose)
        return (
            f"{self.architecture}, a {kind}, scale {self.scale}, "
            f"{self.channels[0]} channels in, {self.channels[1]} out"
        )


def add(name: str, file: Path, licence: str | None = None) -> ThirdParty:
    """Take in ``file`` as the restorer ``name``; the file itself is only read.

    Raises `UsageError` (2) for a name that is taken or no name and a file that is not there,
    `InputError` (3) for one that is no state dict, is not recognised, or is no face restorer at
    512 px.  The same file under the same name is accepted again, and mends a damaged copy.
    """
    check_name(name)
    try:
        raw = file.read_bytes()
    except (FileNotFoundError, IsADirectoryError) as error:
        raise UsageError(f"there is no file {str(file)!r}", "Check the path.") from error
    digest = hashlib.sha256(raw).hexdigest()
    before = _before(name, digest)
    if before is not None and _is_sound(before):
        return before
    row = next((row for row in rows.OFFICIAL if row.sha256 == digest), None)
    if row is not None:
        raise UsageError(
            f"{file.name} is the official {row.name}",
            f"Put it into the models folder as {row.file}; it is then used as {row.name}.",
        )
    state = state_of(raw, file.name)
    size = len(raw)
    del raw  # hundreds of megabytes, needed no more
    _check_finite(state, file.name)
    found = _recognise(state, file.name)
    path = weights_path(name)
    convert(digest, state, path)
    added = ThirdParty(
        name=name,
        file=file.name,
        bytes=size,
        architecture=found.architecture,
        recognised_by=f"spandrel {version('spandrel')}",
        licence=licence or "not stated",
        added_utc=datetime.now(UTC).isoformat(timespec="seconds"),
        conversion=_conversion(path),
    )
    write_whole(added_path(name), as_json(added))
    return added


def check_name(name: str) -> None:
    """Raises `UsageError` for a name that is none, or that means something else already."""
    if NAME.fullmatch(name) is None:
        raise UsageError(
            f"{name!r} cannot be the name of a restorer",
            "Use up to 64 of a-z, 0-9, '.', '_' and '-', beginning with a letter or digit.",
        )
    taken = {p.name for p in BUILT_IN} | {row.name for row in rows.OFFICIAL}
    taken |= {str(read_card(role)["name"]) for role in ROLES} | set(ROLES)
    if name in taken:
        raise UsageError(f"the name {name!r} is taken", "Choose another, such as 'my-restorer'.")


def _before(name: str, digest: str) -> ThirdParty | None:
    """What was added under this name; `UsageError` when it came from another file."""
    if name not in third_party_names():
        return None
    added = read_third_party(name)
    if added.conversion.file_sha256 != digest:
        raise UsageError(
            f"another file was added as {name!r}: SHA-256 {added.conversion.file_sha256}, "
            f"this one has {digest}",
            "Choose another name.",
        )
    return added


def _is_sound(added: ThirdParty) -> bool:
    """Whether its copy is still the one that was made; otherwise it is made again."""
    path = weights_path(added.name)
    try:
        check_converted(path, converted_bytes(path), added.conversion)
    except IntegrityError as error:
        log.warning("%s; it is made again", error.message)
        return False
    return True


def _conversion(path: Path) -> Conversion:
    record = read_conversion(path)
    if record is None:
        raise InputError(f"the record of {path} went missing", "Run it again.")
    return record


def _check_finite(state: Mapping[str, torch.Tensor], what: str) -> None:
    for name, tensor in state.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise InputError(
                f"{what} is damaged: {name} holds numbers that are not finite",
                "Get the file again.",
            )


def _recognise(state: dict[str, torch.Tensor], what: str) -> Found:
    """Build the network; raises `InputError` unless it restores faces at 512 px."""
    from spandrel import ImageModelDescriptor, ModelLoader, UnsupportedModelError

    try:
        # A copy: spandrel changes the dict it is given.
        descriptor = ModelLoader("cpu").load_from_state_dict(dict(state))
    except UnsupportedModelError as error:
        raise InputError(
            f"{what} is a state dict that spandrel core does not recognise: "
            f"{len(state)} tensors, first {next(iter(state))!r}",
            "Restorers of the kinds GFPGAN (clean) and RestoreFormer are. CodeFormer is not: its "
            "licence keeps it out of spandrel core.",
        ) from error
    except _NOT_THAT as error:
        raise InputError(
            f"{what} looks like a known network and is not one: {_first_line(error)}",
            "Its layers differ from those of the published network.",
        ) from error
    fits = isinstance(descriptor, ImageModelDescriptor) and bool(
        descriptor.size_requirements.check(SIDE_PX, SIDE_PX)
    )
    found = Found(
        descriptor.architecture.name,
        descriptor.purpose,
        descriptor.scale,
        (descriptor.input_channels, descriptor.output_channels),
        fits,
    )
    if found.purpose != "FaceSR" or found.scale != 1 or found.channels != (3, 3) or not fits:
        raise InputError(
            f"{what} is no face restorer at {SIDE_PX} px: spandrel finds {found.words()}",
            "Only networks that take and give an aligned face of 512 x 512 px can be added.",
        )
    _try(descriptor, what)
    return found


def _try(descriptor: Any, what: str) -> None:
    """Restore one grey picture: what cannot do that now would fail in every audit."""
    import torch

    grey_01 = torch.full((1, 3, SIDE_PX, SIDE_PX), 0.5)
    try:
        with torch.inference_mode():
            answer = descriptor.float().eval()(grey_01)
    except _NOT_THAT as error:
        raise InputError(
            f"{what} cannot restore a {SIDE_PX} px picture: {_first_line(error)}",
            "Nothing was added.",
        ) from error
    if tuple(answer.shape) != tuple(grey_01.shape) or not answer.isfinite().all():
        raise InputError(
            f"{what} gives {tuple(answer.shape)} or numbers that are not finite for a grey "
            f"{SIDE_PX} px picture",
            "Nothing was added.",
        )


def _first_line(error: BaseException) -> str:
    text = re.sub(r"\s+", " ", str(error)).strip()
    return text[:200] or type(error).__name__
