"""A model that writes bytes, loaded and ready, with what its card says it was trained to do."""

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
    """(source suffix, target suffix) of every conversion in its card; None for a model imported from elsewhere."""
    generates: tuple[str, ...] | None
    """Suffixes of the files it was trained to write by itself; None as above."""
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
        """(index, reply) of every request as it ends, `slots` at a time in each of `jobs` processes on a CPU.

        Raises DecodeError where a process is ended from outside.
        """
        return decode_all(self.model, self.folder, requests, slots=slots, jobs=jobs, on_bytes=on_bytes)

    def check_converts(self, source_suffix: str, target_suffix: str) -> None:
        """Raise ModelError where the card says that this was never trained."""
        if self.conversions is not None and (source_suffix, target_suffix) not in self.conversions:
            known = ", ".join(f".{source} to .{target}" for source, target in self.conversions) or "nothing"
            asked = f".{source_suffix} to .{target_suffix}"
            raise ModelError(f"the model {self.name!r} was not trained to convert {asked}; it converts {known}.")


def load_writer(name: str, *, device: str = "auto", dtype: str = "float32", rows: int = DEFAULT_SLOTS) -> Writer:
    """The model of that name or path on a device (`auto`: the first that `devices()` names).

    `dtype` float32 or bfloat16; `auto` takes the faster for batches of `rows` files, whose rounding may differ.
    Raises ModelError where it is missing, damaged or a classifier, ConfigError for an unknown device or dtype.
    """
    found = find_model(name)
    place = open_device(device)
    model = load_model(found.folder, dtype=open_dtype(dtype, place, rows=rows)).to(place)
    if not writes_bytes(model):
        raise ModelError(f"the model {name!r} is a classifier; it writes no files.")
    tasks = _trained_tasks(found.folder)
    return Writer(
        name=found.name,
        folder=found.folder,
        model=model,
        conversions=None if tasks is None else _conversions(tasks),
        generates=None if tasks is None else _generated(tasks),
        simulates=tasks is not None and any(task["task"] == "cpu" for task in tasks),
    )


def _trained_tasks(folder: Path) -> list[dict[str, str]] | None:
    """The field `tasks` of a card; None for imported weights, whose training bytesim does not know.

    Raises ModelError for a card without it and for one that makes no sense.
    """
    card, path = read_card(folder), str(folder / CARD_FILE)
    if "tasks" not in card:
        if "source" in card:
            return None
        raise ModelError("it lacks tasks, what the model was trained to do; docs/models.md shows some.", file=path)
    tasks = card["tasks"]
    if not isinstance(tasks, list) or not all(map(_is_task, tasks)):
        raise ModelError("its tasks make no sense; docs/models.md shows how they are written.", file=path)
    return tasks


def _is_task(value: Any) -> bool:
    """Whether an entry of `tasks` names a task, and the suffixes where it converts."""
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        return False
    return "task" in value and (value["task"] != "convert" or {"source_suffix", "target_suffix"} <= value.keys())


def _conversions(tasks: list[dict[str, str]]) -> tuple[tuple[str, str], ...]:
    pairs = [(task["source_suffix"], task["target_suffix"]) for task in tasks if task["task"] == "convert"]
    return tuple(dict.fromkeys(pairs))


def _generated(tasks: list[dict[str, str]]) -> tuple[str, ...]:
    suffixes = [task.get("target_suffix") for task in tasks if task["task"] == "generate"]
    return tuple(dict.fromkeys(suffix for suffix in suffixes if suffix))
