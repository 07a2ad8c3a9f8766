"""The recipes that compare the architectures can be compared."""

import subprocess
import sys

import pytest
import torch
from helpers.paths import ROOT

from bytesim.models.registry import model_of
from bytesim.tasks.evaluate.compare import _check
from bytesim.training.data.shards import load_shard
from bytesim.training.recipe import Recipe, load_recipe


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("recipes")
    script = ROOT / "benchmarks" / "architectures.py"
    subprocess.run([sys.executable, str(script), str(made), "--data", str(made / "data")], check=True)
    return made


@pytest.mark.parametrize("kind", ["text", "music", "cpu", "spelling"])
def test_the_recipes_of_a_kind_can_be_compared_and_are_of_equal_size(folder, kind):
    recipes: list[Recipe] = [load_recipe(path) for path in sorted((folder / kind).glob("*.toml"))]
    _check(recipes)
    assert {recipe.model.to_dict()["architecture"] for recipe in recipes} == {"bgpt", "flat", "blt"}
    assert len({(recipe.training.batch_bytes, recipe.training.learning_rate) for recipe in recipes}) == 1
    for recipe in recipes:
        with torch.device("meta"):
            model = model_of(recipe.model)
        assert 2e6 < sum(parameter.numel() for parameter in model.parameters()) < 4e6, recipe.name


@pytest.mark.parametrize("kind", ["text", "music", "cpu", "spelling"])
def test_the_entropy_model_fits_the_models_that_ask_it(folder, kind):
    given = load_recipe(folder / f"{kind}-entropy.toml").model
    asking = [load_recipe(folder / kind / f"{name}.toml") for name in ("blt-entropy", "blt-cumulative")]
    for recipe in asking:
        assert recipe.start_parts == {"entropy": f"../{kind}-entropy/entropy"}
        assert recipe.model.entropy_model == given


def test_the_answers_of_the_spelling_tasks_are_right(tmp_path):
    script = ROOT / "benchmarks" / "spelling.py"
    subprocess.run([sys.executable, str(script), str(tmp_path), "--words", "50", "--unseen", "5"], check=True)
    train, dev = (load_shard(tmp_path / f"spelling_{name}.npz") for name in ("train", "dev"))
    rows = [shard.row(index) for shard in (train, dev) for index in range(len(shard))]
    assert len(rows) == 6 * (50 + 32)
    unseen = {path.read_text().partition("spell ")[2] for path in (tmp_path / "spelling_unseen").glob("spell-*.ask")}
    assert len(unseen) == 5
    for source, target in rows:
        task, _, rest = source.decode().partition(" ")
        word, answer = rest.rpartition(" ")[2], target.decode()
        assert word not in unseen
        if task == "spell":
            assert answer.replace(" ", "") == word
        elif task == "join":
            assert answer == rest.replace(" ", "")
        elif task == "contains":
            assert answer == ("yes" if rest[0] in word else "no")
        elif task == "insert":
            assert answer.replace(rest[8] + rest[0], rest[8]) in (word, word.replace(rest[8] + rest[0], rest[8]))
        elif task == "delete":
            assert rest[0] not in answer
        else:
            assert (task, len(answer)) == ("substitute", len(word))
