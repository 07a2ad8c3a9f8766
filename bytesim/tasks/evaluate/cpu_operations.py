"""`bytesim evaluate cpu --exhaustive`: check every operation in every form on all operand values.

The model is given the right states before each; an instruction is wrong if ACC or a register is wrong after it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from numpy.typing import NDArray

from bytesim.cpu.every import ALL_VALUES, every_program
from bytesim.cpu.isa import BY_NAME, OPERATIONS
from bytesim.cpu.many import Bytes, Programs, operands_read, run_programs
from bytesim.files import Progress, check_output, write_output
from bytesim.formats.cpu_trace import FETCHED, STATE_SIZE
from bytesim.predictors.cpu import load_cpu_model
from bytesim.training.data.programs import CpuStream
from bytesim.training.data.shards import pack
from bytesim.training.loss import collate
from bytesim.training.sources import CpuSource

if TYPE_CHECKING:
    from bytesim.models.bgpt.model import BGPT

DEFAULT_SLOTS = 16
_LOADI = BY_NAME["LOADI"].code

Counts = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class FormCheck:
    """An operation in one form, on all operand values."""

    operation: str
    operands: str
    """Such as `r s t`; empty for a form without operands."""
    cells: int
    """Operand values, or pairs of them, that were executed."""
    wrong: int
    """Of these, those with a wrong result at least once."""
    executed: int
    executed_wrong: int


@dataclass(frozen=True, kw_only=True)
class OperationsCheck:
    """The exhaustive check of a model of the CPU."""

    model: str
    cells: int
    wrong: int
    forms: tuple[FormCheck, ...]
    fetched: int
    """States whose PC and IR were checked."""
    fetched_wrong: int


def evaluate_cpu_operations(
    *,
    model: str = "cpu",
    values: Sequence[int] = ALL_VALUES,
    picture: str | Path | None = None,
    force: bool = False,
    device: str = "auto",
    dtype: str = "float32",
    slots: int = DEFAULT_SLOTS,
    on_progress: Progress | None = None,
) -> OperationsCheck:
    """Check every operation in every form on these operand values, all 256 by default, teacher-forced.

    `slots` programs are read at a time. `picture` is a PNG to draw: the wrong pairs of each operation with two
    operands. Raises ModelError, OutputError.
    """
    if picture is not None:
        check_output(picture, force=force, option="--picture")
    writer = load_cpu_model(model, device=device, dtype=dtype, rows=slots, engine_backend="torch")
    executed: dict[tuple[int, int], Counts] = {}
    wrong: dict[tuple[int, int], Counts] = {}
    fetched = fetched_wrong = done = 0
    total = sum(int(programs.lengths.sum()) for programs in every_program(values)) * STATE_SIZE
    for programs in every_program(values):
        right = run_programs(programs)
        first, second = operands_read(programs, right)
        opcodes = programs.instructions[..., 0]
        given = np.where(opcodes == _LOADI, 1, (programs.instructions[..., 1:] > 0).sum(-1))
        for rows, predicted in _predicted(cast("BGPT", writer.model), programs, right, slots):
            differs = predicted != right[rows, 1:]
            fetched += differs.shape[0] * differs.shape[1]
            fetched_wrong += int(differs[..., FETCHED].any(-1).sum())
            # The operation in a state takes effect in the next one; the last instruction is HLT.
            results = np.delete(differs, FETCHED, axis=-1).any(-1)[:, 1:]
            keys = ((opcodes[rows, :-1], given[rows, :-1]), (first[rows, :-1], second[rows, :-1]))
            _count(executed, wrong, *keys, results)
            done += predicted.size
            if on_progress:
                on_progress(done, total)
    forms = tuple(_form_checks(executed, wrong))
    check = OperationsCheck(
        model=writer.name,
        cells=sum(form.cells for form in forms),
        wrong=sum(form.wrong for form in forms),
        forms=forms,
        fetched=fetched,
        fetched_wrong=fetched_wrong,
    )
    if picture is not None:
        from bytesim.pictures.cpu_operations import draw_operations

        pairs = {
            operation.name: np.any([wrong[operation.code, len(form.operands)] for form in operation.forms], axis=0)
            for operation in OPERATIONS
            if len(operation.forms[0].reads) == 2
        }
        title = f"{check.model}: {check.wrong:,} of {check.cells:,} cells are wrong"
        write_output(picture, draw_operations(pairs, title), force=force)
    return check


def _predicted(model: BGPT, programs: Programs, right: Bytes, slots: int) -> Iterator[tuple[NDArray[np.int64], Bytes]]:
    """Some programs of a block, and their predicted states after the first (n, T, 16), given the right ones before."""
    rows = [(programs.memory(index), states.tobytes()) for index, states in enumerate(right)]
    stream = CpuStream(CpuSource(), model.config, pack(rows))
    parameter = next(model.parameters())
    with torch.inference_mode():
        for start in range(0, len(rows), slots):
            examples = [stream.example(index) for index in range(start, min(start + slots, len(rows)))]
            batch = collate(examples, model.config).to(parameter.device)
            count = batch.targets.shape[1]
            logits = model(batch.patches, batch.source, batch.first, count, batch.times, batch.source_times)
            given, states = examples[0].given, right.shape[1] - 1
            bytes_of = logits[:, given : given + states, :, :256].argmax(-1).to(torch.uint8).cpu().numpy()
            yield np.arange(start, start + len(examples)), bytes_of


def _count(
    executed: dict[tuple[int, int], Counts],
    wrong: dict[tuple[int, int], Counts],
    form: tuple[Bytes, Counts],
    operands: tuple[Bytes, Bytes],
    results: NDArray[np.bool_],
) -> None:
    """Add executions, and those with a wrong result, to tables of 256 x 256 operands for each opcode and form."""
    opcodes, given = form
    for code, count in {*zip(opcodes.ravel().tolist(), given.ravel().tolist(), strict=True)}:
        chosen = (opcodes == code) & (given == count)
        cells = operands[0][chosen].astype(np.int64) << 8 | operands[1][chosen]
        for tables, weights in ((executed, None), (wrong, results[chosen])):
            table = tables.setdefault((code, count), np.zeros((256, 256), np.int64))
            table += np.bincount(cells, weights, 1 << 16).astype(np.int64).reshape(256, 256)


def _form_checks(executed: dict[tuple[int, int], Counts], wrong: dict[tuple[int, int], Counts]) -> Iterator[FormCheck]:
    for operation in OPERATIONS[1:]:
        for form in operation.forms:
            key = (operation.code, len(form.operands))
            yield FormCheck(
                operation=operation.name,
                operands="n" if form.operands == "n" else " ".join("rst"[: len(form.operands)]),
                cells=int((executed[key] > 0).sum()),
                wrong=int((wrong[key] > 0).sum()),
                executed=int(executed[key].sum()),
                executed_wrong=int(wrong[key].sum()),
            )
