"""Mending of track lengths. A MIDI file states them before the events, so a model can only guess them."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from bytesim.formats.midi.parse import read_header, read_track, skip_other_chunks


def track_length_spans(data: bytes) -> Iterator[slice]:
    """Where the four length bytes after each `MTrk` stand, in bytes that need not be a whole MIDI file.

    The last slice may reach beyond the end of `data`.
    """
    for match in re.finditer(b"MTrk", data):
        yield slice(match.end(), match.end() + 4)


def mend_track_lengths(data: bytes) -> tuple[bytes, list[str]]:
    """The file with every track length set to reach the first end-of-track event, and a list of the changes.

    No other byte changes, so a file with correct lengths is returned as it is. Raises FormatError if a
    track cannot be read to its end.
    """
    header = read_header(data)
    mended = bytearray(data)
    changes = []
    at = header.end
    for number in range(1, header.num_tracks + 1):
        at = skip_other_chunks(data, at, number)
        length_at, start = at + 4, at + 8
        _, at = read_track(data, start, len(data))
        (stated,) = struct.unpack_from(">I", data, length_at)
        if stated != at - start:
            struct.pack_into(">I", mended, length_at, at - start)
            changes.append(f"byte {length_at}: length of track {number} set from {stated} to {at - start}")
    return bytes(mended), changes
