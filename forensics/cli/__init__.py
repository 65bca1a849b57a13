"""Command line: parse, call, print through one output object, exit with the stated code."""
