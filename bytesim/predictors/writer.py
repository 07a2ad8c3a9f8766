"""A loaded model that writes bytes, with the tasks from its card that it was trained on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from bytesim.engine.backend import choose_backend
from bytesim.engine.bulk import decode_all
from bytesim.engine.decode import DEFAULT_SLOTS, Decodes, OnBytes
from bytesim.errors import ModelError
from bytesim.models.folder import CARD_FILE, read_card
from bytesim.models.framing import frame
from bytesim.models.native import load_native
from bytesim.models.registry import stored_config
from bytesim.models.store import find_model
from bytesim.requests import Asked, Reply, Request

if TYPE_CHECKING:
    from bytesim.models.interface import ByteModel
    from bytesim.models.registry import WriterConfig


@dataclass(frozen=True, kw_only=True)
class Writer:
    """A model, loaded by the engine that runs it."""

    name: str
    folder: Path
    config: WriterConfig
    native: Decodes | None
    """The model on the native engine; None if torch runs it."""
    load_torch: Callable[[], ByteModel]
    """Loads the model in torch."""
    conversions: tuple[tuple[str, str], ...] | None
    """(source suffix, target suffix) of every conversion in its card; None for imported weights."""
    generates: tuple[str, ...] | None
    """Suffixes of the files that it was trained to generate; None for imported weights."""
    simulates: bool
    """Whether its card says that it was trained on states of the CPU."""

    @cached_property
    def model(self) -> ByteModel:
        """The model in torch, for all but decoding; with the native engine it is loaded when it is first asked for."""
        return self.load_torch()

    @property
    def number_type(self) -> str:
        """The number type of decoding, such as float32."""
        return (
            self.native.number_type if self.native else str(next(self.model.parameters()).dtype).removeprefix("torch.")
        )

    def frame(self, asked: Asked, **options: Any) -> Request:
        """The request for a file; see `framing.frame`. Raises ContextError if no room is left for an answer."""
        return frame(self.config, asked, **options)

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
        return decode_all(self.native or self.model, self.folder, requests, slots=slots, jobs=jobs, on_bytes=on_bytes)

    def check_converts(self, source_suffix: str, target_suffix: str) -> None:
        """Raise ModelError if the card does not list this conversion."""
        if self.conversions is not None and (source_suffix, target_suffix) not in self.conversions:
            known = ", ".join(f".{source} to .{target}" for source, target in self.conversions) or "nothing"
            asked = f".{source_suffix} to .{target_suffix}"
            raise ModelError(f"the model {self.name!r} was not trained to convert {asked}; it converts {known}.")


def load_writer(
    name: str,
    *,
    device: str = "auto",
    dtype: str = "float32",
    rows: int = DEFAULT_SLOTS,
    engine_backend: str = "auto",
) -> Writer:
    """Load a model that writes files, by name or path, on a device (`auto`: the first of `devices()`).

    `engine_backend` is `native`, `torch`, or `auto` for the first of them that can run the model there. `dtype` is
    float32; bfloat16, which only torch has; int8, which only the native engine has; or `auto`: float32 there, and in
    torch the faster of the others with batches of `rows` files. Raises ModelError if the model is missing, damaged or a
    classifier, ConfigError for an unknown device, dtype or backend.
    """
    stored = find_model(name)
    config = stored_config(stored.folder)
    if getattr(config, "num_classes", 0):
        raise ModelError(f"the model {name!r} is a classifier; it cannot write files.")
    backend = choose_backend(config, engine_backend, device=device, dtype=dtype)
    number_type = "float32" if dtype == "auto" else dtype
    tasks = _trained_tasks(stored.folder)
    writer = Writer(
        name=stored.name,
        folder=stored.folder,
        config=cast("WriterConfig", config),
        native=load_native(stored.folder, number_type=number_type) if backend == "native" else None,
        load_torch=partial(_load_torch, stored.name, stored.folder, device, dtype, rows),
        conversions=None if tasks is None else _conversions(tasks),
        generates=None if tasks is None else _generated(tasks),
        simulates=tasks is not None and any(task["task"] == "cpu" for task in tasks),
    )
    if writer.native is None:
        _ = writer.model  # loaded now, so that what is wrong with it is known
    return writer


def _load_torch(name: str, folder: Path, device: str, dtype: str, rows: int) -> ByteModel:
    from bytesim.engine.hardware import open_device, open_dtype
    from bytesim.models.int8 import round_as_native
    from bytesim.models.interface import writes_bytes
    from bytesim.models.weights import load_model

    opened = open_device(device)
    # What the native engine computes with int8 weights, torch computes with the same weights in float32.
    number_type = open_dtype("float32" if dtype == "int8" else dtype, opened, rows=rows)
    model = load_model(folder, dtype=number_type).to(opened)
    if dtype == "int8":
        round_as_native(model)
    if not writes_bytes(model):
        raise ModelError(f"the model {name!r} is a classifier; it cannot write files.")
    return model


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
