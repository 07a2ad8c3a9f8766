"""Signatures that training finds in files, and files spliced from two."""

from __future__ import annotations

import numpy as np
import pytest

from bytesim.errors import ConfigError
from bytesim.models.encoder.config import EncoderConfig
from bytesim.training.data.shards import load_shard, pack, save_shard
from bytesim.training.data.signatures import LEAST_BYTES, SIGNATURE_BYTES, UNKNOWN_BYTES, signature_lengths, spliced
from bytesim.training.data.streams import ClassifyStream
from bytesim.training.sources import ClassifySource, source_of

RNG = np.random.default_rng(3)


def noise(length: int) -> bytes:
    return RNG.integers(0, 256, length, np.uint8).tobytes()


def files_of(*heads: bytes, count: int = 20) -> list[bytes]:
    """`count` files for each head, noise with a zero byte behind it."""
    return [head + noise(80) + b"\0" for head in heads for _ in range(count)]


def lengths_of(files: list[bytes], labels: list[int], **how: int) -> list[int]:
    return signature_lengths(files, np.array(labels), **how).tolist()


def test_a_signature_is_what_a_class_begins_with_and_no_other():
    assert (
        lengths_of(files_of(b"\x89PIC\r\n\x1a\n\1\2", b"SOUN"), [0] * 20 + [1] * 20) == [10] * 20 + [LEAST_BYTES] * 20
    )


def test_formats_in_one_container_are_told_by_what_comes_after_its_signature():
    riff = [b"RIFF" + noise(4) + kind + noise(80) + b"\0" for kind in (b"WAVE", b"AVI ") for _ in range(30)]
    assert lengths_of(riff, [0] * 30 + [1] * 30) == [12] * 60
    assert lengths_of(files_of(b"RIFF", b"RIFF"), [0] * 20 + [1] * 20) == [0] * 40


def test_a_class_may_have_several_signatures():
    assert lengths_of(files_of(b"II*\0\x08", b"MM\0*\0\0", b"ELSE"), [0] * 40 + [1] * 20)[::20] == [LEAST_BYTES] * 3


def test_text_and_what_few_files_begin_with_have_none():
    assert lengths_of([b"#include <stdio.h>\n" + b"int x;" * n for n in range(20)], [0] * 20) == [0] * 20
    assert lengths_of(files_of(b"AB", count=7) + files_of(b"CD"), [0] * 27) == [0] * 7 + [LEAST_BYTES] * 20


def test_binary_files_of_no_class_count_by_their_first_bytes():
    files = [b"odd\0" + noise(60), b"plain text " * 20, *files_of(b"ABCD")]
    assert lengths_of(files, [1, 1, *[0] * 20], unknown=1)[:2] == [UNKNOWN_BYTES, 0]


def test_a_spliced_file_begins_like_the_one_and_goes_on_like_the_other():
    own, other = b"a" * 100, b"b" * 300
    kept = [spliced(own, 10, other, RNG).count(b"a") for _ in range(200)]
    assert (min(kept), max(kept)) == (10, SIGNATURE_BYTES)
    assert spliced(own, 10, other, RNG).endswith(b"b" * 236)
    assert spliced(own, 70, other, RNG) == own[:70] + other[70:]


@pytest.mark.parametrize(("splice", "share"), [(0.0, 0.0), (0.5, 0.5), (1.0, 1.0)])
def test_a_recipe_says_how_many_files_are_spliced(splice, share, tmp_path):
    files = [b"\x89ONE\r\n\1\2" + b"x" * 90 + b"\0"] * 30 + [b"text and more " * 8] * 30
    save_shard(tmp_path / "s.npz", pack([(b"", each) for each in files], [0] * 60, [0] * 30 + [1] * 30))
    source = ClassifySource(path="-", target_suffix="bin", splice=splice)
    config = EncoderConfig(num_classes=2, max_patches=66, channels=(8, 8), strides=(4, 4), blocks_per_stage=(0, 0))
    stream = ClassifyStream(source, load_shard(tmp_path / "s.npz"), config, labels=("one", "text"))
    drawn = stream.draw(np.random.default_rng(1), 64_000)
    ones = [bytes(each.patches.ravel()[16:].astype(np.uint8)) for each in drawn if each.label == 0]
    texts = [bytes(each.patches.ravel()[16:].astype(np.uint8)) for each in drawn if each.label == 1]
    assert len(ones) > 100
    assert all(each.startswith(b"\x89ONE") for each in ones)
    assert all(each.startswith(b"text") for each in texts)
    foreign = np.mean([b"more" in each for each in ones])
    assert foreign == pytest.approx(share / 2, abs=0.1)  # of the others half have a picture's bytes anyway


@pytest.mark.parametrize("fields", [{"splice": 1.5}, {"splice": -0.1}, {"splice": 0.5, "task": "generate"}])
def test_a_splice_that_makes_no_sense_is_refused(fields):
    with pytest.raises(ConfigError, match="splice"):
        source_of({"path": "-", "target_suffix": "bin", "task": "classify", **fields})
