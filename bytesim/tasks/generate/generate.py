"""`bytesim generate`: new files, written byte by byte by a model that was trained on such files."""

from __future__ import annotations

import os
from pathlib import Path

from bytesim.errors import ConfigError, OutputError
from bytesim.files import STDIO, Outcome, check_output
from bytesim.models.store import alias_of
from bytesim.pictures.engraving import find_engraver
from bytesim.predictors.writer import OnBytes, Writer, load_writer
from bytesim.requests import Sampling
from bytesim.tasks.convert.tunes import ENGINES
from bytesim.tasks.generate.beside import add_midi, add_scores, midi_engine, write_sheet
from bytesim.tasks.generate.draw import Generated, Job, OnFiles, draw_all
from bytesim.tasks.generate.kinds import KINDS, Kind
from bytesim.tasks.generate.prompt import Prompt, begin

TRIES = 8
"""Draws for each file, until one is valid."""
_DRAWN = ("bmp", "wav")
"""Kinds of files that a sheet shows."""


def generate(
    *,
    model: str = "music",
    suffix: str | None = None,
    prompt: str | None = None,
    prompt_file: str | Path | None = None,
    keep: float | None = None,
    count: int = 1,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    seed: int | None = None,
    max_bytes: int | None = None,
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
    jobs: int = 1,
    on_bytes: OnBytes | None = None,
    on_files: OnFiles | None = None,
) -> list[Outcome[Generated]]:
    """Write `count` new files that go on from a prompt, no two alike.

    `suffix` says what kind, needed only where the model's recipe knows several. Files are named MODEL-SEED.suffix
    and stand in the folder `output`, or here; `output` may be a file where there is one.

    Tunes in canonical form (abc), 32x32 pictures (bmp), UTF-8 text (txt) and one second of sound (wav) are valid by
    construction: the model chooses among the bytes that such a file may go on with. `any_form` leaves it free. Files of
    formats that bytesim knows must parse and every file must come to its end, unless `allow_truncated`, or `max_bytes`
    for kinds that are not held to a form, says that a cut one will do; one that does not, or is like an earlier one, is
    drawn again, `tries` times in all. `max_bytes` brings tunes and texts to an end in time.

    A prompt file for a picture or recording may be of any format, and is normalised; of a whole one `keep`, a share, is
    kept: a half, where nothing is said. Of other prompts it is all. BMP stores the lowest row first.

    `sheet` is a PNG of all pictures or waves. `midi` writes the MIDI of each tune beside it, by `engine` model, rules
    or auto (the model where it is sure); `score` its score as SVG, which needs abcm2ps. `jobs` processes decode on a
    CPU; more than one need a main module that can be imported, as multiprocessing does.

    Raises ConfigError for settings that make no sense, ModelError for the model, InputError and ContextError for the
    prompt, ToolError for a tool that is missing; a file that never became valid is in its outcome.
    """
    _check(count, tries, jobs, max_bytes, temperature, output)
    begun = Prompt(text=prompt, file=prompt_file, keep=keep)
    sampling = Sampling(temperature=temperature, top_k=top_k, top_p=top_p)
    alias = alias_of(model)
    writer = load_writer(model, device=device, dtype=dtype)
    suffix = _suffix(writer, alias.suffix if alias and suffix is None else suffix)
    _check_beside(suffix, output, sheet, midi, engine, score, force)
    player = midi_engine(engine, writer) if midi else engine
    kind = None if any_form else KINDS.get(suffix)
    beginning = begin(begun, suffix, kind)
    _check_length(max_bytes, len(beginning.data), kind, suffix, allow_truncated)
    job = Job(
        writer=writer,
        suffix=suffix,
        kind=kind,
        beginning=beginning,
        sampling=sampling,
        max_bytes=max_bytes,
        allow_truncated=allow_truncated,
        output=output,
        many=count > 1,
        force=force,
        beside=("mid",) * midi + ("svg",) * score,
    )
    tries = 1 if temperature == 0 else tries
    outcomes = draw_all(job, count, tries=tries, seed=seed, jobs=jobs, on_bytes=on_bytes, on_files=on_files)
    if midi:
        outcomes = add_midi(outcomes, model=model, engine=player, force=force, device=device, dtype=dtype)
    if score:
        outcomes = add_scores(outcomes, force=force)
    if sheet is not None:
        write_sheet(outcomes, sheet, suffix, force=force)
    return outcomes


def _check(
    count: int, tries: int, jobs: int, max_bytes: int | None, temperature: float, output: str | Path | None
) -> None:
    if count < 1 or tries < 1 or jobs < 1:
        raise ConfigError("count, tries and jobs must be 1 or more.")
    if max_bytes is not None and max_bytes < 1:
        raise ConfigError(f"max-bytes {max_bytes} is out of range; choose 1 or more.")
    if count > 1 and temperature == 0:
        raise ConfigError("temperature 0 writes the same file every time; several need a temperature above it.")
    if count > 1 and str(output) == STDIO:
        raise OutputError("several files cannot share stdout. Name a folder with -o.")
    if count > 1 and output is not None and os.path.isfile(output):
        raise OutputError("this is a file; several files need a folder.", file=str(output))


def _check_beside(
    suffix: str, output: str | Path | None, sheet: str | Path | None, midi: bool, engine: str, score: bool, force: bool
) -> None:
    """Say before the work what cannot be written beside the files."""
    if (midi or score) and suffix != "abc":
        raise ConfigError(f"MIDI and scores are made of tunes (.abc), not of .{suffix} files.")
    if sheet is not None and suffix not in _DRAWN:
        raise ConfigError(f"a sheet shows .{' and .'.join(_DRAWN)} files, not .{suffix} files.")
    if (midi or score or sheet is not None) and str(output) == STDIO:
        raise OutputError("nothing is written beside a file that goes to stdout. Name a file with -o.")
    if engine not in ENGINES:
        raise ConfigError(f"engine {engine!r} is none of {', '.join(ENGINES)}.")
    if score:
        find_engraver()
    if sheet is not None:
        check_output(sheet, force=force)


def _check_length(max_bytes: int | None, begun: int, kind: Kind | None, suffix: str, allow_truncated: bool) -> None:
    if max_bytes is None:
        return
    if kind is not None and kind.num_bytes is not None and max_bytes < kind.num_bytes and not allow_truncated:
        raise ConfigError(f"a .{suffix} file has {kind.num_bytes:,} bytes; max-bytes {max_bytes} would cut it.")
    if max_bytes <= begun:
        raise ConfigError(f"max-bytes {max_bytes} leaves nothing to write: the files begin with {begun} bytes.")


def _suffix(writer: Writer, wanted: str | None) -> str:
    """The kind of file to write. Raises ConfigError where it is unknown, or not one the model was trained on."""
    known = writer.generates
    if wanted is not None:
        suffix = wanted.lower().lstrip(".")
        if known and suffix not in known:
            raise ConfigError(f"the model {writer.name!r} writes .{', .'.join(known)}, not .{suffix}.")
        return suffix
    if known is not None and len(known) == 1:
        return known[0]
    listed = f"it writes .{', .'.join(known)}" if known else "its recipe names none"
    raise ConfigError(f"say with --suffix what kind of file the model {writer.name!r} is to write; {listed}.")
