"""Training: it learns, it is the same every time, and what it leaves behind can be used."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from helpers.paths import ROOT
from helpers.tiny_training import RECIPE, losses, pairs, tiny_recipe, write_recipe
from helpers.training_runs import start_training, wait_for_lines
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from bytesim.cli import app
from bytesim.errors import BytesimError, ConfigError, InputError, ModelError, OutputError
from bytesim.models.bgpt.model import BGPT
from bytesim.models.registry import model_of
from bytesim.tasks.models import verify_model
from bytesim.tasks.train.train import train_classify, train_convert, train_generate, train_recipe
from bytesim.training import compiled
from bytesim.training.data.folders import pick_part, read_pairs
from bytesim.training.data.shards import pack
from bytesim.training.data.streams import ConvertStream, Mixture
from bytesim.training.loop import Trainer
from bytesim.training.loss import class_losses, collate, real_tokens, token_losses
from bytesim.training.memory import keep_freed_memory
from bytesim.training.optimizers import orthogonalize, rate_factor
from bytesim.training.recipe import load_recipe
from bytesim.training.sizes import SIZES, classifier_config, sized_config
from bytesim.training.sources import ConvertSource

CPU = torch.device("cpu")


def trainer(folder: Path, text: str = RECIPE, **options) -> Trainer:
    path = write_recipe(folder, text)
    return Trainer(load_recipe(path), base=folder, folder=folder / "run", device=CPU, **options)


def flat_gradients(trainer: Trainer) -> torch.Tensor:
    return torch.cat([each.grad.flatten() for each in trainer.model.parameters() if each.grad is not None])


# --- learning --------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_tiny_model_learns_to_write_capitals(tmp_path):
    calm = RECIPE.replace("checkpoint_minutes = 0.001", "checkpoint_minutes = 9.0")
    made = train_recipe(write_recipe(tmp_path, calm), out=tmp_path / "run", steps=150, device="cpu")
    log = [value for _, name, value in losses(made.folder) if name == "loss_nats"]
    assert sum(log[-10:]) < 0.25 * sum(log[:10])
    assert made.validation["pairs.npz"] < 1.0


def test_a_training_is_the_same_every_time(tmp_path):
    path = write_recipe(tmp_path)
    made = [train_recipe(path, out=tmp_path / name, steps=8, device="cpu") for name in ("one", "two")]
    assert losses(made[0].folder) == losses(made[1].folder)


@pytest.mark.slow
def test_data_made_ahead_by_other_processes_are_the_same(tmp_path, monkeypatch):
    made = train_recipe(write_recipe(tmp_path), out=tmp_path / "here", steps=8, device="cpu")
    monkeypatch.setattr("bytesim.training.data.feed._processes", lambda device: 2)
    ahead = train_recipe(tmp_path / "recipe.toml", out=tmp_path / "ahead", steps=8, device="cpu")
    assert losses(ahead.folder) == losses(made.folder)
    longer = train_recipe(tmp_path / "recipe.toml", out=tmp_path / "ahead", steps=12, device="cpu")
    assert (longer.resumed_at, longer.steps) == (8, 12)


def test_gradients_of_micro_batches_add_up_to_those_of_the_whole(tmp_path):
    one = trainer(tmp_path)
    micro_batches = one.mixture.batch(5, 0.0, 512, 128)
    assert len(micro_batches) == 4
    whole = [example for batch in micro_batches for example in batch]
    loss, _ = one.gradients.accumulate(one.feed.prepare(micro_batches))
    parts = flat_gradients(one)
    one.model.zero_grad()
    assert one.gradients.accumulate(one.feed.prepare([whole]))[0] == pytest.approx(loss, rel=1e-5)
    torch.testing.assert_close(flat_gradients(one), parts, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("clock", [False, True])
def test_padding_changes_no_loss(clock):
    config = replace(tiny_recipe().model, clock=clock, max_patches=64, max_source_bytes=128)
    rows = [
        (b"X:1\nM:2/4\nL:1/8\nK:C\n" + body, b"X:1\nM:2/4\nL:1/4\nK:C\n" + body)
        for body in (b"A2B2|\n", b"A>B(3cde|z4|A2Bc/d/|[CE]2G2|\n")
    ]
    stream = ConvertStream(tiny_recipe().data[0].replace(source_suffix="abc", target_suffix="abc"), pack(rows), config)
    torch.manual_seed(0)
    model = BGPT(config).eval()
    for parameter in model.parameters():  # residual outputs begin at zero, where nothing could be seen
        torch.nn.init.normal_(parameter, std=0.2)
    examples = [stream.example(0), stream.example(len(stream) - 1)]
    together = token_losses(model, collate(examples, model.config)).sum()
    alone = sum(token_losses(model, collate([each], model.config)).sum() for each in examples)
    torch.testing.assert_close(together, alone, rtol=1e-5, atol=1e-4)


def test_bits_per_byte_counts_every_byte_and_one_end():
    stream = ConvertStream(tiny_recipe().data[0], pack([(b"abcd", b"ABCDEFGH"), (b"a", b"ABC")]), tiny_recipe().model)
    for index, num_bytes in ((0, 3), (1, 8)):
        example = stream.example(index)
        assert example.num_bytes == num_bytes
        assert int(real_tokens(collate([example], stream.config)).sum()) == num_bytes + 1


def test_the_rate_warms_up_stays_and_falls_to_zero():
    rates = [rate_factor(step, 100, 10, 0.5) for step in range(101)]
    assert rates[0] == 0.1
    assert rates[9:51] == [1.0] * 42
    assert rates[75] == 0.5
    assert rates[100] == 0.0
    assert rate_factor(99, None, 10, 0.5) == 1.0


def test_muon_s_update_is_about_orthogonal():
    torch.manual_seed(0)
    for shape in ((8, 24), (24, 8)):
        values = torch.linalg.svdvals(orthogonalize(torch.randn(shape)).float())
        assert 0.5 < values.min() < values.max() < 1.5


# --- data ------------------------------------------------------------------------------------


def test_the_data_of_a_step_depend_on_the_step_alone():
    recipe = tiny_recipe()
    streams = [ConvertStream(recipe.data[0], pack(pairs()), recipe.model) for _ in range(2)]
    one, two = Mixture([streams[0]], seed=3), Mixture([streams[1]], seed=3)
    for step in (0, 1, 2):
        one.batch(step, 0.0, 256, 128)  # the other mixture has drawn nothing before

    def drawn(mixture: Mixture, step: int) -> list[list[bytes]]:
        return [[each.patches.tobytes() for each in micro] for micro in mixture.batch(step, 0.0, 256, 128)]

    assert drawn(one, 7) == drawn(two, 7) != drawn(one, 8)
    assert drawn(Mixture([streams[0]], seed=4), 7) != drawn(one, 7)


def test_long_files_are_drawn_as_often_as_short_ones():
    recipe = tiny_recipe()
    model = replace(recipe.model, max_patches=256, max_source_bytes=256)
    rows = [(b"s" * length, b"S" * length) for length in (8, 120, 240) for _ in range(20)]
    stream = ConvertStream(recipe.data[0], pack(rows), model)
    rng = np.random.default_rng(0)
    drawn = Counter(len(each.source) for _ in range(8000) for each in stream.draw(rng, 1024))
    assert drawn.keys() == {8, 120, 240}
    assert max(drawn.values()) < 1.15 * min(drawn.values())


def test_rows_are_chosen_by_what_their_files_hold():
    recipe = tiny_recipe()
    shard = pack([(b"abc", b"ABC"), (b"abd", b"ABD"), (b"xbc", b"XBC")])

    def sources(**options) -> set[bytes]:
        stream = ConvertStream(recipe.data[0].replace(**options), shard, recipe.model)
        return {stream.example(index).source for index in range(len(stream))}

    assert sources(source_matches="^a") == {b"abc", b"abd"}
    assert sources(source_matches="^a", target_matches="C") == {b"abc"}
    assert sources(reverse=True, target_matches="[xd]") == {b"ABD", b"XBC"}
    with pytest.raises(ConfigError, match="not a regular expression"):
        recipe.data[0].replace(source_matches="(")


def test_what_the_model_cannot_hold_is_left_out_and_counted():
    recipe = tiny_recipe()
    shard = pack([(b"a", b"A"), (b"a" * 65, b"A"), (b"a", b"A" * 200), (b"b", b"B")], groups=[0, 0, 0, 9])
    stream = ConvertStream(recipe.data[0].replace(group_to=0), shard, recipe.model)
    assert (len(stream), stream.left_out) == (1, 2)
    with pytest.raises(ConfigError, match="fits"):
        ConvertStream(recipe.data[0].replace(group_from=10), shard, recipe.model)


def test_parts_of_a_folder_share_no_content_and_make_up_the_whole(tmp_path):
    for index, (low, up) in enumerate(pairs(300)):
        (tmp_path / f"{index}.low").write_bytes(low)
        (tmp_path / f"{index}.UP").write_bytes(up)
    (tmp_path / "alone.low").write_bytes(b"x")
    (tmp_path / ".hidden.low").write_bytes(b"x")
    source = ConvertSource(path=".", source_suffix="low", target_suffix="up")
    rows = {}
    for part in ("all", "train", "dev"):
        shard = read_pairs(tmp_path, source.replace(part=part)).shard
        rows[part] = [shard.row(index) for index in range(len(shard))]
    assert Counter(rows["train"]) + Counter(rows["dev"]) == Counter(rows["all"]) == Counter(pairs(300))
    assert not set(rows["train"]) & set(rows["dev"])
    assert 1 <= len(rows["dev"]) <= 20


def test_a_few_examples_still_hold_one_back():
    rows = [(b"", b"%d" % number) for number in range(3)]
    assert sorted(pick_part(rows, "dev") + pick_part(rows, "train")) == [0, 1, 2]
    assert len(pick_part(rows, "dev")) == 1
    assert pick_part(rows[:1] * 3, "dev") == pick_part(rows[:1] * 3, "train") == []


# --- checkpoints -----------------------------------------------------------------------------


def test_steps_given_on_resuming_replace_the_total_and_a_finished_run_stays(tmp_path):
    path, out = write_recipe(tmp_path), tmp_path / "run"
    assert train_recipe(path, out=out, steps=4, device="cpu").steps == 4
    made = train_recipe(path, out=out, steps=6, device="cpu")
    assert (made.steps, made.resumed_at) == (6, 4)
    before = losses(out)
    assert train_recipe(path, out=out, steps=6, device="cpu").validation == made.validation
    assert losses(out) == before


def test_minutes_become_steps_and_a_finished_run_goes_on_only_if_there_are_more_of_them(tmp_path):
    text = RECIPE.replace("steps = 20", "minutes = 0.02").replace("validate_steps = 9", "validate_steps = 1000")
    one = trainer(tmp_path, text)
    one.run()
    total = one.progress.total_steps
    assert total is not None
    assert total >= 6
    assert trainer(tmp_path, text).finished
    assert trainer(tmp_path, text.replace("0.02", "0.01")).finished
    longer = trainer(tmp_path, text.replace("0.02", "5.0"))
    assert not longer.finished
    assert longer.progress.total_steps is not None
    assert longer.progress.total_steps > 10 * total


def test_a_training_in_minutes_that_becomes_slower_ends_in_time_and_with_a_low_rate(tmp_path, monkeypatch):
    text = RECIPE.replace("steps = 20", "minutes = 1.0").replace("validate_steps = 9", "validate_steps = 1000")
    one = trainer(tmp_path, text)
    clock = {"now": 0.0}
    monkeypatch.setattr("bytesim.training.loop.time", SimpleNamespace(monotonic=lambda: clock["now"]))
    rates = []

    def slower(report):
        clock["now"] += 0.5 if report.step < 20 else 2.0
        rates.append(report.learning_rate)

    clock["now"] = 0.1  # a step that takes no time at all has no pace
    one.run(slower)
    assert 50 < clock["now"] < 70
    assert rates[-1] < 0.3 * max(rates)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("hidden_size = 16", "hidden_size = 24", "another model"),
        ("muon_learning_rate = 1e-2", "muon_learning_rate = 0.0", "another optimizer"),
    ],
)
def test_a_checkpoint_of_something_else_is_refused(tmp_path, old, new, said):
    trainer(tmp_path).run()
    with pytest.raises(ModelError, match=said):
        trainer(tmp_path, RECIPE.replace(old, new, 1))


def test_other_data_than_the_checkpoint_s_are_noted(tmp_path):
    trainer(tmp_path).run()
    notes = []
    trainer(tmp_path, RECIPE.replace("[[data]]", "[[data]]\nmax_bytes = 15"), on_note=notes.append)
    assert len(notes) == 1
    assert "other data" in notes[0]


FIELDS_OF_EVERY_TASK = {
    "path": "", "task": "generate", "part": "all", "group_by": "", "source_suffix": "", "target_suffix": "",
    "reverse": False, "group_from": 0, "group_to": 255, "source_matches": "", "target_matches": "", "start_weight": 1.0,
    "end_weight": None, "start": 0.0, "end": 1.0, "length_noise": False, "augment": "", "balance": 0.0, "splice": 0.0,
    "windows": "slide", "mixup": 0.0, "max_bytes": 0, "shortest": 1, "longest": 255, "small_share": 0.0,
    "beyond_share": 0.0, "favoured": "",
}  # fmt: skip
"""What checkpoints once held of each source, whatever its task."""


def test_a_checkpoint_whose_sources_have_the_fields_of_every_task_is_taken_up(tmp_path):
    one = trainer(tmp_path)
    one.run()
    path = one.folder / "checkpoint.safetensors"
    with safe_open(path, framework="pt") as stored:
        metadata = stored.metadata()
    del metadata["sha256"]
    recipe = json.loads(metadata["recipe"])
    for section in ("data", "validation"):
        recipe[section] = [{**FIELDS_OF_EVERY_TASK, **source} for source in recipe[section]]
    save_file(load_file(path), path, {**metadata, "recipe": json.dumps(recipe)})
    notes = []
    again = trainer(tmp_path, RECIPE.replace("steps = 20", "steps = 23"), on_note=notes.append)
    assert (again.progress.step, notes) == (20, [])
    assert all(torch.equal(again.model.state_dict()[name], value) for name, value in one.model.state_dict().items())
    again.run()
    assert again.progress.step == 23


@pytest.mark.parametrize("data", [b"", b"garbage", b"\xff" * 200])
def test_a_damaged_checkpoint_is_told(tmp_path, data):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "checkpoint.safetensors").write_bytes(data)
    with pytest.raises(ModelError, match="damaged"):
        trainer(tmp_path)


def test_a_log_that_was_cut_while_written_is_mended(tmp_path):
    one = trainer(tmp_path)
    one.run()
    whole = losses(one.folder)
    with (one.folder / "log.jsonl").open("a") as log:
        log.write('{"step": 21, "loss')
    trainer(tmp_path).run()
    assert losses(one.folder) == whole


# --- compiling -------------------------------------------------------------------------------


def test_without_a_compiler_training_is_eager_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    notes = []
    one = trainer(tmp_path, RECIPE.replace("steps = 20", "steps = 2\ncompile = true"), on_note=notes.append)
    one.run()
    assert len(notes) == 1
    assert "no C++ compiler" in notes[0]
    assert one.gradients.compiled_losses is token_losses


def test_a_compiler_that_fails_means_eager_as_well(monkeypatch):
    def fail(*arguments, **options):
        raise RuntimeError("first line\nsecond line")

    monkeypatch.setattr(compiled.torch, "compile", fail)
    monkeypatch.setattr(compiled.shutil, "which", lambda name: name)
    notes = []
    assert compiled.compile_or_eager(class_losses, CPU, notes.append) is class_losses
    assert notes == ["training without torch.compile: RuntimeError: first line"]


def test_memory_is_kept_where_glibc_is_or_nothing_happens():
    assert keep_freed_memory() in (True, False)


# --- folders of files ------------------------------------------------------------------------


@pytest.mark.slow
def test_pairs_in_a_folder_become_a_converter_that_verifies(tmp_path):
    data = tmp_path / "pairs"
    data.mkdir()
    for index, (low, up) in enumerate(pairs(40)):
        (data / f"{index}.low").write_bytes(low)
        (data / f"{index}.up").write_bytes(up)
    (data / "long.low").write_bytes(b"a" * 7000)
    (data / "long.up").write_bytes(b"A")
    notes = []
    options = {"source_suffix": ".LOW", "target_suffix": "up", "out": tmp_path / "caps", "size": "tiny"}
    made = train_convert([data], **options, device="cpu", steps=2, on_note=notes.append)
    assert made.model_folder == tmp_path / "caps" / "caps"
    verify_model(f"{made.model_folder}/")
    card = json.loads((made.model_folder / "card.json").read_text())
    assert card["tasks"] == [{"task": "convert", "source_suffix": "low", "target_suffix": "up"}]
    assert sum(source["rows"] for source in card["data"]) == 40
    assert "1 of" in notes[0]
    assert str(data) in notes[0]
    again = train_recipe(tmp_path / "caps" / "recipe.toml", out=tmp_path / "caps", steps=3, device="cpu")
    assert (again.resumed_at, again.steps) == (2, 3)


def test_files_of_two_kinds_become_a_generator_of_both(tmp_path):
    (tmp_path / "data").mkdir()
    for index in range(4):
        (tmp_path / "data" / f"{index}.txt").write_bytes(b"text %d" % index)
        (tmp_path / "data" / f"without{index}").write_bytes(bytes([index]))
    made = train_generate([tmp_path / "data"], out=tmp_path / "run", size="tiny", device="cpu", steps=2)
    assert {source.task for source in made.sources} == {"generate txt", "generate bin"}
    assert len(made.validation) == 2


@pytest.mark.parametrize("layout", ["{label}/{index}.txt", "{label}_{index}.txt"])
def test_labels_come_from_folders_or_from_names(tmp_path, layout, capsys):
    for index in range(30):
        label = ("yes", "no")[index % 2]
        path = tmp_path / "data" / layout.format(label=label, index=index)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{label} {index}")
    made = train_classify([tmp_path / "data"], out=tmp_path / "run", size="tiny", device="cpu", steps=25)
    assert json.loads((made.model_folder / "card.json").read_text())["labels"] == ["no", "yes"]
    assert made.metric == "accuracy"
    assert made.loss_nats < 0.69
    shown = re.search(
        r"```python\n(from pathlib.*?classify.*?)```", (ROOT / "docs" / "training.md").read_text(), re.DOTALL
    )
    assert shown is not None
    (tmp_path / "new.txt").write_text("yes 100")
    code = shown[1].replace("runs/sorted/sorted", str(made.model_folder)).replace("new.txt", str(tmp_path / "new.txt"))
    exec(code, {})
    assert capsys.readouterr().out.startswith("yes 0.")


def test_the_documented_sizes_are_those_of_the_models():
    said = (ROOT / "docs" / "training.md").read_text()
    for size in SIZES:
        counts = []
        for task in ("generate", "convert", "classify"):
            with torch.device("meta"):
                model = model_of(classifier_config(size, 2) if task == "classify" else sized_config(task, size))
            counts.append(f"{sum(each.numel() for each in model.parameters()) / 1e6:.1f} M")
        assert f"| `{size}` | {' | '.join(counts)} |" in said
    for architecture, told in (("flat", "0.8, 2.5 or 5.6 M"), ("blt", "0.9, 2.6 or 6.1 M")):
        with torch.device("meta"):
            models = [model_of(sized_config("generate", size, architecture)) for size in SIZES]
        counts = [f"{sum(each.numel() for each in model.parameters()) / 1e6:.1f}" for model in models]
        assert told == f"{counts[0]}, {counts[1]} or {counts[2]} M"
        assert told in said.replace("\n", " ")


def test_an_architecture_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="choose bgpt, flat, blt"):
        sized_config("generate", "tiny", "mamba")


@pytest.mark.parametrize("architecture", ["flat", "blt"])
def test_other_architectures_learn_from_a_folder(tmp_path, architecture):
    (tmp_path / "letters").mkdir()
    for number in range(6):
        (tmp_path / "letters" / f"{number}.txt").write_text("some words in a row " * (number + 1))
    made = train_generate(
        [str(tmp_path / "letters")],
        out=tmp_path / "run",
        size="tiny",
        architecture=architecture,
        steps=2,
        device="cpu",
    )
    assert load_recipe(tmp_path / "run" / "recipe.toml").model.to_dict()["architecture"] == architecture
    assert verify_model(made.model_folder).num_parameters > 7e5


# --- wrong usage -----------------------------------------------------------------------------


def test_data_that_cannot_be_learned_from_are_told_in_one_line(tmp_path):
    empty, mixed = tmp_path / "empty", tmp_path / "mixed"
    empty.mkdir()
    mixed.mkdir()
    (mixed / "alone.low").write_bytes(b"x")
    a_file = tmp_path / "file"
    a_file.touch()
    options = {"out": tmp_path / "run", "device": "cpu", "steps": 1}
    convert = {**options, "source_suffix": "low", "target_suffix": "up"}
    for error, call in (
        (InputError, lambda: train_generate([tmp_path / "missing"], **options)),
        (InputError, lambda: train_generate([mixed / "alone.low"], **options)),
        (InputError, lambda: train_generate([empty], **options)),
        (InputError, lambda: train_convert([mixed], **convert)),
        (InputError, lambda: train_convert([mixed], **{**convert, "target_suffix": "low"})),
        (InputError, lambda: train_classify([mixed], **options)),
        (ConfigError, lambda: train_generate([mixed], **{**options, "device": "tpu"})),
        (ConfigError, lambda: train_generate([mixed], **{**options, "minutes": 1.0})),
        (InputError, lambda: train_generate([mixed], **{**options, "out": mixed / "run"})),
        (OutputError, lambda: train_generate([mixed], **{**options, "out": a_file})),
    ):
        with pytest.raises(error) as caught:
            call()
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


LONG_NAME = "x" * 300


@pytest.mark.parametrize("name", [LONG_NAME, "a\0b"])
def test_names_that_no_file_can_have_are_told_in_one_line(tmp_path, name):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.txt").write_text("some text")
    path = write_recipe(tmp_path)
    recipes = {
        key: write_recipe(tmp_path / key, text)
        for key, text in (
            ("path", RECIPE.replace("pairs.npz", name.replace("\0", "\\u0000"))),
            ("name", RECIPE.replace('"capitals"', f'"{LONG_NAME}"')),
            ("start", f'start_from = "{LONG_NAME}"\n{RECIPE}'),
        )
        if (tmp_path / key).mkdir() is None
    }
    options = {"device": "cpu", "steps": 1}
    for call in (
        lambda: train_generate([tmp_path / name], **options),
        lambda: train_generate([tmp_path / "data"], out=tmp_path / name, **options),
        lambda: train_recipe(tmp_path / name, **options),
        lambda: train_recipe(path, out=tmp_path / name, **options),
        lambda: train_recipe(recipes["path"], out=tmp_path / "run", **options),
        lambda: train_recipe(recipes["name"], out=tmp_path / "named", **options),
        lambda: train_recipe(recipes["start"], out=tmp_path / "run", **options),
    ):
        with pytest.raises(BytesimError) as caught:
            call()
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_a_name_that_is_too_long_is_answered_as_by_other_commands():
    done = CliRunner().invoke(app, ["train", "generate", LONG_NAME])
    assert isinstance(done.exception, InputError)
    assert "cannot be read: File name too long" in str(done.exception)


@pytest.mark.slow
def test_a_second_training_in_a_run_folder_is_refused(tmp_path):
    path, out = write_recipe(tmp_path), tmp_path / "run"
    with start_training(path, out, "--steps", "100000") as process:
        wait_for_lines(out, 2, process)
        with pytest.raises(OutputError, match=f"process {process.pid}\\) uses this run folder"):
            train_recipe(path, out=out, device="cpu")
        process.kill()
    assert train_recipe(path, out=out, device="cpu").steps == 20
    assert not (out / ".lock").exists()


def test_a_recipe_without_its_data_names_the_file(tmp_path):
    path = write_recipe(tmp_path)
    (tmp_path / "pairs.npz").unlink()
    with pytest.raises(BytesimError, match=r"pairs\.npz"):
        train_recipe(path, out=tmp_path / "run", device="cpu")
    assert not (tmp_path / "run").exists()


def test_the_command_trains_a_recipe_and_prints_json(tmp_path):
    path = write_recipe(tmp_path)
    out = str(tmp_path / "run")
    done = CliRunner().invoke(app, ["train", str(path), "--steps", "2", "--device", "cpu", "--out", out, "--json"])
    assert done.exit_code == 0, done.output
    made = json.loads(done.stdout)
    assert (made["steps"], made["name"]) == (2, "capitals")
    assert Path(made["model_folder"], "model.safetensors").exists()
    assert Path(out, "loss.png").read_bytes().startswith(b"\x89PNG")


def test_both_lengths_are_wrong_usage(tmp_path):
    path = write_recipe(tmp_path)
    for options in (["--steps", "2", "--minutes", "1"], ["--steps", "0"], ["--minutes", "-1"]):
        assert CliRunner().invoke(app, ["train", str(path), *options]).exit_code == 2


@pytest.mark.slow
def test_a_training_runs_without_the_packages_of_music_and_sound(tmp_path):
    path = write_recipe(tmp_path)
    blocked = "; ".join(f"sys.modules[{name!r}] = None" for name in ("mido", "music21", "soundfile", "soxr"))
    code = (
        f"import sys; {blocked}\nfrom bytesim.tasks.train.train import train_recipe\n"
        f"train_recipe({str(path)!r}, out={str(tmp_path / 'run')!r}, steps=1, device='cpu')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ), check=False
    )
    assert done.returncode == 0, done.stderr
