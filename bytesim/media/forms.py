"""Convert a recording or picture of any format to the models' form."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import BinaryIO, Literal

from bytesim.errors import InputError
from bytesim.formats import bmp, wav
from bytesim.media import audio
from bytesim.media.image import normalize_image

VIDEO_ADVICE = "For a video, or for sound in another format, make a WAV file first: ffmpeg -i FILE sound.wav"


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
    try:
        sound = audio.Sound(audio.SoundFileLike(file))
    except audio.UnknownSoundError as error:
        raise InputError(f"not a recording that libsndfile reads. {VIDEO_ADVICE}") from error
    with closing(sound):
        data, done = one_second(sound, "first")
        return data, f"{describe_sound(sound)} -> {done}"


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
    channels = {1: "mono", 2: "stereo"}.get(sound.num_channels, f"{sound.num_channels} channels")
    return f"{sound.sample_rate_hz} Hz {channels}, {_duration(sound.duration_s)}"


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{round(seconds, 2):g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
