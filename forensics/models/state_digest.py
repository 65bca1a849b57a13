"""Models, state digest: one SHA-256 of a network's tensors, whatever file holds them.

Loads no torch.  A file can be repacked without changing a weight; this digest stays.
"""

from __future__ import annotations

import hashlib
import json

from forensics.errors import IntegrityError


def state_sha256(safetensors: bytes) -> str:
    """SHA-256 over the tensors of a safetensors file, sorted by name.

    Of each tensor: name, NUL, type (``F32``), NUL, shape (``[64,3,3,3]``), NUL, and its bytes in
    row order, little-endian, as stored.  Raises `IntegrityError` for a file that is none.
    """
    digest = hashlib.sha256()
    try:
        start = 8 + int.from_bytes(safetensors[:8], "little")
        header = json.loads(safetensors[8:start])
        body = memoryview(safetensors)[start:]
        for name in sorted(name for name in header if name != "__metadata__"):
            entry = header[name]
            first, end = entry["data_offsets"]
            shape = json.dumps(entry["shape"], separators=(",", ":"))
            digest.update(f"{name}\0{entry['dtype']}\0{shape}\0".encode())
            digest.update(body[first:end])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise IntegrityError(f"these weights are no safetensors file: {error}") from error
    return digest.hexdigest()
