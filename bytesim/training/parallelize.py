"""Spreads a model over several processes: whole on each (DDP), or sharded (FSDP2, torch's `fully_shard`).

With DDP every process holds all weights and optimizer state, and `Workers.add_up` sums the gradients once a step. With
FSDP each holds its share of them: the weights of a block are gathered when it computes, and its gradients are summed
where their share lies. Source: Zhao et al. 2023, arXiv:2304.11277; torch.distributed.fsdp.fully_shard.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import nn

from bytesim.errors import ConfigError
from bytesim.training.building import BYTES_PER_PARAMETER
from bytesim.training.memory import total_memory
from bytesim.training.recipe import Recipe
from bytesim.training.sources import CpuSource

if TYPE_CHECKING:
    from bytesim.models.registry import Model
    from bytesim.training.distributed import Workers

DDP_SHARE = 0.5
"""`auto` shards a model whose weights, gradients and optimizer state would fill more of each GPU than this share."""
_BLOCK = re.compile(r"(^|\.)blocks\.\d+$")
_ENTRANCES = ("classify", "logits_ahead", "blocks")
"""Methods, besides `forward`, by which models and layers are entered during a training."""
_TWICE = "source_keys"
"""A layer with this method is entered twice in a step. Its weights must stay gathered between, so it is not a unit."""


def is_sharded(recipe: Recipe, parameters: int, device: torch.device, workers: Workers) -> bool:
    """Whether a training shards its model, by `parallel` in the recipe. Raises ConfigError where that is not possible.

    A single process never does, so it can go on with a run of several.
    """
    parallel = recipe.training.parallel
    if workers.size == 1 or parallel == "ddp":
        return False
    memory = total_memory(device) if device.type == "cuda" else None
    if parallel == "auto" and (memory is None or BYTES_PER_PARAMETER * parameters <= DDP_SHARE * memory):
        return False
    if any(isinstance(source, CpuSource) and source.result_states for source in recipe.data):
        raise ConfigError("result_states are not trained with parallel = fsdp; set parallel = ddp, or leave them out.")
    if device.type not in ("cpu", "cuda"):
        raise ConfigError(f"parallel = fsdp does not run on {device.type}; choose --device cpu or cuda.")
    return True


def shard(model: Model, device: torch.device, workers: Workers) -> None:
    """Shard the parameters of a model over all workers, and move it to the device.

    Every block is a unit of its own, or, where a decoder calls the layers of its blocks itself, every layer is; what is
    outside of blocks is one unit, which stays gathered for the whole step.
    """
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard, register_fsdp_forward_method

    # torch warns of layers that return views, which only in-place operations on them would harm; the models have none.
    warnings.filterwarnings("ignore", message="FSDP2-wrapped module")
    mesh = init_device_mesh(device.type, (workers.size,))
    for unit in (*_units(model), model):
        fully_shard(unit, mesh=mesh)
        for name in _ENTRANCES:
            if callable(getattr(unit, name, None)) and not isinstance(getattr(unit, name), nn.Module):
                register_fsdp_forward_method(unit, name)
    model.to(device)  # buffers, such as rotary tables


def _units(model: nn.Module) -> Iterator[nn.Module]:
    for name, block in model.named_modules():
        if _BLOCK.search(name):
            if type(block).forward is not nn.Module.forward:
                yield block
            else:
                yield from (
                    layer for layer in block.children() if list(layer.parameters()) and not hasattr(layer, _TWICE)
                )
