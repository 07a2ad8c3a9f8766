"""The engine auto on the tunes of `evaluate convert`: what a user gets who converts the same files by default."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bytesim.files import Outcome
from bytesim.formats import midi
from bytesim.metrics import note_f1
from bytesim.oracles.abcmidi import label_many
from bytesim.tasks.convert.direction import MusicDirection
from bytesim.tasks.convert.run import Converted
from bytesim.tasks.convert.tunes import abc2midi, midi2abc
from bytesim.tasks.evaluate.judged_tunes import JudgedFile
from bytesim.tasks.evaluate.tune_split import without_title


@dataclass(frozen=True, kw_only=True)
class AutoScore:
    """Results of the engine auto on a split; the denominator of every share is the whole split."""

    num_files: int
    written: float
    """Share of files that were written."""
    same_notes: float
    """Share of files with the identical multiset of notes, as abc2midi plays them."""
    mean_note_f1: float
    """Mean note F1; 0 for a file that was not written."""
    corrected: float
    """Share of files with notes that were corrected after the model's answer was played."""
    fell_back: float
    """Share of files that the rules converted."""
    seconds_per_file: float
    """Loading the model included."""


@dataclass(frozen=True, kw_only=True)
class AutoSettings:
    """The model of the engine auto, and how it runs."""

    model: str
    device: str
    dtype: str
    engine_backend: str
    jobs: int


def score_auto(
    files: Sequence[JudgedFile],
    texts: Sequence[str],
    direction: MusicDirection,
    settings: AutoSettings,
) -> AutoScore:
    """Convert every tune with the engine auto, and compare with abc2midi. `texts` are the tunes as written."""
    convert = abc2midi if direction.source == "abc" else midi2abc
    with tempfile.TemporaryDirectory(prefix="bytesim-") as name:
        folder = Path(name)
        sources: dict[int, Path] = {}
        for index, (file, text) in enumerate(zip(files, texts, strict=True)):
            data = without_title(text).encode() if direction.source == "abc" else file.reference
            if data is not None:
                sources[index] = folder / f"{index:06d}.{direction.source}"
                sources[index].write_bytes(data)
        (folder / "out").mkdir()
        start = time.perf_counter()
        outcomes = convert(
            list(sources.values()),
            output=folder / "out",
            model=settings.model,
            device=settings.device,
            dtype=settings.dtype,
            engine_backend=settings.engine_backend,
            jobs=settings.jobs,
        )
        seconds = time.perf_counter() - start
        results = [outcome.result for outcome in outcomes if outcome.result is not None]
        f1 = _scores(dict(zip(sources, outcomes, strict=True)), files, direction)
    count = len(files)
    return AutoScore(
        num_files=count,
        written=len(results) / count,
        same_notes=sum(score == 1.0 for score in f1) / count,
        mean_note_f1=sum(f1) / count,
        corrected=sum(result.corrections > 0 for result in results) / count,
        fell_back=sum(result.model is None for result in results) / count,
        seconds_per_file=seconds / count,
    )


def _scores(
    outcomes: dict[int, Outcome[Converted]], files: Sequence[JudgedFile], direction: MusicDirection
) -> list[float]:
    """Note F1 of each file that was written. ABC is played by abc2midi."""
    written = {
        index: Path(outcome.result.output).read_bytes()
        for index, outcome in outcomes.items()
        if outcome.result is not None
    }
    played: dict[int, bytes | None] = dict(written)
    if direction.target == "abc":
        played = dict(zip(written, label_many(data.decode("utf-8") for data in written.values()), strict=True))
    scores = []
    for index, data in played.items():
        reference = files[index].reference
        scores.append(0.0 if data is None or reference is None else note_f1(midi.notes(reference), midi.notes(data)))
    return scores
