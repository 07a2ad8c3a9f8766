"""Recipes: a TOML file that says what is trained on what, and rebuilds the model. No torch."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from bytesim.errors import ConfigError, InputError
from bytesim.models.registry import config_of
from bytesim.training.settings import Amount, Count, PositiveAmount, Settings, ShareBelowOne
from bytesim.training.sources import ClassifySource, DataSource, GenerateSource, source_of

if TYPE_CHECKING:
    from bytesim.models.registry import ModelConfig

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


MAX_RECIPE_BYTES = 1 << 20


class TrainingConfig(Settings, frozen=True):
    """How a model is trained."""

    learning_rate: PositiveAmount = 2e-3
    """Full learning rate of AdamW."""
    muon_learning_rate: Amount = 0.0
    """Above 0, matrices of the decoders are trained with Muon at this rate, the rest with AdamW."""
    warmup_steps: Count = 100
    """Steps over which the rate rises from zero."""
    decay_share: Amount = 0.5
    """Share of the steps, at the end, over which the rate falls to zero."""
    weight_decay: Amount = 0.01
    """Weight decay of matrices and tables; scales and biases have none."""
    beta1: ShareBelowOne = 0.9
    """AdamW's decay of the mean gradient."""
    beta2: ShareBelowOne = 0.98
    """AdamW's decay of the mean squared gradient."""
    label_smoothing: ShareBelowOne = 0.0
    """Classify: share of the target that is spread over all classes."""
    clip_norm: PositiveAmount = 1.0
    """Gradients whose norm over all weights is larger are scaled down to it."""
    batch_bytes: Annotated[int, Field(ge=1)] = 12_800
    """Bytes, source and target together, of one step."""
    micro_bytes: Count = 0
    """Bytes computed at once; 0 takes the whole batch. Smaller ones keep activations in the cache of a CPU."""
    steps: Count = 0
    """Length of the training in steps; 0 leaves it to `minutes`."""
    minutes: Amount = 0.0
    """Length in minutes; becomes a number of steps once the warm-up has shown how long a step takes."""
    seed: Annotated[int, Field(ge=0, lt=1 << 63)] = 0
    """Decides the first weights and which examples each step gets."""
    dtype: Literal["bfloat16", "float32"] = "bfloat16"
    """What matrix products are computed in: bfloat16 (autocast) or float32. Weights are float32."""
    compile: bool = False
    """Compile the model with torch.compile; needs a C++ compiler on a CPU."""
    checkpoint_minutes: Amount = 3.0
    """Minutes between checkpoints."""
    validate_steps: Count = 250
    """Steps between measurements on the validation rows; 0 for none before the end."""
    patience: Count = 0
    """Measurements without a lower validation loss that end the training; the best weights are saved. 0: the last."""
    start_share: ShareBelowOne = 0.0
    """Share of the weights of `start_from` in those that are saved, the rest being those at the end."""

    @model_validator(mode="after")
    def _check_patience(self) -> TrainingConfig:
        if self.patience and not self.validate_steps:
            raise ConfigError("patience counts measurements; give validate_steps.")
        return self


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """A whole recipe."""

    name: str
    """Name of the model, and of the folder it is saved in."""
    model: ModelConfig
    training: TrainingConfig
    data: tuple[DataSource, ...]
    validation: tuple[DataSource, ...] = ()
    labels: tuple[str, ...] = ()
    """Classify: the names of the classes, in order."""
    start_from: str = ""
    """Model folder of the same config whose weights are the first ones; relative to the recipe."""

    def __post_init__(self) -> None:
        if not self.name.isprintable() or self.name in ("", ".", "..") or set(self.name) & set("/\\:"):
            raise ConfigError(f"name {self.name!r} is not a name for a folder; use letters, digits, dashes and dots.")
        if not self.data:
            raise ConfigError("the recipe names no [[data]].")
        turns = {0.0, 1.0, *(source.start for source in self.data), *(source.end for source in self.data)}
        if not all(any(source.weight_at(turn) for source in self.data) for turn in turns):
            raise ConfigError("the weights of all [[data]] are 0 at some time, when nothing could be drawn.")
        judged = {isinstance(source, ClassifySource) for source in (*self.data, *self.validation)}
        if len(judged) > 1:
            raise ConfigError("a classifier cannot be trained to write files as well; make two recipes.")
        if self.training.patience and not self.validation:
            raise ConfigError("patience watches the validation loss; name [[validation]].")
        if self.training.start_share and not self.start_from:
            raise ConfigError("start_share mixes in the weights of start_from; name that folder.")
        if len(self.labels) != self.model.num_classes or judged != {bool(self.labels)}:
            raise ConfigError("task = classify needs labels, and num_classes in [model] equal to how many there are.")

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for a checkpoint."""
        return {
            "name": self.name,
            "model": self.model.to_dict(),
            "training": self.training.model_dump(),
            "data": [source.model_dump() for source in self.data],
            "validation": [source.model_dump() for source in self.validation],
            "labels": list(self.labels),
            "start_from": self.start_from,
        }


def load_recipe(path: Path) -> Recipe:
    """Read and check a recipe. Raises InputError or ConfigError, naming the file."""
    return parse_recipe(read_recipe_text(path), str(path))


def read_recipe_text(path: Path) -> str:
    """The text of a recipe file. Raises InputError."""
    try:
        if path.stat().st_size > MAX_RECIPE_BYTES:
            raise InputError("larger than 1 MiB; a recipe is smaller.", file=str(path))
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InputError("no such recipe. Check the name and the folder.", file=str(path)) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise InputError(f"cannot be read as a recipe ({reason}).", file=str(path)) from error


def parse_recipe(text: str, file: str) -> Recipe:
    """A recipe from its TOML text. Raises ConfigError, naming `file`."""
    try:
        values = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a plain ValueError: a number of thousands of digits
        raise ConfigError(f"is not TOML: {' '.join(str(error).split())}.", file=file) from error
    try:
        return recipe_from_dict(values)
    except ConfigError as error:
        raise error.in_file(file) from error


def recipe_from_dict(values: dict[str, Any]) -> Recipe:
    """A recipe from plain values. Raises ConfigError, with section and key, for what is unknown or does not fit."""
    known = [field.name for field in fields(Recipe)]
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise ConfigError(f"unknown recipe sections: {', '.join(unknown)}. Known are {', '.join(known)}.")
    labels = values.get("labels", [])
    name, start_from = values.get("name", "model"), values.get("start_from", "")
    for key, value in (("name", name), ("start_from", start_from)):
        if not isinstance(value, str):
            raise ConfigError(f"{key} is {value!r}; expected a text.")
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise ConfigError(f"labels is {labels!r}; expected a list of texts.")
    with _section("[model]"):
        model = config_of({"architecture": "bgpt", **_table(values.get("model", {}))})
    with _section("[training]"):
        training = TrainingConfig(**_table(values.get("training", {})))
    return Recipe(
        name=name,
        model=model,
        training=training,
        data=_sources(values, "data"),
        validation=_sources(values, "validation"),
        labels=tuple(labels),
        start_from=start_from,
    )


def _sources(values: dict[str, Any], name: str) -> tuple[DataSource, ...]:
    entries = values.get(name, [])
    if not isinstance(entries, list):
        raise ConfigError(f"{name} is not a list of tables; write [[{name}]].")
    sources = []
    for number, entry in enumerate(entries, 1):
        with _section(f"[[{name}]] {number}"):
            sources.append(source_of(_table(entry)))
    return tuple(sources)


def _table(values: Any) -> dict[str, Any]:
    if not isinstance(values, dict):
        raise ConfigError("is not a table of settings.")
    return values


@contextmanager
def _section(name: str) -> Iterator[None]:
    """Put the section of a recipe before what is wrong in it."""
    try:
        yield
    except ConfigError as error:
        raise ConfigError(f"{name}: {error.message}") from error


_FIRST = ("path", "task", "part", "group_by", "source_suffix", "target_suffix")
"""What a written source begins with: which files it is about."""


def recipe_text(recipe: Recipe, remark: str) -> str:
    """TOML that reads back as the same recipe; settings with their default value are left out."""
    lines = [f"# {remark}", f"name = {_value(recipe.name)}"]
    if recipe.labels:
        lines.append(f"labels = {_value(list(recipe.labels))}")
    if recipe.start_from:
        lines.append(f"start_from = {_value(recipe.start_from)}")
    lines += ["", "[model]", *_settings(_changed_shape(recipe.model))]
    lines += ["", "[training]", *_settings(recipe.training.model_dump(exclude_defaults=True))]
    for heading, sources in (("[[data]]", recipe.data), ("[[validation]]", recipe.validation)):
        for source in sources:
            lines += ["", heading, *_settings(_changed_source(source))]
    return "\n".join(lines) + "\n"


def _changed_shape(model: ModelConfig) -> dict[str, Any]:
    """The architecture, unless it is the usual one, and the fields of a config that are not at their default."""
    architecture = model.to_dict()["architecture"]
    changed = {
        field.name: getattr(model, field.name) for field in fields(model) if getattr(model, field.name) != field.default
    }
    return changed if architecture == "bgpt" else {"architecture": architecture, **changed}


def _changed_source(source: DataSource) -> dict[str, Any]:
    """The task, unless it is the usual one, and the fields of a source that are not at their default."""
    values = source.model_dump(exclude_defaults=True)
    if not isinstance(source, GenerateSource):
        values["task"] = source.task
    first = {name: values[name] for name in _FIRST if name in values}
    return {**first, **values}


def _settings(values: dict[str, Any]) -> list[str]:
    return [f"{name} = {_value(value)}" for name, value in values.items()]


def _value(value: Any) -> str:
    """JSON and TOML write these alike, but for the DEL character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
