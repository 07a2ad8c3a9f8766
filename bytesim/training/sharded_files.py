"""Sharded checkpoints: a folder with one safetensors file for each process, and index.json, which says where what lies.

torch.distributed.checkpoint (DCP) plans what each process writes and reads, so a checkpoint of four processes can be
read by two, or by one. DCP's own storage is not used, because its index is a pickle, which its reader executes. The
index here is JSON; it has the sha256 of every file and of itself, and all of it is checked before a tensor is read.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor
from torch.distributed.checkpoint import ChunkStorageMetadata, Metadata, StorageReader, StorageWriter
from torch.distributed.checkpoint.metadata import MetadataIndex, TensorProperties, TensorStorageMetadata
from torch.distributed.checkpoint.planner import LoadPlan, LoadPlanner, SavePlan, SavePlanner
from torch.distributed.checkpoint.storage import WriteResult
from torch.futures import Future

from bytesim.training.durable import write_through
from bytesim.training.progress import LARGEST_COUNT, json_object
from bytesim.training.state import DTYPES, Layout
from bytesim.training.tensor_files import open_tensors

INDEX_FILE = "index.json"
MAX_INDEX_BYTES = 256 << 20
_FILE = re.compile(r"rank-[0-9]{1,6}\.safetensors")
_DTYPES = {str(dtype).removeprefix("torch."): dtype for dtype in DTYPES.values()}


@dataclass(frozen=True, slots=True)
class Part:
    """The rows of a tensor that one file has, from `start` on; a tensor without dimensions has one part."""

    file: str
    start: int
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Index:
    """The content of index.json."""

    texts: dict[str, str]
    """Progress, recipe and what else the checkpoint says of itself."""
    layout: Layout
    parts: dict[str, list[Part]]
    """Name -> the parts of the tensor, which follow each other without a gap."""
    hashes: dict[str, str]
    """File -> its sha256, in hexadecimal."""


class Writer(StorageWriter):
    """Writes the tensors of a checkpoint, each process its own file; the first writes the index when all have."""

    def __init__(self, folder: Path, texts: Mapping[str, str], rank: int) -> None:
        self.folder = folder
        self.texts = texts
        self.file = f"rank-{rank}.safetensors"

    def reset(self, checkpoint_id: str | os.PathLike[str] | None = None) -> None:
        """Part of torch's interface; there is nothing to reset."""

    def set_up_storage_writer(self, is_coordinator: bool, *args: Any, **kwargs: Any) -> None:
        """Part of torch's interface; the folder is there already."""

    def prepare_local_plan(self, plan: SavePlan) -> SavePlan:
        """The plan as it is."""
        return plan

    def prepare_global_plan(self, plans: list[SavePlan]) -> list[SavePlan]:
        """The plans as they are."""
        return plans

    def write_data(self, plan: SavePlan, planner: SavePlanner) -> Future[list[WriteResult]]:
        """Write the file of this process. Raises OSError."""
        tensors: dict[str, Tensor] = {}
        for item in plan.items:
            assert item.index.fqn not in tensors, "no process has two parts of one tensor"
            part = planner.resolve_data(item)
            assert isinstance(part, Tensor), "a checkpoint holds tensors alone: other values would be pickled"
            tensors[item.index.fqn] = part.detach().cpu().contiguous()
        data = save(tensors)
        write_through(self.folder / self.file, data)
        written = (self.file, hashlib.sha256(data).hexdigest())
        sizes = {name: tensor.numel() * tensor.element_size() for name, tensor in tensors.items()}
        future: Future[list[WriteResult]] = Future()
        future.set_result([WriteResult(item.index, sizes[item.index.fqn], written) for item in plan.items])
        return future

    def finish(self, metadata: Metadata, results: list[list[WriteResult]]) -> None:
        """Write the index. Raises OSError."""
        tensors: dict[str, Any] = {}
        hashes: dict[str, str] = {}
        for result in (result for of_rank in results for result in of_rank):
            stored = metadata.state_dict_metadata[result.index.fqn]
            assert isinstance(stored, TensorStorageMetadata)
            chunk = next(chunk for chunk in stored.chunks if chunk.offsets == result.index.offset)
            file, hashes[result.storage_data[0]] = result.storage_data
            dtype = str(stored.properties.dtype).removeprefix("torch.")
            entry = tensors.setdefault(result.index.fqn, {"dtype": dtype, "shape": list(stored.size), "parts": []})
            entry["parts"].append({"file": file, "start": next(iter(chunk.offsets), 0), "shape": list(chunk.sizes)})
        for entry in tensors.values():
            entry["parts"].sort(key=lambda part: (part["start"], part["shape"]))
        content = {"texts": dict(self.texts), "tensors": tensors, "files": hashes}
        text = json.dumps({**content, "sha256": _digest(content)})
        write_through(self.folder / INDEX_FILE, text.encode())

    @classmethod
    def validate_checkpoint_id(cls, checkpoint_id: str | os.PathLike[str]) -> bool:
        """Part of torch's interface."""
        return True


class Reader(StorageReader):
    """Reads the tensors of a checkpoint whose index and files have been checked."""

    def __init__(self, folder: Path, index: Index) -> None:
        self.folder = folder
        self.index = index
        self.files: dict[MetadataIndex, str] = {}

    def reset(self, checkpoint_id: str | os.PathLike[str] | None = None) -> None:
        """Part of torch's interface; there is nothing to reset."""

    def read_metadata(self, *args: Any, **kwargs: Any) -> Metadata:
        """The index as torch's planner needs it."""
        tensors: dict[str, Any] = {}
        for name, (dtype, shape) in self.index.layout.items():
            chunks = []
            for part in self.index.parts[name]:
                offsets = torch.Size([part.start, *(0 for _ in part.shape[1:])] if part.shape else [])
                chunks.append(ChunkStorageMetadata(offsets=offsets, sizes=torch.Size(part.shape)))
                self.files[MetadataIndex(name, offsets)] = part.file
            properties = TensorProperties(dtype=dtype)
            tensors[name] = TensorStorageMetadata(properties=properties, size=torch.Size(shape), chunks=chunks)
        return Metadata(state_dict_metadata=tensors)

    def set_up_storage_reader(self, metadata: Metadata, is_coordinator: bool, *args: Any, **kwargs: Any) -> None:
        """Fill the table of files on the processes that did not read the metadata."""
        self.read_metadata()

    def prepare_local_plan(self, plan: LoadPlan) -> LoadPlan:
        """The plan as it is."""
        return plan

    def prepare_global_plan(self, plans: list[LoadPlan]) -> list[LoadPlan]:
        """The plans as they are."""
        return plans

    def read_data(self, plan: LoadPlan, planner: LoadPlanner) -> Future[None]:
        """Copy what this process needs of each file into its tensors. Raises OSError."""
        by_file: dict[str, list[Any]] = {}
        for item in plan.items:
            by_file.setdefault(self.files[item.storage_index], []).append(item)
        for file, items in by_file.items():
            with open_tensors(self.folder / file) as stored:
                for item in items:
                    places = zip(item.storage_offsets, item.lengths, strict=True)
                    rows = [slice(start, start + length) for start, length in places]
                    name = item.storage_index.fqn
                    tensor = stored.get_slice(name)[tuple(rows)] if rows else stored.get_tensor(name)
                    target = planner.resolve_tensor(item).detach()
                    target.copy_(tensor)
                    planner.commit_tensor(item, target)
        future: Future[None] = Future()
        future.set_result(None)
        return future

    @classmethod
    def validate_checkpoint_id(cls, checkpoint_id: str | os.PathLike[str]) -> bool:
        """Part of torch's interface."""
        return True


def read_index(folder: Path) -> Index:
    """The index of a sharded checkpoint. Raises OSError if it cannot be read, ValueError if it is damaged."""
    with (folder / INDEX_FILE).open("rb") as file:
        data = file.read(MAX_INDEX_BYTES + 1)
    if len(data) > MAX_INDEX_BYTES:
        raise ValueError("its index is too long")
    values = json_object(data.decode("utf-8"))
    if values.keys() != {"texts", "tensors", "files", "sha256"}:
        raise ValueError("its index has other fields than a training writes")
    content = {name: values[name] for name in ("texts", "tensors", "files")}
    if not all(isinstance(part, dict) for part in content.values()) or values["sha256"] != _digest(content):
        raise ValueError("the sha256 of its index is another than when it was written")
    texts, files = content["texts"], content["files"]
    if not all(isinstance(text, str) for text in (*texts.values(), *files.values())):
        raise ValueError("its index has values that are not texts")
    if not all(_FILE.fullmatch(name) for name in files):
        raise ValueError("its index names other files than a training writes")
    tensors = {name: _tensor(name, entry, files) for name, entry in content["tensors"].items()}
    layout = {name: (dtype, shape) for name, (dtype, shape, _) in tensors.items()}
    return Index(texts, layout, {name: parts for name, (_, _, parts) in tensors.items()}, files)


def _tensor(name: str, entry: Any, files: Mapping[str, str]) -> tuple[torch.dtype, tuple[int, ...], list[Part]]:
    """Dtype, shape and parts of a tensor in the index. Raises ValueError if the parts are not the whole of it."""
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "parts"} or type(entry["dtype"]) is not str:
        raise ValueError(f"its index describes {name[:100]} in another way than a training does")
    shape = _shape(entry["shape"])
    if entry["dtype"] not in _DTYPES or not isinstance(entry["parts"], list) or not entry["parts"]:
        raise ValueError(f"its index describes {name[:100]} in another way than a training does")
    parts, row = [], 0
    for part in entry["parts"]:
        if not isinstance(part, dict) or part.keys() != {"file", "start", "shape"}:
            raise ValueError(f"a part of {name[:100]} is described in another way than a training does")
        rows = _shape(part["shape"])
        if part["start"] != row or type(part["start"]) is not int or rows[1:] != shape[1:] or len(rows) != len(shape):
            raise ValueError(f"the parts of {name[:100]} do not follow each other")
        if not isinstance(part["file"], str) or part["file"] not in files:
            raise ValueError(f"a part of {name[:100]} lies in no file of the checkpoint")
        parts.append(Part(part["file"], row, rows))
        row += rows[0] if rows else 0
    if (shape and row != shape[0]) or (not shape and len(parts) != 1):
        raise ValueError(f"the parts of {name[:100]} are not the whole of it")
    return _DTYPES[entry["dtype"]], shape, parts


def _shape(values: Any) -> tuple[int, ...]:
    if not isinstance(values, list) or not all(type(size) is int and 0 <= size <= LARGEST_COUNT for size in values):
        raise ValueError("a shape in its index is not a list of sizes")
    return tuple(values)


def check_files(folder: Path, index: Index, names: list[str]) -> None:
    """Compare files with their sha256, and their tensors with the index. Raises OSError or ValueError."""
    for name in names:
        digest = hashlib.sha256()
        with (folder / name).open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
        if digest.hexdigest() != index.hashes[name]:
            raise ValueError(f"the sha256 of {name} is another than when it was written")
        expected = {tensor: part.shape for tensor, parts in index.parts.items() for part in parts if part.file == name}
        with open_tensors(folder / name) as stored:
            found = {tensor: tuple(stored.get_slice(tensor).get_shape()) for tensor in stored.keys()}  # noqa: SIM118
        if found != expected:
            raise ValueError(f"{name} has other tensors than the index says")


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
