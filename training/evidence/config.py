"""What the evidence network is trained with. The card prints these numbers."""

from __future__ import annotations

SEED = 20261123
BATCH = 8
STEPS = 3600
LR = (8e-4, 8e-6)  # falls by a cosine over the steps
WARMUP_STEPS = 100
EMA_DECAY = 0.998
CLIP_NORM = 1.0
WEIGHT_DECAY = 1e-4
FACTORS = (1.2, 16.0)  # shrink against the 512 template, 15 % of the samples
USUAL_FACTORS = (2.0, 11.0)  # the others
CLEAN = 0.12  # share of samples that are small but well kept
SHARP = 0.55  # share of samples from photos with >= 100 px between the eyes
ALPHA = 0.10  # of the true values, five in a hundred lie below and five above the bounds
MEAN_WEIGHT = 12.0  # of the squared error against the pinball losses, both on [0, 1]
SIZE_WEIGHTS = (1.0, 1.0, 0.7)  # of 256, 128 and 64 px
