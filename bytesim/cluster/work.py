"""What a worker does with a share of files: the ordinary task functions, and a row for every file."""

from __future__ import annotations

import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bytesim.cluster.begun import Mark, is_current, mark_path, read_mark, write_mark
from bytesim.cluster.commands import Command, command_of
from bytesim.cluster.ledger import Row, error_row
from bytesim.cluster.plan import Share, read_share
from bytesim.errors import BytesimError, ConfigError, InputError
from bytesim.files import Outcome, check_output
from bytesim.native.library import kernels, num_cores
from bytesim.native.threads import limit_threads

MOST_DEATHS = 2
"""Workers that may die as they work on one file; then it is an error."""


@dataclass(frozen=True, kw_only=True)
class WorkSettings:
    """What a worker must know. It goes through pickle."""

    command: str
    options: dict[str, Any]
    roots: list[str]
    output: str | None
    force: bool
    state: str
    """The folder beside the ledger, as an absolute path."""
    run: str
    """The name of the run."""
    home: str
    """The current folder of the driver: the paths of files are relative to it."""
    jobs: int | None
    """Workers that share the cores of this computer; None if a cluster says how many threads each has."""


@dataclass(frozen=True, kw_only=True)
class Done:
    """A share that a worker did."""

    number: int
    rows: list[Row]


class Worker:
    """A process of the pool, which keeps its model."""

    def __init__(self, settings: WorkSettings) -> None:
        """Load the model. Raises BytesimError."""
        self.settings = settings
        try:
            os.chdir(settings.home)
            os.listdir(Path(settings.state))
        except OSError as error:
            raise InputError(
                "a worker cannot read this folder. All computers of a cluster need the same files at the same paths.",
                file=error.filename,
            ) from error
        if settings.jobs is not None:
            _share_cores(settings.jobs)
        self.command: Command = command_of(settings.command, settings.options, settings.roots, settings.output)
        self.command.load()

    def do(self, line: str) -> Done:
        """Do a share, from its line in the plan."""
        share = read_share(line)
        place = mark_path(Path(self.settings.state), self.settings.run, share.number)
        mark = read_mark(place)
        mark.times += 1
        if mark.at is not None:
            mark.deaths[mark.at] = mark.deaths.get(mark.at, 0) + 1
        rows, ready = self._begin(share, mark)
        write_mark(place, mark)
        # Asked after the mark is written: a run that begins now finds it, one that has begun may not have seen it.
        if not is_current(Path(self.settings.state), self.settings.run):
            raise ConfigError("another run has taken the ledger over.", file=self.settings.state)
        done = self._do(ready) if mark.times == 1 else list(self._one_by_one(ready, mark, place))
        by_path = {row["path"]: row for row in rows + done}
        return Done(number=share.number, rows=[by_path[path] for path, _ in share.items])

    def _begin(self, share: Share, mark: Mark) -> tuple[list[Row], list[str]]:
        """(rows of files that are refused, the other files). The mark gets the outputs that may be written."""
        rows, ready = list[Row](), list[str]()
        for path, begun in share.items:
            try:
                targets = self.command.targets(path)
                if path not in mark.outputs and targets:
                    mark.outputs[path] = [
                        target for target in targets if target in begun or not os.path.lexists(target)
                    ]
                for target in targets:
                    check_output(target, force=self.settings.force or target in mark.outputs[path], source=path)
            except BytesimError as error:
                rows.append(_failed(path, error))
            else:
                ready.append(path)
        return rows, ready

    def _one_by_one(self, paths: Sequence[str], mark: Mark, place: Path) -> Iterator[Row]:
        """The rows of files that are done one by one, because a worker died: the file that does it is found."""
        for path in paths:
            if mark.deaths.get(path, 0) >= MOST_DEATHS:
                text = f"{path}: {MOST_DEATHS} processes were killed as they worked on this file."
                yield error_row(path, text + " Perhaps the memory was not enough.", "ToolError")
                continue
            mark.at = path
            write_mark(place, mark)
            yield from self._do([path])

    def _do(self, paths: Sequence[str]) -> list[Row]:
        outcomes: dict[str, list[Outcome[Any]]] = defaultdict(list)
        for outcome in self.command.outcomes(paths) if paths else ():
            outcomes[outcome.source].append(outcome)
        return [self._row(path, outcomes[path]) for path in paths]

    def _row(self, path: str, outcomes: Sequence[Outcome[Any]]) -> Row:
        results = [outcome.result for outcome in outcomes if outcome.result is not None]
        errors = [outcome.error for outcome in outcomes if outcome.error is not None]
        outputs = [output for result in results for output in self.command.outputs(result)]
        plain = [asdict(result) for result in results]
        return {
            "path": path,
            "outputs": outputs,
            "sha256": [_file_digest(output) for output in outputs] or [answer_digest(result) for result in plain],
            "results": plain,
            "error": "; ".join(map(str, errors)) if errors else None,
            "kind": type(errors[0]).__name__.lstrip("_") if errors else None,
        }


def _failed(path: str, error: BytesimError) -> Row:
    return error_row(path, str(error.in_file(path)), type(error).__name__)


def answer_digest(result: dict[str, Any]) -> str:
    """The sha256 of an answer in canonical JSON: keys sorted, no spaces, ASCII."""
    text = json.dumps(result, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _file_digest(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _share_cores(jobs: int) -> None:
    """Let this process use its share of the cores, in the kernels and, where it is loaded later, in torch."""
    threads = max(1, num_cores() // jobs)
    os.environ["OMP_NUM_THREADS"] = str(threads)
    if (built := kernels()) is not None:
        limit_threads(built, threads)
