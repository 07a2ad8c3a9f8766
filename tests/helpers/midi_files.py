"""MIDI files for the tests: spelled in hex, in abc2midi's layout, and as a sequencer would write the same tune."""

import io
import struct
from fractions import Fraction

import mido
from hypothesis import strategies as st

from bytesim.formats import midi
from bytesim.formats.midi.layout import Chord, Signature, meter, render

Score = tuple[list[Chord], list[Signature]]


def file_of(*bodies: str, kind: int = 0, division: int = 480) -> bytes:
    """A MIDI file with the given track bodies, in hex, and honest lengths."""
    data = struct.pack(">4sIHHH", b"MThd", 6, kind, len(bodies), division)
    for body in map(bytes.fromhex, bodies):
        data += struct.pack(">4sI", b"MTrk", len(body)) + body
    return data


def keys(source: bytes | midi.MidiFile) -> list[tuple[int | Fraction, int, int | Fraction]]:
    """Onset, pitch and duration of every note, in order."""
    return [(note.onset_ticks480, note.pitch, note.duration_ticks480) for note in midi.notes(source)]


@st.composite
def scores(draw: st.DrawFn) -> Score:
    """Key, metre and 1 to 12 chords of 1 to 4 notes that follow each other, with rests between some."""
    now, chords = 0, []
    for _ in range(draw(st.integers(1, 12))):
        now += draw(st.sampled_from([0, 0, 0, 120, 240, 480]))
        end = now + draw(st.sampled_from([60, 80, 120, 160, 240, 360, 480, 960]))
        pitches = draw(st.sets(st.integers(36, 96), min_size=1, max_size=4))
        chords.append(Chord(now, tuple((pitch, end) for pitch in sorted(pitches))))
        now = end
    beats, unit = draw(st.sampled_from([(4, 4), (3, 4), (6, 8), (2, 2), (9, 8), (7, 8)]))
    key = bytes([draw(st.integers(-7, 7)) % 256, draw(st.integers(0, 1))])
    return chords, [Signature(0, 0x59, key), Signature(0, 0x58, meter(beats, unit))]


def tunes() -> st.SearchStrategy[midi.MidiFile]:
    """Scores in abc2midi's layout."""
    return st.builds(lambda score, stress: render(*score, stress=stress), scores(), st.booleans())


def by_sequencer(score: Score, division: int, channel: int) -> bytes:
    """The score as others write it: notes exactly on the beat, a track for the signatures, an instrument, words."""
    chords, signatures = score
    conductor = [mido.MetaMessage.from_bytes([0xFF, sign.kind, len(sign.data), *sign.data]) for sign in signatures]
    timed = [(0, -1, mido.Message("program_change", program=40, channel=channel))]
    for chord in chords:
        timed.append((chord.start, 1, mido.MetaMessage("lyrics", text="la")))
        for pitch, end in chord.members:
            timed.append((chord.start, 1, mido.Message("note_on", note=pitch, velocity=99, channel=channel)))
            timed.append((end, 0, mido.Message("note_on", note=pitch, velocity=0, channel=channel)))
    timed.sort(key=lambda entry: entry[:2])
    ticks = [0, *(tick * division // 480 for tick, _, _ in timed)]
    melody = [message.copy(time=ticks[i + 1] - ticks[i]) for i, (_, _, message) in enumerate(timed)]
    stream = io.BytesIO()
    tracks = [mido.MidiTrack(conductor), mido.MidiTrack(melody)]
    mido.MidiFile(type=1, ticks_per_beat=division, tracks=tracks).save(file=stream)
    return stream.getvalue()
