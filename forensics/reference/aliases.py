"""Reference, aliases: the two modules that basicsr 1.4.2 imports and that are gone since.

``torchvision.transforms.functional_tensor`` left torchvision with 0.17; ``distutils`` left Python
with 3.12 and lives on inside setuptools.  Nothing else of the official packages is replaced.
"""

from __future__ import annotations

import importlib
import sys
from importlib.util import find_spec
from types import ModuleType

GONE = "torchvision.transforms.functional_tensor"


def supply_missing_modules() -> None:
    """Make the official packages importable.  Does nothing where their imports still exist.

    basicsr takes one function from the old place, `rgb_to_grayscale` (basicsr/data/
    degradations.py:8), which torchvision now offers in `transforms.functional`.
    Raises `ImportError` when torchvision, or on Python 3.12 setuptools, is absent.
    """
    if find_spec("distutils") is None:
        # setuptools puts its own copy of distutils in the place of the one that is gone.
        importlib.import_module("setuptools")
    if GONE in sys.modules or find_spec(GONE) is not None:
        return
    functional = importlib.import_module("torchvision.transforms.functional")
    stand_in = ModuleType(GONE, "The one function that basicsr 1.4.2 takes from here.")
    stand_in.__dict__["rgb_to_grayscale"] = functional.rgb_to_grayscale
    sys.modules[GONE] = stand_in
