"""Whether a MIDI file holds one melody, which the music model reads, or several voices."""

from __future__ import annotations

from bisect import bisect_right

from bytesim.formats.midi.layout import is_model_layout
from bytesim.formats.midi.notes import Note, notes
from bytesim.formats.midi.parse import MidiFile
from bytesim.formats.midi.tidy import tidy

DRUM_CHANNEL = 9
OVERLAP = 0.5
"""Share of a note that still sounds when a note of another onset begins: more than this is a second voice, less is
legato playing."""
MOST_OVERLAPS = 0.05
"""Greatest share of the notes of one melody that overlap so much."""
CHORD_TICKS = 30
"""Ticks within which the notes of a chord begin: a 64th note."""


def several_voices(file: MidiFile) -> str | None:
    """What a file has besides one melody, in words; None for one melody, perhaps with chords.

    A melody with the accompaniment that abc2midi makes of chord symbols is one melody. Raises FormatError for format 2.
    """
    if is_model_layout(tidy(file)[0]):
        return None
    played = notes(file)
    drums = sum(note.channel == DRUM_CHANNEL for note in played)
    parts = {(note.track, note.channel) for note in played if note.channel != DRUM_CHANNEL}
    if len(parts) > 1:
        return f"this file has {len(parts)} voices" + (" and drums" if drums else "")
    if drums and parts:
        return "this file has a melody and drums"
    if _overlaps(played) > MOST_OVERLAPS * len(played):
        return "this file has several voices that overlap"
    return None


def _overlaps(played: list[Note]) -> int:
    """The number of notes of which more than OVERLAP still sounds when the next note begins, chords apart."""
    onsets = [note.onset_ticks480 for note in played]
    count = 0
    for note in played:
        following = bisect_right(onsets, note.onset_ticks480 + CHORD_TICKS)
        if following < len(onsets):
            count += note.end_ticks480 - onsets[following] > OVERLAP * note.duration_ticks480
    return count
