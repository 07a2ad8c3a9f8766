"""How a new file begins: a prompt of the user's, in the form that the model reads, and what must follow it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from bytesim.errors import BytesimError, ConfigError, FormatError, InputError
from bytesim.files import open_input, read_input
from bytesim.formats import abc, bmp
from bytesim.formats.grammar import lead, only_way_on
from bytesim.media import audio
from bytesim.media.image import normalize_image
from bytesim.tasks.generate.kinds import Kind

MAX_PROMPT_BYTES = 1 << 20
"""Longest prompt, but for pictures and recordings, of which a model reads little."""
KEPT_OF_WHOLE = 0.5
"""Share that is kept of a whole picture or recording where the user says nothing."""


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """What the user gave."""

    text: str | None = None
    file: str | Path | None = None
    keep: float | None = None

    def __post_init__(self) -> None:
        if self.text is not None and self.file is not None:
            raise ConfigError("give a prompt or a prompt file, not both.")
        if self.keep is not None and self.file is None:
            raise ConfigError("keep says how much of a prompt file is kept; give one.")
        if self.keep is not None and not 0.0 < self.keep <= 1.0:
            raise ConfigError(f"keep {self.keep} is out of range; choose more than 0 and at most 1.")

    @property
    def name(self) -> str:
        """What errors call it."""
        return "the prompt" if self.file is None else str(self.file)

    def read(self) -> bytes:
        """The bytes given, none where nothing was. Raises InputError."""
        if self.file is not None:
            return read_input(self.file, limit_bytes=MAX_PROMPT_BYTES)
        return (self.text or "").encode("utf-8", "surrogateescape")


@dataclass(frozen=True)
class Beginning:
    """The first bytes of every file of a call, as the model reads them."""

    data: bytes
    title: str | None = None
    """That of a begun tune; the model knows none."""


def begin(prompt: Prompt, suffix: str, kind: Kind | None) -> Beginning:
    """The beginning of files of a suffix. With a kind it is brought to that kind's form and led as far as there is only
    one way on: through the header of a picture, say.

    Raises InputError, with the offset, for a prompt that no file of the kind begins with, and ConfigError for one that
    is a whole file.
    """
    title = None
    if kind is not None and kind.num_bytes is not None and prompt.file is not None:
        data = _of_media(prompt, suffix, kind)
    else:
        data = prompt.read()
        if suffix == "abc":
            data, title = _of_tune(data)
        data = _shortened(data, 1.0 if prompt.keep is None else prompt.keep)
    return Beginning(data if kind is None else _led(data, suffix, kind, prompt.name), title)


def _shortened(text: bytes, share: float) -> bytes:
    """The beginning of a text, without the character that the cut would go through."""
    cut = round(len(text) * share)
    while 0 < cut < len(text) and text[cut] & 0xC0 == 0x80:
        cut -= 1
    return text[:cut]


def _led(data: bytes, suffix: str, kind: Kind, name: str) -> bytes:
    grammar = kind.grammar()
    misfit = lead(grammar, data)
    if misfit is not None:
        form = " in the form that the model reads" if suffix == "abc" else ""
        found = data[misfit : misfit + 1]
        raise InputError(f"no .{suffix} file begins so{form}: {found!r} cannot stand there.", file=name, offset=misfit)
    if kind.num_bytes is not None and len(data) >= kind.num_bytes:
        raise ConfigError(f"{name} is a whole .{suffix} file, which leaves nothing to write. Keep less of it.")
    return data + only_way_on(grammar)


def _of_media(prompt: Prompt, suffix: str, kind: Kind) -> bytes:
    """The beginning of a picture or recording in any format, or a begun file in the model's own form as it is."""
    assert prompt.file is not None
    assert kind.num_bytes is not None
    with open_input(prompt.file) as file:
        data = file.read(kind.num_bytes)
        begun = len(data) < kind.num_bytes and lead(kind.grammar(), data) is None
        try:
            data = data if begun else _model_form(file, suffix)
        except BytesimError as error:
            raise error.in_file(prompt.name) from error
    share = prompt.keep if prompt.keep is not None else 1.0 if begun else KEPT_OF_WHOLE
    header = kind.header_bytes
    return data[: header + round(max(0, len(data) - header) * share)]


def _model_form(file: BinaryIO, suffix: str) -> bytes:
    """A picture as 32x32 BMP, or the first second of a recording as WAV."""
    file.seek(0)
    if suffix == "bmp":
        return bmp.serialize(normalize_image(file).picture)
    sound = audio.Sound(audio.SoundFileLike(file))
    try:
        return audio.model_wav(audio.first_second(sound.blocks()))
    finally:
        sound.close()


def _of_tune(prompt: bytes) -> tuple[bytes, str | None]:
    """A begun tune in the form the model knows, and its title; anything else as it is."""
    try:
        tune = abc.parse(abc.decode_text(prompt))
        text = abc.canonical(tune).text.rstrip("\n")
    except FormatError:
        return prompt, None
    ends_bar = tune.body.rstrip().endswith("|")
    return (text if ends_bar else text.rstrip("|")).encode("ascii"), tune.title
