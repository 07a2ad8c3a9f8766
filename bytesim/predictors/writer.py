"""A loaded model that writes bytes, with the tasks from its card that it was trained on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bytesim.engine.bulk import decode_all
from bytesim.engine.decode import DEFAULT_SLOTS, OnBytes
from bytesim.engine.hardware import open_device, open_dtype
from bytesim.errors import ModelError
from bytesim.models.folder import CARD_FILE, read_card
from bytesim.models.interface import ByteModel, writes_bytes
from bytesim.models.store import find_model
from bytesim.models.weights import load_model
from bytesim.requests import Reply, Request


@dataclass(frozen=True, kw_only=True)
class Writer:
    """A model on its device."""

    name: str
    folder: Path
    model: ByteModel
    conversions: tuple[tuple[str, str], ...] | None
    """(source suffix, target suffix) of every conversion in its card; None for imported weights."""
    generates: tuple[str, ...] | None
    """Suffixes of the files that it was trained to generate; None for imported weights."""
    simulates: bool
    """Whether its card says that it was trained on states of the CPU."""

    def answers(
        self,
        requests: Sequence[Request],
        *,
        slots: int = DEFAULT_SLOTS,
        jobs: int = 1,
        on_bytes: OnBytes | None = None,
    ) -> Iterator[tuple[int, Reply]]:
        """Yield (index, reply) for each request when it ends.

        `slots` requests are decoded at a time, in each of `jobs` processes on a CPU. Raises DecodeError if a process is
        killed.
        """
        return decode_all(self.model, self.folder, requests, slots=slots, jobs=jobs, on_bytes=on_bytes)

    def check_converts(self, source_suffix: str, target_suffix: str) -> None:
        """Raise ModelError if the card does not list this conversion."""
        if self.conversions is not None and (source_suffix, target_suffix) not in self.conversions:
            known = ", ".join(f".{source} to .{target}" for source, target in self.conversions) or "nothing"
            asked = f".{source_suffix} to .{target_suffix}"
            raise ModelError(f"the model {self.name!r} was not trained to convert {asked}; it converts {known}.")


def load_writer(name: str, *, device: str = "auto", dtype: str = "float32", rows: int = DEFAULT_SLOTS) -> Writer:
    """Load a model that writes files, by name or path, on a device (`auto`: the first of `devices()`).

    `dtype` is float32, bfloat16, or `auto` for the faster of the two with batches of `rows` files; bfloat16 rounds
    differently. Raises ModelError if the model is missing, damaged or a classifier, ConfigError for an unknown device
    or dtype.
    """
    stored = find_model(name)
    opened = open_device(device)
    model = load_model(stored.folder, dtype=open_dtype(dtype, opened, rows=rows)).to(opened)
    if not writes_bytes(model):
        raise ModelError(f"the model {name!r} is a classifier; it cannot write files.")
    tasks = _trained_tasks(stored.folder)
    return Writer(
        name=stored.name,
        folder=stored.folder,
        model=model,
        conversions=None if tasks is None else _conversions(tasks),
        generates=None if tasks is None else _generated(tasks),
        simulates=tasks is not None and any(task["task"] == "cpu" for task in tasks),
    )


def _trained_tasks(folder: Path) -> list[dict[str, str]] | None:
    """The field `tasks` of a card; None for imported weights, whose training is unknown.

    Raises ModelError if other cards lack the field, or if it is invalid.
    """
    card, path = read_card(folder), str(folder / CARD_FILE)
    if "tasks" not in card:
        if "source" in card:
            return None
        raise ModelError(
            "the field tasks is missing, which lists what the model was trained to do; docs/models.md explains it.",
            file=path,
        )
    tasks = card["tasks"]
    if not isinstance(tasks, list) or not all(map(_is_task, tasks)):
        raise ModelError("the field tasks is not valid; docs/models.md explains it.", file=path)
    return tasks


def _is_task(value: Any) -> bool:
    """Whether an entry of `tasks` is valid: it names a task, and for a conversion both suffixes."""
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        return False
    return "task" in value and (value["task"] != "convert" or {"source_suffix", "target_suffix"} <= value.keys())


def _conversions(tasks: list[dict[str, str]]) -> tuple[tuple[str, str], ...]:
    pairs = [(task["source_suffix"], task["target_suffix"]) for task in tasks if task["task"] == "convert"]
    return tuple(dict.fromkeys(pairs))


def _generated(tasks: list[dict[str, str]]) -> tuple[str, ...]:
    suffixes = [task.get("target_suffix") for task in tasks if task["task"] == "generate"]
    return tuple(dict.fromkeys(suffix for suffix in suffixes if suffix))
