"""Networks the embedded models use, built by class at their size, without any download."""
