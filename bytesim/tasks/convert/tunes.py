"""`bytesim convert abc2midi` and `midi2abc`. A model writes the file byte by byte; the rules can as well."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bytesim.errors import ConfigError
from bytesim.files import Outcome, Progress, expand_inputs
from bytesim.tasks.convert.jobs import Job, Places, Prepared, abc_jobs, midi_jobs, prepare
from bytesim.tasks.convert.run import Converted, Run, by_model, converted

if TYPE_CHECKING:
    from bytesim.tasks.convert.rules import Verification

ENGINES = ("model", "rules", "auto")


def abc2midi(
    sources: Sequence[str | Path],
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
    """ABC tunes to MIDI files; every tune of a tune book becomes a file, and an outcome, of its own.

    `engine` model, rules (abc2midi where it is installed, else music21) or auto: the model where it is sure of its
    answer, else the rules. `verify` compares the model's notes with the rules'. `jobs` processes decode on a CPU;
    more than one need a main module that can be imported, as multiprocessing does.
    `picture` draws a piano roll beside each file, NAME.png, with what differs from the rules where `verify` is asked
    for, too. Title and tempo are carried over. Folders are walked. Raises ConfigError for unknown choices and
    ModelError for the model; what is wrong with one tune is in its outcome.
    """
    run = _start(
        sources, ("abc", "mid"), {"abc"}, engine, output, force, on_progress, abc_jobs, verify=verify, pictures=picture
    )
    run.verify = _verify_midi if verify else None
    run.draw = (_draw_midi_differences if verify else _draw_midi) if picture else None
    return _convert(run, engine, model, device, dtype, jobs)


def midi2abc(
    sources: Sequence[str | Path],
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
    """MIDI files of one melody to ABC tunes, title and tempo carried over. Settings and errors as `abc2midi`.

    The rules are midi2abc of the abcMIDI package. `verify` plays the ABC text by abc2midi (music21 where that is
    missing) and compares the notes with those of the MIDI file; `auto` does so, too, and takes the model's answer
    where they are the same. What was changed before the model read the file is changed for the comparison, too.
    `picture` draws what is played.
    """
    inputs, in_folders = ("mid", "abc"), {"mid", "midi"}
    run = _start(
        sources, inputs, in_folders, engine, output, force, on_progress, midi_jobs, verify=verify, pictures=picture
    )
    run.verify = _verify_abc if verify else None
    run.proof = _verify_abc if engine == "auto" else None
    run.draw = (_draw_abc_differences if verify else _draw_abc) if picture else None
    return _convert(run, engine, model, device, dtype, jobs)


def _start(
    sources: Sequence[str | Path],
    suffixes: tuple[str, str],
    in_folders: set[str],
    engine: str,
    output: str | Path | None,
    force: bool,
    on_progress: Progress | None,
    read: Callable[..., Iterator[Prepared]],
    *,
    verify: bool,
    pictures: bool,
) -> Run:
    if verify and engine == "rules":
        raise ConfigError("verify compares a model's answer with the rules; with engine rules there is none.")
    if engine not in ENGINES:
        raise ConfigError(f"engine {engine!r} is none of {', '.join(ENGINES)}.")
    names = expand_inputs(sources, suffixes=in_folders)
    places = Places(
        output=output, suffix=suffixes[1], many=len(names) > 1, force=force, roots=sources, pictures=pictures
    )
    prepared = prepare(names, lambda name: read(name, places, engine=engine))
    only = engine == "auto"
    return Run(suffixes=suffixes, prepared=prepared, force=force, on_progress=on_progress, sure_only=only)


def _convert(run: Run, engine: str, model: str, device: str, dtype: str, processes: int) -> list[Outcome[Converted]]:
    if engine == "rules":
        _by_rules(run, run.jobs())
    elif run.jobs():  # a model takes a second to load, and bad inputs need none
        from bytesim.predictors.writer import load_writer

        writer = load_writer(model, device=device, dtype=dtype)
        writer.check_converts(*run.suffixes)
        by_model(run, writer, processes=processes)
        if engine == "auto":
            _by_rules(run, [(index, job) for index, job in run.jobs() if run.unanswered(index)])
    return run.in_order()


def _by_rules(run: Run, jobs: list[tuple[int, Job]]) -> None:
    from bytesim.tasks.convert.rules import abc_by_rules, midi_by_rules

    for done, (index, job) in enumerate(jobs, start=1):
        refused = run.outcomes[index].error if index in run.outcomes else job.unread
        reason = refused.message if refused else ""
        if reason:  # what was changed for the model is not changed for the rules
            job = replace(job, dropped=())

        def work(job: Job = job, reason: str = reason) -> Converted:
            if run.suffixes[1] == "mid":
                data, program, remarks = midi_by_rules(job.as_written.decode("utf-8"))
            else:
                data, program, remarks = abc_by_rules(job.as_written, job.title)
            run.write(job, data)
            return converted(job, data, program, remarks=remarks, asked_rules=reason)

        run.finish(index, job, work)
        if run.on_progress:
            run.on_progress(done, len(jobs))


def _draw_midi(job: Job, data: bytes) -> bytes:
    from bytesim.pictures.piano_roll import piano_roll

    return piano_roll(data)


def _draw_midi_differences(job: Job, data: bytes) -> bytes:
    from bytesim.pictures.piano_roll import piano_roll
    from bytesim.tasks.convert.rules import expected_midi

    return piano_roll(data, expected_midi(job.as_written.decode("utf-8"))[0])


def _draw_abc(job: Job, data: bytes) -> bytes:
    from bytesim.pictures.piano_roll import piano_roll
    from bytesim.tasks.convert.rules import expected_midi

    return piano_roll(expected_midi(data.decode("utf-8"))[0])


def _draw_abc_differences(job: Job, data: bytes) -> bytes:
    from bytesim.pictures.piano_roll import piano_roll
    from bytesim.tasks.convert.rules import expected_midi

    # What the model could not read is not in its layout, and nothing to compare with.
    return piano_roll(expected_midi(data.decode("utf-8"))[0], job.data or None)


def _verify_midi(job: Job, data: bytes) -> Verification:
    from bytesim.tasks.convert.rules import verify_midi

    return verify_midi(job.as_written.decode("utf-8"), data)


def _verify_abc(job: Job, data: bytes) -> Verification:
    from bytesim.tasks.convert.rules import verify_abc

    return verify_abc(job.data, data.decode("utf-8"), as_read=bool(job.dropped))
