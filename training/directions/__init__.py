"""Directions of the embedded restorer's latent along which it draws other faces."""
