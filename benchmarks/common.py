"""Code that all benchmarks share: options, model, the machine's peak rates, and the JSON line at the end."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bytesim.engine.hardware import bandwidth_gb_s, devices, matmul_gflops
from bytesim.models.bgpt.config import BGPTConfig
from bytesim.models.bgpt.model import BGPT
from bytesim.models.store import find_model
from bytesim.models.weights import load_model


def arguments(description: str, *, model: str = "music") -> argparse.Namespace:
    """The options of every benchmark: --model, --device, --dtype and --repeats."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--model", default=model, help="model name or folder; `published` is 110 M random weights")
    return machine_options(parser)


def machine_options(parser: argparse.ArgumentParser, *, repeats: int = 3) -> argparse.Namespace:
    """The options of a parser, with --device, --dtype and --repeats."""
    parser.add_argument("--device", default=devices()[0])
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--repeats", type=int, default=repeats)
    return parser.parse_args()


def load(options: argparse.Namespace) -> BGPT:
    """The model that the options name, on their device and in their dtype."""
    dtype = getattr(torch, options.dtype)
    if options.model == "published":
        torch.manual_seed(0)
        return BGPT(BGPTConfig()).to(options.device, dtype).eval()
    model = load_model(find_model(options.model).folder, dtype=dtype)
    assert isinstance(model, BGPT)
    return model.to(options.device)


def weight_bytes(module: torch.nn.Module) -> int:
    """Bytes of the weights of a module, without embeddings, of which a step reads only a few rows."""
    tables = {id(layer.weight) for layer in module.modules() if isinstance(layer, torch.nn.Embedding)}
    return sum(weights.numel() * weights.element_size() for weights in module.parameters() if id(weights) not in tables)


def machine(options: argparse.Namespace) -> dict[str, object]:
    """The machine, and its measured peak rates, which bound the figures."""
    dtype = getattr(torch, options.dtype)
    return {
        "device": options.device,
        "processor": platform.processor() or platform.machine(),
        "threads": torch.get_num_threads(),
        "dtype": options.dtype,
        "torch": torch.__version__,
        "matmul_gflops": round(matmul_gflops(dtype, options.device), 1),
        "bandwidth_gb_s": round(bandwidth_gb_s(options.device), 1),
    }


def report(name: str, figures: dict[str, object], options: argparse.Namespace) -> None:
    """Print the last line: one JSON object with the figures, the options and the machine."""
    print(json.dumps({"benchmark": name, "model": options.model, **figures, **machine(options)}))
