"""Sizes of parts that no setting changes, for all that computes them. No torch."""

from bytesim.patching import VOCAB_SIZE

BEGIN_ID = 1
"""What the end-of-patch is as an input, where bytes begin after some specials, see vocabulary.py."""
END_ID = 2
"""What it is as an output."""


def vocabulary_size(byte_offset: int) -> int:
    """Number of ids where bytes begin at `byte_offset`, which is 0 or `patching.BYTE_OFFSET`."""
    return byte_offset + 256 if byte_offset else VOCAB_SIZE


READ_SIZE = 64
"""Width of a read of a patch, see reads.py."""
