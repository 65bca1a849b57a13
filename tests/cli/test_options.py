"""The options that commands share become settings: all of them, and nothing that was not given."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import pytest

from forensics.cli import options
from forensics.cli.audit import audit
from forensics.cli.batch import batch
from forensics.config import Settings

ZIP = frozenset({"zip"})  # a batch writes folders


def _defaults(command: Callable[..., None]) -> dict[str, object]:
    return {name: one.default for name, one in inspect.signature(command).parameters.items()}


@pytest.mark.parametrize("command", [audit, batch])
def test_nothing_given_is_no_setting(command: Callable[..., None]) -> None:
    assert options.given(_defaults(command)) == {}


@pytest.mark.parametrize(("command", "without"), [(audit, frozenset()), (batch, ZIP)])
def test_every_setting_has_its_option(
    command: Callable[..., None], without: frozenset[str]
) -> None:
    """A setting that no option reached would look as if it had an effect."""
    parameters = {
        name: True if default is False else ["one", "two"] if name == "measure" else "x"
        for name, default in _defaults(command).items()
    }
    found = options.given(parameters)
    assert set(found) == set(Settings.model_fields) - without
    assert found["measure"] == "one,two"
    assert (found["original"], found["label"], found["private"]) == (False, False, True)
