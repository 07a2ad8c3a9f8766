"""How like its training inputs an input is: n-gram models of the inputs that a converter has learned from. No torch.

Four models read an input as four streams of tokens: with every digit, with runs of digits as one token, with the
structure alone (values left out), and, if it is binary, with its lengths. Words are tokens only if many inputs hold
them; other words count by their length and case, because unknown names are nothing unusual. An input is familiar if no
token of it is new in a context where that is more unexpected than it was in held-out inputs, if it is not longer, and
if it breaks none of the properties that all inputs have (`invariants`).

Source: the escape probabilities of prediction by partial matching, method C: Moffat 1990, IEEE Trans. Commun. 38(11).
"""

from __future__ import annotations

import io
import re
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bytesim.errors import FormatError, ModelError
from bytesim.formats.npz import read_arrays
from bytesim.predictors.invariants import Property, named_properties, shared_properties

INPUTS_FILE = "inputs.npz"
ORDER = 5
"""Tokens of the longest n-grams."""
MOST_INPUTS = 5000
"""Inputs that the models count; the first in the order of their hashes."""
COMMON_SHARE = 0.1
"""A word that occurs in this share of the inputs is a token of its own."""
MAX_FILE_BYTES = 64 << 20

Hashes = NDArray[np.uint32]
_MULTIPLIER = np.uint32(0x9E3779B1)
_TOKEN = re.compile(rb"[A-Za-z]+|[0-9]+|[\x80-\xff]+|[^A-Za-z0-9\x80-\xff]")
_NAMED = re.compile(rb"[A-Za-z]+|[\x00-\x1f\x7f-\xff]")
"""Tokens that stand for themselves if many inputs hold them: words, control characters and bytes outside ASCII."""
_FIRST_LINES = 3
_CONTROL = re.compile(rb"[^\t\n\r\x20-\xff]")
_TEXT = re.compile(rb"[\x20-\x7e]{2,}")
_PIECE = re.compile(rb"[\x20-\x7e]{2,}|\x00{2,}|.", re.DOTALL)
_START, _END = b"\x00start", b"\x00end"


def _size(length: int) -> bytes:
    """The length of a word, exact for short ones."""
    return b"%d" % (length if length < 3 else 1 << (length - 1).bit_length())


def _word(word: bytes) -> bytes:
    case = b"a" if word.islower() else b"A" if word.isupper() else b"Aa" if word.istitle() else b"aA"
    return b"\x00" + case + _size(len(word))


def _other(token: bytes) -> bytes:
    """A control character by its magnitude, or a run of bytes outside ASCII by its first byte's and its length's."""
    return b"\x00%d.%d" % (token[0].bit_length() if token[0] < 0x80 else token[0] >> 4 << 4, len(token).bit_length())


def _digits(number: bytes) -> list[bytes]:
    """Every digit with its place, so that 4000 is unusual where thousands are 1 to 3, and 27 where tens are 0 to 2."""
    return [b"%c%d" % (digit, min(len(number) - index, 10)) for index, digit in enumerate(number)]


def _run(number: bytes) -> list[bytes]:
    return [b"\x00%d%d" % (number[:1] == b"0", min(len(number), 12))]


def _tokens(
    data: bytes, common: frozenset[bytes], number: Callable[[bytes], list[bytes]], *, values: bool
) -> list[bytes]:
    """The tokens of an input; without `values`, every run of uncommon words and numbers is one token.

    Then the ends of the first lines are numbered, too, as these often differ from the other lines.
    """
    tokens: list[bytes] = []
    lines = 0
    for token in _TOKEN.findall(data):
        if token == b"\n" and not values:
            lines += 1
            tokens.append(b"\n%d" % min(lines, _FIRST_LINES))
        elif token in common or (token.isascii() and not token.isalnum() and token >= b" "):
            tokens.append(token)
        elif not values:
            tokens += [] if tokens and tokens[-1] == b"\x00value" else [b"\x00value"]
        elif token.isdigit():
            tokens += number(token)
        elif token.isalpha():
            tokens.append(_word(token))
        else:
            tokens.append(_other(token))
    return tokens


def _lengths(data: bytes, common: frozenset[bytes]) -> list[bytes]:
    """A binary input with each piece of text as one token, and other bytes by their magnitude; nothing for a text.

    Bytes below 8 stand for themselves. A byte that is the length of the text after it has a mark.
    """
    if not _CONTROL.search(data):
        return []
    tokens: list[bytes] = []
    for match in _PIECE.finditer(data):
        piece, after = match[0], _TEXT.match(data, match.end())
        if len(piece) > 1:
            tokens.append(b"\x00text" if piece[0] else b"\x00zeros")
            continue
        size = piece[0] if piece[0] < 8 else 8 << piece[0].bit_length()
        tokens.append(b"%d%s" % (size, b"length" if after is not None and piece[0] == len(after[0]) else b""))
    return tokens


NUM_MEASURES = 7
"""Measures of an input, see `InputModel.surprises`."""
_STREAMS: dict[str, Callable[[bytes, frozenset[bytes]], list[bytes]]] = {
    "digits": lambda data, common: _tokens(data, common, _digits, values=True),
    "runs": lambda data, common: _tokens(data, common, _run, values=True),
    "structure": lambda data, common: _tokens(data, common, _run, values=False),
    "lengths": _lengths,
}


def _hashes(tokens: Sequence[bytes]) -> Hashes:
    """(n + ORDER,) hashes of the tokens, after ORDER - 1 starts and before an end."""
    framed = (*[_START] * (ORDER - 1), *tokens, _END)
    return np.array([zlib.crc32(token) for token in framed], np.uint32)


def _grams(tokens: Hashes, order: int) -> Hashes:
    """(n,) hashes of the n-grams of `order` tokens that end at each token after the starts."""
    count = len(tokens) - (ORDER - 1)
    mixed = np.full(count, order, np.uint32)
    for back in range(order - 1, -1, -1):
        first = ORDER - 1 - back
        mixed = (mixed ^ tokens[first : first + count]) * _MULTIPLIER
        mixed ^= mixed >> np.uint32(15)
    return mixed


def _contexts(tokens: Hashes, order: int) -> Hashes:
    """(n,) hashes of the `order` - 1 tokens before each token after the starts."""
    shifted = np.concatenate([tokens[:1], tokens[:-1]])
    return _grams(shifted, order - 1) if order > 1 else np.zeros(len(tokens) - (ORDER - 1), np.uint32)


@dataclass(frozen=True, slots=True)
class _Counts:
    """How often each hash occurs: (N,) sorted hashes and their counts."""

    hashes: Hashes
    counts: NDArray[np.uint32]

    def of(self, hashes: Hashes) -> NDArray[np.float64]:
        """(n,) counts of these hashes; 0 for unknown ones."""
        if not len(self.hashes):
            return np.zeros(len(hashes))
        places = np.minimum(np.searchsorted(self.hashes, hashes), len(self.hashes) - 1)
        return np.where(self.hashes[places] == hashes, self.counts[places], 0).astype(np.float64)


@dataclass(frozen=True, slots=True)
class _Ngrams:
    """The n-grams of streams of tokens: for each order the n-grams, their contexts, and how many tokens follow each."""

    grams: list[_Counts]
    contexts: list[_Counts]
    kinds: list[_Counts]
    """How many different tokens follow each context."""

    @classmethod
    def counted(cls, streams: Sequence[Hashes]) -> _Ngrams:
        """The model of these inputs, as `_hashes` gives them."""
        grams, contexts, kinds = [], [], []
        for order in range(1, ORDER + 1):
            whole = np.concatenate([_grams(tokens, order) for tokens in streams])
            before = np.concatenate([_contexts(tokens, order) for tokens in streams])
            found, first, counts = np.unique(whole, return_index=True, return_counts=True)
            grams.append(_Counts(found, counts.astype(np.uint32)))
            contexts.append(_Counts(*_unique(before)))
            kinds.append(_Counts(*_unique(before[first])))
        return cls(grams, contexts, kinds)

    def novelty(self, tokens: Hashes) -> NDArray[np.float64]:
        """(n,) how unexpected it is, in nats, that each token, or the end, is new where it stands; 0 if it is not.

        The sum of -log(probability of a new token) over the contexts, from the longest to the shortest, in which the
        token is new. Where many different tokens follow a context, a new one is nothing unusual.
        """
        cost = np.zeros(len(tokens) - (ORDER - 1))
        new = np.ones(len(cost), np.bool_)
        for order in range(ORDER, 0, -1):
            before = _contexts(tokens, order)
            count, kind = self.contexts[order - 1].of(before), self.kinds[order - 1].of(before)
            new &= self.grams[order - 1].of(_grams(tokens, order)) == 0
            cost += np.where(new & (count > 0), np.log(np.maximum(count + kind, 1) / np.maximum(kind, 1)), 0.0)
        return cost

    def arrays(self, name: str) -> dict[str, NDArray[np.uint32]]:
        """The counts as named arrays."""
        tables = (("grams", self.grams), ("contexts", self.contexts), ("kinds", self.kinds))
        return {
            f"{name}.{table}.{order}.{part}": values
            for table, orders in tables
            for order, counts in enumerate(orders, 1)
            for part, values in (("hashes", counts.hashes), ("counts", counts.counts))
        }

    @classmethod
    def of_arrays(cls, name: str, arrays: dict[str, NDArray[Any]]) -> _Ngrams:
        """The model whose counts are among named arrays. Raises KeyError."""
        tables = [
            [
                _Counts(*(arrays[f"{name}.{table}.{order}.{part}"] for part in ("hashes", "counts")))
                for order in range(1, ORDER + 1)
            ]
            for table in ("grams", "contexts", "kinds")
        ]
        return cls(*tables)


def _unique(hashes: Hashes) -> tuple[Hashes, NDArray[np.uint32]]:
    found, counts = np.unique(hashes, return_counts=True)
    return found, counts.astype(np.uint32)


@dataclass(frozen=True, slots=True)
class InputModel:
    """The n-gram models of the inputs that a converter has learned from."""

    common: frozenset[bytes]
    """Words that many of the inputs hold."""
    shortest: int
    """Bytes of the shortest input."""
    longest: int
    """Bytes of the longest input."""
    models: dict[str, _Ngrams]
    properties: list[Property]
    """Those that all of the inputs have."""

    @classmethod
    def of(cls, inputs: Sequence[bytes], others: Sequence[bytes] = ()) -> InputModel:
        """The models of these inputs, of which at most MOST_INPUTS are counted.

        `others` are more inputs of the same kind, which are not counted but may show that a property is none of all.
        """
        chosen = sorted(inputs, key=zlib.crc32)[:MOST_INPUTS]
        words = Counter(word for data in chosen for word in set(_NAMED.findall(data)))
        common = frozenset(word for word, count in words.items() if count >= max(2.0, COMMON_SHARE * len(chosen)))
        models = {
            name: _Ngrams.counted([_hashes(stream(data, common)) for data in chosen])
            for name, stream in _STREAMS.items()
        }
        lengths = [len(data) for data in inputs]
        return cls(common, min(lengths), max(lengths), models, shared_properties([*chosen, *others]))

    def surprises(self, data: bytes) -> NDArray[np.float64]:
        """(7,) for an input: the greatest novelty of a token in each of the four streams, in nats; how many times it is
        longer than the longest training input, and the shortest longer than it, as logarithms; broken properties."""
        worst = [
            float(self.models[name].novelty(_hashes(_STREAMS[name](data, self.common))).max()) for name in _STREAMS
        ]
        length = max(1, len(data))
        lengths = (np.log(length / self.longest), np.log(self.shortest / length))
        return np.array([*worst, *lengths, len(self.broken(data))])

    def broken(self, data: bytes) -> list[str]:
        """What is wrong with an input that breaks properties of all training inputs, such as "it is not UTF-8"."""
        return [each.broken for each in self.properties if each.holds(data) is False]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The model as named arrays, which `of_arrays` reads."""
        words = "\n".join(sorted(word.hex() for word in self.common)).encode("ascii")
        properties = "\n".join(each.name for each in self.properties).encode("ascii")
        return {
            "words": np.frombuffer(words, np.uint8),
            "properties": np.frombuffer(properties, np.uint8),
            "lengths": np.array([self.shortest, self.longest], np.int64),
            **{name: array for key, model in self.models.items() for name, array in model.arrays(key).items()},
        }

    @classmethod
    def of_arrays(cls, arrays: dict[str, NDArray[Any]]) -> InputModel:
        """The model of named arrays. Raises KeyError, ValueError or TypeError if they are not those of `arrays`."""
        words, names = (arrays[name].tobytes().decode("ascii").split("\n") for name in ("words", "properties"))
        shortest, longest = (int(length) for length in arrays["lengths"])
        models = {name: _Ngrams.of_arrays(name, arrays) for name in _STREAMS}
        properties = named_properties(name for name in names if name)
        return cls(frozenset(bytes.fromhex(word) for word in words if word), shortest, longest, models, properties)


def pack_input_models(models: Mapping[str, InputModel]) -> bytes:
    """The bytes of INPUTS_FILE, an .npz file without pickles: the input model of each conversion."""
    buffer = io.BytesIO()
    arrays = {f"{name}/{key}": array for name, model in models.items() for key, array in model.arrays().items()}
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]  # the stubs take the names for options
    return buffer.getvalue()


def read_input_model(folder: Path, conversion: str) -> InputModel:
    """The input model of a conversion, such as `csv to json`, from a model folder.

    Raises ModelError if the file is missing, too large or damaged.
    """
    path = folder / INPUTS_FILE
    try:
        return InputModel.of_arrays(read_arrays(path, start=f"{conversion}/", most_bytes=MAX_FILE_BYTES))
    except (FormatError, ValueError, KeyError, TypeError, IndexError) as error:
        problem = f"holds no model of the inputs of {conversion}. Train the converter again."
        raise ModelError(problem, file=str(path)) from error
