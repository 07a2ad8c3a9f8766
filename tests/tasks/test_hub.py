"""models push and models pull, with a local server that speaks the protocol of the hub."""

import json
from pathlib import Path

import pytest
from helpers.hub_server import TOKEN, hub_server
from helpers.tiny_classifiers import make_classifier, words
from typer.testing import CliRunner

import bytesim
from bytesim.cli import app
from bytesim.errors import ConfigError, ModelError, OutputError
from bytesim.models.folder import fingerprint
from bytesim.models.store import shipped_folder
from bytesim.tasks.hub.card import hub_card
from bytesim.tasks.hub.pull import pull_model
from bytesim.tasks.hub.push import push_model
from bytesim.tasks.models import compress_model, show_model, verify_model

huggingface_hub = pytest.importorskip("huggingface_hub")
constants = pytest.importorskip("huggingface_hub.constants")
FILES = {"config.json", "model.safetensors", "recipe.toml", "card.json", "README.md"}


@pytest.fixture
def hub(tmp_path, monkeypatch):
    monkeypatch.setenv("BYTESIM_MODELS", str(tmp_path / "store"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr(
        huggingface_hub.constants, "HF_HUB_DISABLE_XET", True, raising=False
    )  # the server has LFS alone
    with hub_server() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield server


@pytest.mark.parametrize("model", ["digits", "image", "flat-text", "blt-text"])
def test_every_architecture_comes_back_as_it_was_pushed(model, hub, tmp_path):
    pushed = push_model(model, "me/copy")
    listed = show_model(model).card["files"]
    assert set(pushed.files) == FILES | listed.keys()
    pulled = pull_model("me/copy", output=tmp_path / "back")
    shipped = shipped_folder() / model
    assert ("distribution.npz" in listed) == (model == "digits")
    for name in listed:
        assert (tmp_path / "back" / name).read_bytes() == (shipped / name).read_bytes()
    origin = {"repository": "me/copy", "commit": pushed.commit}
    assert pulled.card == {**show_model(model).card, "pulled": origin}
    assert verify_model(f"{tmp_path / 'back'}/").num_parameters == pulled.num_parameters


def test_a_pulled_model_is_found_by_its_name(hub):
    push_model("digits", "me/mine")
    pull_model("me/mine")
    assert show_model("mine").place == "user"
    with pytest.raises(OutputError, match="exists already"):
        pull_model("me/mine")
    pull_model("me/mine", force=True)
    pull_model("me/mine", name="other")
    assert show_model("other").card["pulled"]["repository"] == "me/mine"


def test_a_revision_is_pinned_by_its_commit(hub, tmp_path):
    first = push_model("digits", "me/mine", message="the first")
    second = push_model("speech", "me/mine")
    assert hub.messages == ["the first", "bytesim model speech"]
    old = pull_model("me/mine", revision=first.commit, output=tmp_path / "old")
    new = pull_model("me/mine", output=tmp_path / "new")
    assert (old.card["pulled"]["commit"], new.card["pulled"]["commit"]) == (first.commit, second.commit)
    assert old.card["purpose"] == show_model("digits").card["purpose"]
    assert new.card["purpose"] == show_model("speech").card["purpose"]


def test_the_hash_is_compared(hub, tmp_path):
    push_model("digits", "me/mine")
    right = show_model("digits").card["files"]["model.safetensors"]["sha256"]
    pull_model("me/mine", sha256=right, output=tmp_path / "a")
    with pytest.raises(ModelError, match="another sha256"):
        pull_model("me/mine", sha256="0" * 64, output=tmp_path / "b")
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("changed", ["model.safetensors", "config.json", "recipe.toml"])
def test_a_changed_file_is_refused_and_nothing_is_left(changed, hub, tmp_path):
    push_model("digits", "me/mine")
    _, files = hub.at("me/mine", "main")
    hub.commit("me/mine", {changed: files[changed][:-2] + b" \n"})
    with pytest.raises(ModelError) as stopped:
        pull_model("me/mine", output=tmp_path / "there" / "new")
    assert "me/mine" in str(stopped.value)
    assert not (tmp_path / "there").exists()


def test_a_card_cannot_name_a_file_elsewhere(hub, tmp_path):
    push_model("digits", "me/mine")
    _, files = hub.at("me/mine", "main")
    card = json.loads(files["card.json"])
    card["files"]["../../evil"] = {"bytes": 1, "sha256": "0"}
    hub.commit("me/mine", {"card.json": json.dumps(card).encode()})
    with pytest.raises(ModelError, match="not a file name"):
        pull_model("me/mine", output=tmp_path / "new")


def test_what_is_not_there_is_one_line(hub, tmp_path, monkeypatch):
    with pytest.raises(ModelError, match="cannot be fetched at revision main"):
        pull_model("me/nothing", output=tmp_path / "a")
    push_model("digits", "me/mine")
    with pytest.raises(ModelError, match="revision v9"):
        pull_model("me/mine", revision="v9", output=tmp_path / "a")
    hub.commit("me/empty", {"notes.txt": b"nothing"})
    with pytest.raises(ModelError, match="me/empty"):
        pull_model("me/empty", output=tmp_path / "a")
    for wrong in ("../evil/name", "../evil", "me/..", "name"):
        with pytest.raises(ConfigError, match="OWNER/NAME"):
            push_model("digits", wrong)
    monkeypatch.setenv("HF_TOKEN", "another")
    with pytest.raises(ModelError, match="cannot be published"):
        push_model("digits", "me/mine")


def test_a_model_of_ones_own_in_int8_goes_to_a_private_repository(hub, tmp_path):
    made = make_classifier(tmp_path / "own", {"a": words("digits", 9), "b": words("letters", 9)})
    compress_model(f"{made}/", output=tmp_path / "small")
    push_model(f"{tmp_path / 'small'}/", "me/small", private=True)
    assert hub.private == {"me/small"}
    pull_model("me/small", name="back")
    assert (Path(show_model("back").folder) / "model.safetensors").read_bytes() == (
        tmp_path / "small" / "model.safetensors"
    ).read_bytes()


def test_a_model_with_further_files_comes_back_with_them(hub, tmp_path):
    made = make_classifier(tmp_path / "own", {"a": words("digits", 9), "b": words("letters", 9)})
    (made / "inputs.npz").write_bytes(b"what a converter was judged on")
    card = json.loads((made / "card.json").read_text())
    card["files"]["inputs.npz"] = fingerprint(made / "inputs.npz")
    (made / "card.json").write_text(json.dumps(card))
    assert "inputs.npz" in push_model(f"{made}/", "me/own").files
    pull_model("me/own", output=tmp_path / "back")
    assert (tmp_path / "back" / "inputs.npz").read_bytes() == (made / "inputs.npz").read_bytes()


def test_a_model_in_int8_keeps_what_its_training_files_are_like(tmp_path):
    compress_model("agnews", output=tmp_path / "small")
    verify_model(f"{tmp_path / 'small'}/")
    assert bytesim.load(f"{tmp_path / 'small'}/").classify(bytes(100)).outlier


def test_a_damaged_model_is_not_published(hub, tmp_path):
    made = make_classifier(tmp_path / "own", {"a": words("digits", 9), "b": words("letters", 9)})
    (made / "recipe.toml").write_text("changed")
    with pytest.raises(ModelError, match="differ"):
        push_model(f"{made}/", "me/own")
    assert hub.repositories == {}


@pytest.mark.parametrize("model", ["music", "text", "filetype", "cpu", "blt-text"])
def test_the_card_of_the_hub_has_its_fields_and_the_results(model):
    text = hub_card(show_model(model), "me/copy")
    card = huggingface_hub.ModelCard(text)
    assert card.data.library_name == "bytesim"
    assert "byte-level" in card.data.tags
    assert (card.data.pipeline_tag == "text-generation") == (model in ("text", "blt-text"))
    assert "bytesim models pull me/copy" in card.text
    assert "## Results" in card.text
    assert card.text.count("```") == 2


def test_markup_in_a_card_stays_text(tmp_path):
    made = make_classifier(
        tmp_path / "own", {"a": words("digits", 9)}, results={"a|b": "<script>alert(1)</script>\n---"}
    )
    text = hub_card(show_model(f"{made}/"), "me/own")
    assert "<script>" not in text
    assert "| a\\|b | &lt;script>alert(1)&lt;/script> --- |" in text


def test_the_commands_push_and_pull(hub):
    done = CliRunner().invoke(app, ["models", "push", "digits", "me/mine"])
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("me/mine: 6 files of the model digits, commit ")
    done = CliRunner().invoke(app, ["models", "pull", "me/mine", "--name", "again", "--json"])
    assert json.loads(done.stdout)["name"] == "again"
