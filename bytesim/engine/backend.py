"""Chooses what runs a model that writes bytes: the native engine, or torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bytesim.engine.gpus import runs_on_cpu
from bytesim.errors import ConfigError, ModelError
from bytesim.models.native import NUMBER_TYPES, native_lacks

if TYPE_CHECKING:
    from bytesim.models.registry import ModelConfig

BACKENDS = ("auto", "native", "torch")
"""`auto` is the native engine where it can run the model, else torch."""


def choose_backend(config: ModelConfig, backend: str, *, device: str, dtype: str) -> str:
    """`native` or `torch`, for a model with this config.

    Raises ConfigError for an unknown name, or if `native` is asked for together with a device or number type that it
    does not have; ModelError if it cannot run this model.
    """
    if backend not in BACKENDS:
        raise ConfigError(f"engine backend {backend!r} is none of {', '.join(BACKENDS)}.")
    if backend == "torch":
        return backend
    lacks = native_lacks(config)
    elsewhere = not runs_on_cpu(device) or dtype not in ("auto", *NUMBER_TYPES)
    if backend == "auto":
        return "torch" if lacks or elsewhere else "native"
    if elsewhere:
        raise ConfigError("the native engine runs on a CPU, in float32 or int8; choose another --device and --dtype.")
    if lacks:
        raise ModelError(f"{lacks}. Choose --engine-backend torch.")
    return "native"
