"""ABC notation: tunes, tune books, the canonical form that the music model reads, and a readable layout."""

from bytesim.formats.abc.audible import audible
from bytesim.formats.abc.book import Entry, split_book
from bytesim.formats.abc.canonical import Canonical, canonical
from bytesim.formats.abc.constructs import count_notes
from bytesim.formats.abc.layout import layout, title_fields
from bytesim.formats.abc.source import byte_offset, decode_text
from bytesim.formats.abc.tune import Tune, parse

__all__ = [
    "Canonical",
    "Entry",
    "Tune",
    "audible",
    "byte_offset",
    "canonical",
    "count_notes",
    "decode_text",
    "layout",
    "parse",
    "split_book",
    "title_fields",
]
