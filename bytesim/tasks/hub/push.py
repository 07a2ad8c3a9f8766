"""`bytesim models push`: publish a model on the Hugging Face hub."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bytesim.models.folder import CARD_FILE, HASHED_FILES
from bytesim.tasks.hub.card import hub_card
from bytesim.tasks.hub.client import check_repository, hub, one_line_errors
from bytesim.tasks.models import show_model, verify_model

README = "README.md"


@dataclass(frozen=True, kw_only=True)
class Pushed:
    """A model that was published."""

    model: str
    repository: str
    commit: str
    files: tuple[str, ...]


def push_model(
    model: str | Path, repository: str, *, revision: str = "main", private: bool = False, message: str | None = None
) -> Pushed:
    """Publish a model on the hub: its folder, and a model card that is made of its card.json.

    The model is verified first. A repository that does not exist is made, for all to see unless it is `private`;
    `revision` is a branch that exists, and `message` that of the commit. Needs the package huggingface_hub, and a token
    in HF_TOKEN or of `hf auth login`. Raises ToolError without the package, ConfigError for a name that is not one of a
    repository, ModelError for a damaged model and if the hub refuses it.
    """
    check_repository(repository)
    verify_model(model)
    info, api = show_model(model), hub()
    from huggingface_hub import CommitOperationAdd

    more = [name for name in info.card["files"] if name not in (*HASHED_FILES, README)]
    files = (*HASHED_FILES, CARD_FILE, *more)
    added = [CommitOperationAdd(name, info.folder / name) for name in files]
    added.append(CommitOperationAdd(README, hub_card(info, repository).encode("utf-8")))
    with one_line_errors(repository, "cannot be published"):
        api.create_repo(repository, private=private, exist_ok=True)
        done = api.create_commit(
            repository, added, commit_message=message or f"bytesim model {info.name}", revision=revision
        )
    return Pushed(model=info.name, repository=repository, commit=str(done.oid), files=(*files, README))
