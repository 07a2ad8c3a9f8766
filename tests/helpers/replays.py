"""An emulation of CUDA graphs on any device: what was run once is run again on the same tensors, without Python."""

from collections.abc import Callable, Hashable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

WAITS = {
    torch.ops.aten._local_scalar_dense.default,
    torch.ops.aten.nonzero.default,
    torch.ops.aten.masked_select.default,
    torch.ops.aten.lift_fresh.default,
}
"""Operations for which the host waits for a GPU, or which bring data from the host; graphs cannot hold them."""


class Recorder(TorchDispatchMode):
    """Records operations with the tensors that they read and wrote."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Any, Any, Any, Any]] = []
        self.outside: dict[int, Tensor] = {}
        """Storage -> tensor, of what was read without having been made by these operations."""
        self._made: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        assert func not in WAITS, f"{func} waits for the host"
        for tensor in filter(_is, tree_leaves((args, kwargs))):
            if _storage(tensor) not in self._made:
                self.outside[_storage(tensor)] = tensor
        results = func(*args, **(kwargs or {}))
        self._made |= {_storage(tensor) for tensor in filter(_is, tree_leaves(results))} - self.outside.keys()
        self.calls.append((func, args, kwargs or {}, results))
        return results

    def replay(self) -> None:
        """Run the operations again; results go where those of the first time stand."""
        for func, args, kwargs, results in self.calls:
            read = {_storage(tensor) for tensor in filter(_is, tree_leaves((args, kwargs)))}
            for before, now in zip(tree_leaves(results), tree_leaves(func(*args, **kwargs)), strict=True):
                if _is(before) and _storage(before) not in read:
                    before.copy_(now)


def tensors_in(value: Any, seen: set[int] | None = None) -> list[Tensor]:
    """All tensors that an object of bytesim holds, in its attributes and in theirs."""
    seen = set() if seen is None else seen
    if id(value) in seen:
        return []
    seen.add(id(value))
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, torch.nn.Module):
        return [*value.parameters(), *value.buffers()]
    if isinstance(value, dict):
        inside = list(value.values())
    elif isinstance(value, list | tuple):
        inside = list(value)
    elif type(value).__module__.startswith("bytesim"):
        names = [*getattr(value, "__dict__", {}), *getattr(type(value), "__slots__", ())]
        inside = [getattr(value, name) for name in names]
    else:
        inside = []
    return [tensor for each in inside for tensor in tensors_in(each, seen)]


def _storage(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def _is(value: Any) -> bool:
    return isinstance(value, Tensor)


class Replays:
    """Takes the place of `CudaGraphs`: the second steps of a key are recorded, and replayed from the third on."""

    def __init__(self, device: torch.device) -> None:
        self.known: set[Hashable] = set()
        self.recorded: dict[Hashable, Recorder] = {}
        self.replayed = 0

    def run(self, key: Hashable, steps: Callable[[], None]) -> None:
        if key in self.recorded:
            self.recorded[key].replay()
            self.replayed += 1
        elif key in self.known:
            with Recorder() as self.recorded[key]:
                steps()
        else:
            self.known.add(key)
            steps()
