"""restoration-forensics: what the footage supports in a restored face, and what it does not.

Importing this package loads nothing heavy; the public names are resolved when they are used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Audit", "__version__", "audit", "load", "verify"]

if TYPE_CHECKING:
    from forensics.api import audit, load, verify
    from forensics.records import Audit


def __getattr__(name: str) -> Any:
    # PEP 562: torch and pydantic load when a public name is used, not when the package is named.
    if name == "Audit":
        from forensics.records import Audit

        return Audit
    if name in {"audit", "load", "verify"}:
        from forensics import api

        return getattr(api, name)
    raise AttributeError(f"module 'forensics' has no attribute {name!r}")
