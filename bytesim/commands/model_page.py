"""The page of `bytesim models show`: licence, purpose, use and results of a model, in lines of text."""

from __future__ import annotations

import os
import shlex
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bytesim.tasks.models import ModelInfo

WIDTH = 100
_INDENT = 10

FIGURES = {
    "accuracy": "accuracy",
    "macro_accuracy": "accuracy, mean over labels",
    "macro_f1": "F1, mean over labels",
    "expected_calibration_error": "expected calibration error",
    "called_unknown": "known files called unknown",
    "bits_per_byte": "bits per byte",
    "identical": "identical files",
    "same_notes": "identical notes",
    "mean_note_f1": "note F1, mean",
    "parsed": "files that parse",
    "byte_accuracy": "state bytes right",
    "program_accuracy": "programs right",
    "opened": "generated files that open",
    "copies": "generated files that equal a training row",
}
"""Field of the results in a card -> its name on the page. Other fields are in the card only."""


def _share(value: float) -> str:
    """A share in four places, or in six where four would make it 0 or 1."""
    return f"{value:.4f}" if 0.00005 <= value < 0.99995 or value in (0, 1) else f"{value:.6f}"


def model_page(info: ModelInfo, *, asked: str) -> Iterator[str]:
    """The lines about a model; `asked` is how the user named it. Signs that a terminal would obey are replaced."""
    for line in _lines(info, asked):
        yield "".join(sign if sign.isprintable() else "?" for sign in line)


def _lines(info: ModelInfo, asked: str) -> Iterator[str]:
    card = info.card
    yield f"{card.get('purpose') or info.name}"
    yield ""
    yield from _field("licence", str(card.get("licence", "none stated")))
    yield from _field("size", f"{info.num_parameters / 1e6:.1f} M parameters, {info.num_bytes / 2**20:.1f} MiB")
    architecture = str(info.config.get("architecture", "?"))
    yield from _field("model", f"{architecture}, {info.place}, {info.folder}")
    if info.aliases:
        yield from _field("aliases", ", ".join(info.aliases))
    labels = card.get("labels")
    if isinstance(labels, list):
        yield from _field("labels", ", ".join(map(str, labels)))
    yield ""
    used = list(uses(card, _option(info, asked)))
    yield "use it:" if used else "use it: the card does not say what the model was trained to do"
    yield from (f"  {line}" for line in used)
    rows = list(result_rows(card))
    yield ""
    if "int8_of" in card:
        yield "This is a copy with int8 weights; the results are those of the original."
    yield from _table(("results", "files", "figure", "value"), rows) if rows else ["results: none in the card"]
    commands = _commands(card)
    if commands:
        yield ""
        yield "measured by:"
        yield from (f"  {command}" for command in commands)
    yield ""
    yield f"config and card in full: bytesim models show {shlex.quote(asked)} --json"


def uses(card: Mapping[str, Any], option: str) -> Iterator[str]:
    """A command to paste for each task in a card; `option` names the model."""
    stored = card.get("tasks")
    tasks = [task for task in stored if isinstance(task, dict)] if isinstance(stored, list) else []
    for task in tasks:
        source, target = str(task.get("source_suffix", "")), str(task.get("target_suffix", ""))
        if task.get("task") == "convert":
            command = {("abc", "mid"): "abc2midi", ("mid", "abc"): "midi2abc"}.get((source, target), "files")
            yield f"bytesim convert {command} FILE.{source}{option}"
        elif task.get("task") == "generate":
            yield f"bytesim generate{option}{f' --suffix {target}' if _count(tasks, 'generate') > 1 else ''}"
        elif task.get("task") == "classify":
            yield f"bytesim classify file FILE{option}"
        elif task.get("task") == "cpu":
            yield f"bytesim simulate-cpu FILE.asm --engine model{option}"


def result_rows(card: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    """(what it was measured on, files, figure, value) for each known figure in a card's results."""
    results = card.get("results")
    if not isinstance(results, dict):
        return
    yield from _figures("held-out files", results)
    for name, result in results.items():
        for part in result if isinstance(result, list) else [result]:
            if isinstance(part, dict):
                split = str(part.get("split") or part.get("source") or "")
                where = f"{name}: {PurePath(split).name}" if split else name
                yield from _figures(where, part)
                if isinstance(part.get("value"), float):
                    yield where, str(part.get("files", "")), str(results.get("metric", "")), f"{part['value']:.4f}"


def _figures(where: str, result: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    score = result.get("score")
    values = {**(score if isinstance(score, dict) else {}), **result}
    files = values.get("num_files", values.get("num_programs", values.get("asked", "")))
    count = f"{files:,}" if isinstance(files, int) else ""
    for name, title in FIGURES.items():
        value = values.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield where, count, title, f"{value:,}" if isinstance(value, int) else _share(value)


def _commands(card: Mapping[str, Any]) -> list[str]:
    """The commands in the results of a card, which give the same figures again."""
    results = card.get("results")
    if not isinstance(results, dict):
        return []
    parts = [part for value in results.values() for part in (value if isinstance(value, list) else [value])]
    found = [results.get("command"), *(part.get("command") for part in parts if isinstance(part, dict))]
    listed = results.get("commands")
    every = [*found, *(listed if isinstance(listed, list) else [])]
    return list(dict.fromkeys(command for command in every if isinstance(command, str)))


def _count(tasks: Sequence[Mapping[str, Any]], name: str) -> int:
    return sum(task.get("task") == name for task in tasks)


def _option(info: ModelInfo, asked: str) -> str:
    """The option that names the model."""
    if info.place != "path":
        return f" --model {info.name}"
    path = asked if os.sep in asked or "/" in asked else f".{os.sep}{asked}"
    return f" --model {shlex.quote(path)}"


def _field(name: str, text: str) -> Iterator[str]:
    """A name and its text, in lines that are wrapped beside the name."""
    lines = textwrap.wrap(text, WIDTH - _INDENT, break_long_words=False, break_on_hyphens=False) or [""]
    yield f"{name:<{_INDENT}}{lines[0]}"
    yield from (" " * _INDENT + line for line in lines[1:])


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns padded to their widest cell; a cell equal to the one above it in the first two columns is left empty."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    shown = [list(head)]
    for above, row in zip([head, *rows], rows, strict=False):
        repeated = tuple(above[:2]) == tuple(row[:2])
        shown.append(["", "", *row[2:]] if repeated else list(row))
    for cells in shown:
        yield "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
