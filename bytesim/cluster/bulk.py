"""Run a command over any number of files on Ray, with a ledger: `bytesim ... --cluster ray`."""

from __future__ import annotations

import os
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import bytesim
from bytesim.cluster.begun import remove_mark
from bytesim.cluster.commands import Command, command_of
from bytesim.cluster.drawing import Seeds
from bytesim.cluster.index import FAILED, ROWS
from bytesim.cluster.ledger import STATE, Ledger, read_header, write_parquet
from bytesim.cluster.plan import Planner
from bytesim.cluster.ray_cluster import check_cluster, run_on_ray
from bytesim.cluster.ray_watch import Note, tell_nobody
from bytesim.cluster.sources import stream_names
from bytesim.cluster.work import Done, WorkSettings
from bytesim.errors import ConfigError, OutputError
from bytesim.files import STDIO, Inputs, input_names

PLAN = "plan.jsonl"
Progress = Callable[[int, int], None]
"""Called with (files done, files that are known)."""
Execute = Callable[..., AbstractContextManager[Iterator[Done]]]
"""Runs workers over a plan, and gives each share when it is done: `run_on_ray`."""


@dataclass(frozen=True, kw_only=True)
class BulkSummary:
    """What a ledger says after a run."""

    command: str
    ledger: str
    files: int
    """Files in the ledger; of `generate`, those that were asked for."""
    failed: int
    done_before: int
    """Files of this run that the ledger had already."""
    seconds: float
    results: dict[str, int]
    """Label, or engine, or model -> its number of results in the ledger; of `detect`, label -> number of parts."""
    errors: dict[str, int]
    """Class of an error -> number of files; of `generate`, of seeds."""


def bulk(
    command: str,
    sources: Inputs = (),
    *,
    manifest: str | Path | None = None,
    cluster: str = "ray",
    jobs: int = 1,
    output: str | Path | None = None,
    ledger: str | Path | None = None,
    force: bool = False,
    retry_failed: bool = False,
    on_progress: Progress | None = None,
    on_note: Note = tell_nobody,
    **options: Any,
) -> BulkSummary:
    """Do many files with `jobs` workers on Ray, and write a row for each to a ledger.

    `command` is abc2midi, midi2abc, convert_files, classify_file, generate, compress or detect, and `options` are those
    of the function of that name. `generate` takes no sources but `count`, `seed` and `tries`. A manifest (.jsonl, .csv,
    .parquet) lists further files in its column `path`. `cluster` is `ray`, which starts Ray on this computer, or
    ray://ADDRESS. `output` is a folder. The same call goes on from the ledger where an earlier one ended, however it
    ended; a file with an error is done again with `retry_failed` only. `on_note` is called, in another thread, when
    the cluster has too few CPUs for the run, and when it has enough again. Outputs are the same bytes as without Ray.
    docs/bulk.md has the fields of a row. Raises ConfigError for a ledger of other settings, or one in use, ToolError
    without Ray, and what the command raises before it begins; the error of a file is in its row.
    """
    names = input_names(sources)
    asked = _Asked(
        command=command, names=names, manifest=None if manifest is None else str(manifest), cluster=cluster, jobs=jobs,
        output=None if output is None else str(output), ledger=None if ledger is None else str(ledger), force=force,
        retry_failed=retry_failed,
    )  # fmt: skip
    if not asked.rows_path.exists():  # no ledger is begun that no worker can fill
        check_cluster(cluster)
    execute = partial(run_on_ray, on_note=on_note)
    return run_bulk(asked, options, execute=execute, on_progress=on_progress)


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """The arguments of `bulk`."""

    command: str
    names: list[str]
    manifest: str | None
    cluster: str
    jobs: int
    output: str | None
    ledger: str | None
    force: bool
    retry_failed: bool

    def __post_init__(self) -> None:
        if self.jobs < 1:
            raise ConfigError(f"jobs {self.jobs} is out of range; choose 1 or more.")
        if self.cluster != "ray" and not self.cluster.startswith("ray://"):
            raise ConfigError(f"the cluster {self.cluster!r} is unknown; choose ray, or ray://ADDRESS.")
        if STDIO in (*self.names, self.manifest, self.output):
            raise ConfigError("stdin and stdout are not for a cluster; name files and a folder.")
        given = bool(self.names) or self.manifest is not None
        if self.command == "generate" and given:
            raise ConfigError("generate reads no files; leave the sources and the manifest out.")
        if self.command != "generate" and not given:
            raise ConfigError("there is nothing to do. Name files or folders, or a manifest.")
        if self.output is not None and os.path.exists(self.output) and not os.path.isdir(self.output):
            raise OutputError("this is a file; with a cluster the output is a folder.", file=self.output)

    @property
    def roots(self) -> list[str]:
        """The folders among the inputs, whose structure the output folder takes over."""
        folders = [name for name in self.names if os.path.isdir(name)]
        return folders if self.manifest is None else [*folders, os.path.dirname(self.manifest) or os.curdir]

    @property
    def ledger_path(self) -> str:
        """Where the ledger stands: by default beside the output folder, else in the current one."""
        if self.ledger is not None:
            return self.ledger
        if self.output is None:
            return f"{self.command}.ledger.jsonl"
        folder = os.path.normpath(self.output)
        if os.path.basename(folder) in ("", os.curdir, os.pardir):
            folder = os.path.abspath(folder)
        return f"{folder}.{self.command}.ledger.jsonl"

    @property
    def rows_path(self) -> Path:
        """The ledger in JSON Lines: the ledger itself, or what the Parquet file is made of."""
        return Path(self.ledger_path + ".jsonl" if self.wants_parquet else self.ledger_path)

    @property
    def wants_parquet(self) -> bool:
        """Whether the ledger is a Parquet file at the end."""
        return self.ledger_path.lower().endswith(".parquet")


def run_bulk(asked: _Asked, options: dict[str, Any], *, execute: Execute, on_progress: Progress | None) -> BulkSummary:
    """The run of `bulk`; `execute` runs the workers."""
    started = time.monotonic()
    seeds, options = _seeds(asked, options)
    command = command_of(asked.command, options, asked.roots, asked.output)
    _check_parquet(asked)
    with _errors_of_state(asked):
        return _run(asked, options, command, seeds, started, execute, on_progress)


@contextmanager
def _errors_of_state(asked: _Asked) -> Iterator[None]:
    """Raises OutputError for what the index cannot do, and for what cannot be written beside the ledger."""
    state = f"{asked.rows_path}{STATE}"
    try:
        yield
    except sqlite3.Error as error:
        raise OutputError(
            f"the index cannot be used ({error}). Delete this folder, and it is made again.", file=state
        ) from error
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror or error}.", file=error.filename or state) from error


def _run(
    asked: _Asked,
    options: dict[str, Any],
    command: Command,
    seeds: Seeds | None,
    started: float,
    execute: Execute,
    on_progress: Progress | None,
) -> BulkSummary:
    ledger = _open_ledger(asked, command, seeds)
    settings = WorkSettings(
        command=asked.command, options=options, roots=asked.roots, output=asked.output, force=asked.force,
        state=os.path.abspath(ledger.folder), run=ledger.run, home=os.getcwd(), jobs=asked.jobs,
    )  # fmt: skip
    complete = False
    try:
        planner = _planner(asked, command, ledger, seeds)
        _work(asked, settings, planner, ledger, execute, on_progress)
        complete = True
        if asked.wants_parquet:
            write_parquet(asked.rows_path, Path(asked.ledger_path))
        return _summary(asked, ledger, planner, seeds, started)
    finally:
        ledger.close(complete=complete)


def _check_parquet(asked: _Asked) -> None:
    """Raise OutputError for a Parquet file that no earlier run made, and that this one would replace at its end."""
    path = asked.ledger_path
    if not asked.wants_parquet or not os.path.lexists(path):
        return
    is_manifest = (
        asked.manifest is not None and os.path.exists(asked.manifest) and os.path.samefile(path, asked.manifest)
    )
    if is_manifest or not asked.rows_path.exists():
        raise OutputError("exists already, and is not a ledger of an earlier run. Name another file.", file=path)


def _seeds(asked: _Asked, options: dict[str, Any]) -> tuple[Seeds | None, dict[str, Any]]:
    """(the seeds of `generate`, the options without theirs). An unnamed seed is that of the ledger, if there is one."""
    if asked.command != "generate":
        return None, options
    from bytesim.tasks.generate.generate import TRIES, check_counts

    if options.get("prompt_file") == STDIO:
        raise ConfigError("stdin is not for a cluster; name a file for the prompt.")
    others = {name: value for name, value in options.items() if name not in ("count", "seed", "tries")}
    count, tries, first = options.get("count", 1), options.get("tries", TRIES), options.get("seed")
    check_counts(count, tries, asked.jobs, others.get("max_bytes"), others.get("temperature", 1.0), asked.output)
    tries = 1 if others.get("temperature") == 0 else tries
    if first is None:
        header = read_header(asked.rows_path) or {}
        first = header.get("settings", {}).get("seed", secrets.randbelow(1 << 31))
        if type(first) is not int:
            raise ConfigError(
                "this ledger is damaged: its seed is not a number. Name another ledger.", file=str(asked.rows_path)
            )
    return Seeds(count=count, first=first, tries=tries), others


def _open_ledger(asked: _Asked, command: Command, seeds: Seeds | None) -> Ledger:
    home = os.getcwd()
    drawn = {} if seeds is None else {"count": seeds.count, "seed": seeds.first, "tries": seeds.tries}
    settings = {**command.settings(), **drawn, "output": asked.output, "current folder": home}
    header = {"bytesim": bytesim.__version__, "command": asked.command, "settings": settings}
    return Ledger(
        asked.rows_path,
        header,
        counted=lambda row: [name for result in row["results"] for name in command.counted(result)],
        retry_failed=asked.retry_failed,
        distinct=seeds is not None,
    )


def _planner(asked: _Asked, command: Command, ledger: Ledger, seeds: Seeds | None) -> Planner:
    names: Iterable[str | None]
    factor = command.share_factor
    if seeds is None:
        skip = [os.path.abspath(path) for path in {str(asked.rows_path), asked.ledger_path, str(ledger.folder)}]
        names = stream_names(
            asked.names, asked.manifest, suffixes=command.suffixes, walk=command.walks, skip=tuple(skip)
        )
        return Planner(ledger.folder / PLAN, names, ledger, command.targets, jobs=asked.jobs, share_factor=factor)
    planner = Planner(ledger.folder / PLAN, (), ledger, command.targets, jobs=asked.jobs, share_factor=factor)

    def kind_of(name: str) -> str | None:
        with ledger.lock:
            return ledger.index.kind_of(name)

    planner.names = seeds.names(kind_of, planner.stopped)
    return planner


def _work(
    asked: _Asked,
    settings: WorkSettings,
    planner: Planner,
    ledger: Ledger,
    execute: Execute,
    on_progress: Progress | None,
) -> None:
    """Run the workers over the plan; the rows go to the ledger as they come."""
    done = 0
    planner.start()
    try:
        if planner.has_work():  # otherwise the workers need not be started
            ordered = asked.command == "generate"
            with execute(asked.cluster, settings, planner.path, jobs=asked.jobs, ordered=ordered) as shares:
                for share in shares:
                    if planner.error is not None:
                        break
                    done += len(ledger.add(share.rows))
                    remove_mark(ledger.folder, ledger.run, share.number)
                    if on_progress is not None:
                        on_progress(done + planner.done_before, planner.planned + planner.done_before)
    finally:
        planner.stop()
    if planner.error is not None:
        raise planner.error


def _summary(asked: _Asked, ledger: Ledger, planner: Planner, seeds: Seeds | None, started: float) -> BulkSummary:
    index = ledger.index
    errors = index.counts(FAILED)
    summary = BulkSummary(
        command=asked.command,
        ledger=asked.ledger_path,
        files=sum(index.counts(ROWS).values()),
        failed=sum(errors.values()),
        done_before=planner.done_before,
        seconds=time.monotonic() - started,
        results=index.counts("result"),
        errors=errors,
    )
    if seeds is None:
        return summary
    valid = summary.files - summary.failed  # a seed that drew no valid file is followed by another
    return replace(summary, files=seeds.count, failed=seeds.count - valid)
