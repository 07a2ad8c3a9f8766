"""Builds config dataclasses from the plain values of a config.json. No torch."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, TypeVar

from bytesim.errors import ConfigError

T = TypeVar("T")


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
