"""Ray: starts or joins a cluster, and runs workers over a plan with Ray Data. Only this file imports ray.

The plan is read by one task, which gives one share after the other; an actor pool of a fixed size works on them; the
rows of a share come back as one block. Ray Data holds the reader back when the workers are busy, starts an actor again
whose process died, and gives its shares to another.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from bytesim import errors
from bytesim.cluster.plan import follow_plan
from bytesim.cluster.ray_quiet import quiet
from bytesim.cluster.ray_watch import Note, tell_nobody, watch_cpus
from bytesim.cluster.work import Done, Worker, WorkSettings
from bytesim.errors import BytesimError, ConfigError, ToolError

_SCHEME = "ray://"
_REACH_S = 5.0


@contextmanager
def run_on_ray(
    cluster: str, settings: WorkSettings, plan: Path, *, jobs: int, ordered: bool, on_note: Note = tell_nobody
) -> Iterator[Iterator[Done]]:
    """Gives an iterator over the shares of a plan, done by `jobs` actors; in the plan's order if `ordered`.

    `on_note` is called when the cluster has too few CPUs, and when it has enough again. Raises ToolError without Ray or
    where it cannot be reached, ConfigError for a cluster with too few CPUs, and the BytesimError of a worker that could
    not begin.
    """
    check_cluster(cluster)
    address = _address(cluster)
    if address is not None:
        settings = replace(settings, jobs=None)
    with quiet(Path(settings.state) / "ray.log"):
        import ray
        import ray.data

        if ray.is_initialized():
            raise ToolError("this process uses Ray already; call ray.shutdown() first.")
        try:
            _start(ray, address, jobs)
            with watch_cpus(lambda: _num_cpus(ray), jobs + 1, on_note):
                yield _rows(ray, settings, plan, jobs, ordered)
        except ray.exceptions.RayTaskError:
            raise  # an error of ours, with its traceback
        except ray.exceptions.RayError as error:
            first = str(error).splitlines()[0]
            raise ToolError(f"Ray has stopped the run: {first} The ledger keeps what is done.") from error
        finally:
            ray.shutdown()


def check_cluster(cluster: str) -> None:
    """Raise ToolError without Ray, or if nobody answers at a cluster's address, and ConfigError for a wrong address."""
    if importlib.util.find_spec("ray") is None:
        raise ToolError('--cluster needs Ray, which is not installed: pip install "bytesim[ray]".')
    address = _address(cluster)
    if address is not None:
        _check_reachable(address)


def _address(cluster: str) -> str | None:
    return cluster.removeprefix(_SCHEME) if cluster.startswith(_SCHEME) else None


def _check_reachable(address: str) -> None:
    """Raise ToolError at once if nobody answers at an address, for which Ray itself would wait for minutes."""
    host, _, port = address.rpartition(":")
    if address == "auto":
        return
    if not host or not port.isdigit():
        raise ConfigError(f"the cluster {_SCHEME}{address} has no port; write {_SCHEME}HOST:6379, or {_SCHEME}auto.")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_REACH_S).close()
    except (OSError, OverflowError) as error:
        raise ToolError(
            f"no cluster answers at {address} ({error}). Start one with `ray start --head`, or use --cluster ray."
        ) from error


def _start(ray: Any, address: str | None, jobs: int) -> None:
    """Start Ray on this computer, or join a cluster. Raises ConfigError if it has too few CPUs, and ToolError."""
    quiet = {"log_to_driver": False, "configure_logging": False, "logging_level": logging.CRITICAL}
    if address is None:
        # One CPU more than workers: the task that reads the plan takes one, and without it all would wait for ever
        # (https://github.com/ray-project/ray/issues/44687).
        ray.init(address="local", num_cpus=jobs + 1, include_dashboard=False, **quiet)
        return
    try:
        ray.init(address=address, **quiet)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise ToolError(f"the cluster at {address} cannot be joined: {str(error).splitlines()[0]}") from error
    cpus = _num_cpus(ray)
    if cpus < jobs + 1:
        raise ConfigError(
            f"the cluster at {address} has {cpus} CPUs; {jobs} workers and the task that gives them files need "
            f"{jobs + 1}. Choose --jobs {max(1, cpus - 1)}, or a larger cluster."
        )


def _num_cpus(ray: Any) -> int:
    """CPUs of a cluster now, those in use included."""
    return int(ray.cluster_resources().get("CPU", 0))


def _rows(ray: Any, settings: WorkSettings, plan: Path, jobs: int, ordered: bool) -> Iterator[Done]:
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.execution_options.preserve_order = ordered
    # A block is one row, a share: otherwise the reader would keep shares until they fill 128 MiB.
    context.target_max_block_size = context.target_min_block_size = 1
    shares = ray.data.read_datasource(_plan_source(ray, os.path.abspath(plan)), override_num_blocks=1, concurrency=1)
    done = shares.map_batches(
        _Actor,
        fn_constructor_args=(settings,),
        batch_size=1,
        batch_format="pyarrow",
        zero_copy_batch=True,
        num_cpus=1,
        compute=ray.data.ActorPoolStrategy(size=jobs, max_tasks_in_flight_per_actor=4),
    )
    # Without a batch ahead: Ray would keep the last rows until there are others, and the plan may wait for them.
    for batch in done.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0):
        for text in batch.column("done").to_pylist():
            done = json.loads(text)
            if "failure" in done:
                kind, message, file = done["failure"]
                raise getattr(errors, kind, BytesimError)(message, file=file)
            yield Done(**done)


def _plan_source(ray: Any, plan: str) -> Any:
    import pyarrow
    from ray.data.block import BlockMetadata

    def read() -> Iterable[Any]:
        for line in follow_plan(plan):
            yield pyarrow.table({"share": [line]})

    class Plan(ray.data.Datasource):
        """The shares of a plan, one to a block, read by one task."""

        def estimate_inmemory_data_size(self) -> int | None:
            return None

        def get_read_tasks(self, parallelism: int, *_: Any, **__: Any) -> list[Any]:
            unknown = {field.name: None for field in fields(BlockMetadata)}  # versions of Ray have different ones
            return [ray.data.ReadTask(read, BlockMetadata(**unknown))]

    return Plan()


class _Actor:
    """A worker as Ray Data calls it: a batch is one share.

    A BytesimError is an answer like others, for of an exception Ray passes on the text alone.
    """

    def __init__(self, settings: WorkSettings) -> None:
        self.failure: BytesimError | None = None
        try:
            self.worker = Worker(settings)
        except BytesimError as error:
            self.failure = error

    def __call__(self, batch: Any) -> Any:
        import pyarrow

        (line,) = batch.column("share").to_pylist()
        return pyarrow.table({"done": [json.dumps(self._answer(line))]})

    def _answer(self, line: str) -> dict[str, Any]:
        try:
            if self.failure is not None:
                raise self.failure
            return vars(self.worker.do(line))  # its rows are plain values already
        except BytesimError as error:
            return {"failure": [type(error).__name__.lstrip("_"), error.message, error.file]}
