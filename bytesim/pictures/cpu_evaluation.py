"""A picture of the results of `evaluate cpu`."""

from __future__ import annotations

from collections.abc import Mapping

from bytesim.metrics import StateScore
from bytesim.pictures.canvas import new_figure, png_of

_NEVER = 1e-6
"""The value that stands for a share of 0 on a logarithmic axis."""


def draw_evaluation(by_length: Mapping[str, StateScore], wrong: Mapping[str, float], title: str) -> bytes:
    """A PNG: on the left the share of right programs by length, on the right the share of wrong results by operation.

    `by_length` maps a range of lengths to the score of its programs, `wrong` an operation to a share from 0 to 1.
    """
    figure = new_figure(12, 4.8)
    lengths, opcodes = figure.subplots(1, 2, width_ratios=(1, 2))
    names = list(by_length)
    lengths.bar(names, [score.program_accuracy for score in by_length.values()], color="tab:blue", width=0.8)
    for bar_index, score in enumerate(by_length.values()):
        label = f"{score.programs_right} of {score.num_programs}"
        lengths.text(bar_index, 0.02, label, ha="center", rotation=90, color="white", fontsize="small", va="bottom")
    lengths.set_ylim(0, 1)
    lengths.set_xlabel("instructions")
    lengths.set_ylabel("share of programs right to the last byte")
    bars = opcodes.bar(list(wrong), [max(share, _NEVER) for share in wrong.values()], color="tab:red", width=0.8)
    for bar, share in zip(bars, wrong.values(), strict=True):
        if not share:
            bar.set_color("tab:green")
    opcodes.set_yscale("log")
    opcodes.set_ylim(_NEVER / 2, 1)
    opcodes.tick_params(axis="x", rotation=90)
    opcodes.set_ylabel("share that came out wrong (green: none)")
    opcodes.grid(axis="y", alpha=0.3)
    opcodes.set_axisbelow(True)
    figure.suptitle(title, fontsize="medium")
    return png_of(figure)
