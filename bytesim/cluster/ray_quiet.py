"""What Ray and its processes say goes to a log: bytesim's own lines alone reach the user."""

from __future__ import annotations

import logging
import os
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO, cast

_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DEDUP_LOGS": "0",
}
"""No reports to anybody outside, and no lines that are not bytesim's."""


_RAYS_THREADS = "ray_"
"""What the names of the threads begin with in which Ray prints what its processes report."""


@contextmanager
def quiet(log: Path) -> Iterator[None]:
    """Send what Ray prints to a log: from this process, and from those that it starts, which write below Python."""
    os.environ.update({name: value for name, value in _ENVIRONMENT.items() if name not in os.environ})
    logged = logging.root.manager.disable
    logging.disable(logging.CRITICAL)  # Ray sets the levels of its own loggers again as it goes
    try:
        with ExitStack() as stack:
            stack.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")
            file = stack.enter_context(open(log, "a", encoding="utf-8", errors="backslashreplace"))
            stack.enter_context(_stderr_to(file))
            stack.enter_context(_threads_to(file))
            yield
    finally:
        logging.disable(logged)


@contextmanager
def _threads_to(log: TextIO) -> Iterator[None]:
    """Let what threads of Ray print go to a log."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (stream and cast(TextIO, _Sorted(stream, log)) for stream in before)  # None if closed
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


class _Sorted:
    """A text stream, in whose place a log takes what threads of Ray write."""

    def __init__(self, stream: TextIO, log: TextIO) -> None:
        self._stream, self._log = stream, log

    def write(self, text: str) -> int:
        is_rays = threading.current_thread().name.startswith(_RAYS_THREADS)
        return (self._log if is_rays else self._stream).write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def _stderr_to(log: TextIO) -> Iterator[None]:
    """Let the system's stderr be a log, where it is a file descriptor, and Python's be what it was."""
    try:
        number = sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):  # a notebook, or a test that catches the output
        yield
        return
    before, kept = sys.stderr, os.dup(number)
    before.flush()
    encoding = getattr(before, "encoding", None) or "utf-8"
    with open(kept, "w", buffering=1, encoding=encoding, errors="backslashreplace") as ours:
        os.dup2(log.fileno(), number)
        sys.stderr = ours
        try:
            yield
        finally:
            sys.stderr = before
            with suppress(ValueError):
                ours.flush()
            os.dup2(kept, number)
