"""Counts the floating-point operations of training steps, for the model FLOPs utilization (MFU).

Source of the measure: Chowdhery et al. 2022, arXiv:2204.02311, appendix B. torch counts matrix products, convolutions
and attention, forward and backward, padding included; a multiplication and an addition are two operations. Torch leaves
out the attention kernel of CPUs: here it counts as its products would, without those that it computes twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

from bytesim.nn.kernels import whole_products
from bytesim.training.loss import Batch

Shape = tuple[int, ...]
Shapes = tuple[Shape, ...]


def _attention(queries: Shape, keys: Shape, values: Shape, *_: Any, **__: Any) -> int:
    """Operations of an attention, from the shapes of its tensors."""
    return int(sdpa_flop_count(queries, keys, values))


def _attention_backward(_: Shape, queries: Shape, keys: Shape, values: Shape, *__: Any, **___: Any) -> int:
    """Operations of its backward pass: of each product, one for either factor."""
    return 2 * _attention(queries, keys, values)


_UNCOUNTED = {
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _attention,
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward: _attention_backward,
}
"""Operators that torch does not count -> their operations."""


@dataclass(slots=True)
class FlopCount:
    """The operations of all micro-batches so far.

    Those of a shape are counted the first `samples` times that it occurs; later their mean is added. One sample is
    enough where the shape alone decides the operations.
    """

    total: int = 0
    samples: int = 1
    by_shape: dict[Shapes, list[int]] = field(default_factory=dict)

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
            with whole_products(), FlopCounterMode(display=False, custom_mapping=_UNCOUNTED) as counter:
                yield
            counted.append(int(counter.get_total_flops()))
            self.total += counted[-1]
        else:
            yield
            self.total += round(sum(counted) / len(counted))


def shape_of(batch: Batch) -> Shapes:
    """The shapes of the tensors of a batch."""
    tensors = (getattr(batch, field.name) for field in fields(batch))
    return tuple(tuple(tensor.shape) if isinstance(tensor, Tensor) else () for tensor in tensors)
