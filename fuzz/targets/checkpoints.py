"""What a training reads: recipes, packed examples, and the checkpoint and log of a run that goes on."""

from __future__ import annotations

import shutil
from pathlib import Path

import bytesim
from bytesim.training.checkpoint_names import CHECKPOINT_FILE
from bytesim.training.log import LOG_FILE
from fuzz import fixtures
from fuzz.targets.target import Run, draw_rarely, task

_STEPS = {"converter": 31, "music": 3, "classifier": 7, "flat": 5, "blt": 5}
"""One more step than the run of a fixture has done."""


def _recipe(name: str) -> None:
    """A target for the recipe of a fixture, of which one step is done."""

    @task(f"recipe-{name}", f"{name}-recipe", command="train")
    def prepare(folder: Path) -> Run:
        whole = fixtures.trained(name)
        draw_rarely("bytesim.pictures.loss", "bytesim.pictures.converter", "bytesim.pictures.classifier")

        def run(data: bytes) -> None:
            shutil.copyfile(whole / "pairs.npz", folder / "pairs.npz")
            if (whole / "pairs").exists():
                shutil.copytree(whole / "pairs", folder / "pairs")
            (folder / "recipe.toml").write_bytes(data)
            bytesim.train_recipe(folder / "recipe.toml", out=folder / "run", steps=1, device="cpu")

        return run


for _name in fixtures.RECIPES:
    _recipe(_name)


def _resume(folder: Path, file: str, data: bytes) -> None:
    """Go on with the run of the fixture `flat`, of which one file is damaged."""
    whole = fixtures.trained("flat")
    for name in ("pairs.npz", "recipe.toml"):
        shutil.copyfile(whole / name, folder / name)
    (folder / "run").mkdir()
    for name in (CHECKPOINT_FILE, LOG_FILE):
        shutil.copyfile(whole / "run" / name, folder / "run" / name)
    (folder / "run" / file).write_bytes(data)
    bytesim.train_recipe(folder / "recipe.toml", out=folder / "run", steps=_STEPS["flat"], device="cpu")


@task("checkpoint", "checkpoint", command="train")
def checkpoint(folder: Path) -> Run:
    return lambda data: _resume(folder, CHECKPOINT_FILE, data)


@task("log", "log", command="train")
def log(folder: Path) -> Run:
    return lambda data: _resume(folder, LOG_FILE, data)


@task("shard", "npz", command="train")
def shard(folder: Path) -> Run:
    """Packed examples to train on."""
    from bytesim.training.data.shards import load_shard

    def run(data: bytes) -> None:
        (folder / "pairs.npz").write_bytes(data)
        loaded = load_shard(folder / "pairs.npz")
        loaded.lengths()
        name = "classifier" if len(data) % 2 else "music"
        shutil.copyfile(fixtures.trained(name) / "recipe.toml", folder / "recipe.toml")
        bytesim.train_recipe(folder / "recipe.toml", out=folder / "run", steps=1, device="cpu")

    return run


@task("pack", "pack", command="train")
def packed(folder: Path) -> Run:
    """A packed recipe, as it is carried to another computer."""
    from bytesim.training.data.packs import load_pack
    from fuzz.targets.tasks import unpack

    def run(data: bytes) -> None:
        load_pack(unpack(folder, data, "pack"))

    return run
