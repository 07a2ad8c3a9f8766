"""Times a Byte Latent Transformer that decodes incrementally, and one that recomputes everything for each byte.

Both have the same weights and the same history, by default 4,096 bytes. Ceiling of the incremental steps: for each byte
the weights of the entropy model, encoder and decoder are read once, and for each patch those of the latent transformer,
so bytes/s are at most bandwidth / bytes of weights read for a byte. With `--model random`, the default, the weights are
random, the model has about 4 M parameters, and patches have 4 bytes.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch
from common import machine_options, report

from bytesim.engine.hardware import bandwidth_gb_s
from bytesim.models.blt.config import BLTConfig
from bytesim.models.blt.model import BLT
from bytesim.models.framing import generate_request
from bytesim.models.store import find_model
from bytesim.models.weights import load_model
from bytesim.patching import HEADER_BYTES

PATCH_BYTES = 4
STEPS = 128


def random_model() -> BLT:
    """A model of about 4 M parameters with static patches, and an entropy model whose rule they replace."""
    torch.manual_seed(0)
    config = BLTConfig(
        parts="modern", hidden_size=256, num_layers=4, head_size=32, key_value_heads=8, feed_forward_size=0,
        byte_hidden_size=96, encoder_layers=1, decoder_layers=3, byte_head_size=32, byte_key_value_heads=3,
        encoder_feed_forward_size=0, decoder_feed_forward_size=0, ngram_buckets=512, patcher="cumulative",
        threshold=1e9, max_patch_bytes=PATCH_BYTES, entropy_hidden_size=64, entropy_layers=2, entropy_head_size=32,
        entropy_key_value_heads=2, entropy_feed_forward_size=0, max_bytes=16384,
    )  # fmt: skip
    return BLT(config).eval()


def weight_bytes(*modules: torch.nn.Module | None) -> int:
    """Bytes of the weights of modules, without embeddings, of which a step reads only a few rows."""
    read = 0
    for module in modules:
        for layer in () if module is None else module.modules():
            if not isinstance(layer, torch.nn.Embedding):
                read += sum(each.numel() * each.element_size() for each in layer.parameters(recurse=False))
    return read


@torch.inference_mode()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="random", help="model name or folder; `random` for random weights")
    parser.add_argument("--context", type=int, default=4096, help="bytes of the history")
    options = machine_options(parser)
    dtype = getattr(torch, options.dtype)
    model = random_model() if options.model == "random" else load_model(find_model(options.model).folder)
    assert isinstance(model, BLT)
    model.to(options.device, dtype)
    data = np.random.default_rng(0).integers(97, 123, options.context + STEPS, np.uint8)
    request = generate_request(model.config, "txt", data[: options.context].tobytes())
    session = model.session(1)
    start = time.perf_counter()
    session.enter([request])
    first = session.logits()
    prefill = time.perf_counter() - start
    times = []
    for byte in data[options.context :].tolist():
        start = time.perf_counter()
        session.write(torch.tensor([[byte]], device=options.device))
        session.logits()
        times.append(time.perf_counter() - start)
    ends = int(session.patches[0])
    step = float(np.mean(times[8:]))
    whole = np.concatenate([request.history[:, 0], data[options.context :]])
    slow, found = [], torch.zeros(0)
    for count in range(options.repeats):
        tokens = torch.from_numpy(whole[: len(request.history) + count].astype(np.int64)).to(options.device)
        start = time.perf_counter()
        logits = model.logits(model.features(tokens[None], model.borders(tokens[None])[0]))[0, -1]
        slow.append(time.perf_counter() - start)
        found = logits if count == 0 else found
    if not torch.allclose(found.float(), first[0].float(), atol=1e-2 if dtype == torch.float32 else 1.0):
        raise SystemExit("the two ways predict different bytes")
    per_byte = weight_bytes(model.entropy, model.encoder, model.decoder)
    mean = (len(whole) - HEADER_BYTES) / max(1, ends)
    per_byte += int(weight_bytes(model.latent) / mean)
    ceiling = bandwidth_gb_s(options.device) * 1e9 / per_byte
    figures = {
        "parameters": sum(each.numel() for each in model.parameters()),
        "context": options.context,
        "mean_patch_bytes": round(mean, 2),
        "prefill_s": round(prefill, 3),
        "incremental_bytes_per_s": round(1 / step, 1),
        "ceiling_bytes_per_s": round(ceiling),
        "recomputed_bytes_per_s": round(1 / float(np.median(slow)), 3),
        "times_as_fast": round(float(np.median(slow)) / step, 1),
    }
    print(f"incremental: {1 / step:8.1f} bytes/s, ceiling {ceiling:8.0f}")
    print(f"recomputed:  {1 / float(np.median(slow)):8.3f} bytes/s, so {figures['times_as_fast']} times as slow")
    report("blt", figures, options)


if __name__ == "__main__":
    main()
