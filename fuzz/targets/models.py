"""The files of a model folder, each damaged in turn, and published weights that are imported."""

from __future__ import annotations

import shutil
from contextlib import suppress
from functools import partial
from pathlib import Path

import bytesim
from bytesim.models.folder import CARD_FILE, CONFIG_FILE, RECIPE_FILE, WEIGHTS_FILE
from bytesim.predictors.familiarity import INPUTS_FILE
from bytesim.predictors.file_distribution import DISTRIBUTION_FILE
from fuzz import fixtures
from fuzz.targets.target import Run, raise_first, task
from fuzz.targets.tasks import unpack

_FILES = (CONFIG_FILE, CARD_FILE, RECIPE_FILE, WEIGHTS_FILE)
_SEEDS = {INPUTS_FILE: "inputs", DISTRIBUTION_FILE: "distribution"}
"""Files of which the models of one task alone have one -> their seeds."""


def use(model: Path, folder: Path, name: str) -> None:
    """Everything that reads a model folder: show, verify, export, load with either engine, and a few bytes of its task.

    The first BytesimError of loading and of the task is raised, but each part is tried.
    """
    path = f"{model}/"
    errors = []
    with suppress(bytesim.BytesimError):
        raise_first(bytesim.verify_models([path]))  # notices nearly every change, by the hashes
    with suppress(bytesim.BytesimError):
        bytesim.export_model(path, output=folder / "exported")
    for part in (bytesim.show_model, _load, partial(_ask, folder=folder, name=name)):
        try:
            part(path)
        except bytesim.BytesimError as error:
            errors.append(error)
    if errors:
        raise errors[0]


def _load(model: str) -> None:
    """With torch. Its task then runs on the compiled kernels, where the model has these."""
    loaded = bytesim.load(model, engine_backend="torch")
    loaded.abilities  # noqa: B018 - reads the card


def _ask(model: str, folder: Path, name: str) -> None:
    source, out = folder / "in.csv", folder / "out"
    out.mkdir(exist_ok=True)
    source.write_bytes(b"a,bcd")
    if name == "classifier":
        raise_first(bytesim.classify_file([source], model=model))
        bytesim.classify_fragments(source, model=model, window=16)
    elif name == "converter":
        raise_first(bytesim.convert_files([source], model=model, output=f"{out}/", force=True))
    elif name == "music":
        source.write_bytes(b"X:1\nM:4/4\nL:1/8\nK:D\nDFAd|\n")
        raise_first(bytesim.abc2midi([source], model=model, engine="model", output=f"{out}/", force=True))
    else:
        options = {"tries": 1, "allow_truncated": True, "max_bytes": 8, "seed": 1, "prompt": "ab", "suffix": "txt"}
        raise_first(bytesim.generate(model=model, output=out / "a.txt", force=True, **options))  # type: ignore[arg-type]
        bytesim.evaluate_bpb([source], model=model, target_suffix="txt")


def _target(name: str, file: str) -> None:
    """A target for a file of the model folder of a fixture."""

    @task(f"{name}/{file}", _SEEDS.get(file, f"{name}/{file}"), command="models")
    def prepare(folder: Path) -> Run:
        whole = fixtures.model(name)

        def run(data: bytes) -> None:
            model = folder / "model"
            shutil.copytree(whole, model)
            if file == CARD_FILE:
                (model / file).write_bytes(fixtures.card_as_here(data, whole))
            else:
                (model / file).write_bytes(data)
                fixtures.seal(model)
            use(model, folder, name)

        return run


for _name in fixtures.RECIPES:
    for _file in _FILES:
        _target(_name, _file)
_target("converter", INPUTS_FILE)
_target("classifier", DISTRIBUTION_FILE)


@task("model-folder", "model", command="models")
def read_folder(folder: Path) -> Run:
    """A folder of several damaged files, or with too many or too few."""

    def run(data: bytes) -> None:
        use(unpack(folder, data, "model"), folder, "any")

    return run


@task("import", "pth", command="models import")
def import_published(folder: Path) -> Run:
    """A published checkpoint. No code in it may run: the corpus holds some that would leave a file."""

    def run(data: bytes) -> None:
        source = folder / "in.pth"
        source.write_bytes(data)
        try:
            bytesim.import_model(source, output=folder / "imported")
        except bytesim.BytesimError:
            assert not (folder / "imported").exists(), "a refused checkpoint left a folder"
            raise

    return run


@task("import-folder", "transformers", command="models import")
def import_folder(folder: Path) -> Run:
    """A BLT as `transformers` stores it."""

    def run(data: bytes) -> None:
        bytesim.import_model(unpack(folder, data, "blt"), output=folder / "imported")

    return run
