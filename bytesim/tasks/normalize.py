"""`bytesim normalize`: convert any recording or picture to the form that the models read."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Literal

from bytesim.errors import ConfigError, InputError, OutputError
from bytesim.files import (
    STDIO,
    Inputs,
    Outcome,
    Target,
    check_output,
    expand_inputs,
    open_input,
    output_path,
    run_each,
    subfolder_of,
    write_output,
)
from bytesim.formats import bmp, wav
from bytesim.media import audio
from bytesim.media.forms import describe_sound, one_second, open_sound
from bytesim.media.image import NormalizedImage, UnknownPictureError, normalize_image
from bytesim.patching import suffix_of

TO = ("auto", "wav", "bmp")
SEGMENTS = ("first", "loudest", "all")
FITS = ("crop", "pad", "stretch")

_SOUNDS = {"aac", "aif", "aifc", "aiff", "au", "caf", "flac", "m4a", "mp3", "oga", "ogg", "opus"}
_SOUNDS |= {"snd", "voc", "w64", "wav"}
_PICTURES = {"apng", "avif", "bmp", "gif", "icns", "ico", "jfif", "jp2", "jpeg", "jpg", "pbm", "pcx", "pgm", "png"}
_PICTURES |= {"pnm", "ppm", "psd", "qoi", "tga", "tif", "tiff", "webp"}
SUFFIXES = frozenset(_SOUNDS | _PICTURES)
"""Suffixes that are read from folders. A file that the user names is detected by its content alone, so that videos,
whose sound ffmpeg decodes, must be named."""


Progress = Callable[[int, int], None]
"""Called with (bytes read, total bytes)."""


@dataclass(frozen=True, kw_only=True)
class Normalized:
    """The result of one input."""

    source: str
    outputs: list[str]
    """The files written, in order; `-` is stdout."""
    kind: Literal["wav", "bmp"]
    found: str
    """A description of the input, such as `44100 Hz stereo, 3.2 s`."""
    done: str
    """What was done to the input, such as `first 1 s`."""
    whole_name: bool = False
    """Whether the output has the whole name of the input before its suffix, as another input has the same stem."""


@dataclass(frozen=True, kw_only=True)
class _Job:
    """The settings of one run, checked, and the outputs so far."""

    apart: frozenset[str]
    """The sources whose outputs keep the whole name, such as song.mp3.wav, because another has the same stem."""
    to: str
    segment: str
    fit: str
    output: str | Path | None
    force: bool
    many: bool
    roots: Inputs
    on_bytes: Callable[[int], None]
    taken: set[str] = field(default_factory=set)

    def target(self, source: str, kind: str, index: int | None = None) -> Target:
        """The path of an output. Raises OutputError if it cannot be written there."""
        path = output_path(
            source,
            output=self.output,
            suffix=kind,
            many=self.many,
            index=index,
            roots=self.roots,
            tag="-normalized",
            whole_name=source in self.apart,
        )
        if path != STDIO and Path(path).suffix.lower() in {".wav", ".bmp"} - {f".{kind}"}:
            raise OutputError(f"the result is a .{kind} file; give it that suffix.", file=str(path))
        check_output(path, force=self.force, taken=self.taken, source=source)
        return path


def normalize(
    sources: Inputs,
    *,
    output: str | Path | None = None,
    to: str = "auto",
    segment: str = "first",
    fit: str = "crop",
    force: bool = False,
    on_progress: Progress | None = None,
) -> list[Outcome[Normalized]]:
    """Write each recording as 8000 Hz mono 8-bit WAV of one second, each picture as 32x32 BMP of 24 bits.

    `to` names the expected kind; `auto` detects it from the content. `segment` selects the second of a
    recording: `first`, `loudest`, or `all`, which writes NAME-001.wav and so on. `fit` makes a picture
    square: `crop` to its middle, `pad` with white, or `stretch`. Folders are searched for files.
    Raises ConfigError for an unknown choice; the error of an input is in its outcome.
    """
    for name, value, choices in (("to", to, TO), ("segment", segment, SEGMENTS), ("fit", fit, FITS)):
        if value not in choices:
            raise ConfigError(f"{name} {value!r} is unknown; choose one of {', '.join(choices)}.")
    names = expand_inputs(sources, suffixes=SUFFIXES)
    meter = _Meter(names, on_progress)
    job = _Job(
        apart=_alike(names, to, output, sources),
        to=to,
        segment=segment,
        fit=fit,
        output=output,
        force=force,
        many=len(names) > 1,
        roots=sources,
        on_bytes=meter.add,
    )
    return run_each(names, lambda source: _normalize_one(source, job), on_done=meter.next)


def _alike(names: Sequence[str], to: str, output: str | Path | None, roots: Inputs) -> frozenset[str]:
    """The sources whose outputs would have the name of another's: same folder, same stem and perhaps the same kind."""
    groups: dict[tuple[str, str], set[str]] = {}
    for name in names:
        place = Path(name).parent if output is None else subfolder_of(Path(name), roots)
        for kind in _kinds(name) if to == "auto" else (to,):
            groups.setdefault((os.path.normcase(place / Path(name).stem), kind), set()).add(name)
    return frozenset(name for group in groups.values() if len(group) > 1 for name in group)


def _kinds(name: str) -> tuple[str, ...]:
    """The kinds that a file may become, by its suffix."""
    suffix = suffix_of(name)
    return ("wav",) if suffix in _SOUNDS else ("bmp",) if suffix in _PICTURES else ("wav", "bmp")


def _normalize_one(source: str, job: _Job) -> Normalized:
    with open_input(source) as file, _sound_in(file, job) as sound:
        if sound is not None and job.segment == "all":
            return _write_every_second(source, sound, job)
        # The output is checked before the work, and written after the source is closed.
        if sound is not None:
            target = job.target(source, "wav")
            data, done = one_second(sound, job.segment)
            normalized = Normalized(
                source=source,
                outputs=[str(target)],
                kind="wav",
                found=describe_sound(sound),
                done=done,
                whole_name=source in job.apart,
            )
        else:
            image = _picture_in(file, job)
            target = job.target(source, "bmp")
            data = bmp.serialize(image.picture)
            normalized = Normalized(
                source=source,
                outputs=[str(target)],
                kind="bmp",
                found=image.found,
                done=image.done,
                whole_name=source in job.apart,
            )
    write_output(target, data, force=job.force)
    return normalized


@contextmanager
def _sound_in(file: BinaryIO, job: _Job) -> Iterator[audio.Sound | None]:
    """The recording in the file; None if it may be a picture. Raises InputError."""
    if job.to == "bmp":
        yield None
        return
    with ExitStack() as stack:
        sound: audio.Sound | None = None
        try:
            sound = stack.enter_context(open_sound(file, first_second=job.segment == "first", on_bytes=job.on_bytes))
        except audio.UnknownSoundError:
            if job.to == "wav":
                raise
        yield sound


def _picture_in(file: BinaryIO, job: _Job) -> NormalizedImage:
    file.seek(0)
    try:
        return normalize_image(file, fit=job.fit)
    except UnknownPictureError as error:
        if job.to == "bmp":
            raise
        raise InputError("neither a recording nor a picture that bytesim reads.") from error


def _write_every_second(source: str, sound: audio.Sound, job: _Job) -> Normalized:
    """Write the pieces as they are decoded; all outputs that the header announces are checked first."""
    audio.refuse_endless(sound)
    ahead = [job.target(source, "wav", index) for index in range(1, int(sound.duration_s) + 1)]
    outputs: list[str] = []
    samples = 0
    for index, second in enumerate(audio.every_second(sound.blocks()), start=1):
        target = ahead[index - 1] if index <= len(ahead) else job.target(source, "wav", index)
        write_output(target, audio.model_wav(second), force=job.force)
        outputs.append(str(target))
        samples += len(second)
    padded = ", the last padded" if samples % wav.MODEL_FRAMES else ""
    done = f"{len(outputs)} piece{'s' * (len(outputs) != 1)} of 1 s{padded}"
    return Normalized(
        source=source,
        outputs=outputs,
        kind="wav",
        found=describe_sound(sound),
        done=done,
        whole_name=source in job.apart,
    )


class _Meter:
    """Adds up the bytes read of all files, for a progress bar."""

    def __init__(self, sources: Sequence[str], report: Progress | None) -> None:
        self._sizes = [os.path.getsize(source) if os.path.isfile(source) else 0 for source in sources]
        self._report = report
        self._total = sum(self._sizes)
        self._file = self._before = self._in_file = 0

    def add(self, num_bytes: int) -> None:
        """Add bytes read of the current file, at most its size, because decoders may read a part twice."""
        self._in_file = min(self._in_file + num_bytes, self._sizes[self._file])
        self._show(self._before + self._in_file)

    def next(self, _: object) -> None:
        """Count the current file as read to its end, and go to the next."""
        self._before += self._sizes[self._file]
        self._file, self._in_file = self._file + 1, 0
        self._show(self._before)

    def _show(self, done: int) -> None:
        if self._report is not None:
            self._report(done, self._total)
