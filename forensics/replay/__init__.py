"""Replay: restores again from a bundle's own source and says how far the result repeats."""
