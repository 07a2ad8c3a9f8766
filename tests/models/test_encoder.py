"""The encoder: what it reads, what it passes over, and that it learns."""

import math
from contextlib import suppress
from dataclasses import fields

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bytesim.errors import ConfigError
from bytesim.models.encoder.config import EncoderConfig
from bytesim.models.encoder.edges import EdgeBag, EdgeReader
from bytesim.models.encoder.frontends import PictureFront
from bytesim.models.encoder.model import Encoder
from bytesim.models.encoder.statistics import byte_statistics
from bytesim.models.weights import load_model, save_model
from bytesim.nn.constants import STATISTICS, gabor_filters
from bytesim.nn.ngrams import NgramBag
from bytesim.patching import frame_file
from bytesim.tasks.train.train import train_recipe
from bytesim.training.data.examples import Example
from bytesim.training.data.shards import pack, save_shard
from bytesim.training.loss import collate

SMALL = {"channels": (8, 16), "hidden_size": 16, "head_size": 8, "max_patches": 10, "ngram_buckets": 50}
FRONTS = [
    {"front": "bytes", "kernel": 5},
    {"front": "bytes", "kernel": 5, "edge_bytes": 8},
    {"front": "bytes", "kernel": 5, "edge_bytes": 8, "edge_buckets": 500},
    {"front": "bytes", "kernel": 5, "statistics_size": 12},
    {"front": "bytes", "kernel": 5, "max_pool": True, "classifier_size": 12},
    {"front": "bytes", "kernel": 5, "ngram_head": True, "words": (1, 2), "ngrams": (2, 3)},
    {"front": "picture", "rows": 8, "columns": 4, "skip_bytes": 6},
    {"front": "sound", "filters": 6, "filter_bytes": 16, "filter_step": 4},
]


def small_encoder(**changes: object) -> Encoder:
    torch.manual_seed(0)
    model = Encoder(EncoderConfig(**{**SMALL, **changes})).eval()  # type: ignore[arg-type]
    with torch.no_grad():  # residual outputs start at zero, which would hide what stands before them
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return model


def logits_of(model: Encoder, files: list[bytes]) -> torch.Tensor:
    size = model.config.patch_size
    batch = collate([Example(frame_file(each, "bin", size), 1, b"", 0, len(each)) for each in files], model.config)
    with torch.inference_mode():
        return model.classify(batch.patches, batch.lengths)


@pytest.mark.parametrize("changes", FRONTS)
def test_a_file_s_answer_does_not_depend_on_the_files_beside_it(changes):
    model = small_encoder(**changes)
    rng = np.random.default_rng(0)
    files = [rng.integers(0, 256, length, np.uint8).tobytes() for length in (0, 1, 17, 100, 128)]
    together = logits_of(model, files)
    for row, each in enumerate(files):
        torch.testing.assert_close(together[row], logits_of(model, [each])[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("changes", FRONTS)
def test_every_byte_counts_but_those_of_the_header(changes):
    model = small_encoder(**changes)
    file = bytes(range(90, 190))
    plain = logits_of(model, [file])[0]
    for place in (50, 99):
        changed = file[:place] + b"\x00" + file[place + 1 :]
        assert not torch.allclose(logits_of(model, [changed])[0], plain)
    if model.config.skip_bytes:
        assert torch.equal(logits_of(model, [b"\x01" + file[1:]])[0], plain)


@pytest.mark.parametrize("changes", FRONTS)
def test_a_saved_encoder_answers_the_same(changes, tmp_path):
    model = small_encoder(**changes)
    save_model(tmp_path / "m", model.state_dict(), config=model.config.to_dict(), card={}, recipe="")
    again = load_model(tmp_path / "m")
    assert isinstance(again, Encoder)
    file = b"the same file"
    assert torch.equal(logits_of(model, [file]), logits_of(again, [file]))


def test_pixels_stand_where_the_file_has_them():
    tokens = torch.arange(24)[None]
    grid, mask = PictureFront(2, 4, 3)(tokens)
    assert mask is None
    assert grid.shape == (1, 3, 2, 4)
    assert round(float(grid[0, 2, 1, 0] * 128 + 128)) == 14  # row 1, first pixel, third byte


def test_each_filter_hears_its_own_pitch_best():
    filters = torch.from_numpy(gabor_filters(24, 256))
    places = torch.arange(256) / 8000
    for index in (6, 12, 20):
        low, high = (2595 * np.log10(1 + hertz / 700) for hertz in (60, 3900))
        hertz = 700 * (10 ** (np.linspace(low, high, 26)[index + 1] / 2595) - 1)
        energies = (filters @ torch.sin(2 * np.pi * hertz * places)).square().sum(-1)
        assert int(energies.argmax()) == index


def test_n_grams_are_known_again_wherever_they_stand():
    bag = NgramBag(10_000, 4, (3,), fold_case=True)
    first, second = (bag.rows(torch.tensor([list(text)])) for text in (b"xxabc", b"ABCyy"))
    assert int(first[0, 4]) == int(second[0, 2])
    padded = bag.rows(torch.tensor([[97, 98, 99, 256, 256]]))
    assert padded[0].tolist()[3:] == [10_000, 10_000]
    plain = NgramBag(10_000, 4, (3,))
    assert int(plain.rows(torch.tensor([list(b"ABC")]))[0, 2]) != int(plain.rows(torch.tensor([list(b"abc")]))[0, 2])


def test_n_grams_are_left_out_in_training_alone():
    bag = NgramBag(100, 4, (1,), dropout=0.5)
    tokens = torch.randint(0, 256, (1, 64))
    assert not torch.equal(bag(tokens), bag(tokens))
    bag.eval()
    assert torch.equal(bag(tokens), bag(tokens))


def test_edges_are_the_first_and_the_last_bytes_of_a_file():
    reader = EdgeReader(3, 8)
    tokens = torch.tensor([[1, 2, 3, 4, 5, 256, 256], [7, 8, 256, 256, 256, 256, 256]])
    assert reader.edges(tokens).tolist() == [[1, 2, 3, 3, 4, 5], [7, 8, 256, 256, 7, 8]]
    assert reader.edges(torch.full((1, 0), 256)).tolist() == [[256] * 6]


def test_an_edge_bag_knows_a_signature_by_its_place():
    bag = EdgeBag(4, 10_000, 4)
    signed, again, moved = (bag.rows(torch.tensor([list(text)]))[0] for text in (b"RIFFabcd", b"RIFFxyzw", b"_RIFFabc"))
    first = [rows[12:16].tolist() for rows in (signed, again, moved)]  # the 4-grams of the beginning
    assert first[0] == first[1]
    assert first[0][0] != first[2][0]
    assert first[0][1:] == [10_000] * 3  # they reach beyond the four bytes
    assert set(bag.rows(torch.full((1, 9), 256)).flatten().tolist()) == {10_000}


def test_branch_dropout_zeroes_a_branch_for_some_files_in_training_alone():
    model = small_encoder(edge_bytes=8, edge_buckets=50, reader_dropout=0.5).train()
    pooled = model.pooled(torch.randint(0, 256, (200, 100)))
    parts = pooled.split([16, 16, 16, 16], 1)
    silent = torch.stack([(part == 0).all(1) for part in parts]).float()
    assert 0.3 < float(silent.mean()) < 0.7
    assert float(silent.prod(0).mean()) < 0.2  # each for itself
    assert not (model.eval().pooled(torch.randint(0, 256, (20, 100))) == 0).all(1).any()


def test_new_heads_do_not_change_a_trained_model_s_answers_until_they_are_trained():
    torch.manual_seed(0)
    bare = Encoder(EncoderConfig(**SMALL)).eval()  # type: ignore[arg-type]
    headed = Encoder(EncoderConfig(**SMALL, max_pool=True, classifier_size=12)).eval()  # type: ignore[arg-type]
    missing = headed.load_state_dict(bare.state_dict(), strict=False).missing_keys
    assert {name.partition(".")[0] for name in missing} == {"hidden_head", "max_head"}
    files = [b"", b"abc", bytes(100)]
    assert torch.equal(logits_of(bare, files), logits_of(headed, files))


def test_maxima_show_a_sign_that_occurs_once_more_than_means_do():
    model = small_encoder(max_pool=True)
    plain = torch.full((1, 128), ord("a"))
    marked = plain.clone()
    marked[0, 60:64] = torch.tensor(list(b"::{}"))
    with torch.inference_mode():
        (mean, maxima), (other_mean, other_maxima) = model._mean_and_maxima(plain), model._mean_and_maxima(marked)
    assert (other_maxima - maxima).norm() > 4 * (other_mean - mean).norm()


def test_filters_of_sound_are_not_trained():
    model = small_encoder(**FRONTS[-1])
    assert all("filters" not in name for name, _ in model.named_parameters())
    assert all("filters" not in name for name in model.state_dict())


VALUES = st.integers(-1, 1 << 70) | st.text(max_size=4) | st.lists(st.integers(-1, 1 << 40), max_size=4) | st.floats()


@given(st.dictionaries(st.sampled_from([each.name for each in fields(EncoderConfig)]), VALUES, max_size=4))
def test_any_values_are_a_config_or_an_error(values):
    with suppress(ConfigError):
        config = EncoderConfig.from_dict(values)
        assert EncoderConfig.from_dict(config.to_dict()) == config


RECIPE = """
name = "ab"
labels = ["up", "down"]
[model]
architecture = "encoder"
channels = [8]
strides = [2]
blocks_per_stage = [0]
hidden_size = 16
head_size = 8
max_patches = 6
[training]
steps = 60
learning_rate = 2e-2
warmup_steps = 3
batch_bytes = 2000
micro_bytes = 1000
label_smoothing = 0.05
dtype = "float32"
validate_steps = 0
[[data]]
path = "rows.npz"
task = "classify"
augment = "drop"
[[validation]]
path = "rows.npz"
task = "classify"
"""


def test_an_encoder_learns_from_a_recipe(tmp_path):
    rng = np.random.default_rng(0)
    starts = rng.integers(60, 100, 80)
    rows = [bytes(range(start, start + 30))[:: 1 - 2 * (index % 2)] for index, start in enumerate(starts)]
    save_shard(tmp_path / "rows.npz", pack([(b"", row) for row in rows], labels=[index % 2 for index in range(80)]))
    (tmp_path / "recipe.toml").write_text(RECIPE)
    made = train_recipe(tmp_path / "recipe.toml", out=tmp_path / "run")
    assert made.validation["rows.npz"] > 0.9
    assert isinstance(load_model(made.model_folder), Encoder)


def test_byte_statistics_are_what_they_are_called():
    tokens = torch.full((3, 8), 256)
    tokens[0, :4] = torch.tensor([7, 7, 9, 9])
    tokens[1] = torch.arange(8)
    found = byte_statistics(tokens)
    assert found.shape == (3, STATISTICS)
    assert found[0, 7] == found[0, 9] == pytest.approx(4 * 0.5**0.5)  # half of the bytes each
    assert found[1, 256 + 1] == 4  # every difference is 1
    assert found[0, 512] == pytest.approx(2 / 3)  # of three bytes two equal the one before
    assert found[0, 513] == 0
    entropy, of_differences, chi_squared, length = found[1, -4:].tolist()
    assert entropy == pytest.approx(3 / 8)
    assert of_differences == 0
    assert chi_squared == pytest.approx(math.log1p(8 * (256 / 8 - 1)) / 8, rel=1e-4)
    assert length == pytest.approx(math.log(9) / 8)
    assert not found[2].any()
