"""Recipes: a TOML file that says what is trained on what, and rebuilds the model."""

from __future__ import annotations

import sys
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from bytesim.errors import ConfigError, InputError
from bytesim.models.bgpt_config import BGPTConfig

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True, kw_only=True, slots=True)
class DataSource:
    """One stream of examples and how often a batch is drawn from it."""

    path: str
    """A shard (.npz), or a folder of files; relative to the recipe."""
    task: str = "generate"
    """`generate` (each file by itself), `convert` (pairs) or `classify` (labels)."""
    source_suffix: str = ""
    """Convert: suffix of the source files, `abc`."""
    target_suffix: str = ""
    """Convert: suffix of the target files, `mid`. Generate: the suffix given to rows of a shard."""
    reverse: bool = False
    """Convert: read the targets of a shard and write its sources."""
    group_from: int = 0
    group_to: int = 255
    """Rows of a shard whose group lies in this range; 0 are whole files, n > 0 fragments of n parts."""
    start_weight: float = 1.0
    """How often this source is drawn in the first step, relative to the others..."""
    end_weight: float | None = None
    """...and in the last; unchanged where it is not given."""
    start: float = 0.0
    """Share of the steps before the weight begins to move..."""
    end: float = 1.0
    """...and after which it stays."""
    max_bytes: int = 0
    """Leave out rows with more source and target bytes together; 0 takes all that the model can hold."""

    def weight_at(self, progress: float) -> float:
        """The weight at `progress` (0 to 1) of the training."""
        end_weight = self.start_weight if self.end_weight is None else self.end_weight
        if progress >= self.end:
            return end_weight
        moved = max(0.0, (progress - self.start) / max(self.end - self.start, 1e-9))
        return self.start_weight + moved * (end_weight - self.start_weight)


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingConfig:
    """How a model is trained."""

    learning_rate: float = 2e-3
    muon_learning_rate: float = 0.0
    """Above 0, matrices of the decoders are trained with Muon at this rate, the rest with AdamW."""
    warmup_steps: int = 100
    decay_share: float = 0.5
    """Share of the steps, at the end, over which the rate falls to zero."""
    weight_decay: float = 0.01
    beta1: float = 0.9
    beta2: float = 0.98
    clip_norm: float = 1.0
    batch_bytes: int = 12_800
    """Bytes, source and target together, of one step."""
    micro_bytes: int = 0
    """Bytes computed at once; 0 takes the whole batch. Smaller ones keep activations in the cache of a CPU."""
    steps: int = 0
    """Length of the training in steps; 0 leaves it to `minutes`."""
    minutes: float = 0.0
    seed: int = 0
    dtype: str = "bfloat16"
    """Autocast dtype: bfloat16 or float32."""
    compile: bool = False
    """Compile the model with torch.compile; needs a C++ compiler on a CPU."""
    checkpoint_minutes: float = 3.0
    validate_steps: int = 250
    """Steps between measurements on the validation rows; 0 for none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """A whole recipe."""

    name: str
    model: BGPTConfig
    training: TrainingConfig
    data: tuple[DataSource, ...]
    validation: tuple[DataSource, ...] = ()
    labels: tuple[str, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for a checkpoint."""
        values = asdict(self)
        values["model"] = {key: value for key, value in self.model.to_dict().items() if key != "architecture"}
        return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}


def load_recipe(path: Path) -> Recipe:
    """Read and check a recipe. Raises InputError or ConfigError, naming the file."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read as a recipe ({error}).", file=str(path)) from error
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"is no TOML: {error}.", file=str(path)) from error
    try:
        return recipe_from_dict(values)
    except ConfigError as error:
        raise error.in_file(str(path)) from error


def recipe_from_dict(values: dict[str, Any]) -> Recipe:
    """A recipe from plain values. Raises ConfigError for unknown keys, wrong types and empty data."""
    known = {"name", "model", "training", "data", "validation", "labels"}
    unknown = sorted(set(values) - known)
    if unknown:
        raise ConfigError(f"unknown recipe sections: {', '.join(unknown)}. Known are {', '.join(sorted(known))}.")
    if not values.get("data"):
        raise ConfigError("the recipe names no [[data]].")
    recipe = Recipe(
        name=str(values.get("name", "model")),
        model=BGPTConfig.from_dict(dict(values.get("model", {}))),
        training=_checked(TrainingConfig, values.get("training", {}), "training"),
        data=tuple(_checked(DataSource, entry, "data") for entry in values["data"]),
        validation=tuple(_checked(DataSource, entry, "validation") for entry in values.get("validation", [])),
        labels=tuple(values.get("labels", ())),
    )
    if recipe.training.dtype not in ("bfloat16", "float32"):
        raise ConfigError(f"dtype {recipe.training.dtype!r} is unknown; choose bfloat16 or float32.")
    for source in (*recipe.data, *recipe.validation):
        if source.task not in ("generate", "convert", "classify"):
            raise ConfigError(f"task {source.task!r} is unknown; choose generate, convert or classify.")
    return recipe


def _checked(kind: type[Any], values: Any, section: str) -> Any:
    """A dataclass from a TOML table; ints serve as floats, nothing else is converted."""
    if not isinstance(values, dict):
        raise ConfigError(f"[{section}] is not a table.")
    known = {each.name: each for each in fields(kind)}
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise ConfigError(f"unknown keys in [{section}]: {', '.join(unknown)}. Known are {', '.join(known)}.")
    missing = [name for name, each in known.items() if each.default is MISSING and name not in values]
    if missing:
        raise ConfigError(f"[{section}] lacks {', '.join(missing)}.")
    types = {"int": (int,), "float": (int, float), "float | None": (int, float, type(None)), "str": (str,)}
    for name, value in values.items():
        allowed = types.get(str(known[name].type), (bool,))
        if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
            raise ConfigError(f"{name} in [{section}] is {value!r}; expected {known[name].type}.")
    return kind(**values)
