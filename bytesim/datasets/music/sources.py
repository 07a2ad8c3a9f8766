"""Reading tunes from JSON lines, ABC files, folders of these, and the corpus of music21. No torch."""

from __future__ import annotations

import hashlib
import json
import lzma
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

from bytesim.errors import FormatError, InputError, ToolError
from bytesim.files import read_input
from bytesim.formats.abc.book import split_book
from bytesim.formats.abc.source import decode_text
from bytesim.formats.abc.tune import Tune, parse

CORPUS = "music21 corpus"
_NOT_TAKEN = ("nottingham-dataset",)
"""Folders of the corpus that are left out, because of their licence (GPL)."""
MAX_LINE_BYTES = 1 << 20
_JSON_SUFFIXES = (".jsonl", ".jsonl.xz")


@dataclass
class TuneSource:
    """The tunes of one source that parse, and the number of those that do not."""

    name: str
    sha256: str
    """Hash of the file; for a folder or the corpus, of the list of its files as sha256sum prints it."""
    tunes: list[Tune] = field(default_factory=list)
    unread: int = 0


def corpus_source(limit: int | None = None) -> TuneSource:
    """The ABC tunes of music21's corpus, found without importing it. Raises ToolError if music21 is not installed."""
    spec = find_spec("music21")
    if spec is None or spec.origin is None:
        raise ToolError("music21 is not installed, so its corpus is missing. pip install music21")
    root = Path(spec.origin).parent / "corpus"
    files = [path for path in sorted(root.rglob("*.abc")) if path.relative_to(root).parts[0] not in _NOT_TAKEN]
    return _source(CORPUS, root, files, limit)


def read_source(path: str | Path, limit: int | None = None) -> TuneSource:
    """Tunes of a .jsonl or .jsonl.xz file with a field `abc`, of an ABC file, or of every .abc file below a folder.

    Raises InputError for a file that cannot be read; a tune that does not parse is only counted.
    """
    source_path = Path(path)
    if source_path.is_dir():
        files = sorted(file for file in source_path.rglob("*.abc") if file.is_file())
        if not files:
            raise InputError("has no .abc files. Name a folder with ABC tunes.", file=str(path))
        return _source(str(path), source_path, files, limit)
    if not source_path.name.lower().endswith(_JSON_SUFFIXES):
        return _source(str(path), source_path.parent, [source_path], limit)
    read_input(source_path)  # raises InputError if the file is missing, empty or unreadable
    source = TuneSource(str(path), hashlib.sha256(source_path.read_bytes()).hexdigest())
    return _collect(source, (_parse_or_none(text) for text in _json_texts(source_path)), limit)


def _source(name: str, root: Path, files: list[Path], limit: int | None) -> TuneSource:
    data = {path: read_input(path) for path in files}
    hashes = {path: hashlib.sha256(data[path]).hexdigest() for path in files}
    listed = "".join(f"{hashes[path]}  {path.relative_to(root).as_posix()}\n" for path in files)
    sha256 = hashes[files[0]] if len(files) == 1 else hashlib.sha256(listed.encode("utf-8", "replace")).hexdigest()
    return _collect(TuneSource(name, sha256), (tune for path in files for tune in _book(data[path])), limit)


def _collect(source: TuneSource, tunes: Iterable[Tune | None], limit: int | None) -> TuneSource:
    for tune in islice(tunes, limit):
        if tune is None:
            source.unread += 1
        else:
            source.tunes.append(tune)
    return source


def _book(data: bytes) -> Iterator[Tune | None]:
    try:
        entries = split_book(decode_text(data))
    except FormatError:
        yield None
        return
    for entry in entries:
        try:
            yield entry.parse()
        except FormatError:
            yield None


def _parse_or_none(text: str) -> Tune | None:
    try:
        return parse(text)
    except FormatError:
        return None


def _json_texts(path: Path) -> Iterator[str]:
    """The field `abc` of every line. Raises InputError, naming the line."""
    opener = lzma.open if path.suffix.lower() == ".xz" else open
    number = 0
    try:
        with opener(path, "rb") as lines:
            while line := lines.readline(MAX_LINE_BYTES):
                number += 1
                text = json.loads(line)["abc"]
                if not isinstance(text, str):
                    raise TypeError("its field abc is not a text")
                yield text
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise InputError(f"cannot be read after line {number} ({error}).", file=str(path)) from error
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        why = f"line {number} is not a JSON object with a field `abc`"
        raise InputError(f"{why} ({' '.join(str(error).split())[:100]}).", file=str(path)) from error
