"""Records of settings: each wrong value is a ConfigError of one line that names its key. No torch."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, Field, ValidationError

from bytesim.errors import ConfigError

SettingsT = TypeVar("SettingsT", bound="Settings")

Count = Annotated[int, Field(ge=0)]
Amount = Annotated[float, Field(ge=0)]
PositiveAmount = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
ShareBelowOne = Annotated[float, Field(ge=0, lt=1)]


class Settings(BaseModel, frozen=True, extra="forbid", strict=True, allow_inf_nan=False):
    """A frozen record. Whole numbers serve as fractions; nothing else is converted, and no unknown key is accepted.

    Raises ConfigError for the first value that does not fit.
    """

    def __init__(self, /, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise ConfigError(self._problem(error)) from error

    def replace(self: SettingsT, **changes: Any) -> SettingsT:
        """The record with other values. Raises ConfigError."""
        return type(self)(**{**dict(self), **changes})

    @classmethod
    def unknown_key(cls, name: str) -> str:
        """What is wrong with a key that the record does not have."""
        return f"unknown key {name}. Known are {', '.join(cls.model_fields)}."

    @classmethod
    def _problem(cls, error: ValidationError) -> str:
        """The first thing that is wrong, in one line; an unknown key comes first, as it may be a misspelt one."""
        problem = min(error.errors(include_url=False), key=lambda problem: problem["type"] != "extra_forbidden")
        name, kind = str(problem["loc"][0]), problem["type"]
        if kind == "extra_forbidden":
            return cls.unknown_key(name)
        if kind == "missing":
            return f"lacks {name}."
        said = f"{name} is {problem['input']!r}"
        if kind == "literal_error":
            return f"{said}; choose {problem['ctx']['expected'].replace(chr(39), '')}."
        if kind in _BOUNDS:
            what, limit = _BOUNDS[kind]
            return f"{said}; choose a number {what} {problem['ctx'][limit]}."
        if kind in _EXPECTED:
            return f"{said}; expected {_EXPECTED[kind]}."
        return f"{said}: {' '.join(problem['msg'].split())}."


_BOUNDS = {
    "greater_than_equal": ("of at least", "ge"),
    "greater_than": ("above", "gt"),
    "less_than_equal": ("of at most", "le"),
    "less_than": ("below", "lt"),
}
"""Type of a pydantic error -> how the bound is put into words, and where pydantic keeps it."""
_EXPECTED = {
    "int_type": "int, a whole number",
    "float_type": "float, a number",
    "finite_number": "a finite number",
    "bool_type": "bool, true or false",
    "string_type": "str, a text",
}
