"""Devices and number types that a model is loaded for."""

from __future__ import annotations

import torch

from bytesim.engine.hardware import devices
from bytesim.errors import ConfigError

DTYPES = ("auto", "float32", "bfloat16")


def open_device(name: str) -> torch.device:
    """The device of that name; `auto` is the first of `devices()`. Raises ConfigError for one that cannot be used."""
    try:
        device = torch.device(devices()[0] if name == "auto" else name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(f"device {name!r} cannot be used here. This machine has: {', '.join(devices())}.") from error
    return device
