"""The records of a maker and of one job for it."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE

TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Job:
    """The input of a maker: files of one origin, settings, a seeded random generator and a scratch folder."""

    inputs: tuple[Path, ...]
    names: tuple[str, ...]
    settings: str
    rng: random.Random
    folder: Path

    def read(self, index: int = 0) -> bytes:
        """The bytes of one input."""
        return self.inputs[index].read_bytes()

    def lay_out(self) -> list[str]:
        """Copy the inputs into the scratch folder under their own names. Returns their names there."""
        laid: list[str] = []
        for path, name in zip(self.inputs, self.names, strict=True):
            short = re.sub(r"[^\w.+-]", "_", name.rsplit("/", 1)[-1]) or "file"
            short = short if short not in laid else f"{len(laid)}_{short}"
            shutil.copyfile(path, self.folder / short)
            laid.append(short)
        return laid

    def run(self, *command: str | Path, stdin: bytes = b"") -> bytes:
        """Run a program in the scratch folder. Returns its output. Raises CalledProcessError or TimeoutExpired.

        Its whole process group is killed at the end, because programs such as LibreOffice start others.
        """
        words = [str(word) for word in command]
        process = subprocess.Popen(words, cwd=self.folder, start_new_session=True, stdin=PIPE, stdout=PIPE, stderr=PIPE)
        try:
            output, complaint = process.communicate(stdin, TIMEOUT_S)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, words, output, complaint)
        return output


@dataclass(frozen=True, slots=True)
class Maker:
    """How files of one type are made."""

    type: str
    make: Callable[[Job], bytes]
    settings: tuple[str, ...]
    """One is drawn for each file; the last of several is held out for the test."""
    feed: str
    """Type of its inputs, or a key of `make.FEEDS` such as image, sound, text, any."""
    tools: tuple[str, ...] = ()
    """Programs that it needs, by name; `python:NAME` for a Python package."""
    count: int = 260
    """Number of files that this maker makes."""
    most_inputs: int = 1
    least_bytes: int = 0
    """Smaller inputs are not used."""
    slow: bool = False
    """Whether a file takes seconds; slow makers run last."""
