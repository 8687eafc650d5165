"""Measurements of speed and quality, each a script of its own; `make help` and the README name them."""
