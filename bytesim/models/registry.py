"""The list of all architectures, by their name in config.json. Each is imported when it is first used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bytesim.errors import ConfigError
from bytesim.models.folder import CONFIG_FILE, read_config

if TYPE_CHECKING:
    from bytesim.models.bgpt.config import BGPTConfig
    from bytesim.models.bgpt.model import BGPT
    from bytesim.models.blt.config import BLTConfig
    from bytesim.models.blt.model import BLT
    from bytesim.models.encoder.config import EncoderConfig
    from bytesim.models.encoder.model import Encoder
    from bytesim.models.flat.config import FlatConfig
    from bytesim.models.flat.model import Flat

    WriterConfig = BGPTConfig | BLTConfig | FlatConfig
    ModelConfig = WriterConfig | EncoderConfig
    Model = BGPT | BLT | Flat | Encoder


def _bgpt_config(fields: dict[str, Any]) -> BGPTConfig:
    from bytesim.models.bgpt.config import BGPTConfig

    return BGPTConfig.from_dict(fields)


def _encoder_config(fields: dict[str, Any]) -> EncoderConfig:
    from bytesim.models.encoder.config import EncoderConfig

    return EncoderConfig.from_dict(fields)


def _blt_config(fields: dict[str, Any]) -> BLTConfig:
    from bytesim.models.blt.config import BLTConfig

    return BLTConfig.from_dict(fields)


def _flat_config(fields: dict[str, Any]) -> FlatConfig:
    from bytesim.models.flat.config import FlatConfig

    return FlatConfig.from_dict(fields)


def _bgpt(config: Any) -> BGPT:
    from bytesim.models.bgpt.model import BGPT

    return BGPT(config)


def _encoder(config: Any) -> Encoder:
    from bytesim.models.encoder.model import Encoder

    return Encoder(config)


def _blt(config: Any) -> BLT:
    from bytesim.models.blt.model import BLT

    return BLT(config)


def _flat(config: Any) -> Flat:
    from bytesim.models.flat.model import Flat

    return Flat(config)


@dataclass(frozen=True)
class Architecture:
    """How to read the config of an architecture, and how to build its model with fresh weights."""

    read_config: Callable[[dict[str, Any]], ModelConfig]
    build: Callable[[Any], Model]


ARCHITECTURES = {
    "bgpt": Architecture(_bgpt_config, _bgpt),
    "blt": Architecture(_blt_config, _blt),
    "encoder": Architecture(_encoder_config, _encoder),
    "flat": Architecture(_flat_config, _flat),
}


def config_of(values: Mapping[str, Any]) -> ModelConfig:
    """The config in a config.json or in a recipe's [model]: `architecture` and the fields of its config class.

    Raises ConfigError for an unknown architecture, an unknown field or a value that does not fit.
    """
    fields = dict(values)
    architecture = fields.pop("architecture", None)
    if not isinstance(architecture, str) or architecture not in ARCHITECTURES:
        known = ", ".join(sorted(ARCHITECTURES))
        raise ConfigError(f"unknown architecture {architecture!r}. This version of bytesim knows: {known}.")
    return ARCHITECTURES[architecture].read_config(fields)


def stored_config(folder: Path) -> ModelConfig:
    """The config of a model folder. Raises ModelError if it cannot be read, ConfigError if it is invalid."""
    try:
        return config_of(read_config(folder))
    except ConfigError as error:
        raise error.in_file(str(folder / CONFIG_FILE)) from error


def build_model(config: Mapping[str, Any]) -> Model:
    """A model with fresh weights from the contents of a config.json: `architecture` and the fields of its config class.

    Raises ConfigError for an unknown architecture, an unknown field or a value that does not fit.
    """
    return model_of(config_of(config))


def model_of(config: ModelConfig) -> Model:
    """A model with this config and fresh weights."""
    return ARCHITECTURES[config.to_dict()["architecture"]].build(config)
