"""Where models live: a name or a path becomes a model folder. No torch.

A value with a path separator is a path. A plain name is looked up in the user's store
(the platform's data folder, or the folder named by BYTESIM_MODELS) and then among the
models shipped with bytesim. A name that no model has may be an alias in a model's card.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import platformdirs

from bytesim.errors import ModelError
from bytesim.models.folder import CARD_FILE, CONFIG_FILE, WEIGHTS_FILE, read_card

STORE_VARIABLE = "BYTESIM_MODELS"
"""Environment variable that names another folder for the user's own models."""


Place = Literal["user", "shipped", "path"]


ALIASES_FIELD = "aliases"


@dataclass(frozen=True)
class Alias:
    """Another name for a model, or for one side of it, from its card."""

    model: str
    suffix: str | None = None
    """The files that it writes under this name, of several kinds; None for any."""


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


def known_aliases() -> dict[str, Alias]:
    """Name -> what it stands for, from the cards of all models.

    A name that a model has stands for that model alone. Of cards with the same alias the user's own counts. A card
    that cannot be read adds none; `read_aliases` says why.
    """
    models = stored_models()
    known: dict[str, Alias] = {}
    for model in sorted(models, key=lambda model: model.place == "user"):
        with suppress(ModelError):
            known.update(read_aliases(model.name, read_card(model.folder), model.folder))
    for model in models:
        known.pop(model.name, None)
    return known


def read_aliases(model: str, card: Mapping[str, Any], folder: Path) -> dict[str, Alias]:
    """The aliases in a model's card, `{"abc": {"suffix": "abc"}}`. Raises ModelError for those that make no sense."""
    stored = card.get(ALIASES_FIELD, {})
    try:
        aliases = {name: Alias(model, **fields) for name, fields in stored.items()}
        if not all(isinstance(alias.suffix, str | None) for alias in aliases.values()):
            raise TypeError
    except (AttributeError, TypeError) as error:
        raise ModelError(f"its {ALIASES_FIELD} make no sense.", file=str(folder / CARD_FILE)) from error
    return aliases


def alias_of(name: str) -> Alias | None:
    """What a name stands for; None for a path, the name of a model, or one that nothing is called by."""
    if is_path(name) or any(model.name == name for model in stored_models()):
        return None
    return known_aliases().get(name)


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
    models = {model.name: model for model in stored_models()}
    alias = None if name in models else known_aliases().get(name)
    found = models.get(alias.model if alias else name)
    if found is None:
        raise ModelError(_missing(name))
    return found


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
