"""Whole architectures, one file each, and the folders their weights live in."""
