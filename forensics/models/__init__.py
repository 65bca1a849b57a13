"""Models: which weights exist, where they are, and loading them after their digest matched."""
