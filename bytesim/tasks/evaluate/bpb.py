"""`bytesim evaluate bpb`: how many bits a model needs for each byte of files it has not seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from bytesim.clocks import make_clock
from bytesim.engine.score import score_file
from bytesim.errors import BytesimError, ConfigError, ContextError
from bytesim.files import Outcome, Progress, check_output, expand_inputs, read_input, write_output
from bytesim.metrics import bits_per_byte
from bytesim.models.interface import ByteModel
from bytesim.patching import suffix_of
from bytesim.predictors.writer import load_writer
from bytesim.requests import Asked, Request
from bytesim.training.data.shards import load_shard


@dataclass(frozen=True, kw_only=True)
class BitsPerByte:
    """What one file, or all rows of a shard, cost a model."""

    source: str
    model: str
    num_files: int
    num_bytes: int
    bits_per_byte: float
    """Over the bytes and the end-of-patch after the last one of each file."""
    mean_nats: float
    """Mean over all tokens of the patches, padding included, as published."""
    windows: int
    """Pieces the files were scored in; more than `num_files` where one is longer than the model's history."""
    refused: int
    """Rows of a shard that do not fit the model, left out of the figures."""


def evaluate_bpb(
    files: Sequence[str | Path],
    *,
    model: str = "music",
    source_suffix: str | None = None,
    target_suffix: str | None = None,
    reverse: bool = False,
    limit: int | None = None,
    picture: str | Path | None = None,
    force: bool = False,
    device: str = "auto",
    dtype: str = "float32",
    on_progress: Progress | None = None,
) -> list[Outcome[BitsPerByte]]:
    """Score files, each by itself under the suffix of its name, or the rows of a packed shard (.npz).

    A file longer than the model's history is scored in windows that overlap by half, each byte once. Rows of a
    shard are scored as files of `target_suffix`; with `source_suffix` as conversions of their sources, which
    `reverse` turns round. `limit` takes the first rows of each shard. Folders are walked. `picture` is a PNG to
    draw: a histogram over all files and rows. Raises ConfigError, ModelError and OutputError; what is wrong with one
    file is in its outcome.
    """
    if source_suffix is not None and target_suffix is None:
        raise ConfigError("a source suffix needs a target suffix.")
    if picture is not None:
        check_output(picture, force=force)
    writer = load_writer(model, device=device, dtype=dtype)
    names = expand_inputs(files)
    each: list[tuple[float, int]] = []
    outcomes: list[Outcome[BitsPerByte]] = []
    for number, name in enumerate(names, start=1):
        tally = _Tally(name, writer.name)
        try:
            if suffix_of(name) == "npz":
                _score_shard(tally, writer.model, name, (source_suffix, target_suffix), reverse, limit)
            else:
                _score_whole(tally, writer.model, read_input(name), target_suffix or suffix_of(name))
            outcomes.append(Outcome(name, result=tally.result()))
            each += tally.each
        except BytesimError as error:
            outcomes.append(Outcome(name, error=error.in_file(name)))
        if on_progress:
            on_progress(number, len(names))
    if picture is not None and each:
        from bytesim.pictures.bits import draw_bits

        write_output(picture, draw_bits([bits_per_byte(*one) for one in each], writer.name), force=force)
    return outcomes


class _Tally:
    """Sums over the files of one source."""

    def __init__(self, source: str, model: str) -> None:
        self.source, self.model = source, model
        self.files = self.bytes = self.windows = self.refused = 0
        self.nats = self.token_nats = 0.0
        self.tokens = 0
        self.each: list[tuple[float, int]] = []
        """(nats, bytes) of each file or row."""

    def result(self) -> BitsPerByte:
        if not self.bytes:
            raise ContextError("nothing in it fits the model's history.")
        return BitsPerByte(
            source=self.source,
            model=self.model,
            num_files=self.files,
            num_bytes=self.bytes,
            bits_per_byte=bits_per_byte(self.nats, self.bytes),
            mean_nats=self.token_nats / self.tokens,
            windows=self.windows,
            refused=self.refused,
        )


def _score_whole(tally: _Tally, model: ByteModel, data: bytes, suffix: str) -> None:
    request = model.frame(Asked(suffix=suffix))
    tally.files += 1
    before = tally.nats
    for start, end, known in _windows(len(data), (model.config.max_patches - 2) * model.config.patch_size):
        if request.times:  # the clock does not start anew where a window does
            times = replace(request.times, clock=partial(make_clock, suffix, data[:start]))
            request = replace(request, times=times)
        _add(tally, model, request, data[start:end], known, end == len(data))
    tally.each.append((tally.nats - before, len(data)))


def _windows(length: int, size: int) -> Iterator[tuple[int, int, int]]:
    """(start, end, bytes at its beginning that were scored before) of each window."""
    start, scored = 0, 0
    while True:
        end = min(start + size, length)
        yield start, end, scored - start
        if end == length:
            return
        scored, start = end, end - size // 2


def _add(tally: _Tally, model: ByteModel, request: Request, data: bytes, known: int, ends: bool) -> None:
    """Score a piece: its bytes after the first `known`, and the end-of-patch if the file ends with it."""
    score = score_file(model, request, data)
    nats = score.token_nats[known : len(data) + ends]
    patches = -(-len(data) // model.config.patch_size) + 1
    tally.windows += 1
    tally.bytes += len(data) - known
    tally.nats += float(nats.sum())
    tally.token_nats += score.mean_nats * patches * model.config.patch_size
    tally.tokens += patches * model.config.patch_size


def _score_shard(
    tally: _Tally,
    model: ByteModel,
    name: str,
    suffixes: tuple[str | None, str | None],
    reverse: bool,
    limit: int | None,
) -> None:
    source_suffix, target_suffix = suffixes
    if target_suffix is None:
        raise ConfigError("rows of a shard have no names; say what they are with --target-suffix.")
    shard = load_shard(Path(name))
    for index in range(len(shard) if limit is None else min(limit, len(shard))):
        source, target = shard.row(index)[::-1] if reverse else shard.row(index)
        try:
            asked = Asked(suffix=target_suffix)
            if source_suffix is not None:
                asked = Asked(suffix=target_suffix, source=source, source_suffix=source_suffix)
            request = model.frame(asked)
            patches = -(-len(target) // model.config.patch_size) + 1
            if not target or len(request.history) + patches > model.config.max_patches:
                raise ContextError("too long.")
        except ContextError:
            tally.refused += 1
            continue
        tally.files += 1
        before = tally.nats
        _add(tally, model, request, target, 0, True)
        tally.each.append((tally.nats - before, len(target)))
