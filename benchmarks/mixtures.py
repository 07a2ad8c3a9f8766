"""Mixtures of files, whose parts are known: what `detect` is measured on."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from bytesim.datasets.filetype.additions import PIECE_BYTES, Addition, shard_of_addition
from bytesim.formats.filetypes import LABELS, UNKNOWN

LEAST_BYTES = 2048
MOST_BYTES = 2 * PIECE_BYTES
"""Longest file of which the pieces hold every byte."""
LEAST_PARTS, MOST_PARTS = 2, 6


@dataclass(frozen=True)
class Part:
    """A file, or a piece of one, in a mixture."""

    start: int
    end: int
    label: str
    """One of LABELS."""
    origin: str


@dataclass(frozen=True)
class Mixture:
    """Parts one after the other."""

    data: bytes
    parts: tuple[Part, ...]


def whole_file(file: Addition, least: int = LEAST_BYTES) -> bytes | None:
    """The bytes of a file of `least` to MOST_BYTES; None for any other."""
    if not least <= file.size <= MOST_BYTES:
        return None
    head, tail = file.pieces[:2]
    return head if file.size <= PIECE_BYTES else head + tail[PIECE_BYTES - file.size :]


def cut_file(file: Addition, rng: random.Random) -> bytes | None:
    """LEAST_BYTES to PIECE_BYTES of a longer file, from its start or its middle; None for a shorter one."""
    if file.size <= MOST_BYTES:
        return None
    piece = rng.choice([piece for piece in (file.pieces[0], *file.pieces[2:]) if len(piece) >= LEAST_BYTES])
    return piece[: rng.randint(LEAST_BYTES, len(piece))]


def mixtures(additions: Sequence[Addition], shard: str, count: int, *, cut: float, seed: int = 0) -> list[Mixture]:
    """`count` mixtures of LEAST_PARTS to MOST_PARTS files of the origins of a shard; neighbours differ in type.

    A share `cut` of the parts are pieces of longer files, the others whole files. A part is drawn by its type first, so
    that rare types count as much as common ones.
    """
    rng = random.Random(f"mixtures:{seed}")
    whole: dict[str, list[Addition]] = defaultdict(list)
    longer: dict[str, list[Addition]] = defaultdict(list)
    for file in additions:
        if shard_of_addition(file) == shard and len(set(file.pieces[0])) > 2:
            label = file.type if file.type in LABELS else UNKNOWN
            kept = longer if file.size > MOST_BYTES else whole
            if file.size >= LEAST_BYTES:
                kept[label].append(file)
    made = []
    for _ in range(count):
        data, parts = b"", list[Part]()
        for _ in range(rng.randint(LEAST_PARTS, MOST_PARTS)):
            from_files = longer if rng.random() < cut else whole
            label = rng.choice([label for label in sorted(from_files) if not parts or label != parts[-1].label])
            file = rng.choice(from_files[label])
            piece = cut_file(file, rng) if from_files is longer else whole_file(file)
            assert piece is not None
            parts.append(Part(len(data), len(data) + len(piece), label, file.origin))
            data += piece
        made.append(Mixture(data, tuple(parts)))
    return made
