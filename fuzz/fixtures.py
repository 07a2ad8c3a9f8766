"""Small real models, trained in seconds and kept in build/fuzz, whose files are damaged and whose commands are run."""

from __future__ import annotations

import json
import os
import random
import shutil
import tempfile
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"
BUILD = ROOT / "build" / "fuzz"

_TRAINING = """
[training]
warmup_steps = 1
batch_bytes = 256
micro_bytes = 128
steps = {steps}
dtype = "float32"
checkpoint_minutes = 0.0001
validate_steps = 2
"""
_BGPT = """
[model]
parts = "modern"
patch_size = 4
max_patches = 64
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
max_source_bytes = {source_bytes}
"""
_FLAT = """
[model]
architecture = "flat"
hidden_size = 16
num_layers = 1
head_size = 8
key_value_heads = 1
max_bytes = 128
"""
_BLT = """
[model]
architecture = "blt"
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
patcher = "static"
"""
_ENCODER = """
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
"""


def _data(task: str, *suffixes: str, folder: bool = False) -> str:
    """The tables [[data]] and [[validation]] of a recipe: both of pairs.npz, or the two parts of a folder of pairs."""
    names = ("source_suffix", "target_suffix")[-len(suffixes) :]
    fields = "".join(f'{name} = "{suffix}"\n' for name, suffix in zip(names, suffixes, strict=True))
    text = ""
    for table, part in (("data", "train"), ("validation", "dev")):
        place = f'path = "pairs"\npart = "{part}"\ndev_one_in = 10' if folder else 'path = "pairs.npz"'
        text += f'\n[[{table}]]\n{place}\ntask = "{task}"\n{fields}'
    return text


_MUSIC = _data("convert", "abc", "mid") + _data("convert", "mid", "abc") + _data("generate", "abc")
RECIPES = {
    "converter": 'name = "converter"\n'
    + _BGPT.format(source_bytes=64)
    + _TRAINING.format(steps=30)
    + _data("convert", "csv", "json", folder=True),
    "music": 'name = "music"\n' + _BGPT.format(source_bytes=1024) + _TRAINING.format(steps=2) + _MUSIC,
    "classifier": 'name = "classifier"\nlabels = ["letters", "digits"]\n'
    + _ENCODER
    + _TRAINING.format(steps=6)
    + _data("classify", "txt"),
    "flat": 'name = "flat"\n' + _FLAT + _TRAINING.format(steps=4) + _data("generate", "txt"),
    "blt": 'name = "blt"\n' + _BLT + _TRAINING.format(steps=4) + _data("generate", "txt"),
}
"""Name of a fixture -> its recipe. Each is trained on pairs.npz, or the folder pairs, beside it."""


def _pairs(name: str) -> tuple[list[tuple[bytes, bytes]], list[int]]:
    """(rows, labels) of pairs.npz."""
    rng = random.Random(name)
    if name == "classifier":
        files = [bytes(rng.choices(letters, k=rng.randrange(10, 60))) for letters in (b"abcdef", b"012345") * 30]
        return [(b"", file) for file in files], [0, 1] * 30
    words = [bytes(rng.choices(b"abcd,", k=rng.randrange(3, 10))) for _ in range(60)]
    if name in ("flat", "blt"):
        return [(b"", word) for word in words], []
    return [(word, b'["' + word.upper() + b'"]') for word in words], []


def write_recipe(name: str, folder: Path) -> Path:
    """The recipe of a fixture and its data in a folder; returns the recipe's path."""
    from bytesim.training.data.shards import pack, save_shard

    folder.mkdir(parents=True, exist_ok=True)
    rows, labels = _pairs(name)
    save_shard(folder / "pairs.npz", pack(rows, labels=labels))
    if name == "converter":
        (folder / "pairs").mkdir(exist_ok=True)
        for index, (source, target) in enumerate(rows):
            (folder / "pairs" / f"{index}.csv").write_bytes(source)
            (folder / "pairs" / f"{index}.json").write_bytes(target)
    path = folder / "recipe.toml"
    path.write_text(RECIPES[name], encoding="utf-8")
    return path


@cache
def trained(name: str) -> Path:
    """The folder of a fixture: pairs.npz, recipe.toml and its run folder, `run`, which holds the model folder."""
    from bytesim.tasks.train.train import train_recipe

    folder = BUILD / name
    if not folder.exists():
        BUILD.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=BUILD))
        train_recipe(write_recipe(name, making), out=making / "run", device="cpu")
        try:
            os.replace(making, folder)
        except OSError:  # another process has made it meanwhile
            shutil.rmtree(making)
    return folder


def seal(folder: Path) -> None:
    """Write the hashes of the files of a model folder to its card, as whoever makes a hostile model does."""
    from bytesim.models.folder import CARD_FILE, fingerprint

    card = json.loads((folder / CARD_FILE).read_text(encoding="utf-8"))
    card["files"] = {name: fingerprint(folder / name) for name in card["files"]}
    (folder / CARD_FILE).write_text(json.dumps(card), encoding="utf-8")


def card_as_here(data: bytes, folder: Path) -> bytes:
    """A kept card with the hashes of the fixture of this machine: weights trained on another processor differ from it.

    Kept cards say `"model.safetensors": "as it is"` for the size and the hash of a file.
    """
    from bytesim.models.folder import fingerprint

    for path in sorted(folder.iterdir()):
        data = data.replace(
            f'"{path.name}": "as it is"'.encode(), f'"{path.name}": {json.dumps(fingerprint(path))}'.encode()
        )
    return data


def model(name: str) -> Path:
    """The model folder of a fixture."""
    return trained(name) / "run" / name
