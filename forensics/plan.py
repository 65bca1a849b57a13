"""Plan: what an audit would do, said without doing it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from forensics.config import Settings
from forensics.records import Mode
from forensics.undertaking import RESTORE, Undertaking


@dataclass(frozen=True)
class Plan:
    """What an audit would do."""

    file: str
    kind: str
    frames: int
    size: str
    models: tuple[str, ...]
    disk_bytes: int
    undertaking: str = "The faces are restored and held against the source."
    restored: str | None = None

    def document(self) -> dict[str, object]:
        """For ``--json``."""
        return {
            "plan": {
                "file": self.file,
                "kind": self.kind,
                "frames": self.frames,
                "size": self.size,
                "models": list(self.models),
                "disk_bytes_for_one_face_a_frame": self.disk_bytes,
                "undertaking": self.undertaking,
                "restored": self.restored,
            }
        }

    def lines(self) -> list[str]:
        """For a person."""
        return [
            f"{self.file}: {self.kind}, {self.frames} frame(s), {self.size}",
            *([self.restored] if self.restored else []),
            self.undertaking,
            f"Networks: {', '.join(self.models)}",
            f"Disk: about {self.disk_bytes / 1e6:.0f} MB for each person seen in every frame, "
            "plus the source. People are counted only when the clip is read.",
        ]


# A face as crop, restored, pair and map, 512 px PNGs: measured about 2.3 MB.
# Without an original there is the face alone.
_DISK_PER_FACE: Mapping[Mode, int] = {
    "restore": 2_300_000,
    "pair": 2_300_000,
    "restored_only": 600_000,
}


def plan(source: Path, settings: Settings, undertaking: Undertaking = RESTORE) -> Plan:
    """Say what an audit would do; reads the headers of what is given and counts the frames."""
    undertaking.check(settings, resume=False)
    from forensics.choices import measuring_names, network_names
    from forensics.media.probe import probe
    from forensics.models.profiles import profile

    s = probe(source).source
    other = undertaking.open()
    restoring = undertaking.mode == "restore"
    held = None
    disk_bytes = s.frames * _DISK_PER_FACE[undertaking.mode] + s.bytes
    if other is not None:
        o = other.media.source
        held = (
            f"{o.file}: {other.layout}, {o.frames} frame(s), {o.display_width}x{o.display_height}"
        )
        disk_bytes += o.bytes
    return Plan(
        file=s.file,
        kind=s.kind,
        frames=s.frames,
        size=f"{s.display_width}x{s.display_height}",
        models=network_names(settings, profile(settings.models))
        if restoring
        else measuring_names(probing=undertaking.mode == "pair"),
        disk_bytes=disk_bytes,
        undertaking=undertaking.words,
        restored=held,
    )
