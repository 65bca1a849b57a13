"""What the traces network is trained with. The card prints these numbers."""

from __future__ import annotations

SEED = 20261129
SCENES = 3  # of each person of `train`
BATCH = 16
PROCESSES = 2  # that share a batch; with another number the weights differ in their last digits
EPOCHS = 6
LR = (2e-3, 2e-5)  # falls by a cosine over the steps
WARMUP_STEPS = 200
EMA_DECAY = 0.998
CLIP_NORM = 1.0
WEIGHT_DECAY = 1e-3
DROPOUT = 0.3  # of what the zones hold
UNTOUCHED_WEIGHT = 2.0  # of an untouched sample against a restored one
NARROW = 0.3  # share of samples that lose some of their surroundings
SIDE_PX = 24  # a sample has at least
