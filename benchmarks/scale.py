"""What bulk work on 10^9 files and the training of a large model cost, from measured figures, and by simulation.

The figures of bulk work are those of docs/curves/speed, measured on one machine. Prices, and the speed of GPUs, are
options. Ceiling: the formulas, with which the simulation of 1,000 workers that fail is compared.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from simulation import Bulk, Training

from bytesim.models.bgpt.config import BGPTConfig
from bytesim.models.weights import outline

SPEED = Path(__file__).resolve().parent.parent / "docs" / "curves" / "speed"
LEDGER = SPEED.parent / "bulk.json"
HOUR = 3600.0
SEEDS = range(5)
SHARES = 200_000
"""Most shares of a simulation."""
LONGEST_SHARE_S = 600
STATE_BYTES = 16
"""Bytes of each parameter in a training: float32 weights, gradients and two moments of AdamW."""
CHECKPOINT_BYTES = 12
"""Bytes of each parameter in a checkpoint: the same without gradients."""
RESTART_S = 300
"""Seconds from a failure to the first step after it."""
FILE_KB = 64
"""Size of a file that is searched or compressed."""
LARGE = BGPTConfig(
    parts="modern", patch_size=16, max_patches=1024, hidden_size=4608, num_layers=36, head_size=128,
    byte_hidden_size=2048, byte_num_layers=12, byte_head_size=64, context_patches=1,
)  # fmt: skip
"""A model of about 10 B parameters."""


@dataclass(frozen=True)
class Work:
    """A kind of bulk work."""

    name: str
    item_s: float
    """Seconds of one core for a file."""


def measured(name: str) -> dict[str, object]:
    """The figures of a benchmark."""
    figures: dict[str, object] = json.loads((SPEED / f"{name}.json").read_text(encoding="utf-8"))
    return figures


def number(figures: object, *keys: str) -> float:
    """A figure at a path of keys."""
    for key in keys:
        assert isinstance(figures, dict)
        figures = figures[key]
    assert isinstance(figures, int | float)
    return float(figures)


def works() -> list[Work]:
    """What a file costs, by command."""
    classify, convert = measured("classify"), measured("convert")
    compress, detect = measured("compress"), measured("detect")
    one_s = (number(classify, "one_process_s") - number(classify, "start_s")) / number(classify, "files")
    tune_s = (number(convert, "many_s") - number(convert, "one_tune_s")) * number(convert, "jobs")
    return [
        Work(f"classify file, {number(classify, 'bytes') / number(classify, 'files') / 1000:.1f} kB", one_s),
        Work("convert abc2midi, a tune", tune_s / number(convert, "files")),
        Work(f"detect, {FILE_KB} kB", FILE_KB / number(detect, "whole files", "bytesim detect", "kb_per_s")),
        Work(f"compress --fast, {FILE_KB} kB", FILE_KB / number(compress, "English text", "--fast", "kb_per_s")),
        Work(f"compress, {FILE_KB} kB", FILE_KB / number(compress, "English text", "with a model", "kb_per_s")),
    ]


def bulk_table(options: argparse.Namespace, row_s: float) -> list[dict[str, object]]:
    """Print what `--files` files cost, and return the rows."""
    print(f"{options.files:,} files, {options.workers:,} workers; each fails once in {options.mtbf_hours:g} hours")
    print(f"{'':28}{'core-hours':>12}{'USD':>10}{'hours, formula':>16}{'simulated':>11}  {'bound by'}")
    rows: list[dict[str, object]] = []
    for work in works():
        share = max(64, min(options.files // SHARES, round(LONGEST_SHARE_S / work.item_s)))
        part = max(1, options.files // (share * SHARES))  # of long work, a part is simulated
        bulk = Bulk(
            items=options.files // part,
            workers=options.workers,
            item_s=work.item_s,
            share=share,
            row_s=row_s,
            worker_mtbf_s=options.mtbf_hours * HOUR,
            driver_mtbf_s=options.mtbf_hours * HOUR,
        )
        core_hours = options.files * work.item_s / HOUR
        simulated_s = part * statistics.mean(bulk.simulated_s(seed) for seed in SEEDS)
        bound = "the ledger" if row_s > work.item_s / bulk.workers else "the workers"
        usd, hours = core_hours * options.core_hour, part * bulk.expected_s() / HOUR
        rows.append(
            {
                "work": work.name,
                "core_hours": round(core_hours),
                "usd": round(usd),
                "hours": round(hours, 1),
                "simulated_hours": round(simulated_s / HOUR, 1),
                "bound_by": bound,
            }
        )
        print(f"{work.name:28}{core_hours:12,.0f}{usd:10,.0f}{hours:16,.1f}{simulated_s / HOUR:11,.1f}  {bound}")
    return rows


def flops_per_byte(config: BGPTConfig) -> float:
    """FLOPs of training on a byte: 6 for each weight of the byte-level decoder, and once a patch for the others.

    Attention over long histories comes on top. Source: Kaplan et al. 2020, arXiv:2001.08361, section 2.1.
    """
    weights = {"patch_decoder": 0, "byte_decoder": 0}
    for name, parameter in outline(config.to_dict()).named_parameters():
        part = name.partition(".")[0]
        if parameter.ndim == 2 and part in weights and "positions" not in name:
            weights[part] += parameter.numel()
    return 6 * (weights["patch_decoder"] / config.patch_size + weights["byte_decoder"])


def training_table(options: argparse.Namespace) -> dict[str, object]:
    """Print what the training of a large model costs, and return the figures."""
    counted = number(measured("train_large"), "gflops") / number(measured("train_large"), "bytes_per_s") * 1e9
    print(f"110 M: {flops_per_byte(BGPTConfig()) / 1e6:.0f} MFLOP a byte by formula, {counted / 1e6:.0f} counted")
    parameters = sum(parameter.numel() for parameter in outline(LARGE.to_dict()).parameters())
    flops = flops_per_byte(LARGE)
    gpu_hours = flops * options.train_bytes / (options.gpu_tflops * 1e12 * options.mfu) / HOUR
    training = Training(
        computing_s=gpu_hours * HOUR / options.gpus,
        workers=options.gpus,
        checkpoint_s=CHECKPOINT_BYTES * parameters / options.gpus / (options.disk_gb_s * 1e9),
        restart_s=RESTART_S,
        worker_mtbf_s=options.gpu_mtbf_hours * HOUR,
    )
    hours = training.expected_s() / HOUR
    simulated = statistics.mean(training.simulated_s(seed) for seed in SEEDS) / HOUR
    lost = 1 - training.computing_s / training.expected_s()
    state_gb = STATE_BYTES * parameters / options.gpus / 1e9
    usd = hours * options.gpus * options.gpu_hour
    print(
        f"{parameters / 1e9:.1f} B parameters, {flops / 1e9:.2f} GFLOP a byte, {options.train_bytes:.0e} bytes: "
        f"{gpu_hours:,.0f} GPU-hours at {options.mfu:.0%} of {options.gpu_tflops:g} TFLOP/s"
    )
    print(
        f"{options.gpus} GPUs: {hours:.1f} hours by formula, {simulated:.1f} simulated; {usd:,.0f} USD; "
        f"FSDP keeps {state_gb:.1f} GB of state on each"
    )
    print(f"a checkpoint every {training.interval_s:,.0f} s; checkpoints and failures take {lost:.1%}")
    return {
        "parameters": parameters,
        "gflops_per_byte": round(flops / 1e9, 2),
        "gpu_hours": round(gpu_hours),
        "usd": round(usd),
        "state_gb_per_gpu": round(state_gb, 1),
        "checkpoint_interval_s": round(training.interval_s),
        "hours": round(hours, 1),
        "simulated_hours": round(simulated, 1),
        "lost_share": round(lost, 4),
    }


def main() -> None:
    """Print the tables and one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10**9)
    parser.add_argument("--workers", type=int, default=1000)
    parser.add_argument("--mtbf-hours", type=float, default=24.0, help="mean hours between the failures of a worker")
    parser.add_argument("--core-hour", type=float, default=0.04, help="price of an hour of a core, in USD")
    parser.add_argument("--train-bytes", type=float, default=1e12)
    parser.add_argument("--gpus", type=int, default=64)
    parser.add_argument("--gpu-hour", type=float, default=2.5, help="price of an hour of a GPU, in USD")
    parser.add_argument(
        "--gpu-tflops", type=float, default=989.0, help="peak of a GPU in bfloat16; 989 is that of an H100"
    )
    parser.add_argument("--mfu", type=float, default=0.4, help="share of the peak that a training reaches")
    parser.add_argument("--gpu-mtbf-hours", type=float, default=20_000.0)
    parser.add_argument(
        "--disk-gb-s", type=float, default=0.25, help="rate at which a GPU writes its part of a checkpoint"
    )
    options = parser.parse_args()
    row_s = 1 / number(json.loads(LEDGER.read_text(encoding="utf-8")), "ledger_rows_per_s")
    rows = bulk_table(options, row_s)
    enough = works()[0].item_s / row_s
    print(f"the ledger takes {1 / row_s:,.0f} rows a second, those of {enough:,.0f} workers that classify")
    figures = training_table(options)
    print(json.dumps({"benchmark": "scale", "bulk": rows, "training": figures}))


if __name__ == "__main__":
    main()
