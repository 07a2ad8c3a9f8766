"""The commands whose answers stand in the ledger alone: classify and detect."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from functools import cached_property
from typing import TYPE_CHECKING, Any

from bytesim.cluster.stamps import model_stamp
from bytesim.errors import ConfigError
from bytesim.files import Outcome, run_each

if TYPE_CHECKING:
    from bytesim.tasks.classify.files import Panel
    from bytesim.tasks.detect.detect import Classifier


class _Answers:
    """A command that writes no file: its answers are in the ledger alone."""

    share_factor = 1
    walks = True
    suffixes = None

    def __init__(self, roots: list[str], output: str | None) -> None:
        if output is not None:
            raise ConfigError("this command writes its answers to the ledger; leave output out.")

    def targets(self, path: str) -> list[str]:
        return []

    def outputs(self, result: Any) -> list[str]:
        return []


class ClassifyFiles(_Answers):
    share_factor = 4

    def __init__(self, roots: list[str], output: str | None, **options: Any) -> None:
        from bytesim.tasks.classify.files import PanelSettings

        super().__init__(roots, output)
        self.asked = PanelSettings(**options)

    @cached_property
    def panel(self) -> Panel:
        from bytesim.tasks.classify.files import Panel

        return Panel(self.asked)

    def load(self) -> None:
        _ = self.panel

    def settings(self) -> dict[str, Any]:
        following = {name for name in self.panel.first.next_models.values() if name in self.panel.available}
        return {**asdict(self.asked), "models": model_stamp([self.panel.first.folder, *sorted(following)])}

    def outcomes(self, paths: Sequence[str]) -> Iterable[Outcome[Any]]:
        return self.panel.judge(paths)

    def counted(self, result: dict[str, Any]) -> list[str]:
        return [result["answer"]["label"]]


class Detect(_Answers):
    def __init__(
        self,
        roots: list[str],
        output: str | None,
        *,
        model: str = "filetype",
        device: str = "auto",
        engine_backend: str = "auto",
    ) -> None:
        super().__init__(roots, output)
        self.options = {"model": model, "device": device, "engine_backend": engine_backend}

    @cached_property
    def classifier(self) -> Classifier:
        from bytesim.tasks.detect.detect import load_detector

        return load_detector(**self.options)

    def load(self) -> None:
        _ = self.classifier

    def settings(self) -> dict[str, Any]:
        return {**self.options, "models": model_stamp([self.classifier.folder])}

    def outcomes(self, paths: Sequence[str]) -> Iterable[Outcome[Any]]:
        from bytesim.tasks.detect.detect import detect_with

        return run_each(paths, lambda path: detect_with(self.classifier, path))

    def counted(self, result: dict[str, Any]) -> list[str]:
        return [segment["label"] for segment in result["segments"]]
