"""Read any recording that libsndfile knows, block by block, as 8000 Hz mono, and pick seconds out of it.

Only a few blocks are in memory at a time, whatever the length of the recording: lengths in headers are
shown to the user but never trusted. Samples are passed on as (n,) float32 in -1..1.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from functools import cache
from typing import Any, BinaryIO

import numpy as np
import soxr
from numpy.typing import NDArray

from bytesim.errors import InputError, ToolError
from bytesim.formats import wav

Samples = NDArray[np.float32]

RATES_HZ = range(100, 10_000_001)
"""Sample rates that are accepted; others are a damaged header."""
MAX_DURATION_S = 48 * 3600
"""Longest recording that is read to its end: a few bytes can hold years of compressed silence."""

_TOO_LONG = f"longer than {MAX_DURATION_S // 3600} hours. Cut it into pieces, or take --segment first."
_BLOCK_SAMPLES = 1 << 16
_HOP = wav.MODEL_RATE_HZ // 100


class UnknownSoundError(InputError):
    """A file that libsndfile does not know; it may be of another kind."""


class SoundFileLike:
    """The methods of a file that libsndfile needs. It gets no name, so it detects the format by content.

    Python would print and drop an exception inside a callback from C, so a read error is stored in
    `failure`, and the read returns no bytes. `on_bytes` is called with the number of bytes of each read.
    """

    def __init__(self, file: BinaryIO, on_bytes: Callable[[int], None] | None = None) -> None:
        self._file = file
        self._on_bytes = on_bytes
        self.failure: OSError | None = None

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._file.read(len(buffer))
        except OSError as error:
            self.failure, data = error, b""
        buffer[: len(data)] = data
        if self._on_bytes is not None:
            self._on_bytes(len(data))
        return len(data)

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        with suppress(OSError, ValueError):  # in a damaged file libsndfile may seek to before the start
            self._file.seek(offset, whence)
        return self.tell()

    def tell(self) -> int:
        return self._file.tell()


class Sound:
    """An open recording: the values of its header, and its samples in blocks."""

    by_ffmpeg = False
    """Whether ffmpeg decoded it, so that its header says nothing about the file."""

    def __init__(self, source: SoundFileLike) -> None:
        """Raises InputError if libsndfile does not know the format, or if the sample rate is impossible."""
        self._source = source
        reader = _reader()
        _refuse_sample_dumps(source)
        try:
            with _quiet():
                self._sound = reader(source)
        except (RuntimeError, TypeError, ValueError) as error:  # soundfile's own errors are RuntimeErrors
            raise UnknownSoundError("not a recording that libsndfile or ffmpeg reads.") from source.failure or error
        if self.sample_rate_hz not in RATES_HZ:
            raise InputError(f"the header claims a sample rate of {self.sample_rate_hz:,} Hz, which no recording has.")

    @property
    def sample_rate_hz(self) -> int:
        return int(self._sound.samplerate)

    @property
    def num_channels(self) -> int:
        return int(self._sound.channels)

    @property
    def _prints_remarks(self) -> bool:
        return "MPEG" in str(self._sound.subtype)

    @property
    def duration_s(self) -> float:
        """The duration by the header, which may be wrong."""
        return float(self._sound.frames / self.sample_rate_hz)

    @property
    def is_model_form(self) -> bool:
        """True for 8000 Hz mono 8-bit unsigned WAV, whose samples are passed on unchanged."""
        kind = (self._sound.format, self._sound.subtype, self.sample_rate_hz, self.num_channels)
        return kind == ("WAV", "PCM_U8", wav.MODEL_RATE_HZ, 1)

    def close(self) -> None:
        self._sound.close()

    def blocks(self) -> Iterator[Samples]:
        """The recording as 8000 Hz mono, in blocks of any length. Raises InputError if decoding fails."""
        mono = self._mono_blocks()
        if self.sample_rate_hz == wav.MODEL_RATE_HZ:
            yield from mono
            return
        resampler = soxr.ResampleStream(self.sample_rate_hz, wav.MODEL_RATE_HZ, 1, dtype="float32")
        for block in mono:
            yield resampler.resample_chunk(block)
        yield resampler.resample_chunk(np.zeros(0, np.float32), last=True)

    def _mono_blocks(self) -> Iterator[Samples]:
        frames = max(1024, _BLOCK_SAMPLES // self.num_channels)
        frames_read = 0
        while len(block := self._read(frames, frames_read)):
            frames_read += len(block)
            # Float files may have NaN, infinities and values out of range; integer formats would have clipped them.
            loud = np.clip(np.nan_to_num(block, nan=0.0, posinf=1.0, neginf=-1.0), -1.0, 1.0)
            yield loud.mean(axis=1, dtype=np.float32)
        if not frames_read:
            raise InputError("the recording holds no sound.")

    def _read(self, frames: int, at: int) -> NDArray[np.float32]:
        """(n, channels): the next frames; none at the end."""
        if at > MAX_DURATION_S * self.sample_rate_hz:
            raise InputError(_TOO_LONG)
        try:
            with _quiet() if self._prints_remarks else nullcontext():
                block: NDArray[np.float32] = self._sound.read(frames, dtype="float32", always_2d=True)
        except (RuntimeError, ValueError) as error:
            raise InputError(f"cannot be decoded after {at / self.sample_rate_hz:.2f} s: {error}") from error
        if self._source.failure is not None:
            raise InputError(f"cannot be read to its end: {self._source.failure.strerror}.") from self._source.failure
        return block


def refuse_endless(sound: Sound) -> None:
    """Raise InputError before the work if the recording is too long by its header."""
    if sound.duration_s > MAX_DURATION_S:
        raise InputError(_TOO_LONG)


def first_second(blocks: Iterable[Samples]) -> Samples:
    """The first 8000 samples, or all if there are fewer; reads no more blocks than needed."""
    pieces: list[Samples] = []
    for block in blocks:
        pieces.append(block)
        if sum(map(len, pieces)) >= wav.MODEL_FRAMES:
            break
    return np.concatenate(pieces)[: wav.MODEL_FRAMES]


def loudest_second(blocks: Iterable[Samples]) -> tuple[Samples, float]:
    """(the second with the most energy, its start in seconds); starts are tried every 10 ms."""
    waiting = np.zeros(0, np.float32)
    waiting_at = 0
    loudest, second, second_at = -1.0, waiting, 0
    for block in blocks:
        waiting = np.concatenate([waiting, block])
        if len(waiting) < wav.MODEL_FRAMES:
            continue
        energy = np.concatenate([[0.0], np.cumsum(waiting.astype(np.float64) ** 2)])
        starts = np.arange(0, len(waiting) - wav.MODEL_FRAMES + 1, _HOP)
        energies = energy[starts + wav.MODEL_FRAMES] - energy[starts]
        best = int(np.argmax(energies))
        if energies[best] > loudest + 1e-9:  # of equally loud seconds the first one is kept
            loudest, second_at = float(energies[best]), waiting_at + int(starts[best])
            second = waiting[starts[best] : starts[best] + wav.MODEL_FRAMES].copy()
        passed = int(starts[-1]) + _HOP
        waiting, waiting_at = waiting[passed:], waiting_at + passed
    return (waiting, 0.0) if loudest < 0 else (second, second_at / wav.MODEL_RATE_HZ)


def every_second(blocks: Iterable[Samples]) -> Iterator[Samples]:
    """Yield one second after another; the last may be shorter. A remainder under 10 ms is left out if it is not all."""
    waiting = np.zeros(0, np.float32)
    seconds = 0
    for block in blocks:
        waiting = np.concatenate([waiting, block])
        while len(waiting) >= wav.MODEL_FRAMES:
            yield waiting[: wav.MODEL_FRAMES]
            waiting = waiting[wav.MODEL_FRAMES :]
            seconds += 1
    if len(waiting) >= _HOP or not seconds:
        yield waiting


def model_wav(samples: Samples) -> bytes:
    """The WAV file, 8044 bytes, of at most one second at 8000 Hz, padded with silence."""
    steps = np.clip(np.rint(samples * 128) + wav.SILENCE, 0, 255).astype(np.uint8)
    return wav.serialize(wav.model_recording(steps.tobytes()))


def _refuse_sample_dumps(source: SoundFileLike) -> None:
    """Refuse MIDI sample dumps, a rare format: on a damaged one libsndfile prints to stdout, into our output."""
    head = source.read(2)
    source.seek(0)
    if head == b"\xf0\x7e":
        raise UnknownSoundError("this is a MIDI sample dump, which is not read.")


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence file descriptor 2, to which libmpg123 writes pages of remarks on a damaged file."""
    try:
        saved = os.dup(2)
    except OSError:  # no stderr at all
        yield
        return
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(null)


@cache
def _reader() -> Any:
    """soundfile's SoundFile, for reading from front to back. Imported late, because importing it loads libsndfile."""
    try:
        import soundfile
    except OSError as error:
        raise ToolError("libsndfile is missing. Install it, on Debian: apt-get install libsndfile1.") from error

    class ForwardReader(soundfile.SoundFile):
        def seekable(self) -> bool:
            # After every read soundfile seeks to the current position. Inside an MP3 this drops the bit reservoir
            # that frames share, so the next frames are decoded wrong. It does not seek in a file that cannot seek.
            return False

    return ForwardReader
