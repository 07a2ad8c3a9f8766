"""Architectures, one folder each, and the folders their weights live in."""
