"""Times decoding and training of the published size on a GPU, in at most 8 minutes; the table comes last.

Decoding: bytes per second of many files together, byte by byte and with CUDA graphs of whole patches. Ceiling of one
stream: of every patch of 16 bytes the weights of the byte-level decoder are read 16 times and those of the patch-level
decoder once, at the memory bandwidth that a copy reaches; of many files: the rate of matrix products. Training: one
step in bfloat16, and its share of the peak rate of the device (MFU).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from common import machine_options, report, weight_bytes
from train import batch_of, matrix_work, step_seconds

from bytesim.engine import cuda_graphs
from bytesim.engine.decode import decode
from bytesim.engine.hardware import bandwidth_gb_s, matmul_gflops, peak_flops
from bytesim.models.bgpt.config import BGPTConfig
from bytesim.models.bgpt.model import BGPT
from bytesim.models.framing import generate_request
from bytesim.patching import END_OF_PATCH
from bytesim.training.compiled import TimeIsUpError, compile_in_time
from bytesim.training.loss import token_losses

SECONDS = 8 * 60
COMPILE_SECONDS = 90
CONFIGS = {
    "published": BGPTConfig(),
    "tiny": BGPTConfig(hidden_size=64, byte_hidden_size=64, num_layers=2, byte_num_layers=1),
}


@contextmanager
def whole_strides(wanted: bool) -> Iterator[None]:
    """Decode with graphs of whole patches in this context, or without."""
    before = cuda_graphs.DEVICE_TYPES
    cuda_graphs.DEVICE_TYPES = ("cuda", "cpu") if wanted else ()
    try:
        yield
    finally:
        cuda_graphs.DEVICE_TYPES = before


def endless(config: BGPTConfig) -> BGPT:
    """A model with random weights that never chooses the end of a file: its logit is 0."""
    torch.manual_seed(0)
    model = BGPT(config)
    assert model.byte_decoder is not None
    with torch.no_grad():
        model.byte_decoder.bytes.weight[END_OF_PATCH] = 0.0
    return model.eval()


def decode_rate(model: BGPT, files: int, seconds: float) -> float:
    """Bytes per second from the fourth patch on, when graphs exist, of at most so many seconds."""
    request = generate_request(model.config, "txt")
    marks: list[tuple[float, int]] = []
    started = time.perf_counter()

    def mark(count: int) -> None:
        marks.append((time.perf_counter(), count))
        if len(marks) > 4 and marks[-1][0] - started > seconds:
            raise TimeIsUpError

    with suppress(TimeIsUpError):
        list(decode(model, [request] * files, slots=files, on_bytes=mark))
    steps = marks[3:]
    return sum(count for _, count in steps[1:]) / (steps[-1][0] - steps[0][0])


def decoding(options: argparse.Namespace, until: float) -> dict[str, float]:
    """Bytes per second, by number of files and way; what does not fit the time is left out."""
    model = endless(CONFIGS[options.model]).to(options.device, getattr(torch, options.dtype))
    config = model.config
    assert model.byte_decoder is not None
    reads = weight_bytes(model.byte_decoder) + weight_bytes(model.patch_decoder) / config.patch_size
    memory = bandwidth_gb_s(options.device) * 1e9 / reads
    products = matmul_gflops(getattr(torch, options.dtype), options.device) * 1e9 / 2 / (reads / model_bytes(model))
    figures: dict[str, float] = {}
    for files in options.files:
        figures[f"ceiling_{files}"] = round(min(files * memory, products))
        for name, wanted in (("graphs", True), ("byte_by_byte", False)):
            if time.monotonic() > until:
                return figures
            with whole_strides(wanted):
                figures[f"{name}_{files}"] = round(decode_rate(model, files, min(20.0, until - time.monotonic())))
            print(f"{files} files, {name}: {figures[f'{name}_{files}']:,.0f} bytes/s", flush=True)
    return figures


def model_bytes(model: BGPT) -> int:
    """Bytes of one weight."""
    return next(model.parameters()).element_size()


def training(options: argparse.Namespace, until: float) -> dict[str, float | str]:
    """Bytes per second of a training step in bfloat16, and the share of the peak rate."""
    torch.manual_seed(0)
    device, config = torch.device(options.device), CONFIGS[options.model]
    length = (config.max_patches - 3) * config.patch_size
    model, batch = BGPT(config).to(device), batch_of(config, options.train_files, length).to(device)

    def losses(model: BGPT, batch: object) -> torch.Tensor:
        with torch.autocast(device.type, torch.bfloat16):
            return token_losses(model, batch)  # type: ignore[arg-type]

    def use(function: object) -> None:
        function(model, batch).mean().backward()  # type: ignore[operator]
        model.zero_grad(set_to_none=True)

    seconds = min(COMPILE_SECONDS, until - time.monotonic())
    notes: list[str] = []
    step = compile_in_time(losses, use, device, seconds, notes.append) if options.compile else losses
    took = step_seconds(lambda: step(model, batch).mean(), model, 0.0, options.repeats)
    peak, peak_from = peak_flops(torch.bfloat16, options.device)
    return {
        "train_bytes_per_s": round(options.train_files * length / took),
        "train_mfu": round(1e9 * sum(matrix_work(model, batch)) / took / peak, 3),
        "train_peak": peak_from,
        "train_compiled": "yes" if step is not losses else notes[0] if notes else "no",
    }


def main() -> None:
    started = time.monotonic()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=CONFIGS, default="published", help="size; the weights are random")
    parser.add_argument("--files", type=int, nargs="+", default=[1, 16, 64, 256], help="files decoded together")
    parser.add_argument("--train-files", type=int, default=32, help="files of 8 KiB of a training step")
    parser.add_argument("--compile", action="store_true", help="compile the training step, for at most 90 seconds")
    parser.set_defaults(dtype="bfloat16")
    options = machine_options(parser, repeats=5)
    figures = decoding(options, started + SECONDS * 0.6)
    trained = training(options, started + SECONDS * 0.9)
    print(f"{'files':>6} {'graphs':>12} {'byte by byte':>12} {'times':>6} {'ceiling':>12}   bytes/s")
    for files in options.files:
        if f"byte_by_byte_{files}" in figures:
            graphs, plain = figures[f"graphs_{files}"], figures[f"byte_by_byte_{files}"]
            ceiling = figures[f"ceiling_{files}"]
            print(f"{files:6} {graphs:12,.0f} {plain:12,.0f} {graphs / plain:6.1f} {ceiling:12,.0f}")
    print(f"training: {trained['train_bytes_per_s']:,} bytes/s, {trained['train_mfu']:.1%} of {trained['train_peak']}")
    report("gpu", {**figures, **trained}, options)


if __name__ == "__main__":
    main()
