"""Processes that a test starts and sends signals to, and those that they start, as Linux lists them."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any


def start_process(command: list[str], **options: Any) -> subprocess.Popen[Any]:
    """Start a program that Ctrl-C interrupts, even where whatever started the tests ignores Ctrl-C, as nohup does.

    A new program ignores the signals that its parent ignores. Those that its parent handles get their default handler.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(command, **options)
    finally:
        signal.signal(signal.SIGINT, before)


def start_bytesim(*arguments: str, **options: Any) -> subprocess.Popen[Any]:
    """Start the command line in a process of its own; see `start_process`."""
    return start_process([sys.executable, "-m", "bytesim", *arguments], **options)


def children_of(pid: int, count: int) -> list[str]:
    """The ids of the processes that one has started, as soon as there are so many; a minute at most."""
    for _ in range(1200):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        if len(children) >= count:
            return children
        time.sleep(0.05)
    raise AssertionError("no processes were started")
