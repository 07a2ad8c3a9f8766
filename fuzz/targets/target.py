"""What a target is: a function that takes bytes, and may raise nothing but BytesimError."""

from __future__ import annotations

import importlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

from bytesim.errors import BytesimError

Run = Callable[[bytes], None]
Prepare = Callable[[Path], Run]
"""Makes the function once for each process; the folder is the target's own, empty before every input."""


@dataclass(frozen=True)
class Target:
    """A parser, a command's task, or a file that bytesim reads back."""

    name: str
    kinds: tuple[str, ...]
    """Kinds of seeds, see seeds.py."""
    prepare: Prepare
    command: str = ""
    """The command whose task this is; empty for a parser and for the files of a model."""


TARGETS: dict[str, Target] = {}


def parser(name: str, *kinds: str) -> Callable[[Run], Run]:
    """Decorator: a target without a state."""

    def register(run: Run) -> Run:
        TARGETS[name] = Target(name, kinds, lambda folder: run)
        return run

    return register


def task(name: str, *kinds: str, command: str = "") -> Callable[[Prepare], Prepare]:
    """Decorator: a target that loads something first, or writes files."""

    def register(prepare: Prepare) -> Prepare:
        TARGETS[name] = Target(name, kinds, prepare, command)
        return prepare

    return register


class PartialFileError(Exception):
    """An output is not whole, or a temporary file was left over."""


_REPLACED: list[tuple[dict[str, Any], str, Any]] = []


def replace(module: str, name: str, value: Any) -> None:
    """Replace a function of a module in this process, until the innermost `putting_back` ends."""
    place = vars(importlib.import_module(module))
    _REPLACED.append((place, name, place[name]))
    place[name] = value


@contextmanager
def putting_back() -> Iterator[None]:
    """Undo the calls of `replace` made inside, in reverse order."""
    before = len(_REPLACED)
    try:
        yield
    finally:
        while len(_REPLACED) > before:
            place, name, value = _REPLACED.pop()
            place[name] = value


def keep_loaded(module: str, *functions: str) -> None:
    """Let a task load each model once in this process, by keeping what its loading function returns."""
    for name in functions:
        function = getattr(importlib.import_module(module), name)
        if not hasattr(function, "keeps"):
            replace(module, name, _keeping(function))


def _keeping(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, which keeps all models but those of temporary folders, where another one may be next time."""
    kept = cache(function)

    def load(model: str, **options: Any) -> Any:
        return (function if str(model).startswith(tempfile.gettempdir()) else kept)(model, **options)

    load.keeps = True  # type: ignore[attr-defined]
    return load


def draw_rarely(*modules: str) -> None:
    """Let the pictures of a training be drawn one time in 20, for they take most of its time and show numbers alone."""
    for module in modules:
        draw = vars(importlib.import_module(module))["png_of"]
        if not hasattr(draw, "counts"):
            replace(module, "png_of", _rare(draw))


def _rare(draw: Callable[..., bytes]) -> Callable[..., bytes]:
    drawn: list[bytes] = []
    asked = count()

    def png_of(figure: Any) -> bytes:
        if next(asked) % 20 == 0:
            drawn[:] = [draw(figure)]
        return drawn[0]

    png_of.counts = True  # type: ignore[attr-defined]
    return png_of


def raise_first(outcomes: Iterable[Any]) -> None:
    """Raise the error of the first outcome that has one."""
    for outcome in outcomes:
        if outcome.error is not None:
            raise outcome.error


def check_folder(folder: Path) -> None:
    """Raise PartialFileError for a temporary file, an empty output, or one that does not parse."""
    for path in folder.rglob("*"):
        if not path.is_file() or path.is_symlink():
            continue
        if path.name.startswith(".bytesim-") or path.name.endswith((".part", ".tmp")):
            raise PartialFileError(f"{path.name} was left over")
        if path.relative_to(folder).parts[0] == "out":
            _check_whole(path)


def _check_whole(path: Path) -> None:
    data = path.read_bytes()
    check: dict[str, Callable[[bytes], object]] = {
        ".mid": _check_midi,
        ".bmp": _check_bmp,
        ".wav": _check_wav,
        ".png": _check_png,
        ".json": json.loads,
    }
    try:
        if path.suffix in check:
            check[path.suffix](data)
        elif path.suffix in (".html", ".jsonl") and not data.endswith((b"\n", b">")):
            raise ValueError("it ends in the middle")
    except (BytesimError, ValueError, OSError, SyntaxError) as error:
        raise PartialFileError(f"{path.name} is not whole: {error}") from error


def _check_midi(data: bytes) -> object:
    from bytesim.formats import midi

    return midi.parse(data)


def _check_bmp(data: bytes) -> object:
    from bytesim.formats import bmp

    return bmp.parse(data)


def _check_wav(data: bytes) -> object:
    from bytesim.formats import wav

    return wav.parse(data)


def _check_png(data: bytes) -> object:
    import io

    from PIL import Image

    with Image.open(io.BytesIO(data)) as picture:
        return picture.load()


def write(folder: Path, name: str, data: bytes) -> Path:
    """A file of the folder with these bytes, and an empty folder `out` beside it."""
    (folder / "out").mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes(data)
    return path


def empty(folder: Path) -> None:
    """Remove everything from a folder."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()
