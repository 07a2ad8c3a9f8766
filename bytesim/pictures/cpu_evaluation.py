"""Pictures of what `evaluate cpu` found."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bytesim.tasks.evaluate.cpu import CpuEvaluation

_NEVER = 1e-6
"""What a share of 0 is drawn as on a logarithmic axis."""


def draw_evaluation(seen: CpuEvaluation) -> bytes:
    """A PNG: on the left how many programs of each length are right, on the right how often each operation is wrong."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 4.8), layout="constrained")
    FigureCanvasAgg(figure)
    lengths, opcodes = figure.subplots(1, 2, width_ratios=(1, 2))
    names = list(seen.by_length)
    lengths.bar(names, [each.program_accuracy for each in seen.by_length.values()], color="tab:blue", width=0.8)
    for place, each in enumerate(seen.by_length.values()):
        label = f"{each.programs_right} of {each.num_programs}"
        lengths.text(place, 0.02, label, ha="center", rotation=90, color="white", fontsize="small", va="bottom")
    lengths.set_ylim(0, 1)
    lengths.set_xlabel("instructions")
    lengths.set_ylabel("share of programs right to the last byte")
    tried = {"fetch": seen.fetch, **seen.by_opcode}
    wrong = {name: each.wrong / each.executed for name, each in tried.items() if each.executed}
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
    figure.suptitle(
        f"{seen.model}: {seen.byte_accuracy:.4%} of state bytes, {seen.program_accuracy:.1%} of programs right "
        f"({seen.split})",
        fontsize="medium",
    )
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=110)
    return picture.getvalue()
