"""Ends a training whose numbers have left the range of floats: nothing of it may be written. No torch."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

from bytesim.errors import ConfigError


def check_finite(what: str, values: Iterable[float], learning_rate: float, folder: Path) -> None:
    """Raise ConfigError if one of the values is NaN or infinite; `what` they are, and of which step, in words."""
    for value in values:
        if not math.isfinite(value):
            raise diverged(f"the {what} is {value}", learning_rate, folder)


def diverged(what: str, learning_rate: float, folder: Path) -> ConfigError:
    """The error of such a training in a run folder; `what` is wrong, in words."""
    return ConfigError(
        f"the training diverged: {what}. Lower learning_rate, which is {learning_rate:g}, and train again: the run "
        "goes on from its last checkpoint, or with another --out from the start.",
        file=str(folder),
    )
