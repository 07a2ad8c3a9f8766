"""Recipes: what is not understood is refused, and what is written reads back."""

import re
import subprocess
import sys
from contextlib import suppress
from dataclasses import MISSING, fields

import pytest
from helpers.paths import ROOT
from helpers.tiny_training import RECIPE, tiny_recipe
from hypothesis import given
from hypothesis import strategies as st

from bytesim.errors import BytesimError, ConfigError, InputError
from bytesim.training.recipe import Recipe, TrainingConfig, load_recipe, parse_recipe, recipe_from_dict, recipe_text
from bytesim.training.settings import Settings
from bytesim.training.sources import (
    SOURCES,
    ClassifySource,
    ConvertSource,
    CpuSource,
    GenerateSource,
    own_fields,
    source_of,
)


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
        (RECIPE.replace('task = "convert"\nsource_suffix = "low"', 'task = "classify"'), "labels"),
        (RECIPE.replace("[[data]]", "[data]"), "[[data]]"),
        (RECIPE.replace("[[data]]", "[[data]]\nstart_weight = 0"), "weights"),
        (RECIPE.replace("[[data]]", "[[data]]\nend_weight = 0.0"), "weights"),
        (RECIPE.replace('"capitals"', '"a/b"'), "folder"),
        (RECIPE.replace('name = "capitals"', "name = 5"), "name"),
        (RECIPE.replace('name = "capitals"', "labels = 5"), "labels"),
        ("name = 'x'", "[[data]]"),
        ("name = ", "TOML"),
        ("a = " + "[" * 20000, "TOML"),
        ("a = " + "1" * 5000, "TOML"),
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


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("steps = 20", "steps = 2.5", "[training]: steps is 2.5; expected int"),
        ("steps = 20", "beta1 = 1", "[training]: beta1 is 1; choose a number below 1"),
        ("steps = 20", "setps = 20", "[training]: unknown key setps. Known are learning_rate, "),
        ("validate_steps = 9", "validate_steps = 0\npatience = 2", "[training]: patience"),
        ("num_layers = 2", "num_layers = 0", "[model]: num_layers is 0"),
        ("max_bytes = 8", "max_bytes = '8'", "[[validation]] 1: max_bytes is '8'; expected int"),
        ("max_bytes = 8", "balance = 0.5", "[[validation]] 1: balance is for task = classify, and this source has"),
        ("max_bytes = 8", "augment = 'drop'", "[[validation]] 1: augment is for task = generate or classify, and"),
        ("max_bytes = 8", "part = 'test'", "[[validation]] 1: part is 'test'; choose all, train or dev."),
        ("max_bytes = 8", "[[validation]]\ntask = 'cpu'\nlongest = 256", "[[validation]] 2: longest is 256; choose"),
        ("max_bytes = 8", "[[validation]]\ntask = 'cpu'\nshortest = 300", "[[validation]] 2: shortest is 300; choose"),
        ("max_bytes = 8", "[[validation]]\ntask = 'cpu'\nfavoured = 'FOO'", "[[validation]] 2: favoured is 'FOO': no"),
        ("max_bytes = 8", "[[validation]]\ntask = 'cpu'\npart = 'dev'", "[[validation]] 2: part is for task = gen"),
        ("max_bytes = 8", "source_matches = '('", "[[validation]] 1: source_matches '(' is not a regular expression"),
    ],
)
def test_an_error_names_file_section_and_key(tmp_path, old, new, said):
    assert RECIPE.count(old) == 1
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE.replace(old, new))
    with pytest.raises(ConfigError) as caught:
        load_recipe(path)
    assert str(caught.value).startswith(f"{path}: {said}")
    assert "\n" not in str(caught.value)


def test_a_source_has_the_fields_of_its_task_and_no_others():
    kinds = {"generate": GenerateSource, "convert": ConvertSource, "classify": ClassifySource, "cpu": CpuSource}
    for task, kind in kinds.items():
        assert isinstance(source_of({"path": "x", "task": task}), kind)
        for name in {name for other in SOURCES for name in other.defaults()} - set(kind.defaults()):
            with pytest.raises(ConfigError, match=name):
                source_of({"path": "x", "task": task, name: 0})
    assert isinstance(source_of({"path": "x"}), GenerateSource)


def test_keys_of_other_tasks_are_taken_out_and_unknown_ones_stay():
    values = {"path": "x", "task": "convert", "source_suffix": "abc", "balance": 0.5, "longest": 9, "colour": 1}
    assert own_fields(values) == {"path": "x", "task": "convert", "source_suffix": "abc", "colour": 1}


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: ConvertSource(path=""), "lacks path"),
        (lambda: ClassifySource(path="x", windows="middle"), "windows"),
        (lambda: CpuSource(shortest=9, longest=3), "shortest is 9"),
        (lambda: TrainingConfig(seed=1 << 63), "seed"),
        (lambda: TrainingConfig().replace(micro_bytes=True), "micro_bytes"),
        (lambda: GenerateSource(path="x").replace(augment="flip zap"), "augment 'zap'"),
        (lambda: GenerateSource(path="x", source_matches="\udc80"), "source_matches"),
    ],
)
def test_settings_made_in_python_are_checked_alike(make, said):
    with pytest.raises(ConfigError, match=said) as caught:
        make()
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
NAMES = st.sampled_from(
    sorted({field.name for field in fields(Recipe)}.union(*(kind.defaults() for kind in (TrainingConfig, *SOURCES))))
)


@pytest.mark.slow
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
    source = GenerateSource(path="x", start_weight=1.0, end_weight=0.0, start=0.25, end=0.75)
    assert [source.weight_at(share) for share in (0, 0.25, 0.5, 0.75, 1)] == [1, 1, 0.5, 0, 0]
    assert GenerateSource(path="x", start_weight=2.0).weight_at(1.0) == 2.0


@pytest.mark.parametrize("kind", SOURCES)
def test_every_field_of_a_source_stands_in_the_tables_of_its_task(kind):
    task = kind.defaults()["task"]
    said = documented("Every task") | documented(f"`{task}`")
    assert list(said.items()) == list((told(kind) | {"task": "generate"}).items())


def test_every_field_of_a_training_stands_in_the_documentation():
    assert list(documented("`[training]`").items()) == list(told(TrainingConfig).items())


def documented(heading: str) -> dict[str, str]:
    """Key -> default in the tables of docs/training.md under headings that hold these words."""
    page = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    rows: dict[str, str] = {}
    for section in re.split(r"^#+ ", page, flags=re.MULTILINE):
        if heading in section.partition("\n")[0]:
            rows |= dict(re.findall(r"^\| `(\w+)` \| (\S+) \| \S.* \|$", section, re.MULTILINE))
    return rows


def told(kind: type[Settings]) -> dict[str, str]:
    """Key -> default as the documentation writes it."""
    words = {MISSING: "required", "": "none", None: "none"}
    return {name: words[value] if value in words else str(value) for name, value in kind.defaults().items()}


def test_what_reads_recipes_and_data_needs_no_torch():
    data = ("shards", "folders", "split", "windows", "streams", "noise")
    names = ("recipe", "settings", "sources", "sizes", "log", *(f"data.{name}" for name in data))
    modules = [f"bytesim.training.{name}" for name in names] + [
        "bytesim.tasks.train.train",
        "bytesim.tasks.train.labels",
        "bytesim.datasets.music.build",
    ]
    code = f"import sys, importlib; sys.modules['torch'] = None; [importlib.import_module(name) for name in {modules}]"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_folder_in_place_of_a_recipe_is_told_how_to_learn_from_it(tmp_path):
    with pytest.raises(InputError, match="is a folder, not a recipe") as error:
        load_recipe(tmp_path)
    assert "bytesim train convert" in error.value.message
