"""Track lengths put right. A MIDI file states them before the events, so a model writes them as a guess."""

from __future__ import annotations

import struct

from bytesim.formats.midi.parse import read_header, read_track, skip_other_chunks


def mend_track_lengths(data: bytes) -> tuple[bytes, list[str]]:
    """The file with each track's four length bytes set so that it runs to its first FF 2F 00, and what was changed.

    Every other byte stays, so a file whose lengths are right comes back as it was, with no change. Raises
    FormatError where a track cannot be followed to its end, whatever its length says.
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
