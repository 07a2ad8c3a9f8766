"""`bytesim convert abc2midi` and `midi2abc`: convert tunes with a model, byte by byte, or by the rules."""

from __future__ import annotations

from pathlib import Path

from bytesim.errors import ConfigError
from bytesim.files import Inputs, Outcome, Progress, expand_inputs
from bytesim.formats.abc.grammar import abc_grammar
from bytesim.formats.midi.grammar import midi_grammar
from bytesim.tasks.convert.direction import MusicDirection, RuleAnswer, Verification
from bytesim.tasks.convert.finish import finish_abc, finish_midi
from bytesim.tasks.convert.jobs import Job, Places, abc_jobs, midi_jobs, prepare
from bytesim.tasks.convert.run import Converted, Run

ENGINES = ("model", "rules", "auto")


def abc2midi(
    sources: Inputs,
    *,
    output: str | Path | None = None,
    model: str = "music",
    engine: str = "model",
    verify: bool = False,
    picture: bool = False,
    force: bool = False,
    device: str = "auto",
    dtype: str = "float32",
    jobs: int = 1,
    on_progress: Progress | None = None,
) -> list[Outcome[Converted]]:
    """Convert ABC tunes to MIDI files; every tune of a tune book has its own file and outcome.

    `engine` is model, rules (abc2midi, or music21 if that is not installed) or auto: the model if it is confident of
    its answer, else the rules. `verify` compares the model's notes with those of the rules. `jobs` processes decode on
    a CPU; more than one need a main module that can be imported, as multiprocessing does. `picture` draws a piano roll
    of each file beside it, NAME.png; with `verify` it also shows the differences from the rules. Title and tempo are
    kept. Folders are searched recursively. Raises ConfigError for unknown choices and ModelError for the model; the
    error of a tune is in its outcome.
    """
    run = _prepared(ABC_TO_MIDI, sources, output, engine, verify, picture, force, on_progress)
    return _convert(run, model, device, dtype, jobs)


def midi2abc(
    sources: Inputs,
    *,
    output: str | Path | None = None,
    model: str = "music",
    engine: str = "model",
    verify: bool = False,
    picture: bool = False,
    force: bool = False,
    device: str = "auto",
    dtype: str = "float32",
    jobs: int = 1,
    on_progress: Progress | None = None,
) -> list[Outcome[Converted]]:
    """Convert MIDI files of one melody to ABC tunes; title and tempo are kept. Settings and errors as for `abc2midi`.

    The rules are midi2abc of the abcMIDI package. `verify` renders the ABC text with abc2midi (or music21 if that is
    missing) and compares the notes with those of the MIDI file; `auto` does the same and uses the model's answer if
    they are equal. The comparison uses the MIDI file in the form that the model read. `picture` draws the rendered
    notes.
    """
    run = _prepared(MIDI_TO_ABC, sources, output, engine, verify, picture, force, on_progress)
    return _convert(run, model, device, dtype, jobs)


def _prepared(
    direction: MusicDirection,
    sources: Inputs,
    output: str | Path | None,
    engine: str,
    verify: bool,
    picture: bool,
    force: bool,
    on_progress: Progress | None,
) -> Run:
    """Read the sources and check their outputs. Raises ConfigError."""
    if verify and engine == "rules":
        raise ConfigError("verify compares a model's answer with the rules; choose the engine model or auto.")
    if engine not in ENGINES:
        raise ConfigError(f"engine {engine!r} is unknown; choose one of {', '.join(ENGINES)}.")
    names = expand_inputs(sources, suffixes=direction.in_folders)
    places = Places(
        output=output, suffix=direction.target, many=len(names) > 1, force=force, roots=sources, pictures=picture
    )
    return Run(
        direction=direction,
        prepared=prepare(names, lambda name: direction.read(name, places, engine)),
        engine=engine,
        verify=verify,
        force=force,
        on_progress=on_progress,
    )


def _convert(run: Run, model: str, device: str, dtype: str, processes: int) -> list[Outcome[Converted]]:
    if run.engine == "rules":
        run.by_rules(run.jobs())
    elif run.jobs():  # loading a model takes a second, which is not needed if no source could be read
        from bytesim.predictors.writer import load_writer
        from bytesim.tasks.convert.model import by_model

        writer = load_writer(model, device=device, dtype=dtype)
        writer.check_converts(*run.direction.suffixes)
        by_model(run, writer, processes=processes)
        if run.engine == "auto":
            run.by_rules([(index, job) for index, job in run.jobs() if run.unanswered(index)])
    return run.in_order()


def _midi_by_rules(job: Job) -> RuleAnswer:
    from bytesim.tasks.convert.rules import midi_by_rules

    return midi_by_rules(job.as_written.decode("utf-8"))


def _abc_by_rules(job: Job) -> RuleAnswer:
    from bytesim.tasks.convert.rules import abc_by_rules

    return abc_by_rules(job.as_written, job.title)


def _verify_midi(job: Job, data: bytes) -> Verification:
    from bytesim.tasks.convert.rules import verify_midi

    return verify_midi(job.as_written.decode("utf-8"), data)


def _verify_abc(job: Job, data: bytes) -> Verification:
    from bytesim.tasks.convert.rules import verify_abc

    return verify_abc(job.data, data.decode("utf-8"), as_read=bool(job.dropped))


def _draw_midi(job: Job, data: bytes, compared: bool) -> bytes:
    from bytesim.pictures.piano_roll import piano_roll
    from bytesim.tasks.convert.rules import expected_midi

    return piano_roll(data, expected_midi(job.as_written.decode("utf-8")).midi if compared else None)


def _draw_abc(job: Job, data: bytes, compared: bool) -> bytes:
    from bytesim.pictures.piano_roll import piano_roll
    from bytesim.tasks.convert.rules import expected_midi

    # Without `data` the model could not read the file, so there is nothing to compare with.
    return piano_roll(expected_midi(data.decode("utf-8")).midi, (job.data or None) if compared else None)


ABC_TO_MIDI = MusicDirection(
    name="abc2midi",
    source="abc",
    target="mid",
    in_folders=frozenset({"abc"}),
    read=abc_jobs,
    grammar=midi_grammar,
    finish=finish_midi,
    growth=6.0,
    by_rules=_midi_by_rules,
    verify=_verify_midi,
    proves=False,
    draw=_draw_midi,
)
MIDI_TO_ABC = MusicDirection(
    name="midi2abc",
    source="mid",
    target="abc",
    in_folders=frozenset({"mid", "midi"}),
    read=midi_jobs,
    grammar=abc_grammar,
    finish=finish_abc,
    growth=0.2,
    by_rules=_abc_by_rules,
    verify=_verify_abc,
    proves=True,
    draw=_draw_abc,
)
DIRECTIONS = {direction.name: direction for direction in (ABC_TO_MIDI, MIDI_TO_ABC)}
"""Name of the command -> direction."""
