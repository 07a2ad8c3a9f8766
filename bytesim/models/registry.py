"""Architectures by the name that config.json carries. Configs need no torch; models import it when one is built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from bytesim.errors import ConfigError
from bytesim.models.bgpt import config as bgpt_config
from bytesim.models.bgpt.config import BGPTConfig
from bytesim.models.encoder import config as encoder_config
from bytesim.models.encoder.config import EncoderConfig

if TYPE_CHECKING:
    from bytesim.models.bgpt.model import BGPT
    from bytesim.models.encoder.model import Encoder

    Model = BGPT | Encoder

ModelConfig = BGPTConfig | EncoderConfig

CONFIGS: dict[str, Callable[[dict[str, Any]], ModelConfig]] = {
    bgpt_config.ARCHITECTURE: BGPTConfig.from_dict,
    encoder_config.ARCHITECTURE: EncoderConfig.from_dict,
}


def config_of(values: Mapping[str, Any]) -> ModelConfig:
    """The config of a config.json or of a recipe's [model]: `architecture` and that config's own fields.

    Raises ConfigError for an unknown architecture, an unknown field or a value that does not fit.
    """
    fields = dict(values)
    architecture = fields.pop("architecture", None)
    if not isinstance(architecture, str) or architecture not in CONFIGS:
        known = ", ".join(sorted(CONFIGS))
        raise ConfigError(f"unknown architecture {architecture!r}. This version of bytesim knows: {known}.")
    return CONFIGS[architecture](fields)


def build_model(config: Mapping[str, Any]) -> Model:
    """A model with fresh weights from the contents of a config.json: `architecture` and that config's own fields.

    Raises ConfigError for an unknown architecture, an unknown field or a value that does not fit.
    """
    return model_of(config_of(config))


def model_of(config: ModelConfig) -> Model:
    """A model with fresh weights of a config."""
    from bytesim.models.bgpt.model import BGPT
    from bytesim.models.encoder.model import Encoder

    return BGPT(config) if isinstance(config, BGPTConfig) else Encoder(config)
