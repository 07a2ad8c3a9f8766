"""`bytesim evaluate bpb`: measure a model's bits per byte on held-out files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from bytesim.clocks import make_clock
from bytesim.engine.score import score_file
from bytesim.errors import BytesimError, ConfigError, ContextError, InputError
from bytesim.files import Inputs, Outcome, Progress, check_output, expand_inputs, read_input, write_output
from bytesim.metrics import bits_per_byte
from bytesim.models.interface import ByteModel
from bytesim.patching import history_bytes, reading_windows, suffix_of
from bytesim.predictors.writer import Writer, load_writer
from bytesim.requests import Asked, Request
from bytesim.tasks.evaluate.noises import noised
from bytesim.training.data.shards import load_shard


@dataclass(frozen=True, kw_only=True)
class BitsPerByte:
    """Bits per byte of a model on one file, or on all rows of a shard."""

    source: str
    model: str
    num_files: int
    num_bytes: int
    bits_per_byte: float
    """Bits of all bytes, and of the end-of-patch after each file, per byte."""
    mean_nats: float
    """Mean over all tokens of the patches, padding included, as in arXiv:2402.19155."""
    windows: int
    """Number of windows that were scored; more than `num_files` if a file is longer than the model's history."""
    refused: int
    """Number of rows of a shard that do not fit the model and are left out."""
    target: str | None = None
    """The file that was scored, given its source, if the model converts such files; None for a file by itself."""
    noise: str | None = None
    """The noise in the text that was scored; None for the file as it is."""


def evaluate_bpb(
    files: Inputs,
    *,
    model: str = "music",
    source_suffix: str | None = None,
    target_suffix: str | None = None,
    reverse: bool = False,
    limit: int | None = None,
    noise: str | Sequence[str] = (),
    picture: str | Path | None = None,
    force: bool = False,
    device: str = "auto",
    dtype: str = "float32",
    on_progress: Progress | None = None,
) -> list[Outcome[BitsPerByte]]:
    """Score each file, under the suffix of its name, or the rows of a packed shard (.npz).

    A file that the model converts and does not generate is the source or the target of a pair: the target is scored
    given the source, and both must stand side by side. Of a folder such a model reads the sources. Other files are
    scored by themselves; one longer than the model's history in windows that overlap by half, each byte once. Rows of a
    shard are scored as files of `target_suffix`; with `source_suffix` as conversions of their sources, and `reverse`
    swaps source and target. `limit` is the number of rows to use of each shard. `noise` names NOISES: texts that are
    scored by themselves are then also scored with each of them, in outcomes that follow that of the file. Folders are
    searched recursively. `picture` is a PNG to draw: a histogram over all files and rows. Raises ConfigError,
    ModelError and OutputError; the error of a file is in its outcome.
    """
    if source_suffix is not None and target_suffix is None:
        raise ConfigError("a source suffix needs a target suffix.")
    if picture is not None:
        check_output(picture, force=force, option="--picture")
    noises = (noise,) if isinstance(noise, str) else tuple(noise)
    for name in noises:
        noised(b"", name)  # a wrong name is told before any work
    writer = load_writer(model, device=device, dtype=dtype, engine_backend="torch")
    names = expand_inputs(files, suffixes=_read_suffixes(writer))
    scores: list[tuple[float, int]] = []
    outcomes: list[Outcome[BitsPerByte]] = []
    for number, name in enumerate(names, start=1):
        for kind in (None, *noises):
            tally = _Tally(name, writer.name, kind, noises)
            try:
                if suffix_of(name) == "npz":
                    _score_shard(tally, writer.model, name, (source_suffix, target_suffix), reverse, limit)
                elif pair := _pair_of(Path(name), target_suffix or suffix_of(name), writer):
                    _score_pair(tally, writer.model, *pair)
                else:
                    _score_whole(tally, writer.model, read_input(name), target_suffix or suffix_of(name))
                outcomes.append(Outcome(name, result=tally.result()))
                scores += tally.scores if kind is None else []
            except BytesimError as error:
                outcomes.append(Outcome(name, error=error.in_file(name)))
                break
        if on_progress:
            on_progress(number, len(names))
    if picture is not None and scores:
        from bytesim.pictures.bits import draw_bits

        write_output(picture, draw_bits([bits_per_byte(*score) for score in scores], writer.name), force=force)
    return outcomes


def bits_per_byte_of(writer: Writer, data: bytes, suffix: str) -> float:
    """Bits per byte of a file in memory, in windows that overlap by half if it is longer than the model's history."""
    tally = _Tally("", writer.name)
    _score_whole(tally, writer.model, data, suffix)
    return tally.result().bits_per_byte


class _Tally:
    """Sums over the files of one source."""

    def __init__(self, source: str, model: str, noise: str | None = None, noises: Sequence[str] = ()) -> None:
        self.source, self.model, self.noise, self.noises = source, model, noise, noises
        self.files = self.bytes = self.windows = self.refused = 0
        self.nats = self.token_nats = 0.0
        self.tokens = 0
        self.target: str | None = None
        self.scores: list[tuple[float, int]] = []
        """(nats, bytes) of each file or row."""

    def result(self) -> BitsPerByte:
        if not self.bytes:
            raise ContextError("none of its rows fits the model's history.")
        return BitsPerByte(
            source=self.source,
            model=self.model,
            num_files=self.files,
            num_bytes=self.bytes,
            bits_per_byte=bits_per_byte(self.nats, self.bytes),
            mean_nats=self.token_nats / self.tokens,
            windows=self.windows,
            refused=self.refused,
            target=self.target,
            noise=self.noise,
        )

    def noised(self, data: bytes) -> bytes:
        """A file as it is to be scored: with the noise, if there is one."""
        return data if self.noise is None else noised(data, self.noise)

    def longest(self, data: bytes) -> int:
        """Length of a file with the noise that makes it longest: rows that do not fit with one are left out of all."""
        return max([len(data), *(len(noised(data, noise)) for noise in self.noises)])

    def refuse_noise(self) -> None:
        """Raise ConfigError if there is noise, which a pair cannot have: its target would not be that of its source."""
        if self.noise is not None:
            raise ConfigError("noise is for texts that are scored by themselves, not for pairs.")


def _read_suffixes(writer: Writer) -> set[str] | None:
    """The suffixes of the files of a folder to score: of a model that only converts, the sources; None for all."""
    if not writer.conversions or writer.generates:
        return None
    return {source for source, _ in writer.conversions} | {"npz"}


def _pair_of(path: Path, suffix: str, writer: Writer) -> tuple[Path, Path] | None:
    """The source and the target of a file that is one of the two; None for a file that the model generates.

    Raises InputError if the other one is not beside it, or the model has nothing to do with its suffix.
    """
    if not writer.conversions or suffix in (writer.generates or ()):
        return None
    pairs = [(path.with_suffix(f".{source}"), path) for source, target in writer.conversions if target == suffix]
    pairs += [(path, path.with_suffix(f".{target}")) for source, target in writer.conversions if source == suffix]
    listed = ", ".join(f".{source} to .{target}" for source, target in writer.conversions)
    if not pairs:
        raise InputError(f"the model {writer.name!r} converts {listed}, and has not learned .{suffix} files.")
    for source, target in pairs:
        if source.is_file() and target.is_file():
            return source, target
    others = " or ".join(dict.fromkeys((target if source == path else source).name for source, target in pairs))
    raise InputError(
        f"the model {writer.name!r} converts {listed}, so a file is scored given its source: {others} must stand "
        "beside it. To measure a converter by its answers, use `bytesim evaluate convert`."
    )


def _score_pair(tally: _Tally, model: ByteModel, source: Path, target: Path) -> None:
    """Score a target given its source. Raises ContextError if they are too long together."""
    tally.refuse_noise()
    data = read_input(target)
    asked = Asked(suffix=suffix_of(target.name), source=read_input(source), source_suffix=suffix_of(source.name))
    request = model.frame(asked)
    patches = -(-len(data) // model.config.patch_size) + 1
    if len(request.history) + patches > model.config.max_patches:
        raise ContextError(
            f"the pair needs {len(request.history) + patches} patches of {model.config.patch_size} bytes, source "
            f"included, and the model's history has {model.config.max_patches}. Shorten it."
        )
    tally.files += 1
    tally.target = str(target)
    _add(tally, model, request, data, 0, True)
    tally.scores.append((tally.nats, len(data)))


def _score_whole(tally: _Tally, model: ByteModel, data: bytes, suffix: str) -> None:
    data = tally.noised(data)
    request = model.frame(Asked(suffix=suffix))
    tally.files += 1
    before = tally.nats
    for window in reading_windows(data, suffix, history_bytes(model.config.max_patches, model.config.patch_size)):
        if request.times:
            times = replace(request.times, clock=partial(make_clock, suffix, data[window.piece : window.start]))
            request = replace(request, times=times)
        _add(tally, model, request, data[window.start : window.end], window.known, window.end == len(data))
    tally.scores.append((tally.nats - before, len(data)))


def _add(tally: _Tally, model: ByteModel, request: Request, data: bytes, known: int, ends: bool) -> None:
    """Score a window: its bytes after the first `known`, and the end-of-patch if it `ends` the file."""
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
        raise ConfigError("rows of a shard have no names; give their suffix with --target-suffix.")
    if source_suffix is not None:
        tally.refuse_noise()
    shard = load_shard(Path(name))
    for index in range(len(shard) if limit is None else min(limit, len(shard))):
        source, target = shard.row(index)[::-1] if reverse else shard.row(index)
        length, target = tally.longest(target), tally.noised(target)
        try:
            asked = Asked(suffix=target_suffix)
            if source_suffix is not None:
                asked = Asked(suffix=target_suffix, source=source, source_suffix=source_suffix)
            request = model.frame(asked)
            patches = -(-length // model.config.patch_size) + 1
            if not target or len(request.history) + patches > model.config.max_patches:
                raise ContextError("too long.")
        except ContextError:
            tally.refused += 1
            continue
        tally.files += 1
        before = tally.nats
        _add(tally, model, request, target, 0, True)
        tally.scores.append((tally.nats - before, len(target)))
