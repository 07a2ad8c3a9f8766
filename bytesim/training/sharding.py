"""Tensors that are sharded over several processes (torch's DTensor), and those that are not, handled alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from torch import Tensor

if TYPE_CHECKING:
    from torch.distributed.tensor import DTensor


def is_sharded(tensor: Tensor) -> bool:
    """Whether this process may hold only a part of a tensor."""
    return hasattr(tensor, "placements")


def local(tensor: Tensor) -> Tensor:
    """The part of a tensor that this process holds: all of it, unless it is sharded."""
    return cast("DTensor", tensor).to_local() if is_sharded(tensor) else tensor


def whole(tensor: Tensor) -> Tensor:
    """The whole of a tensor; of a sharded one it is gathered, so all processes must call this."""
    return cast("DTensor", tensor).full_tensor() if is_sharded(tensor) else tensor


def spread(tensor: Tensor, like: Tensor) -> Tensor:
    """A whole tensor, the same on all processes, sharded as another one is; nothing is sent."""
    if not is_sharded(like):
        return tensor
    from torch.distributed.tensor import DTensor, Replicate

    target = cast("DTensor", like)
    mesh = target.device_mesh
    replicated = DTensor.from_local(tensor.to(local(like).device), mesh, [Replicate()] * mesh.ndim, run_check=False)
    return replicated.redistribute(placements=target.placements)


def gathered(state: Mapping[str, Tensor], *, keep: bool) -> dict[str, Tensor]:
    """Whole tensors on the CPU of each process that is to `keep` them; all processes must call this."""
    kept: dict[str, Tensor] = {}
    for name, value in state.items():
        tensor = whole(value)
        if keep:
            kept[name] = tensor.detach().cpu().clone()
    return kept
