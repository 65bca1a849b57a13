"""Undertaking: whether to restore, to hold a pair together, or to look at a restored clip alone.

Loads nothing heavy before it is asked to.  Promise: options that make no sense together are refused
with advice before anything is read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from forensics.config import Settings
from forensics.errors import UsageError
from forensics.records import Mode

if TYPE_CHECKING:
    from forensics.pairs.other import Other
    from forensics.run import AuditRun

_WORDS: Final[dict[Mode, str]] = {
    "restore": "The faces are restored and held against the source.",
    "pair": "Nothing is restored: the restoration that is given is held against the source.",
    "restored_only": "Nothing is restored and there is no original: what needs none is measured.",
}


@dataclass(frozen=True)
class Undertaking:
    """What kind of audit was asked for; make one with `Undertaking.of`.

    ``given`` names the settings that somebody asked for, as far as that is known.
    """

    mode: Mode = "restore"
    restored: Path | None = None
    given: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls, restored: Path | None, restored_only: bool, given: Collection[str] = ()
    ) -> Undertaking:
        """From the options. `UsageError` when both are given."""
        if restored is not None and restored_only:
            raise UsageError(
                "--restored and --restored-only exclude each other",
                "With an original: forensics audit ORIGINAL --restored OTHER. Without one: "
                "forensics audit CLIP --restored-only.",
            )
        mode: Mode = "restore"
        if restored is not None:
            mode = "pair"
        elif restored_only:
            mode = "restored_only"
        return cls(mode, restored, frozenset(given))

    @property
    def resumable(self) -> bool:
        """Whether an interrupted run leaves restored faces that another one can take up."""
        return self.mode == "restore"

    @property
    def words(self) -> str:
        """One sentence about what is done."""
        return _WORDS[self.mode]

    @property
    def _option(self) -> str:
        return "--restored" if self.mode == "pair" else "--restored-only"

    def check(self, settings: Settings, *, resume: bool) -> None:
        """Check the settings. `UsageError` (2), `EnvironmentLacks` (5)."""
        from forensics.choices import check_measuring, check_settings

        if self.mode == "restore":
            check_settings(settings)
            return
        check_measuring(settings, self._option, self.given)
        if resume:
            raise UsageError(
                f"{self._option} cannot be resumed: nothing is restored, so an interrupted run "
                "leaves no restored faces to take up",
                "Run it again without --resume.",
            )

    def open(self) -> Other | None:
        """The restoration that is held against the source; None in other modes.

        Raises `UsageError` (2) and `InputError` (3), see `forensics.pairs.other.open_other`.
        """
        if self.restored is None:
            return None
        from forensics.pairs.other import open_other

        return open_other(self.restored)

    def run(self, other: Other | None) -> Callable[..., AuditRun]:
        """What makes the run, from the arguments of `forensics.run.AuditRun`."""
        made: Any
        if other is not None:
            from forensics.run_pair import PairRun

            made = partial(PairRun, other=other)
        elif self.mode == "restored_only":
            from forensics.run_alone import AloneRun

            made = AloneRun
        else:
            from forensics.run import AuditRun

            made = AuditRun
        constructor: Callable[..., AuditRun] = made
        return constructor


RESTORE: Final = Undertaking()
"""The usual audit."""
