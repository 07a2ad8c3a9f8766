"""The program: `python -m bytesim`, and the script `bytesim`."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from types import FrameType

INTERRUPTED = 130
"""Exit code after Ctrl-C: 128 + SIGINT, as shells report it of other programs."""


def main() -> None:
    """Run the command line and end the program. Ctrl-C ends it without a traceback, however early or late it comes."""
    _fill_closed_files()
    try:
        from bytesim.cli import main as run

        run()
    except SystemExit as stop:
        _end_worker(stop)
        raise
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    finally:
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, _end)


def _fill_closed_files() -> None:
    """Open the null device where stdin, stdout or stderr are closed: a file opened later would take their numbers, and
    what a library prints would end up in it."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _end_worker(stop: SystemExit) -> None:
    """End a process of torchrun at once: threads of its connections sometimes abort it while Python shuts down."""
    if os.environ.get("WORLD_SIZE", "1") == "1" or "torch.distributed" not in sys.modules:
        return
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):
            stream.flush()
    os._exit(stop.code if isinstance(stop.code, int) else int(stop.code is not None))


def _end(number: int, frame: FrameType | None) -> None:
    """End at once, for Ctrl-C while Python shuts down: everything is written by then."""
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    main()
