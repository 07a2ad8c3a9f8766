"""A model that writes bytes, loaded and ready, with what its recipe says it was trained to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from bytesim.engine.bulk import decode_all
from bytesim.engine.decode import DEFAULT_SLOTS, OnBytes
from bytesim.engine.hardware import faster_dtype
from bytesim.errors import ConfigError, ModelError
from bytesim.models.folder import RECIPE_FILE
from bytesim.models.interface import ByteModel, writes_bytes
from bytesim.models.store import find_model
from bytesim.models.weights import load_model
from bytesim.predictors.loading import DTYPES, open_device
from bytesim.requests import Reply, Request
from bytesim.training.recipe import Recipe, load_recipe
from bytesim.training.sources import ConvertSource, CpuSource, GenerateSource


@dataclass(frozen=True, kw_only=True)
class Writer:
    """A model on its device."""

    name: str
    folder: Path
    model: ByteModel
    conversions: tuple[tuple[str, str], ...] | None
    """(source suffix, target suffix) of every conversion in its recipe; None for a model imported from elsewhere."""
    generates: tuple[str, ...] | None
    """Suffixes of the files it was trained to write by itself; None as above."""
    simulates: bool
    """Whether its recipe says that it was trained on states of the CPU."""

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
        """Raise ModelError where the recipe says that this was never trained."""
        if self.conversions is not None and (source_suffix, target_suffix) not in self.conversions:
            known = ", ".join(f".{source} to .{target}" for source, target in self.conversions) or "nothing"
            asked = f".{source_suffix} to .{target_suffix}"
            raise ModelError(f"the model {self.name!r} was not trained to convert {asked}; it converts {known}.")


def load_writer(name: str, *, device: str = "auto", dtype: str = "float32", rows: int = DEFAULT_SLOTS) -> Writer:
    """The model of that name or path on a device (`auto`: the first that `devices()` names).

    `dtype` float32 or bfloat16; `auto` takes the faster for batches of `rows` files, whose rounding may differ.
    Raises ModelError where it is missing, damaged or a classifier, ConfigError for an unknown device or dtype.
    """
    if dtype not in DTYPES:
        raise ConfigError(f"dtype {dtype!r} is none of {', '.join(DTYPES)}.")
    found = find_model(name)
    place = open_device(device)
    number_type = faster_dtype(place, rows=rows) if dtype == "auto" else getattr(torch, dtype)
    model = load_model(found.folder, dtype=number_type).to(place)
    if not writes_bytes(model):
        raise ModelError(f"the model {name!r} is a classifier; it writes no files.")
    recipe = _recipe(found.folder)
    return Writer(
        name=found.name,
        folder=found.folder,
        model=model,
        conversions=None if recipe is None else _conversions(recipe),
        generates=None if recipe is None else _generated(recipe),
        simulates=recipe is not None and any(isinstance(source, CpuSource) for source in recipe.data),
    )


def _recipe(folder: Path) -> Recipe | None:
    """The recipe of a model trained here; None for an imported one, whose training bytesim does not know."""
    path = folder / RECIPE_FILE
    try:
        imported = "[import]" in path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError("cannot be read; the model folder is incomplete.", file=str(path)) from error
    return None if imported else load_recipe(path)


def _conversions(recipe: Recipe) -> tuple[tuple[str, str], ...]:
    sources = [source for source in recipe.data if isinstance(source, ConvertSource)]
    return tuple(dict.fromkeys((source.source_suffix, source.target_suffix) for source in sources))


def _generated(recipe: Recipe) -> tuple[str, ...]:
    sources = [source for source in recipe.data if isinstance(source, GenerateSource)]
    return tuple(dict.fromkeys(source.target_suffix for source in sources if source.target_suffix))
