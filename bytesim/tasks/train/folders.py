"""Builds recipes for folders of a user's files, which determine suffixes and labels. No torch."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from bytesim.errors import InputError
from bytesim.patching import suffix_of
from bytesim.training.data.folders import list_files
from bytesim.training.recipe import Recipe, TrainingConfig
from bytesim.training.sizes import sized_config
from bytesim.training.sources import ClassifySource, ConvertSource, GenerateSource

if TYPE_CHECKING:
    from bytesim.models.registry import ModelConfig

OneFileSource = TypeVar("OneFileSource", GenerateSource, ClassifySource)
"""A source whose examples are single files."""


def generate_recipe(
    data: Sequence[str | Path], folder: Path, suffix: str | None, size: str, architecture: str
) -> Recipe:
    """The recipe of a model that writes files: a data source for each suffix, weighted by its number of files."""
    config = sized_config("generate", size, architecture)
    return _recipe(folder, config, by_suffix(data, folder, suffix, GenerateSource))


def convert_recipe(
    data: Sequence[str | Path],
    folder: Path,
    source_suffix: str,
    target_suffix: str,
    size: str,
    *,
    both: bool = False,
) -> Recipe:
    """The recipe of a converter; with `both` it also learns to convert back.

    Raises InputError if a folder holds no pairs.
    """
    source, target = _clean(source_suffix), _clean(target_suffix)
    if not source or not target or source == target:
        raise InputError(f"a pair needs two different suffixes, not {source!r} and {target!r}.")
    sources = []
    for data_folder in data:
        files = list_files(Path(data_folder))
        stems = [
            {path.with_suffix("") for path in files if suffix_of(path.name) == suffix} for suffix in (source, target)
        ]
        pairs = len(stems[0] & stems[1])
        if not pairs:
            raise InputError(f"holds no pairs: NAME.{source} with NAME.{target} beside it.", file=str(data_folder))
        path = _recipe_path(data_folder, folder)
        sources.append((ConvertSource(path=path, source_suffix=source, target_suffix=target), pairs))
    one_in = _dev_one_in(sum(pairs for _, pairs in sources))
    split = [(source.replace(dev_one_in=one_in, replace_words=REPLACED), pairs) for source, pairs in sources]
    if both:
        split += [(_reversed(source), pairs) for source, pairs in split]
    recipe = _recipe(folder, sized_config("convert", size), split)
    return replace(recipe, training=recipe.training.replace(batch_bytes=CONVERT_BYTES, micro_bytes=CONVERT_BYTES))


def _reversed(source: ConvertSource) -> ConvertSource:
    return source.replace(source_suffix=source.target_suffix, target_suffix=source.source_suffix)


def _dev_one_in(pairs: int) -> int:
    """One in how many pairs is held out: a tenth of them, or a smaller share that still is 200 pairs; at least 2 %."""
    return min(50, max(10, pairs // HELD_OUT_PAIRS))


REPLACED = 0.5
"""Share of the examples of a converter in which shared words are replaced."""
CONVERT_BYTES = 7_000
"""Bytes of a step of a converter: half of those of other tasks, as twice the steps gave more exact answers."""
HELD_OUT_PAIRS = 200
"""Held-out pairs that suffice to measure a converter."""

TRAINING = TrainingConfig(
    muon_learning_rate=3e-3, warmup_steps=30, decay_share=0.4, batch_bytes=14_000, micro_bytes=7_000
)
"""The default training settings for folders of files."""


def run_name(folder: Path) -> str:
    """The name of a model: that of its run folder."""
    return Path(os.path.abspath(folder)).name


def _recipe(
    folder: Path,
    model: ModelConfig,
    sources: Sequence[tuple[GenerateSource | ConvertSource, int]],
) -> Recipe:
    """A recipe that trains on the part `train` of each source, weighted by its files, and validates on `dev`."""
    data = [
        source.replace(part="train" if files > 1 else "all", start_weight=float(files)) for source, files in sources
    ]
    return Recipe(
        name=run_name(folder),
        model=model,
        training=TRAINING,
        data=tuple(data),
        validation=tuple(source.replace(part="dev") for source, files in sources if files > 1),
    )


def by_suffix(
    data: Sequence[str | Path], folder: Path, suffix: str | None, kind: type[OneFileSource]
) -> list[tuple[OneFileSource, int]]:
    """A data source for each suffix in each folder, with its number of files."""
    sources = []
    for data_folder in data:
        counts = Counter(recipe_name(suffix_of(path.name), path) for path in training_files(data_folder, suffix))
        for name, files in sorted(counts.items()):
            sources.append((kind(path=_recipe_path(data_folder, folder), target_suffix=name), files))
    return sources


def training_files(folder: str | Path, suffix: str | None) -> list[Path]:
    """The files of a folder, or those with one suffix. Raises InputError if there are none."""
    files = [path for path in list_files(Path(folder)) if suffix is None or suffix_of(path.name) == _clean(suffix)]
    if not files:
        what = "files" if suffix is None else f"*.{_clean(suffix)}"
        raise InputError(f"holds no {what} to learn from.", file=str(folder))
    return files


def _clean(suffix: str) -> str:
    return suffix.lower().lstrip(".")


def _recipe_path(data: str | Path, folder: Path) -> str:
    """The path of the data relative to the run folder. Raises InputError."""
    try:
        path = Path(os.path.relpath(data, folder)).as_posix()
    except ValueError:  # on another drive of Windows
        path = Path(os.path.abspath(data)).as_posix()
    return recipe_name(path, data)


def recipe_name(name: str, path: str | Path) -> str:
    """The name itself. Raises InputError if it is not UTF-8, as Linux allows and recipes do not."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        raise InputError("its name is not UTF-8, which a recipe needs. Rename it.", file=str(path)) from None
    return name
