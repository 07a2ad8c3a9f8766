"""Tune books: files of several tunes, each of which begins with `X:`. Source: the ABC standard 2.1, section 2.2."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bytesim.errors import FormatError
from bytesim.formats.abc.tune import Tune, parse

MAX_TUNES = 20_000
"""Most tunes that are read of a book; the largest published collections have about as many."""

_TUNE_START = re.compile(r"^X:", re.MULTILINE)
_HEADER_FIELD = re.compile(r"^([LMQm]):[ \t]*([^%\n]*)", re.MULTILINE)
"""Fields of a file header that change the sound of its tunes."""
_TAG = re.compile(
    r"</[a-z][a-z0-9]*>|<!(?:--|doctype)[^>]*>|<(?:html|head|body|title|meta|link|script|style|pre|code|br|hr|div|span|font|"
    r"center|table|tbody|tr|td|th|ul|ol|li|h[1-6]|img|textarea)(?:\s[^<>]*)?/?>|<a\s+[a-z]+=[^<>]*>",
    re.IGNORECASE,
)
_LEADING_TAG = re.compile(rf"(^|\n)(?:{_TAG.pattern})+", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One tune of a book. It is not parsed yet, so that an error in it does not affect the other tunes."""

    text: str
    """From its X: field up to the X: field of the next tune."""
    offset: int
    """Where `text` begins, in characters from the start of the book."""
    inherited: tuple[tuple[str, str], ...] = ()
    """Fields of the file header."""

    def parse(self) -> Tune:
        """The tune. Raises FormatError, its offset counted from the start of the book."""
        try:
            return parse(self.text, inherited=self.inherited)
        except FormatError as error:
            raise self.located(error) from None

    def located(self, error: FormatError) -> FormatError:
        """The same error with its offset counted from the start of the book."""
        return FormatError(error.message, offset=None if error.offset is None else error.offset + self.offset)

    def alone(self, *, title: bool = True) -> str:
        """The tune as a complete ABC text, with the fields it inherits; `title=False` leaves out its T: fields."""
        text = self.text.split("\n", 1)
        own = "".join(f"{name}:{value}\n" for name, value in self.inherited)
        whole = f"{text[0]}\n{own}{text[1]}" if own and len(text) == 2 else self.text
        whole = whole if whole.startswith("X:") else f"X:1\n{whole.lstrip()}"
        whole = re.sub(r"\n[ \t]*(?:\n[\s\S]*)?\Z", "\n", whole, count=1) if "\n" in whole else whole
        return whole if title else re.sub(r"(?m)^T:.*\n?", "", whole)


def without_tags(text: str) -> str:
    """A text with the tags of a web page replaced by as many spaces, those at the start of a line by newlines.

    The signs of broken rhythm, as in `A<B>c`, remain: only names of tags that no music can be are taken for tags.
    """
    if not _TAG.search(text):
        return text
    blank = _LEADING_TAG.sub(lambda match: match[1] + "\n" * (len(match[0]) - len(match[1])), text)
    return _TAG.sub(lambda match: " " * len(match[0]), blank)


def split_book(text: str) -> list[Entry]:
    """The tunes of a file in order, at least one. A file without X: is read as one tune.

    Fields before the first X: apply to all tunes. Tags of a web page around the tunes are blanked out. Raises
    FormatError for more than MAX_TUNES.
    """
    text = without_tags(text)
    starts = [match.start() for match in _TUNE_START.finditer(text)]
    if not starts:
        return [Entry(text=text, offset=0)]
    if len(starts) > MAX_TUNES:
        raise FormatError(f"the book holds {len(starts)} tunes; at most {MAX_TUNES} are read. Split the file.")
    inherited = tuple((name, value.strip()) for name, value in _HEADER_FIELD.findall(text[: starts[0]]))
    ends = [*starts[1:], len(text)]
    return [
        Entry(text=text[start:end], offset=start, inherited=inherited) for start, end in zip(starts, ends, strict=True)
    ]
