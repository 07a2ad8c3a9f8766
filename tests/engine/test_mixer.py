"""The context mixer: what was encoded is decoded, and damaged code ends well."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytesim.native.library import kernels
from bytesim.native.mixer import RUN_BYTES, ByteMixer

COMPILED = kernels()
pytestmark = pytest.mark.skipif(COMPILED is None, reason="the kernels are not compiled")


def pieces(data: bytes) -> list[bytes]:
    return [data[start : start + RUN_BYTES] for start in range(0, len(data), RUN_BYTES)]


def encoded(data: bytes, logits=None) -> bytes:
    mixer = ByteMixer(COMPILED, len(data))
    if logits is None:
        return b"".join(map(mixer.encode, pieces(data))) + mixer.finish()
    return mixer.encode(data, logits) + mixer.finish()


def decoded(code: bytes, count: int, logits=None) -> bytes:
    mixer, array = ByteMixer(COMPILED, count), np.frombuffer(code, np.uint8)
    if logits is not None:
        return b"".join(mixer.decode(array, 1, logits[place : place + 1].copy()) for place in range(count))
    data = b"".join(mixer.decode(array, len(piece)) for piece in pieces(bytes(count)))
    assert not mixer.is_beyond(array)
    return data


def kinds() -> dict[str, bytes]:
    rng = random.Random(0)
    words = [bytes(rng.choices(b"abcdefgh", k=rng.randint(2, 7))) for _ in range(40)]
    return {
        "empty": b"",
        "one": b"x",
        "random": rng.randbytes(3000),
        "text": b" ".join(rng.choices(words, k=2000)),
        "records": b"".join(bytes([index & 255, index >> 8, 7, rng.randrange(3)]) * 2 for index in range(1500)),
        "zeros": bytes(5000),
        "two runs": bytes(2 * RUN_BYTES) + b"\xff" * (RUN_BYTES + 3),
        "a run in between": rng.randbytes(RUN_BYTES) + b"a" * RUN_BYTES + b"the end",
        "near runs": (b"a" * (RUN_BYTES - 1) + b"b") * 2,
        "repeated": rng.randbytes(700) * 9,
        "high bits": bytes(rng.choices(range(128, 256), k=2000)),
    }


@pytest.mark.parametrize("kind", list(kinds()))
def test_what_was_encoded_is_decoded(kind):
    data = kinds()[kind]
    code = encoded(data)
    assert decoded(code, len(data)) == data
    assert len(code) <= len(data) * 1.02 + 20


def test_what_repeats_gets_small():
    sizes = {kind: len(encoded(data)) / max(1, len(data)) for kind, data in kinds().items()}
    assert sizes["random"] < 1.02
    assert sizes["text"] < 0.25
    assert sizes["records"] < 0.15
    assert sizes["repeated"] < 0.2
    assert sizes["high bits"] < 0.92
    assert sizes["two runs"] < 0.001


@given(st.binary(max_size=400))
def test_any_bytes_come_back(data):
    assert decoded(encoded(data), len(data)) == data


@given(st.binary(max_size=60), st.integers(0, 2000))
def test_any_code_decodes_to_something(code, count):
    mixer, array = ByteMixer(COMPILED, count), np.frombuffer(code, np.uint8)
    data = b"".join(mixer.decode(array, len(piece)) for piece in pieces(bytes(count)))
    assert len(data) == count


def test_a_code_that_ends_too_early_is_noticed():
    data = kinds()["text"]
    code = np.frombuffer(encoded(data), np.uint8)
    mixer = ByteMixer(COMPILED, len(data))
    mixer.decode(code[: len(code) // 2], len(data))
    assert mixer.is_beyond(code[: len(code) // 2])


@pytest.mark.parametrize("told", ["right", "wrong", "nothing", "not numbers", "infinite"])
def test_the_logits_of_a_model_help_and_never_break_anything(told):
    data = kinds()["random"][:1500]
    logits = np.random.default_rng(0).normal(0, 1, (len(data), 257)).astype(np.float32)
    if told in ("right", "wrong"):
        places = np.arange(len(data)), np.frombuffer(data, np.uint8).astype(int) ^ (told == "wrong")
        logits[places] += 9
    if told == "not numbers":
        logits[::3] = np.nan
    if told == "infinite":
        logits[::2, ::5] = np.inf
        logits[1::2, ::5] = -np.inf
    code = encoded(data, logits)
    assert decoded(code, len(data), logits) == data
    assert len(code) < (0.1 if told == "right" else 1.1) * len(data)


def test_a_file_longer_than_the_window_comes_back():
    rng = random.Random(1)
    block = rng.randbytes(5000)
    data = b"".join(block[: rng.randint(1, 5000)] + rng.randbytes(9) for _ in range(40))
    mixer = ByteMixer(COMPILED, 100)  # tables and window of a file of 100 bytes
    code = np.frombuffer(b"".join(map(mixer.encode, pieces(data))) + mixer.finish(), np.uint8)
    again = ByteMixer(COMPILED, 100)
    assert b"".join(again.decode(code, len(piece)) for piece in pieces(data)) == data
