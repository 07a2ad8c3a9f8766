"""Files that nobody wrote: random bytes and random text, which count as `unknown`."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Mapping

from bytesim.datasets.filetype.shards import FRAGMENT_BYTES, WHOLE_BYTES, Rows, label_of
from bytesim.formats.filetypes import UNKNOWN

COUNTS = {"train": 60, "dev": 3}
"""Shard -> files of each kind of noise, and fragments of each kind and size."""


def _uniform(size: int, rng: random.Random) -> bytes:
    return rng.randbytes(size)


def _few_values(size: int, rng: random.Random) -> bytes:
    """Some byte values, some of them often."""
    values = rng.sample(range(256), rng.randint(2, 64))
    return bytes(rng.choices(values, [rng.expovariate(1) for _ in values], k=size))


def _steps(size: int, rng: random.Random) -> bytes:
    """A random walk, as of samples without a header."""
    step, value, walk = rng.choice((1, 2, 4, 16)), 128.0, bytearray()
    for _ in range(size):
        value += rng.gauss(0, step)
        walk.append(int(value) & 255)
    return bytes(walk)


def _sparse(size: int, rng: random.Random) -> bytes:
    """Mostly one value, and other bytes here and there."""
    data, share = bytearray([rng.choice((0, 0, 32, 255))]) * size, rng.uniform(0.01, 0.3)
    for place in range(size):
        if rng.random() < share:
            data[place] = rng.randrange(256)
    return bytes(data)


def _records(size: int, rng: random.Random) -> bytes:
    """Records of one length, some of whose bytes are always the same."""
    length = rng.randint(4, 96)
    steady = [rng.randrange(256) if rng.random() < 0.6 else None for _ in range(length)]
    return bytes(rng.randrange(256) if byte is None else byte for byte in (steady * (size // length + 1))[:size])


def _characters(size: int, rng: random.Random) -> bytes:
    """Printable characters, in lines."""
    characters = [*range(33, 127), 32, 32, 32, 10]
    return bytes(rng.choices(rng.sample(characters, rng.randint(8, len(characters))), k=size))


def _words(size: int, rng: random.Random) -> bytes:
    """Words of random letters, in lines."""
    letters, width = rng.sample("abcdefghijklmnopqrstuvwxyz", rng.randint(6, 26)), rng.randint(40, 100)
    text: list[str] = []
    column = 0
    while sum(len(part) for part in text) < size:
        text.append("".join(rng.choices(letters, k=rng.randint(1, 10))))
        column += len(text[-1]) + 1
        text.append("\n" if column > width else " ")
        column *= column <= width
    return "".join(text).encode()[:size]


def _digits(size: int, rng: random.Random) -> bytes:
    """Digits and separators."""
    return bytes(rng.choices(b"0123456789" + rng.choice((b" \n", b"-", b"\n", b" .\n", b":")), k=size))


def _base64(size: int, rng: random.Random) -> bytes:
    """Random bytes in base 64 or hexadecimal, with or without lines."""
    code = rng.choice((base64.b64encode, base64.b16encode, base64.b32encode))(rng.randbytes(size))
    width = rng.choice((64, 76, size))
    return b"\n".join(code[start : start + width] for start in range(0, size, width))[:size]


NOISES: Mapping[str, Callable[[int, random.Random], bytes]] = {
    "random bytes": _uniform,
    "few values": _few_values,
    "random walk": _steps,
    "sparse bytes": _sparse,
    "random records": _records,
    "random characters": _characters,
    "random words": _words,
    "random digits": _digits,
    "random base64": _base64,
}


def add_noise(shards: dict[str, Rows], *, seed: int) -> None:
    """Add files and fragments of each kind of noise to the shards of COUNTS, with the label UNKNOWN."""
    for shard, count in COUNTS.items():
        rows = shards[shard]
        seen = set(rows.data)
        counts = rows.counts["noise"] = [0, 0, 0, 0]
        for kind, noise in NOISES.items():
            rng = random.Random(f"{seed}:{shard}:{kind}")
            for _ in range(count):
                for group, size in enumerate((int(2 ** rng.uniform(4, 12.01)), *FRAGMENT_BYTES)):
                    data = noise(min(size, WHOLE_BYTES), rng)
                    if data not in seen:
                        seen.add(data)
                        rows.add(data, group, label_of(UNKNOWN))
                        counts[group] += 1
