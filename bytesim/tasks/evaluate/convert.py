"""`bytesim evaluate convert`: convert a whole split with a model, and compare bytes and notes with the reference.

The reference is abc2midi. The model is run by `tasks.convert.model`, which cannot see the reference or its answers.
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
from bytesim.tasks.evaluate.auto_tunes import AutoScore, AutoSettings, score_auto
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
    """The results of a model on a split. Refused and failed files count as wrong in every share of `score`."""

    direction: str
    model: str
    split: str
    split_sha256: str
    num_files: int
    split_files: int
    """Files in the whole split; `num_files` of them were used."""
    decoding: str
    score: ConvertScore
    by_construct: dict[str, ConvertScore]
    """Construct (chord symbols, grace notes, ...) -> score of the tunes that use it; a tune may use several."""
    refused: int
    """Number of files that the model could not read: they have no canonical form, or are too long for it."""
    failed: int
    """Number of files whose answer did not end or does not parse."""
    bits_per_byte: float | None
    """Bits of all bytes of the targets, and of the end-of-patch after each, per byte; None if none fits the model."""
    mean_nats: float | None
    """Mean over all tokens of the targets' patches, padding included, as in arXiv:2402.19155."""
    scored_files: int
    """Number of files that fit the model's history, over which these two are computed."""
    scored_bytes: int
    bytes_per_second: float
    """Speed of decoding all files together."""
    reference: str
    """The program that the answers are compared with, and its version, such as `abc2midi 5.02`."""
    auto: AutoScore | None = None
    """The results of the engine auto on the same files; None if not asked for."""
    baseline: ConvertScore | None = None
    """The score of abcMIDI's midi2abc on the same files."""
    confident: int | None = None
    """Number of confident answers by the calibration in the model's card; None if it has none, or gets a new one."""
    confident_right: int | None = None
    """Number of confident answers with identical notes."""
    calibration: AnswerBound | None = None
    """The bound that was fitted to these files and written to the card; None if not asked for or not possible."""


def evaluate_convert(
    pairs: str | Path,
    *,
    model: str = "music",
    direction: str = "abc2midi",
    limit: int | None = None,
    baseline: bool = False,
    auto: bool = False,
    details: str | Path | None = None,
    force: bool = False,
    device: str = "auto",
    dtype: str = "float32",
    engine_backend: str = "auto",
    slots: int = DEFAULT_SLOTS,
    jobs: int = 1,
    calibrate: bool = False,
    on_progress: Progress | None = None,
) -> ConvertEvaluation:
    """Convert every tune of a split with the model, greedily, and compare with abc2midi.

    `pairs` is a JSON Lines file with a field `abc`, a folder of ABC files, or a shard whose rows of whole tunes have
    ABC as sources. Each of `jobs` processes decodes `slots` files at a time, as in `convert`. abc2midi: the model reads
    the tune's canonical form, and should write the MIDI that abc2midi writes for the tune as written, without its
    title. midi2abc: the model reads that MIDI file, and its ABC, rendered by abc2midi, should give the same notes.
    `auto` also converts the files as users do, with the engine auto.
    `details` is a JSON Lines file to write, with a line for each tune. `calibrate` fits the bound within which answers
    are confident, and writes it to the model's card, or that there is none. Do not calibrate on training or test files.

    Raises ConfigError, InputError, ModelError, OutputError, and ToolError if abc2midi is missing.
    """
    if direction not in DIRECTIONS:
        raise ConfigError(f"direction {direction!r} is unknown; choose one of {', '.join(DIRECTIONS)}.")
    if baseline and direction == ABC_TO_MIDI.name:
        raise ConfigError("the baseline is the program midi2abc; it needs the direction midi2abc.")
    if limit is not None and limit < 1:
        raise ConfigError(f"limit {limit} is out of range; choose 1 or more.")
    if details is not None:
        check_output(details, force=force, option="--details")
    split = load_tunes(pairs, limit=limit)
    writer = load_writer(model, device=device, dtype=dtype, rows=slots, engine_backend=engine_backend)
    conversion = DIRECTIONS[direction]
    writer.check_converts(*conversion.suffixes)
    files = with_references(split)
    for file, text in zip(files, split.texts, strict=True):
        prepare(file, text, conversion)
    seconds = _decode(files, writer, conversion, slots, jobs, on_progress)
    judge(files, conversion)
    mean_nats = _score(files, writer, conversion)
    score_of_baseline = baseline_score(files) if baseline else None
    score_of_auto = None
    if auto:
        settings = AutoSettings(model=model, device=device, dtype=dtype, engine_backend=engine_backend, jobs=jobs)
        score_of_auto = score_auto(files, split.texts, conversion, settings)
    if details is not None:
        write_output(details, detail_lines(files), force=force)
    in_card = None if calibrate else read_answer_bound(writer.folder, direction_of(conversion.suffixes))
    answered = [(file.nll_nats, file.result.note_f1 == 1.0) for file in files if file.nll_nats is not None]
    fitted = fit_answer_bound(answered, split=split.name, split_sha256=split.sha256) if calibrate else None
    if calibrate:
        keep_answer_bound(writer.folder, direction_of(conversion.suffixes), fitted)
    confident = None if in_card is None else [right for nats, right in answered if nats <= in_card.most_nats]
    scored = [file for file in files if file.nats is not None and file.target is not None]
    num_bytes = sum(len(file.target or b"") for file in scored)
    return ConvertEvaluation(
        direction=direction,
        model=writer.name,
        split=split.name,
        split_sha256=split.sha256,
        num_files=len(files),
        split_files=split.num_tunes,
        decoding=f"greedy, {writer.number_type}" + f", {slots} files at once",
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
        auto=score_of_auto,
        baseline=score_of_baseline,
        confident=None if confident is None else len(confident),
        confident_right=None if confident is None else sum(confident),
        calibration=fitted,
    )


def _decode(
    files: list[JudgedFile],
    writer: Writer,
    direction: Direction,
    slots: int,
    jobs: int,
    on_progress: Progress | None,
) -> float:
    """Convert every file with the model; returns the seconds it took."""
    readable = [file for file in files if not file.refused]
    expected = sum(len(file.target or file.source) for file in readable)
    done = 0

    def on_bytes(num_bytes: int) -> None:
        nonlocal done
        done += num_bytes
        if on_progress:
            on_progress(done, max(done, expected))

    start = time.perf_counter()
    sources = [file.source for file in readable]
    for row, reply in convert_all(writer, sources, direction, slots=slots, jobs=jobs, on_bytes=on_bytes):
        file = readable[row]
        if isinstance(reply, BytesimError):
            file.error, file.refused = str(reply), True
            continue
        file.raw = reply.data
        try:
            check_ended(reply, writer)
            file.written = direction.finish(reply, None, file.bpm).data
            file.nll_nats = nll_nats(reply.data, reply.token_nats, direction.target)
        except BytesimError as error:
            file.error = str(error)
    return time.perf_counter() - start


def _score(files: Sequence[JudgedFile], writer: Writer, direction: Direction) -> float | None:
    """Set the negative log-likelihood of every target that fits the model; returns the mean over all tokens in nats."""
    config = writer.config
    total, tokens = 0.0, 0
    for file in files:
        if file.target is None or file.refused:
            continue
        request = writer.frame(direction.asked(file.source))
        patches = -(-len(file.target) // config.patch_size) + 1
        if len(request.history) + patches > config.max_patches:
            continue
        score = score_file(writer.model, request, file.target)
        file.nats = score.nats
        total += score.mean_nats * patches * config.patch_size
        tokens += patches * config.patch_size
    return total / tokens if tokens else None
