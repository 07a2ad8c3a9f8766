"""Recipes: a TOML file that says what is trained on what, and rebuilds the model."""

from __future__ import annotations

import re
import sys
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import Any

from bytesim.cpu.plan import Plan
from bytesim.errors import ConfigError, InputError
from bytesim.formats.views import VIEWS, View
from bytesim.models.registry import ModelConfig, config_of
from bytesim.patching import WINDOW_RULES
from bytesim.training.data.augment import AUGMENTATIONS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


MAX_RECIPE_BYTES = 1 << 20

TASKS = ("generate", "convert", "classify", "cpu")


@dataclass(frozen=True, kw_only=True, slots=True)
class DataSource:
    """One stream of examples and how often a batch is drawn from it."""

    path: str = ""
    """A shard (.npz), or a folder of files; relative to the recipe. Cpu: none makes programs without end."""
    task: str = "generate"
    """`generate` (each file by itself), `convert` (pairs NAME.source + NAME.target), `classify` (labels)
    or `cpu` (programs of the 8-bit CPU and their states, made while the training runs)."""
    part: str = "all"
    """Folders: `all` of its files, or `train` or `dev`; by the hash of its content a file in 50 is `dev`. Of labelled
    files more are, see training/split.py."""
    group_by: str = ""
    """Classify, folders: files in whose paths this regular expression finds the same (first group) are not parted."""
    source_suffix: str = ""
    """Convert: suffix of the source files, `abc`."""
    target_suffix: str = ""
    """Suffix of the files written (convert, generate) or judged (classify), `mid`. Others in a folder are not read."""
    reverse: bool = False
    """Shards: source and target change places."""
    group_from: int = 0
    """Shards: the first group taken; 0 are whole files, n > 0 fragments of n parts."""
    group_to: int = 255
    """Shards: the last group taken."""
    source_matches: str = ""
    """Take only rows in whose source this regular expression is found."""
    target_matches: str = ""
    """Take only rows in whose target it is found."""
    start_weight: float = 1.0
    """How often this source is drawn in the first step, relative to the others."""
    end_weight: float | None = None
    """The same for the last step; as at the start where it is not given."""
    start: float = 0.0
    """Share of the steps before the weight begins to move from `start_weight`."""
    end: float = 1.0
    """Share of the steps after which the weight stays at `end_weight`."""
    length_noise: bool = False
    """Show the model random track lengths in MIDI targets, so that it does not come to end its tunes by them."""
    augment: str = ""
    """Generate, classify: changes that leave a file what it is, `flip crop`, each drawn anew whenever the file is.
    Pictures: flip, crop, cutout, colour; recordings: shift, gain, noise, speed, mask, tone; any file: drop. Validation
    takes flip and speed alone: it measures, and the model is then used, by a picture and its mirror image, by a
    recording at five speeds."""
    balance: float = 0.0
    """Classify: 0 draws each file as often as any other, 1 each class as often as any other, 0.5 between the two;
    `unknown`, which stands for many kinds, as often as it has files."""
    splice: float = 0.0
    """Classify: share of the files with a signature that are shown with the bytes of another file after it."""
    windows: str = "slide"
    """Classify: how files longer than the history are read, and are once the model is used: `slide`, by windows that
    overlap by half, in training one from anywhere; or `ends`, by the first and the last half of what fits."""
    mixup: float = 0.0
    """Classify pictures and recordings: blend files in pairs, by shares drawn from Beta(mixup, mixup)."""
    max_bytes: int = 0
    """Leave out rows with more source and target bytes together; 0 takes all that the model can hold."""
    shortest: int = 1
    """Cpu: fewest instructions of a program."""
    longest: int = 255
    """Cpu: most instructions of a program."""
    small_share: float = 0.0
    """Cpu: share of the programs that begin with small values, so that products and quotients are not all 255 or 0."""
    beyond_share: float = 0.0
    """Cpu: share of the programs behind whose HLT memory holds more instructions, which are never reached."""
    favoured: str = ""
    """Cpu: names of operations, `MUL DIV`, that come four times as often as the others."""

    def __post_init__(self) -> None:
        _choice("task", self.task, TASKS)
        _choice("part", self.part, ("all", "train", "dev"))
        for name in ("group_from", "group_to", "start_weight", "start", "end", "max_bytes"):
            _at_least(name, getattr(self, name), 0)
        _at_least("end_weight", self.end_weight or 0, 0)
        if not self.path and self.task != "cpu":
            raise ConfigError("a data source lacks path, a shard or a folder of files.")
        _choice("windows", self.windows, WINDOW_RULES)
        _at_least("mixup", self.mixup, 0)
        if not 0 <= self.balance <= 1:
            raise ConfigError(f"balance is {self.balance}; choose a number from 0 to 1.")
        if self.balance and self.task != "classify":
            raise ConfigError("balance is between classes; only task = classify has some.")
        if not 0 <= self.splice <= 1:
            raise ConfigError(f"splice is {self.splice}; choose a number from 0 to 1.")
        if self.splice and self.task != "classify":
            raise ConfigError("splice needs the signatures of classes; only task = classify has some.")
        if self.augment and self.task not in ("generate", "classify"):
            raise ConfigError("augment changes single files; task = generate or classify reads such.")
        if self.mixup and self.task != "classify":
            raise ConfigError("mixup blends classes; only task = classify has some.")
        for name in self.augment.split():
            _choice("augment", name, tuple(AUGMENTATIONS))
        _ = self.plan
        for name in ("source_matches", "target_matches", "group_by"):
            _expression(name, getattr(self, name))

    @property
    def views(self) -> tuple[View, ...]:
        """What the files of a validation source are measured by beside themselves."""
        return tuple(each for each in VIEWS if each.augmentation in self.augment.split())

    @property
    def plan(self) -> Plan:
        """Cpu: which programs are drawn. Raises ConfigError."""
        return Plan(**{each.name: getattr(self, each.name) for each in fields(Plan)})

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
    """Full learning rate of AdamW."""
    muon_learning_rate: float = 0.0
    """Above 0, matrices of the decoders are trained with Muon at this rate, the rest with AdamW."""
    warmup_steps: int = 100
    """Steps over which the rate rises from zero."""
    decay_share: float = 0.5
    """Share of the steps, at the end, over which the rate falls to zero."""
    weight_decay: float = 0.01
    """Weight decay of matrices and tables; scales and biases have none."""
    beta1: float = 0.9
    """AdamW's decay of the mean gradient."""
    beta2: float = 0.98
    """AdamW's decay of the mean squared gradient."""
    label_smoothing: float = 0.0
    """Classify: share of the target that is spread over all classes."""
    clip_norm: float = 1.0
    """Gradients whose norm over all weights is larger are scaled down to it."""
    batch_bytes: int = 12_800
    """Bytes, source and target together, of one step."""
    micro_bytes: int = 0
    """Bytes computed at once; 0 takes the whole batch. Smaller ones keep activations in the cache of a CPU."""
    steps: int = 0
    """Length of the training in steps; 0 leaves it to `minutes`."""
    minutes: float = 0.0
    """Length in minutes; becomes a number of steps once the warm-up has shown how long a step takes."""
    seed: int = 0
    """Decides the first weights and which examples each step gets."""
    dtype: str = "bfloat16"
    """What matrix products are computed in: bfloat16 (autocast) or float32. Weights are float32."""
    compile: bool = False
    """Compile the model with torch.compile; needs a C++ compiler on a CPU."""
    checkpoint_minutes: float = 3.0
    """Minutes between checkpoints."""
    validate_steps: int = 250
    """Steps between measurements on the validation rows; 0 for none before the end."""
    patience: int = 0
    """Measurements without a lower validation loss that end the training; the best weights are saved. 0: the last."""
    start_share: float = 0.0
    """Share of the weights of `start_from` in those that are saved, the rest being those at the end."""

    def __post_init__(self) -> None:
        _choice("dtype", self.dtype, ("bfloat16", "float32"))
        for name in ("learning_rate", "clip_norm"):
            if not 0 < getattr(self, name) < float("inf"):
                raise ConfigError(f"{name} is {getattr(self, name)}; choose a number above 0.")
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(value, (int, float)):
                _at_least(each.name, value, int(each.name == "batch_bytes"))
        if self.seed >= 1 << 63:
            raise ConfigError(f"seed is {self.seed}; choose one below 2**63.")
        if max(self.beta1, self.beta2) >= 1:
            raise ConfigError("beta1 and beta2 must be below 1.")
        if self.label_smoothing >= 1:
            raise ConfigError(f"label_smoothing is {self.label_smoothing}; choose a share below 1.")
        if self.patience and not self.validate_steps:
            raise ConfigError("patience counts measurements; give validate_steps.")
        if self.start_share >= 1:
            raise ConfigError(f"start_share is {self.start_share}; choose a share below 1.")


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
            raise ConfigError(f"name {self.name!r} is no name for a folder; use letters, digits, dashes and dots.")
        if not self.data:
            raise ConfigError("the recipe names no [[data]].")
        turns = {0.0, 1.0, *(source.start for source in self.data), *(source.end for source in self.data)}
        if not all(any(source.weight_at(turn) for source in self.data) for turn in turns):
            raise ConfigError("the weights of all [[data]] are 0 at some time, when nothing could be drawn.")
        judged = {source.task == "classify" for source in (*self.data, *self.validation)}
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
        values = asdict(self)
        values["model"] = self.model.to_dict()
        return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}


def load_recipe(path: Path) -> Recipe:
    """Read and check a recipe. Raises InputError or ConfigError, naming the file."""
    return parse_recipe(read_recipe_text(path), str(path))


def read_recipe_text(path: Path) -> str:
    """The text of a recipe file. Raises InputError."""
    try:
        if path.stat().st_size > MAX_RECIPE_BYTES:
            raise InputError("larger than 1 MiB, which is no recipe.", file=str(path))
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InputError("no such recipe. Check the name and the folder.", file=str(path)) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise InputError(f"cannot be read as a recipe ({reason}).", file=str(path)) from error


def parse_recipe(text: str, file: str) -> Recipe:
    """A recipe from its TOML text. Raises ConfigError, naming `file`."""
    try:
        return recipe_from_dict(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"is no TOML: {' '.join(str(error).split())}.", file=file) from error
    except ConfigError as error:
        raise error.in_file(file) from error


def recipe_from_dict(values: dict[str, Any]) -> Recipe:
    """A recipe from plain values. Raises ConfigError for unknown keys, wrong types and what contradicts itself."""
    known = [each.name for each in fields(Recipe)]
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
    return Recipe(
        name=name,
        model=config_of({"architecture": "bgpt", **_table(values.get("model", {}), "model")}),
        training=_checked(TrainingConfig, values.get("training", {}), "training"),
        data=_sources(values.get("data", []), "data"),
        validation=_sources(values.get("validation", []), "validation"),
        labels=tuple(labels),
        start_from=start_from,
    )


def _sources(entries: Any, section: str) -> tuple[DataSource, ...]:
    if not isinstance(entries, list):
        raise ConfigError(f"{section} is no list of tables; write [[{section}]].")
    return tuple(_checked(DataSource, entry, section) for entry in entries)


def _table(values: Any, section: str) -> dict[str, Any]:
    if not isinstance(values, dict):
        raise ConfigError(f"[{section}] is not a table.")
    return values


_TYPES: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (int, float),
    "float | None": (int, float, type(None)),
    "str": (str,),
    "bool": (bool,),
}
"""Annotation -> types of a TOML value that serve; None comes from a checkpoint, TOML has none."""


def _checked(kind: type[Any], values: Any, section: str) -> Any:
    """A dataclass from a TOML table; ints serve as floats, nothing else is converted."""
    known = {each.name: each for each in fields(kind)}
    unknown = sorted(set(_table(values, section)) - set(known))
    if unknown:
        raise ConfigError(f"unknown keys in [{section}]: {', '.join(unknown)}. Known are {', '.join(known)}.")
    missing = [name for name, each in known.items() if each.default is MISSING and name not in values]
    if missing:
        raise ConfigError(f"[{section}] lacks {', '.join(missing)}.")
    for name, value in values.items():
        allowed = _TYPES[str(known[name].type)]
        if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
            raise ConfigError(f"{name} in [{section}] is {value!r}; expected {known[name].type}.")
    return kind(**values)


def _expression(name: str, value: str) -> None:
    try:
        re.compile(value if name == "group_by" else value.encode())  # paths are text, files are bytes
    except (re.error, OverflowError, RecursionError) as error:
        raise ConfigError(f"{name} {value!r} is no regular expression: {error}.") from error


def _choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ConfigError(f"{name} {value!r} is unknown; choose {', '.join(choices[:-1])} or {choices[-1]}.")


def _at_least(name: str, value: float, least: float) -> None:
    if not least <= value < float("inf"):  # NaN is not, either
        raise ConfigError(f"{name} is {value}; choose a number of at least {least}.")
