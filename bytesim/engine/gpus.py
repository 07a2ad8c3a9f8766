"""Whether this machine may have a GPU, found out without torch, whose import takes more than a second."""

from __future__ import annotations

import ctypes.util
import platform
import sys
from pathlib import Path

_DEVICE_FILES = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")
"""Of the drivers of NVIDIA, of AMD, and of GPUs under WSL."""


def runs_on_cpu(device: str) -> bool:
    """Whether torch's device of this name is the CPU; `auto` is a GPU if there is one. Raises ConfigError."""
    if device == "cpu" or (device == "auto" and not may_have_gpu()):
        return True
    from bytesim.engine.hardware import open_device

    return open_device(device).type == "cpu"


def may_have_gpu() -> bool:
    """Whether torch may find a GPU. False is certain; true means that torch has to be asked."""
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    if sys.platform == "win32":
        return ctypes.util.find_library("nvcuda") is not None
    return any(Path(path).exists() for path in _DEVICE_FILES)
