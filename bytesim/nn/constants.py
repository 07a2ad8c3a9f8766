"""Sizes of parts that no setting changes, for all that computes them. No torch."""

READ_SIZE = 64
"""Width of a read of a patch, see reads.py."""
