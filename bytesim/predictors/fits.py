"""Whether a file is like those that a classifier was trained on, by a condition in the classifier's card."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from typing import Any, BinaryIO

from bytesim.errors import BytesimError, ModelError
from bytesim.models.folder import CARD_FILE, read_card

CARD_FIELD = "fits"
SIDES, SECONDS = "picture_sides", "seconds"


class Fits:
    """The condition of one card: `true` for every file, sides of a picture without transparency, or a duration."""

    def __init__(self, folder: Path) -> None:
        """Read the field `fits` of a card; without it no file fits. Raises ModelError for an invalid one."""
        stored = read_card(folder).get(CARD_FIELD, False)
        if not isinstance(stored, bool) and not _is_range(stored):
            message = f"the field {CARD_FIELD} is not valid; docs/models.md explains it."
            raise ModelError(message, file=str(folder / CARD_FILE))
        self.condition: Any = stored

    def __call__(self, file: BinaryIO) -> bool:
        """Whether a seekable binary file fits. A file that cannot be measured does not."""
        if isinstance(self.condition, bool):
            return self.condition
        file.seek(0, os.SEEK_SET)
        ((kind, (least, most)),) = self.condition.items()
        try:
            return all(least <= value <= most for value in _measure(file, kind))
        except BytesimError:
            return False


def _is_range(stored: Any) -> bool:
    """Whether a value is one measure with its least and greatest value, such as {"seconds": [0.9, 1.1]}."""
    if not isinstance(stored, dict) or len(stored) != 1:
        return False
    ((kind, ends),) = stored.items()
    known = kind in (SIDES, SECONDS) and isinstance(ends, list) and len(ends) == 2
    return known and all(isinstance(end, int | float) and not isinstance(end, bool) for end in ends)


def _measure(file: BinaryIO, kind: str) -> tuple[float, ...]:
    """Both sides of a picture, or the duration of a recording, by its header. Raises BytesimError."""
    if kind == SIDES:
        from bytesim.media.image import opaque_size

        return opaque_size(file)
    from bytesim.media.audio import Sound, SoundFileLike

    with closing(Sound(SoundFileLike(file))) as sound:
        return (sound.duration_s,)
