"""Capture: the stage that takes a clip from the web and records where it came from.

Promise: public http and https addresses alone are reached; what is kept is what was served, byte
for byte, with its record beside it; what did not come whole leaves nothing under its own name.
"""
