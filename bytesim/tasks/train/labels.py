"""The recipe of a classifier for folders of labelled files: labels, split, and how long a step is. No torch."""

from __future__ import annotations

import codecs
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from bytesim.errors import ConfigError, InputError
from bytesim.tasks.train.folders import TRAINING, by_suffix, recipe_name, run_name, wanted_files
from bytesim.training.data.folders import MAX_FILE_BYTES, find_label, labelled_files
from bytesim.training.data.split import LabelledFile, held_back_digests
from bytesim.training.data.windows import window_bytes
from bytesim.training.recipe import Recipe
from bytesim.training.sizes import classifier_config
from bytesim.training.sources import ClassifySource

PATIENCE = 10
"""Measurements without a better one that end the training."""
VALIDATE_STEPS = 100
FILES_A_STEP = 32
"""Of the middle length; a step of one or two files would learn little of what sets labels apart."""
MICRO_BYTES = 16_000
MOST_BATCH_BYTES = 128_000
LOOKED_AT = 200
LOOKED_AT_BYTES = 4096
"""Files, and bytes of each, that tell whether the model is to be one of text."""
SHOWN = 5
"""Labels named in a note."""


def classify_recipe(
    data: Sequence[str | Path],
    folder: Path,
    suffix: str | None,
    size: str,
    dtype: str,
    group: str | None = None,
    on_note: Callable[[str], None] = lambda note: None,
) -> Recipe:
    """A classifier of the files in `data`, to be trained in `folder`.

    `group` is a regular expression: files in whose paths it finds the same are not parted. Raises ConfigError for one
    that is none, InputError where a file has no label, all have the same, or nothing can be held back.
    """
    labels = _labels(data, suffix)
    sources, found = [], []
    for each in data:
        for source, _ in by_suffix([each], folder, suffix, ClassifySource):
            sources.append(source.replace(group_by=group or ""))
            found.append(labelled_files(Path(each), sources[-1]))
    files = {path: file for each in found for path, file in each.items()}
    if group and all(file.group is None for file in files.values()):
        raise ConfigError(f"--group {group!r} is found in no path, such as {next(iter(files))}.")
    held_back = held_back_digests(list(files.values()))
    if not held_back:
        what = "groups" if group else "files of different content"
        raise InputError(
            f"none of its files can be held back to measure by: a label needs two {what}.", file=str(data[0])
        )
    for note in _notes(files, held_back, group):
        on_note(note)
    parts = [Counter(file.digest in held_back for file in each.values()) for each in found]
    model = classifier_config(size, len(labels), text=_are_text(list(files)))
    return Recipe(
        name=run_name(folder),
        model=model,
        training=TRAINING.replace(
            dtype=dtype,
            learning_rate=2e-3,
            muon_learning_rate=0.0,
            decay_share=0.6,
            weight_decay=0.05,
            label_smoothing=0.05,
            batch_bytes=_batch_bytes(files, window_bytes(model), model.patch_size),
            micro_bytes=MICRO_BYTES,
            validate_steps=VALIDATE_STEPS,
            patience=PATIENCE,
        ),
        data=tuple(_parts(sources, parts, "train")),
        validation=tuple(_parts(sources, parts, "dev")),
        labels=labels,
    )


def _labels(data: Sequence[str | Path], suffix: str | None) -> tuple[str, ...]:
    labels = set()
    for each in data:
        for path in wanted_files(each, suffix):
            label = find_label(Path(each), path)
            if label is None:
                raise InputError(
                    "has no label: put it in a folder named by its label, or name it LABEL_NAME.", file=str(path)
                )
            labels.add(recipe_name(label, path))
    if len(labels) < 2:
        raise InputError(
            f"a classifier needs two labels; found {', '.join(sorted(labels)) or 'none'}.", file=str(data[0])
        )
    return tuple(sorted(labels))


def _parts(sources: Sequence[ClassifySource], counts: Sequence[Counter[bool]], part: str) -> list[ClassifySource]:
    """The sources with files of a part, those of training weighted by how many."""
    held = part == "dev"
    return [
        source.replace(part=part, start_weight=1.0 if held else float(count[held]))
        for source, count in zip(sources, counts, strict=True)
        if count[held]
    ]


def _notes(files: dict[Path, LabelledFile], held_back: frozenset[str], group: str | None) -> Iterable[str]:
    """What the user should know of the split."""
    if group:
        apart = sum(file.group is None for file in files.values())
        groups = len({file.group for file in files.values() if file.group is not None})
        yield f"{len(files) - apart:,} files in {groups:,} groups" + (f", {apart:,} in none" if apart else "")
    dev = Counter(file.label for file in files.values() if file.digest in held_back)
    unseen = sorted({file.label for file in files.values()} - dev.keys())
    if unseen:
        names = ", ".join(unseen[:SHOWN]) + (", ..." if len(unseen) > SHOWN else "")
        yield f"too few files to hold some back, so not measured: {names}"
    long = sum(path.stat().st_size > MAX_FILE_BYTES for path in files)
    if long:
        yield f"files of which only the first {MAX_FILE_BYTES:,} bytes are read: {long:,}"


def _are_text(paths: Sequence[Path]) -> bool:
    """Whether nearly all of the files, or of some spread over them, begin as UTF-8 text does."""
    looked_at = paths[:: max(1, len(paths) // LOOKED_AT)]
    return sum(map(_is_text, looked_at)) >= 0.9 * len(looked_at)


def _is_text(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(LOOKED_AT_BYTES)
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)  # a character cut at the end is none that is wrong
    except UnicodeDecodeError:
        return False
    return b"\0" not in start


def _batch_bytes(files: dict[Path, LabelledFile], window: int, patch_size: int) -> int:
    """About FILES_A_STEP files of the middle length, framed."""
    middle = statistics.median(min(path.stat().st_size, window) for path in files)
    return max(MICRO_BYTES, min(MOST_BATCH_BYTES, FILES_A_STEP * (int(middle) + 2 * patch_size)))
