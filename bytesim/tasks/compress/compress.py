"""`bytesim compress`: files and folders to `.bsim` files."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from bytesim.errors import BytesimError, ConfigError, InputError
from bytesim.files import (
    STDIO,
    Inputs,
    Outcome,
    Progress,
    Target,
    check_output,
    input_names,
    keep_mode,
    open_input,
    open_output,
    output_path,
    run_each,
)
from bytesim.formats import bsim
from bytesim.models.store import find_model
from bytesim.patching import suffix_of
from bytesim.predictors.next_byte import NextByte
from bytesim.tasks.compress.coding import compiled, decode, encode
from bytesim.tasks.compress.folder import join_folder
from bytesim.tasks.compress.models import TRIAL_BYTES, chosen_writer, loaded, stamp_of

NO_MODEL = "none"
_COPY_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Compressed:
    """A file that was written."""

    source: str
    output: str
    num_bytes: int
    """Of the source; for a folder, of its files and the table of their names."""
    compressed_bytes: int
    model: str | None
    """The model that took part."""
    files: int
    """1, or the number of files of a folder."""

    @property
    def bits_per_byte(self) -> float:
        """Bits of the compressed file for each byte of the source; 0 for an empty one."""
        return 8 * self.compressed_bytes / self.num_bytes if self.num_bytes else 0.0


@dataclass(frozen=True)
class _Content:
    """What is compressed."""

    stream: BinaryIO
    """Able to seek."""
    num_bytes: int
    suffix: str
    files: int = 1
    is_folder: bool = False


def compress(
    sources: Inputs,
    *,
    output: str | Path | None = None,
    model: str = "auto",
    fast: bool = False,
    force: bool = False,
    on_progress: Progress | None = None,
) -> list[Outcome[Compressed]]:
    """Compress each file to FILE.bsim, and each folder to one FOLDER.bsim, without a loss.

    The predictions of an adaptive context mixer are coded, mixed with those of a model: `model` is a name, `none`, or
    `auto`, which tries the models that write such files. `fast` is `none`. What was written is decoded and compared
    with the source before the file takes its name. `output` is a file, or a folder for several sources. Raises
    ConfigError if both `fast` and a model are given, ModelError for a model that is not there; the error of a source
    is in its outcome, ToolError without compiled kernels.
    """
    compressor = Compressor(model=model, fast=fast)
    names = input_names(sources)
    meter = _Meter(names, on_progress)
    taken: set[str] = set()

    def work(source: str) -> Compressed:
        target = compressed_path(source, output, many=len(names) > 1)
        check_output(target, force=force, taken=taken, source=source)
        return compressor.compress(source, target, force=force, meter=meter)

    return run_each(names, work)


class Compressor:
    """Compresses files and folders, call after call; each model is loaded once."""

    def __init__(self, *, model: str = "auto", fast: bool = False) -> None:
        """Raises ConfigError, and ModelError for a model that is not there."""
        if fast and model not in ("auto", NO_MODEL):
            raise ConfigError("--fast works without a model; leave one of the two out.")
        if model not in ("auto", NO_MODEL):
            find_model(model)  # a wrong name is told before any work
        self.model = NO_MODEL if fast else model
        self.load = cache(loaded)

    def compress(self, source: str, target: Target, *, force: bool = False, meter: _Meter | None = None) -> Compressed:
        """Write the `.bsim` file of a source. Raises as `compress` says of outcomes."""
        compiled()
        with _content_of(source) as content:
            return _compress(source, content, target, self, force, meter or _Meter((), None))


def compressed_path(source: str, output: str | Path | None, *, many: bool, roots: Inputs = ()) -> Target:
    """Where the compressed form of a source goes: into its place below `roots`, as `output_path` has it.

    Raises InputError for a folder without a name, and OutputError.
    """
    if source == STDIO:
        name = source
    else:
        name = source.rstrip("/" + os.sep)
        if Path(name).name in ("", ".."):  # such as `.`, which has the name of the current folder
            name = os.path.abspath(source)
        if not Path(name).name:
            raise InputError("this folder has no name. Name the output with -o.", file=source)
    return output_path(name, output=output, suffix=bsim.SUFFIX, many=many, roots=roots, whole_name=True)


def _compress(source: str, content: _Content, target: Target, by: Compressor, force: bool, meter: _Meter) -> Compressed:
    first = _Reading(content, source)
    head = first(min(TRIAL_BYTES, content.num_bytes))
    found = None if by.model == NO_MODEL else chosen_writer(head, content.suffix, by.model, load=by.load)
    stamp = None if found is None else stamp_of(*found)
    coding = bsim.Coding.MIXED if stamp is None else bsim.Coding.WITH_MODEL
    header = bsim.Header(coding=coding, num_bytes=content.num_bytes, is_folder=content.is_folder, stamp=stamp)
    with open_output(target, force=force) as file:
        keep_mode(source, file)
        start = file.write(bsim.serialize(header))
        read, reader = _Reading(content, source), None if found is None else NextByte(*found)
        for code in encode(read, content.num_bytes, reader, meter.add):
            file.write(code)
        again = _Reading(content, source)
        if file.tell() - start >= content.num_bytes:
            header, found = replace(header, coding=bsim.Coding.STORED, stamp=None), None
            file.seek(0)
            file.truncate()
            file.write(bsim.serialize(header))
            again.copy_to(file)
            differs = False
        else:
            file.flush()
            reader = None if found is None else NextByte(*found)
            differs = not _decodes_to(np.memmap(file, np.uint8, "r", start), again, reader, meter)
            file.seek(0, os.SEEK_END)
        if again.checksum != read.checksum:
            raise InputError("the file changed while it was read. Try again.", file=source)
        if differs:
            raise BytesimError(
                "the compressed file would not decompress to the same bytes on this computer. Use --fast, and please "
                "report this.",
                file=source,
            )
        file.write(bsim.checksum(bsim.serialize(header), read.checksum).to_bytes(bsim.CHECKSUM_BYTES, "little"))
        size = file.tell()
    return Compressed(
        source=source,
        output=str(target),
        num_bytes=content.num_bytes,
        compressed_bytes=size,
        model=None if found is None else found[0].name,
        files=content.files,
    )


def _decodes_to(code: NDArray[np.uint8], read: _Reading, reader: NextByte | None, meter: _Meter) -> bool:
    """Whether a code decodes to its content, all of which is read."""
    same = True
    for data in decode(code, read.num_bytes, reader, meter.add):
        same &= data == read(len(data))
    return same


class _Reading:
    """Reads a content from its start, `read(n)` by `read(n)`. Raises InputError where it is not to be had."""

    def __init__(self, content: _Content, source: str) -> None:
        self._stream, self._source, self.num_bytes = content.stream, source, content.num_bytes
        self._begins = True
        self.checksum = 0
        """Of what was read."""

    def __call__(self, count: int) -> bytes:
        """The next bytes."""
        try:
            if self._begins:
                self._stream.seek(0)
            data = self._stream.read(count)
        except OSError as error:
            raise _unreadable(error, self._source) from error
        if len(data) < count:
            raise InputError("the file became shorter while it was read. Try again.", file=self._source)
        self._begins = False
        self.checksum = bsim.checksum(data, self.checksum)
        return data

    def copy_to(self, file: BinaryIO) -> None:
        """Write the whole content to a file."""
        for start in range(0, self.num_bytes, _COPY_BYTES):
            file.write(self(min(_COPY_BYTES, self.num_bytes - start)))


@contextmanager
def _content_of(source: str) -> Iterator[_Content]:
    """What a source holds: a file, stdin, or a folder with a table of its files."""
    with ExitStack() as stack:
        stream: BinaryIO
        try:
            if source != STDIO and os.path.isdir(source):
                stream = stack.enter_context(tempfile.TemporaryFile())
                names = join_folder(source, stream)
                suffix, files, is_folder = suffix_of(names[0]) if names else "bin", len(names), True
            else:
                stream = stack.enter_context(open_input(source, may_be_empty=True, limit_bytes=None))
                suffix, files, is_folder = "bin" if source == STDIO else suffix_of(source), 1, False
            length = stream.seek(0, os.SEEK_END)
        except OSError as error:  # such as a full folder of temporary files, or a file of /proc
            raise _unreadable(error, source) from error
        yield _Content(stream, length, suffix or "bin", files, is_folder=is_folder)


def _unreadable(error: OSError, source: str) -> InputError:
    return InputError(f"cannot be read, or copied: {error.strerror or error}.", file=source)


class _Meter:
    """Adds up the bytes coded and compared of all sources, for a progress bar."""

    def __init__(self, sources: Sequence[str], report: Progress | None) -> None:
        self._report = report
        self._total = 2 * sum(os.path.getsize(source) for source in sources if os.path.isfile(source))
        self._done = 0

    def add(self, num_bytes: int) -> None:
        """Add bytes that were coded, or compared."""
        self._done += num_bytes
        if self._report is not None:
            self._report(self._done, max(self._total, self._done))
