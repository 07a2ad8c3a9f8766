"""Split the filetype set by origin. No origin is in two parts.

A hash of the origin's name decides first, so that new packages do not move the others. Then origins of types with too
few files in a part are moved, those of the types with the fewest origins first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

TEST_SHARE, DEV_SHARE = 0.15, 0.08
LEAST = {"test": 0.11, "dev": 0.05}
"""Share of a type's files below which origins are moved into a part."""
LEAST_TRAIN = 0.55
"""Share of a type's files below which origins are moved into training."""
KEEP_TRAIN = 0.3


def position(origin: str, salt: str = "part") -> float:
    """A number in [0, 1) that depends on `origin` and `salt` alone."""
    return int(hashlib.sha256(f"{salt}:{origin}".encode()).hexdigest()[:13], 16) / 16**13


def split_origins(
    counts: Mapping[str, Mapping[str, int]],
    *,
    test_only: frozenset[str] = frozenset(),
    dev_only: frozenset[str] = frozenset(),
) -> dict[str, str]:
    """Origin -> part, for `counts` of files: type -> origin -> files.

    Types in `test_only` or `dev_only` are used in that part alone; origins are moved there until it has 30 % of their
    files. Of every other type, training keeps at least KEEP_TRAIN when origins are moved out of it.
    """
    parts = {origin: by_hash(origin) for of_type in counts.values() for origin in of_type}
    fixed: set[str] = set()
    for kind in sorted(counts, key=lambda name: (len(counts[name]), name)):
        of_type = counts[kind]
        if kind in test_only or kind in dev_only:
            _move(of_type, parts, fixed, "test" if kind in test_only else "dev", share=0.3, keep_train=0.0)
            continue
        if len(of_type) == 1:  # one origin, so the type cannot be tested
            _assign(next(iter(of_type)), "train", parts, fixed)
            continue
        _give_back(of_type, parts, fixed)
        _move(of_type, parts, fixed, "test", share=LEAST["test"], keep_train=KEEP_TRAIN)
        if len(of_type) > 2:
            _move(of_type, parts, fixed, "dev", share=LEAST["dev"], keep_train=KEEP_TRAIN)
        fixed.update(_scarce(of_type, parts))
    return parts


def by_hash(origin: str) -> str:
    """The part of an origin by the hash of its name."""
    value = position(origin)
    return "test" if value < TEST_SHARE else "dev" if value < TEST_SHARE + DEV_SHARE else "train"


def _share(of_type: Mapping[str, int], parts: Mapping[str, str], part: str) -> float:
    return sum(count for origin, count in of_type.items() if parts[origin] == part) / sum(of_type.values())


def _assign(origin: str, part: str, parts: dict[str, str], fixed: set[str]) -> None:
    if origin not in fixed:
        parts[origin] = part
        fixed.add(origin)


def _move(
    of_type: Mapping[str, int], parts: dict[str, str], fixed: set[str], part: str, *, share: float, keep_train: float
) -> None:
    """Move training origins of a type into a part until it has `share`; very small and very large ones come last."""
    total = sum(of_type.values())
    for origin in sorted(
        of_type, key=lambda name: (of_type[name] > 0.35 * total, of_type[name] < 0.03 * total, position(name, part))
    ):
        if _share(of_type, parts, part) >= share:
            return
        free = parts[origin] == "train" and origin not in fixed
        if free and _share(of_type, parts, "train") - of_type[origin] / total >= keep_train - 1e-9:
            _assign(origin, part, parts, fixed)


def _give_back(of_type: Mapping[str, int], parts: dict[str, str], fixed: set[str]) -> None:
    """Move origins to training while it has less than LEAST_TRAIN of a type's files."""
    for origin in sorted(of_type, key=lambda name: position(name, "train")):
        if _share(of_type, parts, "train") >= LEAST_TRAIN:
            return
        part = parts[origin]
        total = sum(of_type.values())
        enough = part == "train" or _share(of_type, parts, part) - of_type[origin] / total >= LEAST[part]
        if part != "train" and (enough or _share(of_type, parts, "train") == 0):
            _assign(origin, "train", parts, fixed)


def _scarce(of_type: Mapping[str, int], parts: Mapping[str, str]) -> list[str]:
    """The origins of a type with few of them, which must not be moved again."""
    return [origin for origin in of_type if len(of_type) <= 8 or (parts[origin] != "train" and len(of_type) <= 16)]
