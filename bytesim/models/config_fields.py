"""Builds config dataclasses from the plain values of a config.json. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any, TypeVar

from bytesim.errors import ConfigError

T = TypeVar("T")

MOST = 1 << 24
"""Greatest value of a whole number in a config, where its field has no limit of its own."""
MOST_LAYERS = 1 << 12


def check_greatest(config: object, limits: Mapping[str, int] = MappingProxyType({})) -> None:
    """Raise ConfigError for a whole number above the limit of its field, so that building the model costs little time.

    `limits` gives the limits (field -> greatest value) that are neither MOST nor, for numbers of layers, MOST_LAYERS.
    """
    for field in fields(config):  # type: ignore[arg-type]
        value = getattr(config, field.name)
        most = limits.get(field.name, MOST_LAYERS if field.name.endswith("layers") else MOST)
        if isinstance(value, int) and not isinstance(value, bool) and value > most:
            raise ConfigError(f"{field.name} is above {most:,}, the greatest value that bytesim takes.")


def config_from_dict(kind: type[T], values: dict[str, Any]) -> T:
    """A config dataclass from plain values. Raises ConfigError for unknown keys or values of the wrong type.

    A list is accepted for a tuple of whole numbers, and an int for a float; nothing else is converted.
    """
    known = {field.name: str(field.type) for field in fields(kind)}  # type: ignore[arg-type]
    given = {key: value for key, value in values.items() if key != "architecture"}
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise ConfigError(f"unknown model settings: {', '.join(unknown)}.")
    return kind(**{key: _checked(key, value, known[key]) for key, value in given.items()})


def _checked(key: str, value: Any, annotation: str) -> Any:
    if annotation.startswith("tuple"):
        if not isinstance(value, (list, tuple)) or not all(type(number) is int for number in value):
            raise ConfigError(f"{key} is {value!r}; expected a list of whole numbers.")
        return tuple(value)
    if annotation == "float" and type(value) is int:
        return float(value)
    expected: type = {"int": int, "bool": bool, "float": float}.get(annotation, str)
    if type(value) is not expected:
        raise ConfigError(f"{key} is {value!r}; expected a value of type {expected.__name__}.")
    return value
