"""The weights of a model folder as float32 arrays, without torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bytesim.errors import ModelError
from bytesim.models.folder import NOT_FINITE, SCALE, WEIGHTS_FILE, one_line, weight_shapes

_TYPES = {"I64": np.int64, "F32": np.float32, "F16": np.float16, "F64": np.float64, "BF16": np.uint16, "I8": np.int8}


def read_weights(folder: Path) -> dict[str, NDArray[np.float32]]:
    """Name -> weight, in float32.

    Raises ModelError for a file that is missing, damaged or of other number types, and for a value that is not finite.
    """
    path = folder / WEIGHTS_FILE
    shapes = weight_shapes(folder)
    try:
        mapped = np.memmap(path, np.uint8, mode="r")
        length = int.from_bytes(mapped[:8].tobytes(), "little")
        header = json.loads(mapped[8 : 8 + length].tobytes())
        stored = {name: _array(header[name], mapped[8 + length :]) for name in header if name != "__metadata__"}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"the weights cannot be read: {one_line(error)}. Fetch the file again.", file=str(path)
        ) from error
    weights = {name: _expanded(name, stored) for name in shapes}
    for name, values in weights.items():
        if values.size and not (np.isfinite(values.min()) and np.isfinite(values.max())):  # NaN makes both NaN
            raise ModelError(NOT_FINITE.format(name=name), file=str(path))
    return weights


class NamedWeights:
    """Weights that are taken by name: each must have the shape that the config asks for, and all must be taken."""

    def __init__(self, weights: Mapping[str, NDArray[np.float32]]) -> None:
        self._weights = weights
        self._taken: set[str] = set()

    def take(self, name: str, *shape: int) -> NDArray[np.float32]:
        """The weight of this name. Raises ModelError if it is missing or has another shape."""
        found = self._weights.get(name)
        if found is None or found.shape != shape:
            stored = "absent" if found is None else found.shape
            raise ModelError(f"config and weights do not belong together: {name!r} should be {shape}, is {stored}.")
        self._taken.add(name)
        return found

    def under(self, prefix: str) -> NamedWeights:
        """The weights whose names begin with this prefix, named without it; all of them count as taken."""
        names = [name for name in self._weights if name.startswith(prefix)]
        self._taken.update(names)
        return NamedWeights({name.removeprefix(prefix): self._weights[name] for name in names})

    def check_all_taken(self) -> None:
        """Raise ModelError if there are weights that were not taken."""
        for name in sorted(self._weights.keys() - self._taken):
            shape = self._weights[name].shape
            raise ModelError(f"config and weights do not belong together: {name!r} should be absent, is {shape}.")


def _array(entry: dict[str, Any], data: NDArray[np.uint8]) -> NDArray[Any]:
    first, last = entry["data_offsets"]
    values = np.frombuffer(data[first:last], _TYPES[entry["dtype"]]).reshape(entry["shape"])
    if entry["dtype"] == "BF16":  # the upper half of a float32
        return (values.astype(np.uint32) << 16).view(np.float32)
    return values


def _expanded(name: str, stored: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
    values = stored[name]
    if values.dtype == np.int8:
        scales = stored[name + SCALE]
        return values.astype(np.float32) * scales.reshape(-1, *[1] * (values.ndim - 1))
    return np.array(values, np.float32, order="C")  # a copy: the file may change later
