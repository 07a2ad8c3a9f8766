"""`bytesim evaluate cpu`: compare a model's states of whole programs with those of the exact machine.

The model is free-running: it reads only the memory and the first state. `predictors.cpu` cannot see the right states.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bytesim.cpu.isa import OPERATIONS
from bytesim.cpu.many import SPLITS, Bytes, split_programs, with_states
from bytesim.cpu.plan import Plan
from bytesim.cpu.programs import MAX_INSTRUCTIONS
from bytesim.engine.score import score_file
from bytesim.errors import ConfigError, FormatError
from bytesim.files import Progress, check_output, write_output
from bytesim.formats.cpu_trace import FETCHED, MEMORY_SIZE, STATE_SIZE, parse_state
from bytesim.metrics import bits_per_byte, state_accuracy, states_by_length, sum_states
from bytesim.predictors.cpu import load_cpu_model, predict_states, states_request
from bytesim.predictors.writer import Writer
from bytesim.tasks.evaluate.cpu_result import CpuEvaluation, OpcodeScore
from bytesim.training.data.shards import load_shard, sha256_of

DEFAULT_PROGRAMS = 1000
DEFAULT_SLOTS = 64
_OPCODE = 2
"""Offset of the opcode in a state."""
Program = tuple[bytes, bytes]
"""Memory (1024 bytes) and all states, including the first."""


def evaluate_cpu(
    programs: str | Path | None = None,
    *,
    model: str = "cpu",
    count: int | None = None,
    split: str = "test",
    longest: int = MAX_INSTRUCTIONS,
    score: bool = False,
    picture: str | Path | None = None,
    force: bool = False,
    device: str = "auto",
    dtype: str = "float32",
    engine_backend: str = "auto",
    slots: int = DEFAULT_SLOTS,
    on_progress: Progress | None = None,
) -> CpuEvaluation:
    """Let the model run programs from memory and first state, and compare every later state with the right one.

    `programs` is a shard of `data build cpu`; without one, `count` (1,000) random programs of at most `longest`
    instructions are made, always the same: those of `split`, which is train, dev or test. `score` also measures bits
    per byte, teacher-forced. `slots` programs are decoded at a time. `picture` is a PNG to draw.

    Raises ConfigError, InputError, FormatError, ModelError, OutputError.
    """
    if split not in SPLITS:
        raise ConfigError(f"split {split!r} is unknown; choose one of {', '.join(SPLITS)}.")
    if count is not None and count < 1:
        raise ConfigError(f"count {count} is out of range; choose 1 or more.")
    if not 1 <= longest <= MAX_INSTRUCTIONS:
        raise ConfigError(f"programs have 1 to {MAX_INSTRUCTIONS} instructions, not {longest}.")
    if picture is not None:
        check_output(picture, force=force, option="--picture")
    name, digest, rows = _from_shard(Path(programs), count) if programs else _random(count, split, longest)
    writer = load_cpu_model(model, device=device, dtype=dtype, rows=slots, engine_backend=engine_backend)
    started = time.perf_counter()
    predicted, ended = _predict(writer, rows, slots, on_progress)
    seconds = time.perf_counter() - started
    pairs = zip(predicted, rows, strict=True)
    scores = [state_accuracy(written, states[STATE_SIZE:]) for written, (_, states) in pairs]
    lengths = [len(states) // STATE_SIZE - 1 for _, states in rows]
    by_opcode, fetch = _by_opcode(predicted, rows)
    total = sum_states(scores)
    evaluation = CpuEvaluation(
        model=writer.name,
        split=name,
        split_sha256=digest,
        decoding=f"greedy, {writer.number_type}" + f", {slots} programs at once",
        score=total,
        byte_accuracy=total.byte_accuracy,
        program_accuracy=total.program_accuracy,
        by_length=states_by_length(zip(lengths, scores, strict=True)),
        by_opcode=by_opcode,
        fetch=fetch,
        unended=ended.count(False),
        longest_right=max((n for n, one in zip(lengths, scores, strict=True) if one.programs_right), default=0),
        bits_per_byte=_bits_per_byte(writer, rows) if score else None,
        states_per_second=sum(map(len, predicted)) / STATE_SIZE / max(seconds, 1e-9),
    )
    if picture is not None:
        from bytesim.pictures.cpu_evaluation import draw_evaluation

        operations = {"fetch": evaluation.fetch, **evaluation.by_opcode}
        wrong = {name: counts.wrong / counts.executed for name, counts in operations.items() if counts.executed}
        title = (
            f"{evaluation.model}: {evaluation.byte_accuracy:.4%} of state bytes, "
            f"{evaluation.program_accuracy:.1%} of programs right ({evaluation.split})"
        )
        write_output(picture, draw_evaluation(evaluation.by_length, wrong, title), force=force)
    return evaluation


def _predict(
    writer: Writer, rows: list[Program], slots: int, on_progress: Progress | None
) -> tuple[list[bytes], list[bool]]:
    """For each program, the states that the model writes after the first, and whether it ended the program."""
    done, expected = 0, sum(len(states) - STATE_SIZE for _, states in rows)

    def on_bytes(num_bytes: int) -> None:
        nonlocal done
        done += num_bytes
        if on_progress:
            on_progress(done, max(done, expected))

    steps = max(len(states) // STATE_SIZE for _, states in rows)
    asked = [(memory, parse_state(states[:STATE_SIZE])) for memory, states in rows]
    replies = predict_states(writer, asked, steps=steps, slots=slots, on_bytes=on_bytes)
    return [reply.data for reply in replies], [reply.ended for reply in replies]


def _by_opcode(predicted: list[bytes], rows: list[Program]) -> tuple[dict[str, OpcodeScore], OpcodeScore]:
    """Name of an operation -> its score, and the score of fetches, up to the first wrong state of each program."""
    executed: Counter[int] = Counter()
    wrong: Counter[int] = Counter()
    fetched = misfetched = 0
    for written, (_, all_states) in zip(predicted, rows, strict=True):
        right = np.frombuffer(all_states, np.uint8).reshape(-1, STATE_SIZE)
        differs = _differences(written, right[1:])
        wrong_states = np.flatnonzero(differs.any(1))
        counted = int(wrong_states[0]) + 1 if len(wrong_states) else len(differs)
        opcodes = right[1:counted, _OPCODE]  # the operation in state k takes effect in state k + 1
        executed.update(opcodes.tolist())
        fetched += counted
        last = differs[counted - 1]
        misfetched += bool(last[FETCHED].any())
        if counted > 1 and np.delete(last, FETCHED).any():
            wrong[int(opcodes[-1])] += 1
    scores = {
        operation.name: OpcodeScore(executed=executed[operation.code], wrong=wrong[operation.code])
        for operation in OPERATIONS
        if executed[operation.code]
    }
    return scores, OpcodeScore(executed=fetched, wrong=misfetched)


def _differences(written: bytes, right: Bytes) -> NDArray[np.bool_]:
    """(n, 16) true where the written states lack, or differ from, a byte of the right states."""
    padded = np.full(right.shape, 256, np.int16)
    kept = min(len(written), right.size)
    padded.reshape(-1)[:kept] = np.frombuffer(written, np.uint8)[:kept]
    return padded != right


def _bits_per_byte(writer: Writer, rows: list[Program]) -> float:
    nats, num_bytes = 0.0, 0
    for memory, states in rows:
        request = states_request(writer.model, memory, states[:STATE_SIZE])
        scored = score_file(writer.model, request, states[STATE_SIZE:])
        nats, num_bytes = nats + scored.nats, num_bytes + scored.num_bytes
    return bits_per_byte(nats, num_bytes)


def _random(count: int | None, split: str, longest: int) -> tuple[str, str, list[Program]]:
    """Name, sha256 and programs of a split of random programs."""
    blocks = split_programs(split, count or DEFAULT_PROGRAMS, Plan(longest=longest))
    rows = [(program.ljust(MEMORY_SIZE, b"\0"), states) for block in blocks for program, states in with_states(block)]
    digest = hashlib.sha256(b"".join(memory + all_states for memory, all_states in rows)).hexdigest()
    lengths = f"1 to {longest} instructions"
    return f"{len(rows):,} random programs of {lengths}, {split}", digest, rows


def _from_shard(path: Path, count: int | None) -> tuple[str, str, list[Program]]:
    shard = load_shard(path)
    rows = []
    for index in range(len(shard))[:count]:
        program, states = shard.row(index)
        if len(program) > MEMORY_SIZE or len(states) % STATE_SIZE or len(states) < 2 * STATE_SIZE:
            raise FormatError("is not a shard of programs and their states.", file=str(path))
        rows.append((program.ljust(MEMORY_SIZE, b"\0"), states))
    if not rows:
        raise FormatError("holds no programs.", file=str(path))
    part = "" if len(rows) == len(shard) else f"{len(rows):,} of "
    return f"{part}{path.name}, {len(shard):,} programs", sha256_of(path), rows
