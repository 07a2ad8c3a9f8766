"""Whether a file is like the training files of a classifier."""

import json
import random
from dataclasses import replace

import numpy as np
import pytest
from helpers.tiny_classifiers import make_classifier
from hypothesis import given
from hypothesis import strategies as st

from bytesim.errors import ModelError
from bytesim.models.folder import CARD_FILE, check_hashes
from bytesim.predictors.file_distribution import (
    DISTRIBUTION_FILE,
    FEWEST_FILES,
    FILE_BYTES,
    FileDistribution,
    keep_distribution,
    read_distribution,
)

SYLLABLES = ("ba", "de", "ki", "lo", "mu", "na", "po", "ri", "sa", "te", "vo", "zu")


def prose(rng: random.Random) -> bytes:
    words = ("".join(rng.choices(SYLLABLES, k=rng.randint(1, 4))) for _ in range(rng.randint(10, 60)))
    return (" ".join(words) + ".").encode()


def picture(rng: random.Random) -> bytes:
    """Brightness that rises and falls slowly, with a little noise."""
    step = rng.uniform(0.02, 0.2)
    return bytes(round(128 + 90 * np.sin(step * place) + rng.gauss(0, 3)) % 256 for place in range(600))


PROSE = [prose(random.Random(seed)) for seed in range(300)]
PICTURES = [picture(random.Random(seed)) for seed in range(300)]
OF_PROSE = FileDistribution.fit(PROSE, [seed % 2 for seed in range(300)])
OF_PICTURES = FileDistribution.fit(PICTURES, [0] * 300, [picture(random.Random(seed)) for seed in range(900, 930)])
RANDOM = random.Random(5)


@pytest.mark.parametrize(("distribution", "make"), [(OF_PROSE, prose), (OF_PICTURES, picture)])
def test_nearly_no_other_file_of_the_kind_is_an_outlier(distribution, make):
    assert np.mean([distribution.is_outlier(make(random.Random(seed))) for seed in range(1000, 1400)]) < 0.02


@pytest.mark.parametrize(
    "odd",
    [
        RANDOM.randbytes(300),
        RANDOM.randbytes(20),
        bytes(100),
        b"e" * 300,
        b"for (int i = 0; i < 10; i++) { total += rows[i]; }\n" * 4,
        b"12;7;99;31\n18;4;90;22\n" * 10,
        prose(random.Random(3)).upper(),
        prose(random.Random(3))[::-1].replace(b" ", b""),
        bytes(random.Random(3).sample(prose(random.Random(4)), k=60)),
    ],
)
def test_other_bytes_than_prose_are_outliers(odd):
    assert OF_PROSE.is_outlier(odd)


@pytest.mark.parametrize(
    "odd", [RANDOM.randbytes(600), bytes([128]) * 600, PROSE[0] * 3, bytes(sorted(PICTURES[0])), PICTURES[0][::2]]
)
def test_noise_and_surfaces_and_text_are_outliers_among_pictures(odd):
    assert OF_PICTURES.is_outlier(odd)


def test_a_few_bytes_of_the_kind_are_no_outlier():
    short = [prose(random.Random(seed))[: 1 + seed % 40] for seed in range(2000, 2400)]
    assert np.mean([OF_PROSE.is_outlier(data) for data in short]) < 0.02


def test_only_the_beginning_counts():
    long = (b" ".join(PROSE))[:FILE_BYTES]
    assert OF_PROSE.strangeness(long + RANDOM.randbytes(5000)) == OF_PROSE.strangeness(long)


def test_a_rare_class_that_differs_from_the_others_is_no_outlier():
    digits = [bytes(random.Random(seed).choices(b"0123456789 ", k=200)) for seed in range(12)]
    both = FileDistribution.fit([*PROSE, *digits], [0] * 300 + [1] * 12)
    assert not both.is_outlier(bytes(random.Random(99).choices(b"0123456789 ", k=200)))
    assert OF_PROSE.is_outlier(digits[0])


def test_a_single_odd_training_file_lets_no_others_through():
    odd = FileDistribution.fit([*PROSE, RANDOM.randbytes(300)], [seed % 2 for seed in range(301)])
    assert odd.is_outlier(random.Random(8).randbytes(300))


def test_files_that_were_held_out_widen_the_bounds():
    others = [prose(random.Random(seed)).title() for seed in range(600, 900)]
    titled = prose(random.Random(7)).title()
    assert OF_PROSE.is_outlier(titled)
    assert not FileDistribution.fit(PROSE, [0] * 300, others).is_outlier(titled)


def test_few_files_give_no_distribution():
    assert FileDistribution.fit(PROSE[: FEWEST_FILES - 1], [0] * (FEWEST_FILES - 1)) is None
    assert FileDistribution.fit([b""] * 300, [0] * 300) is None
    assert FileDistribution.fit([], []) is None


@pytest.mark.parametrize("data", [b"a", b"ab", b"same text"])
def test_files_that_are_all_alike_have_bounds(data):
    distribution = FileDistribution.fit([data] * FEWEST_FILES, [0] * FEWEST_FILES)
    assert not distribution.is_outlier(data)
    assert distribution.is_outlier(RANDOM.randbytes(500))


@given(st.binary(max_size=300))
def test_any_file_has_a_finite_strangeness(data):
    assert np.isfinite(OF_PROSE.strangeness(data))
    assert OF_PROSE.strangeness(data) >= 0


def test_the_file_gives_the_same_answers(tmp_path):
    assert read_distribution(tmp_path) is None
    (tmp_path / DISTRIBUTION_FILE).write_bytes(OF_PROSE.packed())
    read = read_distribution(tmp_path)
    assert [read.strangeness(data) for data in PROSE[:20]] == [OF_PROSE.strangeness(data) for data in PROSE[:20]]
    assert read.most == OF_PROSE.most


@pytest.mark.parametrize("damage", [lambda data: data[:100], lambda data: b"", lambda data: data[:-30] + bytes(30)])
def test_a_damaged_distribution_is_one_error(tmp_path, damage):
    (tmp_path / DISTRIBUTION_FILE).write_bytes(damage(OF_PROSE.packed()))
    with pytest.raises(ModelError, match="holds no statistics of training files"):
        read_distribution(tmp_path)


@pytest.mark.parametrize(
    "changes",
    [
        {"single": OF_PROSE.single[:-1]},
        {"pairs": OF_PROSE.pairs.astype(np.float64)},
        {"middle": np.full(8, np.nan)},
        {"components": np.zeros((8, 3))},
        {"above": np.zeros(16)},
        {"below": -OF_PROSE.below},
        {"most": float("inf")},
    ],
)
def test_numbers_that_no_training_gives_are_one_error(tmp_path, changes):
    (tmp_path / DISTRIBUTION_FILE).write_bytes(replace(OF_PROSE, **changes).packed())
    with pytest.raises(ModelError, match="holds no statistics of training files"):
        read_distribution(tmp_path)


def test_a_model_folder_keeps_it_with_its_hash(tmp_path):
    folder = make_classifier(tmp_path / "kinds")
    keep_distribution(folder, OF_PROSE)
    assert DISTRIBUTION_FILE in json.loads((folder / CARD_FILE).read_text())["files"]
    check_hashes(folder)
    keep_distribution(folder, OF_PICTURES)
    check_hashes(folder)
    assert read_distribution(folder).most == OF_PICTURES.most
