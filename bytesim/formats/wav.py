"""RIFF WAVE, uncompressed: bytes <-> Recording.

The models read and write one form of it, of 8044 bytes: 8000 Hz, mono, 8-bit unsigned, exactly one
second, with the plain 44-byte header. `parse` is strict, because files that a model wrote must be
right: a length field that disagrees with the file is an error. `bytesim normalize` converts
recordings of any other format.

Source: Multimedia Programming Interface and Data Specifications 1.0 (IBM, Microsoft, 1991),
chapter 3; WAVE_FORMAT_EXTENSIBLE as in Microsoft's mmreg.h.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from bytesim.errors import FormatError

MODEL_RATE_HZ = 8000
MODEL_FRAMES = 8000
"""Frames of a recording in the models' form: one second."""
MODEL_BYTES = 44 + MODEL_FRAMES
SILENCE = 128
"""Silence as an unsigned 8-bit sample."""

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")
"""The fixed part of an extensible file's subformat; the two bytes before it are the plain format tag."""
_LARGEST = 0xFFFFFFFF


class SampleFormat(Enum):
    """How one sample is stored: (format tag, bits), little-endian."""

    U8 = (_PCM, 8)
    S16 = (_PCM, 16)
    S24 = (_PCM, 24)
    S32 = (_PCM, 32)
    F32 = (_FLOAT, 32)

    @property
    def num_bytes(self) -> int:
        """Bytes of one sample."""
        return self.value[1] // 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Recording:
    """Uncompressed sound. `frames` are stored as in the file: interleaved little-endian samples."""

    sample_rate_hz: int
    num_channels: int
    sample_format: SampleFormat
    frames: bytes

    def __post_init__(self) -> None:
        if self.num_channels < 1 or self.sample_rate_hz < 1:
            raise FormatError("a recording needs at least one channel and a sample rate above 0.")
        if self.bytes_per_frame > 0xFFFF or self.sample_rate_hz * self.bytes_per_frame > _LARGEST:
            raise FormatError("too many channels or too high a sample rate for a WAV header.")
        if len(self.frames) % self.bytes_per_frame:
            raise FormatError(
                f"{len(self.frames)} bytes are not a whole number of frames of {self.bytes_per_frame} bytes."
            )
        if len(self.frames) > _LARGEST - 64:
            raise FormatError("a WAV file is smaller than 4 GiB. Cut the recording into shorter pieces.")

    @property
    def bytes_per_frame(self) -> int:
        """Bytes of one sample of every channel."""
        return self.num_channels * self.sample_format.num_bytes

    @property
    def num_frames(self) -> int:
        return len(self.frames) // self.bytes_per_frame

    @property
    def duration_s(self) -> float:
        return self.num_frames / self.sample_rate_hz

    @property
    def is_model_form(self) -> bool:
        """True for 8000 Hz mono 8-bit unsigned of exactly one second."""
        return self == model_recording(self.frames)


def model_recording(samples: bytes) -> Recording:
    """At most one second of 8000 Hz mono 8-bit unsigned samples, padded with silence to exactly one."""
    return Recording(
        sample_rate_hz=MODEL_RATE_HZ,
        num_channels=1,
        sample_format=SampleFormat.U8,
        frames=samples[:MODEL_FRAMES].ljust(MODEL_FRAMES, bytes([SILENCE])),
    )


def serialize(recording: Recording) -> bytes:
    """The file: RIFF header, a 16-byte `fmt ` chunk, the `data` chunk, and a zero byte after odd data."""
    tag, bits = recording.sample_format.value
    rate, width = recording.sample_rate_hz, recording.bytes_per_frame
    fmt = struct.pack("<4sIHHIIHH", b"fmt ", 16, tag, recording.num_channels, rate, rate * width, width, bits)
    pad = b"\0" * (len(recording.frames) % 2)
    data = struct.pack("<4sI", b"data", len(recording.frames)) + recording.frames + pad
    return struct.pack("<4sI4s", b"RIFF", 4 + len(fmt) + len(data), b"WAVE") + fmt + data


def parse(data: bytes) -> Recording:
    """Read a WAVE file of 8, 16, 24 or 32-bit integers or 32-bit floats; other chunks are skipped.

    Raises FormatError, with the offset of the wrong field, for anything else.
    """
    _expect(data, 0, b"RIFF")
    _expect(data, 8, b"WAVE")
    (claimed,) = struct.unpack_from("<I", data, 4)
    if claimed + 8 > len(data):
        raise FormatError(
            f"the header claims {claimed + 8} bytes, the file has {len(data)}. It is cut short.", offset=4
        )
    shape = None
    for name, start, end in _chunks(data, claimed + 8):
        if name == b"fmt " and shape is None:
            shape = _parse_fmt(data, start, end)
        elif name == b"data":
            if shape is None:
                raise FormatError("the `data` chunk comes before the `fmt ` chunk that describes it.", offset=start - 8)
            return _recording(data, start, end, *shape)
    raise FormatError("the file has no `data` chunk, so no samples.", offset=min(claimed + 8, len(data)))


def _expect(data: bytes, offset: int, magic: bytes) -> None:
    actual = data[offset : offset + len(magic)]
    if actual != magic:
        raise FormatError(f"expected {magic!r}, found {actual!r}. This is not a WAV file.", offset=offset)


def _chunks(data: bytes, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield (name, start, end) of the content of each chunk. Each step advances by 8 bytes or more, so it ends."""
    at = 12
    while at + 8 <= end:
        name, size = struct.unpack_from("<4sI", data, at)
        if size > end - at - 8:
            raise FormatError(f"chunk {name!r} claims {size} bytes, {end - at - 8} are left.", offset=at + 4)
        yield name, at + 8, at + 8 + size
        at += 8 + size + size % 2


def _parse_fmt(data: bytes, start: int, end: int) -> tuple[SampleFormat, int, int]:
    """(sample format, channels, sample rate) of the `fmt ` chunk."""
    if end - start < 16:
        raise FormatError(f"the `fmt ` chunk has {end - start} bytes, at least 16 are needed.", offset=start)
    tag, channels, rate, bytes_per_s, width, bits = struct.unpack_from("<HHIIHH", data, start)
    if tag == _EXTENSIBLE:
        if end - start < 40 or data[start + 26 : start + 40] != _GUID_TAIL:
            raise FormatError("the extensible format has an unknown subformat.", offset=start)
        (tag,) = struct.unpack_from("<H", data, start + 24)
    if (tag, bits) not in {form.value for form in SampleFormat}:
        raise FormatError(f"format {tag} with {bits} bits is not uncompressed sound.", offset=start)
    form = SampleFormat((tag, bits))
    if not channels:
        raise FormatError("the file claims no channel.", offset=start + 2)
    if not rate:
        raise FormatError("the file claims a sample rate of 0.", offset=start + 4)
    if width != channels * form.num_bytes:
        raise FormatError(f"{width} bytes per frame, {channels * form.num_bytes} expected.", offset=start + 12)
    if bytes_per_s != rate * width:
        raise FormatError(f"{bytes_per_s} bytes per second, {rate * width} expected.", offset=start + 8)
    return form, channels, rate


def _recording(data: bytes, start: int, end: int, form: SampleFormat, channels: int, rate: int) -> Recording:
    if (end - start) % (channels * form.num_bytes):
        raise FormatError(
            f"{end - start} bytes of samples are not a whole number of frames of {channels * form.num_bytes} bytes.",
            offset=start - 4,
        )
    return Recording(sample_rate_hz=rate, num_channels=channels, sample_format=form, frames=data[start:end])
