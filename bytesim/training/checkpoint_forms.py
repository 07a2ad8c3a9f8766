"""The two forms of a checkpoint: one safetensors file, or a folder with a file of each process that trains a share."""

from __future__ import annotations

import inspect
import os
import shutil
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import save
from torch import Tensor

from bytesim.training.distributed import Workers
from bytesim.training.durable import sync_names, write_through
from bytesim.training.state import DTYPES, RNG, Layout, TrainingState, digest_of
from bytesim.training.tensor_files import is_unreadable, open_tensors, read_through

if TYPE_CHECKING:
    from torch.distributed.checkpoint import CheckpointException


class FileForm:
    """A checkpoint in one file. Raises OSError, SafetensorError, KeyError or ValueError if it is damaged.

    `is_unreadable` tells the errors of the system from damage, also for the other form.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        read_through(path)
        with open_tensors(path) as file:
            self.texts: dict[str, str] = file.metadata() or {}
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 - no mapping
            self.layout: Layout = {
                name: (DTYPES[part.get_dtype()], tuple(part.get_shape())) for name, part in slices.items()
            }
        self._tensors: dict[str, Tensor] = {}

    def check(self, workers: Workers) -> None:
        """Read the tensors and compare them with their hash, which checkpoints of older versions lack."""
        with open_tensors(self.path) as file:
            # Clones, because Windows does not replace a file that is still mapped, and the training will replace it.
            self._tensors = {name: file.get_tensor(name).clone() for name in self.layout}
        others = {name: text for name, text in self.texts.items() if name != "sha256"}
        if "sha256" in self.texts and self.texts["sha256"] != digest_of(self._tensors, others):
            raise ValueError("its sha256 is another than when it was written")

    def take(self, state: TrainingState, *, with_best: bool) -> None:
        """Copy the tensors, which have been checked, into the state."""
        state.take(self._tensors)
        self._tensors = {}


class FolderForm:
    """A checkpoint in several files. Raises OSError or ValueError if it is damaged."""

    def __init__(self, path: Path) -> None:
        if not torch.distributed.is_available():
            raise ValueError("a sharded checkpoint, which this torch, built without torch.distributed, cannot read")
        from bytesim.training.sharded_files import read_index

        self.path = path
        self.index = read_index(path)
        self.texts, self.layout = self.index.texts, self.index.layout

    def check(self, workers: Workers) -> None:
        """Compare this worker's share of the files with their hashes."""
        from bytesim.training.sharded_files import check_files

        check_files(self.path, self.index, sorted(self.index.hashes)[workers.rank :: workers.size])

    def take(self, state: TrainingState, *, with_best: bool) -> None:
        """Read what this worker needs into the state; workers that share a model must call this together."""
        from torch.distributed.checkpoint import CheckpointException, load

        from bytesim.training.sharded_files import Reader

        tensors = {**state.live(), RNG: torch.empty_like(torch.get_rng_state())}
        best = state.empty_best() if with_best else {}
        tensors |= {f"best.{name}": value for name, value in best.items()}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a single process reads it
            try:
                load(tensors, storage_reader=Reader(self.path, self.index), **_alone(load, not state.sharded))
            except CheckpointException as error:  # not an Exception
                raise _reading_error(error) from error
        state.best.weights = best
        torch.set_rng_state(tensors[RNG])


def write_file(path: Path, tensors: Mapping[str, Tensor], texts: dict[str, str]) -> None:
    """Write a checkpoint in one file. Raises OSError or SafetensorError."""
    on_cpu = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    # Not save_file, which picks its own temporary name: a kill would leave that file for good.
    write_through(path, save(on_cpu, metadata={**texts, "sha256": digest_of(on_cpu, texts)}))


def write_folder(path: Path, tensors: Mapping[str, Tensor], texts: dict[str, str], workers: Workers) -> None:
    """Write a checkpoint in several files, all workers together. Raises OSError, on all of them alike."""
    from torch.distributed.checkpoint import CheckpointException, save

    from bytesim.training.sharded_files import Writer

    problem = ""
    try:
        if workers.leads:
            if path.exists():
                shutil.rmtree(path)  # what a kill has left
            os.mkdir(path)
    except OSError as error:
        problem = str(error)
    problem = workers.first(problem)
    if problem:
        raise OSError(problem)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a single process writes it
            writer = Writer(path, texts, workers.rank)
            save(dict(tensors), storage_writer=writer, **_alone(save, workers.size == 1))
    except CheckpointException as error:
        raise OSError(_reasons(error)) from error
    if workers.leads:
        sync_names(path)


def _alone(function: Callable[..., Any], alone: bool) -> dict[str, Any]:
    """The argument by which torch saves or loads without the other processes; torch 2.6 lacks it, and sees for itself
    whether there are any."""
    return {"no_dist": alone} if "no_dist" in inspect.signature(function).parameters else {}


def _reading_error(error: CheckpointException) -> Exception:
    """What went wrong on each rank, or that the system did not let one of them read."""
    unreadable = (failure[0] for failure in error.failures.values() if is_unreadable(failure[0]))
    return next(unreadable, ValueError(_reasons(error)))


def _reasons(error: CheckpointException) -> str:
    """What went wrong on each rank."""
    return "; ".join(str(failure[0]) for failure in error.failures.values())
