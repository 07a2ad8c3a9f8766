"""Bytes <-> patches, and the vocabulary of 257. No torch.

A file becomes patches of S token ids: the extension patch, the bytes, and one whole
patch of END_OF_PATCH. Source: bGPT, arXiv:2402.19155, section 3.1, and its published code.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bytesim.errors import FormatError

END_OF_PATCH = 256
"""Token id that ends a patch and pads the last one; a whole patch of it ends the file."""
VOCAB_SIZE = 257

Patches = NDArray[np.int16]
"""(P, S) token ids in 0..256."""


def suffix_of(name: str) -> str:
    """The text after the last dot of a file name, lower case; `bin` where there is none."""
    base = name.replace("\\", "/").rsplit("/", 1)[-1]
    stem, dot, suffix = base.rpartition(".")
    return suffix.lower() if dot and stem and suffix else "bin"


def extension_patch(suffix: str, patch_size: int) -> Patches:
    """(1, S): the suffix in UTF-8, cut to S bytes and padded."""
    return split_patches(suffix.encode("utf-8")[:patch_size] or b"bin"[:patch_size], patch_size)


def closing_patch(patch_size: int) -> Patches:
    """(1, S): the patch of END_OF_PATCH that ends a file."""
    return np.full((1, patch_size), END_OF_PATCH, np.int16)


def split_patches(data: bytes, patch_size: int) -> Patches:
    """(ceil(n / S), S): the bytes in order, the last patch padded with END_OF_PATCH."""
    count = -(-len(data) // patch_size)
    patches = np.full((count, patch_size), END_OF_PATCH, np.int16)
    patches.reshape(-1)[: len(data)] = np.frombuffer(data, np.uint8)
    return patches


def join_patches(patches: Patches | Iterable[Iterable[int]]) -> bytes:
    """The bytes of patches without extension patch, up to the first END_OF_PATCH.

    Raises FormatError where bytes follow an END_OF_PATCH: such rows are no single file.
    """
    tokens = np.asarray(patches, np.int16).reshape(-1)
    ends = np.flatnonzero(tokens == END_OF_PATCH)
    length = int(ends[0]) if len(ends) else len(tokens)
    if np.any(tokens[length:] != END_OF_PATCH):
        raise FormatError("bytes follow an end-of-patch token; the patches hold more than one file.", offset=length)
    return tokens[:length].astype(np.uint8).tobytes()


def frame_file(data: bytes, suffix: str, patch_size: int) -> Patches:
    """(P, S): a whole file, extension patch first and closing patch last."""
    return np.concatenate([frame_source(data, suffix, patch_size), closing_patch(patch_size)])


def frame_source(data: bytes, suffix: str, patch_size: int) -> Patches:
    """(P - 1, S): a file that something follows, so without its closing patch."""
    return np.concatenate([extension_patch(suffix, patch_size), split_patches(data, patch_size)])


def frame_pair(source: bytes, source_suffix: str, target: bytes, target_suffix: str, patch_size: int) -> Patches:
    """(P, S): source without closing patch, then the whole target file. Conversion's training row."""
    return np.concatenate(
        [frame_source(source, source_suffix, patch_size), frame_file(target, target_suffix, patch_size)]
    )


def num_patches(num_bytes: int, patch_size: int) -> int:
    """Patches a file of that many bytes takes, extension and closing patch included."""
    return -(-num_bytes // patch_size) + 2


WINDOW_RULES = ("slide", "ends")
"""How a file longer than a history is read: windows that overlap by half, or its two ends as one window."""
MOST_WINDOWS = 64


@dataclass(frozen=True, slots=True)
class WindowPlan:
    """Which bytes of a file are read, as one or more files of the length that a history holds."""

    windows: tuple[tuple[tuple[int, int], ...], ...]
    """Each window as pieces (start, end) that are read as if they followed each other."""
    told: str
    """The rule in words; empty where the file is read whole."""


def history_bytes(max_patches: int, patch_size: int) -> int:
    """Bytes of a file that a history holds beside its extension patch and closing patch."""
    return max(1, max_patches - 2) * patch_size


def plan_windows(num_bytes: int, most_bytes: int, patch_size: int, rule: str) -> WindowPlan:
    """How a file of `num_bytes` is read by a history of `most_bytes`, by a rule of WINDOW_RULES.

    `slide`: windows that overlap by half or more, at most MOST_WINDOWS, evenly spread from the start to the end; they
    begin where a patch does. `ends`: one window, of the first half and the last half of what fits.
    """
    if num_bytes <= most_bytes:
        return WindowPlan((((0, num_bytes),),), "")
    if rule == "ends":
        head = most_bytes // 2
        tail = most_bytes - head
        return WindowPlan((((0, head), (num_bytes - tail, num_bytes)),), _told_ends(head, tail))
    wanted = -(-(num_bytes - most_bytes) // max(1, most_bytes // 2)) + 1
    count = min(wanted, MOST_WINDOWS)
    starts = [place * (num_bytes - most_bytes) // (count - 1) for place in range(count)]
    starts = [-(-start // patch_size) * patch_size for start in starts]
    windows = tuple(((start, min(start + most_bytes, num_bytes)),) for start in starts)
    return WindowPlan(windows, f"{count} windows" + (" spread over the file" if wanted > count else ""))


def _told_ends(head: int, tail: int) -> str:
    return f"first and last {head:,} bytes" if head == tail else f"first {head:,} and last {tail:,} bytes"
