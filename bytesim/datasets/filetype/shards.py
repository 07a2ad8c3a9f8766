"""Rows from files of known type and origin: whole files, cut to 4096 bytes, and fragments from their middle."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bytesim.datasets.filetype.checks.predicates import is_text
from bytesim.datasets.filetype.collect import Found
from bytesim.datasets.filetype.make import HELD_OUT
from bytesim.datasets.filetype.split import position
from bytesim.formats.filetypes import LABELS, OUTLIERS, UNKNOWN, UNSEEN_DEV, UNSEEN_TEST

WHOLE_BYTES = 4096
"""Length of the row of a whole file; of a longer file it has the first and the last half of this."""
FRAGMENT_BYTES = (4096, 512)
"""Sizes of fragments, which have the groups 1 and 2 in a shard."""
MARGIN_BYTES = 512
"""Fragments have no bytes of the first or last MARGIN_BYTES of a file."""
LEAST_VALUES = 5
"""Fragments with fewer different byte values are left out, because padding looks alike in all types."""
SHARDS = ("train", "dev", "test", "unseen_dev", "unseen_test")


@dataclass(frozen=True, slots=True)
class Limits:
    """Upper bounds for one type in a shard."""

    whole: int
    fragments: int
    """Fragments of each size."""
    per_origin: int
    """Whole files of each origin."""
    per_file: int
    """Fragments of each size from each file."""


LIMITS = {
    "train": Limits(4000, 2400, 60, 6),
    "dev": Limits(40, 60, 20, 2),
    "test": Limits(60, 100, 25, 3),
    "unseen_dev": Limits(60, 60, 40, 2),
    "unseen_test": Limits(60, 60, 40, 2),
}

OUTLIER_LIMITS = {"train": Limits(200, 240, 30, 4), "dev": Limits(10, 10, 4, 1)}
"""The limits of an outlier; they are lower, because the label UNKNOWN has many types."""


@dataclass
class Rows:
    """Rows of one shard."""

    data: list[bytes] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    counts: dict[str, list[int]] = field(default_factory=dict)
    """Rows of each type: whole files, fragments of 4096 bytes, fragments of 512 bytes, origins."""
    origins: set[str] = field(default_factory=set)

    def add(self, data: bytes, group: int, label: int) -> None:
        """Append one row."""
        self.data.append(data)
        self.groups.append(group)
        self.labels.append(label)


def cut_whole(data: bytes) -> bytes:
    """A file as the classifier reads it: whole, or its first and last 2048 bytes."""
    half = WHOLE_BYTES // 2
    return data if len(data) <= WHOLE_BYTES else data[:half] + data[-half:]


def cut_fragments(data: bytes, size: int, count: int, rng: random.Random) -> list[bytes]:
    """Up to `count` fragments from the middle of a file, every other one at a multiple of 512, as on a disk."""
    last = len(data) - MARGIN_BYTES - size
    if last < MARGIN_BYTES:
        return []
    offsets = dict.fromkeys(rng.randint(MARGIN_BYTES, last) for _ in range(count))
    aligned = (offset // 512 * 512 if number % 2 else offset for number, offset in enumerate(offsets))
    pieces = [data[offset : offset + size] for offset in dict.fromkeys(aligned)]
    return [piece for piece in pieces if len(set(piece)) >= LEAST_VALUES]


def shard_of(file: Found, parts: dict[str, str]) -> str | None:
    """The shard of a file; None if it is in none."""
    part = parts[file.origin]
    if file.type in UNSEEN_TEST:
        return "unseen_test" if part == "test" else None
    if file.type in UNSEEN_DEV:
        return "unseen_dev" if part == "dev" else None
    if file.type in OUTLIERS:
        return part if part in ("train", "dev") else None
    return part if part == "test" or not file.made_by.startswith(HELD_OUT) else None


def limits_of(kind: str, shard: str) -> Limits:
    """The limits of a type in a shard."""
    return OUTLIER_LIMITS[shard] if kind in OUTLIERS else LIMITS[shard]


def label_of(kind: str) -> int:
    """The label of a type, which for outliers and unseen types is that of UNKNOWN."""
    return LABELS.index(kind) if kind in LABELS else LABELS.index(UNKNOWN)


def choose(files: Iterable[Found], limits: Limits) -> list[Found]:
    """At most limits.whole files of one type, taken from its origins in turn, and by hash within an origin."""
    by_origin: dict[str, list[Found]] = {}
    for file in sorted(files, key=lambda file: file.sha256):
        by_origin.setdefault(file.origin, []).append(file)
    turns = [
        queue[: limits.per_origin] for _, queue in sorted(by_origin.items(), key=lambda item: position(item[0], "turn"))
    ]
    picked = [queue[turn] for turn in range(limits.per_origin) for queue in turns if turn < len(queue)]
    return picked[: limits.whole]


def has_own_middle(kind: str, data: bytes) -> bool:
    """Whether the middle of a file shows its type. That of a binary outlier looks like the middle of labelled types."""
    return kind not in OUTLIERS or is_text(data)


def build_rows(files_found: Sequence[Found], parts: dict[str, str], material: Path, *, seed: int) -> dict[str, Rows]:
    """The rows of every shard. No two rows of the set have the same bytes; the test shards get duplicates first."""
    sorted_out: dict[str, dict[str, list[Found]]] = {shard: {} for shard in SHARDS}
    for file in {
        file.sha256: file for file in sorted(files_found, key=lambda file: (_order(file, parts), file.origin))[::-1]
    }.values():
        shard = shard_of(file, parts)
        if shard is not None:
            sorted_out[shard].setdefault(file.type, []).append(file)
    digests: set[bytes] = set()
    shards = {}
    for shard in ("test", "unseen_test", "dev", "unseen_dev", "train"):
        rows = shards[shard] = Rows()
        for kind, files in sorted(sorted_out[shard].items()):
            limits = limits_of(kind, shard)
            chosen = choose(files, limits)
            rows.origins.update(file.origin for file in chosen)
            rows.counts[kind] = [
                *_add_type(rows, kind, chosen, limits, material, digests, seed),
                len({file.origin for file in chosen}),
            ]
    return shards


def _order(file: Found, parts: dict[str, str]) -> int:
    return ("test", "dev", "train").index(parts[file.origin])


def _add_type(
    rows: Rows, kind: str, files: list[Found], limits: Limits, material: Path, digests: set[bytes], seed: int
) -> tuple[int, int, int]:
    """Append the rows of one type. Returns the numbers of whole files and of fragments of each size."""
    label, counts = label_of(kind), [0, 0, 0]
    per_file = min(limits.per_file, max(2, -(-limits.fragments // max(1, len(files)))))
    for file in files:
        data = file.path(material).read_bytes()
        rng = random.Random(f"{seed}:{file.sha256}")
        pieces = [(0, cut_whole(data))]
        for group, size in enumerate(FRAGMENT_BYTES if has_own_middle(kind, data) else (), start=1):
            pieces += [(group, piece) for piece in cut_fragments(data, size, per_file, rng)]
        for group, piece in pieces:
            key = hashlib.sha256(piece).digest()[:16]
            if key in digests or (group and counts[group] >= limits.fragments):
                continue
            digests.add(key)
            rows.add(piece, group, label)
            counts[group] += 1
    return counts[0], counts[1], counts[2]
