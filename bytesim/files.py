"""Reading inputs and writing outputs, the same way for every command. No torch, no numpy.

An output is written to a temporary file beside it and renamed, so that a reader, a full disk or
a Ctrl-C never meets half a file. Every failure is one InputError or OutputError with a message
that fits on a line.
"""

from __future__ import annotations

import io
import os
import secrets
import stat
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, Generic, Literal, TypeVar

from bytesim.errors import BytesimError, InputError, OutputError

if TYPE_CHECKING:
    pass

STDIO: Final = "-"
"""The name that means stdin where a file goes in and stdout where one goes out."""

LIMIT_BYTES = 64 * 1024 * 1024
"""Largest input read whole, unless a task sets another limit."""

Target = Path | Literal["-"]

_EMPTY = "the file is empty; there is nothing to read."

T = TypeVar("T")


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """What became of one input: a result, or the error that stopped it."""

    source: str
    result: T | None = None
    error: BytesimError | None = None


# --- reading ---------------------------------------------------------------------------------


def read_input(path: str | Path, *, limit_bytes: int = LIMIT_BYTES) -> bytes:
    """The bytes of a file, or of stdin for `-`.

    Raises InputError for a file that is missing, a folder, empty, unreadable or longer than
    `limit_bytes`; at most one byte over the limit is ever held.
    """
    name = "stdin" if str(path) == STDIO else str(path)
    try:
        with _open_stream(path) as file:
            data = file.read(limit_bytes + 1)
    except (OSError, ValueError) as error:
        raise _input_error(error, name, path) from error
    if not data:
        raise InputError(_EMPTY, file=name)
    if len(data) > limit_bytes:
        raise InputError(f"longer than the limit of {limit_bytes:,} bytes. Give a smaller file.", file=name)
    return data


@contextmanager
def open_input(path: str | Path, *, limit_bytes: int = LIMIT_BYTES) -> Iterator[BinaryIO]:
    """A binary file that can seek, for what is read piece by piece and may be of any length.

    stdin, pipes and devices cannot seek: they are read whole, up to `limit_bytes`. Raises InputError as
    `read_input` does.
    """
    if str(path) == STDIO or not os.path.isfile(path):
        yield io.BytesIO(read_input(path, limit_bytes=limit_bytes))
        return
    try:
        file = open(path, "rb")  # noqa: SIM115 - an OSError of the caller's own work must not be caught here
    except OSError as error:
        raise _input_error(error, str(path), path) from error
    with file:
        if not file.read(1):
            raise InputError(_EMPTY, file=str(path))
        file.seek(0)
        yield file


@contextmanager
def _open_stream(path: str | Path) -> Iterator[BinaryIO]:
    if str(path) == STDIO:
        if sys.stdin is None:  # a program started without a console has none
            raise OSError("there is no stdin")
        yield sys.stdin.buffer
    else:
        with open(path, "rb") as file:
            yield file


def _input_error(error: OSError | ValueError, name: str, path: str | Path) -> InputError:
    with suppress(OSError, ValueError):
        # Windows answers "permission denied" for a folder, so ask the file system, not the error.
        if os.path.isdir(path):
            return InputError("this is a folder, and holds nothing to read here. Name a file in it.", file=name)
    if isinstance(error, FileNotFoundError):
        return InputError("no such file. Check the name and the folder.", file=name)
    return InputError(f"cannot be read: {_reason(error)}.", file=name)


def expand_inputs(paths: Iterable[str | Path], *, suffixes: Collection[str] | None = None) -> list[str]:
    """The files named, with every folder replaced by the files in it and below, sorted.

    `suffixes` (lower case, without or with the dot) keeps only such files of a folder; None keeps all.
    Files named one by one are kept whatever they are called. Hidden files, and links to folders,
    are passed over. A folder without a file to read stays in the list itself, so that reading it
    reports it beside the others.
    """
    wanted = None if suffixes is None else {"." + suffix.lower().lstrip(".") for suffix in suffixes}
    found: list[str] = []
    for path in paths:
        name = str(path)
        found.extend((_walk(name, wanted) or [name]) if name != STDIO and os.path.isdir(name) else [name])
    return found


def _walk(folder: str, wanted: set[str] | None) -> list[str]:
    """Files below a folder. A stack, not recursion: trees deeper than Python's stack exist."""
    files, waiting = [], [folder]
    while waiting:
        here = waiting.pop()
        try:
            entries = list(os.scandir(here))
        except OSError:
            files.append(here)  # reading it later gives the error its line
            continue
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                waiting.append(entry.path)
            elif entry.is_file() and (wanted is None or os.path.splitext(entry.name)[1].lower() in wanted):
                files.append(entry.path)
    return sorted(files)


# --- writing ---------------------------------------------------------------------------------


def write_output(path: str | Path, data: bytes, *, force: bool = False) -> None:
    """Write a whole file, or nothing: to a temporary file beside it, then renamed. `-` is stdout.

    Raises OutputError as `check_output` does, and where the disk refuses the bytes.
    """
    if str(path) == STDIO:
        _write_stdout(data)
        return
    check_output(path, force=force)
    path = Path(path)
    try:
        if _is_stream(path):
            path.write_bytes(data)
        else:
            _replace(path, data)
    except OSError as error:
        raise OutputError(f"cannot be written: {_reason(error)}.", file=str(path)) from error


def _write_stdout(data: bytes) -> None:
    if sys.stdout is None:
        raise OutputError("there is no stdout to write to; name a file with -o.")
    try:
        sys.stdout.flush()  # text printed earlier comes first
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"cannot be written: {_reason(error)}.", file="stdout") from error


def _replace(path: Path, data: bytes) -> None:
    # A short name of our own: the target's name plus a suffix could pass the 255 bytes that a name may have.
    temporary = path.parent / f".bytesim-{secrets.token_hex(8)}.part"
    try:
        with open(temporary, "xb") as file:
            file.write(data)
        os.replace(temporary, path)
    except BaseException:  # Ctrl-C as well: no half file stays behind
        with suppress(OSError):
            temporary.unlink()
        raise


def check_output(path: str | Path, *, force: bool = False, taken: set[str] | None = None) -> None:
    """Raise OutputError now rather than after the work: the output exists, or its folder is missing or closed.

    `taken` collects the outputs of one run: a second input that would be written to the same file
    is refused even with `force`, because it would replace what this run has just made.
    """
    name = str(path)
    if name == STDIO:
        return
    path = Path(path)
    try:
        _check_parent(path)
        if path.is_dir():
            raise OutputError("this is a folder; name a file to write.", file=name)
        key = os.path.normcase(os.path.realpath(path))
        if taken is not None and key in taken and not _is_stream(path):
            raise OutputError("another input of this run is written here already. Rename one of the two.", file=name)
        if os.path.lexists(path) and not force and not _is_stream(path):
            raise OutputError("exists already. Use --force to replace it, or -o to name another file.", file=name)
    except (OSError, ValueError) as error:
        raise OutputError(f"cannot be written: {_reason(error)}.", file=name) from error
    if taken is not None:
        taken.add(key)


def check_output_folder(folder: Path, names: Iterable[str], *, force: bool = False) -> None:
    """`check_output` for files of these names in a folder that need not be there yet."""
    if folder.is_dir():
        for name in names:
            check_output(folder / name, force=force)
    elif folder.exists():
        raise OutputError("is a file; name a folder.", file=str(folder))


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, where they are missing. Raises OutputError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"the folder cannot be made ({_reason(error)}).", file=str(folder)) from error


def _check_parent(path: Path) -> None:
    parent = path.parent
    if not parent.exists():
        raise OutputError(f"the folder {parent} does not exist. Make it first, or choose another.", file=str(path))
    if not parent.is_dir():
        raise OutputError(f"{parent} is a file, not a folder.", file=str(path))
    if not _is_stream(path) and not os.access(parent, os.W_OK):
        raise OutputError(f"the folder {parent} cannot be written to. Choose another with -o.", file=str(path))


def _is_stream(path: Path) -> bool:
    """True for /dev/null, a named pipe and their like: written as they are, never replaced."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


# --- naming ----------------------------------------------------------------------------------


def output_path(
    source: str | Path,
    *,
    output: str | Path | None,
    suffix: str,
    many: bool,
    index: int | None = None,
    roots: Sequence[str | Path] = (),
    tag: str = "",
) -> Target:
    """Where the output of one source goes.

    Without `output`: beside the source, with the new suffix; stdin goes to stdout. `output` is a
    folder when there are several inputs (`many`), when it is an existing folder or when it ends in
    a separator (pass it as it was typed: a Path forgets the separator); it is made if its parent
    exists. Otherwise it is the file itself. `index` gives book-001.mid, book-002.mid and so on.
    `roots` are the paths as the user typed them: a source found below one that is a folder keeps its
    place below `output`. `tag` is put before the suffix where the output would otherwise be the
    source itself; without it that is an OutputError.
    Raises OutputError; the path never leaves the output folder, whatever the source or the suffix is called.
    """
    suffix = suffix.lstrip(".")
    if not suffix or set(suffix) & set("/\\:\0"):
        raise OutputError(f"{suffix!r} is no file suffix, so no file can be named with it.", file=str(source))
    number = "" if index is None else f"-{index:03d}"
    if str(output) == STDIO or (output is None and str(source) == STDIO):
        if many or index is not None:
            raise OutputError("several files cannot share stdout. Name a folder with -o.", file=str(source))
        return STDIO
    stem = "stdin" if str(source) == STDIO else Path(source).stem
    if output is None:
        return _beside(Path(source), f"{stem}{number}", suffix, tag)
    if many or str(output).endswith(("/", os.sep)) or os.path.isdir(output):
        return _folder_below(Path(output), _place(Path(source), roots)) / f"{stem}{number}.{suffix}"
    named = Path(output)
    return named if index is None else named.with_name(f"{named.stem}{number}{named.suffix or '.' + suffix}")


def _beside(source: Path, stem: str, suffix: str, tag: str) -> Path:
    target = source.with_name(f"{stem}.{suffix}")
    if os.path.normcase(target) != os.path.normcase(source):
        return target
    if not tag:
        raise OutputError("the output would replace its own source. Name another file with -o.", file=str(source))
    return source.with_name(f"{stem}{tag}.{suffix}")


def _place(source: Path, roots: Sequence[str | Path]) -> Path:
    """The folder of a source relative to the root it was found under; `.` where there is none."""
    for root in roots:
        with suppress(ValueError):
            place = source.relative_to(root).parent
            if os.path.isdir(root) and ".." not in place.parts:
                return place
    return Path()


def _folder_below(folder: Path, place: Path) -> Path:
    """Make the output folder and the place below it; raises OutputError where a link leads out of it."""
    made = folder / place
    try:
        if not folder.is_dir():
            folder.mkdir()
        made.mkdir(parents=True, exist_ok=True)
        home = os.path.realpath(folder)
        inside = os.path.commonpath([home, os.path.realpath(made)]) == home
    except (OSError, ValueError) as error:
        raise OutputError(f"the output folder cannot be made: {_reason(error)}.", file=str(made)) from error
    if not inside:
        raise OutputError(f"a link leads out of the output folder {folder}.", file=str(made))
    return made


# --- several inputs --------------------------------------------------------------------------


def run_each(
    sources: Iterable[str],
    work: Callable[[str], T],
    on_done: Callable[[Outcome[T]], None] | None = None,
) -> list[Outcome[T]]:
    """Run `work` on every source; one that fails with a BytesimError does not stop the rest.

    `on_done` hears of each outcome as it comes. Any other exception is a bug and passes through.
    """
    outcomes = []
    for source in sources:
        try:
            outcome = Outcome(source, result=work(source))
        except BytesimError as error:
            outcome = Outcome(source, error=error.in_file("stdin" if source == STDIO else source))
        outcomes.append(outcome)
        if on_done is not None:
            on_done(outcome)
    return outcomes


def _reason(error: OSError | ValueError) -> str:
    text = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    return text[:1].lower() + text[1:].rstrip(".")


Progress = Callable[[int, int], None]
"""Hears of (bytes written so far, bytes expected in all, an estimate)."""
