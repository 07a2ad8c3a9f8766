"""Draws new files from a model until all are valid and different. The rule-based converters must not be used here."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count as count_from
from pathlib import Path
from typing import TYPE_CHECKING

from bytesim.clocks import ByteDeadline
from bytesim.engine.decode import OnBytes
from bytesim.errors import BytesimError, ContextError, DecodeError
from bytesim.files import STDIO, Outcome, check_output, output_path, write_output
from bytesim.formats import abc, midi
from bytesim.formats.grammar import grammar_after
from bytesim.patching import header_patches
from bytesim.predictors.writer import Writer
from bytesim.requests import Asked, Reply, Request, Sampling
from bytesim.tasks.convert.finish_file import check_parses
from bytesim.tasks.generate.kinds import BLOCK, Kind
from bytesim.tasks.generate.prompt import Beginning

if TYPE_CHECKING:
    from bytesim.models.registry import WriterConfig

SLOTS = 64
"""Files that are decoded together; a step reads the weights once for all of them."""

SAME_FILE = "the file is the same as an earlier one."

OnFiles = Callable[[int, int], None]
"""Called with (files done, total files)."""


@dataclass(frozen=True, kw_only=True)
class Generated:
    """One new file."""

    output: str
    """The file written; `-` is stdout."""
    model: str
    num_bytes: int
    seed: int
    """With the same model, prompt and settings, this seed and a count of 1 give the same file."""
    tries: int
    """Number of draws until the file was valid."""
    truncated: bool
    """Whether the file was cut, or its grammar forced the end at a length limit."""
    midi: str | None = None
    """Path of the MIDI file of a tune; None if none was written."""
    midi_engine: str | None = None
    """The engine that wrote the MIDI file: model, abc2midi or music21."""
    midi_engine_version: str | None = None
    """Version of that program, such as `5.02`; None for a model."""
    score: str | None = None
    """Path of the sheet music of a tune; None if none was written."""


@dataclass(kw_only=True)
class Job:
    """The settings that all files of one call share, and the digests of those written so far."""

    writer: Writer
    suffix: str
    kind: Kind | None
    """None for files without a grammar."""
    beginning: Beginning
    sampling: Sampling
    max_bytes: int | None
    allow_truncated: bool
    output: str | Path | None
    many: bool
    force: bool
    beside: tuple[str, ...] = ()
    """Suffixes of the extra outputs that will be written beside each file."""
    digests: set[bytes] = field(default_factory=set)
    """The sha256 of each file so far."""

    def path(self, seed: int) -> Path | str:
        """The path of the file of a seed. Raises OutputError."""
        name = f"{self.writer.name}-{seed}.{self.suffix}"
        if self.output is None:
            target: Path | str = Path(name)
        elif str(self.output) == STDIO:
            target = STDIO
        else:
            is_folder = self.many or str(self.output).endswith(("/", os.sep)) or os.path.isdir(self.output)
            target = self.output
            if is_folder:
                target = output_path(name, output=self.output, suffix=self.suffix, many=True)
        return target

    def target(self, seed: int) -> Path | str:
        """The path of the file of a seed. Raises OutputError if it, or an extra output beside it, cannot be written."""
        target = self.path(seed)
        for path in (target, *(Path(target).with_suffix(f".{suffix}") for suffix in self.beside)):
            check_output(path, force=self.force)
        return target

    def request(self) -> Request:
        """The request for a file. Raises ContextError if the prompt, or the file, is too long for the model."""
        config, whole = self.writer.config, self.read_whole
        asked = Asked(suffix=self.suffix, prompt=self.beginning.data)
        request = self.writer.frame(asked, sampling=self.sampling)
        if self.max_bytes is not None:
            most = header_patches(config.patch_size) + -(-(self.max_bytes + 1) // config.patch_size)
            request = replace(request, max_patches=min(request.max_patches, most))
        if self.kind is None:
            return request
        _check_fits(self.kind, self.suffix, self.writer.config)
        room = (request.max_patches - len(request.history)) * config.patch_size - 1
        longest = room if self.max_bytes is None else min(room, self.max_bytes - len(whole))
        deadline = None if self.kind.num_bytes else partial(ByteDeadline, max(0, longest - self.kind.ends_within))
        return replace(request, grammar=partial(grammar_after, self.kind.grammar, whole), deadline=deadline)

    def check_place(self, seed: int) -> None:
        """Raise OutputError before the work if the file of a seed could not be written."""
        self.target(seed)

    def write(self, data: bytes, seed: int) -> str:
        """Write the file of a seed; returns its path. Raises OutputError."""
        target = self.target(seed)
        write_output(target, data, force=self.force)
        return str(target)

    @property
    def read_whole(self) -> bytes:
        """The whole patches of the prompt, which the model reads as history; replies begin with the rest of it."""
        prompt = self.beginning.data
        return prompt[: len(prompt) - len(prompt) % self.writer.config.patch_size]

    def finished(self, reply: Reply) -> tuple[bytes, bool]:
        """The file of a reply, and whether it was truncated. Raises DecodeError for an invalid file."""
        data = self.read_whole + reply.data
        longer = self.max_bytes is not None and len(data) > self.max_bytes
        if longer or not reply.ended:
            if self.allow_truncated or (self.kind is None and self.max_bytes is not None):
                return data[: self.max_bytes], True
            if longer:
                raise DecodeError(f"the file came to {len(data)} bytes, more than --max-bytes {self.max_bytes}.")
            raise DecodeError(
                "the file did not end within the model's history. Use --allow-truncated to keep such files."
            )
        if self.suffix == "mid" and self.kind is not None:
            data, _ = midi.mend_track_lengths(data)
        check_parses(data, self.suffix)
        if self.suffix == "mid" and self.kind is not None and not midi.notes(data):
            raise DecodeError("the file holds no notes.")
        if self.suffix == "abc":
            text = abc.canonical(abc.parse(abc.decode_text(data))).text
            data = abc.layout(text, title=self.beginning.title).encode("utf-8")
        return data, reply.overran

    def check_new(self, data: bytes) -> None:
        """Raise DecodeError for a file equal to an earlier one."""
        digest = hashlib.sha256(data).digest()
        if digest in self.digests:
            raise DecodeError(SAME_FILE)
        self.digests.add(digest)


def _check_fits(kind: Kind, suffix: str, config: WriterConfig) -> None:
    size = config.patch_size
    room = (config.max_patches - header_patches(size)) * size - 1
    if kind.num_bytes is not None and kind.num_bytes > room:
        raise ContextError(f"a .{suffix} file has {kind.num_bytes:,} bytes; the model's history holds {room:,}.")


def draw_all(
    job: Job,
    count: int,
    *,
    tries: int,
    seed: int | None,
    jobs: int = 1,
    on_bytes: OnBytes | None = None,
    on_files: OnFiles | None = None,
) -> list[Outcome[Generated]]:
    """Draw `count` files, at most `tries` times each, in `jobs` processes on a CPU.

    They are drawn BLOCK at a time. Each round draws all files of the block that are still missing in one batch, with
    the next seeds. Raises ContextError as `Job.request` does, and OutputError if the first file could not be written.
    """
    request = job.request()
    seeds = count_from(secrets.randbelow(1 << 31) if seed is None else seed)
    job.check_place(seed or 0)
    on_valid = None if on_files is None else lambda: on_files(len(job.digests), count)
    outcomes: list[Outcome[Generated]] = []
    for start in range(0, count, BLOCK):
        names = [f"file {number + 1}" for number in range(start, min(start + BLOCK, count))]
        outcomes += _draw_block(job, request, names, seeds, tries, jobs, on_bytes, on_valid)
    return outcomes


def _draw_block(
    job: Job,
    request: Request,
    names: Sequence[str],
    seeds: Iterator[int],
    tries: int,
    jobs: int,
    on_bytes: OnBytes | None,
    on_valid: Callable[[], None] | None,
) -> list[Outcome[Generated]]:
    """The outcomes of the files of these names; `on_valid` is called when one is written."""
    outcomes: list[Outcome[Generated]] = [Outcome(name) for name in names]
    waiting = list(range(len(names)))
    for attempt in range(1, tries + 1):
        drawn = [next(seeds) for _ in waiting]
        for row, reply in job.writer.answers(_seeded(request, drawn), slots=SLOTS, jobs=jobs, on_bytes=on_bytes):
            index = waiting[row]
            outcomes[index] = _finish(job, names[index], reply, drawn[row], attempt)
            if on_valid and outcomes[index].error is None:
                on_valid()
        waiting = [index for index in waiting if isinstance(outcomes[index].error, DecodeError)]
        if not waiting:
            break
    for index in waiting:
        error = outcomes[index].error
        assert error is not None
        error.message = f"no valid .{job.suffix} file in {tries} tries; the last try: {error.message}"
    return outcomes


def draw_once(job: Job, seeds: Sequence[int]) -> list[Outcome[Generated]]:
    """Draw the file of each seed once, by itself: equal files are not noticed. Raises ContextError as `Job.request`."""
    names = [f"seed {seed}" for seed in seeds]
    outcomes: dict[int, Outcome[Generated]] = {}
    for row, reply in job.writer.answers(_seeded(job.request(), seeds), slots=SLOTS):
        job.digests.clear()
        outcomes[row] = _finish(job, names[row], reply, seeds[row], 1)
    job.digests.clear()
    return [outcomes[row] for row in range(len(seeds))]


def _seeded(request: Request, seeds: Sequence[int]) -> list[Request]:
    return [replace(request, sampling=replace(request.sampling, seed=seed)) for seed in seeds]


def _finish(job: Job, name: str, reply: Reply, seed: int, attempt: int) -> Outcome[Generated]:
    """Write the file of a reply; an invalid file becomes an outcome with its error."""
    try:
        data, cut = job.finished(reply)
        job.check_new(data)
        output = job.write(data, seed)
    except BytesimError as error:
        return Outcome(name, error=error.in_file(name))
    generated = Generated(
        output=output, model=job.writer.name, num_bytes=len(data), seed=seed, tries=attempt, truncated=cut
    )
    return Outcome(name, result=generated)
