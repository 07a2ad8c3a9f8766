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
from bytesim.predictors.classifier import load_classifier
from bytesim.predictors.file_distribution import (
    DISTRIBUTION_FILE,
    FEWEST_FILES,
    FILE_BYTES,
    MOST_FILES,
    FileDistribution,
    choose_files,
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
LISTED = {"files": {DISTRIBUTION_FILE: {}}}
"""A card that names the file."""


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
    of_few = FileDistribution.fit(PROSE[:60], [0] * 60)
    short = [prose(random.Random(seed))[: 10 + seed % 60] for seed in range(2000, 2400)]
    assert np.mean([of_few.is_outlier(data) for data in short]) < 0.02


def test_the_low_entropy_of_a_few_characters_is_no_outlier():
    def digits(seed: int, length: int) -> bytes:
        return bytes(random.Random(seed).choices(b"0123456789abcdef", k=length))

    distribution = FileDistribution.fit([digits(seed, 200 + seed % 200) for seed in range(300)], [0] * 300)
    for length in (5, 10, 20, 40):
        assert np.mean([distribution.is_outlier(digits(seed, length)) for seed in range(900, 1000)]) < 0.05
    assert distribution.is_outlier(b"0" * 300)


def test_only_the_beginning_counts():
    long = (b" ".join(PROSE))[:FILE_BYTES]
    assert OF_PROSE.strangeness(long + RANDOM.randbytes(5000)) == OF_PROSE.strangeness(long)


def test_a_rare_class_that_differs_from_the_others_is_no_outlier():
    rare = [random.Random(seed).randbytes(400) for seed in range(12)]
    common = [prose(random.Random(seed)) for seed in range(5000, 7400)]
    both = FileDistribution.fit([*common, *rare], [0] * 2400 + [1] * 12)
    assert not both.is_outlier(random.Random(99).randbytes(400))
    assert OF_PROSE.is_outlier(rare[0])


def test_a_few_odd_training_files_let_no_others_through():
    odd = FileDistribution.fit([*PROSE, *(RANDOM.randbytes(300) for _ in range(2))], [seed % 2 for seed in range(302)])
    assert odd.is_outlier(random.Random(8).randbytes(300))
    class_of_its_own = FileDistribution.fit([*PROSE, RANDOM.randbytes(300)], [0] * 300 + [1])
    assert class_of_its_own.is_outlier(random.Random(8).randbytes(300))


@pytest.mark.parametrize(("count", "length"), [(60, 1000), (200, 1000), (200, 40)])
@pytest.mark.parametrize("make", [random.Random.randbytes, lambda rng, length: bytes(rng.choices(b"01", k=length))])
def test_neither_training_files_nor_others_of_random_content_are_outliers(count, length, make):
    files = [make(random.Random(seed), length) for seed in range(count)]
    distribution = FileDistribution.fit(files, [seed % 2 for seed in range(count)])
    assert np.mean([distribution.is_outlier(data) for data in files]) < 0.03
    assert np.mean([distribution.is_outlier(make(random.Random(seed), length)) for seed in range(900, 1100)]) < 0.03


def test_copies_of_few_files_do_not_make_others_outliers():
    copies = [prose(random.Random(seed % 60)) for seed in range(600)]
    distribution = FileDistribution.fit(copies, [0] * 600)
    assert np.mean([distribution.is_outlier(data) for data in PROSE[60:]]) < 0.05
    assert FileDistribution.fit(copies[: FEWEST_FILES - 1] * 9, [0] * 9 * (FEWEST_FILES - 1)) is None


def rows_of_cells(rng: random.Random, distance: int) -> bytes:
    """Noise in which each byte is near the one some places before it."""
    cells = bytearray(rng.randbytes(distance))
    while len(cells) < 400:
        cells.append((cells[-distance] + rng.randrange(-3, 4)) % 256)
    return bytes(cells)


@pytest.mark.parametrize("distance", [2, 3, 4])
def test_rows_of_another_width_are_outliers(distance):
    files = [rows_of_cells(random.Random(seed), distance) for seed in range(200)]
    distribution = FileDistribution.fit(files, [0] * 200)
    others = [rows_of_cells(random.Random(seed), distance) for seed in range(1000, 1100)]
    assert np.mean([distribution.is_outlier(data) for data in others]) < 0.05
    wider = [rows_of_cells(random.Random(seed), 5) for seed in range(100)]
    assert np.mean([distribution.is_outlier(data) for data in wider]) > 0.9


def steps(rng: random.Random, spread: int, values: int) -> bytes:
    """Random steps of at most `spread`, through so many values."""
    place = rng.randrange(values)
    made = bytearray()
    for _ in range(400):
        place = (place + rng.randrange(-spread, spread + 1)) % values
        made.append(place)
    return bytes(made)


def test_an_unusual_combination_of_usual_values_is_an_outlier():
    """Files of large steps have many values, files of small steps few: only the components notice another relation."""
    files = [steps(random.Random(seed), 2 + seed % 30, 8 * (2 + seed % 30)) for seed in range(300)]
    distribution = FileDistribution.fit(files, [0] * 300)
    assert np.mean([distribution.is_outlier(data) for data in files]) < 0.03
    assert distribution.is_outlier(steps(random.Random(5), 12, 248))


def test_files_that_were_held_out_widen_the_bounds():
    others = [prose(random.Random(seed)).title() for seed in range(600, 900)]
    titled = prose(random.Random(7)).title()
    assert OF_PROSE.is_outlier(titled)
    assert not FileDistribution.fit(PROSE, [0] * 300, others).is_outlier(titled)


def test_files_are_chosen_of_each_class_in_turn():
    classes = [0] * 9000 + [1] * 30
    chosen = choose_files(classes)
    assert len(chosen) == len(set(chosen)) == MOST_FILES
    assert sum(classes[index] for index in chosen) == 30
    assert chosen == choose_files(classes)
    assert sorted(choose_files([3, 1, 1])) == [0, 1, 2]
    assert choose_files([]) == []


def test_few_files_give_no_distribution():
    assert FileDistribution.fit(PROSE[: FEWEST_FILES - 1], [0] * (FEWEST_FILES - 1)) is None
    assert FileDistribution.fit([b""] * 300, [0] * 300) is None
    assert FileDistribution.fit([], []) is None


@pytest.mark.parametrize("beginning", [b"", b"same text ", bytes(200)])
def test_files_that_are_nearly_alike_have_bounds(beginning):
    files = [b"%s%04d" % (beginning, number * 7) for number in range(FEWEST_FILES)]
    distribution = FileDistribution.fit(files, [0] * FEWEST_FILES)
    assert not any(distribution.is_outlier(data) for data in (*files, b"%s%04d" % (beginning, 12)))
    assert distribution.is_outlier(RANDOM.randbytes(500))


@given(st.binary(max_size=300))
def test_any_file_has_a_finite_strangeness(data):
    assert np.isfinite(OF_PROSE.strangeness(data))
    assert OF_PROSE.strangeness(data) >= 0


def test_the_file_gives_the_same_answers(tmp_path):
    (tmp_path / DISTRIBUTION_FILE).write_bytes(OF_PROSE.packed())
    read = read_distribution(tmp_path, LISTED)
    assert [read.strangeness(data) for data in PROSE[:20]] == [OF_PROSE.strangeness(data) for data in PROSE[:20]]
    assert read.most == OF_PROSE.most


@pytest.mark.parametrize("damage", [lambda data: data[:100], lambda data: b"", lambda data: data[:-30] + bytes(30)])
def test_a_damaged_distribution_is_one_error(tmp_path, damage):
    (tmp_path / DISTRIBUTION_FILE).write_bytes(damage(OF_PROSE.packed()))
    with pytest.raises(ModelError, match="holds no statistics of training files"):
        read_distribution(tmp_path, LISTED)


@pytest.mark.parametrize(
    "changes",
    [
        {"single": OF_PROSE.single[:-1]},
        {"pairs": OF_PROSE.pairs.astype(np.float64)},
        {"middle": np.full(8, np.nan)},
        {"components": np.zeros((8, 3))},
        {"above": np.zeros(8)},
        {"below": -OF_PROSE.below},
        {"most": float("inf")},
        {"most": -5.0},
        {"middle": np.full(8, 1e300)},
    ],
)
def test_numbers_that_no_training_gives_are_one_error(tmp_path, changes):
    (tmp_path / DISTRIBUTION_FILE).write_bytes(replace(OF_PROSE, **changes).packed())
    with pytest.raises(ModelError, match="holds no statistics of training files"):
        read_distribution(tmp_path, LISTED)


def test_the_card_decides_whether_there_is_one(tmp_path):
    with pytest.raises(ModelError, match="missing; the model folder is incomplete"):
        read_distribution(tmp_path, LISTED)
    (tmp_path / DISTRIBUTION_FILE).write_bytes(OF_PROSE.packed())
    for card in ({}, {"files": {}}, {"files": None}):  # the file is of a former training
        assert read_distribution(tmp_path, card) is None


def test_a_model_folder_keeps_it_with_its_hash(tmp_path):
    folder = make_classifier(tmp_path / "kinds")
    keep_distribution(folder, OF_PROSE)
    assert DISTRIBUTION_FILE in json.loads((folder / CARD_FILE).read_text())["files"]
    check_hashes(folder)
    keep_distribution(folder, OF_PICTURES)
    check_hashes(folder)
    assert load_classifier(f"{folder}/").distribution.most == OF_PICTURES.most
