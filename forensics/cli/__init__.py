"""Command line: parse, call, print through one output object, exit with the stated code."""

import os

# Read once, when torch loads OpenMP.  Threads that spin while they wait make a run five times
# slower as soon as another program wants the same cores; sleeping ones cost next to nothing.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
