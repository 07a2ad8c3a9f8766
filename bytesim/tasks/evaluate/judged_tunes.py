"""The tunes of `evaluate convert`: the source of each, the expected answer, and the score of the model's answer.

The reference is abc2midi. No model runs in this file.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from bytesim.errors import BytesimError, ConfigError
from bytesim.formats import abc, midi
from bytesim.formats.abc.constructs import CONSTRUCTS, constructs
from bytesim.formats.midi.normal import to_model_form
from bytesim.metrics import ConvertResult, ConvertScore, note_f1, score_converts
from bytesim.oracles.abcmidi import label_many, midi_to_abc
from bytesim.tasks.convert.direction import Direction
from bytesim.tasks.evaluate.tune_split import Split, without_title


@dataclass(kw_only=True)
class JudgedFile:
    """One tune of the split; its fields are filled in step by step."""

    name: str
    reference: bytes | None
    """abc2midi's MIDI of the tune as written, without its title; None if abc2midi reports an error."""
    source: bytes = b""
    """The file that the model reads."""
    target: bytes | None = None
    """The file that the model should write; None if it is not known."""
    constructs: tuple[str, ...] | None = None
    """The rarer parts of ABC notation that the tune uses; None if it has no canonical form."""
    bpm: float | None = None
    """Quarter notes per minute to write into the answer; None for no tempo."""
    raw: bytes = b""
    """The bytes that the model wrote."""
    nll_nats: float | None = None
    """Negative log-likelihood of the answer in nats; None if it did not end or does not parse."""
    written: bytes | None = None
    """The finished answer; None if it did not end or does not parse."""
    error: str | None = None
    refused: bool = False
    """Whether the model could not read the source."""
    result: ConvertResult = field(default_factory=ConvertResult.failed)
    nats: float | None = None
    """Negative log-likelihood of the target in nats, teacher-forced; None if it was not scored."""


def with_references(split: Split) -> list[JudgedFile]:
    """The tunes of a split with abc2midi's MIDI of each. Raises ToolError if abc2midi is missing."""
    labels = label_many(map(without_title, split.texts))
    return [JudgedFile(name=name, reference=label) for name, label in zip(split.ids, labels, strict=True)]


def prepare(file: JudgedFile, text: str, direction: Direction) -> None:
    """Set the source and the target of a file, or its error."""
    canonical: bytes | None = None
    unread: BytesimError | None = None
    try:
        tune = abc.split_book(text)[0].parse()
        form = abc.canonical(tune).text
        file.constructs = constructs(form.split("\n", 4)[4])
        canonical = form.encode("ascii")
    except BytesimError as error:
        unread = error
    if direction.source == "abc":
        if canonical is None:
            file.error, file.refused = str(unread), True
        else:
            file.source, file.target, file.bpm = canonical, file.reference, tune.tempo_bpm
        return
    try:
        if file.reference is None:
            raise ConfigError("abc2midi reports an error for this tune.")
        file.source, _ = to_model_form(file.reference, stress=True)
        file.target = canonical
    except BytesimError as error:
        file.error, file.refused = str(error), True


def judge(files: Sequence[JudgedFile], direction: Direction) -> None:
    """Set each file's result. Files without a reference count as wrong."""
    if direction.target == "mid":
        _judge_midi(files)
    else:
        _judge_abc(files)


def _judge_midi(files: Sequence[JudgedFile]) -> None:
    for file in files:
        if file.reference is not None and not file.refused:
            f1 = _f1(file.reference, file.written)
            file.result = ConvertResult.of(file.reference, file.raw, file.written, f1)


def _judge_abc(files: Sequence[JudgedFile]) -> None:
    written = [file for file in files if file.written is not None and file.reference is not None]
    renderings = label_many((file.written or b"").decode("utf-8") for file in written)
    for file, rendering in zip(written, renderings, strict=True):
        assert file.reference is not None
        if rendering is None:
            file.error = "abc2midi cannot render the model's ABC."
        plain = None if file.written is None else _canonical(file.written)
        file.result = ConvertResult.of(file.target or b"", file.raw, plain, _f1(file.reference, rendering))


def _canonical(written: bytes) -> bytes:
    return abc.canonical(abc.parse(written.decode("utf-8"))).text.encode("ascii")


def _f1(reference: bytes, written: bytes | None) -> float | None:
    return None if written is None else note_f1(midi.notes(reference), midi.notes(written))


def by_construct(files: Sequence[JudgedFile]) -> dict[str, ConvertScore]:
    """Construct -> score of the tunes that use it; `none of these` for the tunes that use none."""
    groups = {name: [file.result for file in files if name in (file.constructs or ())] for name in CONSTRUCTS.values()}
    groups["none of these"] = [file.result for file in files if file.constructs == ()]
    return {name: score_converts(results) for name, results in groups.items() if results}


def baseline_score(files: Sequence[JudgedFile]) -> ConvertScore:
    """The score of abcMIDI's midi2abc on the same MIDI files; its ABC is rendered by abc2midi."""
    texts: list[str] = []
    for file in files:
        try:
            texts.append(midi_to_abc(file.reference) if file.reference is not None else "")
        except BytesimError:
            texts.append("")
    results = []
    for file, rendering in zip(files, label_many(texts), strict=True):
        f1 = None if file.reference is None else _f1(file.reference, rendering)
        results.append(ConvertResult(parses=True, note_f1=f1) if f1 is not None else ConvertResult.failed())
    return score_converts(results)


def detail_lines(files: Sequence[JudgedFile]) -> bytes:
    """The results as JSON Lines, an object for each file."""
    lines = []
    for file in files:
        row = {"id": file.name, **asdict(file.result), "refused": file.refused, "error": file.error}
        row["constructs"] = file.constructs
        sizes = {"source_bytes": len(file.source), "target_bytes": len(file.target or b""), "nats": file.nats}
        sizes["nll_nats"] = file.nll_nats
        lines.append(json.dumps({**row, **sizes}, ensure_ascii=False))
    return ("\n".join(lines) + "\n").encode("utf-8")
