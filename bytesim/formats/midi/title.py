"""Title and tempo of a MIDI file: set after decoding, and read."""

from __future__ import annotations

from dataclasses import replace

from bytesim.errors import FormatError
from bytesim.formats.midi.events import SET_TEMPO, TRACK_NAME, Event, meta_event
from bytesim.formats.midi.parse import MidiFile, Track, parse, serialize

MICROSECONDS_PER_MINUTE = 60_000_000


def set_title_and_tempo(data: bytes, title: str | None, bpm: float | None) -> bytes:
    """The file with its title (a track name) and tempo (quarter notes per minute) set in the first track.

    None leaves the present one. Each line of a title becomes a track name, as abc2midi writes each `T:` field
    of a tune. Both stand where abc2midi writes them: if they are set in abc2midi's file of a tune without
    title and tempo, the result equals its file of the tune with them. Raises FormatError for a tempo that a
    MIDI file cannot hold.
    """
    file = parse(data)
    first = file.tracks[0]
    if bpm is not None:
        first = _set_tempo(first, meta_event(0, SET_TEMPO, tempo_bytes(bpm)))
    if title is not None:
        first = _set_names(first, [line.strip() for line in title.splitlines() if line.strip()])
    return serialize(replace(file, tracks=(first, *file.tracks[1:])))


def title_and_tempo(data: bytes | MidiFile) -> tuple[str | None, float | None]:
    """The title, its lines joined by newlines, and the tempo in quarter notes per minute, rounded to a hundredth.

    Both are read from the start of the first track, at time 0; None if it has none there. A title that is not
    UTF-8 is read as Latin-1, which older programs wrote.
    """
    file = data if isinstance(data, MidiFile) else parse(data)
    start = file.tracks[0][: _header_length(file.tracks[0])]
    names = [_text(event.data) for event in start if event.meta == TRACK_NAME and event.data.strip(b" \0")]
    tempos = [int.from_bytes(event.data, "big") for event in start if event.meta == SET_TEMPO]
    # Of two tempos at the same time the later one is in force.
    bpm = round(MICROSECONDS_PER_MINUTE / tempos[-1], 2) if tempos and tempos[-1] else None
    return "\n".join(names) or None, bpm


def tempo_bytes(bpm: float) -> bytes:
    """Microseconds per quarter note, three bytes, rounded down as abc2midi does."""
    microseconds = int(MICROSECONDS_PER_MINUTE / bpm) if bpm >= 1 else 0
    if not 0 < microseconds < 1 << 24:
        raise FormatError(f"a tempo of {bpm} quarter notes a minute does not fit a MIDI file; 3.6 to 6e7 do.")
    return microseconds.to_bytes(3, "big")


def _set_tempo(track: Track, tempo: Event) -> Track:
    length = _header_length(track)
    kept = [event for event in track[:length] if event.meta != SET_TEMPO]
    index = next((i for i, event in enumerate(track[:length]) if event.meta == SET_TEMPO), 0)
    return (*kept[:index], tempo, *kept[index:], *track[length:])


def _set_names(track: Track, lines: list[str]) -> Track:
    length = _header_length(track)
    kept = [event for event in track[:length] if event.meta != TRACK_NAME]
    names = [meta_event(0, TRACK_NAME, line.encode("utf-8")) for line in lines]
    return (*kept, *names, *track[length:])


def _header_length(track: Track) -> int:
    """The number of meta events at time 0 before the first other event, without end-of-track."""
    for index, event in enumerate(track[:-1]):
        if event.delta or event.meta is None:
            return index
    return len(track) - 1


def _text(raw: bytes) -> str:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return " ".join(text.replace("\0", " ").split())
