"""Musical time along a file: how far the music has come at each byte. No torch.

A clock reads a file byte by byte and tells two times in ticks, 480 to the quarter note: since the music began (in MIDI,
since the track began) and since the bar began. It sees the bytes so far and nothing else, so that it tells the same
while a file is written as when it is read. Bytes that are no such file move it anyhow, or not at all.
"""

from bytesim.clocks.run import Clock, Times, clock_of, clock_patches, make_clock, padded_times

__all__ = ["Clock", "Times", "clock_of", "clock_patches", "make_clock", "padded_times"]
