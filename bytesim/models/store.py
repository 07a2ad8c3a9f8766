"""Where models live: a name or a path becomes a model folder. No torch.

A value with a path separator is a path. A plain name is looked up in the user's store
(the platform's data folder, or the folder named by BYTESIM_MODELS) and then among the
models shipped with bytesim.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import platformdirs

from bytesim.errors import ModelError
from bytesim.models.folder import CONFIG_FILE, WEIGHTS_FILE

STORE_VARIABLE = "BYTESIM_MODELS"
"""Environment variable that names another folder for the user's own models."""


Place = Literal["user", "shipped", "path"]


@dataclass(frozen=True)
class Alias:
    """Another name for one side of a model."""

    model: str
    suffix: str
    """The files that it writes under this name."""


ALIASES = {"abc": Alias("music", "abc")}
"""Names that stand for a model as long as no model is called so."""


@dataclass(frozen=True)
class StoredModel:
    """A model folder: one that a plain name finds, or one given by its path."""

    name: str
    place: Place
    folder: Path


def user_folder() -> Path:
    """The user's own models; the folder need not exist yet."""
    chosen = os.environ.get(STORE_VARIABLE)
    return Path(chosen) if chosen else platformdirs.user_data_path("bytesim", appauthor=False) / "models"


def shipped_folder() -> Path:
    """The models that came with bytesim: inside the installed package, or `models/` of a checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "shipped"
    return installed if installed.is_dir() else package.parent / "models"


def stored_models() -> list[StoredModel]:
    """Every model that a plain name finds, by name; the user's own hides a shipped one of the same name."""
    found = {model.name: model for model in _models_in(shipped_folder(), "shipped")}
    found.update({model.name: model for model in _models_in(user_folder(), "user")})
    return [found[name] for name in sorted(found)]


def _models_in(root: Path, place: Place) -> Iterator[StoredModel]:
    try:
        folders = list(root.iterdir())
    except OSError:  # no store yet, or one that this user cannot read: no models in it
        return
    for folder in folders:
        if not folder.name.startswith(".") and _is_file(folder / CONFIG_FILE):
            yield StoredModel(folder.name, place, folder)


def alias_of(name: str) -> Alias | None:
    """What a name stands for; None for a path, the name of a model, or one that nothing is called by."""
    return None if name not in ALIASES or any(model.name == name for model in stored_models()) else ALIASES[name]


def aliases_of(model: str) -> tuple[str, ...]:
    """The other names that find a model."""
    return tuple(name for name, alias in ALIASES.items() if alias.model == model and alias_of(name))


def is_path(name: str) -> bool:
    """Whether what names a model is a path: it holds a separator of this platform or a slash."""
    return any(separator in name for separator in {"/", os.sep, os.altsep or "/"})


def find_model(name: str) -> StoredModel:
    """A model, by path, by name or by an alias.

    Raises ModelError, which lists the models there are, where none is found.
    """
    if is_path(name):
        folder = Path(name)
        if not _is_file(folder / CONFIG_FILE):
            raise ModelError(
                f"no {CONFIG_FILE} there. A model folder holds {CONFIG_FILE} and {WEIGHTS_FILE}.", file=name
            )
        return StoredModel(folder.name, "path", folder)
    alias = alias_of(name)
    for model in stored_models():
        if model.name == (alias.model if alias else name):
            return model
    raise ModelError(_missing(name))


def resolve_model(name: str) -> Path:
    """The folder of a model, by path or by name. Raises ModelError as `find_model` does."""
    return find_model(name).folder


def _missing(name: str) -> str:
    names = ", ".join(model.name for model in stored_models())
    there_are = (
        f"Available: {names}." if names else "There are none yet: train one, or import one with `models import`."
    )
    hint = f" The folder here is the model .{os.sep}{name}." if name and _is_file(Path(name) / CONFIG_FILE) else ""
    return f"no model named {name!r}. {there_are}{hint}"


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name too long for the file system, or one with a NUL byte
        return False


def folder_for_new(name: str) -> Path:
    """Where a new model of that name is kept in the user's store.

    Raises ModelError where the name could not be typed back as the name of a model.
    """
    if not name or name in {".", ".."} or is_path(name) or Path(name).name != name or not name.isprintable():
        raise ModelError(f"{name!r} is no model name. Use letters, digits, dashes and dots, without a separator.")
    return user_folder() / name
