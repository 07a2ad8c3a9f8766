"""The states of the CPU as a model predicts them. Nothing here may see the exact machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from bytesim.clocks import clock_of, clock_patches, make_clock
from bytesim.engine.decode import DEFAULT_SLOTS, decode
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
from bytesim.models.bgpt.config import BGPTConfig
from bytesim.patching import frame_source
from bytesim.predictors.writer import OnBytes, Writer, load_writer
from bytesim.requests import Reply, Request, RequestTimes


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
    on_done: Callable[[int, Prediction], None] | None = None,
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
    firsts = [first for _, first in programs]

    def heard(index: int, reply: Reply) -> None:
        if on_done:
            on_done(index, _prediction(firsts[index], reply, steps))

    replies = decode(writer.model, requests, slots=slots, on_done=heard, on_bytes=on_bytes)
    return [_prediction(first, reply, steps) for first, reply in zip(firsts, replies, strict=True)]


def most_steps(writer: Writer) -> int:
    """States after the first that the model's history holds, with the patch that ends the file."""
    history = _request(writer, bytes(MEMORY_SIZE), State(), 0).history
    return writer.model.config.max_patches - len(history) - 1


def _request(writer: Writer, memory: bytes, first: State, steps: int) -> Request:
    try:
        request = states_request(writer.model.config, memory, serialize_state(first))
    except BytesimError as error:
        raise ModelError(f"the model {writer.name!r} cannot predict states of the CPU: {error.message}") from error
    return replace(request, max_patches=len(request.history) + steps + 1)


def _prediction(first: State, reply: Reply, steps: int) -> Prediction:
    data = reply.data[: steps * STATE_SIZE]
    whole = len(data) // STATE_SIZE * STATE_SIZE
    states = [parse_state(data[at : at + STATE_SIZE]) for at in range(0, whole, STATE_SIZE)]
    nats = float(reply.token_nats[: len(data) + reply.ended].sum())
    return Prediction(states=(first, *states), rest=data[whole:], ended=reply.ended, nll_nats=nats)


def states_request(config: BGPTConfig, memory: bytes, first: bytes, **options: Any) -> Request:
    """The request that writes the states of the CPU that follow a first one: 1024 bytes of memory, 16 of the state.

    Raises ConfigError for a model of other patches.
    """
    size = config.patch_size
    if size != STATE_SIZE:
        raise ConfigError(f"the model has patches of {size} bytes; a state of the CPU has {STATE_SIZE}.")
    begun, source = memory + first, program_of(memory)
    skipped = 0 if config.source_patches else len(memory)
    history = frame_source(begun[skipped:], TRACE_SUFFIX, size)
    settings = {"max_patches": config.max_patches, **options}
    if config.clock:
        times = clock_of(begun, TRACE_SUFFIX)
        settings["times"] = RequestTimes(
            history=clock_patches(times[skipped:], size)[:-1],
            clock=partial(make_clock, TRACE_SUFFIX, begun),
            source=times[: len(source)],
        )
    return Request(history=history, first=len(history) - 1, source=source, **settings)
