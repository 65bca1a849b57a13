"""Pairs: somebody else's restoration, found, laid on its source and read beside it."""
