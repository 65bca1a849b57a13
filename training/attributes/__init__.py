"""The glasses cue: labels, painted frames and a logistic fit."""
