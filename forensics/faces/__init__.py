"""Faces: found with five landmarks, aligned to the FFHQ template, followed as people."""
