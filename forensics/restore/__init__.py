"""Restore stage: draw each aligned face anew, enlarge the picture, put the faces back.

Promise: every face ends as pixels or as a `Failure`; nothing else is ever put in its place.
"""
