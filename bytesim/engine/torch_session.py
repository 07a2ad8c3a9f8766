"""The session of a torch model, with arrays in place of tensors.

Axes: B running files, n bytes, S bytes of a stride, V = 257 tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bytesim.engine import cuda_graphs
from bytesim.engine.device_choice import DeviceChoice
from bytesim.engine.sampling import Logits
from bytesim.models.interface import ByteModel, has_strides
from bytesim.requests import Request, Sampling


class TorchSession:
    """The `decode.DecodingSession` of a torch model, on its device, in evaluation mode until it is closed."""

    def __init__(self, model: ByteModel, rows: int) -> None:
        self.model = model
        self.was_training = model.training
        model.train(False)
        self.device = next(model.parameters()).device
        with torch.inference_mode():
            self.session = model.session(rows)
        self.stride = self.session.stride
        self.rows = rows
        self._graphs = cuda_graphs.CudaGraphs(self.device)
        self._choice: DeviceChoice | None = None

    @torch.inference_mode()
    def enter(self, requests: Sequence[Request]) -> None:
        """Prefill: read the histories of new files, which take the rows after those in use."""
        self.session.enter(requests)

    @torch.inference_mode()
    def leave(self, rows: Sequence[int]) -> list[int]:
        """Drop the files in these rows. Returns the old indices of the remaining rows, in their new order."""
        return self.session.leave(rows)

    @torch.inference_mode()
    def logits(self) -> Logits:
        """(B, V) logits of the next byte of every row."""
        return _array(self.session.logits())

    @torch.inference_mode()
    def write(self, tokens: NDArray[np.int64]) -> None:
        """Append (B, n) tokens to the rows."""
        self.session.write(torch.from_numpy(tokens).to(self.device))

    @torch.inference_mode()
    def guess(self) -> NDArray[np.int64] | None:
        """(B, S) a guess of the next stride; None if it cannot be verified."""
        guess = self.session.guess()
        return None if guess is None else guess.cpu().numpy()

    @torch.inference_mode()
    def verify(self, guess: NDArray[np.int64]) -> Logits:
        """(B, S, V) logits of the next stride, given a guess (B, S) of it."""
        return _array(self.session.verify(torch.from_numpy(guess).to(self.device)))

    def writes_strides(self) -> bool:
        """Whether `write_stride` is possible for the running files, and faster."""
        on_device = self.device.type in cuda_graphs.DEVICE_TYPES
        return on_device and has_strides(self.session) and self.session.writes_strides()

    @torch.inference_mode()
    def write_stride(self, samplings: Sequence[Sampling], noise: Logits | None) -> tuple[NDArray[np.int64], Logits]:
        """Write a stride of each file with noise (B, S, V), None if all are greedy, without the host.

        Returns its tokens (B, S) and their negative log-likelihoods (B, S) in nats.
        """
        assert has_strides(self.session)
        if self._choice is None:
            self._choice = DeviceChoice(self.rows, self.stride, self.device)
        choice = self._choice
        choice.prepare(samplings, noise)

        def run(key: Hashable, steps: Callable[[], None]) -> None:
            self._graphs.run((choice.kind, key), steps)

        tokens, nats = self.session.write_stride(choice, run)
        return tokens.cpu().numpy(), _array(nats)

    def close(self) -> None:
        """Return the model to the mode in which it was."""
        self.model.train(self.was_training)


def _array(tensor: Tensor) -> Logits:
    return tensor.float().cpu().numpy()
