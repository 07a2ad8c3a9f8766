"""Any value of any field, and any text, is a recipe or one ConfigError line."""

from dataclasses import fields

import pytest
import torch
from helpers.tiny_training import CLASSIFIER, TINY_BLT, tiny_recipe

from bytesim.errors import ConfigError
from bytesim.models.blt.config import BLTConfig
from bytesim.models.encoder.config import EncoderConfig
from bytesim.models.flat.config import FlatConfig
from bytesim.training.building import check_sizes
from bytesim.training.recipe import Recipe, TrainingConfig, parse_recipe, recipe_from_dict
from bytesim.training.sources import SOURCES

VALUES = [
    None, True, False, 0, 1, -1, 3, 2**31, 2**63, 2**64, 10**12, -(10**30), 10**4000, 10**5000, 0.0, 0.5, -0.5, 1e-320,
    1e308, float("nan"), float("inf"), "", "x", "\x00", "\n", "\ud800", "a" * 100_000,
    [], [0], [10**12], [-1, "x"], ["x"],
    [[1]], {}, {"a": 1}, {"x": {}}, [{}],
]  # fmt: skip
"""One of each kind, at the ends of its range and beyond."""
CPU = torch.device("cpu")


def recipe_or_line(values: dict) -> None:
    """Read a recipe and the sizes of its model; whatever is wrong is told in one line that is not long."""
    said = ""
    try:
        check_sizes(recipe_from_dict(values).model, CPU)
    except ConfigError as error:
        said = str(error)
    assert "\n" not in said
    assert len(said) < 3000


def whole(task: str, architecture: str = "bgpt") -> dict:
    """A recipe of a task, or of a model, as plain values."""
    if architecture == "encoder" or task == "classify":
        return parse_recipe(CLASSIFIER, "recipe").to_dict()
    values = tiny_recipe().to_dict()
    if architecture == "flat":
        values["model"] = FlatConfig(hidden_size=32, num_layers=1, key_value_heads=1).to_dict()
    if architecture == "blt":
        text = f'[model]\n{TINY_BLT}patcher = "space"\n[training]\nsteps = 1\n[[data]]\npath = "x"\n'
        return parse_recipe(text, "recipe").to_dict()
    values["data"] = [{"path": "x", "task": task}]
    return values


@pytest.mark.parametrize("field", [field.name for field in fields(Recipe)])
def test_any_value_of_a_section(field):
    for value in VALUES:
        recipe_or_line({**whole("convert"), field: value})


@pytest.mark.parametrize("field", TrainingConfig.defaults())
def test_any_value_of_a_training_setting(field):
    values = whole("convert")
    for value in VALUES:
        recipe_or_line({**values, "training": {**values["training"], field: value}})


@pytest.mark.parametrize(("kind", "field"), [(kind, field) for kind in SOURCES for field in kind.defaults()])
def test_any_value_of_a_source(kind, field):
    task = kind.defaults()["task"]
    values = whole(task)
    for value in VALUES:
        for section in ("data", "validation"):
            recipe_or_line({**values, section: [{**values["data"][0], field: value}]})


BGPT_FIELDS = [(name, field) for name in ("bgpt",) for field in tiny_recipe().model.to_dict()]
OTHER_FIELDS = [
    (name, field.name)
    for name, kind in (("flat", FlatConfig), ("blt", BLTConfig), ("encoder", EncoderConfig))
    for field in fields(kind)
]


@pytest.mark.parametrize(("architecture", "field"), [*BGPT_FIELDS, *OTHER_FIELDS])
def test_any_value_of_a_model_setting(architecture, field):
    values = whole("convert", architecture)
    for value in VALUES:
        recipe_or_line({**values, "model": {**values["model"], field: value}})


LONG = 400_000
TEXTS = {
    "a key of many parts": "a" + ".a" * (LONG // 2) + " = 1",
    "a key of many quoted parts": '"a"' + '."a"' * (LONG // 4) + " = 1",
    "a key of many spaced parts": "a" + " . a" * (LONG // 4) + " = 1",
    "a header of many parts": "[a" + ".a" * (LONG // 2) + "]",
    "a list of tables of many parts": "[[a" + ".a" * (LONG // 2) + "]]",
    "a key of many parts in a table": "x = { a" + ".a" * (LONG // 2) + " = 1 }",
    "many lists": "a = " + "[" * LONG,
    "many tables": "a = " + "{a=" * (LONG // 3),
    "many digits": "steps = " + "9" * 5000,
    "many open strings": "a = " + '"""\\' * (LONG // 4),
    "many quotes": "a = " + '"' * LONG,
    "many apostrophes": "a = " + "'" * LONG,
    "many escapes": 'a = "' + "\\" * LONG,
    "many comments": "# a.b.c\n" * (LONG // 8),
    "a long word": "a" * LONG,
    "a long word of dashes": "a = " + "-" * LONG,
}


@pytest.mark.parametrize("what", TEXTS)
def test_any_text_is_refused_in_one_line(what):
    with pytest.raises(ConfigError) as caught:
        parse_recipe(TEXTS[what], "recipe.toml")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000
    assert ("16 parts" in str(caught.value)) == ("many" in what and "parts" in what), "the parser would take minutes"


@pytest.mark.parametrize(
    "line",
    [
        'source_matches = "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s"',
        "source_matches = 'a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s'",
        'source_matches = """a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s"""',
        "# a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s it's",
    ],
)
def test_dots_in_strings_and_comments_are_no_keys(line):
    text = f'[training]\nsteps = 1\n[[data]]\npath = "x"\n{line}\n'
    assert parse_recipe(text, "recipe").data
