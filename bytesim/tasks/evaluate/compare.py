"""`bytesim evaluate compare`: several recipes trained with the same number of floating-point operations.

Each recipe is trained in a process of its own, so that its peak memory is its own. The row of a recipe that was
compared before, in the same folder and to the same length, is taken from there.
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path

import torch

from bytesim.engine.decode import decode_in_order
from bytesim.engine.hardware import open_device
from bytesim.errors import ConfigError, OutputError, ToolError
from bytesim.files import Inputs, check_output, input_names, write_output
from bytesim.locks import locked_folder
from bytesim.models.blt.model import BLT
from bytesim.models.folder import WEIGHTS_FILE
from bytesim.models.interface import ByteModel, writes_bytes
from bytesim.pictures.compare import Curve, plot_curves
from bytesim.processes import EndedProcess, map_in_processes
from bytesim.requests import Request
from bytesim.tasks.train.dtype import with_dtype
from bytesim.tasks.train.report import save_results
from bytesim.training.checkpoint_names import has_checkpoint, remove_checkpoints
from bytesim.training.data.examples import Example
from bytesim.training.data.shards import sha256_of
from bytesim.training.data.streams import find_path
from bytesim.training.interrupt import Interrupt
from bytesim.training.log import LOG_FILE
from bytesim.training.loop import Trainer
from bytesim.training.recipe import Recipe, load_recipe, read_recipe_text
from bytesim.training.step import StepReport
from bytesim.training.validation import sample

COUNTED_STEPS = 8
"""Steps, evenly spread over a training, whose operations are counted to find its length."""
MEASURED_FILES = 4
"""Files that are decoded together to measure the speed."""
DECODED_BYTES = 256
"""Most bytes that each of them gets; it ends where the model ends it."""
KEY_FILE = "compared.key"
"""File in the folder of a training that says which training it is."""
ROW_FILE = "compared.json"
"""File in the folder of a training with its row of the table."""
LEAST_STEPS = 20
"""A training of fewer steps says nothing about an architecture."""

OnNote = Callable[[str], None]
"""Called with a line about the training that runs, in its process; so it must be a function of a module."""
NOTE_S = 30.0
"""Seconds between the lines about the progress of a training."""


def tell_nobody(line: str) -> None:
    """The default of `on_note`."""


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One recipe, trained and measured."""

    name: str
    recipe: str
    """Path of the recipe."""
    architecture: str
    parameters: int
    """All parameters, those of a BLT's entropy model included."""
    steps: int
    tflops: float
    """Floating-point operations of the training, in 10^12; those of matrix products, convolutions and attention."""
    train_bytes: int
    """Scored bytes of the training."""
    train_bytes_per_s: float
    decode_bytes_per_s: float
    """Of MEASURED_FILES files together, greedy, prefill included; ends of files count as bytes."""
    peak_memory_bytes: int | None
    """Most memory of the process, or of the GPU, in training and measurement; None where it is not known."""
    mean_patch_bytes: float
    """Mean bytes of a patch in the validation files."""
    bits_per_byte: dict[str, float]
    """Validation source -> bits per byte."""
    curve: list[tuple[float, float]]
    """(10^12 operations, mean bits per byte of all validation sources) during the training."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """All recipes of a comparison."""

    tflops: float
    """The floating-point operations that each training was given, in 10^12."""
    rows: list[Compared]
    picture: str | None
    """Path of the picture of the learning curves; None without one."""


def evaluate_compare(
    recipes: Inputs,
    *,
    tflops: float = 100.0,
    out: str | Path = "runs/compare",
    picture: str | Path | None = None,
    device: str = "auto",
    force: bool = False,
    on_note: OnNote = tell_nobody,
) -> Comparison:
    """Train recipes with `tflops` * 10^12 floating-point operations each, and measure them on the same files.

    The recipes must have different names and the same `[[validation]]`. Models are written to folders of `out`, where
    an interrupted comparison goes on; a recipe that has changed, or its data, is trained anew. `picture` is a PNG of
    the learning curves. `on_note` must be a function of a module. Raises ConfigError for recipes that cannot be
    compared, InputError, ModelError, OutputError, and ToolError if a training is killed.
    """
    if not (tflops > 0 and math.isfinite(tflops)):
        raise ConfigError(f"tflops is {tflops:g}; choose more than 0.")
    paths = [Path(recipe) for recipe in input_names(recipes)]
    loaded = [load_recipe(path) for path in paths]
    if not paths:
        raise ConfigError("name the recipes to compare.")
    _check(loaded)
    dtype = with_dtype(loaded[0], open_device(device)).training.dtype  # tells a wrong device before any work
    if picture is not None:
        check_output(picture, force=force)
    rows = []
    for number, (path, recipe) in enumerate(zip(paths, loaded, strict=True)):
        run = Path(out) / recipe.name
        cell = _Cell(path=path, folder=run, tflops=tflops, device=device, dtype=dtype, on_note=on_note)
        on_note(f"{number + 1} of {len(paths)}: {recipe.name}")
        row = cell.earlier_row()
        rows.append(row if row is not None else _in_a_process(cell))
    if picture is not None:
        curves = [Curve(row.name, row.curve) for row in rows]
        write_output(picture, plot_curves(curves), force=force)
    return Comparison(tflops=tflops, rows=rows, picture=None if picture is None else str(picture))


def _in_a_process(cell: _Cell) -> Compared:
    try:
        return next(row for _, row in map_in_processes(_nothing, _compared, [cell], jobs=1))
    except EndedProcess as error:
        raise ToolError(
            "the training was killed, perhaps for lack of memory. Make micro_bytes of its recipe smaller.",
            file=str(cell.path),
        ) from error


def _check(recipes: Sequence[Recipe]) -> None:
    """Raise ConfigError if the recipes cannot be compared."""
    names = [recipe.name for recipe in recipes]
    if len(set(names)) < len(names):
        raise ConfigError("two recipes have the same name; their models would share a folder. Rename one.")
    if any(recipe.labels for recipe in recipes):
        raise ConfigError("compare is for models that write files; a recipe with labels trains a classifier.")
    if not recipes[0].validation or any(recipe.validation != recipes[0].validation for recipe in recipes):
        raise ConfigError("the recipes are not measured on the same files; give all of them the same [[validation]].")


@dataclass(frozen=True)
class _Cell:
    """What a process trains."""

    path: Path
    folder: Path
    tflops: float
    device: str
    dtype: str
    """That of recipes that leave it to the device, so that all are trained in the same."""
    on_note: OnNote

    @cached_property
    def key(self) -> str:
        """Identifies the training: its length, its recipe, the data, and the weights that it starts from."""
        recipe, base = load_recipe(self.path), self.path.parent
        digest = hashlib.sha256(f"{self.tflops}\n{read_recipe_text(self.path)}".encode())
        for source in (*recipe.data, *recipe.validation):
            digest.update(_identity(find_path(source, base)) if source.path else b"")
        for folder in (recipe.start_from, *recipe.start_parts.values()):
            digest.update(_identity(base / folder / WEIGHTS_FILE) if folder else b"")
        return digest.hexdigest()

    def clear(self) -> None:
        """Remove the run of another training that an earlier comparison left. Raises OutputError for any other run."""
        marker = self.folder / KEY_FILE
        try:
            same = marker.is_file() and marker.read_text(encoding="utf-8").strip() == self.key
            if has_checkpoint(self.folder) and not same:
                if not marker.is_file():
                    raise OutputError("holds a training that is not of a comparison; name another folder with --out.")
                remove_checkpoints(self.folder)
                (self.folder / LOG_FILE).unlink(missing_ok=True)
            self.folder.mkdir(parents=True, exist_ok=True)
            write_output(marker, f"{self.key}\n".encode(), force=True)
        except OSError as error:
            raise OutputError(f"cannot be used ({error.strerror}).", file=str(self.folder)) from error
        except OutputError as error:
            raise error.in_file(str(self.folder)) from error

    def earlier_row(self) -> Compared | None:
        """The row of an earlier comparison with the same recipe and length, if its folder has one."""
        try:
            values = json.loads((self.folder / ROW_FILE).read_text(encoding="utf-8"))
            if values.pop("key") == self.key:
                return Compared(**{**values, "curve": [tuple(point) for point in values["curve"]]})
        except (OSError, ValueError, KeyError, TypeError):
            pass
        return None

    def keep(self, row: Compared) -> None:
        """Write the row to the folder of the training. Raises OutputError."""
        text = json.dumps({"key": self.key, **asdict(row)}, indent=1)
        write_output(self.folder / ROW_FILE, f"{text}\n".encode(), force=True)


def _identity(path: Path) -> bytes:
    """What tells files from others: the SHA-256 of a file; in a folder, the names and sizes of its files."""
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file())
        return repr([(file.relative_to(path).as_posix(), file.stat().st_size) for file in files]).encode()
    return sha256_of(path).encode() if path.is_file() else b""


def _nothing() -> None:
    """The state of a process: none."""


def _compared(state: None, cell: _Cell) -> Compared:
    """Train and measure one recipe."""
    if cell.folder.exists() and not cell.folder.is_dir():
        raise OutputError("is a file; name another folder with --out.", file=str(cell.folder))
    with locked_folder(cell.folder):
        return _trained(cell)


def _trained(cell: _Cell) -> Compared:
    """The same, in a run folder that no other process uses."""
    recipe = load_recipe(cell.path)
    cell.clear()
    recipe = replace(recipe, training=recipe.training.replace(steps=1, minutes=0.0))
    device = open_device(cell.device)
    trainer = Trainer(
        with_dtype(recipe, device, cell.folder, chosen=cell.dtype),
        base=cell.path.parent,
        folder=cell.folder,
        device=device,
        on_note=cell.on_note,
        loaders=0,  # a process of a pool has no processes of its own
        count_flops=True,
    )
    steps = _steps(trainer, cell.tflops)
    trainer.change(steps=steps)
    trainer.progress.total_steps = steps
    trainer.run(_Told(cell.on_note), interrupt=Interrupt())
    trained = save_results(trainer, read_recipe_text(cell.path), 0)
    lines = list(trainer.log.lines())
    model = trainer.model.eval()
    assert writes_bytes(model)
    examples = [stream.example(index) for stream in trainer.validation for index in sample(stream)]
    row = Compared(
        name=recipe.name,
        recipe=str(cell.path),
        architecture=recipe.model.to_dict()["architecture"],
        parameters=trained.num_parameters,
        steps=trained.steps,
        tflops=sum(line.get("flops", 0) for line in lines) / 1e12,
        train_bytes=trained.bytes_seen,
        train_bytes_per_s=trained.bytes_seen / max(sum(line.get("seconds", 0) for line in lines), 1e-9),
        decode_bytes_per_s=_decode_speed(model, examples[:: max(1, len(examples) // MEASURED_FILES)]),
        peak_memory_bytes=_peak_memory(trainer.device),
        mean_patch_bytes=_mean_patch(model, examples),
        bits_per_byte=trained.validation,
        curve=list(_curve(lines)),
    )
    cell.keep(row)
    return row


def _steps(trainer: Trainer, tflops: float) -> int:
    """The number of steps of this many operations, from those of COUNTED_STEPS steps. Raises ConfigError."""
    flops = trainer.gradients.flops
    assert flops is not None
    places = 1000
    before = flops.total
    for number in range(COUNTED_STEPS):
        trainer.gradients.accumulate(trainer.feed.draw(round(number * places / COUNTED_STEPS), places))
        trainer.model.zero_grad(set_to_none=True)
    each = (flops.total - before) / COUNTED_STEPS
    flops.total = before
    steps = round(tflops * 1e12 / each)
    if steps < LEAST_STEPS:
        needed = LEAST_STEPS * each / 1e12
        raise ConfigError(
            f"{tflops:g} * 10^12 operations are {steps} steps of {trainer.recipe.name}; a comparison needs "
            f"{LEAST_STEPS}. Give at least {1.1 * needed:.2g}, or make its batch_bytes smaller."
        )
    return steps


class _Told:
    """Tells of the steps of a training, every NOTE_S."""

    def __init__(self, on_note: OnNote) -> None:
        self.on_note = on_note
        self.told = time.monotonic()

    def __call__(self, report: StepReport) -> None:
        if time.monotonic() - self.told > NOTE_S:
            self.told = time.monotonic()
            self.on_note(f"step {report.step:,} of {report.total_steps or 0:,}, loss {report.loss_nats:.4f}")


def _decode_speed(model: ByteModel, examples: Sequence[Example]) -> float:
    """Bytes per second when MEASURED_FILES files are written together, each after its source or its first half."""
    size, most = model.config.patch_size, model.config.max_patches
    requests = []
    for example in examples[:MEASURED_FILES]:
        known = max(example.first + example.given, 0 if example.source else len(example.patches) // 2)
        known = min(known, most - 1)
        requests.append(
            Request(
                history=example.patches[:known],
                first=min(example.first, known),
                source=example.source if model.config.inputs.source else b"",
                max_patches=min(known + -(-DECODED_BYTES // size), most),
            )
        )
    start = time.perf_counter()
    replies = decode_in_order(model, requests)
    return sum(len(reply.token_nats) for reply in replies) / (time.perf_counter() - start)


@torch.inference_mode()
def _mean_patch(model: ByteModel, examples: Sequence[Example]) -> float:
    """Mean bytes of a patch: the patch size, or for a BLT what its borders make of the examples."""
    if not isinstance(model, BLT):
        return float(model.config.patch_size)
    device = model.decoder.head.weight.device
    tokens = [torch.from_numpy(example.patches[:, 0].astype("int64")).to(device)[None] for example in examples]
    patches = sum(int(model.borders(each)[0].ends.sum()) for each in tokens)
    return sum(each.shape[1] for each in tokens) / patches


def _peak_memory(device: torch.device) -> int | None:
    """Most memory so far: of the GPU, or of this process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _curve(lines: Sequence[dict[str, object]]) -> Iterator[tuple[float, float]]:
    """(10^12 operations so far, mean figure of the validation sources) of each validation in a log."""
    flops = 0.0
    for line in lines:
        counted, figures = line.get("flops"), line.get("validation")
        flops += counted if isinstance(counted, (int, float)) else 0
        if isinstance(figures, dict) and figures:
            yield flops / 1e12, sum(figures.values()) / len(figures)


def table(comparison: Comparison) -> list[str]:
    """The comparison as rows of a Markdown table."""
    sources = list(comparison.rows[0].bits_per_byte)
    head = ["recipe", "parameters", *(f"bits per byte, {source}" for source in sources)]
    head += ["bytes a patch", "train bytes/s", "decode bytes/s", "peak memory", "steps", "10^12 operations"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in comparison.rows:
        memory = "unknown" if row.peak_memory_bytes is None else f"{row.peak_memory_bytes / 2**20:,.0f} MiB"
        cells = [row.name, f"{row.parameters / 1e6:.2f} M", *(f"{row.bits_per_byte[each]:.4f}" for each in sources)]
        cells += [f"{row.mean_patch_bytes:.2f}", f"{row.train_bytes_per_s:,.0f}", f"{row.decode_bytes_per_s:,.0f}"]
        cells += [memory, f"{row.steps:,}", f"{row.tflops:.1f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return lines
