"""Chooses the labelled files that are held out to validate a classifier: whole groups of every label. No torch.

A tenth of the files is held out, at most 100 files, or a fiftieth if that is more; the number is approximate because
groups are never split. Every label gives its share, and at least one group if it has two; one always stays in training.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

LEAST_SHARE = 0.02
"""Share of the files that is held out of large folders."""
MOST_SHARE = 0.10
"""Share of the files that is held out of small folders."""
ENOUGH_FILES = 100
"""Most files that are held out at MOST_SHARE; in larger folders the share falls to LEAST_SHARE."""
RULE = "a fiftieth, or a tenth up to 100 files if that is more, of every label; whole groups, equal contents together"
"""This rule as cards state it."""


@dataclass(frozen=True, slots=True)
class LabelledFile:
    """The properties of a file that decide the split."""

    label: str
    digest: str
    """The sha256 of its content, in hexadecimal."""
    group: str | None
    """Files of one group stay together; None for a file without a group."""


@dataclass(slots=True)
class Group:
    """Files that stay together: of one group, of equal content, or linked by such files."""

    key: str
    """Decides the order of groups; a hash, so that names and paths have no influence."""
    files: list[LabelledFile] = field(default_factory=list)

    @property
    def labels(self) -> Counter[str]:
        """Label -> number of its files."""
        return Counter(file.label for file in self.files)


def is_held(key: str, one_in: int) -> bool:
    """Whether a key is held out, by its hash: on average one key in `one_in`."""
    return int(_hash(key)[:14], 16) % one_in == 0


def dev_files(files: int) -> int:
    """Number of files to hold out, of `files` in all."""
    return max(1, math.ceil(LEAST_SHARE * files), min(ENOUGH_FILES, round(MOST_SHARE * files)))


def held_out_digests(files: Sequence[LabelledFile]) -> frozenset[str]:
    """The sha256 of the contents that are held out; empty if nothing can be."""
    chosen = _choose(join_groups(files), dev_files(len(files)) / max(1, len(files)))
    return frozenset(file.digest for group in chosen for file in group.files)


def join_groups(files: Sequence[LabelledFile]) -> list[Group]:
    """The groups of the files, sorted by key."""
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
    """The groups to hold out. The rarest labels choose first, because they have the least choice."""
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
        """Groups with a label that may be held out: those that are not the last with one of their labels."""
        return [
            index for index in holders[label] if index not in chosen and all(left[name] > 1 for name in counts[index])
        ]

    for label in sorted(holders, key=lambda label: (len(holders[label]), label)):
        target = max(1, round(share * sum(counts[index][label] for index in holders[label])))
        for index in free(label):
            if held[label] >= target:
                break
            fits = held[label] + counts[index][label] <= 2 * target  # skips groups that are much of a label
            if fits and all(left[name] > 1 for name in counts[index]):
                take(index)
        if not held[label] and free(label):
            take(min(free(label), key=lambda index: (len(groups[index].files), groups[index].key)))
    return [groups[index] for index in sorted(chosen)]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
