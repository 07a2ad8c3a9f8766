"""Times a training step: forward and backward pass and optimizer, of scored bytes per second.

At the published size also that of bGPT as it was published, in float32 in `transformers`, at the same batch. Ceiling:
the passes need about 6 operations per weight and position, at the measured matrix-product rate; the share is given for
the whole step, and for the passes of the patch-level decoder alone.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from common import machine_options, report
from published import Published

from bytesim.engine.hardware import matmul_gflops
from bytesim.models.bgpt.conditioning import Conditioning
from bytesim.models.bgpt.config import BGPTConfig
from bytesim.models.bgpt.model import BGPT
from bytesim.training.data.shards import pack
from bytesim.training.data.streams import ConvertStream, GenerateStream
from bytesim.training.loss import Batch, collate, token_losses
from bytesim.training.memory import keep_freed_memory
from bytesim.training.optimizers import make_optimizers
from bytesim.training.sources import ConvertSource, GenerateSource

FILES, SOURCE_BYTES, TARGET_BYTES = 6, 250, 1200
CONFIGS = {
    "published": BGPTConfig(),
    "small": BGPTConfig(
        parts="modern", patch_size=8, max_patches=1024, hidden_size=256, num_layers=6, byte_hidden_size=128,
        byte_num_layers=2, byte_head_size=32, context_patches=1, source_attention=True, patch_source_attention=True,
    ),
}  # fmt: skip


def batch_of(config: BGPTConfig, files: int = FILES, target_bytes: int = TARGET_BYTES) -> Batch:
    """Files of random bytes; conversions for a model with a source."""
    rng = np.random.default_rng(0)
    rows = [(rng.bytes(SOURCE_BYTES), rng.bytes(target_bytes)) for _ in range(files)]
    stream: ConvertStream | GenerateStream
    if config.source_attention:
        stream = ConvertStream(ConvertSource(path="-", source_suffix="abc", target_suffix="mid"), pack(rows), config)
    else:
        stream = GenerateStream(GenerateSource(path="-", target_suffix="mid"), pack(rows), config)
    return collate([stream.example(index) for index in range(len(stream))], config)


def matrix_work(model: BGPT, batch: Batch) -> list[float]:
    """10^9 operations of a step in the layers of each part: patch-level and byte-level decoder, and source encoder."""
    assert model.byte_decoder is not None
    parts: list[tuple[nn.Module, int]] = [
        (model.patch_decoder.blocks, batch.patches.shape[0] * batch.patches.shape[1]),
        (model.byte_decoder.blocks, batch.targets.numel()),
    ]
    if model.source_encoder is not None and batch.source is not None:
        parts.append((model.source_encoder.blocks, batch.source.numel()))
    return [6e-9 * positions * sum(p.numel() for p in part.parameters()) for part, positions in parts]


def step_seconds(loss: Callable[[], torch.Tensor], model: nn.Module, muon: float | None, repeats: int) -> float:
    """Median seconds of a step, after one that is not counted; without an optimizer if `muon`, its rate, is None."""
    optimizers = (
        []
        if muon is None
        else make_optimizers(
            model,
            learning_rate=1e-4,
            muon_learning_rate=muon,
            weight_decay=0.01,
            betas=(0.9, 0.98),
            dtype=torch.float32,
        )
    )

    def step() -> float:
        start = time.perf_counter()
        loss().backward()
        for optimizer in optimizers:
            optimizer.step()
        if next(model.parameters()).is_cuda:
            torch.cuda.synchronize()
        seconds = time.perf_counter() - start
        model.zero_grad(set_to_none=True)
        return seconds

    step()
    return median(step() for _ in range(repeats))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=CONFIGS, default="small", help="size and parts; the weights are random")
    options = machine_options(parser, repeats=5)
    keep_freed_memory()
    torch.manual_seed(0)
    device, config = torch.device(options.device), CONFIGS[options.model]
    model, batch = BGPT(config).to(device), batch_of(config).to(device)

    def autocast() -> torch.autocast:
        return torch.autocast(device.type, torch.bfloat16, enabled=options.dtype == "bfloat16")

    def loss() -> torch.Tensor:
        with autocast():
            return token_losses(model, batch).mean()

    def patch_loss() -> torch.Tensor:
        with autocast():
            return model.patch_decoder(batch.patches, Conditioning()).float().mean()

    seconds = step_seconds(loss, model, 0.0 if options.model == "published" else 1e-3, options.repeats)
    work = matrix_work(model, batch)
    ceiling = matmul_gflops(getattr(torch, options.dtype), options.device)
    blocks = dict(model.patch_decoder.blocks.named_parameters())
    used = sum(weights.numel() for name, weights in blocks.items() if "source_" not in name)  # no source is given
    patch_work = work[0] * used / sum(weights.numel() for weights in blocks.values())
    passes = step_seconds(patch_loss, model, None, options.repeats)
    figures: dict[str, object] = {
        "bytes_per_s": round(FILES * TARGET_BYTES / seconds),
        "gflops": round(sum(work) / seconds, 1),
        "share_of_ceiling": round(sum(work) / seconds / ceiling, 3),
        "patch_share_of_ceiling": round(patch_work / passes / ceiling, 3),
    }
    print(f"{figures['bytes_per_s']} bytes/s, {figures['gflops']} of {ceiling:.0f} GFLOP/s in matrix products")
    print(f"patch-level decoder alone: {patch_work / passes:.1f} GFLOP/s")
    if options.model == "published":
        del model
        published = Published(config).to(device)
        naive = step_seconds(lambda: published.loss(batch.patches), published, 0.0, options.repeats)
        figures["naive_bytes_per_s"] = round(FILES * TARGET_BYTES / naive)
        print(f"as published, in float32: {FILES * TARGET_BYTES / naive:.0f} bytes/s; {naive / seconds:.2f} times")
    report("train", figures, options)


if __name__ == "__main__":
    main()
