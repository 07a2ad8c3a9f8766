"""`bytesim convert files`: convert files of any kind with a model that the user trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bytesim.errors import BytesimError, ConfigError, DecodeError, InputError, ModelError
from bytesim.files import STDIO, Inputs, Outcome, Progress, expand_inputs
from bytesim.formats.checks import AUTO, Check, find_check
from bytesim.patching import suffix_of
from bytesim.predictors.writer import Writer, load_writer
from bytesim.tasks.convert.answers import FileAnswer, answer_confidence, file_answers, file_direction
from bytesim.tasks.convert.direction import Direction
from bytesim.tasks.convert.jobs import Job, Places, Prepared, file_jobs, prepare
from bytesim.tasks.convert.model import Meter
from bytesim.tasks.convert.run import Converted, Run, converted


def convert_files(
    sources: Inputs,
    *,
    model: str,
    to: str | None = None,
    output: str | Path | None = None,
    check: str = AUTO,
    only_confident: bool = False,
    force: bool = False,
    device: str = "auto",
    dtype: str = "float32",
    engine_backend: str = "auto",
    jobs: int = 1,
    on_progress: Progress | None = None,
) -> list[Outcome[Converted]]:
    """Convert files of any kind with a model that the user trained; the suffixes are those of the model's card.

    `to` is the suffix of the outputs, needed only if the model converts a source to several. Files are read and
    written unchanged. `check` refuses answers that are not valid: json, toml, xml, csv, utf8, none,
    python:MODULE:FUNCTION for a function of your own, which takes bytes and returns False or raises, or auto, by the
    suffix of the output. `only_confident` refuses answers that are not confident. `jobs` processes decode on a CPU.
    Errors are raised, or stored in the outcomes, as by `abc2midi`; ModelError also if `only_confident` asks for what
    the model's card does not tell.
    """
    find_check(check, "")  # an unknown check is an error before the model is loaded
    writer = load_writer(model, device=device, dtype=dtype, engine_backend=engine_backend)
    if not writer.conversions:
        raise ConfigError(f"the card of {model!r} names no conversion, so the suffixes are unknown.")
    target = None if to is None else to.lower().lstrip(".")
    known = [pair for pair in writer.conversions if target in (None, pair[1])]
    names = expand_inputs(sources, suffixes={source for source, _ in known})
    outcomes: dict[str, Outcome[Converted]] = {}
    groups: dict[tuple[str, str], list[str]] = {}
    for name in names:
        try:
            groups.setdefault(_direction(name, known, writer), []).append(name)
        except BytesimError as error:
            outcomes[name] = Outcome(name, error=error.in_file("stdin" if name == STDIO else name))
    taken: set[str] = set()
    for pair, members in groups.items():
        places = Places(
            output=output,
            suffix=pair[1],
            many=len(names) > 1,
            force=force,
            roots=sources,
            tag="-converted",
            taken=taken,
        )
        direction = file_direction(*pair)
        if only_confident:
            _check_confidence(writer, direction)
        run = Run(direction=direction, prepared=_read(members, places), force=force, on_progress=on_progress)
        _convert(run, writer, find_check(check, pair[1]), only_confident, jobs)
        outcomes.update((outcome.source, outcome) for outcome in run.in_order())
    return [outcomes[name] for name in names]


def _convert(run: Run, writer: Writer, check: Check | None, only_confident: bool, jobs: int) -> None:
    """Convert all files that could be read; each is written as it ends."""
    prepared = run.jobs()
    sources = [job.data for _, job in prepared]
    meter = Meter(sum(map(len, sources)), run.direction.growth, run.on_progress)
    answers = file_answers(writer, sources, run.direction, check=check, jobs=jobs, on_bytes=meter.add)
    for row, answer in answers:
        index, job = prepared[row]
        try:
            run.keep(index, job, _write(run, writer, job, answer, only_confident))
        except BytesimError as error:
            run.refuse(index, job, error)


def _write(run: Run, writer: Writer, job: Job, answer: FileAnswer | BytesimError, only_confident: bool) -> Converted:
    """Write the file of an answer. Raises BytesimError if there is none, or it is refused."""
    if isinstance(answer, BytesimError):
        raise answer
    if only_confident and not answer.confident:
        raise DecodeError(
            f"the answer is not confident: {answer.doubt}. Nothing is written. To see the answer, leave out "
            "--only-confident."
        )
    run.write(job, answer.data)
    result = converted(
        job,
        answer.data,
        "model",
        model=writer.name,
        nll_nats=answer.nll_nats,
        confident=answer.confident,
    )
    return replace(result, mended=answer.mended, doubt=answer.doubt or "", candidates=answer.candidates)


def _check_confidence(writer: Writer, direction: Direction) -> None:
    """Raise ModelError if the model's card does not tell which answers of a conversion are confident."""
    if answer_confidence(writer, direction) is None:
        raise ModelError(
            f"the card of {writer.name!r} does not tell which answers are confident, so --only-confident would refuse "
            "all of them. Leave it out."
        )


def _read(names: Sequence[str], places: Places) -> list[tuple[str, Prepared]]:
    return prepare(names, lambda name: file_jobs(name, places))


def _direction(name: str, known: Sequence[tuple[str, str]], writer: Writer) -> tuple[str, str]:
    """The pair of suffixes for a source. Raises InputError if the model knows none, or several."""
    suffix = suffix_of(name)
    fitting = known if name == STDIO else [pair for pair in known if pair[0] == suffix]
    if len(fitting) == 1:
        return fitting[0]
    listed = ", ".join(f".{source} to .{target}" for source, target in known) or "nothing of the kind"
    if fitting:
        raise InputError(f"the model {writer.name!r} converts {listed}. Say which with --to, or name a file.")
    raise InputError(f"the model {writer.name!r} reads no .{suffix} files; it converts {listed}.")
