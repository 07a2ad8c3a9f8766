"""Files as patches of token ids, of a vocabulary of 257. No torch.

A file becomes patches of S token ids: the extension patch, the bytes, and the closing patch,
which is all END_OF_PATCH. Source: bGPT, arXiv:2402.19155, section 3.1, and its published code. To a model over single
bytes S is 1, and the extension takes HEADER_BYTES patches.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

END_OF_PATCH = 256
"""Token id that pads the last patch; a whole patch of it ends the file."""
VOCAB_SIZE = 257
BYTE_OFFSET = 4
"""First id of the bytes in the other vocabulary of byte models, that of BLT, see nn/vocabulary.py."""
HEADER_BYTES = 8
"""Length of the extension where a patch is a single byte; in longer patches it is one patch."""

Patches = NDArray[np.int16]
"""(P, S) token ids in 0..256."""


def suffix_of(name: str) -> str:
    """The text after the last dot of a file name, in lower case; `bin` if there is none."""
    base = name.replace("\\", "/").rsplit("/", 1)[-1]
    stem, dot, suffix = base.rpartition(".")
    return suffix.lower() if dot and stem and suffix else "bin"


def header_patches(patch_size: int) -> int:
    """Number of patches of the extension of a file."""
    return 1 if patch_size > 1 else HEADER_BYTES


def extension_patch(suffix: str, patch_size: int) -> Patches:
    """(1, S): the suffix in UTF-8, cut to S bytes and padded; (HEADER_BYTES, 1) where a patch is a single byte."""
    length = patch_size * header_patches(patch_size)
    return split_patches(suffix.encode("utf-8", "surrogateescape")[:length] or b"bin"[:length], length).reshape(
        -1, patch_size
    )


def closing_patch(patch_size: int) -> Patches:
    """(1, S): the patch of END_OF_PATCH that ends a file."""
    return np.full((1, patch_size), END_OF_PATCH, np.int16)


def split_patches(data: bytes, patch_size: int) -> Patches:
    """(ceil(n / S), S): the bytes in order, the last patch padded with END_OF_PATCH."""
    count = -(-len(data) // patch_size)
    patches = np.full((count, patch_size), END_OF_PATCH, np.int16)
    patches.reshape(-1)[: len(data)] = np.frombuffer(data, np.uint8)
    return patches


def frame_file(data: bytes, suffix: str, patch_size: int) -> Patches:
    """(P, S): a whole file, extension patch first and closing patch last."""
    return np.concatenate([frame_source(data, suffix, patch_size), closing_patch(patch_size)])


def frame_source(data: bytes, suffix: str, patch_size: int) -> Patches:
    """(P - 1, S): a file without its closing patch, because another file follows."""
    return np.concatenate([extension_patch(suffix, patch_size), split_patches(data, patch_size)])


def num_patches(num_bytes: int, patch_size: int) -> int:
    """Patches that a file of `num_bytes` takes, extension and closing patch included."""
    return header_patches(patch_size) + -(-num_bytes // patch_size) + 1


WINDOW_RULES = ("slide", "ends")
"""How a file longer than the history is read: in windows that overlap by half, or its two ends as one window."""
MOST_WINDOWS = 64


@dataclass(frozen=True, slots=True)
class WindowPlan:
    """Which bytes of a file are read: one or more windows, each short enough for the history."""

    windows: tuple[tuple[tuple[int, int], ...], ...]
    """Each window is a list of pieces (start, end), which are joined before they are read."""
    told: str
    """The rule in words, for the user; empty if the file is read whole."""


def history_bytes(max_patches: int, patch_size: int) -> int:
    """Bytes of a file that fit a history beside the extension patch and the closing patch."""
    return max(1, max_patches - header_patches(patch_size) - 1) * patch_size


def half_windows(num_bytes: int, most_bytes: int) -> Iterator[tuple[int, int, int]]:
    """(start, end, number of its first bytes that an earlier window has) of windows for all bytes of a file.

    Each has at most `most_bytes`, and begins with the last half of the one before it.
    """
    start, covered = 0, 0
    while True:
        end = min(start + most_bytes, num_bytes)
        yield start, end, covered - start
        if end == num_bytes:
            return
        covered, start = end, end - most_bytes // 2


_PIECE_ENDS = {"abc": (b"\n\n", b"\n\r\n")}
"""Suffix -> what ends a part of a file that models know as a file by itself: a blank line ends a tune."""
_BLANK_LINES = re.compile(rb"\n[\r\n]*\n")
_LEAST_PIECE = 32
"""Bytes of such a part at the least: further blank lines begin nothing."""


def has_pieces(suffix: str) -> bool:
    """Whether files of a suffix may hold several that models know as files by themselves."""
    return suffix in _PIECE_ENDS


def begins_piece(last: bytes | bytearray, suffix: str, length: int) -> bool:
    """Whether a model reads what follows the `last` three bytes as a file by itself, after a piece of this length."""
    return length >= _LEAST_PIECE and last.endswith(_PIECE_ENDS.get(suffix, ()))


@dataclass(frozen=True, slots=True)
class ReadingWindow:
    """A part of a file that a model reads at once."""

    piece: int
    """Where the piece of the file begins that the window is in; the clock counts from there."""
    start: int
    end: int
    known: int
    """Number of its first bytes that an earlier window has."""


def reading_windows(data: bytes, suffix: str, most_bytes: int) -> Iterator[ReadingWindow]:
    """The windows in which a model reads all bytes of a file as one of a suffix.

    A tune book is read tune by tune. What is longer than `most_bytes` is read in `half_windows`.
    """
    starts = [0]
    for found in _BLANK_LINES.finditer(data) if has_pieces(suffix) else ():
        for place in range(found.start() + 2, found.end() + 1):
            last = data[max(0, place - 3) : place]
            if place < len(data) and begins_piece(last, suffix, place - starts[-1]):
                starts.append(place)
    for piece, after in pairwise([*starts, len(data)]):
        for start, end, known in half_windows(after - piece, most_bytes):
            yield ReadingWindow(piece, piece + start, piece + end, known)


def plan_windows(num_bytes: int, most_bytes: int, patch_size: int, rule: str) -> WindowPlan:
    """Plan how to read a file of `num_bytes` with a history that holds `most_bytes`, by a rule of WINDOW_RULES.

    `slide`: at most MOST_WINDOWS windows, spread evenly over the file, which overlap by half or more where their number
    allows; each begins at a patch boundary. `ends`: one window, half of it from the start of the file and half from its
    end.
    """
    if num_bytes <= most_bytes:
        return WindowPlan((((0, num_bytes),),), "")
    if rule == "ends":
        head = most_bytes // 2
        tail = most_bytes - head
        return WindowPlan((((0, head), (num_bytes - tail, num_bytes)),), _describe_ends(head, tail))
    needed = -(-(num_bytes - most_bytes) // max(1, most_bytes // 2)) + 1
    count = min(needed, MOST_WINDOWS)
    starts = [index * (num_bytes - most_bytes) // (count - 1) for index in range(count)]
    starts = [-(-start // patch_size) * patch_size for start in starts]
    windows = tuple(((start, min(start + most_bytes, num_bytes)),) for start in starts)
    return WindowPlan(windows, f"{count} windows" + (" spread over the file" if needed > count else ""))


def _describe_ends(head: int, tail: int) -> str:
    return f"first and last {head:,} bytes" if head == tail else f"first {head:,} and last {tail:,} bytes"
