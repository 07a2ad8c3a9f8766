"""`bytesim convert abc2midi` and `midi2abc`: convert tunes with a model, byte by byte, or by the rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from bytesim.errors import ConfigError
from bytesim.files import Inputs, Outcome, Progress, expand_inputs
from bytesim.formats import abc
from bytesim.formats.abc.grammar import abc_grammar
from bytesim.formats.grammar import GrammarMaker
from bytesim.formats.midi.grammar import midi_grammar
from bytesim.tasks.convert.direction import MusicDirection, RuleAnswer, Verification
from bytesim.tasks.convert.finish import finish_abc, finish_midi
from bytesim.tasks.convert.jobs import Job, Places, abc_jobs, midi_jobs, prepare
from bytesim.tasks.convert.run import Converted, Run

if TYPE_CHECKING:
    from bytesim.predictors.writer import Writer

ENGINES = ("auto", "model", "rules")
LEAST_NOTE_BYTES = 8
"""Bytes of a note in the MIDI files of abc2midi: on and off, each with its time. Of 600 tunes, 1 % had fewer than 8.0 a
note, without the bytes of the header, and the median was 8.7."""


def abc2midi(
    sources: Inputs,
    *,
    output: str | Path | None = None,
    model: str = "music",
    engine: str = "auto",
    verify: bool = False,
    picture: bool = False,
    force: bool = False,
    device: str = "auto",
    dtype: str = "float32",
    engine_backend: str = "auto",
    jobs: int = 1,
    on_progress: Progress | None = None,
) -> list[Outcome[Converted]]:
    """Convert ABC tunes to MIDI files; every tune of a tune book has its own file and outcome.

    `engine` is auto, model or rules (abc2midi, or music21 if that is not installed). auto takes the model's answer if
    abc2midi plays the same from the tune (without abc2midi: if the model is confident), else that of the rules, and
    the rules too for what the model does not read: several voices, `%%MIDI` directives and the like. `verify` compares
    the model's notes with those of the rules. `jobs` processes decode on a CPU; more than one need a main module that
    can be imported, as multiprocessing does. `picture` draws a piano roll of each file beside it, NAME.png; with
    `verify` it also shows the differences from the rules. Title and tempo are kept. Folders are searched recursively.
    Raises ConfigError for unknown choices and ModelError for the model; the error of a tune is in its outcome.
    """
    settings = TuneSettings(
        model=model, engine=engine, verify=verify, device=device, dtype=dtype, engine_backend=engine_backend
    )
    return _convert(ABC_TO_MIDI, settings, sources, output, picture, force, jobs, on_progress)


def midi2abc(
    sources: Inputs,
    *,
    output: str | Path | None = None,
    model: str = "music",
    engine: str = "auto",
    verify: bool = False,
    picture: bool = False,
    force: bool = False,
    device: str = "auto",
    dtype: str = "float32",
    engine_backend: str = "auto",
    jobs: int = 1,
    on_progress: Progress | None = None,
) -> list[Outcome[Converted]]:
    """Convert MIDI files of one melody to ABC tunes; title and tempo are kept. Settings and errors as for `abc2midi`.

    The rules are midi2abc of the abcMIDI package. `verify` renders the ABC text with abc2midi (or music21 if that is
    missing) and compares the notes with those of the MIDI file in the form that the model read. `auto` decodes with a
    grammar of tunes that have the notes of the file, verifies the answer in the same way, corrects single notes, and if
    that does not help takes midi2abc's answer, or the notes written as they are (engine `bytesim`), whichever is
    closest; `closeness` of the result says how close. Files of several voices go to midi2abc at once. `picture` draws
    the rendered notes.
    """
    settings = TuneSettings(
        model=model, engine=engine, verify=verify, device=device, dtype=dtype, engine_backend=engine_backend
    )
    return _convert(MIDI_TO_ABC, settings, sources, output, picture, force, jobs, on_progress)


@dataclass(frozen=True, kw_only=True)
class TuneSettings:
    """The settings of a conversion of tunes, besides the paths."""

    model: str = "music"
    engine: str = "auto"
    verify: bool = False
    device: str = "auto"
    dtype: str = "float32"
    engine_backend: str = "auto"

    def __post_init__(self) -> None:
        if self.verify and self.engine == "rules":
            raise ConfigError("verify compares a model's answer with the rules; choose the engine model or auto.")
        if self.engine not in ENGINES:
            raise ConfigError(f"engine {self.engine!r} is unknown; choose one of {', '.join(ENGINES)}.")


def _convert(
    direction: MusicDirection,
    settings: TuneSettings,
    sources: Inputs,
    output: str | Path | None,
    picture: bool,
    force: bool,
    processes: int,
    on_progress: Progress | None,
) -> list[Outcome[Converted]]:
    names = expand_inputs(sources, suffixes=direction.in_folders)
    places = Places(
        output=output, suffix=direction.target, many=len(names) > 1, force=force, roots=sources, pictures=picture
    )
    return TuneConverter(direction, settings).convert(names, places, processes=processes, on_progress=on_progress)


class TuneConverter:
    """Converts tunes in one direction, call after call; the model is loaded once."""

    def __init__(self, direction: MusicDirection, settings: TuneSettings) -> None:
        self.direction, self.settings = direction, settings

    @cached_property
    def writer(self) -> Writer:
        """The model. Raises ModelError, ConfigError."""
        from bytesim.predictors.writer import load_writer

        settings = self.settings
        writer = load_writer(
            settings.model, device=settings.device, dtype=settings.dtype, engine_backend=settings.engine_backend
        )
        writer.check_converts(*self.direction.suffixes)
        return writer

    def convert(
        self, names: Sequence[str], places: Places, *, processes: int = 1, on_progress: Progress | None = None
    ) -> list[Outcome[Converted]]:
        """The outcomes of the tunes of some files, with the errors of `abc2midi`."""
        engine = self.settings.engine
        run = Run(
            direction=self.direction,
            prepared=prepare(names, lambda name: self.direction.read(name, places, engine)),
            engine=engine,
            verify=self.settings.verify,
            force=places.force,
            on_progress=on_progress,
        )
        if engine == "rules":
            run.by_rules(run.jobs())
        elif run.jobs():  # loading a model takes a second, which is not needed if no source could be read
            from bytesim.tasks.convert.auto import by_auto
            from bytesim.tasks.convert.model import by_model

            convert = by_model if engine == "model" else by_auto
            convert(run, self.writer, processes=processes)
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


def _has_abc2midi() -> bool:
    from bytesim.oracles.abcmidi import tool_path

    return tool_path("abc2midi") is not None


def _constrain(data: bytes) -> GrammarMaker | None:
    from bytesim.formats.abc.source_grammar import source_grammar

    return source_grammar(data)


def _respell(job: Job, data: bytes) -> tuple[bytes, int]:
    from bytesim.tasks.convert.respell import respell

    return respell(job.data, data.decode("utf-8"), job.title, job.bpm)


def _by_notes(job: Job) -> RuleAnswer | None:
    from bytesim.tasks.convert.rules import abc_by_notes

    return abc_by_notes(job.data, job.title, job.bpm)


def _closeness(job: Job, data: bytes) -> float:
    from bytesim.tasks.convert.rules import closeness

    return closeness(job.as_written, data.decode("utf-8"))


def _least_midi(canonical: bytes) -> int:
    return LEAST_NOTE_BYTES * abc.count_notes(canonical.decode("ascii"))


ABC_TO_MIDI = MusicDirection(
    name="abc2midi",
    source="abc",
    target="mid",
    in_folders=frozenset({"abc"}),
    read=abc_jobs,
    grammar=midi_grammar,
    finish=finish_midi,
    growth=6.0,
    least=_least_midi,
    by_rules=_midi_by_rules,
    verify=_verify_midi,
    proves=_has_abc2midi,
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
    proves=lambda: True,
    constrain=_constrain,
    respell=_respell,
    by_notes=_by_notes,
    closeness=_closeness,
    draw=_draw_abc,
)
DIRECTIONS = {direction.name: direction for direction in (ABC_TO_MIDI, MIDI_TO_ABC)}
"""Name of the command -> direction."""
