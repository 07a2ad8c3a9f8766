"""Loads and saves model folders. Weights are safetensors only; no pickle is read here.

A folder may be hostile, so config and shapes are compared before any memory is allocated.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from bytesim.errors import BytesimError, ModelError
from bytesim.models.folder import (
    CARD_FILE,
    CONFIG_FILE,
    HASHED_FILES,
    NOT_FINITE,
    RECIPE_FILE,
    SCALE,
    WEIGHTS_FILE,
    check_loaded_files,
    fingerprint,
    not_written,
    one_line,
    read_config,
    weight_shapes,
    write_json,
)
from bytesim.models.int8 import from_int8, is_matrix, to_int8
from bytesim.models.registry import build_model
from bytesim.staging import staging_folder

MAX_BUFFER_ELEMENTS = 1 << 27
"""Most elements in a model's buffers (rotary tables, masks): their sizes depend on the config, not on the weights."""


def save_model(
    folder: Path,
    state_dict: Mapping[str, Tensor],
    *,
    config: Mapping[str, Any],
    card: Mapping[str, Any],
    recipe: str,
    dtype: torch.dtype | None = None,
    more: Mapping[str, bytes] = MappingProxyType({}),
) -> None:
    """Write a model folder; its four files and `more` (name -> content) are replaced, other files in it are kept.

    `config` names the architecture (see `registry.build_model`), `recipe` is the TOML text that rebuilds the model,
    `dtype` casts the floating-point weights: bfloat16 halves the file; int8 halves it again, for it stores matrices
    with a scale for each row, and the rest as bfloat16. The card gets the key `files`: size and sha256 of the others.
    All are first written to a temporary folder and then moved.

    Raises OutputError if the folder cannot be written.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with staging_folder(folder) as staging:
            weights = save(_stored(state_dict, dtype))
            (staging / WEIGHTS_FILE).write_bytes(weights)  # save_file would make the file unreadable for other users
            write_json(staging / CONFIG_FILE, config)
            (staging / RECIPE_FILE).write_text(recipe, encoding="utf-8", newline="\n")
            for name, content in more.items():
                (staging / name).write_bytes(content)
            hashed = (*HASHED_FILES, *more)
            files = {name: fingerprint(staging / name) for name in hashed}
            write_json(staging / CARD_FILE, {**card, "files": files})
            folder.mkdir(exist_ok=True)
            for name in (*hashed, CARD_FILE):
                os.replace(staging / name, folder / name)
    except (OSError, SafetensorError) as error:
        raise not_written(folder, error) from error


def write_tensors(path: Path, state_dict: Mapping[str, Tensor]) -> None:
    """Write a safetensors file, whole or not at all. Raises OSError."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        temporary.write_bytes(save(_stored(state_dict, None)))
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def load_model(folder: Path, *, dtype: torch.dtype = torch.float32) -> nn.Module:
    """The model of a folder, on the CPU in evaluation mode, with weights in `dtype`.

    Raises ModelError if the folder is incomplete or damaged, if config and weights differ, or a file is not the one
    that the card lists; ConfigError if the config is invalid.
    """
    shapes = weight_shapes(folder)
    config = read_config(folder)
    try:
        check_outline(config, shapes)
        model = build_model(config).to(dtype)
    except BytesimError as error:
        raise error.in_file(str(folder / CONFIG_FILE)) from error
    load_weights(folder, model)
    check_loaded_files(folder)
    return model.eval()


def load_weights(folder: Path, model: nn.Module) -> None:
    """Copy the weights of a folder into a model of the same shape, cast to the dtype of its parameters.

    Raises ModelError if a tensor is missing, surplus or of another shape, or the file is damaged.
    """
    check_shapes(weight_shapes(folder), model)
    copy_weights(folder, model.state_dict())


MEANINGS = (
    "architecture", "parts", "patch_size", "head_size", "byte_head_size", "window", "rope_base", "byte_offset",
    "ngrams", "ngram_functions", "entropy_head_size", "entropy_window", "entropy_rope_base",
)  # fmt: skip
"""Config fields that change what weights mean, but not always their shapes."""


def load_fitting_weights(folder: Path, model: nn.Module, config: Mapping[str, Any]) -> list[str]:
    """Copy those weights of a folder whose name and shape the model has too. Returns the names of the model's others.

    `config` is that of the model. Raises ModelError if the two configs give weights different meanings, no weight fits,
    or the file is damaged.
    """
    stored_config = read_config(folder)
    differing = [key for key in MEANINGS if stored_config.get(key) != config.get(key)]
    if differing:
        raise ModelError(f"has another {', '.join(differing)} than the recipe's [model].", file=str(folder))
    shapes, state = weight_shapes(folder), model.state_dict()
    fitting = {name: target for name, target in state.items() if shapes.get(name) == tuple(target.shape)}
    if not fitting:
        raise ModelError("none of its weights fits the model; choose a folder with the same widths.", file=str(folder))
    check_loaded_files(folder)
    copy_weights(folder, fitting)
    return sorted(state.keys() - fitting.keys())


def copy_weights(folder: Path, targets: Mapping[str, Tensor]) -> None:
    """Copy weights of a folder, by name, to tensors of the same shapes. Raises ModelError, also for NaN."""
    path = folder / WEIGHTS_FILE
    try:
        with safe_open(path, framework="pt") as file, torch.no_grad():
            for name, target in targets.items():
                stored = file.get_tensor(name)
                if stored.dtype == torch.int8:
                    stored = from_int8(stored, file.get_tensor(name + SCALE))
                target.copy_(stored)
                if not torch.isfinite(target).all():  # also of a number too large for the type of the target
                    raise ModelError(NOT_FINITE.format(name=name), file=str(path))
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelError(
            f"the weights cannot be read: {one_line(error)}. Fetch the file again.", file=str(path)
        ) from error


def _stored(state_dict: Mapping[str, Tensor], dtype: torch.dtype | None) -> dict[str, Tensor]:
    """The tensors of a file, on the CPU, in `dtype`; int8 matrices have their scales beside them."""
    stored = {}
    for name, tensor in state_dict.items():
        if dtype == torch.int8 and is_matrix(tensor):
            stored[name], stored[name + SCALE] = (_copy(part, part.dtype) for part in to_int8(tensor))
        else:
            kept = torch.bfloat16 if dtype == torch.int8 else dtype
            stored[name] = _copy(tensor, kept if kept is not None and tensor.is_floating_point() else tensor.dtype)
    return stored


def _copy(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """A contiguous copy on the CPU: safetensors refuses tensors that share memory."""
    return tensor.detach().to("cpu", dtype, copy=True).contiguous()


def check_outline(config: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Compare config and weights before any allocation, so that a hostile config cannot exhaust memory or time."""
    layers = [value for key, value in config.items() if key.endswith("layers") and isinstance(value, int)]
    if max(layers, default=0) > len(shapes):
        raise ModelError(f"the config asks for {max(layers)} layers, the weights have {len(shapes)} tensors.")
    shape_only = outline(config)
    check_shapes(shapes, shape_only)
    if sum(buffer.numel() for buffer in shape_only.buffers()) > MAX_BUFFER_ELEMENTS:
        raise ModelError(f"the config asks for tables of more than {MAX_BUFFER_ELEMENTS:,} numbers.")


def outline(config: Mapping[str, Any]) -> nn.Module:
    """The model of a config on the meta device, which has shapes but no memory. Raises ConfigError or ModelError."""
    try:
        with torch.device("meta"):
            return build_model(config)
    except (RuntimeError, OverflowError, TypeError) as error:  # the product of the sizes overflows torch's integers
        raise ModelError(f"the config asks for impossible sizes: {one_line(error)[:200]}.") from error


def check_shapes(shapes: Mapping[str, tuple[int, ...]], model: nn.Module) -> None:
    """Raise ModelError if names or shapes differ from those of the model's state dict."""
    expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    for name in sorted(expected.keys() | shapes.keys()):
        if expected.get(name) != shapes.get(name):
            raise ModelError(
                f"config and weights do not belong together: {name!r} should be {expected.get(name, 'absent')}, "
                f"is {shapes.get(name, 'absent')}."
            )
