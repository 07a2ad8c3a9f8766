"""Times decoding by each engine, for one file and for many at once, after prompts of several lengths.

Prefill is left out. Baseline: for the published size bGPT as it was published, in `transformers` with nothing cached;
for other models their own teacher forcing, which computes everything again for every byte.

Ceiling of one stream: of every patch of S bytes, the weights of the byte-level decoder are read S times and those of
the patch-level decoder once, at the rate at which this machine reads weights, measured with one large product. A model
that fits the caches, or whose weights are read as bfloat16 or int8, may exceed it. Ceiling of many files: the rate of
matrix products.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from common import load, machine_options, report
from published import Published

from bytesim.engine.decode import Decodes, decode
from bytesim.engine.hardware import matmul_gflops
from bytesim.engine.uncached import decode_uncached
from bytesim.formats.grammar import ANY_BYTE, Grammar, Steps
from bytesim.models.arrays import NamedWeights
from bytesim.models.bgpt.model import BGPT
from bytesim.models.bgpt.native import NativeBGPT
from bytesim.models.framing import convert_request, generate_request
from bytesim.native.library import TARGETS, Kernels, kernels
from bytesim.native.program import NO_CACHES, Program
from bytesim.native.threads import share_operations
from bytesim.requests import Request

PATCHES = 24
LARGE = 8192


def open_ended() -> Grammar:
    """A grammar that never lets a file end."""

    def steps() -> Steps:
        while True:
            yield ANY_BYTE

    return Grammar(steps())


def requests_after(model: BGPT, prefix: int, source: int, files: int, patches: int) -> list[Request]:
    """Requests for `patches` patches after a prompt of `prefix` bytes, or for a conversion of a source of that size."""
    data = np.random.default_rng(0).integers(32, 127, max(prefix, source), np.uint8).tobytes()
    if source:
        framed = convert_request(model.config, data[:source], "abc", "mid")
    else:
        framed = generate_request(model.config, "txt", data)
    return [replace(framed, max_patches=len(framed.history) + patches, grammar=open_ended)] * files


def rate(
    decoder: BGPT | Decodes, model: BGPT, prefix: int, source: int, files: int, *, slots: int, repeats: int
) -> float:
    """Median bytes per second of decode steps, without those before which files were prefilled."""
    requests = requests_after(model, prefix, source, files, PATCHES)

    def once() -> float:
        marks: list[tuple[float, int]] = []

        def mark(count: int) -> None:
            marks.append((time.perf_counter(), count))

        list(decode(decoder, requests, slots=slots, on_bytes=mark))
        steps = [step for step in range(len(marks)) if step % PATCHES]  # all files have as many patches
        return sum(marks[step][1] for step in steps) / sum(marks[step][0] - marks[step - 1][0] for step in steps)

    once()
    return median(once() for _ in range(repeats))


def naive_rate(model: BGPT, published: Published | None, request: Request) -> float:
    """Bytes per second of the baseline, for one patch."""

    def work() -> object:
        if published is not None:
            return published.decode(request, 1)
        return decode_uncached(model, replace(request, grammar=None, max_patches=len(request.history) + 1))

    (seconds,) = timed(work, 1)
    return model.config.patch_size / seconds


def read_rate(compiled: Kernels, repeats: int) -> float:
    """Bytes per second at which one vector is multiplied by weights of 256 MiB."""
    program = Program(compiled)
    source, target = program.register(LARGE), program.register(LARGE)
    program.linear(source, target, np.full((LARGE, LARGE), 1 / 3, np.float32))
    return LARGE * LARGE * 4 / median(timed(lambda: program.run(1, 1, NO_CACHES, {}), repeats))


def timed(work: Callable[[], object], repeats: int) -> list[float]:
    """Seconds of some calls, after one that is not counted."""
    work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return times


def weights_per_byte(model: BGPT) -> float:
    """Weights that are read, and multiplied, for one byte.

    Those of embeddings and positions are not, nor those that make the keys and values of a source, once for a file.
    """
    assert model.byte_decoder is not None
    patch, byte = (
        sum(weights.numel() for name, weights in decoder.blocks.named_parameters() if "key_value" not in name)
        for decoder in (model.patch_decoder, model.byte_decoder)
    )
    return byte + model.byte_decoder.bytes.weight.numel() + patch / model.config.patch_size


def engines(model: BGPT, compiled: Kernels | None, device: str) -> dict[str, Any]:
    """Name -> decoder: torch, and on a CPU the native engine with weights in two number types."""
    decoders: dict[str, Any] = {"torch": model}
    if compiled is not None and device == "cpu":
        weights = {name: tensor.detach().float().numpy() for name, tensor in model.state_dict().items()}
        for name in ("float32", "int8"):
            decoders[f"native {name}"] = NativeBGPT(
                model.config, NamedWeights(weights), compiled, in_bytes=name == "int8"
            )
    return decoders


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="music", help="model name or folder; `published` is 110 M random weights")
    parser.add_argument("--prefix", type=int, nargs="+", default=[1024, 4096, 7680], help="bytes before the first one")
    parser.add_argument("--source", type=int, default=0, help="convert a source of so many bytes, in place of a prompt")
    parser.add_argument("--files", type=int, nargs="+", default=[1, 16, 64], help="files to write")
    parser.add_argument("--slots", type=int, default=64, help="of these, decoded together at most; commands take 16")
    options = machine_options(parser, repeats=5)
    model, compiled = load(options), kernels()
    published = None
    if options.model == "published":
        published = Published(model.config).to(options.device, getattr(torch, options.dtype)).eval()
    decoders, figures = engines(model, compiled, options.device), dict[str, object]()
    gflops = matmul_gflops(getattr(torch, options.dtype), options.device)
    stream = float("inf")
    if len(decoders) > 1:
        assert compiled is not None
        share_operations(compiled, decoders["native float32"].weight_bytes)
        stream = read_rate(compiled, options.repeats) / 4 / weights_per_byte(model)
        print(f"kernels {TARGETS[compiled.target]}")
    for prefix in [0] if options.source else options.prefix:
        naive = naive_rate(model, published, requests_after(model, prefix, options.source, 1, 1)[0])
        figures[f"naive_{prefix}"] = round(naive, 1)
        before = f"a source of {options.source:,} bytes" if options.source else f"{prefix:,} bytes before"
        print(f"{before}, nothing cached: {naive:,.1f} bytes/s", flush=True)
        for files in options.files:
            ceiling = min(files * stream, gflops * 1e9 / 2 / weights_per_byte(model))
            figures[f"ceiling_{files}"] = round(ceiling)
            print(f"  {files} files, ceiling in float32 {ceiling:,.0f} bytes/s")
            for name, decoder in decoders.items():
                found = rate(
                    decoder, model, prefix, options.source, files, slots=options.slots, repeats=options.repeats
                )
                figures[f"{name.replace(' ', '_')}_{prefix}_{files}"] = round(found)
                print(f"    {name:14} {found:10,.0f} bytes/s, {found / naive:7.1f} times", flush=True)
    if compiled is not None:
        figures["native_threads"] = max(1, compiled.threads)
    report("decode", figures, options)


if __name__ == "__main__":
    main()
