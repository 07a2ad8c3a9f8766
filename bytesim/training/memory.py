"""Memory of a training: keeps freed blocks in the process, as every step needs them, and says how much there is."""

from __future__ import annotations

import ctypes
import os
import platform
from contextlib import suppress

import torch

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


def total_memory(device: torch.device) -> int | None:
    """Bytes of memory of a GPU, or of the computer for other devices; None where the system does not tell."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    with suppress(AttributeError, OSError, ValueError):  # Windows has no sysconf
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return None
