"""The base class of settings: every wrong value raises a ConfigError of one line with its key. No torch."""

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
    """A frozen pydantic model. An int is accepted for a float; nothing else is converted.

    Raises ConfigError for the first unknown key or wrong value.
    """

    def __init__(self, /, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise ConfigError(self._problem(error)) from error

    def replace(self: SettingsT, **changes: Any) -> SettingsT:
        """A copy with other values. Raises ConfigError."""
        return type(self)(**{**dict(self), **changes})

    @classmethod
    def unknown_key(cls, name: str) -> str:
        """The message for a key that does not exist."""
        return f"unknown key {name}. Known are {', '.join(cls.model_fields)}."

    @classmethod
    def _problem(cls, error: ValidationError) -> str:
        """The message for the first error; unknown keys come first, because one may be a misspelt required key."""
        problem = min(error.errors(include_url=False), key=lambda problem: problem["type"] != "extra_forbidden")
        name, kind = str(problem["loc"][0]), problem["type"]
        if kind == "extra_forbidden":
            return cls.unknown_key(name)
        if kind == "missing":
            return f"lacks {name}."
        setting = f"{name} is {problem['input']!r}"
        if kind == "literal_error":
            return f"{setting}; choose {problem['ctx']['expected'].replace(chr(39), '')}."
        if kind in _BOUNDS:
            bound, limit = _BOUNDS[kind]
            return f"{setting}; choose a number {bound} {problem['ctx'][limit]}."
        if kind in _EXPECTED:
            return f"{setting}; expected {_EXPECTED[kind]}."
        return f"{setting}: {' '.join(problem['msg'].split())}."


_BOUNDS = {
    "greater_than_equal": ("of at least", "ge"),
    "greater_than": ("above", "gt"),
    "less_than_equal": ("of at most", "le"),
    "less_than": ("below", "lt"),
}
"""Type of a pydantic error -> wording of the bound, and its key in the error's `ctx`."""
_EXPECTED = {
    "int_type": "int, a whole number",
    "float_type": "float, a number",
    "finite_number": "a finite number",
    "bool_type": "bool, true or false",
    "string_type": "str, a text",
}
