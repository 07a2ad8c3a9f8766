"""Training rows of the music model: tunes and fragments in canonical ABC, with the MIDI of abc2midi. No torch."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bytesim.errors import BytesimError, FormatError, OutputError
from bytesim.formats.abc.transpose import transpose
from bytesim.oracles.abcmidi import find_tool, label_many, version_text
from bytesim.training.data.shards import Shard, load_shard, pack, save_shard

KEYS = (
    *("C", "G", "D", "A", "E", "B", "F#", "F", "Bb", "Eb", "Ab", "Db"),
    *("Amin", "Emin", "Bmin", "F#min", "C#min", "Dmin", "Gmin", "Cmin", "Fmin"),
    *("Ador", "Edor", "Ddor", "Bdor", "Gdor", "Amix", "Dmix", "Gmix", "Emix", "Cmix", "Bmix"),
)
METERS = ("4/4", "2/2", "3/4", "6/8", "2/4", "9/8", "12/8", "3/8", "3/2", "6/4", "5/4", "7/8")
UNITS = ("1/8", "1/4", "1/16")

_INTERVALS = [(-3, -5), (-2, -4), (-2, -3), (-1, -2), (-1, -1), (1, 1), (1, 2), (2, 3), (2, 4), (3, 5), (3, 6)]
"""(letters, semitones) by which copies of a tune are transposed: half an octave or less."""
KEY_SHARE, UNIT_SHARE, METER_SHARE = 0.5, 0.3, 0.3
"""Shares of the fragments with a random key, unit length or meter."""
LABELS_PER_FILE = 1000
_HAS_NOTE = re.compile(r"[A-Ga-g]")


@dataclass(frozen=True)
class Row:
    """A text to label. `parts` is 0 for a whole tune, else the number of bars of the fragment."""

    text: str
    parts: int


def rows_of(text: str, seed: int, transposed: int = 0) -> list[Row]:
    """The rows of a tune: the tune itself, copies in other keys, and four fragments of 1, 2, 2 to 4 and 4 to 12 bars.

    They depend on the tune and the seed alone, not on the other tunes of the set.
    """
    rng = random.Random(f"{seed}:{text}")
    return [
        Row(text, 0),
        *(Row(copy, 0) for copy in _in_other_keys(text, transposed, random.Random(f"{seed}:keys:{text}"))),
        *(_fragment(text, bars, rng) for bars in (1, 2, rng.choice((2, 3, 4)), rng.choice((4, 6, 8, 12)))),
    ]


def _in_other_keys(text: str, count: int, rng: random.Random) -> list[str]:
    """At most `count` copies of a tune, each in another key; fewer if notes or keys would need too many accidentals."""
    copies: list[str] = []
    for steps, semitones in rng.sample(_INTERVALS, len(_INTERVALS)):
        if len(copies) == count:
            break
        with suppress(FormatError):
            copies.append(transpose(text, steps, semitones))
    return copies


def _fragment(text: str, num_bars: int, rng: random.Random) -> Row:
    _, meter, unit, key, body = text.split("\n", 4)
    bars = [bar for bar in body.split("|") if _HAS_NOTE.search(bar)]
    first = rng.randrange(max(1, len(bars) - num_bars + 1))
    picked = bars[first : first + num_bars]
    if rng.random() < KEY_SHARE:
        key = f"K:{rng.choice(KEYS)}"
    if rng.random() < UNIT_SHARE:
        unit = f"L:{rng.choice(UNITS)}"
    if rng.random() < METER_SHARE:
        meter = f"M:{rng.choice(METERS)}"
    return Row(f"X:1\n{meter}\n{unit}\n{key}\n{'|'.join(picked)}|\n", len(picked))


def label_rows(rows: Sequence[Row], folder: Path, *, jobs: int, on_done: Callable[[int], None]) -> Shard:
    """A shard of (ABC, MIDI) of the rows that abc2midi converts, with `parts` as group.

    Labels are stored in `folder`, a thousand to a file whose name is the hash of its rows, so that a stopped build
    continues. Raises ToolError, OutputError.
    """
    version = abc2midi_version()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"the folder of labels cannot be made ({error.strerror}).", file=str(folder)) from error
    pairs: list[tuple[bytes, bytes]] = []
    groups: list[int] = []
    for chunk in _chunks(rows):
        labels = _labels(chunk, folder, version, jobs)
        for index, row in enumerate(chunk):
            if labels.label[index]:
                pairs.append(labels.row(index))
                groups.append(row.parts)
        on_done(len(chunk))
    return pack(pairs, groups)


def abc2midi_version() -> str:
    """The version text of the installed abc2midi. Raises ToolError if it is missing."""
    return version_text(find_tool("abc2midi"))


def _chunks(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    for start in range(0, len(rows), LABELS_PER_FILE):
        yield rows[start : start + LABELS_PER_FILE]


def _labels(rows: Sequence[Row], folder: Path, version: str, jobs: int) -> Shard:
    """Rows with their MIDI and label 1, or without MIDI and label 0, from the file of stored labels or made now."""
    texts = [row.text for row in rows]
    name = hashlib.sha256("\0".join([version, *texts]).encode()).hexdigest()[:24]
    path = folder / f"{name}.npz"
    if path.is_file():
        try:
            return load_shard(path)
        except BytesimError:  # damaged: labelled again
            path.unlink()
    midis = list(label_many(texts, jobs=jobs))
    shard = pack(
        [(text.encode(), midi or b"") for text, midi in zip(texts, midis, strict=True)],
        labels=[int(midi is not None) for midi in midis],
    )
    save_shard(path, shard)
    return shard
