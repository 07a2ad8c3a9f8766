"""MIDI files: parsing, notes, mending of track lengths, and conversion to the layout of the music model."""

from bytesim.formats.midi.events import Event
from bytesim.formats.midi.mend import mend_track_lengths, track_length_spans
from bytesim.formats.midi.notes import Note, Ticks480, notes
from bytesim.formats.midi.parse import MidiFile, parse, serialize
from bytesim.formats.midi.title import set_title_and_tempo, title_and_tempo

__all__ = [
    "Event",
    "MidiFile",
    "Note",
    "Ticks480",
    "mend_track_lengths",
    "notes",
    "parse",
    "serialize",
    "set_title_and_tempo",
    "title_and_tempo",
    "track_length_spans",
]
