"""Compares `bytesim compress` with xz, Zstandard, Brotli and PPMd: bytes, and kB/s of one core.

Single files of a kind are compressed one by one, and added up. xz, Zstandard and Brotli run at their highest settings,
PPMd (variant H) with order 6 and 64 MiB. All but xz need packages: pip install zstandard brotli pyppmd. Ceiling of a
compression with a model: the rate at which it decodes, as every byte takes one step.
"""

from __future__ import annotations

import argparse
import io
import lzma
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from common import machine_options, report

from bytesim.cpu.many import split_programs, with_states
from bytesim.formats.bsim import STAMP_BYTES
from bytesim.formats.cpu_trace import MEMORY_SIZE
from bytesim.native.library import kernels
from bytesim.predictors.next_byte import NextByte
from bytesim.predictors.writer import Writer
from bytesim.tasks.compress.coding import encode
from bytesim.tasks.compress.models import TRIAL_BYTES, chosen_writer
from bytesim.training.data.shards import load_shard

Compress = Callable[[bytes], bytes]


def tools() -> dict[str, Compress]:
    """Name -> compression, of the tools that are installed."""
    found: dict[str, Compress] = {"xz -9e": lambda data: lzma.compress(data, preset=9 | lzma.PRESET_EXTREME)}
    made: dict[str, tuple[str, Callable[[Any], Compress]]] = {
        "zstd -22": ("zstandard", lambda package: lambda data: package.ZstdCompressor(level=22).compress(data)),
        "brotli -q 11": ("brotli", lambda package: lambda data: package.compress(data, quality=11)),
        "PPMd": ("pyppmd", lambda package: lambda data: package.compress(data, max_order=6, mem_size=64 << 20)),
    }
    for name, (package, make) in made.items():
        try:
            found[name] = make(import_module(package))
        except ImportError:
            print(f"{name} is left out: pip install {package}")
    return found


def rows(shard: Path, side: int, count: int, most: int) -> list[bytes]:
    """Sources (side 0) or targets (1) of a shard, evenly spread, of at most so many bytes together."""
    if not shard.is_file():
        return []
    stored = load_shard(shard)
    wanted = [stored.row(place)[side] for place in range(0, len(stored), max(1, len(stored) // count))]
    kept, total = [], 0
    for data in wanted:
        total += len(data)
        if total > most:
            break
        if data:
            kept.append(data)
    return kept


def traces(count: int) -> list[bytes]:
    """Traces of random programs that no model was trained on."""
    (programs,) = split_programs("test", count)
    return [memory.ljust(MEMORY_SIZE, b"\0") + states for memory, states in with_states(programs)]


def kinds(data: Path, most: int) -> dict[str, tuple[str, list[bytes]]]:
    """Kind -> suffix and files, none of which a model was trained on."""
    text = [b"\n".join(rows(data / f"{name}_test.npz", 1, 100_000, most // 2)) for name in ("wikipedia", "agnews")]
    package = Path(__file__).resolve().parent.parent / "bytesim"
    found = {
        "ABC, 100 tunes": ("abc", rows(data / "music_valid.npz", 0, 100, most)),
        "ABC, one file": ("abc", [b"\n".join(rows(data / "music_valid.npz", 0, 2000, most))]),
        "MIDI, 100 files": ("mid", rows(data / "music_valid.npz", 1, 100, most)),
        "MIDI, one file": ("mid", [b"".join(rows(data / "music_valid.npz", 1, 400, most))]),
        "CPU traces, 20 files": ("bin", traces(20)),
        "English text": ("txt", [b"\n".join(text)]),
        "Python": ("py", [b"".join(path.read_bytes() for path in sorted(package.rglob("*.py")))[:most]]),
        "machine code": ("so", [Path(sys.executable).resolve().read_bytes()[:most]]),
        "pictures, BMP": ("bmp", rows(data / "cifar10_test.npz", 1, 60, most)),
        "recordings, WAV": ("wav", rows(data / "speech_test.npz", 1, 20, most)),
    }
    return {kind: (suffix, files) for kind, (suffix, files) in found.items() if any(files)}


def length_of(work: Compress, data: bytes) -> int:
    """Bytes of a compressed file."""
    return len(work(data))


def coded(chosen: tuple[Writer, str] | None, data: bytes) -> int:
    """Bytes of the code of a file, by a model that reads it as one of a suffix, and of the header of its container."""
    stamp = 0 if chosen is None else len(chosen[0].name) + len(chosen[1]) + 2 * (STAMP_BYTES + 1)
    reader = None if chosen is None else NextByte(*chosen)
    return sum(map(len, encode(io.BytesIO(data).read, len(data), reader))) + 10 + stamp


def timed(work: Callable[[bytes], int], files: Sequence[bytes]) -> tuple[int, float]:
    """Bytes of all files together, and kB/s."""
    started = time.perf_counter()
    size = sum(map(work, files))
    return size, sum(map(len, files)) / 1e3 / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", default=Path("runs/data"), help="folder of `data build`'s shards")
    parser.add_argument("--bytes", type=int, default=500_000, help="most bytes of a kind")
    parser.set_defaults(model="auto")
    options = machine_options(parser)
    found = kernels()
    if found is None:
        sys.exit("the kernels are not compiled")
    found.use_threads(1)
    others, figures = tools(), dict[str, object]()
    print(f"{'':22} {'bytes':>9} " + " ".join(f"{name:>13}" for name in (*others, "--fast", "with a model")))
    for kind, (suffix, files) in kinds(options.data, options.bytes).items():
        total = sum(map(len, files))
        sizes = {name: timed(partial(length_of, work), files) for name, work in others.items()}
        sizes["--fast"] = timed(partial(coded, None), files)
        chosen = chosen_writer(files[0][:TRIAL_BYTES], suffix, "auto")
        if chosen is not None:
            sizes["with a model"] = timed(partial(coded, chosen), files)
        print(f"{kind:22} {total:9,} " + " ".join(f"{8 * size / total:13.3f}" for size, _ in sizes.values()), end="  ")
        print(f"bits per byte; {sizes['--fast'][1]:.0f} kB/s", end="")
        print("" if chosen is None else f", {sizes['with a model'][1]:.1f} with {chosen[0].name}", flush=True)
        row: dict[str, object] = {"bytes": total, "model": None if chosen is None else chosen[0].name}
        for name, (size, rate) in sizes.items():
            row[name] = {"bits_per_byte": round(8 * size / total, 4), "kb_per_s": round(rate, 1)}
        figures[kind] = row
    report("compress", figures, options)


if __name__ == "__main__":
    main()
