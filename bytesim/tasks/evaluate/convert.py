"""`bytesim evaluate convert`: a model's conversions of a whole split, judged by bytes and by notes.

The reference is abc2midi. The model is run by `tasks.convert.model`, which sees neither it nor its answers.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bytesim.engine.decode import DEFAULT_SLOTS
from bytesim.engine.score import score_file
from bytesim.errors import BytesimError, ConfigError
from bytesim.files import Progress, check_output, write_output
from bytesim.metrics import ConvertScore, bits_per_byte, score_converts
from bytesim.oracles.abcmidi import find_tool, version_number
from bytesim.predictors.confidence import (
    AnswerBound,
    direction_of,
    fit_answer_bound,
    keep_answer_bound,
    nll_nats,
    read_answer_bound,
)
from bytesim.predictors.writer import Writer, load_writer
from bytesim.tasks.convert.direction import Direction
from bytesim.tasks.convert.model import check_ended, convert_all
from bytesim.tasks.convert.tunes import ABC_TO_MIDI, DIRECTIONS
from bytesim.tasks.evaluate.judged_tunes import (
    JudgedFile,
    baseline_score,
    by_construct,
    detail_lines,
    judge,
    prepare,
    with_references,
)
from bytesim.tasks.evaluate.tune_split import load_tunes


@dataclass(frozen=True, kw_only=True)
class ConvertEvaluation:
    """A model on a split. Refused and failed files count as wrong in every share of `score`."""

    direction: str
    model: str
    split: str
    split_sha256: str
    num_files: int
    split_files: int
    """Files of the whole split, of which `num_files` were taken."""
    decoding: str
    score: ConvertScore
    by_construct: dict[str, ConvertScore]
    """The score of the tunes that use chord symbols, grace notes and so on; a tune may be among several."""
    refused: int
    """Files that never reached the model: no canonical form, or too long for it."""
    failed: int
    """Files whose answer did not end or does not parse."""
    bits_per_byte: float | None
    """Of the targets, over their bytes and the end-of-patch after them; None where none fits the model."""
    mean_nats: float | None
    """Mean over all tokens of the targets' patches, padding included, as published."""
    scored_files: int
    """Files that fit the model's history, which these two are taken over."""
    scored_bytes: int
    bytes_per_second: float
    """Written, all files decoded together."""
    reference: str
    """The program whose files, or whose rendering, the answers are compared with, and its version."""
    baseline: ConvertScore | None = None
    """midi2abc of abcMIDI on the same files."""
    sure: int | None = None
    """Answers that the calibration in the model's card calls sure; None where it has none, or is to get one."""
    sure_right: int | None = None
    """Those of them with the identical notes."""
    calibration: AnswerBound | None = None
    """Made of these files and put into the card, where that was asked for and could be."""


def evaluate_convert(
    pairs: str | Path,
    *,
    model: str = "music",
    direction: str = "abc2midi",
    limit: int | None = None,
    baseline: bool = False,
    details: str | Path | None = None,
    force: bool = False,
    device: str = "auto",
    dtype: str = "float32",
    slots: int = DEFAULT_SLOTS,
    jobs: int = 1,
    calibrate: bool = False,
    on_progress: Progress | None = None,
) -> ConvertEvaluation:
    """Convert every tune of a split by the model, greedily, and compare with abc2midi.

    `pairs` is a JSON Lines file with a field `abc`, a folder of ABC files, or a shard whose whole rows have ABC for
    sources. `slots` files are decoded at a time by each of `jobs` processes, as in `convert`. abc2midi: the model
    reads the tune's canonical form, and should write what abc2midi makes of the tune as written, without its title.
    midi2abc: it reads that MIDI file, and its ABC, rendered by abc2midi, should give the same notes. `details` is
    a JSON Lines file to write, a line for each tune. `calibrate` finds out which answers may be called sure and
    notes it in the model's card, or that none may; the files must be none that the model was trained on or is judged
    by.

    Raises ConfigError, InputError, ModelError, OutputError, and ToolError where abc2midi is missing.
    """
    if direction not in DIRECTIONS:
        raise ConfigError(f"direction {direction!r} is none of {', '.join(DIRECTIONS)}.")
    if baseline and direction == ABC_TO_MIDI.name:
        raise ConfigError("abc2midi is the reference here; a baseline, midi2abc, is there for midi2abc only.")
    if limit is not None and limit < 1:
        raise ConfigError(f"limit {limit} is out of range; choose 1 or more.")
    if details is not None:
        check_output(details, force=force)
    split = load_tunes(pairs, limit=limit)
    writer = load_writer(model, device=device, dtype=dtype, rows=slots)
    way = DIRECTIONS[direction]
    writer.check_converts(*way.suffixes)
    files = with_references(split)
    for file, text in zip(files, split.texts, strict=True):
        prepare(file, text, way)
    seconds = _decode(files, writer, way, slots, jobs, on_progress)
    judge(files, way)
    mean_nats = _score(files, writer, way)
    base = baseline_score(files) if baseline else None
    if details is not None:
        write_output(details, detail_lines(files), force=force)
    known = None if calibrate else read_answer_bound(writer.folder, direction_of(way.suffixes))
    answered = [(file.surprise_nats, file.result.note_f1 == 1.0) for file in files if file.surprise_nats is not None]
    made = fit_answer_bound(answered, split=split.name, split_sha256=split.sha256) if calibrate else None
    if calibrate:
        keep_answer_bound(writer.folder, direction_of(way.suffixes), made)
    sure = None if known is None else [right for nats, right in answered if nats <= known.most_nats]
    scored = [file for file in files if file.nats is not None and file.target is not None]
    num_bytes = sum(len(file.target or b"") for file in scored)
    return ConvertEvaluation(
        direction=direction,
        model=writer.name,
        split=split.name,
        split_sha256=split.sha256,
        num_files=len(files),
        split_files=split.num_tunes,
        decoding=f"greedy, {next(writer.model.parameters()).dtype}".replace("torch.", "") + f", {slots} files at once",
        score=score_converts([file.result for file in files]),
        by_construct=by_construct(files),
        refused=sum(file.refused for file in files),
        failed=sum(file.error is not None and not file.refused for file in files),
        bits_per_byte=bits_per_byte(sum(file.nats or 0.0 for file in scored), num_bytes) if num_bytes else None,
        mean_nats=mean_nats,
        scored_files=len(scored),
        scored_bytes=num_bytes,
        bytes_per_second=sum(len(file.raw) for file in files) / max(seconds, 1e-9),
        reference=f"abc2midi {version_number(find_tool('abc2midi'))}",
        baseline=base,
        sure=None if sure is None else len(sure),
        sure_right=None if sure is None else sum(sure),
        calibration=made,
    )


def _decode(
    files: list[JudgedFile],
    writer: Writer,
    direction: Direction,
    slots: int,
    jobs: int,
    on_progress: Progress | None,
) -> float:
    """Let the model convert every file; returns the seconds it took."""
    read = [file for file in files if not file.refused]
    expected = sum(len(file.target or file.source) for file in read)
    done = 0

    def on_bytes(num_bytes: int) -> None:
        nonlocal done
        done += num_bytes
        if on_progress:
            on_progress(done, max(done, expected))

    start = time.perf_counter()
    sources = [file.source for file in read]
    for row, reply in convert_all(writer, sources, direction, slots=slots, jobs=jobs, on_bytes=on_bytes):
        file = read[row]
        if isinstance(reply, BytesimError):
            file.error, file.refused = str(reply), True
            continue
        file.raw = reply.data
        try:
            check_ended(reply, writer)
            file.written = direction.finish(reply, None, file.bpm).data
            file.surprise_nats = nll_nats(reply.data, reply.token_nats, direction.target)
        except BytesimError as error:
            file.error = str(error)
    return time.perf_counter() - start


def _score(files: Sequence[JudgedFile], writer: Writer, direction: Direction) -> float | None:
    """Teacher-forced nats of every target that fits the model; returns the mean over all tokens."""
    config = writer.model.config
    total, tokens = 0.0, 0
    for file in files:
        if file.target is None or file.refused:
            continue
        request = writer.model.frame(direction.asked(file.source))
        patches = -(-len(file.target) // config.patch_size) + 1
        if len(request.history) + patches > config.max_patches:
            continue
        score = score_file(writer.model, request, file.target)
        file.nats = score.nats
        total += score.mean_nats * patches * config.patch_size
        tokens += patches * config.patch_size
    return total / tokens if tokens else None
