"""Standard MIDI files <-> MidiFile. After our own checks, the file must also load in mido, a common library.

Source: Standard MIDI Files 1.0 (RP-001).
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from functools import lru_cache

from bytesim.errors import FormatError
from bytesim.formats.midi.events import END_OF_TRACK, Event, read_event, write_event

MAX_BYTES = 1 << 20
"""Longest file that is read, about half a million events; the limit bounds memory and time on hostile files."""
HEADER_BYTES = 14

Track = tuple[Event, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class MidiFile:
    """The events of a MIDI file. The lengths of its chunks follow from them and are not stored."""

    format: int
    """0: one track. 1: tracks that sound together. 2: independent tracks."""
    ticks_per_quarter: int
    """Ticks in a quarter note, 1..32767."""
    tracks: tuple[Track, ...]
    """Each ends with an end-of-track event and has no other one."""


def parse(data: bytes) -> MidiFile:
    """The events of a MIDI file.

    Chunks of other kinds and bytes after the last track are skipped, as the specification requires.
    Raises FormatError, with a byte offset, for a file that is cut short, has wrong lengths, counts time in
    film frames (SMPTE), or does not load in mido.
    """
    header = read_header(data)
    tracks = []
    at = header.end
    for number in range(1, header.num_tracks + 1):
        at = skip_other_chunks(data, at, number)
        (length,) = struct.unpack_from(">I", data, at + 4)
        start, end = at + 8, at + 8 + length
        if end > len(data):
            stated = f"track {number} states {length} bytes, but {len(data) - start} are left"
            raise FormatError(f"{stated}; the file is cut short or the length is wrong.", offset=at + 4)
        events, at = read_track(data, start, end)
        if at != end:
            raise FormatError(f"track {number} continues after its end-of-track event.", offset=at)
        tracks.append(events)
    file = MidiFile(format=header.format, ticks_per_quarter=header.ticks_per_quarter, tracks=tuple(tracks))
    _check_with_mido(file)
    return file


def serialize(file: MidiFile) -> bytes:
    """The bytes of the file: no running status, numbers in their shortest form, exact lengths."""
    header = struct.pack(">4sIHHH", b"MThd", 6, file.format, len(file.tracks), file.ticks_per_quarter)
    bodies = [b"".join(map(write_event, track)) for track in file.tracks]
    return header + b"".join(struct.pack(">4sI", b"MTrk", len(body)) + body for body in bodies)


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """The fields of the header chunk."""

    format: int
    num_tracks: int
    ticks_per_quarter: int
    end: int
    """First byte after the header chunk."""


def read_header(data: bytes) -> Header:
    """The header chunk. Raises FormatError."""
    if len(data) > MAX_BYTES:
        raise FormatError(f"the file has {len(data)} bytes; MIDI files of at most {MAX_BYTES} bytes are read.")
    if data[:4] != b"MThd":
        wav = " This looks like a WAV or RMI file." if data[:4] == b"RIFF" else " This is not a MIDI file."
        raise FormatError(f"expected {b'MThd'!r}, found {data[:4]!r}.{wav}", offset=0)
    if len(data) < HEADER_BYTES:
        raise FormatError(f"the header needs {HEADER_BYTES} bytes and the file has {len(data)}.", offset=len(data))
    length, kind, num_tracks, division = struct.unpack_from(">IHHH", data, 4)
    if not 6 <= length <= len(data) - 8:
        raise FormatError(f"the header states {length} bytes; it holds 6.", offset=4)
    if kind > 2:
        raise FormatError(f"MIDI file format {kind} does not exist; 0, 1 and 2 do.", offset=8)
    if num_tracks == 0 or (kind == 0 and num_tracks != 1):
        raise FormatError(f"a format {kind} file cannot have {num_tracks} tracks.", offset=10)
    if division & 0x8000:
        raise FormatError(
            "time is counted in film frames (SMPTE), so it has no quarter notes. "
            "Save the file again with a resolution in ticks per quarter note.",
            offset=12,
        )
    if division == 0:
        raise FormatError("the resolution is 0 ticks per quarter note.", offset=12)
    return Header(format=kind, num_tracks=num_tracks, ticks_per_quarter=division, end=8 + length)


def skip_other_chunks(data: bytes, at: int, number: int) -> int:
    """The offset of the next track chunk, at byte `at` or after chunks of other kinds. Raises FormatError."""
    while len(data) - at >= 8:
        name, length = struct.unpack_from(">4sI", data, at)
        if name == b"MTrk":
            return at
        if not all(0x20 <= byte < 0x7F for byte in name) or name == b"MThd" or length > len(data) - at - 8:
            raise FormatError(f"expected {b'MTrk'!r} for track {number}, found {name!r}.", offset=at)
        at += 8 + length
    raise FormatError(f"the file ends before track {number}, although its header states it.", offset=len(data))


def read_track(data: bytes, start: int, end: int) -> tuple[Track, int]:
    """The events from byte `start` to the first end-of-track event, inclusive, and the offset after it.

    Raises FormatError if no end-of-track event comes before byte `end`.
    """
    events: list[Event] = []
    running: int | None = None
    at = start
    while True:
        event, at = read_event(data, at, end, running)
        events.append(event)
        if event.meta == END_OF_TRACK:
            return tuple(events), at
        if event.status < 0xF0:
            # By the specification a meta event ends running status. Many files ignore this, and all readers accept it.
            running = event.status


def _check_with_mido(file: MidiFile) -> None:
    trouble = _mido_says(serialize(file))
    if trouble:
        raise FormatError(f"mido cannot read this file: {trouble}.")


@lru_cache(maxsize=8)
def _mido_says(data: bytes) -> str:
    """Why mido cannot read a file; empty if it can.

    Kept for the last files, at most 8 MiB: a command parses the same file several times, and mido takes seconds for the
    longest.
    """
    import mido  # training reads no MIDI file, and need not have it

    try:
        mido.MidiFile(file=io.BytesIO(data))
    except Exception as error:  # mido raises many kinds, EOFError and IndexError among them
        return str(error) or type(error).__name__
    return ""
