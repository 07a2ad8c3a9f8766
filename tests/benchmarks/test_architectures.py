"""The recipes that compare the architectures can be compared."""

import subprocess
import sys

import pytest
import torch
from helpers.paths import ROOT

from bytesim.models.registry import model_of
from bytesim.tasks.evaluate.compare import _check
from bytesim.training.recipe import Recipe, load_recipe


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("recipes")
    script = ROOT / "benchmarks" / "architectures.py"
    subprocess.run([sys.executable, str(script), str(made), "--data", str(made / "data")], check=True)
    return made


@pytest.mark.parametrize("kind", ["text", "music", "cpu"])
def test_the_recipes_of_a_kind_can_be_compared_and_are_of_equal_size(folder, kind):
    recipes: list[Recipe] = [load_recipe(path) for path in sorted((folder / kind).glob("*.toml"))]
    _check(recipes)
    assert {recipe.model.to_dict()["architecture"] for recipe in recipes} == {"bgpt", "flat", "blt"}
    assert len({(recipe.training.batch_bytes, recipe.training.learning_rate) for recipe in recipes}) == 1
    for recipe in recipes:
        with torch.device("meta"):
            model = model_of(recipe.model)
        assert 2e6 < sum(parameter.numel() for parameter in model.parameters()) < 4e6, recipe.name


@pytest.mark.parametrize("kind", ["text", "music", "cpu"])
def test_the_entropy_model_fits_the_models_that_ask_it(folder, kind):
    given = load_recipe(folder / f"{kind}-entropy.toml").model
    asking = [load_recipe(folder / kind / f"{name}.toml") for name in ("blt-entropy", "blt-cumulative")]
    for recipe in asking:
        assert recipe.start_parts == {"entropy": f"../{kind}-entropy/entropy"}
        assert recipe.model.entropy_model == given
