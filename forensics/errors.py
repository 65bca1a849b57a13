"""Errors: what can go wrong, what to do about it, and the exit code it means.

    ForensicsError
    |-- UsageError            2  wrong use of the command
    |-- InputError            3  the input is bad
    |   `-- IncompleteError   3  part of the work failed; the rest is kept and says so
    |-- IntegrityError        4  a hash, signature, weight or bundle does not match
    |-- EnvironmentLacks      5  a model, codec, library or device is absent
    `-- Interrupted         130  stopped by the user

One ``except ForensicsError`` lives in ``cli/app.py``.
"""

from __future__ import annotations


class ForensicsError(Exception):
    """Base: a message for a reader, advice, and the exit code of the command."""

    exit_code = 3

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(ForensicsError):
    """Wrong use of the command."""

    exit_code = 2


class InputError(ForensicsError):
    """The input cannot be examined."""

    exit_code = 3


class IncompleteError(InputError):
    """Part of the work failed; what was done is kept and says so."""


class IntegrityError(ForensicsError):
    """Something is not what its digest says."""

    exit_code = 4


class EnvironmentLacks(ForensicsError):
    """This machine lacks something that was asked for."""

    exit_code = 5


class Interrupted(ForensicsError):
    """Stopped by the user; nothing that looks complete was left."""

    exit_code = 130
