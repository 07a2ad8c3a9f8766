"""Convert any MIDI file to the layout that abc2midi gives a tune of one voice."""

from __future__ import annotations

from collections import Counter

from bytesim.errors import FormatError
from bytesim.formats.midi.events import KEY_SIGNATURE, TIME_SIGNATURE
from bytesim.formats.midi.fold import to_chords
from bytesim.formats.midi.layout import Signature, is_model_layout, meter, render
from bytesim.formats.midi.notes import TICKS_PER_QUARTER, Note, notes, to_ticks480
from bytesim.formats.midi.parse import MAX_BYTES, MidiFile, parse, serialize
from bytesim.formats.midi.tidy import tidy

DRUM_CHANNEL = 9
COMMON_TIME = meter(4, 4)


def to_model_form(data: bytes, *, stress: bool = False) -> tuple[bytes, list[str]]:
    """The file in the layout that the music model was trained on, and a list of the changes.

    A file that abc2midi made of a single voice is returned as it is; a title, tempo or instrument in it is
    removed. Any other file becomes one track of 480 ticks per quarter note whose chords follow each other.
    All its velocities are 80, or, with `stress`, those that abc2midi gives the beats of a bar; bars are counted
    from the start of the file and from each change of meter.

    Raises FormatError for a file that does not parse, has no notes or only drums, is too long in this layout, or in
    which more notes sound at once than one voice of ABC has.
    """
    file = parse(data)
    tidied, changes = tidy(file)
    if is_model_layout(tidied):
        plain = serialize(tidied)
        if plain != data and not changes:
            changes.append("events written without running status, unknown chunks left out")
        return _readable(plain), changes
    melody = _melody(file, changes)
    _describe_shape(file, changes)
    chords, moved = to_chords(melody)
    last = max(end for chord in chords for _, end in chord.members)
    signatures = _signatures(file, last, changes, fitting_key(melody))
    changes += moved
    changes.append("velocities set by the place in the bar" if stress else "all velocities set to 80")
    return _readable(serialize(render(chords, signatures, stress=stress))), changes


def _readable(data: bytes) -> bytes:
    """The file itself. Raises FormatError if it has become longer than `parse` reads."""
    if len(data) > MAX_BYTES:
        raise FormatError(
            f"in the form that the model reads it has {len(data)} bytes, and at most {MAX_BYTES} are read."
        )
    return data


def _melody(file: MidiFile, changes: list[str]) -> list[Note]:
    played = notes(file)
    if not played:
        raise FormatError("the file holds no notes.")
    melody = [note for note in played if note.channel != DRUM_CHANNEL]
    if not melody:
        raise FormatError("all notes are on channel 10, which is drums; there is no melody to write down.")
    if len(melody) < len(played):
        changes.append(f"dropped drum notes on channel 10 ({len(played) - len(melody)})")
    return melody


def _describe_shape(file: MidiFile, changes: list[str]) -> None:
    if file.ticks_per_quarter != TICKS_PER_QUARTER:
        changes.append(f"resolution set from {file.ticks_per_quarter} to {TICKS_PER_QUARTER} ticks per quarter note")
    if file.format != 0:
        changes.append(f"format {file.format} with {len(file.tracks)} tracks written as format 0 with one")


def fitting_key(melody: list[Note]) -> int:
    """The sharps (negative for flats) of the signature that most notes fit, for a file that states none.

    Among equal ones the key of the last note comes first, major or minor, then the one with fewer signs.
    """
    pitches = Counter(note.pitch % 12 for note in melody)
    last = max(melody, key=lambda note: (note.onset_ticks480, -note.pitch)).pitch % 12

    def misfit(sharps: int) -> tuple[int, bool, int, int]:
        tonic = 7 * sharps % 12
        outside = sum(count for pitch, count in pitches.items() if (pitch - tonic) % 12 not in (0, 2, 4, 5, 7, 9, 11))
        return outside, last not in (tonic, (tonic + 9) % 12), abs(sharps), -sharps

    return min(range(-6, 7), key=misfit)


def _signatures(file: MidiFile, last: int, changes: list[str], sharps: int) -> list[Signature]:
    """Key and time signature at the start, then each change before the end of the tune, without repetitions."""
    by_kind = {kind: _one_kind(file, kind, last) for kind in (KEY_SIGNATURE, TIME_SIGNATURE)}
    for kind, default, text in (
        (KEY_SIGNATURE, bytes([sharps % 256, 0]), f"no key signature at the start: {_signs(sharps)} written"),
        (TIME_SIGNATURE, COMMON_TIME, "no time signature at the start: 4/4 written"),
    ):
        if 0 not in by_kind[kind]:
            by_kind[kind][0] = default
            changes.append(text)
    signatures = []
    for kind, by_tick in by_kind.items():
        current = None
        for tick, data in sorted(by_tick.items()):
            if data != current:
                signatures.append(Signature(tick, kind, data))
            current = data
    return sorted(signatures, key=lambda signature: signature.tick)


def _signs(sharps: int) -> str:
    """`2 sharps`, `1 flat`, `no sharps or flats`."""
    if not sharps:
        return "no sharps or flats"
    return f"{abs(sharps)} {'sharp' if sharps > 0 else 'flat'}{'s' if abs(sharps) > 1 else ''}"


def _one_kind(file: MidiFile, kind: int, last: int) -> dict[int, bytes]:
    by_tick: dict[int, bytes] = {}
    for track in file.tracks:
        now = 0
        for event in track:
            now += event.delta
            if event.meta != kind:
                continue
            tick = round(to_ticks480(now, file.ticks_per_quarter))
            data = event.data if kind == KEY_SIGNATURE else _plain_meter(event.data)
            if data is not None and tick < last:
                by_tick[tick] = data
    return by_tick


def _plain_meter(data: bytes) -> bytes | None:
    """The time signature with abc2midi's clocks per click; None for 0 beats or a unit below a 64th note."""
    return meter(data[0], 1 << data[1]) if data[0] and data[1] <= 6 else None
