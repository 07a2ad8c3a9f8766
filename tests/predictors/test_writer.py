"""What a model was trained to do: its card says so, and what is asked of it is held against that."""

import json
from pathlib import Path

import pytest
from helpers.music_models import TASK_FIELDS, make_model, trained_tasks
from helpers.paths import CHECKPOINT

from bytesim.errors import ModelError
from bytesim.models.folder import CARD_FILE, RECIPE_FILE, read_card
from bytesim.models.store import stored_models
from bytesim.predictors.writer import load_writer
from bytesim.tasks.models import import_model
from bytesim.training.recipe import load_recipe

SHIPPED = [model for model in stored_models() if model.place == "shipped"]


@pytest.mark.parametrize("model", SHIPPED, ids=lambda model: model.name)
def test_the_tasks_of_a_shipped_card_are_those_of_its_recipe(model):
    sources = load_recipe(model.folder / RECIPE_FILE).data
    trained = [{name: getattr(source, name) for name in TASK_FIELDS if getattr(source, name, "")} for source in sources]
    assert read_card(model.folder)["tasks"] == list({str(task): task for task in trained}.values())


def change_card(folder: Path, **fields) -> None:
    card = json.loads((folder / CARD_FILE).read_text())
    (folder / CARD_FILE).write_text(json.dumps({**card, **fields}))


def test_a_writer_does_what_its_card_says_whatever_the_recipe_is(tmp_path):
    folder = make_model(tmp_path / "music")
    (folder / RECIPE_FILE).write_text("no recipe at all")
    change_card(folder, tasks=[{"task": "convert", "source_suffix": "a", "target_suffix": "b"}, {"task": "cpu"}])
    writer = load_writer(f"{folder}/")
    assert (writer.conversions, writer.generates, writer.simulates) == ((("a", "b"),), (), True)
    writer.check_converts("a", "b")
    with pytest.raises(ModelError, match=r"not trained to convert \.b to \.a; it converts \.a to \.b"):
        writer.check_converts("b", "a")


def test_imported_weights_may_be_asked_for_anything(tmp_path):
    import_model(CHECKPOINT, output=tmp_path / "published")
    writer = load_writer(f"{tmp_path}/published")
    assert (writer.conversions, writer.generates, writer.simulates) == (None, None, False)
    writer.check_converts("abc", "mid")


def test_a_card_without_tasks_is_refused_with_what_to_do(tmp_path):
    folder = make_model(tmp_path / "music")
    card = json.loads((folder / CARD_FILE).read_text())
    del card["tasks"]
    (folder / CARD_FILE).write_text(json.dumps(card))
    with pytest.raises(ModelError, match=r"tasks is missing, .* docs/models\.md"):
        load_writer(f"{folder}/")


@pytest.mark.parametrize(
    "damaged",
    [None, 5, "convert", {"task": "convert"}, ["convert"], [{}], [{"task": "convert"}], [{"task": 1}],
     [{"task": "convert", "source_suffix": "a", "target_suffix": None}]],
)  # fmt: skip
def test_damaged_tasks_are_one_error_that_names_the_card(tmp_path, damaged):
    folder = make_model(tmp_path / "music")
    change_card(folder, tasks=damaged)
    with pytest.raises(ModelError, match="the field tasks is not valid") as raised:
        load_writer(f"{folder}/")
    assert (Path(raised.value.file), "\n" in str(raised.value)) == (folder / CARD_FILE, False)


def test_the_helper_of_these_tests_writes_tasks_as_a_training_does():
    text = '[[data]]\ntask = "generate"\ntarget_suffix = "abc"\n' * 2 + '[[data]]\ntask = "cpu"\n'
    assert trained_tasks(text) == [{"task": "generate", "target_suffix": "abc"}, {"task": "cpu"}]
