"""Builds the model of a recipe, whose sizes are first compared with the memory: a recipe may ask for any of them."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import torch

from bytesim.errors import ConfigError, ModelError
from bytesim.models.registry import model_of
from bytesim.models.weights import MAX_BUFFER_ELEMENTS, outline
from bytesim.training.memory import total_memory

if TYPE_CHECKING:
    from bytesim.models.registry import Model, ModelConfig

MOST_LAYERS = 1024
"""More layers than any model has; the outline of a model of this many takes a second."""
BYTES_PER_PARAMETER = 16
"""A float32 weight, its gradient and the two moments of AdamW."""


def build(config: ModelConfig, device: torch.device, *, weights_only: bool = False) -> Model:
    """A new model on a device. Raises ConfigError for sizes that cannot be, or need more memory than there is.

    `weights_only`: it is not trained there, so memory for the weights is enough.
    """
    check_sizes(config, device, shards=BYTES_PER_PARAMETER // 4 if weights_only else 1)
    try:
        return model_of(config).to(device)
    except (RuntimeError, MemoryError) as error:
        raise ConfigError(f"[model]: there is not enough memory for the model ({_first_line(error)}).") from error


def check_sizes(config: ModelConfig, device: torch.device, *, shards: int = 1) -> int:
    """The number of parameters of a model, without allocating them. Raises ConfigError as `build` does.

    `shards` is the number of devices over which weights and optimizer state are spread.
    """
    for name, layers in _layers(config).items():
        if layers > MOST_LAYERS:
            raise ConfigError(f"[model]: {name} is {layers:,}; choose at most {MOST_LAYERS:,}.")
    try:
        model = outline(config.to_dict())
    except (ModelError, MemoryError) as error:
        raise ConfigError(f"[model]: {_first_line(error)}") from error
    parameters = sum(parameter.numel() for parameter in model.parameters())
    if sum(buffer.numel() for buffer in model.buffers()) > MAX_BUFFER_ELEMENTS:
        raise ConfigError(f"[model]: its tables have more than {MAX_BUFFER_ELEMENTS:,} numbers; choose smaller sizes.")
    memory, needed = total_memory(device), BYTES_PER_PARAMETER * parameters // shards
    if memory is not None and needed > memory:
        raise ConfigError(
            f"[model]: {parameters:,} parameters need {needed / 2**30:,.0f} GiB of memory to be trained, and there are "
            f"{memory / 2**30:,.0f} GiB. Choose smaller sizes."
        )
    return parameters


def _layers(config: ModelConfig) -> dict[str, int]:
    """The fields of a config that are numbers of layers."""
    values = {field.name: getattr(config, field.name) for field in fields(config)}
    names = [name for name in values if name.endswith("layers") or name == "next_bytes"]
    layers: dict[str, int] = {name: values[name] for name in names}
    layers |= {name: sum(value) for name, value in values.items() if name == "blocks_per_stage"}
    return layers


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)[:200]
