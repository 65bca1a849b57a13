"""Models, profiles: which set of networks ``--models NAME`` means.

Loads no torch.  Official and third-party restorers run as upstream runs them, behind RetinaFace
R50; the mask of the paste comes from BiSeNet, and from ParseNet (non-commercial) only where the
run is to be as upstream's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from forensics.errors import UsageError
from forensics.models.plugins import RESTORERS, find_plugin, plugin_names
from forensics.models.third_party import read_third_party, third_party_names


@dataclass(frozen=True)
class Profile:
    """The networks of a run, by name.

    ``embedded`` names roles of `load.load_embedded`; ``official`` names rows of the catalogue for
    `load.load_official`; the restorer of ``third-party`` is for `load.load_third_party` and its
    other networks are official.  The restorer of ``plugin`` is another package's code, which finds
    faces with the embedded detector so that it needs nothing fetched.
    """

    name: str
    kind: Literal["embedded", "official", "third-party", "plugin"]
    restorer: str
    detector: str
    parser: str | None
    parser_compat: str | None  # instead of ``parser`` under --upstream-compat

    @property
    def own_detector(self) -> bool:
        """Whether faces are found by the embedded detector and pasted with the template's mask."""
        return self.kind in {"embedded", "plugin"}

    def fetched(self, *, upstream_compat: bool = False) -> tuple[str, ...]:
        """Names of the official rows that must be here before a run."""
        if self.own_detector:
            return ()
        parser = self.parser_compat if upstream_compat else self.parser
        names = (self.restorer if self.kind == "official" else None, self.detector, parser)
        return tuple(name for name in names if name is not None)


EMBEDDED = Profile("embedded", "embedded", "restorer", "detector", None, None)
_DETECTOR, _PARSER, _PARSER_COMPAT = "retinaface-resnet50", "bisenet", "parsenet"
OFFICIAL = tuple(
    Profile(name, "official", name, _DETECTOR, _PARSER, _PARSER_COMPAT)
    for name in ("gfpgan-1.3", "gfpgan-1.4", "restoreformer")
)
BUILT_IN = (EMBEDDED, *OFFICIAL)


def profile(name: str) -> Profile:
    """The profile of this name: built in, added with ``models add``, or a plugin's; in this order.

    Raises `UsageError` for an unknown one, `IntegrityError` for an added one whose record is bad.
    """
    for known in BUILT_IN:
        if known.name == name:
            return known
    added = third_party_names()
    if name not in added:
        offered = plugin_names(RESTORERS)
        if name in offered:
            find_plugin(RESTORERS, name)
            return Profile(name, "plugin", name, "detector", None, None)
        names = [*(known.name for known in BUILT_IN), *added, *offered]
        raise UsageError(
            f"there is no model profile named {name!r}",
            f"Profiles: {', '.join(names)}. Add one with 'forensics models add NAME FILE'.",
        )
    read_third_party(name)
    return Profile(name, "third-party", name, _DETECTOR, _PARSER, _PARSER_COMPAT)
