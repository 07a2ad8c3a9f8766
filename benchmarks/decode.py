"""Times decoding: prefill and decode steps apart, for one file and for many at once, and decoding without a cache.

Ceiling of decode steps: for each patch of S bytes, the weights of the byte-level decoder are read S times and those of
the patch-level decoder once, so bytes/s are at most files * S / (bytes of weights read / bandwidth). Prefill is bound
by the matrix-product rate.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from statistics import median

import torch
from common import arguments, load, report

from bytesim.engine.decode import decode_in_order
from bytesim.engine.hardware import bandwidth_gb_s, matmul_gflops
from bytesim.engine.uncached import decode_uncached
from bytesim.formats.grammar import ANY_BYTE, Grammar, Steps
from bytesim.models.bgpt.model import BGPT
from bytesim.models.framing import convert_request, generate_request
from bytesim.requests import Request

PATCHES = 48
UNCACHED_PATCHES = 4


def open_ended() -> Grammar:
    """A grammar that never lets a file end."""

    def steps() -> Steps:
        while True:
            yield ANY_BYTE

    return Grammar(steps())


def requests_for(model: BGPT, files: int, patches: int) -> list[Request]:
    """Requests whose answers have exactly `patches` patches each."""
    source = bytes(range(32, 127)) * 3

    def request() -> Request:
        if model.config.source_attention:
            framed = convert_request(model.config, source, "abc", "mid")
        else:
            framed = generate_request(model.config, "abc", source)
        limit = min(len(framed.history) + patches, model.config.max_patches)
        return replace(framed, max_patches=limit, grammar=open_ended)

    return [request() for _ in range(files)]


def seconds(work: Callable[[], object], repeats: int) -> float:
    """Median seconds of a call; the first call, which includes allocation, is not counted."""
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return median(times[1:])


def weight_bytes(module: torch.nn.Module) -> int:
    """Bytes of the weights of a module, without embeddings, of which a step reads only a few rows."""
    tables = {id(layer.weight) for layer in module.modules() if isinstance(layer, torch.nn.Embedding)}
    return sum(weights.numel() * weights.element_size() for weights in module.parameters() if id(weights) not in tables)


def main() -> None:
    options = arguments(__doc__ or "")
    model = load(options)
    assert model.byte_decoder is not None
    size = model.config.patch_size
    one = requests_for(model, 1, 1)
    first_patch = seconds(lambda: decode_in_order(model, one), options.repeats)
    history = len(one[0].history)
    prefill_flops = 2 * sum(weights.numel() for weights in model.patch_decoder.blocks.parameters()) * history
    figures: dict[str, object] = {
        "patches": PATCHES,
        "time_to_first_patch_s": round(first_patch, 4),
        "prefill_floor_s": round(prefill_flops / 1e9 / matmul_gflops(getattr(torch, options.dtype), options.device), 5),
    }
    read = weight_bytes(model.patch_decoder) + size * weight_bytes(model.byte_decoder)
    for files in (1, 16, 64):
        requests = requests_for(model, files, PATCHES)
        elapsed = seconds(partial(decode_in_order, model, requests, slots=files), options.repeats)
        ceiling = files * size / (read / (bandwidth_gb_s(options.device) * 1e9))
        figures[f"bytes_per_s_{files}"] = round(files * PATCHES * size / elapsed)
        figures[f"ceiling_bytes_per_s_{files}"] = round(ceiling)
        print(f"{files:3} files together: {files * PATCHES * size / elapsed:8.0f} bytes/s, ceiling {ceiling:10.0f}")
    request = replace(requests_for(model, 1, UNCACHED_PATCHES)[0], grammar=None)
    start = time.perf_counter()
    written = len(decode_uncached(model, request).data) + 1
    naive = written / (time.perf_counter() - start)
    figures["uncached_bytes_per_s"] = round(naive, 1)
    print(f"  1 file, nothing cached: {naive:8.1f} bytes/s")
    report("decode", figures, options)


if __name__ == "__main__":
    main()
