"""Reads published BLT weights: a folder in the format of `transformers`, or in that of bytelatent."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from bytesim.errors import ModelError
from bytesim.models.blt.bytelatent_format import read_bytelatent
from bytesim.models.blt.config import BLTConfig
from bytesim.models.blt.transformers_format import config_from_transformers, from_transformers
from bytesim.models.checkpoints import check_numbers, read_safetensors
from bytesim.models.folder import one_line, read_json


def read_folder(folder: Path) -> tuple[BLTConfig, dict[str, Tensor]]:
    """Our config and float32 state dict of a folder. Raises ModelError, ConfigError."""
    config_file = folder / "config.json"
    if not config_file.is_file():
        raise ModelError("it has no config.json, so it is not a published BLT.", file=str(folder))
    values = read_json(config_file)
    try:
        if "args" in values:
            values, weights = read_bytelatent(folder)
        elif values.get("model_type") == "blt":
            weights = read_safetensors(folder)
        else:
            told = "neither a BLT of transformers (model_type = blt) nor of bytelatent."
            raise ModelError(told, file=str(config_file))
        config = config_from_transformers(values)
        _check_layers(config, weights)
        check_numbers(weights)
        return config, {name: each.float().contiguous() for name, each in from_transformers(weights, config).items()}
    except _WRONG as error:
        told = f"{type(error).__name__}: {one_line(error)[:200]}"
        raise ModelError(f"its config or the names of its weights are not those of a BLT ({told}).") from error


_WRONG = (
    KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError, RuntimeError,
)  # fmt: skip
"""What reading a config or weights of another form raises."""


def _check_layers(config: BLTConfig, weights: Mapping[str, Tensor]) -> None:
    """Raise ModelError for more layers than there are weights, before anything of their number is made."""
    layers = max(config.num_layers, config.encoder_layers, config.decoder_layers, config.entropy_layers)
    if layers > len(weights):
        raise ModelError(f"the config asks for {layers} layers, the weights have {len(weights)} tensors.")
