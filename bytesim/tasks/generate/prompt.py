"""The first bytes of new files: the user's prompt in the form that the model reads, and bytes that must follow it."""

from __future__ import annotations

import io
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from bytesim.errors import BytesimError, ConfigError, FormatError, InputError
from bytesim.files import open_input, read_input
from bytesim.formats import abc
from bytesim.formats.grammar import lead, only_way_on
from bytesim.media.forms import model_form
from bytesim.tasks.generate.kinds import Kind

MAX_PROMPT_BYTES = 1 << 20
"""Longest prompt. Prompts for pictures and recordings have no such limit, because they are reduced."""
KEPT_OF_WHOLE = 0.5
"""Default share that is kept of a whole picture or recording."""


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """The prompt as the user gave it."""

    text: str | None = None
    file: str | Path | None = None
    data: bytes | None = None
    """The content of a prompt file that is in memory."""
    keep: float | None = None

    def __post_init__(self) -> None:
        if self.text is not None and self.file is not None:
            raise ConfigError("give a prompt or a prompt file, not both.")
        if self.keep is not None and self.file is None and self.data is None:
            raise ConfigError("keep is the share of a prompt file to keep; give a prompt file.")
        if self.keep is not None and not 0.0 < self.keep <= 1.0:
            raise ConfigError(f"keep {self.keep} is out of range; choose more than 0 and at most 1.")

    @property
    def name(self) -> str:
        """The name of the prompt in errors."""
        return "the prompt" if self.file is None else str(self.file)

    @property
    def is_file(self) -> bool:
        """Whether the prompt is a file, on disk or in memory, and so may be a picture or recording of any format."""
        return self.file is not None or self.data is not None

    def open(self) -> AbstractContextManager[BinaryIO]:
        """The prompt file, which can seek. Raises InputError."""
        return open_input(self.file) if self.file is not None else nullcontext(io.BytesIO(self.data or b""))

    def read(self) -> bytes:
        """The bytes of the prompt; none without a prompt. Raises InputError."""
        if self.file is not None:
            return read_input(self.file, limit_bytes=MAX_PROMPT_BYTES)
        if self.data is not None:
            return self.data
        return (self.text or "").encode("utf-8", "surrogateescape")


@dataclass(frozen=True)
class Beginning:
    """The first bytes of every file of one call, as the model reads them."""

    data: bytes
    title: str | None = None
    """The title of the tune in the prompt; it is added after decoding, because the model reads no titles."""


def begin(prompt: Prompt, suffix: str, kind: Kind | None) -> Beginning:
    """The beginning of the files of a suffix.

    With a `kind` the prompt is converted to that kind's form, and bytes that must follow it, such as the rest of a
    header, are added. Raises InputError, with the offset, if no file of the kind can begin so, and ConfigError for a
    prompt that is a whole file.
    """
    title = None
    if kind is not None and kind.num_bytes is not None and prompt.is_file:
        data = _of_media(prompt, suffix, kind)
    else:
        data = prompt.read()
        if suffix == "abc":
            data, title = _of_tune(data)
        data = _shortened(data, 1.0 if prompt.keep is None else prompt.keep)
    return Beginning(data if kind is None else _completed(data, suffix, kind, prompt.name), title)


def _shortened(text: bytes, share: float) -> bytes:
    """The first `share` of a UTF-8 text, without a character that would be cut in two."""
    cut = round(len(text) * share)
    while 0 < cut < len(text) and text[cut] & 0xC0 == 0x80:
        cut -= 1
    return text[:cut]


def _completed(data: bytes, suffix: str, kind: Kind, name: str) -> bytes:
    """The prompt, checked by the grammar, and the bytes that must follow it."""
    grammar = kind.grammar()
    misfit = lead(grammar, data)
    if misfit is not None:
        form = " in the form that the model reads" if suffix == "abc" else ""
        byte = data[misfit : misfit + 1]
        raise InputError(
            f"no .{suffix} file can begin like this{form}: {byte!r} is not allowed here.",
            file=name,
            offset=misfit,
        )
    if kind.num_bytes is not None and len(data) >= kind.num_bytes:
        raise ConfigError(f"{name} is a whole .{suffix} file, which leaves nothing to write. Keep less of it.")
    return data + only_way_on(grammar)


def _of_media(prompt: Prompt, suffix: str, kind: Kind) -> bytes:
    """The prompt from any picture or recording; the start of a file in the models' form is used as it is."""
    assert kind.num_bytes is not None
    with prompt.open() as file:
        data = file.read(kind.num_bytes)
        starts_in_form = len(data) < kind.num_bytes and lead(kind.grammar(), data) is None
        try:
            if not starts_in_form:
                file.seek(0)
                data, _ = model_form(file, "bmp" if suffix == "bmp" else "wav")
        except BytesimError as error:
            raise error.in_file(prompt.name) from error
    share = prompt.keep if prompt.keep is not None else 1.0 if starts_in_form else KEPT_OF_WHOLE
    header = kind.header_bytes
    return data[: header + round(max(0, len(data) - header) * share)]


def _of_tune(prompt: bytes) -> tuple[bytes, str | None]:
    """(the start of a tune in canonical form, its title); (prompt, None) if it does not parse as a tune."""
    try:
        tune = abc.parse(abc.decode_text(prompt))
        text = abc.canonical(tune).text.rstrip("\n")
    except FormatError:
        return prompt, None
    ends_bar = tune.body.rstrip().endswith("|")
    return (text if ends_bar else text.rstrip("|")).encode("ascii"), tune.title
