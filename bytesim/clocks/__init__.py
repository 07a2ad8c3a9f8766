"""Time along a file: how far the music has come at each byte, or the program of a CPU trace. No torch.

A clock reads a file byte by byte and tells two times in ticks, 480 to the quarter note: since the music began (in MIDI,
since the track began) and since the bar began. It sees the bytes so far and nothing else, so that it tells the same
while a file is written as when it is read. Bytes that are no such file move it anyhow, or not at all. In a file of the
CPU (.bin) the two are the instruction and the byte of it, or of the state; both follow from the offset alone.
"""

from bytesim.clocks.deadline import ByteDeadline, Deadline, MusicDeadline, latest_time, music_deadline
from bytesim.clocks.run import Clock, Times, clock_of, clock_patches, make_clock, padded_times
from bytesim.clocks.ticks import TICKS_PER_WHOLE

__all__ = [
    "TICKS_PER_WHOLE",
    "ByteDeadline",
    "Clock",
    "Deadline",
    "MusicDeadline",
    "Times",
    "clock_of",
    "clock_patches",
    "latest_time",
    "make_clock",
    "music_deadline",
    "padded_times",
]
