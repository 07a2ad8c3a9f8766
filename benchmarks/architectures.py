"""Writes the recipes with which `bytesim evaluate compare` compares the architectures, on four kinds of data.

    bytesim data build media wikipedia wikipedia_en_*.txt.xz --out runs/data/
    bytesim data build music --out runs/data/
    python benchmarks/architectures.py runs/architectures --data runs/data
    bytesim train runs/architectures/text-entropy.toml --out runs/architectures/text-entropy
    bytesim evaluate compare runs/architectures/text/*.toml --tflops 40 --out runs/architectures/text --picture text.png

`text` are pieces of an encyclopaedia, `music` is ABC -> MIDI of 1 to 12 bars, `cpu` are traces of the 8-bit CPU with 40
to 60 instructions, which need no files; `spelling` are the tasks of benchmarks/spelling.py. All models have 2 to 4 M
parameters, the same optimizer, and see as many bytes in a step. The entropy model of a BLT is trained before, by a
recipe of its own.
"""

from __future__ import annotations

import argparse
from pathlib import Path

KINDS = ("text", "music", "cpu", "spelling")

_DATA = {
    "text": """
[[data]]
path = "{data}/wikipedia_train.npz"
target_suffix = "txt"

[[validation]]
path = "{data}/wikipedia_dev.npz"
target_suffix = "txt"
""",
    "music": """
[[data]]
path = "{data}/music_train.npz"
task = "convert"
source_suffix = "abc"
target_suffix = "mid"
group_from = 1
max_bytes = 1500

[[validation]]
path = "{data}/music_dev.npz"
task = "convert"
source_suffix = "abc"
target_suffix = "mid"
group_from = 1
max_bytes = 1500
""",
    "spelling": """
[[data]]
path = "{data}/spelling_train.npz"
task = "convert"
source_suffix = "ask"
target_suffix = "out"

[[validation]]
path = "{data}/spelling_dev.npz"
task = "convert"
source_suffix = "ask"
target_suffix = "out"
""",
    "cpu": """
[[data]]
task = "cpu"
shortest = 40
longest = 60

[[validation]]
task = "cpu"
shortest = 40
longest = 60
""",
}

_MOST_BYTES = {"text": 2304, "music": 1536, "cpu": 2048, "spelling": 256}
"""Kind -> longest history, in bytes."""
_PATCH = {"text": 8, "music": 8, "cpu": 16, "spelling": 8}
"""Kind -> bytes per patch of a bGPT; a state of the CPU has 16."""

_BATCH_BYTES = {"text": 8000, "music": 8000, "cpu": 2000, "spelling": 1000}
"""Kind -> scored bytes of a step. Of spelling, 120 answers; of the CPU, a dozen traces, each with 1,024 bytes that are
not scored."""
_ENTROPY_BATCH_BYTES = 8000

_SOURCE = """source_attention = true
patch_source_attention = true
source_layers = 1
source_hidden_size = 128
max_source_bytes = 1536
"""

_BLT = """architecture = "blt"
parts = "modern"
hidden_size = 192
num_layers = 4
head_size = 32
key_value_heads = 6
feed_forward_size = 0
byte_hidden_size = 128
encoder_layers = 1
decoder_layers = 3
byte_head_size = 32
byte_key_value_heads = 4
encoder_feed_forward_size = 0
decoder_feed_forward_size = 0
ngram_buckets = 512
"""

_ENTROPY = """entropy_hidden_size = 96
entropy_layers = 2
entropy_head_size = 32
entropy_key_value_heads = 3
entropy_feed_forward_size = 0
entropy_window = 128
"""

_TRAINING = """
[training]
steps = 1
learning_rate = 2e-3
muon_learning_rate = 3e-3
warmup_steps = 20
decay_share = 0.7
batch_bytes = {batch}
micro_bytes = {batch}
dtype = "bfloat16"
seed = 1
validate_steps = {validate}
"""


def models(kind: str) -> dict[str, str]:
    """Name -> the settings of [model], for one kind of data."""
    size, most = _PATCH[kind], _MOST_BYTES[kind]
    patches = f"patch_size = {size}\nmax_patches = {most // size}\n"
    blt = f"{_BLT}max_bytes = {most}\n"
    source = "" if kind == "text" else _SOURCE
    return {
        "bgpt-published": f"{patches}hidden_size = 192\nnum_layers = 4\nbyte_hidden_size = 192\nbyte_num_layers = 2\n",
        "bgpt": (
            f'parts = "modern"\n{patches}hidden_size = 192\nnum_layers = 4\nhead_size = 32\nbyte_hidden_size = 128\n'
            f"byte_num_layers = 3\nbyte_head_size = 32\ncontext_patches = 2\n{source}"
        ),
        "flat": (
            'architecture = "flat"\nhidden_size = 192\nnum_layers = 7\nhead_size = 32\nkey_value_heads = 2\n'
            f"max_bytes = {most}\n"
        ),
        "blt-entropy": f'{blt}patcher = "entropy"\nmean_patch_bytes = 4.5\n{_ENTROPY}',
        "blt-cumulative": f'{blt}patcher = "cumulative"\nmean_patch_bytes = 4.5\n{_ENTROPY}',
        "blt-space": f'{blt}patcher = "space"\n',
        "blt-static-4": f'{blt}patcher = "static"\npatch_bytes = 4\n',
        "blt-static-8": f'{blt}patcher = "static"\npatch_bytes = 8\n',
    }


def recipes(kind: str, data: str) -> dict[str, str]:
    """Path of each recipe of a kind, relative to the folder -> its text; `data` is the folder of the shards."""
    below = _DATA[kind].format(data=data)
    made = {}
    for name, model in models(kind).items():
        parts = f'\n[start_parts]\nentropy = "../{kind}-entropy/entropy"\n' if "entropy_" in model else ""
        # Few bytes cost as many operations as many do in a model that reads patches, so it takes more steps.
        training = _TRAINING.format(validate=40 if name == "flat" else 100, batch=_BATCH_BYTES[kind])
        made[f"{kind}/{name}.toml"] = f'name = "{name}"\n{parts}\n[model]\n{model}{training}{below}'
    entropy = (
        'architecture = "flat"\nhidden_size = 96\nnum_layers = 2\nhead_size = 32\nkey_value_heads = 3\nwindow = 128\n'
        f"max_bytes = {_MOST_BYTES[kind]}\n"
    )
    training = _TRAINING.format(validate=200, batch=_ENTROPY_BATCH_BYTES).replace("steps = 1", "minutes = 4")
    made[f"{kind}-entropy.toml"] = f'name = "entropy"\n\n[model]\n{entropy}{training}{below}'
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder for the recipes")
    parser.add_argument("--data", type=Path, default=Path("runs/data"), help="folder of the shards")
    options = parser.parse_args()
    data = options.data.resolve().as_posix()
    for kind in KINDS:
        for name, text in recipes(kind, data).items():
            path = options.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
    print(f"{options.folder}: {len(KINDS)} kinds, {len(models('text'))} recipes each, and an entropy model for each")


if __name__ == "__main__":
    main()
