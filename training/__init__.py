"""Recipes that made the embedded networks. Nothing here is imported by ``forensics``."""
