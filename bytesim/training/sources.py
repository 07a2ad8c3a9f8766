"""The data sources of a recipe: one class for each task, with the fields of that task alone. No torch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError, ValidationInfo, model_validator

from bytesim.cpu.plan import Plan
from bytesim.cpu.programs import MAX_INSTRUCTIONS
from bytesim.errors import ConfigError
from bytesim.formats.views import VIEWS, View
from bytesim.training.data.augment import AUGMENTATIONS
from bytesim.training.settings import Amount, Count, Settings, Share


def _expression_of_paths(value: str, info: ValidationInfo) -> str:
    return _expression(value, value, info)


def _expression_of_bytes(value: str, info: ValidationInfo) -> str:
    return _expression(value, value.encode(), info)


def _expression(value: str, pattern: str | bytes, info: ValidationInfo) -> str:
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ConfigError(f"{info.field_name} {value!r} is no regular expression: {error}.") from error
    return value


def _augmentations(value: str, info: ValidationInfo) -> str:
    for name in value.split():
        if name not in AUGMENTATIONS:
            raise ConfigError(f"{info.field_name} {name!r} is unknown; choose among {', '.join(AUGMENTATIONS)}.")
    return value


PathExpression = Annotated[str, AfterValidator(_expression_of_paths)]
FileExpression = Annotated[str, AfterValidator(_expression_of_bytes)]
Augmentations = Annotated[str, AfterValidator(_augmentations)]


class Source(Settings, frozen=True):
    """A stream of examples and how often a batch is drawn from it: what every task has."""

    path: str
    """A shard (.npz), or a folder of files; relative to the recipe."""
    task: str
    """`generate` (each file by itself), `convert` (pairs NAME.source + NAME.target), `classify` (labels)
    or `cpu` (programs of the 8-bit CPU and their states, made while the training runs)."""
    start_weight: Amount = 1.0
    """How often this source is drawn in the first step, relative to the others."""
    end_weight: Amount | None = None
    """The same for the last step; as at the start where it is not given."""
    start: Amount = 0.0
    """Share of the steps before the weight begins to move from `start_weight`."""
    end: Amount = 1.0
    """Share of the steps after which the weight stays at `end_weight`."""

    @property
    def purpose(self) -> str:
        """What a model learns from it, in a few words."""
        return self.task

    @property
    def title(self) -> str:
        """What a figure that is measured on it is called."""
        return self.path or self.task

    @property
    def detail(self) -> str:
        """What sets it apart from another source of the same title."""
        return ""

    @classmethod
    def unknown_key(cls, name: str) -> str:
        """What is wrong with a key that sources of this task do not have."""
        tasks = tasks_with(name)
        if not tasks:
            return super().unknown_key(name)
        task = cls.model_fields["task"].default
        return f"{name} is for task = {' or '.join(tasks)}, and this source has task = {task}. Leave {name} out."

    def weight_at(self, progress: float) -> float:
        """The weight at `progress` (0 to 1) of the training."""
        end_weight = self.start_weight if self.end_weight is None else self.end_weight
        if progress >= self.end:
            return end_weight
        moved = max(0.0, (progress - self.start) / max(self.end - self.start, 1e-9))
        return self.start_weight + moved * (end_weight - self.start_weight)


class FileSource(Source, frozen=True):
    """Files: those of a folder, or the rows of a shard."""

    part: Literal["all", "train", "dev"] = "all"
    """Folders: `all` of its files, or `train` or `dev`; by the hash of its content a file in 50 is `dev`. Of labelled
    files more are, see training/data/split.py."""
    target_suffix: str = ""
    """Suffix of the files written (convert, generate) or judged (classify), `mid`. Others in a folder are not read."""
    reverse: bool = False
    """Shards: source and target change places."""
    group_from: Count = 0
    """Shards: the first group taken; 0 are whole files, n > 0 fragments of n parts."""
    group_to: Count = 255
    """Shards: the last group taken."""
    source_matches: FileExpression = ""
    """Take only rows in whose source this regular expression is found."""
    target_matches: FileExpression = ""
    """Take only rows in whose target it is found."""
    max_bytes: Count = 0
    """Leave out rows with more source and target bytes together; 0 takes all that the model can hold."""

    @model_validator(mode="after")
    def _check_path(self) -> FileSource:
        if not self.path:
            raise ConfigError("lacks path, a shard or a folder of files.")
        return self

    @property
    def purpose(self) -> str:
        """The task, and the suffix that it is for."""
        return f"{self.task} {self.target_suffix}".strip()

    @property
    def title(self) -> str:
        """The path, and which rows of it are measured."""
        name = f"{self.path}{' reverse' if self.reverse else ''}"
        one_group = self.group_from and self.group_from == self.group_to
        return f"{name} group {self.group_from}" if one_group else name

    @property
    def detail(self) -> str:
        """The suffix: one folder may be several sources."""
        return self.target_suffix


class GenerateSource(FileSource, frozen=True):
    """Files that a model learns to write, each by itself."""

    task: Literal["generate"] = "generate"
    length_noise: bool = False
    """Show the model random track lengths in MIDI targets, so that it does not come to end its tunes by them."""
    augment: Augmentations = ""
    """Changes that leave a file what it is, `flip crop`, each drawn anew whenever the file is.
    Pictures: flip, crop, cutout, colour; recordings: shift, gain, noise, speed, mask, tone; any file: drop."""


class ConvertSource(FileSource, frozen=True):
    """Pairs of files: a model learns to write the second from the first."""

    task: Literal["convert"] = "convert"
    source_suffix: str = ""
    """Suffix of the source files, `abc`."""
    length_noise: bool = False
    """Show the model random track lengths in MIDI targets, so that it does not come to end its tunes by them."""

    @property
    def purpose(self) -> str:
        """Both suffixes."""
        return f"{self.task} {self.source_suffix} to {self.target_suffix}"


class ClassifySource(FileSource, frozen=True):
    """Files with a label, which a model learns to tell."""

    task: Literal["classify"] = "classify"
    group_by: PathExpression = ""
    """Folders: files in whose paths this regular expression finds the same (first group) are not parted."""
    augment: Augmentations = ""
    """Changes as for `generate`. Validation takes flip and speed alone: it measures, and the model is then used, by a
    picture and its mirror image, by a recording at five speeds."""
    balance: Share = 0.0
    """0 draws each file as often as any other, 1 each class as often as any other, 0.5 between the two;
    `unknown`, which stands for many kinds, as often as it has files."""
    splice: Share = 0.0
    """Share of the files with a signature that are shown with the bytes of another file after it."""
    windows: Literal["slide", "ends"] = "slide"
    """How files longer than the history are read, and are once the model is used: `slide`, by windows that
    overlap by half, in training one from anywhere; or `ends`, by the first and the last half of what fits."""
    mixup: Amount = 0.0
    """Pictures and recordings: blend files in pairs, by shares drawn from Beta(mixup, mixup)."""

    @property
    def views(self) -> tuple[View, ...]:
        """What the files of a validation source are measured by beside themselves."""
        return tuple(view for view in VIEWS if view.augmentation in self.augment.split())


class CpuSource(Source, frozen=True):
    """Programs of the 8-bit CPU and their states."""

    path: str = ""
    """A shard of programs; none makes programs without end."""
    task: Literal["cpu"] = "cpu"
    shortest: Annotated[int, Field(ge=1, le=MAX_INSTRUCTIONS)] = 1
    """Fewest instructions of a program."""
    longest: Annotated[int, Field(ge=1, le=MAX_INSTRUCTIONS)] = MAX_INSTRUCTIONS
    """Most instructions of a program."""
    small_share: Share = 0.0
    """Share of the programs that begin with small values, so that products and quotients are not all 255 or 0."""
    beyond_share: Share = 0.0
    """Share of the programs behind whose HLT memory holds more instructions, which are never reached."""
    favoured: str = ""
    """Names of operations, `MUL DIV`, that come four times as often as the others."""

    @model_validator(mode="after")
    def _check_plan(self) -> CpuSource:
        if self.shortest > self.longest:
            raise ConfigError(f"shortest is {self.shortest}; choose no more than longest, which is {self.longest}.")
        try:
            _ = self.plan
        except ConfigError as error:
            raise ConfigError(f"favoured is {self.favoured!r}: {error.message}") from error
        return self

    @property
    def plan(self) -> Plan:
        """Which programs are drawn."""
        return Plan(**{field.name: getattr(self, field.name) for field in fields(Plan)})

    @property
    def detail(self) -> str:
        """How many instructions its programs have."""
        return f"{self.shortest} to {self.longest}"


DataSource = Annotated[GenerateSource | ConvertSource | ClassifySource | CpuSource, Field(discriminator="task")]
SOURCES: tuple[type[Source], ...] = (GenerateSource, ConvertSource, ClassifySource, CpuSource)

_OF_ANY_TASK: TypeAdapter[DataSource] = TypeAdapter(DataSource)


def source_of(values: Mapping[str, Any]) -> DataSource:
    """The source that a table of a recipe describes; of task `generate` where it names none. Raises ConfigError."""
    named = {"task": GenerateSource.model_fields["task"].default, **values}
    try:
        return _OF_ANY_TASK.validate_python(named)
    except ValidationError as error:
        tasks = ", ".join(kind.model_fields["task"].default for kind in SOURCES)
        raise ConfigError(f"task is {named['task']!r}; choose among {tasks}.") from error


def tasks_with(name: str) -> list[str]:
    """The tasks whose sources have a key."""
    return [kind.model_fields["task"].default for kind in SOURCES if name in kind.model_fields]


def own_fields(values: Mapping[str, Any]) -> dict[str, Any]:
    """A table without the keys of other tasks, which checkpoints of older versions hold and which say nothing."""
    task = values["task"]
    return {name: value for name, value in values.items() if task in (tasks_with(name) or [task])}
