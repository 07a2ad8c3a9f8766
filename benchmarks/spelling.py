"""Makes spelling tasks as pairs of files: what a model knows of the characters of a word, in the manner of CUTE.

    python benchmarks/spelling.py runs/data
    python benchmarks/architectures.py runs/architectures --data runs/data
    bytesim train runs/architectures/spelling-entropy.toml --out runs/architectures/spelling-entropy
    bytesim evaluate compare runs/architectures/spelling/*.toml --tflops 10 --out runs/architectures/spelling
    bytesim evaluate convert runs/data/spelling_unseen --model runs/architectures/spelling/flat/flat

Six tasks: spell a word, put its letters together again, say whether it contains a letter, and insert, delete or
substitute one. No word of the unseen files is in the training or the validation files. Source of the tasks: Edman et
al. 2024, arXiv:2409.15452. Ceiling: the rules answer every file exactly.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bytesim.training.data.shards import pack, save_shard

SOURCE, TARGET = "ask", "out"
LETTERS = "abcdefghijklmnopqrstuvwxyz"
_ONSETS = ("b", "br", "c", "cl", "d", "dr", "f", "fl", "g", "gr", "h", "j", "l", "m", "n", "p", "pl", "r", "s", "sh",
           "st", "t", "tr", "v", "w", "")  # fmt: skip
_NUCLEI = ("a", "ai", "e", "ea", "i", "o", "oo", "ou", "u")
_CODAS = ("", "", "", "n", "r", "s", "t", "l", "nd", "ck", "m", "ng", "st")


def word(rng: random.Random) -> str:
    """A made-up word of one to four syllables."""
    syllables = rng.choice((1, 2, 2, 3, 3, 4))
    return "".join(rng.choice(_ONSETS) + rng.choice(_NUCLEI) + rng.choice(_CODAS) for _ in range(syllables))


def _letter_in(text: str, rng: random.Random) -> str:
    return rng.choice(text)


def _other(rng: random.Random, without: str = "") -> str:
    return rng.choice([letter for letter in LETTERS if letter not in without])


def _spell(text: str, rng: random.Random) -> tuple[str, str]:
    return f"spell {text}", " ".join(text)


def _join(text: str, rng: random.Random) -> tuple[str, str]:
    return f"join {' '.join(text)}", text


def _contains(text: str, rng: random.Random) -> tuple[str, str]:
    inside = rng.random() < 0.5
    letter = _letter_in(text, rng) if inside else _other(rng, without=text)
    return f"contains {letter} in {text}", "yes" if inside else "no"


def _insert(text: str, rng: random.Random) -> tuple[str, str]:
    after, new = _letter_in(text, rng), _other(rng)
    return f"insert {new} after {after} in {text}", text.replace(after, after + new)


def _delete(text: str, rng: random.Random) -> tuple[str, str]:
    letter = _letter_in(text, rng)
    return f"delete {letter} in {text}", text.replace(letter, "") or "-"


def _substitute(text: str, rng: random.Random) -> tuple[str, str]:
    old = _letter_in(text, rng)
    new = _other(rng, without=old)
    return f"substitute {old} by {new} in {text}", text.replace(old, new)


TASKS: dict[str, Callable[[str, random.Random], tuple[str, str]]] = {
    "spell": _spell,
    "join": _join,
    "contains": _contains,
    "insert": _insert,
    "delete": _delete,
    "substitute": _substitute,
}
"""Name -> the question about a word, and its answer."""


def words(count: int, rng: random.Random, without: set[str]) -> list[str]:
    """Different words, none of those in `without`."""
    found: dict[str, None] = {}
    while len(found) < count:
        new = word(rng)
        if len(new) > 2 and new not in without:
            found[new] = None
    return list(found)


def pairs(some: list[str], rng: random.Random) -> list[tuple[str, str]]:
    """A question of every task about each word."""
    return [ask(text, rng) for text in some for ask in TASKS.values()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder for the shards and the unseen files")
    parser.add_argument("--words", type=int, default=8000, help="words to train on")
    parser.add_argument("--unseen", type=int, default=100, help="unseen words, with a file for each task")
    options = parser.parse_args()
    rng = random.Random(0)
    unseen = words(options.unseen, rng, set())
    dev = words(32, rng, set(unseen))
    train = words(options.words, rng, {*unseen, *dev})
    options.folder.mkdir(parents=True, exist_ok=True)
    for name, some in (("train", train), ("dev", dev)):
        rows = [(source.encode(), target.encode()) for source, target in pairs(some, rng)]
        save_shard(options.folder / f"spelling_{name}.npz", pack(rows))
    folder = options.folder / "spelling_unseen"
    folder.mkdir(exist_ok=True)
    for number, text in enumerate(unseen):
        for task, ask in TASKS.items():
            for suffix, content in zip((SOURCE, TARGET), ask(text, rng), strict=True):
                (folder / f"{task}-{number:03}.{suffix}").write_text(content, encoding="utf-8", newline="\n")
    print(f"{options.folder}: {len(TASKS)} tasks, {len(train):,} words to train on, {len(unseen)} unseen")


if __name__ == "__main__":
    main()
