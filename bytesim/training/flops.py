"""Counts the floating-point operations of training steps, for the model FLOPs utilization (MFU).

Source of the measure: Chowdhery et al. 2022, arXiv:2204.02311, appendix B. torch counts matrix products, convolutions
and attention, forward and backward, padding included; a multiplication and an addition are two operations.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields

from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from bytesim.training.loss import Batch

Shape = tuple[tuple[int, ...], ...]


@dataclass(slots=True)
class FlopCount:
    """The operations of all micro-batches so far. Those of a shape are counted once, the first time that it occurs."""

    total: int = 0
    by_shape: dict[Shape, int] = field(default_factory=dict)

    def is_known(self, batch: Batch) -> bool:
        """Whether the operations of a micro-batch of this shape have been counted."""
        return shape_of(batch) in self.by_shape

    @contextmanager
    def counting(self, batch: Batch) -> Iterator[None]:
        """Add the operations of a micro-batch, whose forward and backward pass run inside this context.

        The first micro-batch of a shape runs more slowly, and its model must not be compiled.
        """
        shape = shape_of(batch)
        if shape not in self.by_shape:
            with FlopCounterMode(display=False) as counter:
                yield
            self.by_shape[shape] = int(counter.get_total_flops())
        else:
            yield
        self.total += self.by_shape[shape]


def shape_of(batch: Batch) -> Shape:
    """The shapes of the tensors of a batch."""
    tensors = (getattr(batch, field.name) for field in fields(batch))
    return tuple(tuple(tensor.shape) if isinstance(tensor, Tensor) else () for tensor in tensors)
