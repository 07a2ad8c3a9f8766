"""Reads published BLT weights: a folder in the format of `transformers`, or in that of bytelatent."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from bytesim.errors import ModelError
from bytesim.models.blt.bytelatent_format import read_bytelatent
from bytesim.models.blt.config import BLTConfig
from bytesim.models.blt.transformers_format import config_from_transformers, from_transformers
from bytesim.models.checkpoints import read_safetensors
from bytesim.models.folder import read_json


def read_folder(folder: Path) -> tuple[BLTConfig, dict[str, Tensor]]:
    """Our config and float32 state dict of a folder. Raises ModelError."""
    config_file = folder / "config.json"
    if not config_file.is_file():
        raise ModelError("it has no config.json, so it is not a published BLT.", file=str(folder))
    values = read_json(config_file)
    if "args" in values:
        values, weights = read_bytelatent(folder)
    elif values.get("model_type") == "blt":
        weights = read_safetensors(folder)
    else:
        raise ModelError("neither a BLT of transformers (model_type = blt) nor of bytelatent.", file=str(config_file))
    config = config_from_transformers(values)
    return config, {name: each.float().contiguous() for name, each in from_transformers(weights, config).items()}
