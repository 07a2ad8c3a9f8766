"""A picture of the learning curves of several trainings over their floating-point operations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bytesim.pictures.canvas import new_figure, png_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, slots=True)
class Curve:
    """The learning curve of one training."""

    name: str
    points: Sequence[tuple[float, float]]
    """(10^12 operations, bits per byte)."""


def draw_curves(axes: Axes, curves: Sequence[Curve]) -> None:
    """Draw bits per byte over the operations so far, a line for each training, both axes logarithmic."""
    styles = ("-", "--", ":")
    for number, curve in enumerate(curves):
        drawn = [(flops, bits) for flops, bits in curve.points if flops > 0]
        if drawn:
            style = styles[number // 10 % len(styles)]
            axes.plot(*zip(*drawn, strict=True), f"o{style}", markersize=4, color=f"C{number % 10}", label=curve.name)
    axes.set_xscale("log")
    axes.set_yscale("log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, position: f"{value:g}")
        axis.set_minor_formatter(lambda value, position: f"{value:g}" if f"{value:e}"[0] in "235" else "")
    axes.set_xlabel("floating-point operations of the training, in 10^12")
    axes.set_ylabel("bits per byte of the validation files")
    axes.grid(alpha=0.3, which="both")


def plot_curves(curves: Sequence[Curve]) -> bytes:
    """A PNG of the curves, see `draw_curves`."""
    figure = new_figure(9, 5.5)
    axes = figure.subplots()
    draw_curves(axes, curves)
    if axes.has_data():
        figure.legend(loc="outside lower center", ncols=3, fontsize="small")
    return png_of(figure)
