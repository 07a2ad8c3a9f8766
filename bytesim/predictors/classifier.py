"""A loaded classifier, with the labels, calibration and rules for reading files from its card.

Axes: N files, C classes.
"""

from __future__ import annotations

import io
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal, cast

import numpy as np
from numpy.typing import NDArray

from bytesim.engine.backend import choose_backend
from bytesim.engine.classify import DEFAULT_BATCH, ReadsFiles, class_logits
from bytesim.errors import ConfigError, ModelError
from bytesim.formats.filetypes import LABELS as FILE_TYPE_LABELS
from bytesim.formats.filetypes import UNKNOWN
from bytesim.formats.signatures import types_ruled_out
from bytesim.formats.text import is_text
from bytesim.formats.views import VIEWS, View
from bytesim.models.folder import CARD_FILE, read_card
from bytesim.models.native import load_native_classifier
from bytesim.models.registry import stored_config
from bytesim.models.store import find_model
from bytesim.patching import WINDOW_RULES, history_bytes, plan_windows, suffix_of
from bytesim.predictors.calibration import (
    ClassCalibration,
    UnknownRule,
    read_class_calibration,
    read_fragment_calibrations,
    unsmoothed,
)
from bytesim.predictors.file_distribution import FileDistribution, read_distribution
from bytesim.predictors.scaling import Probabilities, Scaling, log_softmax

if TYPE_CHECKING:
    from bytesim.models.interface import ClassifierModel


RULED_OUT_LOG = -30.0
"""Log-probability of a label that the bytes of a file rule out: not that of 0, for labels of files may be wrong."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The parts of a file that a classifier reads."""

    windows: tuple[bytes, ...]
    suffix: str
    """Suffix for the extension patch; always one that the model was trained on, whatever the file's name is."""
    num_bytes: int
    """Size of the whole file."""
    read: str = ""
    """Which bytes of the file the windows contain, such as `3 windows`; empty for one window with all of them."""
    changed: str = ""
    """How the file was converted to the form that the model reads; empty if it was not."""
    whole: bool = False
    """Whether the windows have the first and last bytes of the file, in which signatures of file types stand."""

    @cached_property
    def is_text(self) -> bool:
        """Whether all bytes that were read are text."""
        return all(map(is_text, self.windows))


@dataclass(frozen=True, kw_only=True)
class Classifier:
    """A classifier on its device."""

    name: str
    folder: Path
    model: ClassifierModel | ReadsFiles
    """In torch, or on the native engine."""
    labels: tuple[str, ...]
    suffixes: tuple[str, ...]
    """Suffixes of the files that it was trained on."""
    windows: str = "slide"
    """How files longer than its history are read: one of WINDOW_RULES."""
    normalize: bool = True
    """Whether recordings and pictures are converted to the form of .wav and .bmp that the models read."""
    views: tuple[View, ...] = ()
    """Test-time augmentation: variants of a file that are read as further windows."""
    label_smoothing: float = 0.0
    """Label smoothing used in training; it is removed from the probabilities."""
    scaling: Scaling = field(default_factory=Scaling)
    """How its logits become probabilities."""
    rule: UnknownRule = field(default_factory=UnknownRule)
    """When its answer is `unknown`."""
    distribution: FileDistribution | None = None
    """What its training files are like. None: the model does not keep it, or it is not to decide."""
    fragments: Mapping[int, ClassCalibration] = field(default_factory=dict)
    """Size of fragments in bytes -> their calibration."""
    next_models: Mapping[str, str] = field(default_factory=dict)
    """Label -> name of the model that classifies files with this label further."""
    batch: int = DEFAULT_BATCH

    def for_fragments(self, num_bytes: int) -> Classifier:
        """This classifier with the calibration for fragments of `num_bytes`, or of the nearest size that has one.

        A fragment may be unlike every whole file, so none is an outlier.
        """
        if not self.fragments:
            return replace(self, distribution=None)
        nearest = min(self.fragments, key=lambda size: abs(math.log(size / num_bytes)))
        calibration = self.fragments[nearest]
        return replace(self, scaling=calibration.scaling, rule=calibration.rule, distribution=None)

    def with_threshold(self, threshold: float | None) -> Classifier:
        """This classifier, whose answer is `unknown` only below this probability; None keeps what the card says."""
        if threshold is None:
            return self
        return replace(self, rule=UnknownRule(below=threshold, weight=0.0), distribution=None)

    @property
    def tells_types(self) -> bool:
        """Whether its labels are types of files, of which the bytes of a file rule some out."""
        return set(self.labels) <= set(FILE_TYPE_LABELS)

    @property
    def most_bytes(self) -> int:
        """Most bytes in a window."""
        return history_bytes(self.model.config.max_patches, self.model.config.patch_size)

    def read(self, file: BinaryIO, name: str = "") -> Reading:
        """Read the parts of a seekable binary file that the model needs, and no others. Raises InputError."""
        suffix = suffix_of(name) if suffix_of(name) in self.suffixes else self.suffixes[0]
        num_bytes = file.seek(0, os.SEEK_END)
        file.seek(0)
        changed = ""
        if self.normalize and (kind := _FORMS.get(suffix)) is not None:
            from bytesim.media.forms import model_form  # loads libraries for sound and pictures

            data, changed = model_form(file, kind)
            file = io.BytesIO(data)
        length = file.seek(0, os.SEEK_END)
        plan = plan_windows(length, self.most_bytes, self.model.config.patch_size, self.windows)
        windows = tuple(b"".join(_piece(file, *ends) for ends in window) for window in plan.windows)
        read = plan.told
        for view in self.views:
            if view.suffix == suffix and len(windows) == 1 and (others := view.others(windows[0])):
                windows, read = (*windows, *others), view.told
        whole = len(plan.windows) == 1
        return Reading(windows=windows, suffix=suffix, num_bytes=num_bytes, read=read, changed=changed, whole=whole)

    def piece(self, data: bytes) -> Reading:
        """The reading of a fragment of at most `most_bytes`, which is never converted."""
        return Reading(windows=(data,), suffix=self.suffixes[0], num_bytes=len(data))

    def logits(self, readings: Sequence[Reading]) -> Probabilities:
        """(N, C) uncalibrated log-probabilities of each file: the mean over its windows.

        A classifier of file types gives next to none to those that the bytes rule out (`formats/signatures.py`).
        """
        files = [(window, reading.suffix) for reading in readings for window in reading.windows]
        rows = log_softmax(class_logits(self.model, files, batch=self.batch))
        counts = [len(reading.windows) for reading in readings]
        starts = np.cumsum([0, *counts[:-1]])
        sums: NDArray[np.float64] = np.add.reduceat(rows, starts) if counts else rows
        found = unsmoothed(sums / np.array(counts or 1, np.float64).reshape(-1, 1), self.label_smoothing)
        return self._without_ruled_out(found, readings) if self.tells_types else found

    def _without_ruled_out(self, logits: Probabilities, readings: Sequence[Reading]) -> Probabilities:
        """(N, C) log-probabilities in which types that the bytes of a file rule out are as good as impossible.

        The probability that a binary file loses goes to `unknown`, for its bytes look like a type that they are not;
        that of a text goes to the types that are left.
        """
        ruled_out = np.array([self._ruled_out(reading) for reading in readings], np.bool_).reshape(logits.shape)
        ruled_out &= ~ruled_out.all(1, keepdims=True)
        kept = np.where(ruled_out, -np.inf, logits)
        if UNKNOWN in self.labels:
            unknown = self.labels.index(UNKNOWN)
            binary = np.array([not reading.is_text for reading in readings], np.bool_)
            to_unknown = ruled_out & (binary & ~ruled_out[:, unknown])[:, None]
            lost = np.logaddexp.reduce(np.where(to_unknown, logits, -np.inf), 1)
            kept[:, unknown] = np.logaddexp(kept[:, unknown], lost)
        return np.maximum(log_softmax(kept), np.where(ruled_out, RULED_OUT_LOG, -np.inf))

    def _ruled_out(self, reading: Reading) -> list[bool]:
        """(C,) whether the bytes that were read rule out each label; lacking signatures count if there is `unknown`."""
        whole = reading.whole and UNKNOWN in self.labels
        types = frozenset.intersection(*(types_ruled_out(window, whole=whole) for window in reading.windows))
        return [label in types for label in self.labels]

    def are_outliers(self, readings: Sequence[Reading]) -> NDArray[np.bool_]:
        """(N,) whether each file is unlike the training files, so that the answer is `unknown` whatever the model says.

        Only the first window of a file is looked at.
        """
        if self.distribution is None:
            return np.zeros(len(readings), np.bool_)
        return np.array([self.distribution.is_outlier(reading.windows[0]) for reading in readings], np.bool_)

    def probabilities(self, files: Sequence[bytes]) -> Probabilities:
        """(N, C) calibrated probabilities of whole files. Raises InputError for a file that the model cannot read."""
        return self.scaling.probabilities(self.logits([self.read(io.BytesIO(data)) for data in files]))


_FORMS: dict[str, Literal["wav", "bmp"]] = {"wav": "wav", "bmp": "bmp"}
"""Suffix -> kind of `model_form`, for files that the models read in one form only."""


def _piece(file: BinaryIO, start: int, end: int) -> bytes:
    file.seek(start)
    return file.read(end - start)


def load_classifier(
    name: str,
    *,
    device: str = "auto",
    dtype: str = "float32",
    batch: int = DEFAULT_BATCH,
    engine_backend: str = "auto",
) -> Classifier:
    """Load a classifier, by name or path, on a device (`auto`: the first of `devices()`).

    `engine_backend` is `native`, `torch`, or `auto` for the first of them that can run the model there. `dtype` is
    float32; bfloat16, which only torch has; or `auto`: float32 on the native engine, and in torch the faster of the
    two. Raises ModelError if the model is missing, damaged or not a classifier, ConfigError for an unknown device,
    dtype or backend, or a batch below 1.
    """
    if batch < 1:
        raise ConfigError(f"batch {batch} is out of range; choose 1 or more.")
    if dtype == "int8":
        raise ConfigError("dtype int8 is for models that write files; choose another one.")
    stored = find_model(name)
    config = stored_config(stored.folder)
    if not getattr(config, "num_classes", 0):
        raise ModelError(f"the model {name!r} writes files; it cannot classify them.")
    model: ClassifierModel | ReadsFiles
    if choose_backend(config, engine_backend, device=device, dtype=dtype) == "native":
        model = load_native_classifier(stored.folder)
    else:
        model = _load_torch(stored.folder, device, dtype)
    card = read_card(stored.folder)
    calibration = read_class_calibration(card, stored.folder)
    wrong = _card_error(card, model.config.num_classes)
    if wrong:
        raise ModelError(wrong, file=str(stored.folder / CARD_FILE))
    suffixes = [task["target_suffix"] for task in card["tasks"] if task.get("task") == "classify"]
    return Classifier(
        name=stored.name,
        folder=stored.folder,
        model=model,
        labels=tuple(card["labels"]),
        suffixes=tuple(dict.fromkeys(suffixes)),
        windows=card.get("windows", "slide"),
        normalize=card.get("normalize", True),
        views=tuple(view for view in VIEWS if card.get(view.name, False)),
        label_smoothing=card.get("label_smoothing", 0.0),
        scaling=Scaling() if calibration is None else calibration.scaling,
        rule=UnknownRule() if calibration is None else calibration.rule,
        distribution=read_distribution(stored.folder, card),
        fragments=read_fragment_calibrations(card, stored.folder),
        next_models=card.get("next", {}),
        batch=batch,
    )


def _load_torch(folder: Path, device: str, dtype: str) -> ClassifierModel:
    from bytesim.engine.hardware import open_device, open_dtype
    from bytesim.models.weights import load_model

    opened = open_device(device)
    return cast("ClassifierModel", load_model(folder, dtype=open_dtype(dtype, opened)).to(opened))


def _card_error(card: dict[str, object], num_classes: int) -> str:
    """The first error in a classifier's card; empty if there is none."""
    labels, tasks = card.get("labels"), card.get("tasks")
    if not isinstance(labels, list) or not all(isinstance(label, str) and label for label in labels):
        return "the field labels is not a list of names."
    if len(labels) != num_classes or len(set(labels)) != len(labels):
        return f"the field labels has {len(set(labels))} different names for {num_classes} classes."
    if all(label == UNKNOWN for label in labels):
        return "the field labels has no name but unknown."
    if not isinstance(tasks, list) or not all(isinstance(entry, dict) for entry in tasks):
        return "the field tasks is not a list of tables."
    suffixes = [entry.get("target_suffix") for entry in tasks if entry.get("task") == "classify"]
    if not suffixes or not all(isinstance(suffix, str) and suffix for suffix in suffixes):
        return "the field tasks names no suffix of files to classify."
    if card.get("windows", "slide") not in WINDOW_RULES:
        return f"the field windows is {card['windows']!r}; it must be one of {', '.join(WINDOW_RULES)}."
    if not isinstance(card.get("normalize", True), bool):
        return "the field normalize is neither true nor false."
    for view in VIEWS:
        if not isinstance(card.get(view.name, False), bool):
            return f"the field {view.name} is neither true nor false."
    following = card.get("next", {})
    if not isinstance(following, dict) or not all(isinstance(name, str) and name for name in following.values()):
        return "the field next is not a table of labels and model names."
    if not following.keys() <= set(labels):
        return f"the field next has {min(following.keys() - set(labels))!r}, which is not among the labels."
    smoothing = card.get("label_smoothing", 0.0)
    if isinstance(smoothing, bool) or not isinstance(smoothing, int | float) or not 0 <= smoothing < 1:
        return f"the field label_smoothing is {smoothing!r}; it must be a number from 0 to less than 1."
    return ""
