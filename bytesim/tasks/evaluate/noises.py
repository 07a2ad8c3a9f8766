"""Noise in texts, to measure how much a model depends on their usual form: case, spelling, spacing.

Source of the kinds: BLT, arXiv:2412.09871, section 6.1.1.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from bytesim.errors import ConfigError

DROPPED = 0.1
"""Share of the characters that `drop` leaves out."""
REPEATED = 0.2
"""Share of the characters that `repeat` repeats."""
MOST_REPEATS = 4
"""Most times that it repeats one."""


def _antspeak(text: str, rng: random.Random) -> str:
    return " ".join(text.upper())


def _drop(text: str, rng: random.Random) -> str:
    return "".join(character for character in text if rng.random() >= DROPPED)


def _random_case(text: str, rng: random.Random) -> str:
    return "".join(character.upper() if rng.random() < 0.5 else character.lower() for character in text)


def _repeat(text: str, rng: random.Random) -> str:
    times = (1 + rng.randint(1, MOST_REPEATS) if rng.random() < REPEATED else 1 for _ in text)
    return "".join(character * count for character, count in zip(text, times, strict=True))


def _upper_case(text: str, rng: random.Random) -> str:
    return text.upper()


NOISES: dict[str, Callable[[str, random.Random], str]] = {
    "antspeak": _antspeak,
    "drop": _drop,
    "randomcase": _random_case,
    "repeat": _repeat,
    "uppercase": _upper_case,
}
"""Name -> what it does to a text. antspeak: capitals with spaces between all characters; drop: a tenth of the
characters is missing; randomcase: each letter is a capital or not by chance; repeat: a fifth of the characters stands
two to five times; uppercase: capitals."""


def noised(data: bytes, noise: str) -> bytes:
    """A text with noise; the same text always gets the same. A byte that is not UTF-8 counts as a character.

    Raises ConfigError for a noise that is not in NOISES.
    """
    if noise not in NOISES:
        raise ConfigError(f"noise {noise!r} is unknown; choose {', '.join(NOISES)}.")
    text = data.decode("utf-8", errors="surrogateescape")
    changed = NOISES[noise](text, random.Random(f"{noise}:{len(data)}:{data[:64].hex()}"))
    return (changed or text).encode("utf-8", errors="surrogateescape")  # `drop` may leave nothing of a short text
