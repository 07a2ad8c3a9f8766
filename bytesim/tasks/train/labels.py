"""Builds the recipe of a classifier for folders of labelled files: labels, split and bytes per step. No torch."""

from __future__ import annotations

import codecs
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from bytesim.errors import ConfigError, InputError
from bytesim.tasks.train.folders import TRAINING, by_suffix, recipe_name, run_name, training_files
from bytesim.training.data.folders import MAX_FILE_BYTES, find_label, labelled_files
from bytesim.training.data.split import LabelledFile, held_out_digests
from bytesim.training.data.windows import window_bytes
from bytesim.training.recipe import Recipe
from bytesim.training.sizes import classifier_config
from bytesim.training.sources import ClassifySource

PATIENCE = 10
"""Validations without a lower loss that end the training."""
VALIDATE_STEPS = 100
FILES_A_STEP = 32
"""Files of median length in a step; from one or two files a step would learn little about the differences of labels."""
MICRO_BYTES = 16_000
MOST_BATCH_BYTES = 128_000
SAMPLE_FILES = 200
SAMPLE_BYTES = 4096
"""Files, and first bytes of each, from which it is decided whether the files are text."""
SHOWN = 5
"""Most labels that a message names."""


def classify_recipe(
    data: Sequence[str | Path],
    folder: Path,
    suffix: str | None,
    size: str,
    group: str | None = None,
    on_note: Callable[[str], None] = lambda note: None,
) -> Recipe:
    """The recipe of a classifier of the files in `data`, for training in `folder`.

    `group` is a regular expression: files in whose paths it finds the same text are never split between training and
    validation. Raises ConfigError if it is invalid or found nowhere; InputError if a file has no label, all have the
    same, or nothing can be held out.
    """
    labels = _labels(data, suffix)
    sources, files_of = [], []
    for data_folder in data:
        for source, _ in by_suffix([data_folder], folder, suffix, ClassifySource):
            sources.append(source.replace(group_by=group or ""))
            files_of.append(labelled_files(Path(data_folder), sources[-1]))
    files = {path: file for source_files in files_of for path, file in source_files.items()}
    if group and all(file.group is None for file in files.values()):
        raise ConfigError(f"--group {group!r} is found in no path, such as {next(iter(files))}.")
    held_out = held_out_digests(list(files.values()))
    if not held_out:
        unit = "groups" if group else "files of different content"
        raise InputError(
            f"none of its files can be held out for validation: a label needs two {unit}.", file=str(data[0])
        )
    for note in _notes(files, held_out, group):
        on_note(note)
    parts = [Counter(file.digest in held_out for file in source_files.values()) for source_files in files_of]
    model = classifier_config(size, len(labels), text=_are_text(list(files)))
    return Recipe(
        name=run_name(folder),
        model=model,
        training=TRAINING.replace(
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
    for data_folder in data:
        for path in training_files(data_folder, suffix):
            label = find_label(Path(data_folder), path)
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
    """The sources with files of a part; for `train` weighted by the number of those files.

    `counts` are, for each source, the numbers of files that are held out (True) and not (False).
    """
    is_dev = part == "dev"
    return [
        source.replace(part=part, start_weight=1.0 if is_dev else float(count[is_dev]))
        for source, count in zip(sources, counts, strict=True)
        if count[is_dev]
    ]


def _notes(files: dict[Path, LabelledFile], held_out: frozenset[str], group: str | None) -> Iterable[str]:
    """Messages for the user about the split."""
    if group:
        ungrouped = sum(file.group is None for file in files.values())
        groups = len({file.group for file in files.values() if file.group is not None})
        rest = f", {ungrouped:,} in none" if ungrouped else ""
        yield f"{len(files) - ungrouped:,} files in {groups:,} groups{rest}"
    dev = Counter(file.label for file in files.values() if file.digest in held_out)
    unseen = sorted({file.label for file in files.values()} - dev.keys())
    if unseen:
        names = ", ".join(unseen[:SHOWN]) + (", ..." if len(unseen) > SHOWN else "")
        yield f"too few files to hold some out, so not measured: {names}"
    long = sum(path.stat().st_size > MAX_FILE_BYTES for path in files)
    if long:
        yield f"files of which only the first {MAX_FILE_BYTES:,} bytes are read: {long:,}"


def _are_text(paths: Sequence[Path]) -> bool:
    """Whether at least 90 % of the files, or of an evenly spaced sample, begin with UTF-8 text."""
    sample = paths[:: max(1, len(paths) // SAMPLE_FILES)]
    return sum(map(_is_text, sample)) >= 0.9 * len(sample)


def _is_text(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(SAMPLE_BYTES)
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)  # accepts a cut character at the end
    except UnicodeDecodeError:
        return False
    return b"\0" not in start


def _batch_bytes(files: dict[Path, LabelledFile], window: int, patch_size: int) -> int:
    """Bytes of about FILES_A_STEP framed files of median length."""
    median = statistics.median(min(path.stat().st_size, window) for path in files)
    return max(MICRO_BYTES, min(MOST_BATCH_BYTES, FILES_A_STEP * (int(median) + 2 * patch_size)))
