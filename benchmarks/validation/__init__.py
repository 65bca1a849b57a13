"""Validation of the risk: held-out people, families and restorers left out, every baseline."""
