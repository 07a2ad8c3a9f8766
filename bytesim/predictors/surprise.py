"""How surprising every byte of a file is, to a model or to the context mixer.

A byte of probability p costs log2(1 / p) bits. The reader also says how many bits it expected it to cost (the entropy),
and how strong the evidence is that the byte is not drawn from the distribution that it expected: with e = ln(1 / p) / 2
- ln(sum of the square roots of all probabilities), the probability that the evidence of some bytes adds up to s is at
most exp(-s), if they are. That is Chernoff's bound with the exponent 1/2, and holds however long the context is.

Axes: n bytes, K likeliest bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bytesim.clocks import make_clock
from bytesim.engine.sampling import check_finite
from bytesim.errors import FormatError
from bytesim.formats.cpu_trace import MEMORY_SIZE, STATE_SIZE
from bytesim.patching import closing_patch, history_bytes, reading_windows, split_patches
from bytesim.predictors.cpu import states_request
from bytesim.predictors.writer import Writer
from bytesim.requests import Asked, Request

if TYPE_CHECKING:
    from torch import Tensor

LIKELIEST = 5
_LN2 = float(np.log(2.0))

OnBytes = Callable[[int], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Surprise:
    """What the bytes of a file cost."""

    bits: NDArray[np.float32]
    """(n,) of each byte."""
    expected: NDArray[np.float32]
    """(n,) the bits that each byte was expected to cost."""
    evidence: NDArray[np.float32]
    """(n,) in nats, that each byte is not drawn from what was expected."""
    end_bits: float = 0.0
    """Of the end of the file; 0 where the reader is told the length."""
    likeliest: NDArray[np.uint8] | None = None
    """(n, K) the bytes that were likeliest, the likeliest first; None if nobody asked."""
    shares: NDArray[np.float32] | None = None
    """(n, K) their probabilities."""

    @property
    def bits_per_byte(self) -> float:
        """Bits of all bytes and of the end of the file, per byte."""
        return (float(self.bits.sum(dtype=np.float64)) + self.end_bits) / max(1, len(self.bits))


def of_model(
    writer: Writer, data: bytes, suffix: str, *, likeliest: bool = False, on_bytes: OnBytes | None = None
) -> Surprise:
    """The surprise of a model that reads a file as one of a suffix, in windows (`patching.reading_windows`).

    A model of the CPU reads the states of a trace, given its program. Raises FormatError for a file without states.
    """
    parts = []
    for request, start, end, known in _windows(writer, data, suffix):
        parts.append(_scored(writer, request, data[start:end], known, likeliest, ends=end == len(data)))
        if on_bytes:
            on_bytes(end - start - known)
    return _joined(parts)


def _windows(writer: Writer, data: bytes, suffix: str) -> Iterator[tuple[Request, int, int, int]]:
    """Request, start, end and number of known bytes of every window of a file."""
    most = history_bytes(writer.config.max_patches, writer.config.patch_size)
    if writer.simulates:
        begin = MEMORY_SIZE + STATE_SIZE
        if len(data) <= begin:
            raise FormatError(f"a trace has more than {begin} bytes; this file has {len(data)}. Choose another model.")
        request = states_request(writer, data[:MEMORY_SIZE], data[MEMORY_SIZE:begin])
        room = (request.max_patches - len(request.history) - 1) * writer.config.patch_size
        yield request, begin, min(len(data), begin + room), 0
        return
    request = writer.frame(Asked(suffix=suffix))
    for window in reading_windows(data, suffix, most):
        if request.times:
            times = replace(request.times, clock=partial(make_clock, suffix, data[window.piece : window.start]))
            request = replace(request, times=times)
        yield request, window.start, window.end, window.known


def _scored(writer: Writer, request: Request, data: bytes, known: int, likeliest: bool, *, ends: bool) -> Surprise:
    """The surprise of the bytes of a window after the first `known`, and of the end of the file if it `ends` there."""
    import torch

    size = writer.config.patch_size
    answer = np.concatenate([split_patches(data, size), closing_patch(size)])
    with torch.inference_mode():
        logits = writer.model.answer_logits(request, answer).float().flatten(0, 1)
        check_finite(logits.cpu().numpy())
        logs = logits[known : len(data) + 1].log_softmax(-1)
        targets = torch.from_numpy(np.frombuffer(data[known:], np.uint8).astype(np.int64)).to(logs.device)
        end_bits = -float(logs[-1, -1]) / _LN2 if ends else 0.0
        logs = logs[:-1]
        nats = -logs.gather(1, targets[:, None])[:, 0]
        expected = -(logs.exp() * logs).sum(-1)
        evidence = nats / 2 - (logs / 2).logsumexp(-1)
        found = _likeliest(logs) if likeliest else (None, None)
    return Surprise(
        bits=(nats / _LN2).cpu().numpy(),
        expected=(expected / _LN2).cpu().numpy(),
        evidence=evidence.cpu().numpy(),
        end_bits=end_bits,
        likeliest=found[0],
        shares=found[1],
    )


def _likeliest(logs: Tensor) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """The likeliest bytes (n, K) and their probabilities, of log-probabilities (n, V)."""
    top = logs[:, :256].topk(LIKELIEST, -1)
    return top.indices.cpu().numpy().astype(np.uint8), top.values.exp().cpu().numpy()


def _joined(parts: list[Surprise]) -> Surprise:
    def each(name: str) -> NDArray[np.float32]:
        return np.concatenate([getattr(part, name) for part in parts])

    asked = parts[0].likeliest is not None
    return Surprise(
        bits=each("bits"),
        expected=each("expected"),
        evidence=each("evidence"),
        end_bits=parts[-1].end_bits,
        likeliest=each("likeliest").astype(np.uint8) if asked else None,
        shares=each("shares") if asked else None,
    )
