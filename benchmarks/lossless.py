"""Counts how many files `bytesim compress` gives back unchanged, and how many damaged ones are refused in one line.

Files are random, repetitive, of lengths around the sizes at which the coder works, text, tunes, traces, compressed
already; the first third are read with a model. A damaged file has a flipped bit, a lost or an added piece, or a changed
header. Ceiling: all of both.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from common import machine_options, report
from compress import rows, traces

from bytesim.errors import BytesimError
from bytesim.native.mixer import RUN_BYTES
from bytesim.tasks.compress.compress import compress
from bytesim.tasks.compress.decompress import decompress

EDGES = (0, 1, 2, 15, 16, 255, 256, 4095, 4096, 4097, RUN_BYTES - 1, RUN_BYTES, RUN_BYTES + 1, 2 * RUN_BYTES + 3)


def made(rng: random.Random) -> bytes:
    """A file without a model."""
    count = rng.choice(EDGES) if rng.random() < 0.3 else int(2 ** rng.uniform(0, 17))
    kind = rng.randrange(7)
    if kind == 0:
        return rng.randbytes(count)
    if kind == 1:
        return bytes([rng.randrange(256)]) * count
    if kind == 2:
        unit = rng.randbytes(rng.randint(1, 70))
        return (unit * (count // len(unit) + 1))[:count]
    if kind == 3:  # what the coder expects at each place, and then what it does not
        return bytes(rng.choice((0, 255)) if place % 97 else rng.randrange(256) for place in range(count))
    if kind == 4:
        return b"".join(rng.choice((b"\0" * 300, b"\xff" * 7, rng.randbytes(20))) for _ in range(count // 100 + 1))
    if kind == 5:
        return bytes(rng.choices(range(256), [2.0 ** -(each % 32) for each in range(256)], k=count))
    return bytes(place * place // 7 % 256 for place in range(count))


def damaged(data: bytes, rng: random.Random) -> bytes:
    """A compressed file with one fault."""
    place, kind = rng.randrange(len(data)), rng.randrange(5)
    if kind == 0:
        return data[:place] + bytes([data[place] ^ 1 << rng.randrange(8)]) + data[place + 1 :]
    if kind == 1:
        return data[:place]
    if kind == 2:
        return data[:place] + rng.randbytes(rng.randint(1, 9)) + data[place:]
    if kind == 3:
        return data[:place] + data[place + rng.randint(1, 9) :]
    head = rng.randrange(min(40, len(data)))
    return data[:head] + rng.randbytes(1) + data[head + 1 :]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", default=Path("runs/data"), help="folder of `data build`'s shards")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.set_defaults(model="auto")
    options = machine_options(parser)
    rng, started = random.Random(options.seed), time.perf_counter()
    third = options.count // 3
    read = {
        "txt": [each[:2000] for each in rows(options.data / "wikipedia_test.npz", 1, third // 3, 1 << 30)],
        "abc": rows(options.data / "music_valid.npz", 0, third // 3, 1 << 30),
        "bin": traces(max(1, third // 3)),
    }
    files = [(suffix, data) for suffix, group in read.items() for data in group][:third]
    files += [("bin", made(rng)) for _ in range(options.count - len(files))]
    same, with_model, refused, unharmed, wrong = 0, 0, 0, 0, list[str]()
    with tempfile.TemporaryDirectory() as folder:
        source, packed, back = (Path(folder) / name for name in ("a", "a.bsim", "b"))
        for place, (suffix, data) in enumerate(files):
            named = source.with_suffix(f".{suffix}")
            named.write_bytes(data)
            (written,) = compress(named, output=packed, force=True)
            (given,) = decompress(packed, output=back, force=True)
            if written.error or given.error or back.read_bytes() != data:
                wrong.append(f"file {place}: {written.error or given.error or 'differs'}")
                continue
            same += 1
            with_model += written.result is not None and written.result.model is not None
            broken = damaged(packed.read_bytes(), rng)
            back.unlink()
            packed.write_bytes(broken)
            try:
                (answer,) = decompress(packed, output=back, force=True)
                told = str(answer.error or "")
            except BytesimError as error:
                told = str(error)
            if told and "\n" not in told and not back.exists():
                refused += 1
            elif not told and back.read_bytes() == data:  # a changed bit that means nothing
                unharmed += 1
            else:
                wrong.append(f"damaged file {place}: {told or 'given back changed'}")
            named.unlink()
    for line in wrong[:20]:
        print(line)
    print(f"{same} of {len(files)} came back, {with_model} by a model; damaged: {refused} refused, {unharmed} unharmed")
    figures = {"files": len(files), "same": same, "with_model": with_model, "refused": refused, "unharmed": unharmed}
    report("lossless", {**figures, "seconds": round(time.perf_counter() - started, 1)}, options)
    if wrong:
        sys.exit(1)


if __name__ == "__main__":
    main()
