"""Clocks: the musical time at each byte of a file, or the instruction at each byte of a CPU trace. No torch.

A clock reads a file byte by byte and gives two times in ticks, 480 to the quarter note: since the start of the music
(in MIDI, of the track) and since the start of the bar. Beside them it shows what the notation says there: the pitch of
a note that has just been named, the accidentals that are in force, and the chord symbol (`bytesim.clocks.notation`).
All of it depends on the bytes so far alone, so it is the same while a file is being written as when it is read. In
bytes that are not such a file it is arbitrary. In a CPU file (.bin) the two times count instructions, and bytes inside
an instruction or state; they depend on the offset alone.
"""

from bytesim.clocks.deadline import ByteDeadline, Deadline, MusicDeadline, latest_time, music_deadline
from bytesim.clocks.run import (
    STILL,
    Clock,
    Shown,
    Times,
    clock_of,
    clock_patches,
    make_clock,
    padded_times,
    source_times,
)
from bytesim.clocks.ticks import CLOCK_WIDTH, TICKS_PER_WHOLE

__all__ = [
    "CLOCK_WIDTH",
    "STILL",
    "TICKS_PER_WHOLE",
    "ByteDeadline",
    "Clock",
    "Deadline",
    "MusicDeadline",
    "Shown",
    "Times",
    "clock_of",
    "clock_patches",
    "latest_time",
    "make_clock",
    "music_deadline",
    "padded_times",
    "source_times",
]
