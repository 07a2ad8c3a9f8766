"""Which labelled files are held back to measure a classifier by: whole groups, some of every label. No torch.

How many: a tenth of the files, but no more than 100, or a fiftieth if that is more, as nearly as whole groups allow.
From each label its share is taken, and one group at least where it has two; a label's last group stays in training.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

LEAST_SHARE = 0.02
"""Of large folders."""
MOST_SHARE = 0.10
"""Of small folders."""
ENOUGH_FILES = 100
"""Held-back files from which on the share falls from MOST_SHARE towards LEAST_SHARE."""
RULE = "a fiftieth, or a tenth up to 100 files if that is more, of every label; whole groups, equal contents together"
"""The same in a card."""


@dataclass(frozen=True, slots=True)
class LabelledFile:
    """A file as far as the split needs it."""

    label: str
    digest: str
    """The sha256 of its content, in hexadecimal."""
    group: str | None
    """Files of one group stay together; None for a file that has none."""


@dataclass(slots=True)
class Group:
    """Files that must not be parted: of one group, or of equal content, or linked by files that are."""

    key: str
    """Decides whose turn it is; a hash, so that neither names nor places have a say."""
    files: list[LabelledFile] = field(default_factory=list)

    @property
    def labels(self) -> Counter[str]:
        """How many of its files have each label."""
        return Counter(file.label for file in self.files)


def is_held(key: str, one_in: int) -> bool:
    """Whether the hash of a key holds it back, as it does one in so many."""
    return int(_hash(key)[:14], 16) % one_in == 0


def dev_files(files: int) -> int:
    """How many of so many files are held back."""
    return max(1, math.ceil(LEAST_SHARE * files), min(ENOUGH_FILES, round(MOST_SHARE * files)))


def held_back_digests(files: Sequence[LabelledFile]) -> frozenset[str]:
    """The sha256 of the contents that are held back; empty where nothing can be."""
    chosen = _choose(join_groups(files), dev_files(len(files)) / max(1, len(files)))
    return frozenset(file.digest for group in chosen for file in group.files)


def join_groups(files: Sequence[LabelledFile]) -> list[Group]:
    """The groups of the files, by key."""
    parents: dict[str, str] = {}

    def root(node: str) -> str:
        while parents.setdefault(node, node) != node:
            parents[node] = parents[parents[node]]
            node = parents[node]
        return node

    nodes = [file.digest if file.group is None else _hash(file.group) for file in files]
    for file, node in zip(files, nodes, strict=True):
        first, second = sorted((root(node), root(_hash(file.digest))))
        parents[second] = first
    groups: dict[str, Group] = {}
    for file, node in zip(files, nodes, strict=True):
        groups.setdefault(root(node), Group(root(node))).files.append(file)
    return [groups[key] for key in sorted(groups)]


def _choose(groups: Sequence[Group], share: float) -> list[Group]:
    """The groups to hold back. The rarest labels choose first, as they have the least choice."""
    counts = [group.labels for group in groups]
    holders: dict[str, list[int]] = {}
    for index, labels in enumerate(counts):
        for label in labels:
            holders.setdefault(label, []).append(index)
    left = {label: len(indices) for label, indices in holders.items()}
    held: Counter[str] = Counter()
    chosen: set[int] = set()

    def take(index: int) -> None:
        chosen.add(index)
        held.update(counts[index])
        for label in counts[index]:
            left[label] -= 1

    def free(label: str) -> list[int]:
        """Groups of a label that may go; the last one that shows training a label may not."""
        return [
            index for index in holders[label] if index not in chosen and all(left[each] > 1 for each in counts[index])
        ]

    for label in sorted(holders, key=lambda label: (len(holders[label]), label)):
        wanted = max(1, round(share * sum(counts[index][label] for index in holders[label])))
        for index in free(label):
            if held[label] >= wanted:
                break
            fits = held[label] + counts[index][label] <= 2 * wanted  # no group that is half of a label
            if fits and all(left[each] > 1 for each in counts[index]):
                take(index)
        if not held[label] and free(label):
            take(min(free(label), key=lambda index: (len(groups[index].files), groups[index].key)))
    return [groups[index] for index in sorted(chosen)]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
