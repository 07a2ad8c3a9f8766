"""Prediction of the CPU's states by a model. Nothing here may import the exact machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from bytesim.engine.decode import DEFAULT_SLOTS, OnBytes
from bytesim.errors import BytesimError, ConfigError, ModelError
from bytesim.formats.cpu_trace import (
    MEMORY_SIZE,
    STATE_SIZE,
    TRACE_SUFFIX,
    State,
    parse_state,
    program_of,
    serialize_state,
)
from bytesim.predictors.writer import Writer, load_writer
from bytesim.requests import Asked, Reply, Request


@dataclass(frozen=True, kw_only=True, slots=True)
class Prediction:
    """A model's prediction for one program."""

    states: tuple[State, ...]
    """The given first state, and the predicted ones."""
    rest: bytes
    """Bytes after the last whole state, 0..15 of them."""
    ended: bool
    """Whether the model ended the file itself, as after an HLT; else the limit of steps stopped it."""
    nll_nats: float
    """Negative log-likelihood of the prediction in nats: exp(-nll_nats) is the probability that the model gave it."""

    @property
    def data(self) -> bytes:
        """Everything after the first state, as in a trace file."""
        return b"".join(map(serialize_state, self.states[1:])) + self.rest


def load_cpu_model(
    name: str, *, device: str = "auto", dtype: str = "float32", rows: int = 1, engine_backend: str = "auto"
) -> Writer:
    """Load a model trained on states of the CPU. Raises ModelError for other models, and what `load_writer` raises."""
    writer = load_writer(name, device=device, dtype=dtype, rows=rows, engine_backend=engine_backend)
    if not writer.simulates:
        raise ModelError(f"the model {name!r} was not trained on states of the CPU.")
    return writer


def predict_states(
    writer: Writer,
    programs: Sequence[tuple[bytes, State]],
    *,
    steps: int,
    slots: int = DEFAULT_SLOTS,
    on_bytes: OnBytes | None = None,
) -> list[Prediction]:
    """Predict all later states of each program from its memory (1024 bytes) and first state, without teacher forcing.

    At most `steps` states are predicted for each; `slots` programs are decoded at a time. Raises ModelError for more
    steps than the model's history can hold.
    """
    most = most_steps(writer)
    if steps > most:
        raise ModelError(f"the model {writer.name!r} can predict at most {most} steps, not {steps}. Choose fewer.")
    requests = [_request(writer, memory, first, steps) for memory, first in programs]
    replies = dict(writer.answers(requests, slots=slots, on_bytes=on_bytes))
    return [_prediction(first, replies[index], steps) for index, (_, first) in enumerate(programs)]


def most_steps(writer: Writer) -> int:
    """Most states after the first that fit the model's history, together with the patch that ends the file."""
    history = _request(writer, bytes(MEMORY_SIZE), State(), 0).history
    config = writer.config
    return int((config.max_patches - len(history) - 1) * config.patch_size // STATE_SIZE)


def _request(writer: Writer, memory: bytes, first: State, steps: int) -> Request:
    try:
        request = states_request(writer, memory, serialize_state(first))
    except BytesimError as error:
        raise ModelError(f"the model {writer.name!r} cannot predict states of the CPU: {error.message}") from error
    patches = steps * STATE_SIZE // writer.config.patch_size
    return replace(request, max_patches=len(request.history) + patches + 1)


def _prediction(first: State, reply: Reply, steps: int) -> Prediction:
    data = reply.data[: steps * STATE_SIZE]
    whole = len(data) // STATE_SIZE * STATE_SIZE
    states = [parse_state(data[start : start + STATE_SIZE]) for start in range(0, whole, STATE_SIZE)]
    nats = float(reply.token_nats[: len(data) + reply.ended].sum())
    return Prediction(states=(first, *states), rest=data[whole:], ended=reply.ended, nll_nats=nats)


class Frames(Protocol):
    """A model, or a `Writer`, that makes requests."""

    @property
    def config(self) -> Any:
        """The config, of which the patch size is read here."""

    def frame(self, asked: Asked, **options: Any) -> Request:
        """The request for a file."""


def states_request(model: Frames, memory: bytes, first: bytes) -> Request:
    """The request to write the CPU states that follow a first one, from memory (1024 bytes) and that state (16 bytes).

    Raises ConfigError if the model's patches are neither 16 bytes long nor single bytes.
    """
    size = model.config.patch_size
    if size not in (1, STATE_SIZE):
        raise ConfigError(f"its patches have {size} bytes, but a state of the CPU has {STATE_SIZE}.")
    return model.frame(
        Asked(suffix=TRACE_SUFFIX, prompt=memory + first, source=program_of(memory), source_span=len(memory))
    )
