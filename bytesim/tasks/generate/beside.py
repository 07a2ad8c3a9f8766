"""What is written beside new files: the MIDI and the score of each tune, and one sheet of all pictures or waves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bytesim.errors import BytesimError
from bytesim.files import Outcome, read_input, write_output
from bytesim.pictures.engraving import engrave
from bytesim.pictures.sheet import sheet
from bytesim.predictors.confidence import direction_of, read_answer_bound
from bytesim.predictors.writer import Writer
from bytesim.tasks.convert.tunes import abc2midi
from bytesim.tasks.generate.draw import Generated

MIDI_DIRECTION = ("abc", "mid")

Outcomes = list[Outcome[Generated]]


def midi_engine(asked: str, writer: Writer) -> str:
    """The engine that plays a model's tunes: `auto` is the rules where the model does not convert, or cannot tell when
    it is sure. Raises ModelError where the model is asked to convert and was never trained to."""
    if asked == "model":
        writer.check_converts(*MIDI_DIRECTION)
    if asked != "auto":
        return asked
    converts = MIDI_DIRECTION in (writer.conversions or ())
    return "auto" if converts and read_answer_bound(writer.folder, direction_of(MIDI_DIRECTION)) else "rules"


def add_midi(outcomes: Outcomes, *, model: str, engine: str, force: bool, device: str, dtype: str) -> Outcomes:
    """Convert the tunes that were written, beside each of them."""
    places = [index for index, each in enumerate(outcomes) if each.result]
    played = abc2midi(
        [_file(outcomes[index]) for index in places],
        model=model,
        engine=engine,
        force=force,
        device=device,
        dtype=dtype,
    )
    added = list(outcomes)
    for index, outcome in zip(places, played, strict=True):
        made, midi = outcomes[index].result, outcome.result
        assert made is not None
        if midi is None:
            assert outcome.error is not None
            added[index] = _without(outcomes[index], "MIDI", outcome.error)
        else:
            midi_engine = midi.engine
            added[index] = replace(outcomes[index], result=replace(made, midi=midi.output, midi_engine=midi_engine))
    return added


def add_scores(outcomes: Outcomes, *, force: bool) -> Outcomes:
    """Engrave the tunes that were written, beside each of them."""
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
    """One picture of the files that were written, labelled by their seeds; none where none was. Raises OutputError."""
    made = [outcome.result for outcome in outcomes if outcome.result]
    if made:
        files = [(str(each.seed), read_input(each.output)) for each in made]
        write_output(target, sheet(files, suffix), force=force)


def _file(outcome: Outcome[Generated]) -> str:
    assert outcome.result is not None
    return outcome.result.output


def _without(outcome: Outcome[Generated], what: str, error: BytesimError) -> Outcome[Generated]:
    """The outcome of a tune that stands there alone."""
    error.message = f"the tune is written, but has no {what}: {error.message}"
    return Outcome(outcome.source, error=error.in_file(_file(outcome)))
