"""recipes/train_heads.py: the heads of a trained classifier on features that are computed once."""

import json
import random
import subprocess
import sys

import torch
from helpers.paths import EXAMPLES

import bytesim
from bytesim.models.weights import load_model
from bytesim.tasks.models import verify_model
from bytesim.training.data.shards import pack, save_shard

ROOT = EXAMPLES.parent
RECIPE = """name = "kinds"
labels = ["low", "high", "unknown"]
{start}
[model]
architecture = "encoder"
num_classes = 3
max_patches = 10
byte_embedding_size = 8
channels = [8]
strides = [4]
blocks_per_stage = [0]
hidden_size = 16
head_size = 16
num_layers = 1
ngram_buckets = 64
ngram_size = 4
statistics_size = 8
{hidden}

[training]
{length}
batch_bytes = 512
micro_bytes = 512
warmup_steps = 1
learning_rate = 3e-3
dtype = "float32"

[[data]]
path = "kinds.npz"
task = "classify"
target_suffix = "txt"
balance = 0.5

[[validation]]
path = "kinds.npz"
task = "classify"
target_suffix = "txt"
"""


def test_the_heads_learn_and_nothing_else_changes(tmp_path):
    rng = random.Random(0)
    files = [bytes(rng.choices(letters, k=30)) for letters in (b"abcde", b"bcdef", b"cdefg") * 60]
    save_shard(tmp_path / "kinds.npz", pack([(b"", file) for file in files], labels=[0, 1, 2] * 60))
    (tmp_path / "first.toml").write_text(RECIPE.format(start="", hidden="", length="steps = 3"))
    bytesim.train_recipe(tmp_path / "first.toml", out=tmp_path / "first", device="cpu")
    start = 'start_from = "first/kinds"'
    heads = RECIPE.format(start=start, hidden="classifier_size = 16", length="steps = 400")
    (tmp_path / "heads.toml").write_text(heads)
    command = [
        sys.executable,
        ROOT / "recipes" / "train_heads.py",
        tmp_path / "heads.toml",
        "--out",
        tmp_path / "second",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "kinds 0: 180 files" in done.stdout
    verify_model(str(tmp_path / "second" / "kinds"))
    before, after = (load_model(tmp_path / name / "kinds").state_dict() for name in ("first", "second"))
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"class_head.weight", "class_head.bias"}
    assert after.keys() - before.keys() == {f"hidden_head.{name}" for name in ("up.weight", "up.bias", "down.weight")}
    right = []
    for name in ("first", "second"):
        model = bytesim.load(f"{tmp_path / name / 'kinds'}/")
        found = model.classify(files, top=3)
        right.append(
            sum(
                answer.top[0].label == label
                for answer, label in zip(found, ("low", "high", "unknown") * 60, strict=True)
            )
        )
    assert right[1] > right[0] + 20
    assert json.loads((tmp_path / "second" / "kinds" / "card.json").read_text())["heads"]["steps"] == 400
