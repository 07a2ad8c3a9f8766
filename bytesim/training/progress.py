"""What a training has done so far, as its checkpoints store it. No torch."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LARGEST_COUNT = 1 << 53
"""Greatest number of steps or bytes; greater ones are signs of damage."""
_LARGEST_SECONDS = 1e12


@dataclass(slots=True)
class Progress:
    """The progress of a training. Learning rate and data order depend only on `step` and `total_steps`."""

    step: int = 0
    """Steps done."""
    total_steps: int | None = None
    """None until a budget in minutes has been converted to steps."""
    seconds: float = 0.0
    """Time spent in training, over all runs."""
    bytes_seen: int = 0
    """Scored bytes."""

    def to_json(self) -> str:
        """A JSON object, from which `from_json` makes the progress again."""
        return json.dumps({name: getattr(self, name) for name in Progress.__slots__})

    @classmethod
    def from_json(cls, text: str) -> Progress:
        """The progress in a JSON object. Raises ValueError for a field that is missing, unknown, or cannot be."""
        values = json_object(text)
        if values.keys() != set(cls.__slots__):
            raise ValueError(f"the progress has the fields {', '.join(values)[:100]}")
        total = values["total_steps"]
        return cls(
            step=count_of(values, "step"),
            total_steps=None if total is None else count_of(values, "total_steps"),
            seconds=number_of(values, "seconds", at_least=0.0),
            bytes_seen=count_of(values, "bytes_seen"),
        )


def json_object(text: str) -> dict[str, Any]:
    """The object in a JSON text. Raises ValueError for anything else, and for NaN and Infinity, which JSON lacks."""
    try:
        values = json.loads(text, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("too deeply nested for a JSON object") from error
    if not isinstance(values, dict):
        raise ValueError("not a JSON object")
    return values


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def count_of(values: Mapping[str, Any], name: str) -> int:
    """A whole number from 0 to LARGEST_COUNT. Raises ValueError."""
    value = values.get(name)
    if type(value) is not int or not 0 <= value <= LARGEST_COUNT:
        raise ValueError(f"{name} is not a number from 0 to {LARGEST_COUNT}")
    return value


def number_of(values: Mapping[str, Any], name: str, *, at_least: float = -_LARGEST_SECONDS) -> float:
    """A finite number of at most 1e12. Raises ValueError."""
    value: Any = values.get(name)
    if type(value) not in (int, float) or not at_least <= value <= _LARGEST_SECONDS or not math.isfinite(value):
        raise ValueError(f"{name} is not a number of at least {at_least:g} and at most {_LARGEST_SECONDS:g}")
    return float(value)
