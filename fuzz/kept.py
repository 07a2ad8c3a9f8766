"""Kept inputs: nasty files in fuzz/corpus, or descriptions of large ones, each with the answer that it must get.

`python -m fuzz.kept` checks all of them. `python -m fuzz.kept --record` writes the answers of new ones to the manifest:
read them before you commit them. A new file goes to fuzz/corpus/TARGET/NAME, with `-` for `/` in the target's name.
A kept card of a model names the size and hash of a file "as it is", because weights differ between processors.
`python -m fuzz.kept --pack` moves such files into fuzz/corpus/files.zip: a thousand small ones fill many times their
size on a disk.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import os
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bytesim.errors import BytesimError
from fuzz.child import limit_memory
from fuzz.makers import made
from fuzz.targets import TARGETS
from fuzz.targets.target import Run, check_folder, empty, putting_back

CORPUS = Path(__file__).resolve().parent / "corpus"
MANIFEST = CORPUS / "manifest.json"
ARCHIVE = CORPUS / "files.zip"
OK = "ok"


@dataclass(frozen=True)
class Kept:
    """One kept input."""

    target: str
    name: str
    """The name of its file, or of its description."""
    answer: dict[str, Any] | None
    """`{"expected": "ok"}`, or the class, first words and offset of its error. None: not recorded."""
    description: dict[str, Any] | None = None
    """What fuzz.makers makes the input of; None for an input that is a file."""

    def data(self) -> bytes:
        """The input: it is made, or read from its own file, or from the archive."""
        if self.description is not None:
            return made(self.description)
        return self.path.read_bytes() if self.path.is_file() else packed()[self.member]

    @property
    def path(self) -> Path:
        return folder_of(self.target) / self.name

    @property
    def member(self) -> str:
        """Its name in the archive."""
        return self.path.relative_to(CORPUS).as_posix()

    @property
    def is_large(self) -> bool:
        return self.description is not None


def folder_of(target: str) -> Path:
    """The folder of the files of a target."""
    return CORPUS / target.replace("/", "-")


@functools.cache
def packed() -> dict[str, bytes]:
    """The files of the archive: TARGET/NAME -> content."""
    if not ARCHIVE.exists():
        return {}
    with zipfile.ZipFile(ARCHIVE) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack() -> None:
    """Move all files into the archive. The same files give the same archive."""
    loose = [path for path in sorted(CORPUS.glob("*/*")) if path.is_file()]
    members = packed() | {path.relative_to(CORPUS).as_posix(): path.read_bytes() for path in loose}
    temporary = ARCHIVE.with_suffix(".part")
    with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(members.items()):
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    temporary.replace(ARCHIVE)
    for path in loose:
        path.unlink()
        with contextlib.suppress(OSError):  # other files are in it
            path.parent.rmdir()


def kept() -> list[Kept]:
    """All kept inputs, by target: those of the manifest, then files that are not in it yet."""
    stored = json.loads(MANIFEST.read_text(encoding="utf-8")) if MANIFEST.exists() else {}
    found = []
    for target in TARGETS:
        entries = dict(stored.get(target, {}))
        folder = folder_of(target)
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            entries.setdefault(path.name, {})
        for name, entry in entries.items():
            answer = {key: value for key, value in entry.items() if key != "made"}
            found.append(Kept(target, name, answer or None, entry.get("made")))
    return found


class Runs:
    """The functions of the targets, each prepared once, and their folders."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._runs: dict[str, tuple[Run, Path]] = {}

    def answer(self, target: str, data: bytes) -> dict[str, Any]:
        """The answer to an input. Any exception but a BytesimError is raised."""
        if target not in self._runs:
            place = self.folder / target.replace("/", "-")
            place.mkdir()
            self._runs[target] = TARGETS[target].prepare(place), place
        run, place = self._runs[target]
        empty(place)
        try:
            run(data)
        except BytesimError as error:
            answer: dict[str, Any] = {"expected": type(error).__name__, "message": _beginning(error.message)}
            return answer if error.offset is None else {**answer, "offset": error.offset}
        finally:
            check_folder(place)
        return {"expected": OK}


def _beginning(message: str) -> str:
    """The first words of a message, up to what differs between versions of other packages, or holds a path."""
    for mark in (" (", ": ", "/", "'", '"', "\n"):
        message = message.partition(mark)[0]
    return message[:60]


def record() -> int:
    """Write the answers of inputs that have none to the manifest. Returns how many raised something else."""
    failed = 0
    stored: dict[str, dict[str, Any]] = {}
    with runs() as made_runs:
        for one in kept():
            entry: dict[str, Any] = {} if one.description is None else {"made": one.description}
            started = time.monotonic()
            try:
                entry |= one.answer or made_runs.answer(one.target, one.data())
            except Exception as error:  # MemoryError too
                failed += 1
                print(f"{one.target} {one.name}: {type(error).__name__}: {error}", file=sys.stderr)
            stored.setdefault(one.target, {})[one.name] = entry
            seconds = time.monotonic() - started
            if seconds > 1:
                print(f"{one.target} {one.name}: {seconds:.1f} s", file=sys.stderr)
    lines = [
        f" {json.dumps(target)}: {{\n"
        + ",\n".join(f"  {json.dumps(name)}: {json.dumps(entry)}" for name, entry in entries.items())
        + "\n }"
        for target, entries in stored.items()
    ]
    MANIFEST.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    return failed


@contextlib.contextmanager
def runs() -> Iterator[Runs]:
    """The targets, in a temporary folder. What they replace in bytesim is put back afterwards."""
    with (
        tempfile.TemporaryDirectory(prefix="fuzz-") as folder,
        open(os.devnull, "w") as nothing,
        contextlib.redirect_stdout(nothing),
        putting_back(),
    ):
        yield Runs(Path(folder))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m fuzz.kept", description=__doc__)
    parser.add_argument("--record", action="store_true", help="write the answers of new inputs to the manifest")
    parser.add_argument("--pack", action="store_true", help="move the files into the archive")
    asked = parser.parse_args()
    if asked.pack:
        pack()
        return 0
    import torch  # noqa: F401 - its libraries take addresses, which the limit is not to count

    limit_memory()
    if asked.record:
        return 1 if record() else 0
    wrong = 0
    with runs() as made_runs:
        for one in kept():
            started = time.monotonic()
            try:
                answer = made_runs.answer(one.target, one.data())
            except Exception as error:
                answer = {"raised": f"{type(error).__name__}: {error}"}
            seconds = time.monotonic() - started
            if one.answer is None or answer != one.answer or seconds > 10:
                wrong += 1
                print(f"{one.target} {one.name}: {answer}, not {one.answer}; {seconds:.1f} s", file=sys.stderr)
    print(f"{len(kept())} kept inputs, {wrong} with another answer")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
