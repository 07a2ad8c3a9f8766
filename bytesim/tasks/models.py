"""`bytesim models`: list, show, verify, import, export and compress models."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bytesim.errors import BytesimError, ModelError, OutputError
from bytesim.files import Inputs, Outcome, run_each
from bytesim.models.folder import (
    CONFIG_FILE,
    HASHED_FILES,
    RECIPE_FILE,
    WEIGHTS_FILE,
    check_hashes,
    fingerprint,
    read_card,
    read_config,
    weight_shapes,
    write_json,
)
from bytesim.models.store import (
    Alias,
    Place,
    StoredModel,
    find_model,
    folder_for_new,
    known_aliases,
    model_name,
    read_aliases,
    stored_models,
)
from bytesim.models.store import (
    shipped_names as shipped_names,
)

MAX_SHIPPED_BYTES = 16 << 20
"""Greatest size of model.safetensors for models shipped with bytesim."""


@dataclass(frozen=True)
class ModelInfo:
    """The facts about a model that its files give without reading the weights."""

    name: str
    place: Place
    folder: Path
    num_parameters: int
    num_bytes: int
    """Size of model.safetensors."""
    config: dict[str, Any]
    card: dict[str, Any]
    aliases: tuple[str, ...] = ()
    """Other names by which it is found."""


@dataclass(frozen=True)
class VerifiedModel:
    """A model whose files match its card and load without an error."""

    name: str
    folder: Path
    num_parameters: int
    num_bytes: int


def list_models() -> list[Outcome[ModelInfo]]:
    """Every model that is found by a name, sorted by name; the outcome of a damaged one is its error."""
    aliases = known_aliases()
    return run_each([model.name for model in stored_models()], lambda name: _info(find_model(name), aliases))


def model_names() -> list[str]:
    """Every plain name by which a model is found, aliases included, sorted."""
    return sorted({*(model.name for model in stored_models()), *known_aliases()})


def show_model(model: str | Path) -> ModelInfo:
    """Config, card and size of one model, by name or path. Raises ModelError if it is missing or damaged."""
    return _info(find_model(model), known_aliases())


def _info(model: StoredModel, aliases: Mapping[str, Alias]) -> ModelInfo:
    shapes, config, card = weight_shapes(model.folder), read_config(model.folder), read_card(model.folder)
    in_card = read_aliases(model.name, card, model.folder)
    return ModelInfo(
        name=model.name,
        place=model.place,
        folder=model.folder,
        num_parameters=sum(math.prod(shape) for shape in shapes.values()),
        num_bytes=(model.folder / WEIGHTS_FILE).stat().st_size,
        config=config,
        card=card,
        aliases=() if model.place == "path" else tuple(name for name in in_card if aliases.get(name) == in_card[name]),
    )


def model_path(model: str | Path) -> Path:
    """The absolute path of a model's folder. Raises ModelError if there is none."""
    return find_model(model).folder.resolve()


def verify_models(models: Inputs = ()) -> list[Outcome[VerifiedModel]]:
    """Verify one or several models, by name or path, or every model that is found by a name."""
    names = [models] if isinstance(models, str | bytes | Path) else models
    return run_each([model_name(name) for name in names] or [model.name for model in stored_models()], verify_model)


def verify_model(model: str | Path) -> VerifiedModel:
    """Check that the size and sha256 of a model's files match its card, and that it loads and all weights are finite.

    Raises ModelError for the first problem found, and ConfigError for an invalid config.
    """
    from bytesim.models.weights import load_model

    info = show_model(model)
    if info.place == "shipped" and info.num_bytes > MAX_SHIPPED_BYTES:
        raise ModelError(
            f"has {info.num_bytes:,} bytes; a shipped model has at most {MAX_SHIPPED_BYTES:,}.", file=model_name(model)
        )
    check_hashes(info.folder)
    load_model(info.folder)
    return VerifiedModel(info.name, info.folder, info.num_parameters, info.num_bytes)


def import_model(
    weights: str | Path,
    *,
    name: str | None = None,
    output: str | Path | None = None,
    force: bool = False,
    origin: Mapping[str, str] = MappingProxyType({}),
) -> ModelInfo:
    """Convert published weights to a model folder, in the user's store (`name`) or at a path (`output`).

    `weights` is a bGPT checkpoint (.pth), or a folder of a BLT: that of `transformers`, or that of bytelatent with its
    entropy model. Without `name` and `output`, the name is that of the file without suffix, or of the folder. `origin`
    is added to the card's field `source`. No code in a pickle is run. Raises ModelError for anything else, OutputError
    if the folder exists (without `force`) or cannot be written.
    """
    from bytesim.models.weights import check_outline, save_model

    source = Path(weights)
    named = source.name if source.is_dir() else source.stem
    folder = Path(output) if output is not None else folder_for_new(name if name is not None else named)
    check_new(folder, force=force)
    try:
        config, state_dict = _read_published(source)
        check_outline(config, {name: tuple(tensor.shape) for name, tensor in state_dict.items()})
    except BytesimError as error:
        raise error.in_file(str(weights)) from error
    file = source / WEIGHTS_FILE if source.is_dir() else source
    identity = fingerprint(file if file.is_file() else source / CONFIG_FILE)
    kind = {"bgpt": "bGPT checkpoint", "blt": "BLT"}[config["architecture"]]
    card = {
        "purpose": f"Imported from the published {kind} {source.name}.",
        "source": {"file": source.name, **identity, **origin},
        "licence": "that of the imported weights; see where they were published",
    }
    recipe = (
        "# Rebuilds this folder: bytesim models import WEIGHTS, with the weights named here.\n"
        f'[import]\nsha256 = "{identity["sha256"]}"\nbytes = {identity["bytes"]}\n'
    )
    save_model(folder, state_dict, config=config, card=card, recipe=recipe)
    return show_model(f"{folder.resolve()}/")


def _read_published(source: Path) -> tuple[dict[str, Any], Mapping[str, Any]]:
    """Contents of config.json, and state dict, of published weights."""
    if source.is_dir():
        from bytesim.models.blt.published import read_folder

        blt_config, weights = read_folder(source)
        return blt_config.to_dict(), weights
    from bytesim.models.bgpt.published import published_to_ours, read_published

    config, weights = published_to_ours(read_published(source))
    return config.to_dict(), weights


def export_model(model: str | Path, *, output: str | Path, force: bool = False) -> Path:
    """Write a BLT as a folder that `transformers` loads as `BltForCausalLM`: config.json and model.safetensors.

    Raises ModelError for a model of another architecture, or with settings that `transformers` does not have, and
    OutputError if the folder exists (without `force`) or cannot be written.
    """
    from bytesim.models.blt.config import BLTConfig
    from bytesim.models.blt.transformers_format import to_transformers
    from bytesim.models.weights import load_model, write_tensors

    found, folder = find_model(model_name(model)).folder, Path(output)
    check_new(folder, force=force)
    config = read_config(found)
    if config.get("architecture") != "blt":
        raise ModelError("transformers has no model of this architecture; export is for blt.", file=str(found))
    values, weights = to_transformers(load_model(found).state_dict(), BLTConfig.from_dict(config))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_tensors(folder / WEIGHTS_FILE, weights)
        write_json(folder / CONFIG_FILE, values)
    except OSError as error:
        raise OutputError(f"the model cannot be written: {error}", file=str(folder)) from error
    return folder


def compress_model(
    model: str | Path, *, name: str | None = None, output: str | Path | None = None, force: bool = False
) -> ModelInfo:
    """Write a copy of a model with int8 weights, in the user's store (`name`) or at a path (`output`).

    Without either, the name is that of the model with `-int8`. The card says whose copy it is, for its results are
    those of that model; other names of the model do not find the copy. Raises ModelError for a model that is missing or
    damaged, OutputError if the folder exists (without `force`) or cannot be written.
    """
    import torch

    from bytesim.models.weights import load_model, save_model

    info = show_model(model)
    folder = Path(output) if output is not None else folder_for_new(name if name is not None else f"{info.name}-int8")
    check_new(folder, force=force)
    check_hashes(info.folder)
    files = info.card["files"]
    more = {extra: (info.folder / extra).read_bytes() for extra in files if extra not in HASHED_FILES}
    origin = {"sha256": files[WEIGHTS_FILE]["sha256"], "note": "the results are those of the weights with this hash"}
    save_model(
        folder,
        load_model(info.folder).state_dict(),
        config=info.config,
        card={"int8_of": origin, **{key: value for key, value in info.card.items() if key != "aliases"}},
        recipe=(info.folder / RECIPE_FILE).read_text(encoding="utf-8"),
        dtype=torch.int8,
        more=more,
    )
    return show_model(f"{folder.resolve()}/")


def check_new(folder: Path, *, force: bool) -> None:
    """Raise OutputError if there is something at the path of a new model, unless it is to be replaced."""
    if os.path.lexists(folder) and not force:
        raise OutputError(
            "exists already. Use force to replace the model in it, or choose another name.", file=str(folder)
        )
