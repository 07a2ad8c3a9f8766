"""The commands that write files of their own: compress and generate."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bytesim.cluster.stamps import model_stamp
from bytesim.files import Outcome, run_each
from bytesim.models.folder import fingerprint
from bytesim.models.store import stored_models

if TYPE_CHECKING:
    from bytesim.tasks.compress.compress import Compressor
    from bytesim.tasks.generate.draw import Job

SEED = "seed "
"""What the names of files that are drawn begin with."""


class Compress:
    share_factor = 1
    walks = False
    suffixes = None

    def __init__(self, roots: list[str], output: str | None, *, model: str = "auto", fast: bool = False) -> None:
        from bytesim.tasks.compress.compress import Compressor

        self.output, self.roots = output, roots
        self.compressor: Compressor = Compressor(model=model, fast=fast)

    def load(self) -> None:
        """Models are loaded when a file first needs them."""

    def settings(self) -> dict[str, Any]:
        from bytesim.tasks.compress.compress import NO_MODEL

        model = self.compressor.model
        names = [stored.folder for stored in stored_models()] if model == "auto" else [model] * (model != NO_MODEL)
        return {"model": model, "models": model_stamp(names)}

    def targets(self, path: str) -> list[str]:
        from bytesim.tasks.compress.compress import compressed_path

        return [str(compressed_path(path, self.output, many=True, roots=self.roots))]

    def outcomes(self, paths: Sequence[str]) -> Iterable[Outcome[Any]]:
        return run_each(paths, lambda path: self.compressor.compress(path, Path(*self.targets(path)), force=True))

    def outputs(self, result: Any) -> list[str]:
        return [result.output]

    def counted(self, result: dict[str, Any]) -> list[str]:
        return [result["model"] or "no model"]


class Generate:
    """Files that are drawn; a file is named by its seed, and drawn once."""

    share_factor = 1
    walks = False
    suffixes = None

    def __init__(self, roots: list[str], output: str | None, **options: Any) -> None:
        from bytesim.tasks.generate.generate import DrawSettings

        self.output, self.asked = output, DrawSettings(**options)

    @cached_property
    def job(self) -> Job:
        from bytesim.tasks.generate.generate import drawing_job

        return drawing_job(self.asked, output=self.output, many=True, force=True)

    def load(self) -> None:
        _ = self.job

    def settings(self) -> dict[str, Any]:
        models = model_stamp([self.job.writer.folder])
        prompt = self.asked.prompt_file
        stamp = None if prompt is None else fingerprint(Path(prompt))["sha256"]
        return {**asdict(self.asked), "prompt_file": stamp, "models": models}

    def targets(self, path: str) -> list[str]:
        return [str(self.job.path(int(path.removeprefix(SEED))))]

    def outcomes(self, paths: Sequence[str]) -> Iterable[Outcome[Any]]:
        from bytesim.tasks.generate.draw import draw_once

        return draw_once(self.job, [int(path.removeprefix(SEED)) for path in paths])

    def outputs(self, result: Any) -> list[str]:
        return [result.output]

    def counted(self, result: dict[str, Any]) -> list[str]:
        return [result["model"]]
