"""The compiled kernels: bags of n-grams, the context mixer, and programs made from damaged weights and any tokens."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

import bytesim
from bytesim.engine.decode import decode_in_order
from bytesim.models.framing import convert_request, generate_request
from bytesim.models.native import load_native
from bytesim.native.library import MOST_WORDS, kernels
from bytesim.native.mixer import ByteMixer
from bytesim.requests import Sampling
from bytesim.tasks.compress.coding import decode, encode
from fuzz import fixtures
from fuzz.targets.target import Run, parser, raise_first, task, write


@parser("native-bags", "any")
def gather(data: bytes) -> None:
    library = kernels()
    assert library is not None
    rng = np.random.default_rng(len(data))
    tokens = np.frombuffer(data[:4096], np.uint8).astype(np.int32)
    longest, buckets = 1 + len(data) % 6, 1 + len(data) % 97
    table = rng.normal(size=(buckets + 1, 1 + len(data) % 33)).astype(np.float32)
    lengths, words = ([n for n in range(1, most + 1) if rng.integers(2)] for most in (longest, MOST_WORDS))
    library.ngram_bag(tokens, lengths, words, table)
    size = len(tokens) // 2
    library.edge_bag(np.ascontiguousarray(tokens[: 2 * size].reshape(2, size)), longest, table)


@parser("native-mixer", "any")
def mix(data: bytes) -> None:
    """What was coded is decoded to the same bytes."""
    library = kernels()
    assert library is not None
    data = data[: 1 << 14]
    code = np.frombuffer(b"".join(encode(io.BytesIO(data).read, len(data))), np.uint8)
    assert b"".join(decode(code, len(data))) == data, "the mixer decodes other bytes than it coded"
    ByteMixer(library, len(data)).measure(data[:4096])


@parser("native-mixer-code", "any")
def unmix(data: bytes) -> None:
    """Any bytes as a code, of any stated length."""
    code = np.frombuffer(data, np.uint8)
    for _ in decode(code, min(len(data) * 3 + 5, 1 << 15)):
        pass


@parser("native-mixer-logits", "any")
def mix_with_logits(data: bytes) -> None:
    """The logits of a model may be anything, not finite ones among them."""
    library = kernels()
    assert library is not None
    data = data[:200]
    logits = np.resize(np.frombuffer(data.ljust(8, b"\xff")[: len(data) // 4 * 4 or 4], np.float32), (len(data), 257))
    mixer = ByteMixer(library, len(data), with_model=True)
    code = b"".join(mixer.encode(data[i : i + 1], np.ascontiguousarray(logits[i : i + 1])) for i in range(len(data)))
    code += mixer.finish()
    back = ByteMixer(library, len(data), with_model=True)
    whole = np.frombuffer(code, np.uint8)
    read = b"".join(back.decode(whole, 1, np.ascontiguousarray(logits[i : i + 1])) for i in range(len(data)))
    assert read == data, "the mixer decodes other bytes than it coded"


def _program(name: str) -> None:
    """Programs of the kernels made from damaged weights: none may read or write beyond its memory."""

    @task(f"native-{name}", f"{name}/model.safetensors")
    def prepare(folder: Path) -> Run:
        whole = fixtures.model(name)

        def run(data: bytes) -> None:
            for path in whole.iterdir():
                if path.name != "model.safetensors":
                    (folder / path.name).write_bytes(path.read_bytes())
            (folder / "model.safetensors").write_bytes(data)
            fixtures.seal(folder)
            _decode(folder, name, data)

        return run


def _decode(folder: Path, name: str, data: bytes) -> None:
    if name == "classifier":
        source = write(folder, "in.txt", data[:60])
        raise_first(bytesim.classify_file([source], model=f"{folder}/", engine_backend="native"))
        return
    for number_type in ("float32", "int8"):
        model = load_native(folder, number_type=number_type)
        options: dict[str, Any] = {"max_patches": 24, "sampling": Sampling(temperature=1.0)}
        if name in ("converter", "music"):
            requests = [convert_request(model.config, data[:n], "csv", "json", **options) for n in (0, 5, 40)]
        else:
            requests = [generate_request(model.config, "txt", data[:n], **options) for n in (0, 3, 12)]
        list(decode_in_order(model, requests, slots=2))


for _name in fixtures.RECIPES:
    _program(_name)
