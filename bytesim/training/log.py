"""The log of a training: a JSON object on each line, one line for each step and each validation. No torch."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bytesim.errors import OutputError

LOG_FILE = "log.jsonl"
LOSS = "validation_loss_nats"
"""Key of the loss of a validation."""


class TrainingLog:
    """log.jsonl of a run folder. The line of a step is written before any checkpoint that includes the step."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / LOG_FILE

    def write(self, line: dict[str, Any]) -> None:
        """Append a line. Raises OutputError."""
        try:
            with self.path.open("a", encoding="utf-8") as log:
                log.write(json.dumps(line) + "\n")
        except OSError as error:
            raise OutputError(f"the log cannot be written ({error.strerror}).", file=str(self.path)) from error

    def lines(self) -> Iterator[dict[str, Any]]:
        """The lines in order, up to the first damaged one: a run may be killed while it writes."""
        if not self.path.exists():
            return
        with self.path.open(encoding="utf-8", errors="replace") as log:
            for text in log:
                try:
                    line = json.loads(text)
                except ValueError:
                    return
                if not text.endswith("\n") or not isinstance(line, dict) or not isinstance(line.get("step"), int):
                    return
                yield line

    def cut(self, step: int) -> None:
        """Drop the lines after the checkpoint of `step`, whose steps will be repeated. Raises OutputError."""
        if not self.path.exists():
            return
        kept = [json.dumps(line) + "\n" for line in self.lines() if line["step"] <= step]
        temporary = self.path.with_name(f".{LOG_FILE}.tmp")  # a kill during the write must not lose the log
        try:
            temporary.write_text("".join(kept), encoding="utf-8")
            os.replace(temporary, self.path)
        except OSError as error:
            raise OutputError(f"the log cannot be written ({error.strerror}).", file=str(self.path)) from error

    def validation(self, step: int) -> tuple[dict[str, float], float] | None:
        """The last validation at a step: its figures and its loss; None if there was none."""
        kept = [line for line in self.lines() if line["step"] == step and LOSS in line and "validation" in line]
        return (kept[-1]["validation"], kept[-1][LOSS]) if kept else None
