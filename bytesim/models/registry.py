"""Architectures by the name that config.json carries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bytesim.models.bgpt.model import BGPT
from bytesim.models.config import ModelConfig, config_of
from bytesim.models.encoder.model import Encoder

Model = BGPT | Encoder

ARCHITECTURES: dict[str, Callable[[Any], Model]] = {"bgpt": BGPT, "encoder": Encoder}


def build_model(config: Mapping[str, Any]) -> Model:
    """A model with fresh weights from the contents of a config.json: `architecture` and that config's own fields.

    Raises ConfigError for an unknown architecture, an unknown field or a value that does not fit.
    """
    return model_of(config_of(config))


def model_of(config: ModelConfig) -> Model:
    """A model with fresh weights of a config."""
    return ARCHITECTURES[config.to_dict()["architecture"]](config)
