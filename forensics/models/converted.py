"""Models, conversion: strangers' weights become safetensors once, and both digests are kept.

A pickle is opened ``weights_only``, from the bytes that were hashed, and only the first time; what
is read afterwards holds numbers alone.  Each later load hashes what it reads and compares.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import struct
import tempfile
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from forensics.errors import InputError, IntegrityError
from forensics.models.state_digest import state_sha256

if TYPE_CHECKING:
    import torch

# Where training code nests the weights, preferred first: the averaged ones are what is published.
NESTED = ("params_ema", "params-ema", "params", "state_dict", "model_state_dict", "model", "net")
# What torch's readers raise for bytes that are damaged or were made to be; found by changing bytes.
_UNREADABLE = (
    pickle.UnpicklingError, struct.error, RuntimeError, ValueError, LookupError, TypeError,
    AttributeError, AssertionError, ArithmeticError, EOFError,
)  # fmt: skip
DEEPEST = 4  # a dict may hold itself
# Types of numbers that networks are kept in.
KINDS = (
    "float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool",
)  # fmt: skip
# What a network wrapped for several GPUs puts before every name.
PREFIX = "module."


@dataclass(frozen=True)
class Conversion:
    """What became of a file: its own digest, that of its tensors, that of the converted copy."""

    file_sha256: str
    state_sha256: str
    safetensors_sha256: str


@dataclass(frozen=True)
class Weights:
    """Tensors as float32 (counters stay integers) and the digest of what was stored."""

    state: dict[str, torch.Tensor]
    state_sha256: str


def state_of(raw: bytes, what: str) -> dict[str, torch.Tensor]:
    """The state dict in the bytes of a ``.pth`` or ``.safetensors`` file, unwrapped, as stored.

    ``what`` names the file in messages.  Raises `InputError` for anything else than tensors by
    name: pickled objects or code, TorchScript, damaged files.
    """
    if raw[8:9] == b"{":
        nested: object = _safetensors(raw, what)
    else:
        _check_archive(raw, what)
        nested = _pickled(raw, what)
    state = _tensors(_unwrapped(nested, what), what)
    _check_size(state, len(raw), what)
    return state


def pack(state: Mapping[str, torch.Tensor]) -> bytes:
    """The tensors as a safetensors file, each with its own memory."""
    import safetensors.torch

    packed: bytes = safetensors.torch.save(
        {name: tensor.detach().clone().contiguous() for name, tensor in state.items()}
    )
    return packed


def convert(raw_sha256: str, state: Mapping[str, torch.Tensor], path: Path) -> Weights:
    """Write the converted copy ``path`` and its record beside it; returns the weights.

    Both appear whole or not at all, the record last: without it the copy is not used.
    Raises `OSError` when the folder cannot be written.
    """
    packed = pack(state)
    found = Conversion(raw_sha256, state_sha256(packed), hashlib.sha256(packed).hexdigest())
    write_whole(path, packed)
    write_whole(record_path(path), json.dumps(asdict(found), indent=1).encode() + b"\n")
    return Weights(_as_float32(state), found.state_sha256)


def read_conversion(path: Path) -> Conversion | None:
    """The record beside a converted copy, or None where there is none.

    Raises `IntegrityError` for a record that cannot be read: it was not written here.
    """
    if not record_path(path).is_file():
        return None
    try:
        document = json.loads(record_path(path).read_text("utf-8"))
        return Conversion(**{key: str(document[key]) for key in Conversion.__dataclass_fields__})
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError(
            f"the record {record_path(path)} cannot be read: {error}",
            _again(path),
        ) from error


def read_converted(path: Path, record: Conversion, advice: str = "") -> Weights:
    """The weights of a converted copy whose bytes and tensors have the recorded digests.

    Raises `IntegrityError` otherwise, also when the copy is gone but its record is not; ``advice``
    says what to do then, where making it again from the official file is not the answer.
    """
    raw = converted_bytes(path, advice)
    check_converted(path, raw, record, advice)
    return Weights(_as_float32(_safetensors(raw, path.name)), record.state_sha256)


def converted_bytes(path: Path, advice: str = "") -> bytes:
    """The bytes of a converted copy that has a record; `IntegrityError` when it is gone."""
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise IntegrityError(
            f"the converted copy {path} is gone, its record is not", advice or _again(path)
        ) from error


def check_converted(path: Path, raw: bytes, record: Conversion, advice: str = "") -> None:
    """Compare the bytes of a converted copy, and their tensors, with the record."""
    found = hashlib.sha256(raw).hexdigest()
    if found != record.safetensors_sha256 or state_sha256(raw) != record.state_sha256:
        raise IntegrityError(
            f"the converted copy {path} is not the one that was made: SHA-256 {found}, "
            f"its record says {record.safetensors_sha256}",
            advice or _again(path),
        )


def _again(path: Path) -> str:
    return f"Remove {path} and {record_path(path).name}; they are made again from the file."


def record_path(path: Path) -> Path:
    """Where the digests of a converted copy are kept."""
    return path.with_name(path.name + ".json")


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that is either there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(0o644)  # mkstemp gives 0600; a shared models folder is read by others
        os.replace(temporary, path)
    except BaseException:  # whatever stopped it, Ctrl-C too, leaves no half file; raised again
        Path(temporary).unlink(missing_ok=True)
        raise


def _as_float32(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {k: v.float() if v.is_floating_point() else v for k, v in state.items()}


def _safetensors(raw: bytes, what: str) -> dict[str, torch.Tensor]:
    import safetensors
    import safetensors.torch

    try:
        state: dict[str, torch.Tensor] = safetensors.torch.load(raw)
    except safetensors.SafetensorError as error:
        raise InputError(
            f"{what} is no whole safetensors file: {error}", "Get the file again."
        ) from error
    return state


def _pickled(raw: bytes, what: str) -> object:
    import torch

    try:
        with warnings.catch_warnings():
            # A pickle of an odd protocol is either read whole or refused below, in our words.
            warnings.simplefilter("ignore", UserWarning)
            found: object = torch.load(io.BytesIO(raw), map_location="cpu", weights_only=True)
    except _UNREADABLE as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"{what} holds something else than weights, or is damaged: {reason}",
            "Only tensors by name are read, never pickled objects, code or TorchScript.",
        ) from error
    return found


def _check_archive(raw: bytes, what: str) -> None:
    """Refuse a ZIP that unpacks to more than it is: torch writes its own without compression."""
    if not raw.startswith(b"PK"):
        return
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError, LookupError) as error:
        raise InputError(f"{what} is a damaged archive: {error}", "Get the file again.") from error
    if unpacked > _most_bytes(len(raw)):
        raise InputError(
            f"{what} has {len(raw)} bytes and unpacks to {unpacked}: it is refused",
            "torch.save writes weights without compression.",
        )


def _check_size(state: Mapping[str, torch.Tensor], size: int, what: str) -> None:
    """Refuse tensors that are no plain numbers in memory, or claim more than the file holds."""
    import torch

    total = 0
    for name, tensor in state.items():
        kind = str(tensor.dtype).removeprefix("torch.")
        if tensor.layout != torch.strided or tensor.device.type != "cpu" or kind not in KINDS:
            raise InputError(
                f"{what} holds a tensor of a kind that is not read: {name} ({kind})",
                f"Read are plain tensors of {', '.join(KINDS)}.",
            )
        total += tensor.numel() * tensor.element_size()
    if total > _most_bytes(size):
        raise InputError(
            f"{what} has {size} bytes and claims {total} bytes of numbers: it is refused",
            "Its tensors share or repeat their memory.",
        )


def _most_bytes(size: int) -> int:
    """What a file of ``size`` bytes may hold: some networks name a tensor twice."""
    return 2 * size + 1_000_000


def _unwrapped(found: object, what: str) -> dict[object, object]:
    """The innermost dict of tensors."""
    for _ in range(DEEPEST):
        if not isinstance(found, dict):
            break
        inner = next((found[key] for key in NESTED if isinstance(found.get(key), dict)), None)
        if inner is None:
            return found
        found = inner
    raise InputError(
        f"{what} holds a {type(found).__name__}, not a state dict",
        "A state dict is tensors by name, as torch.save(net.state_dict(), FILE) writes them.",
    )


def _tensors(found: Mapping[object, object], what: str) -> dict[str, torch.Tensor]:
    import torch

    state = {k: v for k, v in found.items() if isinstance(k, str) and isinstance(v, torch.Tensor)}
    if not state or len(state) != len(found):
        other = next((k for k, v in found.items() if not isinstance(v, torch.Tensor)), None)
        more = f": {other!r} is no tensor" if other is not None else ""
        raise InputError(
            f"{what} holds no state dict{more}",
            "A state dict is tensors by name, as torch.save(net.state_dict(), FILE) writes them.",
        )
    return {name.removeprefix(PREFIX): tensor for name, tensor in state.items()}
