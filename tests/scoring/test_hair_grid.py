"""`hair_grid`: lattices of known period and strength, hair without one, a grid the footage has."""

from __future__ import annotations

import numpy as np
import pytest

from forensics.scoring.hair_grid import (
    LOWEST,
    MIN_WINDOWS,
    WINDOW_PX,
    measure_hair_grid,
    peak_share,
    windows,
)
from tests.scoring import painted
from tests.scoring.made_faces import Picture, face, filmed


def grid(truth: Picture, drawn: Picture, factor: float = 4.0) -> float:
    return measure_hair_grid(face(filmed(truth, factor), drawn)).values["hair_grid"]


def test_true_hair_has_no_grid(portrait: Picture) -> None:
    for factor in (2.0, 4.0, 7.0):
        assert grid(portrait, portrait, factor) < 0.05


@pytest.mark.parametrize(("period", "amplitude"), [(4, 12.0), (8, 12.0), (16, 24.0)])
def test_a_lattice_is_seen(portrait: Picture, period: int, amplitude: float) -> None:
    """At 16 px only a strong one: strands of the hair themselves have energy there."""
    assert grid(portrait, painted.lattice(portrait, period, amplitude)) > 0.15


def test_energy_along_one_direction_is_no_grid() -> None:
    """A smooth hairline: all of its fine energy lies on one axis, and falls off along it."""
    y = np.arange(512)[:, None] / 512 * np.ones((1, 512))
    edges = sum(np.tanh(30 * (y - at)) for at in np.linspace(0.1, 0.9, 14))
    soft = np.repeat((127 + 20 * edges / 3)[..., None], 3, 2).clip(0, 255).astype(np.uint8)
    flat = np.full((512, 512, 3), 127, np.uint8)
    rng = np.random.default_rng(2)
    grain = rng.normal(0, 1, (512, 512, 1))
    noisy = np.clip(soft + grain, 0, 255).astype(np.uint8)
    assert grid(flat, noisy) < 0.05


def test_a_stronger_lattice_reads_higher(portrait: Picture) -> None:
    found = [grid(portrait, painted.lattice(portrait, 8, a)) for a in (2.0, 6.0, 12.0)]
    assert found == sorted(found)


def test_a_grid_that_the_footage_has_counts_against_it(portrait: Picture) -> None:
    laid = painted.lattice(portrait, 16, 25.0)
    assert grid(laid, laid, 2.0) < grid(portrait, laid, 2.0) - 0.05


def test_noise_and_a_line_by_the_spectrum_itself() -> None:
    """White noise has no peaks; a wave of known energy reads its share."""
    rng = np.random.default_rng(6)
    noise = np.mean(
        [np.abs(np.fft.fft2(rng.normal(size=(64, 64)))) ** 2 for _ in range(40)], axis=0
    )
    assert peak_share(noise, LOWEST) < 0.02
    hann = np.hanning(WINDOW_PX + 2)[1:-1]
    wave = np.cos(2 * np.pi * np.arange(64) / 8)[None, :] * np.ones((64, 1))
    power = np.abs(np.fft.fft2(wave * np.outer(hann, hann))) ** 2
    # A line of the energy of the noise: half of everything.
    both = noise / noise.mean() + power / power.mean()
    assert peak_share(both, LOWEST) == pytest.approx(0.5, abs=0.1)


def test_the_band_has_enough_windows_and_flat_hair_abstains() -> None:
    assert len(windows()) >= 2 * MIN_WINDOWS
    flat = np.full((512, 512, 3), 90, np.uint8)
    reading = measure_hair_grid(face(filmed(flat, 3.0, noise=0.0), flat))
    assert "no fine detail" in reading.reasons["hair_grid"]
