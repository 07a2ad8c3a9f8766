"""The context mixer of the compiled kernels: lossless coding of bytes, with the logits of a model or without."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bytesim.errors import BytesimError
from bytesim.native.library import Kernels

RUN_BYTES = 65536
"""Most bytes of one call. Calls of just so many bytes code a repeated byte at once, so both sides cut files alike."""
_LEAST_BITS, _MOST_BITS = 6, 18
_LEAST_WINDOW, _MOST_WINDOW = 10, 24
_LOGITS = 257
_lock = threading.Lock()

Floats = NDArray[np.float32]


class ByteMixer:
    """Codes one file, from its first byte to its last: either `encode` and `finish`, or `decode`.

    `num_bytes` is the length of the file. It decides the size of the tables (at most 240 MB), so `encode` and `decode`
    need the same number. Raises BytesimError if the tables do not fit the memory.
    """

    def __init__(self, kernels: Kernels, num_bytes: int, *, with_model: bool = False) -> None:
        self._library = declare(kernels.library)
        bits = min(max((num_bytes // 2).bit_length(), _LEAST_BITS), _MOST_BITS)
        window = min(max(num_bytes.bit_length(), _LEAST_WINDOW), _MOST_WINDOW)
        with _lock:  # the first mixer fills tables that all share
            self._mixer = self._library.bytesim_mixer_new(bits, window, with_model)
        if not self._mixer:
            raise BytesimError("there is not enough memory for the tables of the compression.")
        self._read = 0
        self._out = np.empty(16 * RUN_BYTES + 8, np.uint8)

    def __del__(self) -> None:
        mixer, self._mixer = getattr(self, "_mixer", None), None
        if mixer:
            self._library.bytesim_mixer_free(mixer)

    def encode(self, data: bytes, logits: Floats | None = None) -> bytes:
        """The code of at most RUN_BYTES further bytes, given the (n, 257) logits of a model before each of them."""
        source, given = np.frombuffer(data, np.uint8), _given(logits, len(data))
        count = self._library.bytesim_mixer_encode(
            self._mixer, source.ctypes.data, len(source), given, self._out.ctypes.data
        )
        return self._out[:count].tobytes()

    def measure(self, data: bytes) -> Floats:
        """(n, 3) of each further byte its bits, the bits that were expected, and evidence against what was expected.

        The evidence is that of `predictors.surprise`, with a byte as eight bits.
        """
        told, source = np.zeros((len(data), 3), np.float32), np.frombuffer(data, np.uint8)
        self._library.bytesim_mixer_measure(self._mixer, source.ctypes.data, len(source), told.ctypes.data)
        return told

    def finish(self) -> bytes:
        """The end of the code."""
        return self._out[: self._library.bytesim_mixer_finish(self._mixer, self._out.ctypes.data)].tobytes()

    def decode(self, code: NDArray[np.uint8], count: int, logits: Floats | None = None) -> bytes:
        """At most RUN_BYTES further bytes of a file whose whole code is given, cut and conditioned as for `encode`."""
        given = _given(logits, count)
        self._read = self._library.bytesim_mixer_decode(
            self._mixer, code.ctypes.data, len(code), self._read, count, given, self._out.ctypes.data
        )
        return self._out[:count].tobytes()

    def is_beyond(self, code: NDArray[np.uint8]) -> bool:
        """Whether more bytes of the code were read than an intact file has: of its last ones it needs 8 at a time."""
        return bool(self._read >= len(code) + 8)


def _given(logits: Floats | None, count: int) -> int | None:
    if logits is None:
        return None
    assert logits.shape == (count, _LOGITS)
    assert logits.dtype == np.float32
    assert logits.flags.c_contiguous
    return int(logits.ctypes.data)


def declare(library: ctypes.CDLL) -> ctypes.CDLL:
    """Tell ctypes the types of the functions of the mixer."""
    address, number = ctypes.c_void_p, ctypes.c_int64
    functions: Sequence[tuple[str, object, list[object]]] = (
        ("new", address, [ctypes.c_int32] * 3),
        ("free", None, [address]),
        ("encode", number, [address, address, number, address, address]),
        ("measure", None, [address, address, number, address]),
        ("finish", number, [address, address]),
        ("decode", number, [address, address, number, number, number, address, address]),
    )
    for name, result, arguments in functions:
        function = getattr(library, f"bytesim_mixer_{name}")
        function.restype, function.argtypes = result, arguments
    return library
