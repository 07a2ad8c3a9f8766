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

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        assert func not in WAITS, f"{func} waits for the host"
        results = func(*args, **(kwargs or {}))
        self.calls.append((func, args, kwargs or {}, results))
        return results

    def replay(self) -> None:
        """Run the operations again; results go where those of the first time stand."""
        for func, args, kwargs, results in self.calls:
            read = {tensor.untyped_storage().data_ptr() for tensor in tree_leaves((args, kwargs)) if _is(tensor)}
            for before, now in zip(tree_leaves(results), tree_leaves(func(*args, **kwargs)), strict=True):
                if _is(before) and before.untyped_storage().data_ptr() not in read:
                    before.copy_(now)


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
