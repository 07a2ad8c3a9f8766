"""Times a training step: scored bytes per second, and the share of the machine's matrix-product rate that it reaches.

Ceiling: forward and backward pass need about 6 operations per weight and position, at the matrix-product rate.
"""

from __future__ import annotations

import time
from statistics import median

import numpy as np
import torch
from common import arguments, report

from bytesim.engine.hardware import matmul_gflops
from bytesim.models.bgpt.config import BGPTConfig
from bytesim.models.bgpt.model import BGPT
from bytesim.training.data.shards import pack
from bytesim.training.data.streams import ConvertStream
from bytesim.training.loss import collate, token_losses
from bytesim.training.sources import ConvertSource

FILES, SOURCE_BYTES, TARGET_BYTES = 6, 250, 1200


def main() -> None:
    options = arguments(__doc__ or "")
    device = torch.device(options.device)
    config = BGPTConfig(
        parts="modern", patch_size=8, max_patches=1024, hidden_size=256, num_layers=6, byte_hidden_size=128,
        byte_num_layers=2, byte_head_size=32, context_patches=1, source_attention=True, patch_source_attention=True,
    )  # fmt: skip
    torch.manual_seed(0)
    model = BGPT(config).to(device)
    rng = np.random.default_rng(0)
    rows = [(rng.bytes(SOURCE_BYTES), rng.bytes(TARGET_BYTES)) for _ in range(FILES)]
    source = ConvertSource(path="-", source_suffix="abc", target_suffix="mid")
    stream = ConvertStream(source, pack(rows), config)
    batch = collate([stream.example(index) for index in range(len(stream))], config).to(device)

    def step() -> float:
        start = time.perf_counter()
        with torch.autocast(device.type, torch.bfloat16, enabled=options.dtype == "bfloat16"):
            loss = token_losses(model, batch).mean()
        loss.backward()
        model.zero_grad(set_to_none=True)
        if device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - start

    step()  # warm-up: chooses kernels and allocates memory
    elapsed = median(step() for _ in range(options.repeats))
    assert model.byte_decoder is not None
    assert model.source_encoder is not None
    weights = {
        "patch": (model.patch_decoder.blocks, batch.patches.shape[0] * batch.patches.shape[1]),
        "byte": (model.byte_decoder.blocks, batch.targets.numel()),
        "source": (model.source_encoder.blocks, batch.source.numel() if batch.source is not None else 0),
    }
    operations = sum(6 * positions * sum(p.numel() for p in part.parameters()) for part, positions in weights.values())
    ceiling = matmul_gflops(getattr(torch, options.dtype), options.device)
    figures: dict[str, object] = {
        "bytes_per_s": round(FILES * TARGET_BYTES / elapsed),
        "gflops": round(operations / elapsed / 1e9, 1),
        "share_of_ceiling": round(operations / elapsed / 1e9 / ceiling, 3),
    }
    print(f"{figures['bytes_per_s']} bytes/s, {figures['gflops']} of {ceiling:.0f} GFLOP/s in matrix products")
    report("train", figures, options)


if __name__ == "__main__":
    main()
