"""Ten minutes on a rented GPU: packs recipes with their data, and trains them one after the other in a fixed time.

    python benchmarks/lease.py pack --out packs recipes/music.toml recipes/cpu.toml
    python benchmarks/lease.py run packs --minutes 10 --recipes music,cpu --out leased

`pack` runs before, on a machine with everything installed. `run` needs torch, numpy, rich, typer, safetensors,
matplotlib and pillow alone. Ceilings: 45 s to the first step, 5 % of the time spent waiting for data, and the peak
rate of the device, of which the share reached (MFU) is printed. docs/short_lease.md tells more.
"""

from __future__ import annotations

import time

STARTED = time.monotonic()  # before torch is imported, which takes seconds of the 45

import argparse  # noqa: E402
import json  # noqa: E402
import math  # noqa: E402
import platform  # noqa: E402
import sys  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bytesim.errors import BytesimError, ConfigError, OutputError  # noqa: E402
from bytesim.training.data.packs import MOST_BYTES, VALIDATION_FILES, load_pack, pack_recipe  # noqa: E402
from bytesim.training.recipe import Recipe, load_recipe  # noqa: E402

PRIORITY = ("music", "cpu", "text", "filetype")
LEAST_S = 40.0
"""A recipe that would have fewer seconds than this is left out, so that those before it have more."""


def main() -> int:
    options = _arguments()
    try:
        if options.command == "pack":
            pack(options)
        else:
            return run(options)
    except BytesimError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    packing = commands.add_parser("pack", help="write each recipe with its data to a small folder")
    packing.add_argument("recipes", nargs="*", type=Path, help="recipes; by default music, cpu, text and filetype")
    packing.add_argument("--out", type=Path, default=Path("packs"), help="folder of the packs")
    packing.add_argument("--mib", type=_positive, default=MOST_BYTES / 2**20, help="most MiB of the data of a recipe")
    packing.add_argument("--validation-files", type=_count(1), default=VALIDATION_FILES, help="most of each source")
    running = commands.add_parser("run", help="train packs, one after the other, in a fixed time")
    running.add_argument("packs", type=Path, help="folder that `pack` has written")
    running.add_argument("--recipes", default=",".join(PRIORITY), help="names, in the order of priority")
    length = running.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=_positive, default=10.0, help="for all recipes together, writing included")
    length.add_argument("--each", type=_positive, help="minutes for each recipe instead")
    running.add_argument("--steps", type=_count(0), default=0, help="most steps of each recipe; 0 for as many as fit")
    running.add_argument("--probe", type=_count(0), default=20, help="most seconds to try sizes of batches; 0: none")
    running.add_argument("--device", default="auto")
    running.add_argument("--compile", action="store_true", help="compile the models, if that takes under 45 s")
    running.add_argument("--loaders", type=_count(0), help="processes that prepare data; by default 4 on a GPU")
    running.add_argument("--out", type=Path, default=Path("leased"), help="a new folder for the runs")
    return parser.parse_args()


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
    return value


def _count(least: int) -> Callable[[str], int]:
    def count(text: str) -> int:
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"{text} is below {least}")
        return value

    return count


def pack(options: argparse.Namespace) -> None:
    """Pack recipes, and print their sizes. Raises BytesimError."""
    recipes = options.recipes or [ROOT / "recipes" / f"{name}.toml" for name in PRIORITY]
    sizes = {}
    for path in recipes:
        packed = pack_recipe(
            load_recipe(path),
            path.parent,
            options.out / path.stem,
            most_bytes=int(options.mib * 2**20),
            validation_files=options.validation_files,
        )
        for shard in packed.shards:
            rows = f"{shard.rows:,} of {shard.of_rows:,} rows" if shard.rows < shard.of_rows else f"{shard.rows:,} rows"
            print(f"{packed.folder / shard.file}: {rows}, {shard.num_bytes:,} bytes")
        more = f", and {packed.start_bytes:,} bytes of weights to start from" if packed.start_bytes else ""
        print(f"{packed.folder}: {packed.data_bytes / 2**20:.2f} MiB of data (at most {options.mib:g}){more}")
        sizes[path.stem] = packed.data_bytes
    print(json.dumps({"benchmark": "lease pack", "bytes": sizes, "limit_bytes": int(options.mib * 2**20)}))


def run(options: argparse.Namespace) -> int:
    """Train packs in a fixed time, and print their results. Returns 1 if a recipe failed. Raises BytesimError."""
    names = list(dict.fromkeys(filter(None, options.recipes.split(","))))
    if not names or any(Path(name).name != name for name in names):
        raise ConfigError("--recipes takes names of packs, such as music,cpu.")
    recipes = {name: load_pack(options.packs / name) for name in names}
    seconds = 60.0 * (options.each * len(names) if options.each else options.minutes)
    if options.out.exists():
        raise OutputError("exists already. Name a new folder with --out.", file=str(options.out))
    count = len(names) if options.each else max(1, min(len(names), int(seconds // LEAST_S)))
    if count < len(names):
        print(f"no time for {', '.join(names[count:])}: each recipe needs {LEAST_S:.0f} s", flush=True)
    results = _train(options, {name: recipes[name] for name in names[:count]}, STARTED + seconds)
    print(json.dumps({"benchmark": "lease", "seconds": round(time.monotonic() - STARTED, 1), **results}))
    return int(any("error" in result for result in results["recipes"]))


def _train(options: argparse.Namespace, recipes: dict[str, Recipe], end: float) -> dict[str, Any]:
    """Train recipes until `end`: each gets an equal part of what is left, and what it leaves goes to the next.

    A recipe that fails does not stop the rest. Returns the results and the machine.
    """
    import torch

    from bytesim.engine.hardware import open_device
    from bytesim.tasks.train.in_time import InTimeOptions, train_in_time
    from bytesim.training.interrupt import ANY_STOP, deferred_interrupt
    from bytesim.training.time_limit import TimeLimit

    device = open_device(options.device)
    results: list[dict[str, Any]] = []
    with deferred_interrupt(ANY_STOP) as interrupt:
        for number, (name, recipe) in enumerate(recipes.items()):
            if interrupt.asked:
                break
            now = time.monotonic() if results else STARTED
            how = InTimeOptions(
                device=device,
                started=now,
                compile=options.compile,
                loaders=options.loaders,
                probe_s=options.probe,
                steps=options.steps,
            )
            try:
                result = train_in_time(
                    name,
                    recipe,
                    base=options.packs / name,
                    folder=options.out / name,
                    limit=TimeLimit(now + (end - now) / (len(recipes) - number)),
                    interrupt=interrupt,
                    options=how,
                    say=lambda line: print(line, flush=True),
                )
                results.append(result.to_dict())
            except BytesimError as error:
                print(f"error: {name}: {error}", file=sys.stderr, flush=True)
                results.append({"recipe": name, "error": str(error)})
    return {
        "interrupted": interrupt.asked,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else str(device),
        "processor": platform.processor() or platform.machine(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "recipes": results,
    }


if __name__ == "__main__":
    sys.exit(main())
