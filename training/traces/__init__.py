"""Traces: the table by which footage of a face that was restored before is told."""
