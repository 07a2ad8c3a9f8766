"""Models for the tests of convert, generate and evaluate: a tiny random one, and replies that are known."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bytesim.models.bgpt.config import BGPTConfig
from bytesim.models.bgpt.model import BGPT
from bytesim.models.interface import ByteModel
from bytesim.models.weights import save_model
from bytesim.requests import Reply, Request

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

REEL = "X:1\nT:The Reel\nR:reel\nM:4/4\nL:1/8\nQ:1/4=100\nK:D\n|:DFAd fdAF|GBAG FAD2:|\n"
BOOK = "X:1\nT:One\nK:C\nCDEF GABc|\n\nX:2\nT:Two\nV:1\nK:C\nC|\n\nX:3\nT:Three\nK:G\nGABc d4|\n"

MUSIC = """name = "music"
[[data]]
path = "none.npz"
task = "convert"
source_suffix = "abc"
target_suffix = "mid"
[[data]]
path = "none.npz"
task = "convert"
source_suffix = "mid"
target_suffix = "abc"
[[data]]
path = "none.npz"
task = "generate"
target_suffix = "abc"
"""
TASK_FIELDS = ("task", "source_suffix", "target_suffix")
"""What a card says of each thing that a model was trained to do."""


def make_model(folder: Path, recipe: str = MUSIC, card: Mapping[str, Any] | None = None, **changes: Any) -> Path:
    """A model folder with random weights; `changes` are to its config, `card` is added to its card."""
    torch.manual_seed(0)
    settings: dict[str, Any] = {
        "parts": "modern", "patch_size": 8, "max_patches": 256, "hidden_size": 32, "num_layers": 1, "head_size": 16,
        "byte_hidden_size": 32, "byte_num_layers": 1, "byte_head_size": 16, "context_patches": 1,
        "source_attention": True, "source_layers": 1, "source_hidden_size": 32, "max_source_bytes": 1024,
    }  # fmt: skip
    config = BGPTConfig(**{**settings, **changes})
    full = {"purpose": "tests", "tasks": trained_tasks(recipe), **(card or {})}
    save_model(folder, BGPT(config).state_dict(), config=config.to_dict(), card=full, recipe=recipe)
    return folder


def trained_tasks(recipe: str) -> list[dict[str, str]]:
    """The field `tasks` of a card, as a training by that recipe writes it."""
    tables = tomllib.loads(recipe)["data"]
    tasks = [{name: table[name] for name in TASK_FIELDS if table.get(name)} for table in tables]
    return list({str(task): task for task in tasks}.values())


def answering(
    answer: Callable[[Request], bytes | None], nats: Callable[[Request], float] = lambda request: 1.0
) -> Callable[..., Iterator[tuple[int, Reply]]]:
    """A stand-in for `decode` whose replies, and their nats, are known; None is an answer that never ends.

    Put it in place with `monkeypatch.setattr(bulk, "decode", answering(...))`: every task decodes through that module.
    """

    def decode(
        model: ByteModel,
        requests: Sequence[Request],
        *,
        slots: int = 16,
        on_bytes: Callable[[int], None] | None = None,
    ) -> Iterator[tuple[int, Reply]]:
        for index, request in enumerate(requests):
            data = answer(request)
            token_nats = np.zeros(len(data or b"") + 1, np.float32)
            token_nats[-1] = nats(request)
            if on_bytes:
                on_bytes(len(data or b""))
            yield index, Reply(data or b"", data is not None, token_nats)

    return decode
