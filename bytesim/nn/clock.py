"""Musical time as input of a model: as features, and as terms of cross-attention that depend on time differences.

Times (..., C) are what a clock of `bytesim.clocks` shows: ticks, 480 to the quarter note, since the start of the music
and of the bar, and what the notation says.
"""

from __future__ import annotations

import math
from functools import cache

import torch
from torch import Tensor, nn

from bytesim.clocks.notation import ALTERATIONS, CHORD_KINDS, LETTERS, TONES
from bytesim.clocks.periods import BAR_PERIODS, MUSIC_PERIODS, NOTATION_SIZES, NUM_HANDS, hand_periods
from bytesim.clocks.ticks import ALTERED, CHORD, PITCH

NUM_FEATURES = 2 * (len(MUSIC_PERIODS) + len(BAR_PERIODS))


@cache
def _hand_periods(device: torch.device) -> Tensor:
    """On the device, to which each step would otherwise have to wait for them to be copied."""
    with torch.inference_mode(False):
        return torch.from_numpy(hand_periods()).to(device)


PEAK = 4.0
"""Logit that an untrained query adds for source bytes at its own time, relative to the average."""


class ClockFeatures(nn.Module):
    """Times (..., C) -> vectors (..., H): sines and cosines of many periods, then a linear map that starts at zero.

    With `notation`, what the notation says is read too.
    """

    music_periods: Tensor
    bar_periods: Tensor

    def __init__(self, hidden_size: int, *, notation: bool = False) -> None:
        super().__init__()
        self.join = nn.Linear(NUM_FEATURES, hidden_size, bias=False)
        nn.init.zeros_(self.join.weight)
        self.notation = NotationFeatures(hidden_size) if notation else None
        self.register_buffer("music_periods", torch.tensor(MUSIC_PERIODS), persistent=False)
        self.register_buffer("bar_periods", torch.tensor(BAR_PERIODS), persistent=False)

    def forward(self, times: Tensor) -> Tensor:
        turns = [
            (times[..., axis : axis + 1] % periods) / periods
            for axis, periods in enumerate((self.music_periods, self.bar_periods))
        ]
        angles = torch.cat(turns, -1) * (2 * math.pi)
        joined = self.join(torch.cat([angles.cos(), angles.sin()], -1).to(self.join.weight.dtype))
        return joined if self.notation is None else joined + self.notation(times)


class NotationFeatures(nn.Module):
    """What the notation says at bytes (..., C) -> vectors (..., H): a linear map of indicators (one-hot)."""

    powers: Tensor

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.join = nn.Linear(sum(NOTATION_SIZES), hidden_size, bias=False)
        nn.init.normal_(self.join.weight, std=0.2)
        powers = torch.tensor([ALTERATIONS**index for index in range(len(LETTERS))])
        self.register_buffer("powers", powers, persistent=False)

    def forward(self, times: Tensor) -> Tensor:
        pitch, altered, chord = (times[..., place : place + 1] for place in (PITCH, ALTERED, CHORD))
        known, inner = chord > 0, (chord - 1).clamp(min=0)
        kind, bass = inner // TONES % (1 + len(CHORD_KINDS)), inner % TONES
        root = inner // TONES // (1 + len(CHORD_KINDS))
        numbers = torch.cat(
            [
                pitch,
                torch.where(pitch > 0, 1 + pitch % TONES, 0),
                altered // self.powers % ALTERATIONS,
                *(torch.where(known, 1 + number, 0) for number in (root, bass, kind)),
            ],
            -1,
        )
        hot = [
            numbers[..., index : index + 1] == torch.arange(size, device=times.device)
            for index, size in enumerate(NOTATION_SIZES)
        ]
        return self.join(torch.cat(hot, -1).to(self.join.weight.dtype))


class ClockHands(nn.Module):
    """Terms that cross-attention adds to queries and keys, so that their product depends on the time between them.

    A query is a sum of `NUM_HANDS` waves around its own time, whose amplitudes and phases depend on its content. Before
    training they form a peak at that time.
    """

    def __init__(self, hidden_size: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.waves = nn.Linear(hidden_size, num_heads * 2 * NUM_HANDS)
        nn.init.zeros_(self.waves.weight)
        with torch.no_grad():
            self.waves.bias.view(num_heads, 2, NUM_HANDS)[:] = torch.tensor([PEAK / NUM_HANDS, 0.0])[:, None]

    def queries(self, x: Tensor, times: Tensor) -> Tensor:
        """(B, N, T, 2 * hands) for vectors (B, T, H) at times (B, T, C)."""
        waves = self.waves(x).view(*x.shape[:2], self.num_heads, 2, NUM_HANDS).permute(3, 0, 2, 1, 4)
        cos, sin = (wave[:, None].to(x.dtype) for wave in waves_of(times))
        return torch.cat([waves[0] * cos - waves[1] * sin, waves[0] * sin + waves[1] * cos], -1)


def waves_of(times: Tensor) -> tuple[Tensor, Tensor]:
    """Cosines and sines (B, T, hands) of times (B, T, C)."""
    angles = times[..., :1] / _hand_periods(times.device) * (2 * math.pi)
    return angles.cos(), angles.sin()
