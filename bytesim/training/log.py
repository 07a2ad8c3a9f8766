"""The log of a training: a JSON object on each line, one line for each step and each validation. No torch."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bytesim.errors import OutputError
from bytesim.training.progress import LARGEST_COUNT, json_object

LOG_FILE = "log.jsonl"
LOSS = "validation_loss_nats"
"""Key of the loss of a validation."""
MAX_LINE_BYTES = 1 << 20
"""Longest line; a longer one is damaged."""


class TrainingLog:
    """log.jsonl of a run folder. The line of a step is written before any checkpoint that includes the step."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / LOG_FILE

    def write(self, line: dict[str, Any]) -> None:
        """Append a line, whose numbers are finite. Raises OutputError."""
        try:
            with self.path.open("a", encoding="utf-8", newline="\n") as log:
                log.write(json.dumps(line, allow_nan=False) + "\n")
        except OSError as error:
            raise self._error("written", error) from error

    def lines(self) -> Iterator[dict[str, Any]]:
        """The lines in order, up to the first damaged one: a run may be killed while it writes. Raises OutputError."""
        try:
            with self.path.open("rb") as log:
                while text := log.readline(MAX_LINE_BYTES):
                    line = _parsed(text)
                    if line is None:
                        return
                    yield line
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._error("read", error) from error

    def cut(self, step: int) -> None:
        """Drop the lines after the checkpoint of `step`, whose steps will be repeated. Raises OutputError."""
        if not os.path.lexists(self.path):
            return
        kept = [json.dumps(line) + "\n" for line in self.lines() if line["step"] <= step]
        temporary = self.path.with_name(f".{LOG_FILE}.tmp")  # a kill during the write must not lose the log
        try:
            temporary.write_text("".join(kept), encoding="utf-8", newline="\n")
            os.replace(temporary, self.path)
        except OSError as error:
            raise self._error("written", error) from error
        finally:
            temporary.unlink(missing_ok=True)

    def validation(self, step: int) -> tuple[dict[str, float], float] | None:
        """The last validation at a step: its figures and its loss; None if there was none."""
        kept = [line for line in self.lines() if line["step"] == step and LOSS in line and "validation" in line]
        return (kept[-1]["validation"], kept[-1][LOSS]) if kept else None

    def _error(self, what: str, error: OSError) -> OutputError:
        return OutputError(f"the log cannot be {what} ({error.strerror}).", file=str(self.path))


def _parsed(text: bytes) -> dict[str, Any] | None:
    """The object of a line; None if it is damaged: cut, not JSON, or with values that no training writes."""
    if not text.endswith(b"\n"):
        return None
    try:
        line = json_object(text.decode("utf-8"))
    except ValueError:
        return None
    figures = line.get("validation", {})
    if not isinstance(figures, dict) or type(line.get("step")) is not int or not 0 <= line["step"] <= LARGEST_COUNT:
        return None
    numbers = [value for name, value in line.items() if name != "validation"]
    return line if all(map(_is_number, (*numbers, *figures.values()))) else None


def _is_number(value: Any) -> bool:
    """Whether a value is a finite number that a float can hold."""
    try:
        return type(value) in (int, float) and math.isfinite(value)
    except OverflowError:
        return False
