"""Runs a classifier on batches of files of similar length.

Axes: N files, B files of a batch, P patches, S bytes per patch, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeGuard, cast

import numpy as np
from numpy.typing import NDArray

from bytesim.engine.sampling import check_finite
from bytesim.patching import END_OF_PATCH, frame_file

if TYPE_CHECKING:
    from bytesim.models.interface import ClassifierModel

DEFAULT_BATCH = 32
"""Files in a batch."""


class ReadsFiles(Protocol):
    """A classifier that reads files itself, such as that of the native engine."""

    @property
    def config(self) -> Any:
        """The config: `num_classes`, `patch_size`, `max_patches` and fields of the architecture."""

    @property
    def number_type(self) -> str:
        """The number type of the computations."""

    def file_logits(self, files: Sequence[tuple[bytes, str]]) -> NDArray[np.float32]:
        """(N, C) logits of files (bytes, suffix), each of which must fit the model's history."""


def reads_files(model: ClassifierModel | ReadsFiles) -> TypeGuard[ReadsFiles]:
    """Whether a classifier reads files itself."""
    return hasattr(model, "file_logits")


def number_type_of(model: ClassifierModel | ReadsFiles) -> str:
    """The number type of a classifier, such as float32."""
    if reads_files(model):
        return model.number_type
    return str(next(iter(cast("ClassifierModel", model).parameters())).dtype).removeprefix("torch.")


def class_logits(
    model: ClassifierModel | ReadsFiles, files: Sequence[tuple[bytes, str]], *, batch: int = DEFAULT_BATCH
) -> NDArray[np.float32]:
    """(N, C) logits of files (bytes, suffix), each of which must fit the model's history.

    Raises ModelError if the model computes NaN or infinity.
    """
    if not files:
        return np.zeros((0, model.config.num_classes), np.float32)
    if reads_files(model):
        logits = model.file_logits(files)
    else:
        logits = _in_batches(cast("ClassifierModel", model), files, batch)
    check_finite(logits)
    return logits


def _in_batches(model: ClassifierModel, files: Sequence[tuple[bytes, str]], batch: int) -> NDArray[np.float32]:
    import torch

    device = next(iter(model.parameters())).device
    size = model.config.patch_size
    logits = np.zeros((len(files), model.config.num_classes), np.float32)
    order = sorted(range(len(files)), key=lambda index: len(files[index][0]))
    for start in range(0, len(order), batch):
        rows = order[start : start + batch]
        framed = [frame_file(*files[index], size) for index in rows]
        lengths = torch.tensor([len(patches) for patches in framed])
        patches = torch.full((len(rows), int(lengths.max()), size), END_OF_PATCH)
        for row, file in enumerate(framed):
            patches[row, : len(file)] = torch.from_numpy(file.astype(np.int64))
        with torch.inference_mode():
            logits[rows] = model.classify(patches.to(device), lengths.to(device)).float().cpu().numpy()
    return logits
