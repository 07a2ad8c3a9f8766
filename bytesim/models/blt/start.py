"""Parts of a BLT that start from the weights of other models: the entropy model, and the latent transformer.

The paper starts the latent transformer from Llama's weights, section 6.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bytesim.errors import ModelError
from bytesim.models.blt.model import BLT
from bytesim.models.folder import read_config, weight_shapes
from bytesim.models.weights import check_shapes, copy_weights
from bytesim.nn.rotary import BASE

_BLOCKS = {"flat": "decoder.blocks.", "bgpt": "patch_decoder.blocks."}
"""Architecture -> the beginning of the names of its blocks, which the latent transformer can take."""


def start_part(model: BLT, part: str, folder: Path) -> str:
    """Copy the weights of another model to a part of this one. Returns what was copied, in words.

    `entropy` takes a whole flat model; `latent` takes the blocks of a flat model or of the patch-level decoder of a
    bGPT, as many as both have. Raises ModelError if they do not fit.
    """
    config = read_config(folder)
    if part == "entropy":
        return _start_entropy(model, config, folder)
    return _start_latent(model, config, folder)


def _start_entropy(model: BLT, config: Mapping[str, Any], folder: Path) -> str:
    if model.entropy is None:
        raise ModelError(f"the patcher {model.config.patcher} asks no entropy model; remove start_parts.entropy.")
    if config.get("architecture") != "flat":
        raise ModelError("the entropy model is a flat model; this is not one.", file=str(folder))
    wanted = model.config.entropy_model.to_dict()
    given = {key: config.get(key) for key in wanted}
    differing = [key for key in wanted if key not in ("max_bytes", "next_bytes") and given[key] != wanted[key]]
    if differing:
        told = ", ".join(f"{key} {given[key]} instead of {wanted[key]}" for key in differing)
        raise ModelError(f"differs from the recipe's entropy model: {told}.", file=str(folder))
    shapes = {name: shape for name, shape in weight_shapes(folder).items() if not name.startswith("further.")}
    check_shapes(shapes, model.entropy)
    copy_weights(folder, model.entropy.state_dict())
    return "the entropy model"


def _start_latent(model: BLT, config: Mapping[str, Any], folder: Path) -> str:
    beginning = _BLOCKS.get(str(config.get("architecture")))
    wanted = {"parts": model.config.parts, "head_size": model.config.head_size, "rope_base": model.config.rope_base}
    given = {key: config.get(key) for key in wanted}
    if config.get("architecture") == "bgpt":
        given["rope_base"] = BASE
    if beginning is None or given != wanted or config.get("window"):
        told = ", ".join(f"{key} = {value}" for key, value in wanted.items())
        raise ModelError(
            f"the latent transformer takes blocks of a flat or bgpt model with {told} and without a window; "
            "this is not one.",
            file=str(folder),
        )
    shapes, targets = weight_shapes(folder), {}
    for name, target in model.latent.state_dict().items():
        theirs = beginning + name.removeprefix("stack.blocks.")
        if name.startswith("stack.blocks.") and shapes.get(theirs) == tuple(target.shape):
            targets[theirs] = target
    if not targets:
        raise ModelError("none of its blocks has the width of the latent transformer.", file=str(folder))
    copy_weights(folder, targets)
    layers = {name.removeprefix(beginning).split(".")[0] for name in targets}
    return f"{len(layers)} of {model.config.num_layers} layers of the latent transformer"
