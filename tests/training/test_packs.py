"""Packs: small folders with all that a training needs, written whole or not at all."""

import json
import random

import numpy as np
import pytest
import torch
from helpers.tiny_training import RECIPE, write_classifier, write_recipe

from bytesim.errors import BytesimError, ConfigError, InputError
from bytesim.training.data.packs import RECIPE_FILE, load_pack, pack_recipe
from bytesim.training.data.shards import load_shard, pack, save_shard
from bytesim.training.data.streams import open_streams
from bytesim.training.loop import Trainer
from bytesim.training.recipe import load_recipe


def packed(path, folder, **options):
    return pack_recipe(load_recipe(path), path.parent, folder, **options)


@pytest.mark.parametrize("write", [write_recipe, write_classifier])
def test_a_pack_trains_as_the_recipe_does(tmp_path, write):
    path = write(tmp_path)
    packed(path, tmp_path / "pack")
    recipe, again = load_recipe(path), load_pack(tmp_path / "pack")
    assert again.model == recipe.model
    assert again.labels == recipe.labels
    losses = []
    for one, base in ((recipe, tmp_path), (again, tmp_path / "pack")):
        trainer = Trainer(one, base=base, folder=tmp_path / f"run{len(losses)}", device=torch.device("cpu"))
        losses.append([trainer.gradients.accumulate(trainer.feed.draw(step, 6)) for step in range(3)])
    assert losses[0] == losses[1]


def test_a_shard_of_several_sources_is_packed_once_with_the_rows_that_they_use(tmp_path):
    second = '[[data]]\npath = "pairs.npz"\ntask = "generate"\ntarget_suffix = "up"\ntarget_matches = "A"\n'
    first = 'target_suffix = "up"\nsource_matches = "b"\n\n[[validation]]'
    text = RECIPE.replace(
        'target_suffix = "up"\n\n[[validation]]', first.replace("[[validation]]", second) + "\n[[validation]]"
    )
    path = write_recipe(tmp_path, text)
    made = packed(path, tmp_path / "pack")
    assert [shard.file for shard in made.shards] == ["validation-1.npz.xz", "train-1.npz.xz"]
    rows = [load_shard(tmp_path / "pack" / "train-1.npz.xz").row(index) for index in range(made.shards[1].rows)]
    assert rows
    assert all(b"b" in source or b"A" in target for source, target in rows)
    recipe, again = load_recipe(path), load_pack(tmp_path / "pack")
    for one, other in zip(
        open_streams(recipe.data, recipe.model, tmp_path, ()),
        open_streams(again.data, again.model, tmp_path / "pack", ()),
        strict=True,
    ):
        assert sorted(one.target(index) for index in range(len(one))) == sorted(map(other.target, range(len(other))))


def test_folders_are_packed_with_the_part_that_is_used(tmp_path):
    files = tmp_path / "files"
    files.mkdir()
    for number in range(200):
        (files / f"{number}.up").write_text(f"file {number}")
    text = RECIPE.split("[[data]]")[0]
    for heading, part in (("data", "train"), ("validation", "dev")):
        text += f'[[{heading}]]\npath = "files"\npart = "{part}"\ntarget_suffix = "up"\n\n'
    text = text.replace("source_attention = true\npatch_source_attention = true\nmax_source_bytes = 64\n", "")
    (tmp_path / "recipe.toml").write_text(text)
    made = packed(tmp_path / "recipe.toml", tmp_path / "pack")
    dev, train = (load_shard(tmp_path / "pack" / shard.file) for shard in made.shards)
    assert len(dev) + len(train) == 200
    assert 0 < len(dev) < 20
    assert {
        source.part for source in (*load_pack(tmp_path / "pack").data, *load_pack(tmp_path / "pack").validation)
    } == {"all"}


def test_a_sample_is_packed_where_all_is_too_large(tmp_path):
    path = write_recipe(tmp_path)
    rng = random.Random(0)
    rows = [(rng.randbytes(20), rng.randbytes(40)) for _ in range(2000)]
    save_shard(tmp_path / "pairs.npz", pack(rows))
    text = path.read_text().replace("max_bytes = 8\n", "")
    path.write_text(text)
    most = 30_000
    made = packed(path, tmp_path / "pack", most_bytes=most, validation_files=50)
    validation, train = made.shards
    assert (validation.rows, validation.of_rows) == (50, 50)
    assert 100 < train.rows < train.of_rows == 2000
    assert 0.5 * most < made.data_bytes <= most
    assert set(map(load_shard(tmp_path / "pack" / train.file).row, range(train.rows))) <= set(rows)


def test_weights_to_start_from_come_along(tmp_path):
    (tmp_path / "before").mkdir()
    for name in ("config.json", "model.safetensors", "card.json"):
        (tmp_path / "before" / name).write_bytes(name.encode())
    path = write_recipe(tmp_path, 'start_from = "before"\n' + RECIPE)
    made = packed(path, tmp_path / "pack")
    assert load_pack(tmp_path / "pack").start_from == "start"
    assert sorted(file.name for file in (tmp_path / "pack" / "start").iterdir()) == ["config.json", "model.safetensors"]
    assert made.start_bytes == len("config.json") + len("model.safetensors")


@pytest.mark.parametrize(
    ("change", "options", "said"),
    [
        (lambda path: (path.parent / "pack").mkdir(), {}, "exists already"),
        (lambda path: None, {"most_bytes": 10}, "do not fit 10 bytes"),
        (lambda path: (path.parent / "pairs.npz").unlink(), {}, "no such shard"),
        (lambda path: path.write_text('start_from = "gone"\n' + RECIPE), {}, "is missing, and the recipe starts"),
    ],
)
def test_what_cannot_be_packed_is_told_and_leaves_nothing(tmp_path, change, options, said):
    path = write_recipe(tmp_path)
    change(path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(BytesimError, match=said) as caught:
        packed(path, tmp_path / "pack", **options)
    assert "\n" not in str(caught.value)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (None, InputError),
        ("{", InputError),
        ("[1]", ConfigError),
        ("[" * 100_000, InputError),
        ('{"name": 5}', ConfigError),
    ],
)
def test_what_is_not_a_pack_is_told(tmp_path, content, kind):
    if content is not None:
        (tmp_path / RECIPE_FILE).write_text(content)
    with pytest.raises(kind, match=r"recipe\.json: "):
        load_pack(tmp_path)


def test_a_packed_recipe_is_plain_json(tmp_path):
    packed(write_recipe(tmp_path), tmp_path / "pack")
    values = json.loads((tmp_path / "pack" / RECIPE_FILE).read_text())
    assert values["data"][0]["path"] == "train-1.npz.xz"
    assert np.isclose(values["training"]["learning_rate"], 1e-2)
