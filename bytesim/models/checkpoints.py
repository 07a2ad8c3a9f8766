"""Reads the weights of published checkpoints: pickles, without running code, and safetensors files.

A file may be hostile, so its size is limited, and every failure is a ModelError.
"""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from bytesim.errors import ModelError
from bytesim.models.folder import NOT_FINITE, one_line, read_json

MAX_CHECKPOINT_BYTES = 16 << 30


def read_pickle(path: Path) -> Any:
    """The contents of a pickle by `torch.save`: tensors and plain containers (`weights_only=True`).

    A pickle that would run code is refused. Raises ModelError.
    """
    num_bytes = _size(path)
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:  # torch.save never compresses, a zip bomb does
                if sum(entry.file_size for entry in archive.infolist()) > num_bytes:
                    raise ModelError("the archive unpacks to more bytes than the file has.", file=str(path))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on the pickle's protocol, which users cannot change
            return torch.load(path, map_location="cpu", weights_only=True)
    except ModelError:
        raise
    except Exception as error:  # the unpickler raises anything from KeyError to RuntimeError for damaged streams
        reason = one_line(error).split(". ")[0]
        raise ModelError(f"not a checkpoint that can be read safely: {reason[:200]}.", file=str(path)) from error


def read_state_dict(path: Path, *, what: str) -> dict[str, Tensor]:
    """The state dict under the key `model` of a pickle; `what` names the kind of checkpoint in errors.

    Raises ModelError, also if its tensors exceed the file.
    """
    checkpoint = read_pickle(path)
    weights = checkpoint.get("model") if isinstance(checkpoint, dict) else None
    if not isinstance(weights, Mapping) or not all(_is_weight(name, value) for name, value in weights.items()):
        raise ModelError(f"not {what}: the key 'model' with a state dict is missing.", file=str(path))
    # A tensor may be a stride-0 view of any size. The factor 2 allows for tied weights, which are stored once.
    if sum(tensor.numel() * tensor.element_size() for tensor in weights.values()) > 2 * _size(path):
        raise ModelError("the tensors claim more bytes than the file holds.", file=str(path))
    return dict(weights)


def read_safetensors(folder: Path) -> dict[str, Tensor]:
    """All tensors of model.safetensors in a folder, or of the parts that model.safetensors.index.json names.

    Raises ModelError.
    """
    whole, index = folder / "model.safetensors", folder / "model.safetensors.index.json"
    if whole.is_file() or not index.is_file():
        return _tensors(whole)
    parts = read_json(index).get("weight_map")
    if not isinstance(parts, dict) or not all(
        isinstance(part, str) and Path(part).name == part for part in parts.values()
    ):
        raise ModelError("its weight_map does not name files of this folder.", file=str(index))
    weights: dict[str, Tensor] = {}
    for part in sorted(set(parts.values())):
        weights |= _tensors(folder / part)
    return weights


def _tensors(path: Path) -> dict[str, Tensor]:
    _size(path)
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelError(f"not a safetensors file: {one_line(error)}. Fetch the file again.", file=str(path)) from error


def _size(path: Path) -> int:
    """Size of a checkpoint file in bytes."""
    try:
        num_bytes = path.stat().st_size
    except (OSError, ValueError) as error:
        raise ModelError(f"cannot be read: {one_line(error)}.", file=str(path)) from error
    if not path.is_file() or num_bytes > MAX_CHECKPOINT_BYTES:
        raise ModelError(f"not a checkpoint file of at most {MAX_CHECKPOINT_BYTES >> 30} GiB.", file=str(path))
    return num_bytes


def _is_weight(name: object, value: object) -> bool:
    """Whether this is a tensor with values in memory: neither sparse, nor quantised, nor on the device `meta`."""
    return (
        isinstance(name, str)
        and isinstance(value, Tensor)
        and value.layout == torch.strided
        and value.device.type == "cpu"
        and not value.is_quantized
    )


def check_numbers(weights: Mapping[str, Tensor]) -> None:
    """Raise ModelError for a weight that is not of floating-point numbers, or has values that are not finite."""
    for name, tensor in weights.items():
        if tensor.dtype not in _FLOATS:
            raise ModelError(
                f"{name!r} is of {str(tensor.dtype).removeprefix('torch.')}; weights are of float numbers."
            )
        if not torch.isfinite(tensor).all():
            raise ModelError(NOT_FINITE.format(name=name))


_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
