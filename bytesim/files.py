"""Reading inputs and writing outputs, the same way for every command. No torch, no numpy.

An output is written to a file without a name in the same folder, or where the system has no such files
to a temporary one, which takes its name when it is whole: half a file is never left behind, not even by
Ctrl-C, a full disk or a killed program. Every failure is an InputError or OutputError with a message of
one line.
"""

from __future__ import annotations

import io
import os
import secrets
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Generic, Literal, TypeVar

from bytesim.errors import BytesimError, EmptyError, InputError, OutputError

STDIO: Final = "-"
"""The name that means stdin for an input and stdout for an output."""

LIMIT_BYTES = 64 * 1024 * 1024
"""Largest input that is read into memory whole, unless a task sets another limit."""

Target = Path | Literal["-"]

Inputs = str | Path | Sequence[str | Path]
"""One path, or several. A str is one path, and never a list of characters."""

_EMPTY = "the file is empty; there is nothing to read."

T = TypeVar("T")


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """The result of one input, or the error that stopped it."""

    source: str
    result: T | None = None
    error: BytesimError | None = None


# --- reading ---------------------------------------------------------------------------------


def path_name(path: str | Path) -> str:
    """The path as text. Raises TypeError for anything but a str or a path, such as the bytes of a file."""
    name = os.fspath(path) if isinstance(path, str | os.PathLike) else path
    if isinstance(name, bytes):
        raise TypeError(
            f"{name[:20]!r} is bytes; a file is named by a str or a Path. os.fsdecode makes a str of a path in bytes. "
            "bytesim.load(MODEL) gives a model whose methods take the content of a file as bytes."
        )
    if not isinstance(name, str):
        raise TypeError(f"{name!r} is not a path; give a str or a Path.")
    return name


def input_names(paths: Inputs) -> list[str]:
    """The paths as a list of text, whether one path or several are given. Raises TypeError as `path_name` does."""
    if isinstance(paths, str | bytes | os.PathLike):
        return [path_name(paths)]
    if not isinstance(paths, Iterable):
        raise TypeError(f"{paths!r} is neither a path nor a list of paths; give a str, a Path or a list of them.")
    return [path_name(path) for path in paths]


def read_input(path: str | Path, *, limit_bytes: int = LIMIT_BYTES) -> bytes:
    """The bytes of a file, or of stdin for `-`.

    Raises InputError for a file that is missing, a folder, empty, unreadable or longer than
    `limit_bytes`. It never reads more than one byte over the limit.
    """
    name = "stdin" if path_name(path) == STDIO else str(path)
    try:
        with _open_stream(path) as file:
            data = file.read(limit_bytes + 1)
    except (OSError, ValueError) as error:
        raise _input_error(error, name, path) from error
    if not data:
        raise EmptyError(_EMPTY, file=name)
    if len(data) > limit_bytes:
        raise InputError(f"longer than the limit of {limit_bytes:,} bytes. Give a smaller file.", file=name)
    return data


@contextmanager
def open_input(
    path: str | Path, *, limit_bytes: int | None = LIMIT_BYTES, may_be_empty: bool = False
) -> Iterator[BinaryIO]:
    """A binary file that can seek, to read piece by piece a file of any length.

    stdin, pipes and devices cannot seek, so they are read whole, up to `limit_bytes`; without a limit they are copied
    to a temporary file. Raises InputError as `read_input` does, which an empty file is only if it may not be.
    """
    if path_name(path) == STDIO or not os.path.isfile(path):
        if limit_bytes is None:
            with _copied(path) as copy:
                if not may_be_empty and not copy.seek(0, os.SEEK_END):
                    raise EmptyError(_EMPTY, file="stdin" if str(path) == STDIO else str(path))
                copy.seek(0)
                yield copy
        else:
            yield io.BytesIO(read_input(path, limit_bytes=limit_bytes))
        return
    try:
        file = open(path, "rb")  # noqa: SIM115 - an OSError of the caller's code must not be caught here
    except OSError as error:
        raise _input_error(error, str(path), path) from error
    with file:
        if not may_be_empty and not file.read(1):
            raise EmptyError(_EMPTY, file=str(path))
        file.seek(0)
        yield file


@contextmanager
def _copied(path: str | Path) -> Iterator[BinaryIO]:
    """A temporary file with all bytes of stdin, a pipe or a device."""
    with tempfile.TemporaryFile() as copy:
        try:
            with _open_stream(path) as file:
                shutil.copyfileobj(file, copy)
        except (OSError, ValueError) as error:
            raise _input_error(error, "stdin" if path_name(path) == STDIO else str(path), path) from error
        yield copy


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
        # Windows reports "permission denied" for a folder, so ask the file system and not the error.
        if os.path.isdir(path):
            try:
                os.scandir(path).close()
            except OSError as closed:
                return InputError(f"this folder cannot be read: {_reason(closed)}.", file=name)
            return InputError("this is a folder with nothing to read here. Name a file in it.", file=name)
    if isinstance(error, FileNotFoundError):
        return InputError("no such file. Check the name and the folder.", file=name)
    return InputError(f"cannot be read: {_reason(error)}.", file=name)


def expand_inputs(paths: Inputs, *, suffixes: Collection[str] | None = None) -> list[str]:
    """The given files, with every folder replaced by the files in it and below it, sorted.

    `suffixes` (lower case, with or without the dot) selects files of a folder; None selects all. A file
    that is given by name is kept whatever its suffix. Hidden files and links to folders are skipped. A
    folder that holds no such file stays in the list, so that reading it reports the error.
    """
    files: list[str] = []
    for name in input_names(paths):
        files.extend(sorted(stream_files(name, suffixes=suffixes)))
    return files


def stream_files(path: str, *, suffixes: Collection[str] | None = None) -> Iterator[str]:
    """A file, or the files in and below a folder as `expand_inputs` chooses them, in the order of the file system.

    The names are not kept, so that a folder may have any number of files.
    """
    if path == STDIO or not os.path.isdir(path):
        yield path
        return
    endings = None if suffixes is None else {"." + suffix.lower().lstrip(".") for suffix in suffixes}
    files = _walk(path, endings)
    yield next(files, path)
    yield from files


_MOST_OPEN = 100
"""Folders that are open at a time; in deeper trees their entries are kept in memory."""


def _walk(folder: str, endings: set[str] | None) -> Iterator[str]:
    """Files below a folder. Uses a list, not recursion: a tree may be deeper than Python's stack."""
    waiting: list[Iterator[str | os.DirEntry[str]]] = [
        iter([folder])
    ]  # iterators over the entries of a folder and of those that it lies in
    while waiting:
        entry = next(waiting[-1], None)
        if entry is None:
            waiting.pop()
            continue
        if isinstance(entry, os.DirEntry):
            if entry.name.startswith("."):
                continue
            if not _is_folder(entry):
                if (endings is None or os.path.splitext(entry.name)[1].lower() in endings) and _may_be_file(entry):
                    yield entry.path
                continue
            here = entry.path
        else:
            here = entry
        try:
            entries = os.scandir(here)
            waiting.append(entries if len(waiting) < _MOST_OPEN else iter(list(entries)))
        except OSError:
            yield here  # reading it later reports the error


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder, and not a link to one."""
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _may_be_file(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a file or a link to one; also True where the system does not tell, as in a closed folder."""
    try:
        return entry.is_file()
    except OSError:
        return True  # reading it later reports the error


# --- writing ---------------------------------------------------------------------------------


def write_output(path: str | Path, data: bytes, *, force: bool = False) -> None:
    """Write the whole file or nothing; `-` is stdout.

    Raises OutputError as `check_output` does, and where writing fails. Of two programs that write the same
    file without `force`, one succeeds.
    """
    if str(path) == STDIO:
        _write_stdout(data)
        return
    with open_output(path, force=force) as file:
        file.write(data)


@contextmanager
def open_output(path: str | Path, *, force: bool = False) -> Iterator[BinaryIO]:
    """A new binary file to write piece by piece, and to read again; it takes its name when the context ends well.

    Until then, and after an error, it does not exist; `-` is stdout. Raises OutputError as `write_output` does, and for
    an OSError of the context's own code.
    """
    check_output(path, force=force)
    try:
        if str(path) == STDIO or _is_stream(Path(path)):
            with tempfile.TemporaryFile() as file:
                yield file
                file.seek(0)
                _copy_out(path, file)
        else:
            with _new_file(Path(path), force) as file:
                yield file
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"cannot be written: {_reason(error)}.", file=str(path)) from error


@contextmanager
def _new_file(path: Path, force: bool) -> Iterator[BinaryIO]:
    """A new file that takes the name `path` when the context ends well. Raises OutputError if that exists by then."""
    unnamed, temporary = _unnamed_file(path.parent), _temporary_in(path.parent)
    try:
        with unnamed or open(temporary, "xb+") as file:
            yield file
            if unnamed is not None:
                _link_unnamed(file, temporary)
        _rename(temporary, path, force)
    finally:
        with suppress(OSError):
            temporary.unlink()


def _unnamed_file(folder: Path) -> BinaryIO | None:
    """A new file in a folder that has no name yet, so that nothing is left of it if the program is killed.

    None where the system, or the file system, has no such files: all but Linux, and some network drives.
    """
    if not hasattr(os, "O_TMPFILE") or not os.path.isdir("/proc/self/fd"):
        return None
    try:
        return os.fdopen(os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o666), "w+b")
    except OSError:
        return None  # if the folder cannot be written to, the temporary file says so


def _link_unnamed(file: BinaryIO, path: Path) -> None:
    """Give a file of `_unnamed_file` a name. Raises OSError."""
    file.flush()
    number = file.fileno()
    try:
        os.link(f"/proc/self/fd/{number}", path, src_dir_fd=number)  # with src_dir_fd the link is followed
    except OSError:  # not permitted in some containers
        file.seek(0)
        with open(path, "xb") as copy:
            shutil.copyfileobj(file, copy)


def _rename(temporary: Path, path: Path, force: bool) -> None:
    """Rename a whole file, in one step; one that exists is replaced only with `force`. Raises OutputError, OSError."""
    if not force:
        try:
            os.link(temporary, path)  # unlike a rename it replaces nothing
            return
        except FileExistsError:
            check_output(path)
        except OSError:  # a file system without hard links
            check_output(path)
    os.replace(temporary, path)


def keep_mode(source: str | Path, file: BinaryIO) -> None:
    """Give a file of `open_output` the permissions of its source, where both are files on a disk."""
    if str(source) != STDIO and os.path.isfile(source):
        with suppress(OSError, TypeError):
            opened: int | str = file.fileno() if os.chmod in os.supports_fd else file.name
            os.chmod(opened, stat.S_IMODE(os.stat(source).st_mode))


def _copy_out(path: str | Path, file: BinaryIO) -> None:
    if str(path) == STDIO:
        while data := file.read(1 << 20):
            _write_stdout(data)
    else:
        with open(path, "wb") as out:
            shutil.copyfileobj(file, out)


def _temporary_in(folder: Path) -> Path:
    """A new name in a folder. It is short: the target's name plus a suffix could exceed the 255 bytes of a name."""
    return folder / f".bytesim-{secrets.token_hex(8)}.part"


def _write_stdout(data: bytes) -> None:
    if sys.stdout is None:
        raise OutputError("there is no stdout to write to. Name a file with -o.")
    try:
        sys.stdout.flush()  # text printed earlier comes first
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"cannot be written: {_reason(error)}.", file="stdout") from error


def check_output(
    path: str | Path,
    *,
    force: bool = False,
    taken: set[str] | None = None,
    option: str = "-o",
    source: str | Path = STDIO,
) -> None:
    """Raise OutputError before the work if the output exists already, or its folder is missing or read-only.

    `taken` collects the outputs of one run. Two inputs with the same output are refused even with
    `force`, because the second would replace what this run has just written; so is an output that is
    its own `source`, which would be lost. `option` is that of the command which names the file; the
    advice in the error mentions it.
    """
    name = path_name(path)
    if name == STDIO:
        return
    path = Path(path)
    try:
        _check_parent(path, option)
        if path.is_dir():
            raise OutputError("this is a folder; name a file to write.", file=name)
        key = os.path.normcase(os.path.realpath(path))
        if taken is not None and key in taken and not _is_stream(path):
            raise OutputError("another input of this run is written here already. Rename one of the two.", file=name)
        if _is_source(path, source):
            raise OutputError(f"this would replace its own source. Name another file with {option}.", file=name)
        if os.path.lexists(path) and not force and not _is_stream(path):
            raise OutputError(
                f"exists already. Use --force to replace it, or {option} to name another file.", file=name
            )
    except (OSError, ValueError) as error:
        raise OutputError(f"cannot be written: {_reason(error)}.", file=name) from error
    if taken is not None:
        taken.add(key)


def _is_source(path: Path, source: str | Path) -> bool:
    """Whether a path leads to the file `source`, be it through links."""
    try:
        return str(source) != STDIO and os.path.isfile(source) and os.path.samefile(path, source)
    except (OSError, ValueError):  # one of the two does not exist
        return False


def check_output_folder(folder: Path, names: Iterable[str], *, force: bool = False) -> None:
    """`check_output` for files of these names in a folder, which may not exist yet."""
    if folder.is_dir():
        for name in names:
            check_output(folder / name, force=force)
    elif folder.exists():
        raise OutputError("this is a file; name a folder.", file=str(folder))


def make_folder(folder: Path) -> None:
    """Make a folder and its parents where they are missing. Raises OutputError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"the folder cannot be made ({_reason(error)}).", file=str(folder)) from error


def _check_parent(path: Path, option: str) -> None:
    parent = path.parent
    if not parent.exists():
        raise OutputError(f"the folder {parent} does not exist. Make it first, or choose another.", file=str(path))
    if not parent.is_dir():
        raise OutputError(f"{parent} is a file, not a folder.", file=str(path))
    if not _is_stream(path) and not os.access(parent, os.W_OK):
        raise OutputError(f"the folder {parent} cannot be written to. Choose another with {option}.", file=str(path))


def _is_stream(path: Path) -> bool:
    """True for /dev/null, a named pipe and the like: bytesim writes into these and never replaces them."""
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
    roots: Inputs = (),
    tag: str = "",
    whole_name: bool = False,
) -> Target:
    """Where the output of one source goes.

    Without `output` it goes beside the source, with the new suffix; that of stdin goes to stdout.
    `output` is a folder if there are several inputs (`many`), if it is an existing folder or if it ends
    in a separator (pass it as typed: a Path drops the separator); the folder is made if its parent
    exists. Otherwise `output` is the file itself. `index` gives book-001.mid, book-002.mid and so on.
    `roots` are the paths as typed: a source in a subfolder of one of them goes into the same subfolder
    of `output`. `tag` is put before the suffix if the output would otherwise be the source itself;
    without a tag that is an OutputError. With `whole_name` the output of song.mp3 is song.mp3.wav, and
    not song.wav.

    Raises OutputError. The path never leaves the output folder, whatever the source or suffix is called.
    """
    suffix = suffix.lstrip(".")
    if not suffix or set(suffix) & set("/\\:\0"):
        raise OutputError(f"{suffix!r} is not a file suffix. Give letters and digits, such as mid.", file=str(source))
    number = "" if index is None else f"-{index:03d}"
    if str(output) == STDIO or (output is None and str(source) == STDIO):
        if many or index is not None:
            raise OutputError("several files cannot share stdout. Name a folder with -o.", file=str(source))
        return STDIO
    stem = "stdin" if str(source) == STDIO else Path(source).name if whole_name else Path(source).stem
    if output is None:
        return _beside(Path(source), f"{stem}{number}", suffix, tag)
    if many or str(output).endswith(("/", os.sep)) or os.path.isdir(output):
        return _folder_below(Path(output), subfolder_of(Path(source), roots)) / f"{stem}{number}.{suffix}"
    named = Path(output)
    return named if index is None else named.with_name(f"{named.stem}{number}{named.suffix or '.' + suffix}")


def _beside(source: Path, stem: str, suffix: str, tag: str) -> Path:
    target = source.with_name(f"{stem}.{suffix}")
    if os.path.normcase(target) != os.path.normcase(source):
        return target
    if not tag:
        raise OutputError("the output would replace its own source. Name another file with -o.", file=str(source))
    return source.with_name(f"{stem}{tag}.{suffix}")


def subfolder_of(source: Path, roots: Inputs) -> Path:
    """The folder of a source relative to the root that it lies under; `.` if it lies under none."""
    for root in input_names(roots):
        with suppress(ValueError):
            folder = source.relative_to(root).parent
            if os.path.isdir(root) and ".." not in folder.parts:
                return folder
    return Path()


def _folder_below(folder: Path, subfolder: Path) -> Path:
    """Make the output folder and a subfolder of it. Raises OutputError where a link leads out of the folder."""
    target = folder / subfolder
    try:
        if not folder.is_dir():
            folder.mkdir()
        target.mkdir(parents=True, exist_ok=True)
        home = os.path.realpath(folder)
        inside = os.path.commonpath([home, os.path.realpath(target)]) == home
    except (OSError, ValueError) as error:
        raise OutputError(f"the output folder cannot be made: {_reason(error)}.", file=str(target)) from error
    if not inside:
        raise OutputError(f"a link leads out of the output folder {folder}.", file=str(target))
    return target


# --- several inputs --------------------------------------------------------------------------


def run_each(
    sources: Iterable[str],
    work: Callable[[str], T],
    on_done: Callable[[Outcome[T]], None] | None = None,
) -> list[Outcome[T]]:
    """Run `work` on every source; one that fails with a BytesimError does not stop the rest.

    `on_done` is called with each outcome. Any other exception is a bug and is not caught.
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
"""Called with (bytes written, estimated total)."""
