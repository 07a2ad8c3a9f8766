"""The data sources of a recipe: one class for each task, with only the fields of that task. No torch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal

from bytesim.cpu.plan import Plan
from bytesim.cpu.programs import MAX_INSTRUCTIONS
from bytesim.errors import ConfigError
from bytesim.formats.views import VIEWS, View
from bytesim.training.data.augment import check_augmentations
from bytesim.training.settings import Amount, Bounds, Count, Settings, Share, shown


def _check_expression(name: str, value: str, pattern: str | bytes) -> None:
    """Raise ConfigError if the value of a field is not a regular expression."""
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ConfigError(f"{name} {value!r} is not a regular expression: {error}.") from error


@dataclass(frozen=True, kw_only=True)
class Source(Settings):
    """A source of examples and its weights: the fields that all tasks have."""

    path: str
    """A shard (.npz), or a folder of files; relative to the recipe."""
    task: str
    """`generate` (single files), `convert` (pairs NAME.source + NAME.target), `classify` (labelled files)
    or `cpu` (programs of the 8-bit CPU and their states, made while the training runs)."""
    start_weight: Amount = 1.0
    """How often this source is drawn in the first step, relative to the others."""
    end_weight: Amount | None = None
    """The same for the last step; `start_weight` if not given."""
    start: Amount = 0.0
    """Share of the steps before the weight begins to move from `start_weight`."""
    end: Amount = 1.0
    """Share of the steps after which the weight stays at `end_weight`."""

    @property
    def purpose(self) -> str:
        """What a model learns from this source, in a few words."""
        return self.task

    @property
    def title(self) -> str:
        """Name of a figure that is measured on this source."""
        return self.path or self.task

    @property
    def detail(self) -> str:
        """Text that distinguishes this source from others of the same title."""
        return ""

    @classmethod
    def unknown_key(cls, name: str) -> str:
        """The message for a key that sources of this task do not have."""
        tasks = tasks_with(name)
        if not tasks:
            return super().unknown_key(name)
        task = cls.defaults()["task"]
        return f"{name} is for task = {' or '.join(tasks)}, and this source has task = {task}. Leave {name} out."

    def weight_at(self, progress: float) -> float:
        """The weight when the share `progress` (0 to 1) of the steps is done."""
        end_weight = self.start_weight if self.end_weight is None else self.end_weight
        if progress >= self.end:
            return end_weight
        moved = max(0.0, (progress - self.start) / max(self.end - self.start, 1e-9))
        return self.start_weight + moved * (end_weight - self.start_weight)


@dataclass(frozen=True, kw_only=True)
class FileSource(Source):
    """The files of a folder, or the rows of a shard."""

    part: Literal["all", "train", "dev"] = "all"
    """Folders: `all` files, or those that are `train` or `dev`. The hash of its content makes one file in 50 `dev`, of
    pairs one in `dev_one_in`; of labelled files more are `dev`, see training/data/split.py."""
    target_suffix: str = ""
    """Suffix of the files to write (convert, generate) or to classify, such as `mid`; a folder's other files are
    ignored."""
    reverse: bool = False
    """Shards: swap source and target."""
    group_from: Count = 0
    """Shards: the first group to use; group 0 holds whole files, group n > 0 fragments of n parts."""
    group_to: Count = 255
    """Shards: the last group to use."""
    source_matches: str = ""
    """Use only rows in whose source this regular expression is found."""
    target_matches: str = ""
    """Use only rows in whose target this regular expression is found."""
    max_bytes: Count = 0
    """Leave out rows with more bytes, source and target together; 0 for no limit but the model's history."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.path:
            raise ConfigError("lacks path, a shard or a folder of files.")
        for name in ("source_matches", "target_matches"):
            _check_expression(name, getattr(self, name), getattr(self, name).encode())

    @property
    def purpose(self) -> str:
        """The task and the suffix."""
        return f"{self.task} {self.target_suffix}".strip()

    @property
    def title(self) -> str:
        """The path, and which of its rows are used."""
        name = f"{self.path}{' reverse' if self.reverse else ''}"
        one_group = self.group_from and self.group_from == self.group_to
        return f"{name} group {self.group_from}" if one_group else name

    @property
    def detail(self) -> str:
        """The suffix, because one folder may be several sources."""
        return self.target_suffix


@dataclass(frozen=True, kw_only=True)
class GenerateSource(FileSource):
    """Single files that a model learns to write."""

    task: Literal["generate"] = "generate"
    length_noise: bool = False
    """Show the model random track lengths in MIDI targets, so that it does not learn to stop by them."""
    augment: str = ""
    """Data augmentation: names such as `flip crop`. Each change is random, and new whenever a file is drawn.
    Pictures: flip, crop, cutout, colour; recordings: shift, gain, noise, speed, mask, tone; MIDI: styles; any file:
    drop."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_augmentations(self.augment)


@dataclass(frozen=True, kw_only=True)
class ConvertSource(FileSource):
    """Pairs of files: a model learns to convert the first to the second."""

    task: Literal["convert"] = "convert"
    source_suffix: str = ""
    """Suffix of the source files, such as `abc`."""
    dev_one_in: Annotated[int, Bounds(at_least=2, at_most=1_000_000_000)] = 50
    """Folders: one pair in this many is `dev`, by the hash of its content."""
    train_share: Annotated[float, Bounds(above=0, at_most=1)] = 1.0
    """Folders: share of the pairs of `train` that is used, by the hash of their content; learning curves have parts
    below 1."""
    replace_words: Share = 0.0
    """Data augmentation: share of the examples in which words and numbers that source and target have in common are
    replaced, in both, by random ones, so that the model learns to copy words that it has never seen."""
    length_noise: bool = False
    """Show the model random track lengths in MIDI targets, so that it does not learn to stop by them."""
    source_share: Annotated[float, Bounds(above=0, at_most=1000)] = 3.0
    """For models with cross-attention: the sources of a micro-batch, padded to the longest, have at most this many
    times as many bytes as `micro_bytes`, so that long sources of short targets do not fill the memory. At least one
    pair is taken."""

    @property
    def purpose(self) -> str:
        """Both suffixes."""
        return f"{self.task} {self.source_suffix} to {self.target_suffix}"


@dataclass(frozen=True, kw_only=True)
class ClassifySource(FileSource):
    """Labelled files that a model learns to classify."""

    task: Literal["classify"] = "classify"
    group_by: str = ""
    """Folders: a regular expression; files in whose paths it finds the same text (its first group, if it has one) are
    never split between `train` and `dev`."""
    augment: str = ""
    """Data augmentation as for `generate`. For validation only flip and speed count: as test-time augmentation, which
    the saved model then uses too. A picture is classified with its mirror image, a recording at five speeds."""
    balance: Share = 0.0
    """Exponent of class balance: 0 draws all files equally often, 1 all classes, 0.5 is between the two. The class
    `unknown`, which holds many kinds of files, is never balanced."""
    splice: Share = 0.0
    """CutMix: share of the files with a signature whose bytes after the signature are replaced by another file's."""
    windows: Literal["slide", "ends"] = "slide"
    """How files longer than the history are read, also when the model is used. `slide`: windows that overlap by half;
    training draws one from anywhere. `ends`: the first and the last bytes, each half a history."""
    mixup: Amount = 0.0
    """Mixup of pictures and recordings: blend files in pairs, with weights drawn from Beta(mixup, mixup)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_expression("group_by", self.group_by, self.group_by)
        check_augmentations(self.augment)

    @property
    def views(self) -> tuple[View, ...]:
        """Validation: the test-time augmentations of its files."""
        return tuple(view for view in VIEWS if view.augmentation in self.augment.split())


@dataclass(frozen=True, kw_only=True)
class CpuSource(Source):
    """Programs of the 8-bit CPU and their states."""

    path: str = ""
    """A shard of programs; if empty, new programs are made for every step."""
    task: Literal["cpu"] = "cpu"
    shortest: Annotated[int, Bounds(at_least=1, at_most=MAX_INSTRUCTIONS)] = 1
    """Fewest instructions of a program."""
    longest: Annotated[int, Bounds(at_least=1, at_most=MAX_INSTRUCTIONS)] = MAX_INSTRUCTIONS
    """Most instructions of a program."""
    small_share: Share = 0.0
    """Share of the programs that begin with small values, so that not all products and quotients are 255 or 0."""
    beyond_share: Share = 0.0
    """Share of the programs with more instructions in memory after HLT, which are never executed."""
    drill_share: Share = 0.0
    """Share of the programs that practise operations with two operands, on operands whose results tell much."""
    result_states: Annotated[int, Bounds(at_least=0, at_most=1 << 20)] = 0
    """Auxiliary loss, for models with patch_reads: states drawn without a program for each micro-batch. The model also
    learns to give the result of the instruction in each."""
    favoured: str = ""
    """Names of operations, such as `MUL DIV`, that occur four times as often as the others."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.shortest > self.longest:
            raise ConfigError(f"shortest is {self.shortest}; choose no more than longest, which is {self.longest}.")
        try:
            _ = self.plan
        except ConfigError as error:
            raise ConfigError(f"favoured is {self.favoured!r}: {error.message}") from error

    @property
    def plan(self) -> Plan:
        """The kind of programs to draw."""
        return Plan(**{field.name: getattr(self, field.name) for field in fields(Plan)})

    @property
    def detail(self) -> str:
        """The range of instructions in its programs."""
        return f"{self.shortest} to {self.longest}"


DataSource = GenerateSource | ConvertSource | ClassifySource | CpuSource
SOURCES: tuple[type[DataSource], ...] = (GenerateSource, ConvertSource, ClassifySource, CpuSource)

_OF_TASK = {kind.defaults()["task"]: kind for kind in SOURCES}


def source_of(values: Mapping[str, Any]) -> DataSource:
    """The source that a table of a recipe describes; its task is `generate` by default. Raises ConfigError."""
    named = {"task": "generate", **values}
    task = named["task"]
    if not isinstance(task, str) or task not in _OF_TASK:
        raise ConfigError(f"task is {shown(task)}; choose among {', '.join(_OF_TASK)}.")
    return _OF_TASK[task].of(named)


def tasks_with(name: str) -> list[str]:
    """The tasks whose sources have a key."""
    return [task for task, kind in _OF_TASK.items() if name in kind.defaults()]


def own_fields(values: Mapping[str, Any]) -> dict[str, Any]:
    """A table without the unused keys of other tasks, which checkpoints of older versions contain."""
    task = values["task"]
    return {name: value for name, value in values.items() if task in (tasks_with(name) or [task])}
