"""`bytesim generate`: write new files, byte by byte, with a model that was trained on such files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bytesim.errors import ConfigError, OutputError
from bytesim.files import STDIO, Outcome, check_output
from bytesim.models.store import alias_of
from bytesim.pictures.engraving import find_engraver
from bytesim.predictors.writer import OnBytes, load_writer
from bytesim.requests import Sampling
from bytesim.tasks.convert.tunes import ENGINES
from bytesim.tasks.generate.beside import add_midi, add_scores, midi_engine, write_sheet
from bytesim.tasks.generate.draw import Generated, Job, OnFiles, draw_all
from bytesim.tasks.generate.kinds import KINDS, check_length, written_suffix
from bytesim.tasks.generate.mixed import generate_mixed, mixed_models
from bytesim.tasks.generate.prompt import Prompt, begin

TRIES = 8
"""Most draws for each file, until one is valid."""
_MODEL = "music"
_DRAWN = ("bmp", "wav")
"""Suffixes of the files that a sheet can show."""


def generate(
    *,
    model: str = _MODEL,
    suffix: str | None = None,
    prompt: str | None = None,
    prompt_file: str | Path | None = None,
    keep: float | None = None,
    count: int = 1,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    repetition_penalty: float = 1.0,
    seed: int | None = None,
    max_bytes: int | None = None,
    mixed: str | None = None,
    allow_truncated: bool = False,
    any_form: bool = False,
    tries: int = TRIES,
    output: str | Path | None = None,
    sheet: str | Path | None = None,
    midi: bool = False,
    engine: str = "auto",
    score: bool = False,
    force: bool = False,
    device: str = "auto",
    dtype: str = "float32",
    engine_backend: str = "auto",
    jobs: int = 1,
    on_bytes: OnBytes | None = None,
    on_files: OnFiles | None = None,
) -> list[Outcome[Generated]]:
    """Write `count` new files, all different, that continue a prompt.

    `suffix` is needed only if the model's card names several kinds of files. Files are named MODEL-SEED.suffix and
    are written to the folder `output`, or to the current one; for a single file `output` may be its path.

    Tunes in canonical form (abc), 32x32 pictures (bmp), MIDI (mid), UTF-8 text (txt) and one second of sound (wav) are
    valid by construction: a grammar limits the model to bytes that such a file may have next. `any_form` turns the
    grammar off. A file is drawn again, up to `tries` times in all, if it does not parse (in formats that bytesim
    reads), does not end, or equals an earlier one. A file that does not end is accepted with `allow_truncated`, or with
    `max_bytes` for kinds without a grammar. With a grammar, `max_bytes` makes tunes, MIDI and texts end in time.

    The prompt file for a picture or recording may be of any format; it is normalised, and the share `keep` of it is
    kept, by default half of a whole file. Other prompts are kept whole by default. BMP stores the lowest row first.

    `mixed` names models, such as `text,image,text`: each file then has a file of each of them, one after the other, and
    is named mixed-SEED.bin. It goes with the settings of sampling alone.

    `sheet` is a PNG of all pictures or waveforms. `midi` writes the MIDI of each tune beside it, by the `engine` model,
    rules or auto (the model if its notes are right); `score` writes its sheet music as SVG, which needs abcm2ps. `jobs`
    processes decode on a CPU; more than one need a main module that can be imported, as multiprocessing does.

    Raises ConfigError for wrong settings, ModelError for the model, InputError and ContextError for the prompt,
    ToolError for a missing tool. The error of a file that never became valid is in its outcome.
    """
    check_counts(count, tries, jobs, max_bytes, temperature, output)
    if mixed is not None:
        if any(each is not None for each in (suffix, prompt, prompt_file, keep, max_bytes, sheet)) or midi or score:
            raise ConfigError("mixed takes no prompt, suffix, length, sheet, MIDI or score; leave these out.")
        if model != _MODEL or jobs != 1:
            raise ConfigError("mixed names its models itself, and decodes in one process; leave model and jobs out.")
        draw = partial(
            _draw_part,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            repetition_penalty=repetition_penalty,
            tries=tries,
            allow_truncated=allow_truncated,
            any_form=any_form,
            device=device,
            dtype=dtype,
            engine_backend=engine_backend,
            on_bytes=on_bytes,
        )
        return generate_mixed(
            mixed_models(mixed), draw, count=count, seed=seed, output=output, force=force, on_files=on_files
        )
    settings = DrawSettings(
        model=model, suffix=suffix, prompt=prompt, prompt_file=prompt_file, keep=keep, temperature=temperature,
        top_k=top_k, top_p=top_p, repetition_penalty=repetition_penalty, max_bytes=max_bytes,
        allow_truncated=allow_truncated, any_form=any_form, device=device, dtype=dtype, engine_backend=engine_backend,
    )  # fmt: skip
    extras = ("mid",) * midi + ("svg",) * score
    job = drawing_job(settings, output=output, many=count > 1, force=force, beside=extras)
    _check_beside(job.suffix, output, sheet, midi, engine, score, force)
    player = midi_engine(engine, job.writer) if midi else engine
    tries = 1 if temperature == 0 else tries
    outcomes = draw_all(job, count, tries=tries, seed=seed, jobs=jobs, on_bytes=on_bytes, on_files=on_files)
    if midi:
        outcomes = add_midi(
            outcomes, model=model, engine=player, force=force, device=device, dtype=dtype, engine_backend=engine_backend
        )
    if score:
        outcomes = add_scores(outcomes, force=force)
    if sheet is not None:
        write_sheet(outcomes, sheet, job.suffix, force=force)
    return outcomes


@dataclass(frozen=True, kw_only=True)
class DrawSettings:
    """The settings that decide what a seed draws."""

    model: str = _MODEL
    suffix: str | None = None
    prompt: str | None = None
    prompt_file: str | Path | None = None
    keep: float | None = None
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    repetition_penalty: float = 1.0
    max_bytes: int | None = None
    allow_truncated: bool = False
    any_form: bool = False
    device: str = "auto"
    dtype: str = "float32"
    engine_backend: str = "auto"


def drawing_job(
    settings: DrawSettings, *, output: str | Path | None, many: bool, force: bool, beside: tuple[str, ...] = ()
) -> Job:
    """Load the model and read the prompt. Raises as `generate` does."""
    prompt = Prompt(text=settings.prompt, file=settings.prompt_file, keep=settings.keep)
    sampling = Sampling(
        temperature=settings.temperature,
        top_k=settings.top_k,
        top_p=settings.top_p,
        repetition_penalty=settings.repetition_penalty,
    )
    alias = alias_of(settings.model)
    writer = load_writer(
        settings.model, device=settings.device, dtype=settings.dtype, engine_backend=settings.engine_backend
    )
    suffix = written_suffix(writer, alias.suffix if alias and settings.suffix is None else settings.suffix)
    kind = None if settings.any_form else KINDS.get(suffix)
    beginning = begin(prompt, suffix, kind)
    check_length(settings.max_bytes, len(beginning.data), kind, suffix, settings.allow_truncated)
    return Job(
        writer=writer,
        suffix=suffix,
        kind=kind,
        beginning=beginning,
        sampling=sampling,
        max_bytes=settings.max_bytes,
        allow_truncated=settings.allow_truncated,
        output=output,
        many=many,
        force=force,
        beside=beside,
    )


def _draw_part(model: str, seed: int, folder: str, **settings: Any) -> list[Outcome[Generated]]:
    return generate(model=model, seed=seed, output=folder, **settings)


def check_counts(
    count: int, tries: int, jobs: int, max_bytes: int | None, temperature: float, output: str | Path | None
) -> None:
    if count < 1 or tries < 1 or jobs < 1:
        raise ConfigError("count, tries and jobs must be 1 or more.")
    if max_bytes is not None and max_bytes < 1:
        raise ConfigError(f"max-bytes {max_bytes} is out of range; choose 1 or more.")
    if count > 1 and temperature == 0:
        raise ConfigError(
            "temperature 0 writes the same file every time; for several files choose a higher temperature."
        )
    if count > 1 and str(output) == STDIO:
        raise OutputError("several files cannot share stdout. Name a folder with -o.")
    if count > 1 and output is not None and os.path.isfile(output):
        raise OutputError("this is a file; several files need a folder.", file=str(output))


def _check_beside(
    suffix: str, output: str | Path | None, sheet: str | Path | None, midi: bool, engine: str, score: bool, force: bool
) -> None:
    """Raise before the work if an extra output is impossible."""
    if (midi or score) and suffix != "abc":
        raise ConfigError(f"MIDI and sheet music can be made of tunes (.abc), not of .{suffix} files.")
    if sheet is not None and suffix not in _DRAWN:
        raise ConfigError(f"a sheet shows .{' and .'.join(_DRAWN)} files, not .{suffix} files.")
    if (midi or score or sheet is not None) and str(output) == STDIO:
        raise OutputError("nothing can be written beside a file on stdout. Name a file with -o.")
    if engine not in ENGINES:
        raise ConfigError(f"engine {engine!r} is unknown; choose one of {', '.join(ENGINES)}.")
    if score:
        find_engraver()
    if sheet is not None:
        check_output(sheet, force=force, option="--sheet")
