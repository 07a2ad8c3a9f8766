"""Where models are stored: finds the model folder for a name or a path. No torch.

A value with a path separator is a path. A plain name is looked up first in the user's
store (the platform's data folder, or the folder in BYTESIM_MODELS), then among the models
shipped with bytesim, and last among the aliases in the models' cards.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bytesim.errors import ModelError
from bytesim.models.folder import CARD_FILE, CONFIG_FILE, WEIGHTS_FILE, read_card

STORE_VARIABLE = "BYTESIM_MODELS"
"""Environment variable with another folder for the user's own models."""


Place = Literal["user", "shipped", "path"]


ALIASES_FIELD = "aliases"


@dataclass(frozen=True)
class Alias:
    """Another name for a model, from its card; it may stand for only one kind of files that the model writes."""

    model: str
    suffix: str | None = None
    """Suffix of the files that the model writes under this name; None for any."""


@dataclass(frozen=True)
class StoredModel:
    """A model folder, found by a plain name or given by its path."""

    name: str
    place: Place
    folder: Path


def user_folder() -> Path:
    """The folder of the user's own models; it may not exist yet."""
    chosen = os.environ.get(STORE_VARIABLE)
    if chosen:
        return Path(chosen)
    import platformdirs  # a model that is named by its path is found without it

    return platformdirs.user_data_path("bytesim", appauthor=False) / "models"


def shipped_folder() -> Path:
    """The folder of the models shipped with bytesim: in the installed package, or `models/` of a checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "shipped"
    return installed if installed.is_dir() else package.parent / "models"


def stored_models() -> list[StoredModel]:
    """Every model that is found by a plain name, sorted by name. A user's model hides a shipped one with its name."""
    models = {model.name: model for model in _models_in(shipped_folder(), "shipped")}
    models.update({model.name: model for model in _models_in(user_folder(), "user")})
    return [models[name] for name in sorted(models)]


def shipped_names() -> list[str]:
    """Names of the models shipped with bytesim, sorted."""
    return sorted(model.name for model in _models_in(shipped_folder(), "shipped"))


def _models_in(root: Path, place: Place) -> Iterator[StoredModel]:
    try:
        folders = list(root.iterdir())
    except (OSError, ValueError):  # the folder does not exist, this user may not read it, or no name can be like this
        return
    for folder in folders:
        if not folder.name.startswith(".") and _is_file(folder / CONFIG_FILE):
            yield StoredModel(folder.name, place, folder)


def known_aliases() -> dict[str, Alias]:
    """The aliases in the cards of all models, by name.

    A model's name always means that model. If cards of a shipped and a user's model have the same alias, it means the
    user's. Cards that cannot be read are skipped; `read_aliases` raises their error.
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
    """The aliases in a model's card, `{"abc": {"suffix": "abc"}}`. Raises ModelError for invalid ones."""
    stored = card.get(ALIASES_FIELD, {})
    try:
        aliases = {name: Alias(model, **fields) for name, fields in stored.items()}
        if not all(isinstance(alias.suffix, str | None) for alias in aliases.values()):
            raise TypeError
    except (AttributeError, TypeError) as error:
        raise ModelError(
            f"the field {ALIASES_FIELD} is not valid; docs/models.md explains it.", file=str(folder / CARD_FILE)
        ) from error
    return aliases


def alias_of(name: str | Path) -> Alias | None:
    """The alias with this name; None if there is none, and for paths and names of models."""
    name = model_name(name)
    if is_path(name) or any(model.name == name for model in stored_models()):
        return None
    return known_aliases().get(name)


def is_path(name: str) -> bool:
    """Whether the value given for a model is a path: it contains a slash or a separator of this platform."""
    return any(separator in name for separator in {"/", os.sep, os.altsep or "/"})


def model_name(model: str | Path) -> str:
    """The text that names a model for `--model`; a Path is a path even without a separator. Raises TypeError."""
    if isinstance(model, str):
        return model
    if not isinstance(model, os.PathLike):
        raise TypeError(f"a {type(model).__name__} names no model; give its name, or its folder as a str or a Path.")
    text = os.fspath(model)
    return text if is_path(text) else f".{os.sep}{text}"


def find_model(name: str | Path) -> StoredModel:
    """Find a model by path, name or alias; last, by the name of a folder in the current folder.

    A folder that is not a model, but holds exactly one, stands for it: a training with `--out run` leaves `run/run`.
    Raises ModelError, with a list of the available models, if there is none.
    """
    name = model_name(name)
    if is_path(name):
        model = _model_at(name)
        if model is None:
            raise ModelError(f"has no {CONFIG_FILE}. A model folder has {CONFIG_FILE} and {WEIGHTS_FILE}.", file=name)
        return model
    models = {model.name: model for model in stored_models()}
    alias = None if name in models else known_aliases().get(name)
    model = models.get(alias.model if alias else name) or (_model_at(name) if name else None)
    if model is None:
        raise ModelError(_missing(name))
    return model


def _model_at(path: str) -> StoredModel | None:
    """The model that a folder is, or the only one in it; None if there is none. Raises ModelError for several."""
    folder = Path(path)
    if _is_file(folder / CONFIG_FILE):
        return StoredModel(folder.name, "path", folder)
    inside = sorted(model.folder for model in _models_in(folder, "path"))
    if len(inside) == 1:
        return StoredModel(inside[0].name, "path", inside[0])
    if inside:
        raise ModelError(f"holds {len(inside)} models. Choose one: {', '.join(map(str, inside))}.", file=path)
    return None


def resolve_model(name: str | Path) -> Path:
    """The folder of a model, by path, name or alias. Raises ModelError as `find_model` does."""
    return find_model(name).folder


def _missing(name: str) -> str:
    """The message for a name that no model has."""
    names = ", ".join(model.name for model in stored_models())
    available = (
        f"Available: {names}." if names else "There are no models yet: train one, or import one with `models import`."
    )
    return f"no model named {name!r}. {_writers_hint(name)}{available}"


def _writers_hint(suffix: str) -> str:
    """A sentence that names the models that write files of a kind, if a name was meant so; else empty."""
    wanted = {"task": "generate", "target_suffix": suffix.lower().lstrip(".")}
    names = []
    for model in stored_models():
        with suppress(ModelError):
            tasks = read_card(model.folder).get("tasks")
            if isinstance(tasks, list) and wanted in tasks:
                names.append(model.name)
    if not names:
        return ""
    return f".{wanted['target_suffix']} files are written by the model{'s' * (len(names) > 1)} {', '.join(names)}. "


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # the name is too long for the file system, or contains a NUL byte
        return False


def folder_for_new(name: str) -> Path:
    """The folder in the user's store for a new model with this name.

    Raises ModelError for a name that --model could not find again.
    """
    if not name or name in {".", ".."} or is_path(name) or Path(name).name != name or not name.isprintable():
        raise ModelError(f"{name!r} is not a model name. Use letters, digits, dashes and dots, without a separator.")
    return user_folder() / name
