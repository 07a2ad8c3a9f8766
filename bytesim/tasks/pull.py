"""`bytesim models pull`: fetch published weights from the Hugging Face hub, and import them."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from bytesim.errors import ConfigError, ModelError, ToolError
from bytesim.models.folder import WEIGHTS_FILE, fingerprint, one_line
from bytesim.models.store import folder_for_new
from bytesim.tasks.models import ModelInfo, check_new, import_model

FILES = (
    "config.json",
    "*.safetensors",
    "model.safetensors.index.json",
    "entropy_model/params.json",
    "entropy_model/consolidated.pth",
)
"""Files of a repository that are fetched: those of a published BLT."""
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")


def pull_model(
    repository: str,
    *,
    revision: str = "main",
    sha256: str | None = None,
    name: str | None = None,
    output: str | Path | None = None,
    force: bool = False,
) -> ModelInfo:
    """Fetch a BLT from a repository of the hub, such as facebook/blt-1b, and import it as `import_model` does.

    `revision` is a commit, a tag or a branch; the model's card names the commit. With `sha256`, model.safetensors must
    have that hash. Needs the package huggingface_hub. Raises ToolError without it, ConfigError for a name that is not
    one of a repository, ModelError if the files cannot be fetched, have another hash or are not a published BLT, and
    OutputError as `import_model` does.
    """
    if not _REPOSITORY.fullmatch(repository):
        raise ConfigError(f"{repository!r} is not a repository of the hub; write OWNER/NAME, as in facebook/blt-1b.")
    named = name if name is not None else repository.rpartition("/")[2]
    check_new(Path(output) if output is not None else folder_for_new(named), force=force)
    with tempfile.TemporaryDirectory(prefix="bytesim-pull-") as temporary:
        folder = Path(temporary) / repository.rpartition("/")[2]
        commit = _fetch(repository, revision, folder)
        weights = folder / WEIGHTS_FILE
        if sha256 is not None and not weights.is_file():
            raise ModelError(f"has no {WEIGHTS_FILE} of which the sha256 could be compared.", file=repository)
        if sha256 is not None and fingerprint(weights)["sha256"] != sha256.lower():
            raise ModelError(
                f"{WEIGHTS_FILE} of commit {commit} has another sha256 than {sha256}; it is not the file you meant.",
                file=repository,
            )
        try:
            origin = {"repository": repository, "commit": commit}
            return import_model(folder, name=name, output=output, force=force, origin=origin)
        except ModelError as error:
            raise ModelError(error.message, file=repository) from error  # the temporary folder tells nothing


def _fetch(repository: str, revision: str, folder: Path) -> str:
    """Fetch FILES of a repository to a folder. Returns the commit."""
    try:
        from huggingface_hub import HfApi, snapshot_download
    except ImportError as error:
        raise ToolError("huggingface_hub is not installed. `pip install huggingface_hub` brings it.") from error
    try:
        commit = HfApi().model_info(repository, revision=revision).sha
        snapshot_download(repository, revision=commit, allow_patterns=list(FILES), local_dir=folder)
    except Exception as error:  # its client raises its own errors and those of its transport
        reason = one_line(error)[:200]
        raise ModelError(f"cannot be fetched at revision {revision} ({reason}).", file=repository) from error
    return str(commit)
