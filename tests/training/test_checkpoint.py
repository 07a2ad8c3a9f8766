"""A checkpoint is whole, or it is told: nothing that no training wrote is taken up."""

import errno
import json
import os
import random
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from helpers.tiny_training import RECIPE, losses, write_recipe
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from bytesim.errors import InputError, ModelError, OutputError
from bytesim.training import checkpoint_names
from bytesim.training.checkpoint_names import CHECKPOINT_FILE, PREVIOUS_FILE
from bytesim.training.loop import Trainer
from bytesim.training.recipe import load_recipe
from bytesim.training.step import StepReport
from bytesim.training.stored import stored_recipe

CPU = torch.device("cpu")


def trainer(folder: Path, text: str = RECIPE, **options) -> Trainer:
    path = write_recipe(folder, text)
    return Trainer(load_recipe(path), base=folder, folder=folder / "run", device=CPU, **options)


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """The run folder of a finished training."""
    folder = tmp_path_factory.mktemp("finished")
    trainer(folder).run()
    return folder / "run"


@pytest.fixture
def run(finished, tmp_path) -> Path:
    """A copy of it, without the checkpoint before the last."""
    shutil.copytree(finished, tmp_path / "run")
    (tmp_path / "run" / PREVIOUS_FILE).unlink()
    return tmp_path / "run"


def changed(path: Path, change: Callable[[dict, dict], None], *, keeps_hash: bool = False) -> None:
    """Change tensors and texts of a checkpoint, which then is one of an older version, without a hash."""
    tensors = load_file(path)
    with safe_open(path, framework="pt") as file:
        texts = dict(file.metadata())
    if not keeps_hash:
        del texts["sha256"]
    change(tensors, texts)
    save_file(tensors, path, texts)


def refused(run: Path) -> str:
    """The one line in which the checkpoint is refused."""
    with pytest.raises(ModelError) as caught:
        trainer(run.parent)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def optimizer_states(tensors: dict) -> list[str]:
    return [name for name in tensors if name.startswith("optimizer.")]


PROGRESS_VALUES = [
    None, "x", "", [], {}, True, -1, -(10**9), 1.5, 10**30, float("nan"), float("inf"), 10**400, "9" * 5000,
]  # fmt: skip


@pytest.mark.parametrize("field", ["step", "total_steps", "seconds", "bytes_seen"])
def test_every_field_of_the_progress_is_checked(run, field):
    good = (run / CHECKPOINT_FILE).read_bytes()
    for value in PROGRESS_VALUES:
        if (field, value) in (("total_steps", None), ("seconds", 1.5)):
            continue

        def change(tensors, texts, value=value):
            texts["progress"] = json.dumps({**json.loads(texts["progress"]), field: value})

        (run / CHECKPOINT_FILE).write_bytes(good)
        changed(run / CHECKPOINT_FILE, change)
        assert "damaged" in refused(run), value


DEEP = "[" * 100_000
NO_JSON = ["", "null", "[]", "5", "{", DEEP, '{"step": 5}', '{"a": NaN}', '"x"', "{}", '{"step": ' + "9" * 5000 + "}"]


@pytest.mark.parametrize("name", ["progress", "recipe"])
@pytest.mark.parametrize("text", NO_JSON, ids=lambda text: text[:12])
def test_any_other_json_is_refused(run, name, text):
    changed(run / CHECKPOINT_FILE, lambda tensors, texts: texts.update({name: text}))
    assert "damaged" in refused(run)


RECIPES = {
    "model": {}, "training": {}, "validation": [], "labels": [], "start_parts": {}, "name": "x"
}  # fmt: skip
"""Section -> a value with which it is another recipe, and not a damaged one."""


@pytest.mark.parametrize("section", ["model", "training", "data", "validation", "labels", "start_parts", "name"])
def test_a_recipe_of_other_types_is_refused(run, section):
    good = (run / CHECKPOINT_FILE).read_bytes()
    for value in (None, 5, "x", [], {}, [5], [{}], [{"task": []}], {"a": 1}):
        if RECIPES.get(section) == value:
            continue

        def change(tensors, texts, value=value):
            texts["recipe"] = json.dumps({**json.loads(texts["recipe"]), section: value})

        (run / CHECKPOINT_FILE).write_bytes(good)
        changed(run / CHECKPOINT_FILE, change)
        assert "damaged" in refused(run), value


def drop_first(tensors, texts):
    del tensors[optimizer_states(tensors)[0]]


def drop_all(tensors, texts):
    for name in optimizer_states(tensors):
        del tensors[name]


def scalars(tensors, texts):
    for name in optimizer_states(tensors):
        tensors[name] = torch.zeros(())


def rename(tensors, texts):
    name = next(name for name in tensors if name.endswith("exp_avg_sq"))
    tensors[name.replace("exp_avg_sq", "exp_avg_sQ")] = tensors.pop(name)


def add(tensors, texts):
    tensors["optimizer.0.999.exp_avg"] = torch.zeros(3)


def nan_weight(tensors, texts):
    next(tensors[name] for name in tensors if name.startswith("model.")).view(-1)[0] = float("nan")


def infinite_moment(tensors, texts):
    next(tensors[name] for name in tensors if name.endswith("exp_avg")).view(-1)[0] = float("inf")


def late_step(tensors, texts):
    next(tensors[name] for name in tensors if name.endswith(".step")).fill_(1e6)


def other_rng(tensors, texts):
    tensors["rng"] = tensors["rng"][:-1].clone()


def zero_rng(tensors, texts):
    tensors["rng"] = torch.zeros_like(tensors["rng"])


def best_without_weights(tensors, texts):
    texts["best"] = json.dumps({"step": 3, "loss_nats": 1.0})


CHANGES = [
    drop_first, drop_all, scalars, rename, add, nan_weight, infinite_moment, late_step, other_rng, zero_rng,
    best_without_weights,
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_tensors_that_no_training_made_are_refused(run, change):
    changed(run / CHECKPOINT_FILE, change)
    assert "damaged" in refused(run)


@pytest.mark.parametrize("dtype", [torch.int64, torch.float64, torch.bool, torch.complex64, torch.float16])
@pytest.mark.parametrize("start", ["model.", "optimizer."])
def test_tensors_of_another_dtype_are_refused(run, dtype, start):
    def change(tensors, texts):
        for name in [name for name in tensors if name.startswith(start)]:
            tensors[name] = tensors[name].to(dtype)

    changed(run / CHECKPOINT_FILE, change)
    assert "damaged" in refused(run)


def test_any_flipped_bit_and_any_cut_is_noticed(run):
    path = run / CHECKPOINT_FILE
    good = path.read_bytes()
    rng = random.Random(2)
    header = 8 + int.from_bytes(good[:8], "little")
    places = [rng.randrange(8) for _ in range(3)] + [rng.randrange(8, header) for _ in range(12)]
    for place in [*places, *(rng.randrange(header, len(good)) for _ in range(25))]:
        damaged = bytearray(good)
        damaged[place] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        assert "damaged" in refused(run), place
    for length in [0, 7, 8, header, len(good) - 1]:
        path.write_bytes(good[:length])
        assert "damaged" in refused(run)


def test_a_folder_in_its_place_is_told(run):
    (run / CHECKPOINT_FILE).unlink()
    (run / CHECKPOINT_FILE).mkdir()
    assert "damaged" in refused(run)


def test_a_checkpoint_of_an_older_version_is_taken_up(run):
    changed(run / CHECKPOINT_FILE, lambda tensors, texts: None)
    assert trainer(run.parent).progress.step == 20


def test_the_checkpoint_before_the_last_is_taken_if_the_last_is_damaged(tmp_path):
    one = trainer(tmp_path)
    one.run()
    last, previous = one.folder / CHECKPOINT_FILE, one.folder / PREVIOUS_FILE
    good = previous.read_bytes()
    last.write_bytes(last.read_bytes()[:-5] + b"wrong")
    whole = losses(one.folder)
    notes: list[str] = []
    again = trainer(tmp_path, on_note=notes.append)
    assert 0 < again.progress.step < 20
    assert len(notes) == 1
    assert "is damaged" in notes[0]
    assert f"of step {again.progress.step}" in notes[0]
    again.save()
    assert previous.read_bytes() == good, "the whole one is not replaced by the damaged one"
    again.run()
    assert losses(one.folder) == whole
    assert trainer(tmp_path).progress.step == 20


def test_a_missing_last_checkpoint_is_told_too(tmp_path):
    one = trainer(tmp_path)
    one.run()
    (one.folder / CHECKPOINT_FILE).unlink()
    notes: list[str] = []
    assert 0 < trainer(tmp_path, on_note=notes.append).progress.step < 20
    assert "is missing" in notes[0]


def test_two_damaged_checkpoints_say_what_to_remove(tmp_path):
    trainer(tmp_path).run()
    for name in (CHECKPOINT_FILE, PREVIOUS_FILE):
        (tmp_path / "run" / name).write_bytes(b"?")
    said = refused(tmp_path / "run")
    assert f"remove {CHECKPOINT_FILE} and {PREVIOUS_FILE} to start again" in said


@pytest.mark.parametrize("failing", ["checkpoint_forms.write_through", "checkpoint.os.replace"])
def test_a_full_disk_leaves_the_earlier_checkpoints(tmp_path, monkeypatch, failing):
    one = trainer(tmp_path)
    one.run()
    before = {path.name: path.read_bytes() for path in one.folder.iterdir()}

    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(f"bytesim.training.{failing}", full)
    with pytest.raises(OutputError, match="No space left"):
        one.save()
    assert {path.name: path.read_bytes() for path in one.folder.iterdir()} == before


def written(folder: Path) -> dict[str, tuple[int, int]]:
    """Each checkpoint of a run folder, and which file it is, written when."""
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.glob("checkpoint*")}


@pytest.mark.parametrize("patience", [0, 1, 9])
def test_a_finished_run_that_is_started_again_leaves_its_checkpoints_as_they_are(tmp_path, patience):
    text = RECIPE.replace("[training]", f"[training]\npatience = {patience}")
    trainer(tmp_path, text).run()
    before = written(tmp_path / "run")
    again = trainer(tmp_path, text)
    assert again.finished
    again.run()
    assert written(tmp_path / "run") == before


class Killed(Exception):
    pass


def kill(report: StepReport) -> None:
    if report.step == 4:
        raise Killed


def test_last_weights_that_prove_the_best_when_a_killed_run_is_started_again_are_saved(tmp_path):
    text = RECIPE.replace("[training]", "[training]\npatience = 5").replace("validate_steps = 9", "validate_steps = 3")
    text = text.replace("steps = 20", "steps = 4").replace("checkpoint_minutes = 0.001", "checkpoint_minutes = 0.0")
    with pytest.raises(Killed):
        trainer(tmp_path, text).run(kill)
    again = trainer(tmp_path, text)
    assert again.finished
    assert again.state.best.step == 3
    again.run()
    assert trainer(tmp_path, text).state.best.step == 4


FAILURES = [errno.EIO, errno.EACCES, errno.EMFILE]


def fail_to_open(monkeypatch, name: str, number: int) -> None:
    """Let the system refuse to open a file of this name for reading."""
    real = Path.open

    def refuse(self, mode="r", *rest, **options):
        if self.name == name and mode == "rb":
            raise OSError(number, os.strerror(number), str(self))
        return real(self, mode, *rest, **options)

    monkeypatch.setattr(Path, "open", refuse)


def unread(run: Path) -> str:
    """The one line of a training that cannot read its checkpoint; nothing in the run folder is changed."""
    before = {path: (path.stat(follow_symlinks=False).st_mtime_ns, path.is_symlink()) for path in run.iterdir()}
    with pytest.raises(InputError) as caught:
        trainer(run.parent).run()
    assert before == {path: (path.stat(follow_symlinks=False).st_mtime_ns, path.is_symlink()) for path in run.iterdir()}
    assert "\n" not in str(caught.value)
    assert "nothing was changed" in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("number", FAILURES)
@pytest.mark.parametrize("name", [CHECKPOINT_FILE, PREVIOUS_FILE])
def test_a_checkpoint_that_the_system_does_not_let_be_read_is_not_damaged(
    finished, tmp_path, monkeypatch, name, number
):
    run = tmp_path / "run"
    shutil.copytree(finished, run)
    if name == PREVIOUS_FILE:
        (run / CHECKPOINT_FILE).write_bytes(b"?")
    fail_to_open(monkeypatch, name, number)
    said = unread(run)
    assert said.startswith(f"{run / name}: ")
    assert os.strerror(number) in said


@pytest.mark.skipif(os.name == "nt", reason="links need a permission")
def test_an_endless_link_is_not_damaged(run):
    (run / CHECKPOINT_FILE).rename(run / PREVIOUS_FILE)
    (run / CHECKPOINT_FILE).symlink_to(CHECKPOINT_FILE)
    assert os.strerror(errno.ELOOP) in unread(run)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc/self/mem fails as a broken disk does")
def test_a_checkpoint_on_a_failing_disk_is_not_damaged(run):
    (run / CHECKPOINT_FILE).rename(run / PREVIOUS_FILE)
    (run / CHECKPOINT_FILE).symlink_to("/proc/self/mem")
    assert os.strerror(errno.EIO) in unread(run)


def test_a_name_that_cannot_be_looked_up_is_not_taken_for_a_missing_checkpoint(run, monkeypatch):
    real = os.lstat

    def refuse(path, **options):
        if str(path).endswith(CHECKPOINT_FILE):
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        return real(path, **options)

    monkeypatch.setattr(checkpoint_names.os, "lstat", refuse)
    with pytest.raises(InputError, match=os.strerror(errno.EIO)):
        trainer(run.parent).run()
    assert len(losses(run)) > 20, "the log is not cut"


def test_the_recipe_of_an_unreadable_checkpoint_is_not_passed_over(run, monkeypatch):
    fail_to_open(monkeypatch, CHECKPOINT_FILE, errno.EIO)
    with pytest.raises(InputError, match="cannot be read"):
        stored_recipe(run)
