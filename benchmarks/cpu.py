"""Times states of the CPU: made by the exact generator, and predicted by a model, for one program and for many at once.

Ceiling of the generator: writing its states at the speed of a memory copy. Floor of the model: reading its weights, and
the cross-attention keys of the programs, once per state.
"""

from __future__ import annotations

import time
from statistics import median

import numpy as np
import torch
from common import arguments, report, weight_bytes

from bytesim.cpu.many import BLOCK, random_programs, run_programs, with_states
from bytesim.cpu.plan import Plan
from bytesim.engine.hardware import bandwidth_gb_s
from bytesim.formats.cpu_trace import MEMORY_SIZE, STATE_SIZE, State, parse_state
from bytesim.models.bgpt.model import BGPT
from bytesim.predictors.cpu import load_cpu_model, predict_states
from bytesim.predictors.writer import Writer

INSTRUCTIONS = 255
TOGETHER = 64


def generator_rate(repeats: int) -> float:
    """States per second of the generator on one core, including the making of random programs."""
    run_programs(random_programs(np.random.default_rng(0), 8))  # the first call builds tables
    rates = []
    for seed in range(repeats):
        start = time.perf_counter()
        programs = random_programs(np.random.default_rng(seed), 4 * BLOCK)
        run_programs(programs)
        rates.append(int(programs.lengths.sum()) / (time.perf_counter() - start))
    return median(rates)


def seconds_for(writer: Writer, asked: list[tuple[bytes, State]], repeats: int) -> float:
    """Median seconds in which the model predicts these programs in one batch."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        predict_states(writer, asked, steps=INSTRUCTIONS, slots=len(asked))
        times.append(time.perf_counter() - start)
    return median(times)


def key_bytes(model: BGPT) -> int:
    """Bytes of the cross-attention keys and values of one program."""
    source = torch.zeros(1, MEMORY_SIZE, dtype=torch.long, device=model.patch_decoder.positions.device)
    with torch.inference_mode():
        encoded = model.encode_source(source)
    layers = [keys for keys in (*encoded.patch_keys, *encoded.byte_keys) if keys is not None]
    return sum(tensor.numel() * tensor.element_size() for keys in layers for tensor in (keys.first, keys.second))


def main() -> None:
    options = arguments(__doc__ or "", model="cpu")
    writer = load_cpu_model(options.model, device=options.device, dtype=options.dtype)
    programs = random_programs(np.random.default_rng(9), TOGETHER, Plan(shortest=INSTRUCTIONS, longest=INSTRUCTIONS))
    asked = [
        (program.ljust(MEMORY_SIZE, b"\0"), parse_state(states[:STATE_SIZE]))
        for program, states in with_states(programs)
    ]
    seconds_for(writer, asked[:1], 1)  # warm-up: the first run includes allocation
    alone = seconds_for(writer, asked[:1], options.repeats)
    together = seconds_for(writer, asked, 1)
    bandwidth = bandwidth_gb_s(options.device) * 1e9
    assert isinstance(writer.model, BGPT)
    weights = weight_bytes(writer.model)
    floors = [INSTRUCTIONS * (weights + count * key_bytes(writer.model)) / bandwidth for count in (1, TOGETHER)]
    rate = generator_rate(options.repeats)
    figures: dict[str, object] = {
        "instructions": INSTRUCTIONS,
        "one_program_s": round(alone, 2),
        "one_program_floor_s": round(floors[0], 3),
        "programs_together": TOGETHER,
        "together_s": round(together, 2),
        "together_floor_s": round(floors[1], 2),
        "faster_each": round(alone * TOGETHER / together, 1),
        "generator_states_per_s": round(rate),
        "generator_ceiling_per_s": round(bandwidth / STATE_SIZE),
    }
    print(f"one program of {INSTRUCTIONS} instructions: {alone:.2f} s, floor {floors[0]:.3f} s")
    speedup = alone * TOGETHER / together
    print(f"{TOGETHER} together: {together:.2f} s, floor {floors[1]:.2f} s; {speedup:.1f} times as fast per program")
    print(f"generator: {rate / 1e6:.2f} million states/s on one core, ceiling {bandwidth / STATE_SIZE / 1e6:.0f}")
    report("cpu", figures, options)


if __name__ == "__main__":
    main()
