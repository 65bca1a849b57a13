"""Speed: parts of ``python -m benchmarks.engine``."""
