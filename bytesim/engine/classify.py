"""Runs a classifier on batches of files of similar length.

Axes: N files, B files of a batch, P patches, S bytes per patch, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from bytesim.models.interface import ClassifierModel
from bytesim.patching import END_OF_PATCH, frame_file

DEFAULT_BATCH = 32
"""Files in a batch."""


@torch.inference_mode()
def class_logits(
    model: ClassifierModel, files: Sequence[tuple[bytes, str]], *, batch: int = DEFAULT_BATCH
) -> NDArray[np.float32]:
    """(N, C) logits of files (bytes, suffix), each of which must fit the model's history."""
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
        logits[rows] = model.classify(patches.to(device), lengths.to(device)).float().cpu().numpy()
    return logits
