"""What a user can ask about models: which there are, what is in them, whether they are whole; and importing one."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bytesim.errors import BytesimError, ModelError, OutputError
from bytesim.files import Outcome, run_each
from bytesim.models.folder import (
    WEIGHTS_FILE,
    check_hashes,
    fingerprint,
    read_card,
    read_config,
    weight_shapes,
)
from bytesim.models.store import (
    Alias,
    Place,
    StoredModel,
    find_model,
    folder_for_new,
    known_aliases,
    read_aliases,
    stored_models,
)

MAX_SHIPPED_BYTES = 16 << 20
"""Largest model.safetensors that is shipped with bytesim."""


@dataclass(frozen=True)
class ModelInfo:
    """One model, told from its files without reading the weights."""

    name: str
    place: Place
    folder: Path
    num_parameters: int
    num_bytes: int
    """Size of model.safetensors."""
    config: dict[str, Any]
    card: dict[str, Any]
    aliases: tuple[str, ...] = ()
    """Other names that find it."""


@dataclass(frozen=True)
class VerifiedModel:
    """A model whose files match its card, and which builds and loads."""

    name: str
    folder: Path
    num_parameters: int
    num_bytes: int


def list_models() -> list[Outcome[ModelInfo]]:
    """Every model that a name finds, by name; a damaged one carries its error."""
    aliases = known_aliases()
    return run_each([model.name for model in stored_models()], lambda name: _info(find_model(name), aliases))


def show_model(model: str) -> ModelInfo:
    """Config, card and size of one model, by name or path. Raises ModelError where it is missing or damaged."""
    return _info(find_model(model), known_aliases())


def _info(model: StoredModel, aliases: Mapping[str, Alias]) -> ModelInfo:
    shapes, config, card = weight_shapes(model.folder), read_config(model.folder), read_card(model.folder)
    own = read_aliases(model.name, card, model.folder)
    return ModelInfo(
        name=model.name,
        place=model.place,
        folder=model.folder,
        num_parameters=sum(math.prod(shape) for shape in shapes.values()),
        num_bytes=(model.folder / WEIGHTS_FILE).stat().st_size,
        config=config,
        card=card,
        aliases=() if model.place == "path" else tuple(name for name in own if aliases.get(name) == own[name]),
    )


def model_path(model: str) -> Path:
    """The folder of a model, absolute. Raises ModelError where there is none."""
    return find_model(model).folder.resolve()


def verify_models(models: Iterable[str] = ()) -> list[Outcome[VerifiedModel]]:
    """Verify the models named, or every model that a name finds."""
    return run_each(list(models) or [model.name for model in stored_models()], verify_model)


def verify_model(model: str) -> VerifiedModel:
    """Check one model: size and sha256 of its files against the card, that it builds, loads and is finite.

    Raises ModelError at the first thing that is wrong, ConfigError for a config that builds nothing.
    """
    import torch

    from bytesim.models.weights import load_model

    info = show_model(model)
    if info.place == "shipped" and info.num_bytes > MAX_SHIPPED_BYTES:
        raise ModelError(f"{info.num_bytes:,} bytes, a shipped model has at most {MAX_SHIPPED_BYTES:,}.", file=model)
    check_hashes(info.folder)
    for name, tensor in load_model(info.folder).state_dict().items():
        if not torch.isfinite(tensor).all():
            raise ModelError(f"{name!r} holds values that are not finite.", file=str(info.folder / WEIGHTS_FILE))
    return VerifiedModel(info.name, info.folder, info.num_parameters, info.num_bytes)


def import_model(
    weights: str | Path, *, name: str | None = None, output: str | Path | None = None, force: bool = False
) -> ModelInfo:
    """Make a model folder of a published bGPT checkpoint, in the user's store (`name`) or at a path (`output`).

    Without either it is stored under the file's stem. Nothing in the pickle is run. An existing folder is
    refused without `force`. Raises ModelError for a file that is no such checkpoint, OutputError for the folder.
    """
    from bytesim.models.bgpt.published import published_to_ours, read_published
    from bytesim.models.weights import check_shapes, outline, save_model

    source = Path(weights)
    folder = Path(output) if output is not None else folder_for_new(name if name is not None else source.stem)
    if os.path.lexists(folder) and not force:
        raise OutputError("exists already. Use force to replace the model in it, or another name.", file=str(folder))
    try:
        config, state_dict = published_to_ours(read_published(source))
        check_shapes({name: tuple(tensor.shape) for name, tensor in state_dict.items()}, outline(config.to_dict()))
    except BytesimError as error:
        raise error.in_file(str(weights)) from error
    origin = fingerprint(source)
    card = {
        "purpose": f"Imported from the published bGPT checkpoint {source.name}.",
        "source": {"file": source.name, **origin},
        "licence": "that of the imported weights; see where they were published",
    }
    recipe = (
        "# Rebuilds this folder: bytesim models import FILE, with the file named here.\n"
        f'[import]\nsha256 = "{origin["sha256"]}"\nbytes = {origin["bytes"]}\n'
    )
    save_model(folder, state_dict, config=config.to_dict(), card=card, recipe=recipe)
    return show_model(f"{folder.resolve()}/")
