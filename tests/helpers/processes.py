"""Processes that a test has started, and those that they start, as Linux lists them."""

import time
from pathlib import Path


def children_of(pid: int, count: int) -> list[str]:
    """The ids of the processes that one has started, as soon as there are so many."""
    for _ in range(4800):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        if len(children) >= count:
            return children
        time.sleep(0.05)
    raise AssertionError("no processes were started")
