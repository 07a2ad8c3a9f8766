"""Model folders: saved, found by name, verified; and what a damaged or hostile one leads to."""

import json
import math
import os
import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from helpers.paths import CHECKPOINT
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from bytesim.cli import app
from bytesim.errors import BytesimError, ConfigError, ModelError, OutputError
from bytesim.models.bgpt.config import BGPTConfig
from bytesim.models.bgpt.model import BGPT
from bytesim.models.folder import (
    CARD_FILE,
    CONFIG_FILE,
    RECIPE_FILE,
    SCALE,
    WEIGHTS_FILE,
    check_hashes,
    read_card,
    weight_shapes,
)
from bytesim.models.int8 import from_int8, is_matrix, to_int8
from bytesim.models.registry import build_model
from bytesim.models.store import Alias, alias_of, find_model, is_path, resolve_model, stored_models
from bytesim.models.weights import load_model, save_model
from bytesim.tasks.models import import_model, list_models, model_path, show_model, verify_model, verify_models

TINY = BGPTConfig(
    parts="modern",
    patch_size=4,
    max_patches=16,
    hidden_size=16,
    num_layers=1,
    head_size=8,
    byte_hidden_size=16,
    byte_num_layers=1,
    byte_head_size=8,
    source_hidden_size=16,
    context_patches=1,
    source_attention=True,
    max_source_bytes=32,
)


def save_tiny(folder: Path, **options) -> BGPT:
    torch.manual_seed(0)
    model = BGPT(TINY)
    save_model(folder, model.state_dict(), config=TINY.to_dict(), card={"purpose": "test"}, recipe="x = 1\n", **options)
    return model


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch) -> Path:
    """A user's store of this test's own."""
    folder = tmp_path / "store"
    monkeypatch.setenv("BYTESIM_MODELS", str(folder))
    return folder


def change_config(folder: Path, **fields) -> None:
    config = json.loads((folder / CONFIG_FILE).read_text())
    (folder / CONFIG_FILE).write_text(json.dumps({**config, **fields}))


# --- saving and loading ----------------------------------------------------------------------


def test_a_saved_model_loads_with_the_same_weights(tmp_path):
    model = save_tiny(tmp_path / "tiny")
    loaded = load_model(tmp_path / "tiny")
    assert not loaded.training
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, loaded.state_dict()[name]), name


def test_bf16_halves_the_file_and_loads_as_fp32(tmp_path):
    model = save_tiny(tmp_path / "full")
    save_tiny(tmp_path / "half", dtype=torch.bfloat16)
    sizes = [(tmp_path / name / WEIGHTS_FILE).stat().st_size for name in ("full", "half")]
    assert sizes[1] < 0.6 * sizes[0]
    for name, tensor in load_model(tmp_path / "half").state_dict().items():
        assert tensor.dtype == torch.float32
        assert torch.equal(tensor, model.state_dict()[name].bfloat16().float()), name


def test_int8_halves_the_file_again_and_every_weight_is_within_half_a_step(tmp_path):
    model = save_tiny(tmp_path / "full")
    save_tiny(tmp_path / "half", dtype=torch.bfloat16)
    save_tiny(tmp_path / "quarter", dtype=torch.int8)
    sizes = [sum(map(math.prod, weight_shapes(tmp_path / name).values())) for name in ("full", "quarter")]
    assert sizes[0] == sizes[1]
    for name, tensor in load_model(tmp_path / "quarter").state_dict().items():
        original = model.state_dict()[name]
        if is_matrix(original):
            steps = original.flatten(1).abs().amax(1) / 127
            assert ((tensor - original).flatten(1).abs() <= 0.501 * steps[:, None]).all(), name
        else:
            assert torch.equal(tensor, original.bfloat16().float()), name


@pytest.mark.parametrize("shape", [(1, 4), (3, 1, 5), (2, 2)])
def test_a_row_of_zeros_and_a_row_of_one_value_are_exact(shape):
    tensor = torch.zeros(shape)
    assert torch.equal(from_int8(*to_int8(tensor)), tensor)
    tensor[0] = -2.5
    torch.testing.assert_close(from_int8(*to_int8(tensor)), tensor)


@pytest.mark.parametrize("change", ["no scale", "another shape", "a scale alone"])
def test_an_int8_weight_without_its_scales_is_refused(tmp_path, change):
    save_tiny(tmp_path / "m", dtype=torch.int8)
    tensors = load_file(tmp_path / "m" / WEIGHTS_FILE)
    scale = next(name for name in tensors if name.endswith(SCALE))
    if change == "no scale":
        del tensors[scale]
    elif change == "another shape":
        tensors[scale] = tensors[scale][:-1].clone()
    else:
        tensors[f"other{SCALE}"] = torch.zeros(1)
    save_file(tensors, tmp_path / "m" / WEIGHTS_FILE)
    with pytest.raises(ModelError, match="scale for each row"):
        load_model(tmp_path / "m")


def test_the_command_writes_a_copy_with_int8_weights(tmp_path, store):
    save_tiny(store / "mine", dtype=torch.bfloat16, more={"extra.bin": b"kept"})
    said = CliRunner().invoke(app, ["models", "compress", "mine"])
    assert said.exit_code == 0
    assert verify_model("mine-int8").num_parameters == verify_model("mine").num_parameters
    assert (store / "mine-int8" / "extra.bin").read_bytes() == b"kept"
    card = read_card(store / "mine-int8")
    assert card["int8_of"]["sha256"] == read_card(store / "mine")["files"][WEIGHTS_FILE]["sha256"]
    again = CliRunner().invoke(app, ["models", "compress", "mine"])
    assert again.exit_code == 1
    assert "exists already" in str(again.exception)
    assert CliRunner().invoke(app, ["models", "compress", "mine", "--force", "--json"]).exit_code == 0
    twice = CliRunner().invoke(app, ["models", "compress", "mine-int8", "-o", str(tmp_path / "twice")])
    assert twice.exit_code == 0
    assert read_card(tmp_path / "twice")["int8_of"] == card["int8_of"]


def test_saving_leaves_the_four_files_and_what_was_there(tmp_path):
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "loss.png").write_bytes(b"mine")
    save_tiny(folder)
    save_tiny(folder)
    assert {path.name for path in folder.iterdir()} == {CONFIG_FILE, WEIGHTS_FILE, CARD_FILE, RECIPE_FILE, "loss.png"}
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]


def test_a_folder_that_cannot_be_written_is_an_output_error(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError):
        save_tiny(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "in the way"


def test_an_unknown_architecture_names_the_known_ones():
    with pytest.raises(ConfigError, match="knows: bgpt"):
        build_model({"architecture": "gpt-9"})


# --- finding ---------------------------------------------------------------------------------


def test_a_name_is_looked_up_and_a_separator_makes_a_path(tmp_path, store, monkeypatch):
    save_tiny(store / "mine")
    save_tiny(tmp_path / "other")
    monkeypatch.chdir(tmp_path)
    assert resolve_model("mine") == store / "mine"
    assert resolve_model("./other").resolve() == tmp_path / "other"
    assert is_path(f"a{os.sep}b")
    save_tiny(tmp_path / "mine")
    assert resolve_model("mine") == store / "mine"
    assert resolve_model(Path("mine")).resolve() == tmp_path / "mine"


@pytest.mark.parametrize("name", ["run", f".{os.sep}run", f"run{os.sep}", f"run{os.sep}run", Path("run")])
def test_a_run_folder_stands_for_the_one_model_in_it(name, tmp_path, store, monkeypatch):
    save_tiny(tmp_path / "run" / "run")
    (tmp_path / "run" / "checkpoint").mkdir()
    monkeypatch.chdir(tmp_path)
    assert resolve_model(name).resolve() == tmp_path / "run" / "run"


def test_of_several_models_in_a_folder_one_must_be_chosen(tmp_path, store, monkeypatch):
    save_tiny(tmp_path / "run" / "a")
    save_tiny(tmp_path / "run" / "b")
    monkeypatch.chdir(tmp_path)
    for name in ("run", f".{os.sep}run"):
        with pytest.raises(ModelError, match=r"holds 2 models. Choose one: run.a, run.b"):
            resolve_model(name)


def test_a_missing_model_lists_those_there_are(store):
    save_tiny(store / "mine")
    with pytest.raises(ModelError, match=r"no model named 'nix'. Available: .*mine"):
        resolve_model("nix")


@pytest.mark.parametrize("name", ["", ".", "..", "a\0b", "x" * 5000, "./" + "x" * 5000, "./a\0b"])
def test_strange_names_are_missing_models(name):
    with pytest.raises(ModelError):
        resolve_model(name)


def test_the_user_s_model_hides_a_shipped_one(store, tmp_path, monkeypatch):
    shipped = tmp_path / "shipped"
    save_tiny(shipped / "music")
    save_tiny(shipped / "cpu")
    save_tiny(store / "music")
    monkeypatch.setattr("bytesim.models.store.shipped_folder", lambda: shipped)
    assert [(model.name, model.place) for model in stored_models()] == [("cpu", "shipped"), ("music", "user")]


def add_to_card(folder: Path, **fields) -> None:
    card = json.loads((folder / CARD_FILE).read_text())
    (folder / CARD_FILE).write_text(json.dumps({**card, **fields}))


def test_an_alias_in_a_card_finds_the_model_unless_a_model_is_called_so(store):
    save_tiny(store / "mine")
    add_to_card(store / "mine", aliases={"tunes": {"suffix": "abc"}, "songs": {}, "other": {}})
    save_tiny(store / "other")
    assert (find_model("tunes"), alias_of("tunes")) == (find_model("mine"), Alias("mine", "abc"))
    assert (find_model("songs"), alias_of("songs")) == (find_model("mine"), Alias("mine", None))
    assert (find_model("other").name, alias_of("other"), alias_of("./tunes"), alias_of("nix")) == ("other", *[None] * 3)
    assert show_model("tunes").aliases == ("tunes", "songs")
    assert {outcome.source: outcome.result.aliases for outcome in list_models()}["mine"] == ("tunes", "songs")


def test_of_cards_with_the_same_alias_the_user_s_own_counts(store, tmp_path, monkeypatch):
    monkeypatch.setattr("bytesim.models.store.shipped_folder", lambda: tmp_path / "shipped")
    for folder in (tmp_path / "shipped" / "zither", store / "mine"):
        save_tiny(folder)
        add_to_card(folder, aliases={"tunes": {}})
    assert find_model("tunes").name == "mine"
    assert show_model("zither").aliases == ()


@pytest.mark.parametrize(
    "damaged", [None, 3, "abc", ["abc"], {"a": "b"}, {"a": None}, {"a": {"suffix": 1}}, {"a": {"x": 1}}]
)
def test_damaged_aliases_are_an_error_of_their_model_and_hide_no_other(store, damaged):
    for name in ("good", "torn"):
        save_tiny(store / name)
    add_to_card(store / "good", aliases={"tunes": {}})
    add_to_card(store / "torn", aliases=damaged)
    assert find_model("tunes").name == "good"
    listed = {outcome.source: outcome for outcome in list_models()}
    assert (
        str(listed["torn"].error)
        == f"{store / 'torn' / CARD_FILE}: the field aliases is not valid; docs/models.md explains it."
    )
    assert listed["good"].error is None
    with pytest.raises(ModelError, match="no model named 'a'"):
        find_model("a")


def test_a_damaged_model_is_listed_with_its_error(store):
    save_tiny(store / "good")
    save_tiny(store / "torn")
    (store / "torn" / WEIGHTS_FILE).write_bytes(b"\x08\0\0\0\0\0\0\0{}")
    listed = {outcome.source: outcome for outcome in list_models() if outcome.source in ("good", "torn")}
    assert listed["good"].error is None
    assert isinstance(listed["torn"].error, ModelError)


# --- verifying -------------------------------------------------------------------------------


def test_a_whole_model_verifies_and_shows(store):
    model = save_tiny(store / "tiny")
    num_parameters = sum(parameter.numel() for parameter in model.parameters())
    assert verify_model("tiny").num_parameters == num_parameters
    info = show_model("tiny")
    assert (info.num_parameters, info.config, info.card["purpose"]) == (num_parameters, TINY.to_dict(), "test")
    assert model_path("tiny") == (store / "tiny").resolve()


@pytest.mark.parametrize("name", [CONFIG_FILE, WEIGHTS_FILE, RECIPE_FILE])
def test_a_byte_that_changed_is_found_by_its_hash(tmp_path, name):
    save_tiny(tmp_path / "tiny")
    data = bytearray((tmp_path / "tiny" / name).read_bytes())
    data[-1] ^= 1
    (tmp_path / "tiny" / name).write_bytes(data)
    with pytest.raises(ModelError, match="sha256") as raised:
        check_hashes(tmp_path / "tiny")
    assert raised.value.file == str(tmp_path / "tiny" / name)


@pytest.mark.parametrize("name", [CONFIG_FILE, WEIGHTS_FILE, CARD_FILE, RECIPE_FILE])
@pytest.mark.parametrize("content", [None, b"", b"\0" * 64, b"[" * 100_000, b"{}", b"\xff\xfe", b"\xff" * 4096])
def test_any_file_missing_or_damaged_is_one_model_error(tmp_path, name, content):
    folder = tmp_path / "tiny"
    save_tiny(folder)
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(ModelError) as raised:
        verify_model(f"{folder}/")
    assert "\n" not in str(raised.value)


def test_weights_cut_in_the_middle_do_not_load(tmp_path):
    folder = tmp_path / "tiny"
    save_tiny(folder)
    (folder / WEIGHTS_FILE).write_bytes((folder / WEIGHTS_FILE).read_bytes()[:-100])
    with pytest.raises(ModelError, match="safetensors"):
        load_model(folder)


@pytest.mark.parametrize(
    "fields",
    [
        {"hidden_size": 24},
        {"num_layers": 10**9},
        {"byte_num_layers": 2},
        {"hidden_size": 10**9 * 8},
        {"hidden_size": 8 * 10**30},
        {"max_patches": 10**18, "patch_size": 10**18},
        {"context_patches": 10**8},
        {"num_layers": -1},
        {"num_layers": "4"},
        {"patch_size": 0},
        {"no_such_field": 1},
        {"clock": True},
        {"clock": "yes"},
        {"architecture": ["bgpt"]},
    ],
    ids=str,
)
def test_a_config_that_does_not_fit_the_weights_is_refused_at_once(tmp_path, fields):
    folder = tmp_path / "tiny"
    save_tiny(folder)
    change_config(folder, **fields)
    with pytest.raises((ModelError, ConfigError)) as raised:
        load_model(folder)
    assert raised.value.file == str(folder / CONFIG_FILE)


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"clock": True}, "need parts = modern"),
        ({"source_attention": True}, "need parts = modern"),
        ({"parts": "modern", "clock": True, "num_classes": 3}, "a classifier reads no times"),
        ({"parts": "modern", "patch_source_attention": True}, "needs source_attention"),
    ],
)
def test_parts_that_do_not_go_together_are_refused(settings, what):
    with pytest.raises(ConfigError, match=what):
        BGPTConfig(**settings)


def test_weights_that_are_not_finite_do_not_verify(tmp_path):
    model = BGPT(TINY)
    with torch.no_grad():
        model.patch_decoder.positions[0, 0] = float("nan")
    save_model(tmp_path / "nan", model.state_dict(), config=TINY.to_dict(), card={}, recipe="")
    with pytest.raises(ModelError, match="not finite"):
        verify_model(f"{tmp_path}/nan")


def test_every_shipped_model_verifies_and_has_a_card():
    outcomes = [outcome for outcome in list_models() if outcome.result and outcome.result.place == "shipped"]
    assert not [outcome for outcome in verify_models([outcome.source for outcome in outcomes]) if outcome.error]
    for outcome in outcomes:
        assert {"purpose", "data", "results", "licence"} <= outcome.result.card.keys()


# --- importing published checkpoints ---------------------------------------------------------


def test_an_imported_checkpoint_is_a_model_that_verifies(store):
    info = import_model(CHECKPOINT, name="published")
    assert info.folder == store / "published"
    assert verify_model("published").num_parameters == info.num_parameters
    assert (info.config["patch_size"], info.config["num_layers"], info.config["byte_num_layers"]) == (8, 3, 2)


def test_an_existing_model_is_replaced_with_force_alone(tmp_path):
    import_model(CHECKPOINT, output=tmp_path / "out")
    with pytest.raises(OutputError, match="Use force to replace"):
        import_model(CHECKPOINT, output=tmp_path / "out")
    import_model(CHECKPOINT, output=tmp_path / "out", force=True)


@pytest.mark.parametrize("name", ["", "..", "a/b", "new\nline"])
def test_a_name_that_cannot_be_typed_back_is_refused(name, store):
    with pytest.raises(ModelError, match="is not a model name"):
        import_model(CHECKPOINT, name=name)
    assert not store.exists()


class Malicious:
    """Would make a file when unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def published() -> dict[str, torch.Tensor]:
    return dict(torch.load(CHECKPOINT, weights_only=True)["model"])


def test_a_malicious_pickle_runs_nothing(tmp_path, store):
    trap = tmp_path / "trap"
    torch.save({"model": published(), "extra": Malicious(trap)}, tmp_path / "zip.pth")
    torch.save({"model": Malicious(trap)}, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    (tmp_path / "bare.pth").write_bytes(pickle.dumps(Malicious(trap)))
    for name in ("zip.pth", "old.pth", "bare.pth"):
        with pytest.raises(ModelError, match="read safely") as raised:
            import_model(tmp_path / name, name="trapped")
        assert "\n" not in str(raised.value)
    assert not trap.exists()
    assert not store.exists()


def rubbish(tmp_path: Path) -> dict[str, Path]:
    """Files that are no published checkpoint, each in its own way."""
    whole, weights = CHECKPOINT.read_bytes(), published()
    name = "patch_level_decoder.base.ln_f.weight"
    head = "byte_level_decoder.base.lm_head.weight"
    huge = torch.zeros(1).expand(64, 257 * 10**9)
    objects = {
        "no model key": {"weights": weights},
        "a list": [1, 2],
        "numbers for tensors": {"model": {name: 1.0}},
        "one tensor missing": {"model": {key: value for key, value in weights.items() if key != name}},
        "one tensor more": {"model": {**weights, "more": torch.zeros(1)}},
        "one misshapen": {"model": {**weights, name: torch.zeros(65)}},
        "an untied head": {"model": {**weights, head: weights[head] + 1}},
        "a tensor that claims too much": {"model": {**weights, "patch_level_decoder.patch_embedding.weight": huge}},
        "a scalar embedding": {"model": {**weights, "patch_level_decoder.patch_embedding.weight": torch.tensor(1.0)}},
    }
    files = {"empty": b"", "noise": bytes(range(256)) * 9, "cut": whole[: len(whole) // 2], "text": b"hello"}
    paths = {}
    for index, (label, content) in enumerate([*files.items(), *objects.items()]):
        paths[label] = tmp_path / f"{index}.pth"
        if isinstance(content, bytes):
            paths[label].write_bytes(content)
        else:
            torch.save(content, paths[label])
    with zipfile.ZipFile(tmp_path / "bomb.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\0" * 10_000_000)
    return {**paths, "bomb": tmp_path / "bomb.pth", "folder": tmp_path, "missing": tmp_path / "none.pth"}


def test_what_is_no_published_checkpoint_is_one_error_and_nothing_written(tmp_path, store):
    for label, path in rubbish(tmp_path).items():
        with pytest.raises(BytesimError) as raised:
            import_model(path, name="bad")
        assert raised.value.file == str(path), label
        assert "\n" not in str(raised.value), label
    assert not store.exists()
