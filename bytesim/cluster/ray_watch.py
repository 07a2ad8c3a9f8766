"""Tells the user when a cluster has too few CPUs for a run, because computers have left it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Note = Callable[[str], None]
"""Called with a message for the user."""
EVERY_S = 10.0
"""How often the CPUs of a cluster are counted."""
_ENDING_S = 1.0


def tell_nobody(note: str) -> None:
    """Where nobody wants messages."""


@contextmanager
def watch_cpus(count: Callable[[], int], needed: int, on_note: Note, every_s: float = EVERY_S) -> Iterator[None]:
    """Call `on_note`, in another thread, when a cluster has too few CPUs, and when it has enough again."""
    ended = threading.Event()

    def watch() -> None:
        told = needed
        while not ended.wait(every_s):
            try:
                cpus = min(needed, count())
            except Exception:  # Ray is about to end, or it is lost, and then the run itself fails
                continue
            if cpus != told and not ended.is_set():
                on_note(_note(cpus, needed))
                told = cpus

    thread = threading.Thread(target=watch, name="bytesim-watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(timeout=_ENDING_S)  # without its head a cluster answers late, and the run is not to wait for it


def _note(cpus: int, needed: int) -> str:
    if cpus == needed:
        return f"the cluster again has the {needed} CPUs that this run needs"
    return (
        f"the cluster has {cpus} of the {needed} CPUs that this run needs: files wait for computers that join it. "
        "Ctrl-C ends the run; the ledger keeps what is done, and the same command goes on."
    )
