"""Keeps freed memory in the process, because every training step allocates the same large blocks again."""

from __future__ import annotations

import ctypes
import platform

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3
_LARGEST = 2**31 - 1


def keep_freed_memory() -> bool:
    """Make glibc keep freed memory; returning it after each step would cost much time in page faults.

    Returns whether it took effect; false on systems with another C library.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    settings = {_M_MMAP_THRESHOLD: _LARGEST, _M_TRIM_THRESHOLD: _LARGEST, _M_TOP_PAD: 64 << 20}
    return all(mallopt(option, value) for option, value in settings.items())
