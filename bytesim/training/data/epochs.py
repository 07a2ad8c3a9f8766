"""Epochs: every file of all data sources once, then all of them again in another order.

The files of an epoch depend on the seed and its number alone, and a step takes the micro-batches that follow those of
the step before it. So it does not matter how many processes share a step, or where a training was stopped. Another
micro_bytes or batch_bytes gives another order, also in the middle of an epoch.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bytesim.errors import ConfigError
from bytesim.training.data.examples import Example
from bytesim.training.data.programs import CpuStream
from bytesim.training.data.streams import AnyStream, ClassifyStream, Indices, Mixture

_ORDER, _AUGMENT = 1, 2
"""Purposes of random numbers: the order of an epoch, and the augmentation of a micro-batch."""


class Epochs(Mixture):
    """Several streams, of which each file is in one micro-batch of each epoch."""

    def __init__(self, streams: list[AnyStream], seed: int) -> None:
        """Raises ConfigError for sources with weights, and for programs of the CPU."""
        super().__init__(streams, seed)
        for stream in streams:
            _check(stream)
        self._planned: tuple[int, int] | None = None
        """(epoch, micro_bytes) of the groups that are kept."""
        self._groups: list[tuple[int, Indices]] = []
        self._sizes: dict[int, int] = {}
        """micro_bytes -> micro-batches of an epoch."""

    def batch(self, step: int, progress: float, batch_bytes: int, micro_bytes: int) -> list[list[Example]]:
        """The micro-batches of a step, about `batch_bytes` in all, each of files of similar length from one stream."""
        micro_bytes = micro_bytes or batch_bytes
        count = max(1, round(batch_bytes / micro_bytes))
        return [self._micro_batch(step * count + number, micro_bytes) for number in range(count)]

    def _micro_batch(self, number: int, micro_bytes: int) -> list[Example]:
        """The micro-batch of this number since the start of the training."""
        epoch, place = divmod(number, self._size(micro_bytes))
        source, indices = self._plan(epoch, micro_bytes)[place]
        stream = self.streams[source]
        assert not isinstance(stream, CpuStream), "refused when the training begins"
        return stream.examples(indices, self._rng(_AUGMENT, number))

    def _size(self, micro_bytes: int) -> int:
        """Number of micro-batches of an epoch; every epoch has equally many."""
        if micro_bytes not in self._sizes:
            self._sizes[micro_bytes] = len(self._plan(0, micro_bytes))
        return self._sizes[micro_bytes]

    def _plan(self, epoch: int, micro_bytes: int) -> Sequence[tuple[int, Indices]]:
        """(stream, indices) of every micro-batch of an epoch, in order."""
        if self._planned != (epoch, micro_bytes):
            rng = self._rng(_ORDER, epoch)
            groups = [
                (number, indices)
                for number, stream in enumerate(self.streams)
                if not isinstance(stream, CpuStream)
                for indices in stream.groups(rng, micro_bytes)
            ]
            self._groups = [groups[place] for place in rng.permutation(len(groups))]
            self._planned = (epoch, micro_bytes)
        return self._groups

    def _rng(self, purpose: int, number: int) -> np.random.Generator:
        return np.random.Generator(np.random.Philox(key=self.seed, counter=[0, 0, purpose, number]))


def _check(stream: AnyStream) -> None:
    """Raise ConfigError for a stream of which not every file can be seen once."""
    source = stream.source
    if isinstance(stream, CpuStream):
        raise ConfigError("sampling = epochs is for files, not for programs of the CPU. Choose random.")
    if source.start_weight != 1.0 or source.end_weight not in (None, 1.0):
        raise ConfigError(
            f"sampling = epochs sees every file equally often, but {source.path} has a weight; leave it out, or choose "
            "sampling = random."
        )
    if isinstance(stream, ClassifyStream) and stream.source.balance:
        raise ConfigError("sampling = epochs sees every file equally often; leave balance out, or choose random.")


def open_mixture(streams: list[AnyStream], seed: int, sampling: str) -> Mixture:
    """What a training draws from its streams: `random` draws with replacement, or `epochs`. Raises ConfigError."""
    return Epochs(streams, seed) if sampling == "epochs" else Mixture(streams, seed)
