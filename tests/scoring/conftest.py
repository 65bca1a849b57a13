"""Scoring tests: one public-domain portrait, filmed small, and seeded random networks."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import skimage.data
import torch

from forensics.models.load import LoadedModel
from forensics.models.nets.identity import FaceNet112

Picture = np.ndarray


@pytest.fixture(scope="session")
def portrait() -> Picture:
    """Eileen Collins (NASA, public domain) on the template's scale: (512, 512, 3) RGB."""
    # The middle of the eyes lies at about (224.6, 101.4); they are 43 px apart.
    matrix = cv2.getRotationMatrix2D((224.6, 101.4), 2.3, 125.92 / 43)
    matrix[:, 2] += np.array([256 - 224.6, 240 - 101.4])
    picture = cv2.warpAffine(skimage.data.astronaut(), matrix, (512, 512), flags=cv2.INTER_CUBIC)
    # Enlarged 2.8 times: sharpened, so that there is detail for small footage to lose.
    soft = cv2.GaussianBlur(picture, (0, 0), 2)
    return np.clip(2.2 * picture.astype(float) - 1.2 * soft, 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def widened(portrait: Picture) -> Picture:
    """The same face 8 % wider about its middle."""
    matrix = np.array([[1.08, 0, -0.08 * 256], [0, 1, 0]])
    return cv2.warpAffine(
        portrait, matrix, (512, 512), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )


@pytest.fixture(scope="session")
def identity_model() -> LoadedModel:
    """The embedding network with seeded random weights."""
    torch.manual_seed(5)
    return LoadedModel("identity", FaceNet112().state_dict(), "1" * 64, {})


@pytest.fixture(scope="session")
def perceptual_model() -> LoadedModel:
    """The perceptual network with seeded random weights."""
    import warnings

    import lpips

    torch.manual_seed(6)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torchvision's `pretrained`, as the builder explains
        net = lpips.LPIPS(pretrained=False, net="alex", pnet_rand=True, verbose=False)
    state = {k: v.abs() if k.startswith("lin") else v for k, v in net.state_dict().items()}
    return LoadedModel("perceptual", state, "2" * 64, {})
