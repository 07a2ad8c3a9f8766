"""The base class of settings: every wrong value raises a ConfigError of one line with its key. No torch."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import MISSING, dataclass
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from bytesim.errors import ConfigError

SettingsT = TypeVar("SettingsT", bound="Settings")


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """The range of a number. NaN and infinities are never in it."""

    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    below: float | None = None

    def broken(self, value: float) -> str:
        """The bound that a value breaks, in words; empty if it breaks none."""
        if self.at_least is not None and value < self.at_least:
            return f"of at least {self.at_least}"
        if self.above is not None and value <= self.above:
            return f"above {self.above}"
        if self.at_most is not None and value > self.at_most:
            return f"of at most {self.at_most}"
        if self.below is not None and value >= self.below:
            return f"below {self.below}"
        return ""


LARGEST = 10**12
"""Greatest number of a setting; greater ones would only overflow later."""
Count = Annotated[int, Bounds(at_least=0, at_most=LARGEST)]
Amount = Annotated[float, Bounds(at_least=0, at_most=LARGEST)]
PositiveAmount = Annotated[float, Bounds(above=0, at_most=LARGEST)]
Share = Annotated[float, Bounds(at_least=0, at_most=1)]
ShareBelowOne = Annotated[float, Bounds(at_least=0, below=1)]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """A frozen dataclass whose values are checked. An int is accepted for a float; nothing else is converted.

    Fields are bool, int, float, str, a Literal of texts, or one of these or None; Annotated adds Bounds. Raises
    ConfigError for a wrong value.
    """

    def __post_init__(self) -> None:
        kind: Any = type(self)
        for name, hint in _hints(kind).items():
            object.__setattr__(self, name, _checked(name, getattr(self, name), hint))

    @classmethod
    def of(cls: type[SettingsT], values: Mapping[str, Any]) -> SettingsT:
        """The settings in a table. Raises ConfigError for an unknown key, a missing one or a wrong value."""
        known = cls.defaults()
        for name in values:  # first, because an unknown key may be a misspelt required one
            if name not in known:
                raise ConfigError(cls.unknown_key(name))
        for name, default in known.items():
            if default is MISSING and name not in values:
                raise ConfigError(f"lacks {name}.")
        return cls(**values)

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Key -> default value, in order; MISSING for a key that must be given."""
        return {field.name: field.default for field in dataclasses.fields(cls)}

    @classmethod
    def unknown_key(cls, name: str) -> str:
        """The message for a key that does not exist."""
        return f"unknown key {name}. Known are {', '.join(cls.defaults())}."

    def to_dict(self) -> dict[str, Any]:
        """Plain values, from which `of` makes the settings again."""
        return {name: getattr(self, name) for name in self.defaults()}

    def changed(self) -> dict[str, Any]:
        """The plain values that differ from the defaults."""
        return {name: value for name, value in self.to_dict().items() if value != self.defaults()[name]}

    def replace(self: SettingsT, **changes: Any) -> SettingsT:
        """A copy with other values. Raises ConfigError."""
        return type(self).of({**self.to_dict(), **changes})


@cache
def _hints(kind: Any) -> dict[str, Any]:
    """Name -> type of each field, evaluated once for each class."""
    hints = get_type_hints(kind, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


def _checked(name: str, value: Any, hint: Any) -> Any:
    """The value of a field, an int as a float where the field is one. Raises ConfigError if it has another type."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return None if value is None else _checked(name, value, parts[0])
    if origin is Literal:
        if type(value) is not str or value not in parts:
            raise ConfigError(f"{name} is {shown(value)}; choose {_either(parts)}.")
        return value
    kind, bounds = (parts[0], parts[1]) if origin is Annotated else (hint, Bounds())
    if type(value) is not kind and not (kind is float and type(value) is int):
        raise ConfigError(f"{name} is {shown(value)}; expected {_EXPECTED[kind]}.")
    if kind is str and not _is_unicode(value):
        raise ConfigError(f"{name} is {shown(value)}; expected text that can be written as UTF-8.")
    if kind not in (int, float):
        return value
    number = _as_float(value) if kind is float else value
    if kind is float and not math.isfinite(number):
        raise ConfigError(f"{name} is {shown(value)}; expected a finite number.")
    problem = bounds.broken(number)
    if problem:
        raise ConfigError(f"{name} is {shown(value)}; choose a number {problem}.")
    return number


def shown(value: Any) -> str:
    """A value as an error shows it: at most 100 characters."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # Python writes no number of thousands of digits
        text = "a value that cannot be shown"
    return text if len(text) <= 100 else f"{text[:100]}..."


_EXPECTED = {
    int: "int, a whole number",
    float: "float, a number",
    bool: "bool, true or false",
    str: "str, a text",
}


def _either(choices: tuple[str, ...]) -> str:
    return " or ".join(filter(None, (", ".join(choices[:-1]), choices[-1])))


def _as_float(value: float) -> float:
    """The nearest float; infinity beyond all of them."""
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _is_unicode(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
