"""A sharded checkpoint is a folder of safetensors files and a JSON index; whatever is wrong with it is told."""

import errno
import json
import os
import pickle
import random
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from helpers.tiny_training import RECIPE, losses, write_recipe

from bytesim.errors import InputError, ModelError
from bytesim.training.checkpoint_names import CHECKPOINT_FILE, CHECKPOINT_FOLDER, PREVIOUS_FILE, PREVIOUS_FOLDER
from bytesim.training.loop import Trainer
from bytesim.training.recipe import load_recipe
from bytesim.training.sharded_files import INDEX_FILE, _digest, read_index

pytestmark = pytest.mark.skipif(not torch.distributed.is_available(), reason="this torch is built without workers")
CPU = torch.device("cpu")


def trainer(folder: Path, text: str = RECIPE, **options) -> Trainer:
    path = write_recipe(folder, text)
    return Trainer(load_recipe(path), base=folder, folder=folder / "run", device=CPU, **options)


def sharded(one: Trainer) -> None:
    """Let a training of one process write its checkpoints in the form of several."""
    one.state = replace(one.state, sharded=True)


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("finished")
    one = trainer(folder, RECIPE.replace("checkpoint_minutes = 0.001", "checkpoint_minutes = 9"))
    sharded(one)
    one.run()
    return folder / "run"


@pytest.fixture
def run(finished, tmp_path) -> Path:
    shutil.copytree(finished, tmp_path / "run")
    return tmp_path / "run"


def refused(run: Path) -> str:
    with pytest.raises(ModelError) as caught:
        trainer(run.parent)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def rewrite(run: Path, change) -> None:
    """Change the index, with a sha256 that is right again."""
    path = run / CHECKPOINT_FOLDER / INDEX_FILE
    values = json.loads(path.read_text())
    del values["sha256"]
    change(values)
    path.write_text(json.dumps({**values, "sha256": _digest(values)}))


def test_it_holds_no_pickle_and_names_every_file(run):
    names = sorted(path.name for path in (run / CHECKPOINT_FOLDER).iterdir())
    assert names == ["index.json", "rank-0.safetensors"]
    assert list(read_index(run / CHECKPOINT_FOLDER).hashes) == ["rank-0.safetensors"]


def test_a_training_goes_on_from_it_as_from_a_file(run, tmp_path):
    one = trainer(run.parent, RECIPE.replace("steps = 20", "steps = 26"))
    assert one.progress.step == 20
    one.run()
    whole = trainer_of(tmp_path / "whole")
    whole.run()
    again = trainer_of(tmp_path / "whole", steps=26)
    again.run()
    assert losses(one.folder) == losses(again.folder)
    assert (run / CHECKPOINT_FILE).is_file()
    assert not (run / CHECKPOINT_FOLDER).exists(), "it is the one before the last now, or older"


def trainer_of(folder: Path, steps: int = 20) -> Trainer:
    folder.mkdir(exist_ok=True)
    return trainer(folder, RECIPE.replace("steps = 20", f"steps = {steps}"))


FIRST = "model.patch_decoder.positions"
FIRST_FILE = "rank-0.safetensors"


def part(values: dict) -> dict:
    return values["tensors"][FIRST]["parts"][0]


CHANGES = {
    "a file elsewhere": lambda values: part(values).update(file="../rank-0.safetensors"),
    "an unknown file": lambda values: part(values).update(file="rank-9.safetensors"),
    "a listed file elsewhere": lambda values: values["files"].update({"/etc/passwd": "0"}),
    "a listed file that is missing": lambda values: values["files"].update({"rank-7.safetensors": "0"}),
    "a part that starts later": lambda values: part(values).update(start=1),
    "a part that starts nowhere": lambda values: part(values).update(start=True),
    "a part of another shape": lambda values: part(values).update(shape=[1, 1]),
    "a part with a negative shape": lambda values: part(values).update(shape=[-1, 16]),
    "a part of a huge shape": lambda values: part(values).update(shape=[10**400, 16]),
    "no parts": lambda values: values["tensors"][FIRST].update(parts=[]),
    "parts twice": lambda values: values["tensors"][FIRST]["parts"].append(part(values)),
    "another shape": lambda values: values["tensors"][FIRST].update(shape=[10**9, 10**9]),
    "another dtype": lambda values: values["tensors"][FIRST].update(dtype="int64"),
    "a dtype that is no text": lambda values: values["tensors"][FIRST].update(dtype=[]),
    "a missing tensor": lambda values: values["tensors"].pop(FIRST),
    "a tensor too many": lambda values: values["tensors"].update(other=values["tensors"][FIRST]),
    "a tensor that is a list": lambda values: values["tensors"].update({FIRST: []}),
    "tensors that are a list": lambda values: values.update(tensors=[]),
    "texts that are numbers": lambda values: values["texts"].update(progress=5),
    "no progress": lambda values: values["texts"].pop("progress"),
    "a step that is a text": lambda values: values["texts"].update(progress='{"step": "x"}'),
    "a later step of an optimizer": lambda values: values["texts"].update(
        progress='{"step": 3, "total_steps": 20, "seconds": 1.0, "bytes_seen": 5}'
    ),
    "another hash": lambda values: values["files"].update({"rank-0.safetensors": "0" * 64}),
    "a field too many": lambda values: values.update(more=1),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_an_index_that_no_training_wrote_is_refused(run, change):
    rewrite(run, change)
    assert "damaged" in refused(run)


class Bomb:
    def __reduce__(self):
        return (Path.touch, (Path("bomb"),))


@pytest.mark.parametrize("data", [b"", b"{", b"[" * 100_000, b"\xff", b"null", pickle.dumps(Bomb())])
def test_an_index_that_is_no_json_is_refused_and_not_run(run, data, monkeypatch):
    monkeypatch.chdir(run)
    (run / CHECKPOINT_FOLDER / INDEX_FILE).write_bytes(data)
    (run / CHECKPOINT_FOLDER / ".metadata").write_bytes(pickle.dumps(Bomb()))
    assert "damaged" in refused(run)
    assert not Path("bomb").exists()


def test_any_flipped_bit_of_any_file_is_noticed(run):
    rng = random.Random(3)
    for name in ("index.json", "rank-0.safetensors"):
        path = run / CHECKPOINT_FOLDER / name
        good = path.read_bytes()
        for _ in range(25):
            damaged = bytearray(good)
            damaged[rng.randrange(len(good))] ^= 1 << rng.randrange(8)
            path.write_bytes(damaged)
            assert "damaged" in refused(run)
        path.write_bytes(good)


@pytest.mark.parametrize("name", ["index.json", "rank-0.safetensors"])
def test_a_missing_file_is_told(run, name):
    (run / CHECKPOINT_FOLDER / name).unlink()
    assert "damaged" in refused(run)


@pytest.mark.parametrize(("name", "opened"), [("index.json", 0), *((FIRST_FILE, opened) for opened in range(3))])
def test_a_file_that_the_system_does_not_let_be_read_is_not_damaged(run, monkeypatch, name, opened):
    """The file is opened to be hashed, to be compared with the index and to be copied; the next time fails."""
    real, times = Path.open, iter(range(opened))

    def fail(self, mode="r", *rest, **options):
        if self.name == name and mode == "rb" and next(times, None) is None:
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(self))
        return real(self, mode, *rest, **options)

    monkeypatch.setattr(Path, "open", fail)
    with pytest.raises(InputError, match="cannot be read") as caught:
        trainer(run.parent)
    assert str(caught.value).startswith(str(run / CHECKPOINT_FOLDER / name))
    assert next(times, None) is None
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("forms", ["ff", "fs", "sf", "ss"])
def test_the_one_before_the_last_is_kept_in_either_form(tmp_path, forms):
    """f: written as a file, s: as a folder."""
    one = trainer(tmp_path)
    one.folder.mkdir()
    for step, form in enumerate(forms, 1):
        one.state = replace(one.state, sharded=form == "s")
        one.progress.step = step
        for name in list(one.state.live()):
            if name.endswith(".step"):
                one.state.live()[name].fill_(step)
        one.save()
    last = {"f": CHECKPOINT_FILE, "s": CHECKPOINT_FOLDER}[forms[1]]
    previous = {"f": PREVIOUS_FILE, "s": PREVIOUS_FOLDER}[forms[0]]
    assert sorted(path.name for path in one.folder.iterdir()) == sorted([last, previous])
    assert trainer(tmp_path).progress.step == 2
    shutil.rmtree(one.folder / last) if forms[1] == "s" else (one.folder / last).write_bytes(b"?")
    notes: list[str] = []
    again = trainer(tmp_path, on_note=notes.append)
    assert again.progress.step == 1
    assert previous in notes[0]
    again.save()
    assert trainer(tmp_path).progress.step == 1
    assert (one.folder / previous).exists(), "the whole one stays"
