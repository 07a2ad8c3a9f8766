"""A training that takes seconds: a tiny converter that writes its source in capitals."""

import json
import random
from pathlib import Path

from bytesim.training.data.shards import pack, save_shard
from bytesim.training.recipe import Recipe, parse_recipe

TINY_BLT = """architecture = "blt"
parts = "modern"
hidden_size = 16
num_layers = 1
head_size = 8
key_value_heads = 1
feed_forward_size = 0
byte_hidden_size = 16
encoder_layers = 1
decoder_layers = 1
byte_head_size = 8
byte_key_value_heads = 1
encoder_feed_forward_size = 0
decoder_feed_forward_size = 0
ngram_buckets = 20
max_bytes = 128
"""
"""Most of the [model] of a Byte Latent Transformer; the patcher is missing."""
RECIPE = """
name = "capitals"

[model]
parts = "modern"
patch_size = 4
max_patches = 32
hidden_size = 16
num_layers = 2
head_size = 8
byte_hidden_size = 16
byte_num_layers = 1
byte_head_size = 8
source_hidden_size = 16
source_layers = 1
context_patches = 1
source_attention = true
patch_source_attention = true
max_source_bytes = 64

[training]
learning_rate = 1e-2
muon_learning_rate = 1e-2
warmup_steps = 3
batch_bytes = 256
micro_bytes = 128
steps = 20
dtype = "float32"
checkpoint_minutes = 0.001
validate_steps = 9

[[data]]
path = "pairs.npz"
task = "convert"
source_suffix = "low"
target_suffix = "up"

[[validation]]
path = "pairs.npz"
task = "convert"
source_suffix = "low"
target_suffix = "up"
max_bytes = 8
"""


def pairs(count: int = 60) -> list[tuple[bytes, bytes]]:
    """Rows of a few letters, and the same in capitals."""
    rng = random.Random(0)
    words = [bytes(rng.choice(b"abcd") for _ in range(rng.randrange(3, 10))) for _ in range(count)]
    return [(word, word.upper()) for word in words]


def write_recipe(folder: Path, text: str = RECIPE) -> Path:
    """The recipe and its shard in a folder; returns the recipe's path."""
    save_shard(folder / "pairs.npz", pack(pairs()))
    path = folder / "recipe.toml"
    path.write_text(text)
    return path


def tiny_recipe(text: str = RECIPE) -> Recipe:
    return parse_recipe(text, "recipe.toml")


def losses(folder: Path) -> list[tuple[int, str, object]]:
    """The log of a run folder without times."""
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    kept = []
    for line in lines:
        kept += [
            (line["step"], name, line[name]) for name in ("loss_nats", "learning_rate", "validation") if name in line
        ]
    return kept


CLASSIFIER = """
name = "kinds"
labels = ["letters", "digits"]

[model]
architecture = "encoder"
num_classes = 2
max_patches = 10
byte_embedding_size = 8
channels = [8]
strides = [4]
blocks_per_stage = [0]
hidden_size = 16
head_size = 16
num_layers = 1
dropout = 0.3

[training]
warmup_steps = 2
batch_bytes = 256
steps = 6
dtype = "float32"

[[data]]
path = "kinds.npz"
task = "classify"
target_suffix = "txt"

[[validation]]
path = "kinds.npz"
task = "classify"
target_suffix = "txt"
"""


def write_classifier(folder: Path, text: str = CLASSIFIER) -> Path:
    """The recipe of a tiny classifier, with dropout, and its shard in a folder; returns the recipe's path."""
    rng = random.Random(0)
    letters = [bytes(rng.choices(b"abcdef", k=rng.randrange(10, 60))) for _ in range(30)]
    digits = [bytes(rng.choices(b"012345", k=rng.randrange(10, 60))) for _ in range(30)]
    rows = [(b"", file) for file in (*letters, *digits)]
    save_shard(folder / "kinds.npz", pack(rows, labels=[0] * 30 + [1] * 30))
    path = folder / "classifier.toml"
    path.write_text(text)
    return path
