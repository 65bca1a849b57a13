"""Measurements of the shipped networks and measures; nothing here is imported by ``forensics``."""
