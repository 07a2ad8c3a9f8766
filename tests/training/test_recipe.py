"""Recipes: what is not understood is refused, and what is written reads back."""

import re
import subprocess
import sys
from contextlib import suppress
from dataclasses import MISSING, fields
from pathlib import Path

import pytest
from helpers.tiny_training import RECIPE, tiny_recipe
from hypothesis import given
from hypothesis import strategies as st

from bytesim.errors import BytesimError, ConfigError, InputError
from bytesim.training.recipe import DataSource, Recipe, TrainingConfig, load_recipe, parse_recipe, recipe_from_dict
from bytesim.training.recipe_text import recipe_text

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("path", sorted((ROOT / "recipes").glob("*.toml")), ids=lambda path: path.name)
def test_a_shipped_recipe_is_valid_and_survives_being_written(path):
    recipe = load_recipe(path)
    assert parse_recipe(recipe_text(recipe, "again"), "text") == recipe


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (RECIPE + "[extra]\n", "extra"),
        (RECIPE.replace("warmup_steps", "warm_up_steps"), "warm_up_steps"),
        (RECIPE.replace("hidden_size = 16", "hidden_sizes = 16", 1), "hidden_sizes"),
        (RECIPE.replace('path = "pairs.npz"', 'file = "pairs.npz"'), "file"),
        (RECIPE.replace('path = "pairs.npz"', "", 1), "lacks path"),
        (RECIPE.replace("steps = 20", 'steps = "20"'), "expected int"),
        (RECIPE.replace("steps = 20", "steps = true"), "expected int"),
        (RECIPE.replace("steps = 20", "steps = -1"), "at least 0"),
        (RECIPE.replace("learning_rate = 1e-2", "learning_rate = nan", 1), "learning_rate"),
        (RECIPE.replace('"float32"', '"float16"'), "bfloat16 or float32"),
        (RECIPE.replace('task = "convert"', 'task = "translate"'), "translate"),
        (RECIPE.replace('task = "convert"', 'task = "classify"'), "labels"),
        (RECIPE.replace("[[data]]", "[data]"), "[[data]]"),
        (RECIPE.replace("[[data]]", "[[data]]\nstart_weight = 0"), "weights"),
        (RECIPE.replace("[[data]]", "[[data]]\nend_weight = 0.0"), "weights"),
        (RECIPE.replace('"capitals"', '"a/b"'), "folder"),
        (RECIPE.replace('name = "capitals"', "name = 5"), "name"),
        (RECIPE.replace('name = "capitals"', "labels = 5"), "labels"),
        ("name = 'x'", "[[data]]"),
        ("name = ", "TOML"),
        ("a = " + "[" * 20000, "TOML"),
    ],
)
def test_a_recipe_that_is_not_understood_is_refused_in_one_line(tmp_path, text, said):
    path = tmp_path / "recipe.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_recipe(path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_no_recipe_file_is_told(tmp_path):
    (tmp_path / "noise.toml").write_bytes(b"\xff\xfe\0")
    for name in ("missing.toml", "noise.toml", "."):
        with pytest.raises(InputError):
            load_recipe(tmp_path / name)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from([each.name for kind in (Recipe, TrainingConfig, DataSource) for each in fields(kind)])


@given(st.dictionaries(NAMES, PLAIN | st.dictionaries(NAMES, PLAIN) | st.lists(st.dictionaries(NAMES, PLAIN))))
def test_any_table_is_a_recipe_or_a_bytesim_error(values):
    with suppress(BytesimError):
        assert recipe_from_dict(values).data


@given(
    path=st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    weight=st.floats(1e-9, 1e9),
    rate=st.floats(1e-9, 1.0),
)
def test_any_recipe_survives_being_written(path, weight, rate):
    values = tiny_recipe().to_dict()
    values["data"][0] |= {"path": path, "start_weight": weight}
    values["training"]["learning_rate"] = rate
    recipe = recipe_from_dict(values)
    assert parse_recipe(recipe_text(recipe, "written"), "text") == recipe


def test_weights_move_between_start_and_end():
    source = DataSource(path="x", start_weight=1.0, end_weight=0.0, start=0.25, end=0.75)
    assert [source.weight_at(share) for share in (0, 0.25, 0.5, 0.75, 1)] == [1, 1, 0.5, 0, 0]
    assert DataSource(path="x", start_weight=2.0).weight_at(1.0) == 2.0


def test_every_field_stands_in_the_documentation_with_its_default():
    page = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    said = re.findall(r"^\| `(\w+)` \| (\S+) \| \S.* \|$", page, re.MULTILINE)
    known = [(each.name, told(each.default)) for kind in (TrainingConfig, DataSource) for each in fields(kind)]
    assert [row for row in said if row[0] in dict(known)] == known


def told(default: object) -> str:
    return "required" if default is MISSING else "none" if default in ("", None) else str(default)


def test_what_reads_recipes_and_data_needs_no_torch():
    data = ("shards", "folders", "split", "windows", "streams", "noise")
    names = ("recipe", "recipe_text", "sizes", "log", *(f"data.{name}" for name in data))
    modules = [f"bytesim.training.{name}" for name in names] + [
        "bytesim.tasks.train.train",
        "bytesim.tasks.train.labels",
        "bytesim.datasets.music.build",
    ]
    code = f"import sys, importlib; sys.modules['torch'] = None; [importlib.import_module(name) for name in {modules}]"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
