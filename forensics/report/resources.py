"""Resources: templates, styles and fonts, from the wheel or from the repository's folder."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import forensics
from forensics.errors import EnvironmentLacks


@cache
def templates_dir() -> Path:
    """The folder that holds ``report.html`` and ``fonts/``.

    In an installed wheel it is ``forensics/templates``; in an editable install the repository's
    ``templates`` beside the package.  Raises `EnvironmentLacks` when neither is there.
    """
    package = Path(forensics.__file__).parent
    for folder in (package / "templates", package.parent / "templates"):
        if (folder / "report.html").is_file():
            return folder
    raise EnvironmentLacks(
        "the report templates are not installed",
        "Install restoration-forensics again: the wheel carries them in forensics/templates.",
    )


def font(name: str) -> Path:
    """A bundled font file."""
    return templates_dir() / "fonts" / name
