"""Times the native engine against torch and against decoding without a cache, at one model and several prefixes.

Ceiling of one stream: of every patch of S bytes, the weights of the byte-level decoder are read S times and those of
the patch-level decoder once, at the rate at which this machine reads weights, measured with one large product. A model
that fits the caches, or whose weights are read as bfloat16, may exceed it.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from common import load, machine

from bytesim.engine.decode import Decodes, decode_in_order
from bytesim.engine.uncached import decode_uncached
from bytesim.formats.grammar import ANY_BYTE, Grammar, Steps
from bytesim.models.arrays import NamedWeights
from bytesim.models.bgpt.model import BGPT
from bytesim.models.bgpt.native import NativeBGPT
from bytesim.models.framing import generate_request
from bytesim.native.library import TARGETS, Kernels, kernels
from bytesim.native.program import NO_CACHES, Program
from bytesim.native.threads import share_products
from bytesim.requests import Request

PATCHES = 8
LARGE = 8192


def open_ended() -> Grammar:
    """A grammar that never lets a file end."""

    def steps() -> Steps:
        while True:
            yield ANY_BYTE

    return Grammar(steps())


def requests_after(model: BGPT, prefix: int, files: int, patches: int) -> list[Request]:
    """Requests for `patches` patches after a prompt of `prefix` bytes."""
    data = np.random.default_rng(0).integers(32, 127, prefix, np.uint8).tobytes()
    framed = generate_request(model.config, "txt", data)
    return [replace(framed, max_patches=len(framed.history) + patches, grammar=open_ended)] * files


def rate(decoder: BGPT | Decodes, model: BGPT, prefix: int, files: int, repeats: int) -> float:
    """Median bytes per second of decode steps, prefill left out: the difference of two lengths."""
    long = requests_after(model, prefix, files, 1 + PATCHES)
    short = requests_after(model, prefix, files, 1)

    def seconds(requests: list[Request]) -> float:
        start = time.perf_counter()
        decode_in_order(decoder, requests, slots=files)
        return time.perf_counter() - start

    seconds(short)
    times = [seconds(long) - seconds(short) for _ in range(repeats)]
    return files * PATCHES * model.config.patch_size / max(median(times), 1e-9)


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


def weight_bytes(model: BGPT) -> int:
    """Float32 bytes of weights that are read for one patch, without embeddings and positions."""
    assert model.byte_decoder is not None
    layers = [
        sum(weights.numel() for weights in decoder.blocks.parameters())
        for decoder in (model.patch_decoder, model.byte_decoder)
    ]
    head = model.byte_decoder.bytes.weight.numel()
    return 4 * (layers[0] + model.config.patch_size * (layers[1] + head))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--model", default="published", help="model name or folder; `published` is 110 M random weights"
    )
    parser.add_argument("--prefix", type=int, nargs="+", default=[1024, 4096, 7680], help="bytes before the first one")
    parser.add_argument("--files", type=int, nargs="+", default=[1, 16], help="files decoded together")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    options.device, options.dtype = "cpu", "float32"
    model, compiled = load(options), kernels()
    if compiled is None:
        sys.exit("the native engine was not built")
    weights = {name: tensor.detach().numpy() for name, tensor in model.state_dict().items()}
    decoders: dict[str, Any] = {"torch": model}
    for name in ("float32", "int8"):
        decoders[name] = NativeBGPT(model.config, NamedWeights(weights), compiled, in_bytes=name == "int8")
    threads = share_products(compiled, decoders["float32"].weight_bytes)
    ceiling = model.config.patch_size * read_rate(compiled, options.repeats) / weight_bytes(model)
    figures: dict[str, object] = {"kernels": TARGETS[compiled.target], "native_threads": threads}
    print(
        f"kernels {TARGETS[compiled.target]}, {threads} threads; ceiling of one float32 stream {ceiling:,.0f} bytes/s"
    )
    for prefix in options.prefix:
        request = replace(requests_after(model, prefix, 1, 1)[0], grammar=None)
        with torch.inference_mode():
            (seconds,) = timed(partial(decode_uncached, model, request), 1)
        naive = model.config.patch_size / seconds
        figures[f"naive_{prefix}"] = round(naive, 2)
        print(f"{prefix:,} bytes before, nothing cached: {naive:,.1f} bytes/s", flush=True)
        for files in options.files:
            for name, decoder in decoders.items():
                found = rate(decoder, model, prefix, files, options.repeats)
                figures[f"{name}_{prefix}_{files}"] = round(found)
                print(f"  {files:3} files, {name:8} {found:10,.0f} bytes/s, {found / naive:7.1f} times", flush=True)
    print(
        json.dumps(
            {"benchmark": "native", "model": options.model, "ceiling": round(ceiling), **figures, **machine(options)}
        )
    )


if __name__ == "__main__":
    main()
