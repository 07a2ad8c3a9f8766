"""The files of a model folder: names, config.json, card.json, hashes, and the shapes of the weights. No torch.

A folder holds config.json, model.safetensors, card.json and recipe.toml; nothing else is needed to rebuild the model.
Further files say what the training inputs are like (`predictors/`). A folder may be hostile, so every file has a size
limit, and every failure is a ModelError.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from bytesim.errors import ModelError, OutputError
from bytesim.staging import staging_folder

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"
CARD_FILE = "card.json"
RECIPE_FILE = "recipe.toml"
HASHED_FILES = (CONFIG_FILE, WEIGHTS_FILE, RECIPE_FILE)
"""Files whose size and sha256 every card lists under `files`."""

SCALE = "/scale"
"""Ending of the name of a tensor that holds the scale of each row of an int8 tensor, see models/int8.py."""

NOT_FINITE = "{name!r} has values that are not finite. Restore or retrain the model."
"""Error for a weight with NaN or infinity."""

MAX_JSON_BYTES = 1 << 20
MAX_DIGITS = 40
"""Most digits of a whole number in JSON."""
MAX_WEIGHTS_BYTES = 16 << 30
MAX_HEADER_BYTES = 8 << 20
"""Longest list of tensors in a weights file: that of some hundred thousand."""


def weight_shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    """Name -> shape of each weight in model.safetensors, read from its header only.

    Raises ModelError for a file that is not one, and for an int8 weight without a scale for each row.
    """
    path = folder / WEIGHTS_FILE
    try:
        if not path.is_file():
            raise ModelError("the weights are missing; the model folder is incomplete.", file=str(path))
        if path.stat().st_size > MAX_WEIGHTS_BYTES:
            raise ModelError(f"larger than {MAX_WEIGHTS_BYTES >> 30} GiB, so not a bytesim model.", file=str(path))
        _check_header(path)
        with safe_open(path, framework="np") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
            shapes = {name: tuple(each.get_shape()) for name, each in slices.items()}
            types = {name: each.get_dtype() for name, each in slices.items()}
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelError(f"not a safetensors file: {one_line(error)}. Fetch the file again.", file=str(path)) from error
    scales = {name + SCALE: shapes[name][:1] for name, dtype in types.items() if dtype == "I8"}
    found = {name: shape for name, shape in shapes.items() if name.endswith(SCALE)}
    if found != scales or any(types[name] != "F32" for name in found):
        raise ModelError("an int8 weight has not one float32 scale for each row. Fetch the file again.", file=str(path))
    return {name: shape for name, shape in shapes.items() if name not in scales}


def _check_header(path: Path) -> None:
    """Raise ModelError for a list of tensors that is too long. Each reader of the file would spend seconds on it."""
    with path.open("rb") as file:
        stated = int.from_bytes(file.read(8), "little")
    if stated > MAX_HEADER_BYTES:
        raise ModelError(
            f"not a safetensors file: its list of tensors states {stated:,} bytes. Fetch the file again.",
            file=str(path),
        )


def read_config(folder: Path) -> dict[str, Any]:
    """config.json of a model folder: `architecture` and the fields of its config class. Raises ModelError."""
    return read_json(folder / CONFIG_FILE)


def read_card(folder: Path) -> dict[str, Any]:
    """card.json of a model folder: purpose, data, results, licence, `files`. Raises ModelError."""
    return read_json(folder / CARD_FILE)


def check_hashes(folder: Path) -> None:
    """Compare size and sha256 of HASHED_FILES, and of every other file that the card lists, with the card.

    Raises ModelError at the first that differs.
    """
    files = read_card(folder).get("files")
    if not isinstance(files, dict):
        raise ModelError("the card lists no files, so nothing can be compared.", file=str(folder / CARD_FILE))
    for name in (*HASHED_FILES, *(name for name in files if name not in HASHED_FILES)):
        path = folder / _plain(name, folder)
        if not path.is_file():
            raise ModelError("missing; the model folder is incomplete.", file=str(path))
        if files.get(name) != fingerprint(path):
            raise ModelError("size or sha256 differ from the card's; the file was changed or damaged.", file=str(path))


def check_loaded_files(folder: Path) -> None:
    """Compare size and sha256 of the files of a model that is loaded with its card, as far as the card lists them.

    The recipe is not compared, for no loaded model reads it. Raises ModelError at the first file that differs: one with
    a flipped bit, or a card of another model.
    """
    files = read_card(folder).get("files", {})
    if not isinstance(files, dict):
        raise ModelError("the field files is not an object; docs/models.md explains it.", file=str(folder / CARD_FILE))
    for name, listed in files.items():
        path = folder / _plain(name, folder)
        try:
            same = name == RECIPE_FILE or not path.is_file() or fingerprint(path) == listed
        except OSError as error:
            raise ModelError(f"cannot be read: {one_line(error)}.", file=str(path)) from error
        if not same:
            raise ModelError(
                "size or sha256 differ from the card's; the file was changed or damaged. Fetch the model again.",
                file=str(path),
            )


def _plain(name: str, folder: Path) -> str:
    """The name of a file directly in the folder. Raises ModelError for a path to elsewhere."""
    if Path(name).name != name or name == ".." or not name.isprintable() or len(name.encode("utf-8")) > 255:
        raise ModelError(f"the card lists {name[:80]!r}, which is not a file name.", file=str(folder / CARD_FILE))
    return name


def fingerprint(path: Path) -> dict[str, Any]:
    """Size in bytes and sha256 of a file, in the form that cards hold."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return {"bytes": path.stat().st_size, "sha256": digest.hexdigest()}


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write an object as indented UTF-8 JSON with a newline at the end, atomically."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        temporary.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def install_folder(source: Path, folder: Path, card: Mapping[str, Any]) -> None:
    """Copy the files that a card lists to a model folder, and write the card. Raises OutputError.

    All are first written to a temporary folder and then moved; other files of the folder are kept.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with staging_folder(folder) as staging:
            names = [_plain(name, source) for name in card["files"]]
            for name in names:
                shutil.copyfile(source / name, staging / name)
            write_json(staging / CARD_FILE, card)
            folder.mkdir(exist_ok=True)
            for name in (*names, CARD_FILE):
                os.replace(staging / name, folder / name)
    except OSError as error:
        raise not_written(folder, error) from error


def not_written(folder: Path, error: Exception) -> OutputError:
    """The error for a model folder that cannot be written."""
    reason = (error.strerror if isinstance(error, OSError) else None) or one_line(error)
    return OutputError(f"the model cannot be written: {reason[:1].lower()}{reason[1:]}.", file=str(folder))


def read_json(path: Path) -> dict[str, Any]:
    """An object in a JSON file of a model folder. Raises ModelError."""
    try:
        if not path.is_file():
            raise ModelError("missing; the model folder is incomplete.", file=str(path))
        if path.stat().st_size > MAX_JSON_BYTES:
            raise ModelError("larger than 1 MiB, so not a file of a bytesim model.", file=str(path))
        value = json.loads(
            path.read_text(encoding="utf-8"), parse_constant=_refuse, parse_int=_whole, parse_float=_finite
        )
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # raises for half of a surrogate pair
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"not readable as JSON: {one_line(error)}", file=str(path)) from error
    if not isinstance(value, dict):
        raise ModelError("not a JSON object.", file=str(path))
    return value


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is not a number of JSON")


def _whole(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"a whole number of {len(digits)} digits is too large")
    return int(digits)


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"{digits[:20]} is too large for a number")
    return value


def one_line(error: Exception) -> str:
    """The message of another library's exception, on one line."""
    return " ".join(str(error).split()) or type(error).__name__
