"""Architectures by the name that config.json carries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from bytesim.errors import ConfigError
from bytesim.models.bgpt import BGPT, BGPTConfig

ARCHITECTURES: dict[str, Callable[[dict[str, Any]], nn.Module]] = {
    "bgpt": lambda fields: BGPT(BGPTConfig.from_dict(fields)),
}


def build_model(config: Mapping[str, Any]) -> nn.Module:
    """A model with fresh weights from the contents of a config.json: `architecture` and that config's own fields.

    Raises ConfigError for an unknown architecture, an unknown field or a value that does not fit.
    """
    fields = dict(config)
    architecture = fields.pop("architecture", None)
    if not isinstance(architecture, str) or architecture not in ARCHITECTURES:
        known = ", ".join(sorted(ARCHITECTURES))
        raise ConfigError(f"unknown architecture {architecture!r}. This version of bytesim knows: {known}.")
    return ARCHITECTURES[architecture](fields)
