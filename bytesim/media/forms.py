"""Convert a recording or picture of any format to the models' form."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import BinaryIO, Literal

from bytesim.formats import bmp, wav
from bytesim.media import audio
from bytesim.media.ffmpeg import decoded, holds_other_sound
from bytesim.media.image import normalize_image

NOT_SOUND = "not a recording that libsndfile or ffmpeg reads."
_MARGIN_S = 1.1
"""Seconds that ffmpeg decodes of a recording whose first second is asked for."""
_HEAD_BYTES = 192
"""First bytes of a file, from which it is decided whether it is one for ffmpeg."""


def model_form(file: BinaryIO, kind: Literal["wav", "bmp"]) -> tuple[bytes, str]:
    """(file in the models' form, what was done) of a recording or picture, as `normalize` makes it by default.

    A file that is in this form already is returned as it is, with an empty text. Raises InputError.
    """
    head = _MODEL_HEADS[kind]
    data = file.read(head.num_bytes + 1)
    if len(data) == head.num_bytes and data.startswith(head.start):
        return data, ""
    file.seek(0)
    if kind == "bmp":
        image = normalize_image(file)
        return bmp.serialize(image.picture), f"{image.found} -> {image.done}"
    with open_sound(file, first_second=True) as sound:
        data, done = one_second(sound, "first")
        return data, f"{describe_sound(sound)} -> {done}"


@contextmanager
def open_sound(
    file: BinaryIO, *, first_second: bool = False, on_bytes: Callable[[int], None] | None = None
) -> Iterator[audio.Sound]:
    """The recording in a file, by libsndfile; the sound of a video and the like by ffmpeg.

    `first_second` says that no more than the first second will be read. `on_bytes` is called with the number of bytes
    of each read. Raises UnknownSoundError if the file is not a recording, InputError and ToolError.
    """
    with ExitStack() as stack:
        try:
            sound = audio.Sound(audio.SoundFileLike(file, on_bytes))
        except audio.UnknownSoundError:
            file.seek(0)
            if not holds_other_sound(file.read(_HEAD_BYTES)):
                raise
            wav_file = stack.enter_context(decoded(file, seconds=_MARGIN_S if first_second else None))
            sound = audio.Sound(audio.SoundFileLike(wav_file))
            sound.by_ffmpeg = True
        stack.enter_context(closing(sound))
        yield sound


@dataclass(frozen=True)
class _ModelHead:
    """What identifies a file in the models' form: its length and its header."""

    num_bytes: int
    start: bytes


_SILENT = wav.serialize(wav.model_recording(b""))
_WHITE = bmp.serialize(
    bmp.Picture(width=bmp.MODEL_SIDE, height=bmp.MODEL_SIDE, pixels=b"\xff" * (bmp.MODEL_BYTES - bmp.HEADER_BYTES))
)


_MODEL_HEADS = {
    "wav": _ModelHead(len(_SILENT), _SILENT[: -wav.MODEL_FRAMES]),
    "bmp": _ModelHead(bmp.MODEL_BYTES, _WHITE[: bmp.HEADER_BYTES]),
}


def one_second(sound: audio.Sound, segment: str) -> tuple[bytes, str]:
    """(WAV file, what was done) of one second: the loudest, or the first for any other `segment`."""
    if segment == "loudest":
        audio.refuse_endless(sound)
        samples, start_s = audio.loudest_second(sound.blocks())
        done = f"loudest 1 s, from {start_s:.2f} s"
    else:
        samples = audio.first_second(sound.blocks())
        done = "first 1 s" if sound.duration_s > 1 else "unchanged" if sound.is_model_form else "1 s"
    return audio.model_wav(samples), done if len(samples) == wav.MODEL_FRAMES else "padded to 1 s"


def describe_sound(sound: audio.Sound) -> str:
    """Sample rate, channels and duration, such as `44100 Hz stereo, 3.2 s`."""
    if sound.by_ffmpeg:
        return f"sound of {sound.sample_rate_hz} Hz by ffmpeg"
    channels = {1: "mono", 2: "stereo"}.get(sound.num_channels, f"{sound.num_channels} channels")
    return f"{sound.sample_rate_hz} Hz {channels}, {_duration(sound.duration_s)}"


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{round(seconds, 2):g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
