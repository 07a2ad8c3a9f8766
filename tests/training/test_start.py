"""What a training begins with: parts of a BLT from other models, and a threshold fitted to the data."""

import json
import random
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from bytesim.errors import BytesimError, ConfigError, ModelError
from bytesim.models.blt.borders import find_borders
from bytesim.models.weights import load_model
from bytesim.tasks.train.train import train_recipe
from bytesim.training.data.packs import load_pack, pack_recipe
from bytesim.training.data.shards import pack, save_shard
from bytesim.training.recipe import parse_recipe, recipe_text

TRAINING = """
[training]
learning_rate = 1e-2
muon_learning_rate = 1e-2
warmup_steps = 3
batch_bytes = 512
micro_bytes = 256
steps = 6
dtype = "float32"

[[data]]
path = "words.npz"
task = "generate"
target_suffix = "txt"
"""

FLAT = """
name = "small"
[model]
architecture = "flat"
hidden_size = 16
num_layers = 2
head_size = 8
key_value_heads = 2
max_bytes = 128
window = 9
"""

BLT = """
name = "patched"
{top}
[model]
architecture = "blt"
parts = "modern"
hidden_size = 16
num_layers = 3
head_size = 8
key_value_heads = 2
feed_forward_size = 0
byte_hidden_size = 16
encoder_layers = 1
decoder_layers = 1
byte_head_size = 8
byte_key_value_heads = 1
encoder_feed_forward_size = 0
decoder_feed_forward_size = 0
ngram_buckets = 20
entropy_hidden_size = 16
entropy_layers = 2
entropy_head_size = 8
entropy_key_value_heads = 2
entropy_feed_forward_size = 0
entropy_window = 9
rope_base = 10000.0
max_bytes = 128
{model}
"""
PARTS = '[start_parts]\nentropy = "run/small/small"\nlatent = "run/wide/wide"\n'


@pytest.fixture
def folder(tmp_path) -> Path:
    """A folder with words, and a flat model that was trained on them."""
    rng = random.Random(0)
    words = [b"".join(rng.choice([b"one ", b"three ", b"seven "]) for _ in range(12)) for _ in range(40)]
    save_shard(tmp_path / "words.npz", pack([(b"", word) for word in words]))
    for name, text in (("small", FLAT), ("wide", FLAT.replace("window = 9", "").replace("small", "wide"))):
        (tmp_path / "flat.toml").write_text(text + TRAINING)
        made = train_recipe(tmp_path / "flat.toml", out=tmp_path / "run" / name, device="cpu")
        assert made.model_folder == tmp_path / "run" / name / name
    return tmp_path


def blt(folder: Path, top: str = PARTS, model: str = "") -> Path:
    path = folder / "blt.toml"
    path.write_text(BLT.format(top=top, model=model) + TRAINING)
    return path


def test_parts_start_from_other_models_and_the_entropy_model_stays_as_it_is(folder):
    notes: list[str] = []
    made = train_recipe(blt(folder), out=folder / "out", device="cpu", on_note=notes.append)
    assert any("the entropy model starts from its weights" in note for note in notes)
    assert any("2 of 3 layers of the latent transformer" in note for note in notes)
    trained = load_model(made.model_folder).state_dict()
    for name, weight in load_model(folder / "run" / "small" / "small").state_dict().items():
        assert torch.equal(trained[f"entropy.{name}"], weight)
    ours = trained["latent.stack.blocks.1.attention.qkv.weight"]
    theirs = load_model(folder / "run" / "wide" / "wide").state_dict()["decoder.blocks.1.attention.qkv.weight"]
    assert 0 < (ours - theirs).abs().max() < 0.15 < (ours - theirs.roll(1, 0)).abs().max()


@pytest.mark.parametrize(
    ("patcher", "field"),
    [
        ("entropy", "threshold"),
        ("cumulative", "threshold"),
        ("rise", "rise_threshold"),
        ("entropy_and_rise", "threshold"),
    ],
)
def test_a_threshold_is_fitted_to_a_mean_length_and_kept(folder, patcher, field):
    settings = f'patcher = "{patcher}"\nmean_patch_bytes = 3.0'
    notes: list[str] = []
    recipe = blt(folder, model=settings)
    made = train_recipe(recipe, out=folder / "out", device="cpu", steps=2, on_note=notes.append)
    model = load_model(made.model_folder)
    words = torch.tensor([[*b"txt", *[256] * 5, *(b"one three seven " * 6)]])
    with torch.inference_mode():
        ends = find_borders(model.config, words, model.borders(words)[1], None).ends
    assert 1.5 < words.shape[1] / int(ends.sum()) < 6
    assert any("patches of 3 bytes" in note for note in notes)
    again = train_recipe(recipe, out=folder / "out", device="cpu", steps=3)
    assert again.resumed_at == 2
    kept = json.loads((again.model_folder / "config.json").read_text())[field]
    assert kept == getattr(model.config, field)


def test_a_mean_length_that_no_threshold_reaches_is_refused(folder):
    with pytest.raises(ConfigError, match="nearest that any threshold gives"):
        train_recipe(blt(folder, model="mean_patch_bytes = 300.0"), out=folder / "out", device="cpu", steps=1)


def test_a_random_entropy_model_is_told(folder):
    notes: list[str] = []
    train_recipe(blt(folder, top=""), out=folder / "out", device="cpu", steps=1, on_note=notes.append)
    assert any("borders are arbitrary" in note for note in notes)


@pytest.mark.parametrize(
    ("top", "model", "message"),
    [
        (PARTS, "entropy_window = 5", "window 9 instead of 5"),
        (PARTS, 'patcher = "space"', "asks no entropy model"),
        ('[start_parts]\nlatent = "run/wide/wide"', "head_size = 4", "head_size = 4, rope_base = 10000.0"),
        ('[start_parts]\nlatent = "run/wide/wide"', "hidden_size = 32", "none of its blocks"),
        ('[start_parts]\nlatent = "run/wide/wide"', "rope_base = 500.0", "rope_base = 500.0 and without a window"),
        ('[start_parts]\nlatent = "run/small/small"', "", "without a window"),
        ('[start_parts]\nentropy = "nowhere"', "", "config.json"),
        ('[start_parts]\nencoder = "run/small/small"', "", "start_parts names folders for the parts"),
        ("", "mean_patch_bytes = 0.5", "mean_patch_bytes is 0.5"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(folder, top, model, message):
    text = BLT.format(top=top, model="")
    if "=" in model:
        key = model.split(" = ")[0]
        lines = [line for line in text.splitlines() if not line.startswith(f"{key} = ")]
        text = "\n".join([*lines, model]) + "\n"
    (folder / "blt.toml").write_text(text + TRAINING)
    with pytest.raises(BytesimError, match=message):
        train_recipe(folder / "blt.toml", out=folder / "out", device="cpu", steps=1)


def test_entropy_weights_of_another_shape_are_refused(folder):
    weights = folder / "run" / "small" / "small" / "model.safetensors"
    tensors = load_file(weights)
    save_file({**tensors, "head.weight": tensors["head.weight"][:1].clone()}, weights)
    with pytest.raises(ModelError, match="do not belong together"):
        train_recipe(blt(folder), out=folder / "out", device="cpu", steps=1)


def test_weights_with_other_ids_are_not_trained(folder):
    with pytest.raises(ConfigError, match="cannot be trained"):
        train_recipe(blt(folder, top="", model="byte_offset = 4"), out=folder / "out", device="cpu", steps=1)


def test_start_parts_are_only_for_blt(folder):
    (folder / "flat.toml").write_text(FLAT.replace("[model]", f"{PARTS}[model]") + TRAINING)
    with pytest.raises(ConfigError, match="start_parts"):
        train_recipe(folder / "flat.toml", out=folder / "out", device="cpu", steps=1)


def test_a_pack_has_the_folders_of_its_parts_and_a_written_recipe_names_them(folder):
    recipe = parse_recipe(blt(folder).read_text(), "blt.toml")
    packed = pack_recipe(recipe, base=folder, folder=folder / "pack", most_bytes=1 << 20)
    assert packed.start_bytes > 10_000
    assert load_pack(folder / "pack").start_parts == {"entropy": "start-entropy", "latent": "start-latent"}
    assert (folder / "pack" / "start-latent" / "model.safetensors").is_file()
    assert parse_recipe(recipe_text(recipe, "again"), "again.toml") == recipe
