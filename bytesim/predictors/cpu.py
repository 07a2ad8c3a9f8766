"""The states of the CPU as a model predicts them. Nothing here may see the exact machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

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
from bytesim.models.interface import ByteModel
from bytesim.predictors.writer import Writer, load_writer
from bytesim.requests import Asked, Reply, Request


@dataclass(frozen=True, kw_only=True, slots=True)
class Prediction:
    """What a model makes of a program."""

    states: tuple[State, ...]
    """The first state, which was given, and those it predicted."""
    rest: bytes
    """What it wrote after the last whole state, 0..15 bytes."""
    ended: bool
    """Whether it ended the file itself, as after an HLT; else it was stopped by the number of steps."""
    nll_nats: float
    """Negative log-likelihood of its answer, by the model itself: exp(-nll_nats) is the probability that it gave it."""

    @property
    def data(self) -> bytes:
        """Everything after the first state, as it stands in a trace file."""
        return b"".join(map(serialize_state, self.states[1:])) + self.rest


def load_cpu_model(name: str, *, device: str = "auto", dtype: str = "float32", rows: int = 1) -> Writer:
    """A model that was trained on states of the CPU. Raises ModelError for another one, and as `load_writer` does."""
    writer = load_writer(name, device=device, dtype=dtype, rows=rows)
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
    """Free-running: from memory (1024 bytes) and first state of each program to every later state.

    At most `steps` states each. `slots` programs run at a time. Raises ModelError for more steps than the model's
    history holds.
    """
    most = most_steps(writer)
    if steps > most:
        raise ModelError(f"the history of the model {writer.name!r} holds {most} steps, not {steps}.")
    requests = [_request(writer, memory, first, steps) for memory, first in programs]
    replies = dict(writer.answers(requests, slots=slots, on_bytes=on_bytes))
    return [_prediction(first, replies[index], steps) for index, (_, first) in enumerate(programs)]


def most_steps(writer: Writer) -> int:
    """States after the first that the model's history holds, with the patch that ends the file."""
    history = _request(writer, bytes(MEMORY_SIZE), State(), 0).history
    return writer.model.config.max_patches - len(history) - 1


def _request(writer: Writer, memory: bytes, first: State, steps: int) -> Request:
    try:
        request = states_request(writer.model, memory, serialize_state(first))
    except BytesimError as error:
        raise ModelError(f"the model {writer.name!r} cannot predict states of the CPU: {error.message}") from error
    return replace(request, max_patches=len(request.history) + steps + 1)


def _prediction(first: State, reply: Reply, steps: int) -> Prediction:
    data = reply.data[: steps * STATE_SIZE]
    whole = len(data) // STATE_SIZE * STATE_SIZE
    states = [parse_state(data[at : at + STATE_SIZE]) for at in range(0, whole, STATE_SIZE)]
    nats = float(reply.token_nats[: len(data) + reply.ended].sum())
    return Prediction(states=(first, *states), rest=data[whole:], ended=reply.ended, nll_nats=nats)


def states_request(model: ByteModel, memory: bytes, first: bytes) -> Request:
    """The request that writes the states of the CPU that follow a first one: 1024 bytes of memory, 16 of the state.

    Raises ConfigError for a model of other patches.
    """
    size = model.config.patch_size
    if size != STATE_SIZE:
        raise ConfigError(f"the model has patches of {size} bytes; a state of the CPU has {STATE_SIZE}.")
    return model.frame(
        Asked(suffix=TRACE_SUFFIX, prompt=memory + first, source=program_of(memory), source_span=len(memory))
    )
