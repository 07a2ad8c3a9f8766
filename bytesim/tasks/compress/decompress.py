"""`bytesim decompress`: `.bsim` files to the files and folders that they were made of."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from bytesim.errors import FormatError, OutputError
from bytesim.files import (
    STDIO,
    Inputs,
    Outcome,
    Progress,
    check_output,
    input_names,
    keep_mode,
    make_folder,
    open_input,
    open_output,
    run_each,
)
from bytesim.formats import bsim
from bytesim.models.store import find_model
from bytesim.predictors.next_byte import NextByte
from bytesim.tasks.compress.coding import OnBytes, decode
from bytesim.tasks.compress.folder import write_folder
from bytesim.tasks.compress.models import stamped_writer

_PIECE = 1 << 16
_ELSEWHERE = " Or it was compressed on a computer that computes other numbers: decompress it there."


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
    model: str | Path | None = None,
    force: bool = False,
    on_progress: Progress | None = None,
) -> list[Outcome[Decompressed]]:
    """Write what each FILE.bsim was made of: FILE, or the folder of that name.

    `output` names the file or folder, or the folder for several sources. `model` is the model that took part, if it is
    not found by the name that the file tells. Nothing is written unless the checksum is right, and no file outside that
    folder. A folder that exists is refused, even with `force`. Raises ModelError for a `model` that is not there; the
    error of a source is in its outcome.
    """
    if model is not None:
        find_model(model)  # a wrong name is told before any work
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

            content = _Content(file, header, start, length)
            if header.is_folder:
                _check_new(target)
                files = write_folder(Path(target), content.pieces(model, on_bytes), header.num_bytes)
            else:
                check_output(target, force=force, taken=taken, source=source)
                files = 1
                with open_output(target, force=force) as out:
                    keep_mode(source, out)
                    for data in content.pieces(model, on_bytes):
                        out.write(data)
        named = None if header.stamp is None else header.stamp.model
        return Decompressed(source=source, output=str(target), num_bytes=header.num_bytes, model=named, files=files)

    return run_each(names, work)


def _target(source: str, output: str | Path | None, *, many: bool) -> str | Path:
    """Where the content of a source goes."""
    inner = Path(source).stem if source != STDIO and Path(source).suffix.lower() == f".{bsim.SUFFIX}" else ""
    inner = "" if inner in (".", "..") else inner
    if output is not None and str(output) == STDIO:
        if many:
            raise OutputError("several files cannot share stdout. Name a folder with -o.", file=source)
        return STDIO
    if output is None:
        if source == STDIO:
            return STDIO
        if not inner:
            raise OutputError(f"its name does not end in .{bsim.SUFFIX}. Name the output with -o.", file=source)
        return Path(source).with_name(inner)
    if many or str(output).endswith(("/", os.sep)) or os.path.isdir(output):
        make_folder(Path(output))
        return Path(output) / (inner or (Path(source).name if source != STDIO else "stdin"))
    return Path(output)


def _check_new(target: str | Path) -> None:
    if str(target) == STDIO:
        raise OutputError("this is a folder, which cannot be written to stdout. Name a folder with -o.")
    if os.path.lexists(target):
        raise OutputError("exists already. Name another folder with -o.", file=str(target))


class _Content:
    """The content of a compressed file."""

    def __init__(self, file: BinaryIO, header: bsim.Header, start: int, length: int) -> None:
        self.header = header
        file.seek(length - bsim.CHECKSUM_BYTES)
        self.wanted = int.from_bytes(file.read(), "little")
        self.code = _mapped(file, start, length - bsim.CHECKSUM_BYTES - start)

    def pieces(self, model: str | Path | None, on_bytes: OnBytes) -> Iterator[bytes]:
        """The content, piece by piece. Raises FormatError, at the latest at its end, if it is damaged."""
        sum_, advice = 0, "" if self.header.stamp is None else _ELSEWHERE
        try:
            for data in self._decoded(model, on_bytes):
                sum_ = bsim.checksum(data, sum_)
                yield data
        except FormatError as error:
            raise FormatError(error.message + advice) from error
        if bsim.checksum(bsim.serialize(self.header), sum_) != self.wanted:
            raise FormatError(f"its checksum is wrong, so it is damaged. Copy it again, whole.{advice}")

    def _decoded(self, model: str | Path | None, on_bytes: OnBytes) -> Iterator[bytes]:
        header = self.header
        if header.coding is bsim.Coding.STORED:
            for start in range(0, header.num_bytes, _PIECE):
                yield self.code[start : start + _PIECE].tobytes()
                on_bytes(min(_PIECE, header.num_bytes - start))
            return
        reader = None
        if header.stamp is not None:
            reader = NextByte(stamped_writer(header.stamp, model), header.stamp.suffix)
        yield from decode(self.code, header.num_bytes, reader, on_bytes)


def _mapped(file: BinaryIO, start: int, size: int) -> NDArray[np.uint8]:
    """The bytes of a file from `start` on, without reading all of it if it is on a disk."""
    if size == 0:
        return np.zeros(0, np.uint8)
    try:
        return np.memmap(file, np.uint8, "r", start, (size,))
    except (OSError, ValueError):  # not a file on a disk
        file.seek(start)
        return np.frombuffer(file.read(size), np.uint8)
