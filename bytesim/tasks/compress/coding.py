"""Codes a content with the context mixer, and with a model where one is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from bytesim.errors import FormatError, ToolError
from bytesim.native.library import Kernels, kernels
from bytesim.native.mixer import RUN_BYTES, ByteMixer
from bytesim.predictors.next_byte import NextByte

PIECE_BYTES = 1024
"""Bytes that are coded with a model between two reports of progress."""

OnBytes = Callable[[int], None]
"""Called with the number of bytes coded since the last call."""


def compiled() -> Kernels:
    """The compiled kernels. Raises ToolError where they were not built."""
    found = kernels()
    if found is None:
        raise ToolError(
            "compression needs the compiled kernels, which were not built here. Install a C compiler and then bytesim "
            "again, or a wheel of it."
        )
    return found


def encode(
    read: Callable[[int], bytes], num_bytes: int, reader: NextByte | None = None, on_bytes: OnBytes | None = None
) -> Iterator[bytes]:
    """Yield the code of a content of so many bytes, which `read(n)` gives piece by piece, n bytes at a time."""
    mixer = ByteMixer(compiled(), num_bytes, with_model=reader is not None)
    for count in _pieces(num_bytes, RUN_BYTES if reader is None else PIECE_BYTES):
        data = read(count)
        if reader is None:
            yield mixer.encode(data)
        else:
            yield b"".join([_encode_byte(mixer, reader, byte) for byte in data])
        if on_bytes:
            on_bytes(count)
    yield mixer.finish()


def _encode_byte(mixer: ByteMixer, reader: NextByte, byte: int) -> bytes:
    code = mixer.encode(bytes([byte]), reader.logits())
    reader.write(byte)
    return code


def decode(
    code: NDArray[np.uint8], num_bytes: int, reader: NextByte | None = None, on_bytes: OnBytes | None = None
) -> Iterator[bytes]:
    """Yield a content of so many bytes from its whole code. Raises FormatError where the code ends too early."""
    mixer = ByteMixer(compiled(), num_bytes, with_model=reader is not None)
    for count in _pieces(num_bytes, RUN_BYTES if reader is None else PIECE_BYTES):
        if reader is None:
            yield mixer.decode(code, count)
        else:
            yield b"".join([_decode_byte(mixer, reader, code) for _ in range(count)])
        if mixer.is_beyond(code):
            raise FormatError("the file ends too early, or is damaged. Copy it again, whole.")
        if on_bytes:
            on_bytes(count)


def _decode_byte(mixer: ByteMixer, reader: NextByte, code: NDArray[np.uint8]) -> bytes:
    byte = mixer.decode(code, 1, reader.logits())
    reader.write(byte[0])
    return byte


def _pieces(num_bytes: int, size: int) -> Iterator[int]:
    """The sizes of the pieces in which a content of so many bytes is coded."""
    for start in range(0, num_bytes, size):
        yield min(size, num_bytes - start)
