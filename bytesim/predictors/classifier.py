"""A classifier, loaded and ready, with what its card says: labels, calibration, and how it reads files.

Axes: N files, C classes.
"""

from __future__ import annotations

import io
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

from bytesim.engine.classify import DEFAULT_BATCH, class_logits
from bytesim.engine.hardware import open_device, open_dtype
from bytesim.errors import ConfigError, ModelError
from bytesim.formats.filetypes import UNKNOWN
from bytesim.formats.views import VIEWS, View
from bytesim.models.folder import CARD_FILE, read_card
from bytesim.models.interface import ClassifierModel, classifies
from bytesim.models.store import find_model
from bytesim.models.weights import load_model
from bytesim.patching import WINDOW_RULES, history_bytes, plan_windows, suffix_of
from bytesim.predictors.calibration import (
    ClassCalibration,
    UnknownRule,
    read_class_calibration,
    read_fragment_calibrations,
    unsmoothed,
)
from bytesim.predictors.scaling import Probabilities, Scaling, log_softmax


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A file as a classifier reads it."""

    windows: tuple[bytes, ...]
    suffix: str
    """Of its extension patch: what the model was trained on, whatever the file is called."""
    num_bytes: int
    """Of the file."""
    told: str = ""
    """Which of its bytes the windows are, such as `3 windows`; empty for all of them at once."""
    changed: str = ""
    """How it was brought to the form that the model reads; empty where it was in it."""


@dataclass(frozen=True, kw_only=True)
class Classifier:
    """A model on its device."""

    name: str
    folder: Path
    model: ClassifierModel
    labels: tuple[str, ...]
    suffixes: tuple[str, ...]
    """Of the files it was trained on."""
    windows: str = "slide"
    """Rule for files longer than its history, one of WINDOW_RULES."""
    normalize: bool = True
    """Whether other recordings and pictures are brought to the form of .wav and .bmp that the models read."""
    views: tuple[View, ...] = ()
    """What is read of a file beside itself."""
    label_smoothing: float = 0.0
    """Of the labels that it was trained with, which is taken out of its answers."""
    scaling: Scaling = field(default_factory=Scaling)
    """From its logits to probabilities."""
    rule: UnknownRule = field(default_factory=UnknownRule)
    """When its answer is `unknown`."""
    fragments: Mapping[int, ClassCalibration] = field(default_factory=dict)
    """Bytes of a fragment -> the calibration of such."""
    next_models: Mapping[str, str] = field(default_factory=dict)
    """Label -> name of the model that knows more of such files."""
    batch: int = DEFAULT_BATCH

    def for_fragments(self, num_bytes: int) -> Classifier:
        """The same with the calibration of fragments of `num_bytes`, or of the nearest size that has one."""
        if not self.fragments:
            return self
        nearest = min(self.fragments, key=lambda size: abs(math.log(size / num_bytes)))
        made = self.fragments[nearest]
        return replace(self, scaling=made.scaling, rule=made.rule)

    def doubting(self, threshold: float | None) -> Classifier:
        """The same, with answers less probable than `threshold` called `unknown`; None leaves it to the calibration."""
        return self if threshold is None else replace(self, rule=replace(self.rule, below=threshold))

    @property
    def most_bytes(self) -> int:
        """Bytes of a window."""
        return history_bytes(self.model.config.max_patches, self.model.config.patch_size)

    def read(self, file: BinaryIO, name: str = "") -> Reading:
        """What the model is shown of a binary file that can seek; only that is read. Raises InputError."""
        suffix = suffix_of(name) if suffix_of(name) in self.suffixes else self.suffixes[0]
        num_bytes = file.seek(0, os.SEEK_END)
        file.seek(0)
        changed = ""
        if self.normalize and (kind := _FORMS.get(suffix)) is not None:
            from bytesim.media.forms import model_form  # loads what reads sound and pictures

            data, changed = model_form(file, kind)
            file = io.BytesIO(data)
        length = file.seek(0, os.SEEK_END)
        plan = plan_windows(length, self.most_bytes, self.model.config.patch_size, self.windows)
        windows = tuple(b"".join(_piece(file, *ends) for ends in window) for window in plan.windows)
        told = plan.told
        for view in self.views:
            if view.suffix == suffix and len(windows) == 1 and (others := view.others(windows[0])):
                windows, told = (*windows, *others), view.told
        return Reading(windows=windows, suffix=suffix, num_bytes=num_bytes, told=told, changed=changed)

    def piece(self, data: bytes) -> Reading:
        """A piece of a file, as it is, of at most `most_bytes`."""
        return Reading(windows=(data,), suffix=self.suffixes[0], num_bytes=len(data))

    def logits(self, readings: Sequence[Reading]) -> Probabilities:
        """(N, C): the log-probabilities of each file before calibration, the mean over its windows."""
        files = [(window, reading.suffix) for reading in readings for window in reading.windows]
        rows = log_softmax(class_logits(self.model, files, batch=self.batch))
        counts = [len(reading.windows) for reading in readings]
        starts = np.cumsum([0, *counts[:-1]])
        sums: NDArray[np.float64] = np.add.reduceat(rows, starts) if counts else rows
        return unsmoothed(sums / np.array(counts or 1, np.float64).reshape(-1, 1), self.label_smoothing)

    def probabilities(self, files: Sequence[bytes]) -> Probabilities:
        """(N, C) calibrated probabilities of whole files. Raises InputError for one in no form that the model reads."""
        return self.scaling.probabilities(self.logits([self.read(io.BytesIO(data)) for data in files]))


_FORMS: dict[str, Literal["wav", "bmp"]] = {"wav": "wav", "bmp": "bmp"}
"""Suffixes whose files the models read in one form only."""


def _piece(file: BinaryIO, start: int, end: int) -> bytes:
    file.seek(start)
    return file.read(end - start)


def load_classifier(
    name: str, *, device: str = "auto", dtype: str = "float32", batch: int = DEFAULT_BATCH
) -> Classifier:
    """The classifier of that name or path on a device (`auto`: the first that `devices()` names).

    `dtype` float32, bfloat16, or `auto` for the faster. Raises ModelError where it is missing, damaged or no
    classifier, ConfigError for an unknown device, dtype or batch.
    """
    if batch < 1:
        raise ConfigError(f"batch {batch} is out of range; choose 1 or more.")
    found = find_model(name)
    place = open_device(device)
    model = load_model(found.folder, dtype=open_dtype(dtype, place)).to(place)
    if not classifies(model):
        raise ModelError(f"the model {name!r} writes files; it classifies none.")
    card = read_card(found.folder)
    calibration = read_class_calibration(card, found.folder)
    wrong = _card_error(card, model.config.num_classes)
    if wrong:
        raise ModelError(wrong, file=str(found.folder / CARD_FILE))
    tasks = [each["target_suffix"] for each in card["tasks"] if each.get("task") == "classify"]
    return Classifier(
        name=found.name,
        folder=found.folder,
        model=model,
        labels=tuple(card["labels"]),
        suffixes=tuple(dict.fromkeys(tasks)),
        windows=card.get("windows", "slide"),
        normalize=card.get("normalize", True),
        views=tuple(view for view in VIEWS if card.get(view.name, False)),
        label_smoothing=card.get("label_smoothing", 0.0),
        scaling=Scaling() if calibration is None else calibration.scaling,
        rule=UnknownRule() if calibration is None else calibration.rule,
        fragments=read_fragment_calibrations(card, found.folder),
        next_models=card.get("next", {}),
        batch=batch,
    )


def _card_error(card: dict[str, object], num_classes: int) -> str:
    """What keeps a classifier from being used with its card; empty where nothing does."""
    labels, tasks = card.get("labels"), card.get("tasks")
    if not isinstance(labels, list) or not all(isinstance(label, str) and label for label in labels):
        return "it names no labels."
    if len(labels) != num_classes or len(set(labels)) != len(labels):
        return f"it names {len(set(labels))} labels for {num_classes} classes."
    if all(label == UNKNOWN for label in labels):
        return "it names no label but unknown."
    told = [each for each in tasks if isinstance(each, dict)] if isinstance(tasks, list) else []
    suffixes = [each.get("target_suffix") for each in told if each.get("task") == "classify"]
    if not suffixes or not all(isinstance(suffix, str) and suffix for suffix in suffixes):
        return "it names no suffix of the files to classify."
    if card.get("windows", "slide") not in WINDOW_RULES:
        return f"its windows are {card['windows']!r}, none of {', '.join(WINDOW_RULES)}."
    if not isinstance(card.get("normalize", True), bool):
        return "normalize is neither true nor false."
    for view in VIEWS:
        if not isinstance(card.get(view.name, False), bool):
            return f"{view.name} is neither true nor false."
    following = card.get("next", {})
    if not isinstance(following, dict) or not all(isinstance(name, str) and name for name in following.values()):
        return "its next is no table of labels and names of models."
    if not following.keys() <= set(labels):
        return f"its next has {min(following.keys() - set(labels))!r}, which is none of its labels."
    smoothing = card.get("label_smoothing", 0.0)
    if isinstance(smoothing, bool) or not isinstance(smoothing, int | float) or not 0 <= smoothing < 1:
        return f"its label_smoothing is {smoothing!r}, no share below 1."
    return ""
