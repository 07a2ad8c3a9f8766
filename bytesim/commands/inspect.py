"""`bytesim inspect`: what a model sees in a file, as coloured bytes and a summary."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from bytesim.commands.options import Device
from bytesim.console import byte_progress, print_json, print_line, stdout

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bytesim.tasks.inspect.inspect import Inspection, Looked

ROW = 16
_ROWS = 24
"""Most rows of bytes that are shown, unless the user says otherwise."""
_AROUND = 3
"""Windows that stand out whose rows are shown of a long file."""
_LEVELS = ((0.05, "#00224e"), (0.5, "#35456c"), (1.5, "#666970"), (3.0, "#948e77"), (6.0, "#c8b866"), (99.0, "#fee838"))
"""Bits of a byte -> its background, of the colour map cividis, which the colour-blind read as well."""
_BLOCKS = "▁▂▃▄▅▆▇█"
_STRIP = 64


class Patches(str, Enum):
    """Whose borders are shown between the bytes."""

    NONE = "none"
    FIXED = "fixed"
    ENTROPY = "entropy"
    SPACE = "space"


def inspect(
    source: Annotated[str, typer.Argument(metavar="FILE", show_default=False, help="File to look at; - reads stdin.")],
    model: Annotated[
        str,
        typer.Option(
            help="Name of a model that reads the file, or none for the context mixer of compress; auto takes what "
            "compresses the first bytes best."
        ),
    ] = "auto",
    window: Annotated[int, typer.Option(min=2, help="Bytes of the windows among which anomalies are looked for.")] = 16,
    offset: Annotated[
        int | None, typer.Option(min=0, help="First byte that is shown; by default the most surprising rows.")
    ] = None,
    rows: Annotated[int, typer.Option(min=0, help="Most rows of 16 bytes that are shown.")] = _ROWS,
    patches: Annotated[Patches, typer.Option(help="Mark where patches of this kind begin.")] = Patches.NONE,
    png: Annotated[
        str | None, typer.Option(metavar="OUT.png", help="Also draw a map of the file.", show_default=False)
    ] = None,
    html: Annotated[
        str | None,
        typer.Option(metavar="OUT.html", help="Also write a report that any browser opens.", show_default=False),
    ] = None,
    jsonl: Annotated[
        str | None,
        typer.Option(metavar="OUT.jsonl", help="Also write a line for every byte; - is stdout.", show_default=False),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace outputs that exist.")] = False,
    device: Device = "auto",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object instead of bytes and summary.")
    ] = False,
) -> None:
    """Show how surprising every byte of FILE is to a model, which windows do not fit, and where the file changes.

    bytesim inspect tune.abc
    bytesim inspect disk.img --model none --html disk.html
    """
    from bytesim.tasks.inspect.inspect import look

    if as_json and "-" in (png, jsonl):
        raise typer.BadParameter("--json and a file cannot both go to stdout; name a file.")
    with byte_progress("inspect") as on_progress:
        looked = look(
            source,
            model=model,
            window=window,
            png=png,
            html=html,
            jsonl=jsonl,
            force=force,
            device=device,
            on_progress=on_progress,
        )
    if as_json:
        print_json(looked.found)
    elif "-" not in (png, jsonl):
        _show_bytes(looked, offset, rows, patches.value)
        _show_summary(looked.found, looked.surprise.bits)


def _show_bytes(looked: Looked, offset: int | None, rows: int, patches: str) -> None:
    shown = _rows_shown(looked.found, offset, rows)
    width = max(8, len(f"{looked.found.num_bytes:x}"))
    before = None
    for row in shown:
        if before is not None and row != before + 1:
            print_line("...")
        before = row
        start, data = row * ROW, looked.data[row * ROW : (row + 1) * ROW]
        bits = looked.surprise.bits[start : start + len(data)]
        borders = looked.borders[patches][start : start + len(data)] if patches != "none" else None
        line = Text(f"{start:0{width}x} {bits.mean():6.2f} ")
        for place, byte in enumerate(data):
            line.append("|" if borders is not None and borders[place] else " ")
            line.append(f"{byte:02x}", style=_style(float(bits[place])))
        line.append("   " * (ROW - len(data)) + "  ")
        for place, byte in enumerate(data):
            line.append(chr(byte) if 32 <= byte < 127 else ".", style=_style(float(bits[place])))
        if stdout.is_terminal:
            stdout.print(line, soft_wrap=True)
        else:
            print_line(line.plain)


def _rows_shown(found: Inspection, offset: int | None, rows: int) -> list[int]:
    """The rows that are shown: all of a short file, else those from an offset on, or around what stands out."""
    count = -(-found.num_bytes // ROW)
    if offset is not None:
        return list(range(offset // ROW, min(count, offset // ROW + rows)))
    if count <= rows or not found.anomalies:
        return list(range(min(count, rows)))
    wanted: set[int] = set()
    for anomaly in found.anomalies[:_AROUND]:
        wanted |= set(range(max(0, anomaly.start // ROW - 1), min(count, anomaly.end // ROW + 2)))
    return sorted(wanted)[:rows]


def _style(bits: float) -> str:
    level, colour = next((place, colour) for place, (most, colour) in enumerate(_LEVELS) if bits < most or most == 99.0)
    return f"{'black' if level > 2 else 'white'} on {colour}"


def _show_summary(found: Inspection, bits: NDArray[np.float32]) -> None:
    named = found.model if found.model == "context mixer" else f"model {found.model}, as .{found.read_as}"
    print_line(f"{found.source}: {found.num_bytes:,} bytes, {found.bits_per_byte:.3f} bits per byte by the {named}")
    print_line(f"expected {found.expected_bits_per_byte:.3f}; along the file {_strip(bits)}")
    print_line("patches: " + ", ".join(f"{count:,} {rule}" for rule, count in found.patches.items()))
    for edge in found.edges:
        print_line(f"edge at {edge.offset:,} (0x{edge.offset:x}): {edge.before:.2f} -> {edge.after:.2f} bits per byte")
    for anomaly in found.anomalies:
        print_line(
            f"stands out: {anomaly.start:,} to {anomaly.end:,} (0x{anomaly.start:x}), {anomaly.bits_per_byte:.2f} bits "
            f"per byte where {anomaly.expected_bits_per_byte:.2f} were expected, p < {anomaly.p_value:.1g}"
        )
    if not found.anomalies:
        print_line("no window stands out")


def _strip(bits: NDArray[np.float32]) -> str:
    """The mean bits of up to 64 parts of a file, as blocks from 0 to 8 bits."""
    count = min(_STRIP, len(bits))
    ends = [len(bits) * (place + 1) // count for place in range(count)]
    means = [float(bits[start:end].mean()) for start, end in zip([0, *ends], ends, strict=False)]
    return "".join(_BLOCKS[min(len(_BLOCKS) - 1, int(mean))] for mean in means)
