"""Noise in track lengths: only there, only in what is shown."""

import numpy as np
from helpers.patches import frame_pair

from bytesim.training.data.noise import with_length_noise

TRACK = b"MThd\0\0\0\6\0\0\0\1\1\xe0MTrk\0\0\4\xd2\0\xff/\0"


def test_only_the_lower_half_of_each_track_length_changes():
    patches = frame_pair(b"X:1 MTrk0000", "abc", TRACK, "mid", 8)
    first = 4
    shown = with_length_noise(patches, first, np.random.default_rng(0))
    changed = np.flatnonzero((shown != patches).reshape(-1)) - first * 8
    assert set(changed) <= {TRACK.index(b"MTrk") + 6, TRACK.index(b"MTrk") + 7}
    assert len(changed) > 0


def test_a_file_cut_inside_a_length_keeps_its_padding():
    patches = frame_pair(b"", "abc", TRACK[: TRACK.index(b"MTrk") + 7], "mid", 8)
    shown = with_length_noise(patches, 2, np.random.default_rng(0))
    assert np.array_equal(shown == 256, patches == 256)
