"""Run a program of the 8-bit CPU, given as assembly, memory, or a trace, and return every state."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from bytesim.cpu import machine
from bytesim.cpu.assembler import assemble, parse_byte, register_number
from bytesim.cpu.machine import DEFAULT_STEPS, Stop, StopReason
from bytesim.cpu.outside import unusual
from bytesim.cpu.programs import random_first_state
from bytesim.errors import BytesimError, ConfigError, FormatError, InputError
from bytesim.files import STDIO, check_output, read_input, write_output
from bytesim.formats import cpu_trace
from bytesim.formats.cpu_trace import MEMORY_SIZE, REGISTER_NAMES, STATE_SIZE, State, Trace
from bytesim.tasks.simulate_cpu.simulation import Kind, Simulation, compare_traces

MAX_STEPS = 65_536
"""Bounds the size of trace files. Memory holds 256 instructions and none jumps, so programs need fewer steps."""

_LIMIT_BYTES = MEMORY_SIZE + STATE_SIZE * (MAX_STEPS + 1)

ENGINES = ("exact", "model")


def simulate_cpu(
    program: str | Path,
    *,
    engine: str = "exact",
    model: str = "cpu",
    verify: bool = False,
    steps: int = DEFAULT_STEPS,
    acc: int | None = None,
    registers: Mapping[str, int] | None = None,
    random_state: bool = False,
    seed: int | None = None,
    trace: str | Path | None = None,
    picture: str | Path | None = None,
    force: bool = False,
    device: str = "auto",
    dtype: str = "float32",
    engine_backend: str = "auto",
) -> Simulation:
    """Run a program for at most `steps` steps, and return every state.

    `program` is assembly, or a binary file of 1024 bytes (memory), 1040 bytes (memory and first state) or more (a
    trace). A trace is run again from its first state, for `steps` steps or its own length, whichever is more, and
    compared. If the file has no first state, `acc` and `registers` ("A" .. "J"; those not named are 0) set it, or
    `random_state` draws it from `seed`; without a seed a new one is drawn, which the result names. `trace` is a file to
    write memory and states to, `picture` a PNG of the values at every step; both are replaced only with `force`.

    With `engine` "model" the states are predicted by `model`, on `device` and in `dtype`, without the exact machine.
    They are compared with the states of the exact machine if `verify` is set, else with those of a trace, if one is
    given.

    Raises ConfigError for options that contradict each other, InputError for a file that is not a program, ModelError
    for a model that is missing or does not predict states, OutputError for a file that cannot be written.
    """
    _check_options(engine=engine, steps=steps, random_state=random_state, seed=seed, verify=verify)
    given = _given_state(acc, registers)
    if given is not None and random_state:
        raise ConfigError(
            "a random state sets the whole first state. Leave out acc and registers, or the random state."
        )
    taken: set[str] = set()
    for option, output in (("--trace", trace), ("--picture", picture)):
        if output is not None:
            check_output(output, force=force, taken=taken, option=option, source=program)
    kind, read = _read_program(program)
    if read.states:
        if given is not None or random_state:
            raise InputError(
                "the file has its own first state. Leave out acc, registers and random state, "
                f"or cut the file to its {MEMORY_SIZE} bytes of memory.",
                file=_shown(program),
            )
        first = read.states[0]
    else:
        if random_state and seed is None:
            seed = secrets.randbelow(2**32)
        first = random_first_state(Random(seed)) if random_state else given or State()
    found = read if kind == "trace" else None
    num_steps = max(steps, _num_steps(read))
    if engine == "model":
        run = _run_model(read.memory, first, num_steps, model, device, dtype, engine_backend)
        exact = _run_machine(read.memory, first, num_steps).trace if verify else None
        shown, right = run.trace, exact or found or run.trace
    else:
        run = _run_machine(read.memory, first, num_steps)
        shown, right = found or run.trace, run.trace
    result = Simulation(
        source=str(program),
        kind=kind,
        engine=engine,
        model=run.model,
        trace=run.trace,
        stop=run.stop,
        nll_nats=run.nll_nats,
        outside=unusual(read.memory) if engine == "model" else (),
        seed=seed,
        found=found,
        shown=shown,
        right=right,
        comparison=None if shown is right else compare_traces(shown, right),
        picture=None if picture is None else str(picture),
    )
    if trace is not None:
        write_output(trace, cpu_trace.serialize(run.trace), force=force)
    if picture is not None:
        write_output(picture, _drawn(result), force=force)
    return result


@dataclass(frozen=True, slots=True)
class _Run:
    """The states that one engine computed for a program."""

    trace: Trace
    stop: Stop
    model: str | None = None
    nll_nats: float | None = None


def _run_machine(memory: bytes, first: State, steps: int) -> _Run:
    run = machine.run(memory, first, steps=steps)
    return _Run(Trace(memory=memory, states=run.states), run.stop)


def _run_model(
    memory: bytes, first: State, steps: int, model: str, device: str, dtype: str, engine_backend: str
) -> _Run:
    from bytesim.predictors.cpu import load_cpu_model, predict_states  # torch loads here

    writer = load_cpu_model(model, device=device, dtype=dtype, engine_backend=engine_backend)
    prediction = predict_states(writer, [(memory, first)], steps=steps)[0]
    pc = prediction.states[-1].pc
    # If the model ends the file, the last fetched instruction, at the address before PC, has halted the CPU.
    halted = Stop(reason=StopReason.HALTED, address=max(pc - 1, 0))
    stop = halted if prediction.ended else Stop(reason=StopReason.STEP_LIMIT, address=pc)
    trace = Trace(memory=memory, states=prediction.states, rest=prediction.rest)
    return _Run(trace, stop, writer.name, prediction.nll_nats)


def parse_registers(text: str) -> dict[str, int]:
    """`A=3,B=0x10` -> {"A": 3, "B": 16}. Raises ConfigError."""
    values: dict[str, int] = {}
    for part in text.split(","):
        name, _, digits = (word.strip() for word in part.partition("="))
        number, value = register_number(name), parse_byte(digits)
        if number is None or value is None:
            raise ConfigError(f"{part.strip()!r} is not a register with a value from 0 to 255. Write A=3,B=7.")
        if values.setdefault(REGISTER_NAMES[number - 1], value) != value:
            raise ConfigError(f"register {REGISTER_NAMES[number - 1]} is given two values. Give one.")
    return values


def _drawn(simulation: Simulation) -> bytes:
    """A PNG of the shown states and of the right ones."""
    from bytesim.pictures.cpu_states import draw_states

    name = Path(simulation.source).name
    by = "the exact machine" if simulation.model is None else f"the model {simulation.model}"
    title = f"{name} by {by}"
    if simulation.comparison is not None:
        score = simulation.comparison.score
        title += f": {score.bytes_right} of {score.bytes_total} state bytes right"
    return draw_states(cpu_trace.split_states(simulation.shown), cpu_trace.split_states(simulation.right), title)


def _check_options(*, engine: str, steps: int, random_state: bool, seed: int | None, verify: bool) -> None:
    if engine not in ENGINES:
        raise ConfigError(f"unknown engine {engine!r}. Choose {' or '.join(ENGINES)}.")
    if verify and engine != "model":
        raise ConfigError("verify compares a model with the exact machine. Choose engine model, or leave out verify.")
    if not 1 <= steps <= MAX_STEPS:
        raise ConfigError(f"steps cannot be {steps}; choose 1 to {MAX_STEPS:,}.")
    if seed is not None and not random_state:
        raise ConfigError("a seed needs a random first state. Ask for a random state, or leave out the seed.")
    if seed is not None and seed < 0:
        raise ConfigError(f"the seed cannot be {seed}; choose 0 or more.")


def _given_state(acc: int | None, registers: Mapping[str, int] | None) -> State | None:
    """The first state with the values `acc` and `registers`; None if neither is given."""
    if acc is None and not registers:
        return None
    values = dict.fromkeys(REGISTER_NAMES, 0)
    for name, value in (registers or {}).items():
        if name not in values:
            raise ConfigError(
                f"there is no register {name!r}. Registers are {REGISTER_NAMES[0]} to {REGISTER_NAMES[-1]}."
            )
        values[name] = value
    for name, value in {"ACC": acc or 0, **values}.items():
        if not 0 <= value <= 255:
            raise ConfigError(f"{name} cannot hold {value}; choose 0 to 255.")
    return replace(State(), acc=acc or 0, registers=tuple(values.values()))


def _num_steps(read: Trace) -> int:
    """Number of steps in a trace, including an incomplete last one."""
    return max(0, len(read.states) - 1 + bool(read.rest))


def _read_program(program: str | Path) -> tuple[Kind, Trace]:
    """The kind of the file, and its memory and states. Raises InputError and FormatError, with the file's name."""
    data = read_input(program, limit_bytes=_LIMIT_BYTES)
    try:
        if _is_assembly(program, data):
            return "assembly", Trace(memory=assemble(_text(data)))
        read = cpu_trace.parse(data)
    except BytesimError as error:
        raise error.in_file(_shown(program)) from None
    if not read.states:
        return "memory", read
    return ("trace" if len(data) > MEMORY_SIZE + STATE_SIZE else "memory and first state"), read


def _is_assembly(program: str | Path, data: bytes) -> bool:
    """Whether a file is assembly, by its suffix; with another suffix and for stdin, whether it can be text.

    Memory nearly always contains bytes that text does not: zeros, and opcodes and register numbers below 32.
    """
    suffix = Path(program).suffix.lower()
    if suffix in (".asm", ".bin"):
        return suffix == ".asm"
    return not any(byte < 32 and byte not in b"\t\n\f\r" for byte in data)


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        message = "this is not UTF-8 text, which assembly must be. If the file is memory, give it the suffix .bin."
        raise FormatError(message, offset=error.start) from error


def _shown(program: str | Path) -> str:
    """The name of the file in errors."""
    return "stdin" if str(program) == STDIO else str(program)
