"""`bytesim detect`: which parts a file of mixed content has, and their extraction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from bytesim.errors import ConfigError, InputError, ToolError
from bytesim.files import STDIO, Progress, check_output_folder, make_folder, open_input, open_output
from bytesim.formats.extents.reading import Bytes, StoredBytes
from bytesim.predictors.classifier import Classifier, load_classifier
from bytesim.tasks.classify.answers import TYPE_MODEL
from bytesim.tasks.detect.parts import find_parts
from bytesim.tasks.detect.segments import PADDING, Detection, Segment
from bytesim.tasks.detect.windows import WINDOW
from bytesim.tasks.inspect.readers import of_mixer

_MEASURED = 1 << 15
"""Most bytes of a segment of which the bits are measured."""
_LEAST_MEASURED, _MOST_MEASURED = 64, 1000
"""Shortest segment that is measured, and most segments."""
_COPIED = 1 << 20
_SUFFIXES = {
    "asm": "s",
    "bibtex": "bib",
    "csharp": "cs",
    "elisp": "el",
    "erlang": "erl",
    "fortran": "f90",
    "haskell": "hs",
    "jpeg": "jpg",
    "javascript": "js",
    "macho": "dylib",
    "makefile": "mk",
    "man": "1",
    "markdown": "md",
    "matlab": "m",
    "midi": "mid",
    "ocaml": "ml",
    "pascal": "pas",
    "pe": "exe",
    "perl": "pl",
    "postscript": "ps",
    "prolog": "pro",
    "python": "py",
    "ruby": "rb",
    "rust": "rs",
    "scheme": "scm",
    "shell": "sh",
    "texinfo": "texi",
    "tiff": "tif",
    "typescript": "ts",
    "unknown": "bin",
    "verilog": "v",
    "vhdl": "vhd",
}
"""Label -> ending of extracted files; other labels are their own."""


def detect(
    source: str | Path,
    *,
    model: str = TYPE_MODEL,
    extract: str | Path | None = None,
    force: bool = False,
    device: str = "auto",
    engine_backend: str = "auto",
    on_progress: Progress | None = None,
) -> Detection:
    """Find the parts of a file of mixed content, such as a disk image or files written one after the other.

    Padding, and files of some fifty formats whose own length fields give their ends, are found exactly. In what is left
    the classifier `model` reads windows of 512 bytes, and the labels change where that is most probable. `extract` is a
    folder for all parts but padding; their names are their offsets and types, and files of these names are replaced
    with `force` only. The file may have any length. Raises ConfigError, InputError, ModelError and OutputError.
    """
    classifier = load_detector(model, device=device, engine_backend=engine_backend)
    return detect_with(classifier, source, extract=extract, force=force, on_progress=on_progress)


def load_detector(model: str = TYPE_MODEL, *, device: str = "auto", engine_backend: str = "auto") -> Classifier:
    """The classifier that labels what has no length field. Raises ConfigError and ModelError."""
    classifier = load_classifier(model, device=device, engine_backend=engine_backend)
    if classifier.most_bytes < WINDOW:
        raise ConfigError(f"the model {model!r} reads {classifier.most_bytes} bytes at a time; detect needs {WINDOW}.")
    return classifier


def detect_with(
    classifier: Classifier,
    source: str | Path,
    *,
    extract: str | Path | None = None,
    force: bool = False,
    on_progress: Progress | None = None,
) -> Detection:
    """The same as `detect` with a classifier of `load_detector`."""
    if extract is not None:
        check_output_folder(Path(extract), ())
    with open_input(source, limit_bytes=None) as file:
        done = 0

        def on_bytes(count: int) -> None:
            nonlocal done
            done += count
            if on_progress is not None:
                on_progress(min(done, len(data)), len(data))

        try:
            data = StoredBytes(file)
            found, step = find_parts(data, classifier, on_bytes)
            segments = tuple(_measured(data, found))
            if extract is not None:
                segments = tuple(_extracted(data, _name(source), segments, Path(extract), force))
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror or error}.", file=_name(source)) from error
    return Detection(source=str(source), model=classifier.name, num_bytes=len(data), step=step, segments=segments)


def _name(source: str | Path) -> str:
    return "stdin" if str(source) == STDIO else str(source)


def _measured(data: Bytes, segments: Sequence[Segment]) -> Iterator[Segment]:
    """The segments with their bits per byte, but for padding, tiny parts, and without the compiled kernels."""
    left = _MOST_MEASURED
    for segment in segments:
        if segment.label == PADDING or segment.end - segment.start < _LEAST_MEASURED or not left:
            yield segment
            continue
        left -= 1
        part = data[segment.start : min(segment.end, segment.start + _MEASURED)]
        try:
            yield replace(segment, bits_per_byte=of_mixer(part).bits_per_byte)
        except ToolError:  # the kernels are not compiled
            left = 0
            yield segment


def _read(data: Bytes, start: int, end: int, source: str) -> bytes:
    try:
        part = data[start:end]
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}.", file=source, offset=start) from error
    if len(part) < end - start:
        raise InputError("the file became shorter while it was read.", file=source, offset=start)
    return part


def _extracted(data: Bytes, source: str, segments: Iterable[Segment], folder: Path, force: bool) -> Iterator[Segment]:
    """The segments, of which all but padding are now files of a folder."""
    names = {each: _file_name(each) for each in segments if each.label != PADDING}
    check_output_folder(folder, names.values(), force=force)
    make_folder(folder)
    for each in segments:
        if each not in names:
            yield each
            continue
        path = folder / names[each]
        with open_output(path, force=force) as output:
            for start in range(each.start, each.end, _COPIED):
                output.write(_read(data, start, min(each.end, start + _COPIED), source))
        yield replace(each, extracted=str(path))


def _file_name(segment: Segment) -> str:
    """A name by the offset, without a separator, whatever the label is."""
    suffix = _SUFFIXES.get(segment.label, segment.label)
    return f"{segment.start:08x}.{''.join(each for each in suffix if each.isalnum()) or 'bin'}"
