"""Limits: how much one source may ask of this machine, checked before anything is decoded.

Promise: a header that declares more than this is refused with a clear message; a file whose header
lies is stopped while it is counted.
"""

from __future__ import annotations

from dataclasses import dataclass

from forensics.errors import InputError


@dataclass(frozen=True)
class Limits:
    """Upper bounds for one source.

    Defaults hold 8K video (33 M px), four hours at 60 frames a second less than a million frames,
    and files of 64 GiB.  ``output_px`` bounds one enlarged frame.
    """

    side_px: int = 16_384
    frame_px: int = 50_000_000
    output_px: int = 200_000_000
    frames: int = 1_000_000
    duration_s: float = 6 * 3600.0
    bytes: int = 64 * 2**30

    def check_size(self, name: str, width: int, height: int) -> None:
        """Refuse a declared picture size. Raises `InputError`."""
        if width < 1 or height < 1:
            raise InputError(f"{name} declares a picture of {width}x{height} pixels")
        if max(width, height) > self.side_px or width * height > self.frame_px:
            raise InputError(
                f"{name} declares pictures of {width}x{height} pixels; at most "
                f"{self.side_px} a side and {self.frame_px:,} in all are read",
                "Scale it down first and audit the smaller copy.",
            )

    def check_output(self, name: str, width: int, height: int) -> None:
        """Refuse an enlarged picture size. Raises `InputError`."""
        if width * height > self.output_px:
            raise InputError(
                f"{name} would be restored at {width}x{height} pixels; at most "
                f"{self.output_px:,} in all are written",
                "Use a smaller --upscale.",
            )

    def check_bytes(self, name: str, count: int) -> None:
        """Refuse a file size. Raises `InputError`."""
        if count > self.bytes:
            raise InputError(f"{name} is {count:,} bytes long; at most {self.bytes:,} are read")

    def check_frames(self, name: str, count: int) -> None:
        """Refuse a number of frames, declared or counted. Raises `InputError`."""
        if count > self.frames:
            raise InputError(
                f"{name} holds more than {self.frames:,} frames",
                "Cut it into parts and audit them one by one.",
            )

    def check_duration(self, name: str, seconds: float) -> None:
        """Refuse a declared duration. Raises `InputError`."""
        if seconds > self.duration_s:
            raise InputError(
                f"{name} declares {seconds:,.0f} seconds; at most {self.duration_s:,.0f} are read",
                "Cut it into parts and audit them one by one.",
            )


DEFAULT = Limits()
