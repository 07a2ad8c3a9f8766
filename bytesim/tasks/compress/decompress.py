"""`bytesim decompress`: `.bsim` files to the files and folders that they were made of."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from bytesim.errors import FormatError, OutputError
from bytesim.files import STDIO, Inputs, Outcome, Progress, check_output, input_names, open_input, open_output, run_each
from bytesim.formats import bsim
from bytesim.predictors.next_byte import NextByte
from bytesim.tasks.compress.coding import OnBytes, decode
from bytesim.tasks.compress.models import stamped_writer

_PIECE = 1 << 16


@dataclass(frozen=True, kw_only=True)
class Decompressed:
    """A file or folder that was written."""

    source: str
    output: str
    num_bytes: int
    model: str | None
    files: int
    """1, or the number of files of a folder."""


def decompress(
    sources: Inputs,
    *,
    output: str | Path | None = None,
    force: bool = False,
    on_progress: Progress | None = None,
) -> list[Outcome[Decompressed]]:
    """Write what each FILE.bsim was made of: FILE, or the folder of that name.

    `output` names the file or folder, or the folder for several sources. Nothing is written unless the checksum is
    right, and no file outside that folder. A folder that exists is refused, even with `force`. The error of a source
    is in its outcome.
    """
    names = input_names(sources)
    taken: set[str] = set()
    done = [0]

    def work(source: str) -> Decompressed:
        with open_input(source, limit_bytes=None) as file:
            length = file.seek(0, os.SEEK_END)
            file.seek(0)
            header, start = bsim.parse(file.read(bsim.HEADER_BYTES), length)
            target = _target(source, output, many=len(names) > 1)

            def on_bytes(count: int) -> None:
                done[0] += count
                if on_progress is not None:
                    on_progress(done[0], max(done[0], header.num_bytes))

            if header.is_folder:
                _check_new(target)
                files = _write_folder(Path(target), _Content(file, header, start, length, on_bytes))
            else:
                check_output(target, force=force, taken=taken)
                files = 1
                with open_output(target, force=force) as out:
                    for data in _Content(file, header, start, length, on_bytes).pieces():
                        out.write(data)
        model = None if header.stamp is None else header.stamp.model
        return Decompressed(source=source, output=str(target), num_bytes=header.num_bytes, model=model, files=files)

    return run_each(names, work)


def _target(source: str, output: str | Path | None, *, many: bool) -> str | Path:
    """Where the content of a source goes."""
    inner = Path(source).stem if source != STDIO else ""
    if output is not None and str(output) == STDIO:
        if many:
            raise OutputError("several files cannot share stdout. Name a folder with -o.", file=source)
        return STDIO
    if output is None:
        if source == STDIO:
            return STDIO
        if Path(source).suffix.lower() != f".{bsim.SUFFIX}" or not inner:
            raise OutputError(f"its name does not end in .{bsim.SUFFIX}. Name the output with -o.", file=source)
        return Path(source).with_name(inner)
    if many or str(output).endswith(("/", os.sep)) or os.path.isdir(output):
        Path(output).mkdir(exist_ok=True)
        return Path(output) / (inner or "stdin")
    return Path(output)


def _check_new(target: str | Path) -> None:
    if str(target) == STDIO:
        raise OutputError("this is a folder, which cannot be written to stdout. Name a folder with -o.")
    if os.path.lexists(target):
        raise OutputError("exists already. Name another folder with -o.", file=str(target))


class _Content:
    """The content of a compressed file."""

    def __init__(self, file: BinaryIO, header: bsim.Header, start: int, length: int, on_bytes: OnBytes) -> None:
        self.header, self.on_bytes = header, on_bytes
        size = length - bsim.CHECKSUM_BYTES - start
        file.seek(length - bsim.CHECKSUM_BYTES)
        self.wanted = int.from_bytes(file.read(), "little")
        self.code = _mapped(file, start, size)

    def pieces(self) -> Iterator[bytes]:
        """The content, piece by piece. Raises FormatError, at the latest at its end, if it is damaged."""
        sum_ = 0
        for data in self._decoded():
            sum_ = bsim.checksum(data, sum_)
            yield data
        if bsim.checksum(bsim.serialize(self.header), sum_) != self.wanted:
            raise FormatError("its checksum is wrong, so it is damaged. Copy it again, whole.")

    def _decoded(self) -> Iterator[bytes]:
        header = self.header
        if header.coding is bsim.Coding.STORED:
            for start in range(0, header.num_bytes, _PIECE):
                yield self.code[start : start + _PIECE].tobytes()
                self.on_bytes(min(_PIECE, header.num_bytes - start))
            return
        reader = None
        if header.stamp is not None:
            reader = NextByte(stamped_writer(header.stamp), header.stamp.suffix)
        yield from decode(self.code, header.num_bytes, reader, self.on_bytes)


def _mapped(file: BinaryIO, start: int, size: int) -> NDArray[np.uint8]:
    """The bytes of a file from `start` on, without reading all of it if it is on a disk."""
    if size == 0:
        return np.zeros(0, np.uint8)
    try:
        return np.memmap(file, np.uint8, "r", start, (size,))
    except (OSError, ValueError):  # not a file on a disk
        file.seek(start)
        return np.frombuffer(file.read(size), np.uint8)


def _write_folder(target: Path, content: _Content) -> int:
    """Write the files of a folder beside it first, and give it its name at the end. Returns how many there are."""
    temporary = target.parent / f".bytesim-{os.urandom(8).hex()}.part"
    try:
        temporary.mkdir()
        read = _reading(content.pieces())
        entries, _ = bsim.read_table(read, content.header.num_bytes)
        for entry in entries:
            path = temporary.joinpath(*entry.path.split("/"))
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(path, "xb") as file:
                left = entry.num_bytes
                while left:
                    left -= file.write(read(min(left, _PIECE)))
        read(1)  # beyond the end: the checksum is compared there
        os.rename(temporary, target)
    except OSError as error:
        raise OutputError(f"the folder cannot be written: {error.strerror}.", file=str(target)) from error
    finally:
        with suppress(OSError):
            shutil.rmtree(temporary)
    return len(entries)


def _reading(pieces: Iterator[bytes]) -> Callable[[int], bytes]:
    """A function that gives the next bytes of some pieces, fewer only at the end."""
    waiting = bytearray()

    def read(count: int) -> bytes:
        while len(waiting) < count:
            piece = next(pieces, None)
            if piece is None:
                break
            waiting.extend(piece)
        data = bytes(waiting[:count])
        del waiting[:count]
        return data

    return read
