"""The client of the Hugging Face hub, from the package huggingface_hub."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bytesim.errors import ConfigError, ModelError, ToolError
from bytesim.models.folder import one_line

if TYPE_CHECKING:
    from huggingface_hub import HfApi

_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
_MOST_TOLD = 200


def check_repository(repository: str) -> None:
    """Raise ConfigError unless a text names a repository."""
    if not _REPOSITORY.fullmatch(repository) or {".", ".."} & set(repository.split("/")):
        raise ConfigError(f"{repository!r} is not a repository of the hub; write OWNER/NAME, as in facebook/blt-1b.")


def endpoint() -> str | None:
    """The address of the hub, if the environment names another one in HF_ENDPOINT."""
    return os.environ.get("HF_ENDPOINT") or None


def hub() -> HfApi:
    """The client. Raises ToolError without the package."""
    try:
        from huggingface_hub import HfApi
    except ImportError as error:
        raise ToolError("huggingface_hub is not installed. `pip install huggingface_hub` brings it.") from error
    return HfApi(endpoint=endpoint(), library_name="bytesim")


@contextmanager
def one_line_errors(repository: str, what: str) -> Iterator[None]:
    """Turns every error of the client, or of its transport, into a ModelError."""
    try:
        yield
    except Exception as error:  # the client raises its own errors, and those of two packages below it
        raise ModelError(f"{what} ({one_line(error)[:_MOST_TOLD]}).", file=repository) from error
