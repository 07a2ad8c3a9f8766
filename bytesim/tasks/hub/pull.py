"""`bytesim models pull`: fetch a model from the Hugging Face hub."""

from __future__ import annotations

import tempfile
from pathlib import Path

from bytesim.errors import BytesimError, ConfigError, ModelError
from bytesim.models.folder import CARD_FILE, WEIGHTS_FILE, fingerprint, install_folder, read_card
from bytesim.models.store import folder_for_new
from bytesim.tasks.hub.client import check_repository, endpoint, hub, one_line_errors
from bytesim.tasks.models import ModelInfo, check_new, import_model, show_model, verify_model

FILES = (
    "*.json",
    "*.toml",
    "*.npz",
    "*.safetensors",
    "entropy_model/params.json",
    "entropy_model/consolidated.pth",
)
"""Files of a repository that are fetched: those of a model folder of bytesim, or of a published BLT."""


def pull_model(
    repository: str,
    *,
    revision: str = "main",
    sha256: str | None = None,
    name: str | None = None,
    output: str | Path | None = None,
    force: bool = False,
) -> ModelInfo:
    """Fetch a model from a repository of the hub: a model folder of bytesim, or a BLT such as facebook/blt-1b.

    A model folder is verified as `verify_model` does before it takes its place; a BLT is imported as `import_model`
    does. `revision` is a commit, a tag or a branch; the model's card names the repository and the commit. With
    `sha256`, model.safetensors must have that hash. Needs the package huggingface_hub. Raises ToolError without it,
    ConfigError for a name that is not one of a repository, ModelError if the files cannot be fetched, have another hash
    or are not a model, and OutputError as `import_model` does.
    """
    check_repository(repository)
    short = repository.rpartition("/")[2]
    target = Path(output) if output is not None else folder_for_new(name if name is not None else short)
    check_new(target, force=force)
    with tempfile.TemporaryDirectory(prefix="bytesim-pull-") as temporary:
        folder = Path(temporary) / short
        commit = _fetch(repository, revision, folder)
        _check_hash(folder / WEIGHTS_FILE, sha256, repository, commit)
        try:
            if not (folder / CARD_FILE).is_file():
                origin = {"repository": repository, "commit": commit}
                return import_model(folder, output=target, force=force, origin=origin)
            verify_model(f"{folder}/")
        except ConfigError as error:
            raise ModelError(error.message, file=repository) from error
        except ModelError as error:
            raise _without_path(error, temporary, repository) from error
        card = {**read_card(folder), "pulled": {"repository": repository, "commit": commit}}
        install_folder(folder, target, card)
    return show_model(f"{target.resolve()}/")


def _without_path(error: BytesimError, temporary: str, repository: str) -> ModelError:
    """An error about a file in the temporary folder, of which only the name in the repository tells anything."""
    file = error.file or ""
    inside = file.startswith(temporary) and Path(file).name != repository.rpartition("/")[2]
    return ModelError(f"{Path(file).name}: {error.message}" if inside else error.message, file=repository)


def _check_hash(weights: Path, sha256: str | None, repository: str, commit: str) -> None:
    if sha256 is None:
        return
    if not weights.is_file():
        raise ModelError(f"has no {WEIGHTS_FILE} of which the sha256 could be compared.", file=repository)
    if fingerprint(weights)["sha256"] != sha256.lower():
        raise ModelError(
            f"{WEIGHTS_FILE} of commit {commit} has another sha256 than {sha256}; it is not the file you meant.",
            file=repository,
        )


def _fetch(repository: str, revision: str, folder: Path) -> str:
    """Fetch FILES of a repository to a folder. Returns the commit."""
    api = hub()
    from huggingface_hub import snapshot_download

    with one_line_errors(repository, f"cannot be fetched at revision {revision}"):
        commit = api.model_info(repository, revision=revision).sha
        snapshot_download(
            repository, revision=commit, allow_patterns=list(FILES), local_dir=folder, endpoint=endpoint()
        )
    return str(commit)
