"""Compares the answers of the native engine with those of torch: greedy, of files by every shipped model that writes.

Each file is sampled to a length with its own seed, and goes on from its middle; `music` converts tunes both ways, `cpu`
runs random programs. Where two answers differ, torch tells the difference between the logits of the two bytes: a near
tie, which rounding decides. Ceiling: all files equal, or differences of nothing but near ties.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from convert import tunes

from bytesim.cpu.many import split_programs, with_states
from bytesim.cpu.plan import Plan
from bytesim.engine.decode import decode_in_order
from bytesim.formats.cpu_trace import MEMORY_SIZE, STATE_SIZE
from bytesim.models.folder import read_card
from bytesim.models.interface import ByteModel
from bytesim.models.store import find_model, stored_models
from bytesim.models.weights import load_model
from bytesim.patching import END_OF_PATCH, VOCAB_SIZE
from bytesim.predictors.cpu import states_request
from bytesim.predictors.writer import load_writer
from bytesim.requests import Asked, Reply, Request, Sampling

TIE = 1e-4
"""Greatest difference of logits of a near tie."""
SLOTS = 16


def limited(model: Any, asked: Asked, most: int, **options: Any) -> Request:
    """A request for at most `most` bytes."""
    request: Request = model.frame(asked, **options)
    strides = most // request.history.shape[1]
    return replace(request, max_patches=min(request.max_patches, len(request.history) + strides))


def requests_of(name: str, native: Any, files: int, most: int) -> list[Request]:
    """Greedy requests: conversions of tunes by `music`, programs for `cpu`, else continuations of sampled files."""
    if name == "music":
        sources = [tune.encode() for tune in tunes()[: files // 2]]
        asked = [Asked(suffix="mid", source=tune, source_suffix="abc") for tune in sources]
        there = [limited(native, each, most) for each in asked]
        back = [reply.data for reply in decode_in_order(native, there, slots=SLOTS)]
        asked = [Asked(suffix="abc", source=midi, source_suffix="mid") for midi in back[: files - len(there)]]
        return there + [limited(native, each, most) for each in asked]
    if name == "cpu":
        blocks = split_programs("dev", files, Plan(longest=most // STATE_SIZE))
        rows = [row for block in blocks for row in with_states(block)]
        return [states_request(native, code.ljust(MEMORY_SIZE, b"\0"), states[:STATE_SIZE]) for code, states in rows]
    suffix = {"text": "txt", "flat-text": "txt", "blt-text": "txt", "image": "bmp", "audio": "wav"}[name]
    start = Asked(suffix=suffix)
    begun = [limited(native, start, most, sampling=Sampling(temperature=1.0, seed=seed)) for seed in range(files)]
    prompts = [reply.data for reply in decode_in_order(native, begun, slots=SLOTS)]
    asked = [Asked(suffix=suffix, prompt=prompt[: len(prompt) // 2]) for prompt in prompts]
    return [limited(native, each, most) for each in asked]


def gap(model: ByteModel, request: Request, found: Reply, expected: Reply) -> float:
    """Difference of the logits of the two bytes at which answers begin to differ."""
    tokens = [[*reply.data, END_OF_PATCH] for reply in (found, expected)]
    place = next(at for at, (one, other) in enumerate(zip(*tokens, strict=False)) if one != other)
    size = request.history.shape[1]
    answer = np.full((place // size + 1, size), END_OF_PATCH, np.int16)
    answer.ravel()[:place] = tokens[1][:place]
    with torch.inference_mode():
        row = model.answer_logits(request, answer).float().reshape(-1, VOCAB_SIZE)[place]
    return float((row[tokens[0][place]] - row[tokens[1][place]]).abs())


def compared(name: str, files: int, most: int) -> dict[str, Any]:
    """How many answers of a model are equal, and the differences of logits where they are not."""
    native: Any = load_writer(name, engine_backend="native").native
    assert native is not None
    model = cast("ByteModel", load_model(find_model(name).folder))
    requests = requests_of(name, native, files, most)
    answers = [decode_in_order(engine, requests, slots=SLOTS) for engine in (native, model)]
    pairs = list(zip(requests, *answers, strict=True))
    gaps = [gap(model, request, one, other) for request, one, other in pairs if one.data != other.data]
    written = sum(len(reply.data) for reply in answers[1])
    return {"files": len(requests), "bytes": written, "equal": len(requests) - len(gaps), "gaps": gaps}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=200, help="files of each model")
    parser.add_argument("--bytes", type=int, default=320, help="most bytes of an answer, and of a sampled file")
    parser.add_argument("--models", nargs="+", default=[], help="by default all that write")
    options = parser.parse_args()
    shipped = [model for model in stored_models() if model.place == "shipped"]
    writers = [model.name for model in shipped if not read_card(model.folder).get("labels")]
    figures = {}
    for name in options.models or writers:
        figures[name] = found = compared(name, options.files, options.bytes)
        ties = sum(each <= TIE for each in found["gaps"])
        print(
            f"{name:10} {found['equal']} of {found['files']} files equal, {found['bytes']:,} bytes; "
            f"{ties} of {len(found['gaps'])} others differ at a near tie",
            flush=True,
        )
    print(json.dumps({"benchmark": "engines", "tie": TIE, "models": figures}))


if __name__ == "__main__":
    main()
