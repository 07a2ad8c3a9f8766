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
    """The operations of all micro-batches so far.

    Those of a shape are counted the first `samples` times that it occurs; later their mean is added. One sample is
    enough where the shape alone decides the operations.
    """

    total: int = 0
    samples: int = 1
    by_shape: dict[Shape, list[int]] = field(default_factory=dict)

    def is_known(self, batch: Batch) -> bool:
        """Whether the operations of a micro-batch of this shape have been counted."""
        return len(self.by_shape.get(shape_of(batch), ())) >= self.samples

    @contextmanager
    def counting(self, batch: Batch) -> Iterator[None]:
        """Add the operations of a micro-batch, whose forward and backward pass run inside this context.

        A micro-batch that is counted runs more slowly, and its model must not be compiled.
        """
        counted = self.by_shape.setdefault(shape_of(batch), [])
        if len(counted) < self.samples:
            with FlopCounterMode(display=False) as counter:
                yield
            counted.append(int(counter.get_total_flops()))
            self.total += counted[-1]
        else:
            yield
            self.total += round(sum(counted) / len(counted))


def shape_of(batch: Batch) -> Shape:
    """The shapes of the tensors of a batch."""
    tensors = (getattr(batch, field.name) for field in fields(batch))
    return tuple(tuple(tensor.shape) if isinstance(tensor, Tensor) else () for tensor in tensors)
