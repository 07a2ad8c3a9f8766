"""`bytesim doctor`: show what this machine can do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from bytesim.console import print_json, print_line, stderr

if TYPE_CHECKING:
    from bytesim.tasks.doctor import Device, Diagnosis, Tool


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead.")] = False) -> None:
    """Show what this machine can do: devices with their measured speed, threads, tools and models.

    bytesim doctor
    """
    with stderr.status("Measuring"):
        from bytesim.tasks.doctor import doctor as examine  # torch loads here

        diagnosis = examine()
    if as_json:
        print_json(diagnosis)
        return
    for line in _lines(diagnosis):
        print_line(line)


def _lines(diagnosis: Diagnosis) -> Iterator[str]:
    yield f"bytesim {diagnosis.bytesim}, Python {diagnosis.python}, torch {diagnosis.torch}, {diagnosis.system}"
    yield f"{_count(diagnosis.cores, 'core')}, {_count(diagnosis.threads, 'thread')}, {diagnosis.instructions}"
    yield f"{'native engine':<16}{diagnosis.native}"
    for number, device in enumerate(diagnosis.devices):
        yield ""
        yield from _device(device, chosen=number == 0)
    yield ""
    yield from map(_tool, diagnosis.tools)
    yield ""
    for model in diagnosis.models:
        yield f"{'model ' + model.name:<16}{model.place}, {model.folder}"
    if not diagnosis.models:
        yield f"{'models':<16}none yet"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def _device(device: Device, *, chosen: bool) -> Iterator[str]:
    memory = "" if device.memory_bytes is None else f", {device.memory_bytes / 2**30:.1f} GiB of memory"
    yield f"{device.name:<16}{device.description}{memory}{' (chosen by --device auto)' if chosen else ''}"
    yield f"{'  fp32 matmul':<16}{device.fp32_gflops:,.0f} GFLOP/s"
    yield f"{'  bf16 matmul':<16}" + (f"{device.bf16_gflops:,.0f} GFLOP/s" if device.bf16_gflops else "not supported")
    yield f"{'  memory copy':<16}{device.bandwidth_gb_s:,.0f} GB/s"
    yield f"{'  dtype auto':<16}{device.dtype}"


def _tool(tool: Tool) -> str:
    state = tool.version if tool.version is not None else f"not installed ({tool.install})"
    return f"{tool.name:<16}{state}: {tool.purpose}"
