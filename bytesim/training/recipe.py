"""Recipes: TOML files with a model, its training and its data, from which the model can be rebuilt. No torch."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from bytesim.errors import ConfigError, FormatError, InputError
from bytesim.formats.toml_keys import check_keys
from bytesim.models.blt.config import START_PARTS, BLTConfig
from bytesim.models.registry import config_of
from bytesim.training.settings import Amount, Bounds, Count, PositiveAmount, Settings, ShareBelowOne, shown
from bytesim.training.sources import ClassifySource, DataSource, GenerateSource, source_of

if TYPE_CHECKING:
    from bytesim.models.registry import ModelConfig

MAX_RECIPE_BYTES = 1 << 20
MOST_KEY_PARTS = 16
"""Most parts of a dotted key, such as a.b.c: the time of a TOML parser grows with the square of their number."""
LARGEST_SIZE = 1 << 24
"""Greatest number in [model]; no size of a model comes near it."""
MOST_BYTES = 1 << 30
"""Most bytes of a step."""


@dataclass(frozen=True, kw_only=True)
class TrainingConfig(Settings):
    """The settings of a training."""

    learning_rate: PositiveAmount = 2e-3
    """Full learning rate of AdamW."""
    muon_learning_rate: Amount = 0.0
    """Above 0, matrices in the blocks are trained with Muon at this rate, the rest with AdamW."""
    warmup_steps: Count = 100
    """Steps over which the learning rate rises linearly from zero."""
    decay_share: Amount = 0.5
    """Share of the steps, at the end, over which the learning rate falls linearly to zero."""
    weight_decay: Amount = 0.01
    """Weight decay of matrices and embeddings; scales and biases have none."""
    beta1: ShareBelowOne = 0.9
    """AdamW's decay of the mean gradient."""
    beta2: ShareBelowOne = 0.98
    """AdamW's decay of the mean squared gradient."""
    label_smoothing: ShareBelowOne = 0.0
    """Classify: share of the target probability that is spread over all classes."""
    clip_norm: PositiveAmount = 1.0
    """Gradients are scaled down to this norm, over all weights, if theirs is larger."""
    batch_bytes: Annotated[int, Bounds(at_least=1, at_most=MOST_BYTES)] = 12_800
    """Bytes of one step, source and target together."""
    micro_bytes: Annotated[int, Bounds(at_least=0, at_most=MOST_BYTES)] = 0
    """Bytes of a micro-batch; 0 for the whole batch. Small ones keep the activations in a CPU's cache."""
    steps: Count = 0
    """Length of the training in steps; 0 if `minutes` gives it."""
    minutes: Amount = 0.0
    """Length of the training in minutes; it is converted to steps once the warm-up has shown how long a step takes."""
    seed: Annotated[int, Bounds(at_least=0, below=1 << 63)] = 0
    """Seed of the initial weights and of the examples of each step."""
    buckets: Literal["fine", "coarse"] = "fine"
    """Sizes to which the files of a micro-batch are padded: `fine` are multiples of 16 patches; `coarse` are 16 times
    1, 2, 3, 4, 6, 8, 12 and so on, with more padding and fewer shapes."""
    dtype: Literal["auto", "bfloat16", "float32"] = "auto"
    """Dtype of matrix products: bfloat16 (autocast) or float32; `auto` is whichever the device multiplies faster.
    Weights are float32."""
    sampling: Literal["random", "epochs"] = "random"
    """How files are chosen: `random`, with replacement and by the weights of the sources; `epochs`, every file of all
    sources once, then all again in another order."""
    compile: bool = False
    """Compile the model with torch.compile; needs a C++ compiler on a CPU."""
    parallel: Literal["auto", "ddp", "fsdp"] = "auto"
    """Several processes: `ddp`, each holds the whole model; `fsdp`, each holds a share of it; `auto` is ddp, unless
    that would take more than half of a GPU's memory."""
    checkpoint_minutes: Amount = 3.0
    """Minutes between checkpoints."""
    validate_steps: Count = 250
    """Steps between validations; 0 for one at the end only."""
    patience: Count = 0
    """Early stopping: this many validations without a lower loss end the training, and the best weights are saved. 0
    for no early stopping; the last weights are saved."""
    start_share: ShareBelowOne = 0.0
    """WiSE-FT interpolation: share of the weights of `start_from` in the saved weights; the rest are trained ones."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.patience and not self.validate_steps:
            raise ConfigError("patience counts validations, which need validate_steps above 0.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """A recipe: a model, its training and its data."""

    name: str
    """Name of the model, and of its folder."""
    model: ModelConfig
    training: TrainingConfig
    data: tuple[DataSource, ...]
    validation: tuple[DataSource, ...] = ()
    labels: tuple[str, ...] = ()
    """Classify: the names of the classes, in order."""
    start_from: str = ""
    """Fine-tuning: model folder with the initial weights; relative to the recipe."""
    start_parts: Mapping[str, str] = field(default_factory=dict)
    """BLT: part, entropy or latent -> model folder whose weights it starts from; relative to the recipe."""

    def __post_init__(self) -> None:
        if not self.name.isprintable() or self.name in ("", ".", "..") or set(self.name) & set("/\\:"):
            raise ConfigError(
                f"name {shown(self.name)} is not a name for a folder; use letters, digits, dashes and dots."
            )
        if not self.data:
            raise ConfigError("the recipe names no [[data]].")
        times = {0.0, 1.0, *(source.start for source in self.data), *(source.end for source in self.data)}
        if not all(any(source.weight_at(time) for source in self.data) for time in times):
            raise ConfigError("the weights of all [[data]] are 0 at some time; keep one of them above 0.")
        classifies = {isinstance(source, ClassifySource) for source in (*self.data, *self.validation)}
        if len(classifies) > 1:
            raise ConfigError("a classifier cannot be trained to write files as well; make two recipes.")
        if self.training.patience and not self.validation:
            raise ConfigError("patience needs a validation loss; add [[validation]].")
        if self.training.start_share and not self.start_from:
            raise ConfigError("start_share interpolates with the weights of start_from; name that folder.")
        unknown = sorted(self.start_parts.keys() - set(START_PARTS))
        if unknown or (self.start_parts and not isinstance(self.model, BLTConfig)):
            raise ConfigError("start_parts names folders for the parts entropy and latent of architecture = blt.")
        if getattr(self.model, "byte_offset", 0):
            raise ConfigError("byte_offset is for imported weights, which are run as they are; they cannot be trained.")
        if len(self.labels) != self.model.num_classes or classifies != {bool(self.labels)}:
            raise ConfigError("task = classify needs labels, and num_classes in [model] equal to the number of labels.")

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for a checkpoint."""
        return {
            "name": self.name,
            "model": self.model.to_dict(),
            "training": self.training.to_dict(),
            "data": [source.to_dict() for source in self.data],
            "validation": [source.to_dict() for source in self.validation],
            "labels": list(self.labels),
            "start_from": self.start_from,
            "start_parts": dict(self.start_parts),
        }


def load_recipe(path: Path) -> Recipe:
    """The recipe in a file. Raises InputError or ConfigError with the name of the file."""
    return parse_recipe(read_recipe_text(path), str(path))


def read_recipe_text(path: Path) -> str:
    """The text of a recipe file. Raises InputError."""
    if os.path.isdir(path):
        ways = "`bytesim train convert`, `bytesim train classify` or `bytesim train generate`"
        raise InputError(f"is a folder, not a recipe. To learn from its files, use {ways}.", file=str(path))
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
    """The recipe in a TOML text. Raises ConfigError with the name `file`."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib  # here, because a recipe that was read elsewhere is trained without it
    try:
        check_keys(text, MOST_KEY_PARTS)
        values = tomllib.loads(text)
    except FormatError as error:
        raise ConfigError(error.message, file=file) from error
    except (ValueError, RecursionError) as error:  # ValueError also for a number of thousands of digits
        raise ConfigError(f"is not TOML: {' '.join(str(error).split())}.", file=file) from error
    try:
        return recipe_from_dict(values)
    except ConfigError as error:
        raise error.in_file(file) from error


def recipe_from_dict(values: dict[str, Any]) -> Recipe:
    """A recipe from plain values. Raises ConfigError, with section and key, for an unknown key or a wrong value."""
    known = [each.name for each in fields(Recipe)]
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise ConfigError(f"unknown recipe sections: {', '.join(unknown)}. Known are {', '.join(known)}.")
    labels = values.get("labels", [])
    name, start_from = values.get("name", "model"), values.get("start_from", "")
    for key, value in (("name", name), ("start_from", start_from)):
        if not isinstance(value, str):
            raise ConfigError(f"{key} is {shown(value)}; expected a text.")
    start_parts = values.get("start_parts", {})
    if not isinstance(start_parts, dict) or not all(isinstance(folder, str) for folder in start_parts.values()):
        raise ConfigError(f"start_parts is {shown(start_parts)}; expected a table of folders.")
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise ConfigError(f"labels is {shown(labels)}; expected a list of texts.")
    with _section("[model]"):
        model = config_of({"architecture": "bgpt", **_sizes(_table(values.get("model", {})))})
    with _section("[training]"):
        training = TrainingConfig.of(_table(values.get("training", {})))
    return Recipe(
        name=name,
        model=model,
        training=training,
        data=_sources(values, "data"),
        validation=_sources(values, "validation"),
        labels=tuple(labels),
        start_from=start_from,
        start_parts=start_parts,
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


def _sizes(values: dict[str, Any]) -> dict[str, Any]:
    """The settings of a model. Raises ConfigError for a whole number beyond LARGEST_SIZE."""
    for name, value in values.items():
        numbers = value if isinstance(value, list) else [value]
        if len(numbers) > LARGEST_SIZE or any(isinstance(one, int) and abs(one) > LARGEST_SIZE for one in numbers):
            raise ConfigError(f"{name} is larger than {LARGEST_SIZE:,}; choose a smaller number.")
    return values


@contextmanager
def _section(name: str) -> Iterator[None]:
    """Put the name of a recipe's section before the message of a ConfigError, which may quote a long value."""
    try:
        yield
    except ConfigError as error:
        message = error.message if len(error.message) <= 1000 else f"{error.message[:1000]}..."
        raise ConfigError(f"{name}: {message}") from error


_FIRST = ("path", "task", "part", "group_by", "source_suffix", "target_suffix")
"""The keys that come first in a written source: those that name its files."""


def recipe_text(recipe: Recipe, remark: str) -> str:
    """The recipe as TOML, below a comment `remark`; settings with their default value are left out."""
    lines = [f"# {remark}", f"name = {_value(recipe.name)}"]
    if recipe.labels:
        lines.append(f"labels = {_value(list(recipe.labels))}")
    if recipe.start_from:
        lines.append(f"start_from = {_value(recipe.start_from)}")
    if recipe.start_parts:
        lines += ["", "[start_parts]", *_settings(dict(recipe.start_parts))]
    lines += ["", "[model]", *_settings(_changed_shape(recipe.model))]
    lines += ["", "[training]", *_settings(recipe.training.changed())]
    for heading, sources in (("[[data]]", recipe.data), ("[[validation]]", recipe.validation)):
        for source in sources:
            lines += ["", heading, *_settings(_changed_source(source))]
    return "\n".join(lines) + "\n"


def _changed_shape(model: ModelConfig) -> dict[str, Any]:
    """The architecture, unless it is bgpt, and the fields of a config that differ from their defaults."""
    architecture = model.to_dict()["architecture"]
    changed = {
        each.name: getattr(model, each.name) for each in fields(model) if getattr(model, each.name) != each.default
    }
    return changed if architecture == "bgpt" else {"architecture": architecture, **changed}


def _changed_source(source: DataSource) -> dict[str, Any]:
    """The task, unless it is generate, and the fields of a source that differ from their defaults."""
    values = source.changed()
    if not isinstance(source, GenerateSource):
        values["task"] = source.task
    first = {name: values[name] for name in _FIRST if name in values}
    return {**first, **values}


def _settings(values: dict[str, Any]) -> list[str]:
    return [f"{name} = {_value(value)}" for name, value in values.items()]


def _value(value: Any) -> str:
    """A value as TOML, which is its JSON except for the DEL character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
