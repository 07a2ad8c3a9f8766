"""Extra outputs of `bytesim generate`: MIDI and sheet music of each tune, one sheet of all pictures or waveforms."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bytesim.errors import BytesimError
from bytesim.files import Outcome, read_input, write_output
from bytesim.pictures.engraving import engrave
from bytesim.pictures.sheet import sheet
from bytesim.predictors.confidence import direction_of, read_answer_bound
from bytesim.predictors.writer import Writer
from bytesim.tasks.convert.tunes import ABC_TO_MIDI, abc2midi
from bytesim.tasks.generate.draw import Generated

Outcomes = list[Outcome[Generated]]


def midi_engine(asked: str, writer: Writer) -> str:
    """The engine that converts a model's tunes to MIDI.

    `auto` becomes `rules` if the model does not convert, or has no calibrated confidence. Raises ModelError if the
    model must convert and was never trained to.
    """
    if asked == "model":
        writer.check_converts(*ABC_TO_MIDI.suffixes)
    if asked != "auto":
        return asked
    converts = ABC_TO_MIDI.suffixes in (writer.conversions or ())
    return "auto" if converts and read_answer_bound(writer.folder, direction_of(ABC_TO_MIDI.suffixes)) else "rules"


def add_midi(
    outcomes: Outcomes, *, model: str, engine: str, force: bool, device: str, dtype: str, engine_backend: str
) -> Outcomes:
    """Convert the tunes that were written to MIDI files beside them."""
    indices = [index for index, outcome in enumerate(outcomes) if outcome.result]
    played = abc2midi(
        [_file(outcomes[index]) for index in indices],
        model=model,
        engine=engine,
        force=force,
        device=device,
        dtype=dtype,
        engine_backend=engine_backend,
    )
    added = list(outcomes)
    for index, outcome in zip(indices, played, strict=True):
        tune, midi = outcomes[index].result, outcome.result
        assert tune is not None
        if midi is None:
            assert outcome.error is not None
            added[index] = _without(outcomes[index], "MIDI", outcome.error)
        else:
            with_midi = replace(
                tune, midi=midi.output, midi_engine=midi.engine, midi_engine_version=midi.engine_version
            )
            added[index] = replace(outcomes[index], result=with_midi)
    return added


def add_scores(outcomes: Outcomes, *, force: bool) -> Outcomes:
    """Engrave the tunes that were written as SVG files beside them."""
    added = list(outcomes)
    for index, outcome in enumerate(outcomes):
        if outcome.result is None:
            continue
        target = Path(outcome.result.output).with_suffix(".svg")
        try:
            write_output(target, engrave(read_input(outcome.result.output)), force=force)
            added[index] = replace(outcome, result=replace(outcome.result, score=str(target)))
        except BytesimError as error:
            added[index] = _without(outcome, "score", error)
    return added


def write_sheet(outcomes: Outcomes, target: str | Path, suffix: str, *, force: bool) -> None:
    """Write one picture of the new files, labelled by their seeds; nothing if there are none. Raises OutputError."""
    written = [outcome.result for outcome in outcomes if outcome.result]
    if written:
        files = [(str(file.seed), read_input(file.output)) for file in written]
        write_output(target, sheet(files, suffix), force=force)


def _file(outcome: Outcome[Generated]) -> str:
    assert outcome.result is not None
    return outcome.result.output


def _without(outcome: Outcome[Generated], what: str, error: BytesimError) -> Outcome[Generated]:
    """The outcome of a tune that was written, but without an extra output."""
    error.message = f"the tune is written, but has no {what}: {error.message}"
    return Outcome(outcome.source, error=error.in_file(_file(outcome)))
