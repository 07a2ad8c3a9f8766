"""`bytesim convert files`: convert files of any kind with a model that the user trained."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from bytesim.errors import BytesimError, ConfigError, InputError
from bytesim.files import STDIO, Inputs, Outcome, Progress, expand_inputs
from bytesim.patching import suffix_of
from bytesim.predictors.writer import Writer, load_writer
from bytesim.tasks.convert.direction import Direction
from bytesim.tasks.convert.finish_file import finish_file
from bytesim.tasks.convert.jobs import Places, Prepared, file_jobs, prepare
from bytesim.tasks.convert.model import by_model
from bytesim.tasks.convert.run import Converted, Run


def convert_files(
    sources: Inputs,
    *,
    model: str,
    to: str | None = None,
    output: str | Path | None = None,
    force: bool = False,
    device: str = "auto",
    dtype: str = "float32",
    on_progress: Progress | None = None,
) -> list[Outcome[Converted]]:
    """Convert files of any kind with a model that the user trained; the suffixes are those of the model's card.

    `to` is the suffix of the outputs, needed only if the model converts a source to several. Files are read and
    written unchanged. Errors are raised, or stored in the outcomes, as by `abc2midi`.
    """
    writer = load_writer(model, device=device, dtype=dtype)
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
        source_suffix, target_suffix = pair
        direction = Direction(source=source_suffix, target=target_suffix, finish=partial(finish_file, target_suffix))
        run = Run(direction=direction, prepared=_read(members, places), force=force, on_progress=on_progress)
        by_model(run, writer)
        outcomes.update((outcome.source, outcome) for outcome in run.in_order())
    return [outcomes[name] for name in names]


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
