"""abc2midi and midi2abc of the abcMIDI package, run as separate programs with bounded time and output.

pip installs them: the wheels of the package symusic contain both programs. abcMIDI is under the GPL, so it is only run,
never linked or imported. abc2midi exits with code 0 even after an error, so errors are recognised by its messages.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO

from bytesim.errors import BytesimError, FormatError, ToolError
from bytesim.formats import midi

if sys.platform == "linux":
    import resource

TIMEOUT_S = 8.0
"""Seconds that a program may take on a busy computer."""
MAX_COMPUTING_S = 3
"""Seconds of computing, on Linux. A tune takes milliseconds, so a program that runs this long is in an endless loop."""
MAX_OUTPUT_BYTES = 16 * 1024 * 1024
MAX_MEMORY_BYTES = 1 << 30
"""Address space of a program, on Linux; a tune needs a few MB."""
INSTALL = "Install it with pip install symusic, or the package abcmidi of your system"
CARRIER = "symusic"
"""The package whose wheels contain both programs in the folder `bin`. constraints.txt pins it, because another version
of abc2midi may write other bytes."""
VARIABLES = {"abc2midi": "BYTESIM_ABC2MIDI", "midi2abc": "BYTESIM_MIDI2ABC"}
"""Program -> environment variable with the path of another copy."""

_OUT_OF_TIME = getattr(signal, "SIGXCPU", None)
"""The signal that ends a program after MAX_COMPUTING_S."""
_MESSAGE = re.compile(r"^(Error|Warning) in line-char (\d+)-(\d+) : *(.*)$")
_REPEATS = re.compile(r"repeat|:\||\|:|::|\[1|variant ending", re.IGNORECASE)
"""Messages about unclosed repeats. abc2midi calls them errors, but plays them like other players."""
_OPENS_FILES = re.compile(r"abc-include|ptstress", re.IGNORECASE)
"""Directives in a tune that make abc2midi read a file. Tunes are not trusted, so they must not choose files to read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rendering:
    """A tune as MIDI."""

    midi: bytes
    engine: str
    """abc2midi or music21."""
    version: str
    """The engine's version, such as `5.02`; `?` if it does not print one."""
    messages: tuple[str, ...]
    """Messages of the engine, and parts of the tune that were left out; one line each."""


def tool_path(name: str) -> str | None:
    """Path of abc2midi or midi2abc; None if it is not installed.

    The environment variable in VARIABLES comes first, then the copy in the package symusic, then the PATH. Raises
    ToolError if the variable does not name a program.
    """
    chosen = os.environ.get(VARIABLES[name])
    if chosen:
        path = shutil.which(chosen)
        if path is None:
            raise ToolError(f"{VARIABLES[name]} names {chosen!r}, which is not a program. Set it to one, or unset it.")
    else:
        path = _packaged(name) or shutil.which(name)
    return None if path is None else os.path.abspath(path)  # programs run in a temporary folder


def _packaged(name: str) -> str | None:
    """Path of the copy in the package symusic, which need not be imported; None if there is none."""
    package = find_spec(CARRIER)
    for folder in (package.submodule_search_locations or ()) if package else ():
        path = shutil.which(name, path=os.path.join(folder, "bin"))
        if path is not None:
            return path
    return None


def find_tool(name: str) -> str:
    """Path of abc2midi or midi2abc. Raises ToolError if it is not installed."""
    path = tool_path(name)
    if path is None:
        raise ToolError(f"{name} is not installed. {INSTALL}.")
    return path


@cache
def version_text(path: str) -> str:
    """The version text that a program of abcMIDI prints, such as `5.02 February 16 2025 abc2midi`; empty if none."""
    try:
        done = subprocess.run([path, "-ver"], capture_output=True, timeout=TIMEOUT_S, check=False)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode("utf-8", "replace").strip()


def version_number(path: str) -> str:
    """The version of a program of abcMIDI, such as `5.02`; `?` if it does not print one."""
    match = re.search(r"\d+\.\d+", version_text(path))
    return match.group() if match else "?"


def render_abc2midi(abc_text: str) -> Rendering:
    """The first tune of a text, rendered by abc2midi with its standard settings; its errors are among the messages.

    Raises ToolError if abc2midi is missing, crashes, does not end or writes a damaged file; FormatError if it finds no
    notes, or, with line and column, if it writes no file because of an error.
    """
    tool = find_tool("abc2midi")
    with tempfile.TemporaryDirectory(prefix="bytesim-") as folder:
        rendering = _render(tool, abc_text, Path(folder), strict=False)
    try:
        notes = midi.notes(rendering.midi)
    except FormatError as error:  # its offset is one in that file, not in the tune
        raise ToolError(f"abc2midi wrote a damaged MIDI file of this tune: {error.message}") from error
    if not notes:
        raise FormatError("abc2midi found no notes in the tune.")
    return rendering


def midi_to_abc(data: bytes) -> str:
    """The ABC text that midi2abc makes of a MIDI file, with its standard settings.

    The title, which midi2abc makes of the file name, is removed. Raises FormatError for a file that is not MIDI,
    ToolError if midi2abc is missing or fails.
    """
    midi.parse(data)
    tool = find_tool("midi2abc")
    with tempfile.TemporaryDirectory(prefix="bytesim-") as folder:
        target = Path(folder, "tune.abc")
        Path(folder, "tune.mid").write_bytes(data)
        output = _run([tool, "tune.mid", "-o", target.name], Path(folder), target)
        text = target.read_text("utf-8", "replace") if target.exists() else ""
    if not re.search(r"^K:", text, re.MULTILINE):
        raise ToolError(f"midi2abc wrote no tune: {_last_line(output) or 'it gave no reason'}.")
    return re.sub(r"^T: from tune\.mid\n", "", text, flags=re.MULTILINE)


def label_many(texts: Iterable[str], jobs: int = 2) -> Iterator[bytes | None]:
    """The MIDI file that abc2midi makes of each text, in order; None if it fails or reports an error.

    Texts are read as they are needed. `jobs` programs run at a time. Raises ToolError at once if abc2midi is missing.
    """
    return _label_many(find_tool("abc2midi"), texts, max(1, jobs))


def _label_many(tool: str, texts: Iterable[str], jobs: int) -> Iterator[bytes | None]:
    def label(index: int, text: str) -> bytes | None:
        folder = root / str(index)
        folder.mkdir()
        try:
            return _render(tool, text, folder, strict=True).midi
        except BytesimError:
            return None
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    waiting: deque[Future[bytes | None]] = deque()
    with tempfile.TemporaryDirectory(prefix="bytesim-") as name, ThreadPoolExecutor(jobs) as pool:
        root = Path(name)
        try:
            for index, text in enumerate(texts):
                waiting.append(pool.submit(label, index, text))
                if len(waiting) > 16 * jobs:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _render(tool: str, abc_text: str, folder: Path, *, strict: bool) -> Rendering:
    text, left_out = _without_file_directives(abc_text)
    target = folder / "tune.mid"
    (folder / "tune.abc").write_bytes(text.encode("utf-8", "replace"))
    output = _run([tool, "tune.abc", "-o", target.name], folder, target)
    messages = (*left_out, *remarks_in(output, strict=strict or not target.exists()))
    if not target.exists():
        raise ToolError(f"abc2midi wrote no file: {_last_line(output) or 'it gave no reason'}.")
    return Rendering(midi=target.read_bytes(), engine="abc2midi", version=version_number(tool), messages=messages)


def remarks_in(output: str, *, strict: bool = True) -> list[str]:
    """The warnings and errors among the lines that abc2midi prints, with line and column.

    Versions 4.84 and 5.02 word them alike; 5.02 is silent about a tie before ` |` that no equal note follows. Raises
    FormatError, if `strict`, for an error other than one of unclosed repeats.
    """
    remarks = []
    for line in output.splitlines():
        match = _MESSAGE.match(line.strip())
        if match is None:
            continue
        kind, row, column, message = match.groups()
        if strict and kind == "Error" and not _REPEATS.search(message):
            raise FormatError(f"abc2midi, line {row}, column {column}: {message}")
        remarks.append(f"line {row}, column {column}: {message}")
    return remarks


def _without_file_directives(abc_text: str) -> tuple[str, list[str]]:
    """(the text without lines that open files, a message for each of them). Line numbers stay the same."""
    lines = abc_text.replace("\r\n", "\n").split("\n")
    messages = []
    for index, line in enumerate(lines):
        if _OPENS_FILES.search(line):
            lines[index] = "I:"  # an empty line would end the tune, and a comment would get into the MIDI
            messages.append(f"line {index + 1}: left out, because it makes abc2midi read another file")
    return "\n".join(lines) + "\n", messages


def _run(command: list[str], folder: Path, target: Path) -> str:
    """Run a program in `folder`, and return what it printed. Raises ToolError if it crashes or does not end.

    The size of its output is checked while it runs, because a few bytes of nested repeats could fill the disk.
    """
    name = Path(command[0]).stem
    log = folder / "messages.txt"
    deadline = time.monotonic() + TIMEOUT_S
    with log.open("wb") as sink, _start(command, folder, sink) as process:
        _limit(process)
        try:
            while True:
                try:
                    code = process.wait(0.5)
                    break
                except subprocess.TimeoutExpired:
                    too_late = time.monotonic() > deadline
                    if too_late or _size(log) + _size(target) > MAX_OUTPUT_BYTES:
                        limit = f"after {TIMEOUT_S:g} s" if too_late else f"at {MAX_OUTPUT_BYTES} bytes of output"
                        raise ToolError(f"{name} was stopped {limit}. Split the tune and try again.") from None
        finally:
            process.kill()
    if _size(log) + _size(target) > MAX_OUTPUT_BYTES:
        raise ToolError(f"{name} wrote more than {MAX_OUTPUT_BYTES} bytes. Split the tune and try again.")
    if _OUT_OF_TIME is not None and code == -_OUT_OF_TIME:
        raise ToolError(f"{name} was stopped after {MAX_COMPUTING_S} s of computing. Split the tune and try again.")
    if code < 0:
        raise ToolError(f"{name} crashed on this file (signal {-code}).")
    return log.read_text("utf-8", "replace")


def _start(command: list[str], folder: Path, sink: BinaryIO) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT)
    except OSError as error:  # it may be executed, but is not a program of this machine
        raise ToolError(f"{command[0]} does not start ({error.strerror}).") from error


def _limit(process: subprocess.Popen[bytes]) -> None:
    """Limit the memory and the time of a program where the system can do that from outside, which is Linux.

    Both limits hold even if bytesim itself is killed, and nobody is there to stop the program.
    """
    if sys.platform == "linux":
        # The first signal, SIGXCPU, tells why the program ended; a second later it is killed.
        limits = {
            resource.RLIMIT_AS: (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES),
            resource.RLIMIT_CPU: (MAX_COMPUTING_S, MAX_COMPUTING_S + 1),
        }
        for kind, (first, last) in limits.items():
            with suppress(OSError):  # it has ended already
                soft, hard = (
                    last if limit == resource.RLIM_INFINITY else limit for limit in resource.prlimit(process.pid, kind)
                )
                most = min(last, hard)
                if kind == resource.RLIMIT_CPU:
                    first = min(first, max(1, most - 1))
                resource.prlimit(process.pid, kind, (min(first, soft, most), most))


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].rstrip(".")[:200] if lines else ""
