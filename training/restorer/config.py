"""What the restorer is trained with: stages, rates, weights. The card prints these numbers."""

from __future__ import annotations

from dataclasses import dataclass

SEED = 20261122
EMA_DECAY = 0.998


@dataclass(frozen=True)
class Stage:
    """One stretch of training at one size. ``lr`` falls from first to second value by a cosine."""

    name: str
    px: int
    batch: int
    steps: int
    lr: tuple[float, float]
    pixel: float = 1.0
    gradient: float = 0.5
    perceptual: float = 0.0
    adversarial: float = 0.0
    clean: float = 0.0  # share of samples that are small but well kept (`degrade.draw_clean`)
    sharp_only: float = 0.5  # share of samples drawn from photos with >= 100 px between the eyes
    factors: tuple[float, float] = (2.0, 10.0)  # shrink against the 512 template, most samples


STAGES = (
    Stage("pixel128", 128, 4, 600, (6e-4, 5e-4), sharp_only=0.3),
    Stage("pixel256", 256, 2, 340, (4e-4, 3e-4), sharp_only=0.6),
    Stage(
        "sharp256", 256, 2, 654, (4e-4, 3.5e-4), perceptual=2.0, adversarial=0.01, sharp_only=0.75
    ),
    # The sharp stage pays for detail with fidelity; this one buys the fidelity back.
    Stage("balance256", 256, 2, 850, (3.5e-4, 2e-5), pixel=2.0, perceptual=0.4, sharp_only=0.75),
    Stage(
        "faithful256",
        256,
        2,
        450,
        (2.5e-4, 1e-5),
        pixel=6.0,
        gradient=0.25,
        perceptual=0.25,
        sharp_only=0.75,
    ),
    # What is well kept must stay as it is.
    Stage(
        "clean256",
        256,
        2,
        420,
        (2.0e-4, 1e-5),
        pixel=6.0,
        gradient=0.25,
        perceptual=0.25,
        clean=0.5,
        sharp_only=0.75,
    ),
    # Four times smaller is where fidelity and sharpness were both short: most samples lie there.
    Stage(
        "near256",
        256,
        2,
        3207,
        (3.0e-4, 2.0e-4),
        pixel=5.0,
        gradient=0.25,
        perceptual=0.6,
        clean=0.4,
        sharp_only=0.8,
        factors=(2.5, 9.0),
    ),
    # Sharpness was bought; on people of the fit list fidelity was still short.
    Stage(
        "level256",
        256,
        2,
        3600,
        (2.2e-4, 5e-6),
        pixel=9.0,
        gradient=0.25,
        perceptual=0.35,
        clean=0.4,
        sharp_only=0.8,
        factors=(2.5, 9.0),
    ),
)
