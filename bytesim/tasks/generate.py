"""`bytesim generate`: new files, written byte by byte by a model that was trained on such files."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count as count_from
from pathlib import Path

from bytesim.engine.decode import decode
from bytesim.engine.requests import Reply, Request, Sampling, generate_request
from bytesim.errors import BytesimError, ConfigError, DecodeError, FormatError, OutputError
from bytesim.formats import abc
from bytesim.tasks.convert_model import check_parses
from bytesim.tasks.files import STDIO, Outcome, check_output, output_path, read_input, write_output
from bytesim.tasks.writer import OnBytes, Writer, load_writer

TRIES = 8
"""Draws for each file, until one is valid."""
MAX_PROMPT_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Generated:
    """One new file."""

    output: str
    """The file written; `-` is stdout."""
    model: str
    num_bytes: int
    seed: int
    """With the same model, prompt and settings, this seed and a count of 1 give the file again."""
    tries: int
    """Draws it took to get a valid file."""
    truncated: bool
    """Whether it was cut, as allowed, and not ended by the model."""


@dataclass(frozen=True, kw_only=True)
class _Job:
    """What the files of one call share."""

    writer: Writer
    suffix: str
    request: Request
    max_bytes: int | None
    allow_truncated: bool
    title: str | None
    output: str | Path | None
    many: bool
    force: bool

    def target(self, seed: int) -> Path | str:
        """Where the file of a seed goes. Raises OutputError."""
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
        check_output(target, force=self.force)
        return target

    def finished(self, reply: Reply) -> tuple[bytes, bool]:
        """(file, whether it was cut). Raises DecodeError for one that did not end or does not parse."""
        data = reply.data
        cut = not reply.ended or (self.max_bytes is not None and len(data) > self.max_bytes)
        if cut:
            if not self.allow_truncated and self.max_bytes is None:
                raise DecodeError(
                    "the file did not end within the model's history. Use --allow-truncated to keep such."
                )
            return data[: self.max_bytes], True
        check_parses(data, self.suffix)
        if self.suffix == "abc":
            text = abc.canonical(abc.parse(abc.decode_text(data))).text
            return abc.layout(text, title=self.title).encode("utf-8"), False
        return data, False


def generate(
    *,
    model: str = "music",
    suffix: str | None = None,
    prompt: str | None = None,
    prompt_file: str | Path | None = None,
    count: int = 1,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    seed: int | None = None,
    max_bytes: int | None = None,
    allow_truncated: bool = False,
    tries: int = TRIES,
    output: str | Path | None = None,
    force: bool = False,
    device: str = "auto",
    dtype: str = "float32",
    on_bytes: OnBytes | None = None,
) -> list[Outcome[Generated]]:
    """Write `count` new files that go on from a prompt, each drawn again, up to `tries` times, until it is valid.

    `suffix` says what kind, needed only where the model's recipe knows several. Files are named MODEL-SEED.suffix
    and stand in the folder `output`, or here; `output` may be a file where there is one. Files of formats that
    bytesim knows must parse, and every file must be ended by the model, unless `allow_truncated` or `max_bytes`
    says that a cut one will do. Raises ConfigError for settings that make no sense, ModelError for the model,
    InputError and ContextError for the prompt; a file that never became valid is in its outcome.
    """
    _check(count, tries, max_bytes, prompt, prompt_file, output)
    sampling = Sampling(temperature=temperature, top_k=top_k, top_p=top_p)
    writer = load_writer(model, device=device, dtype=dtype)
    suffix = _suffix(writer, suffix)
    begun = _prompt(prompt, prompt_file)
    data, title = _abc_prompt(begun) if suffix == "abc" else (begun, None)
    request = generate_request(writer.model.config, suffix, data, sampling=sampling)
    if max_bytes is not None:
        size = writer.model.config.patch_size
        request = replace(request, max_patches=min(request.max_patches, 1 + -(-max(max_bytes, len(data) + 1) // size)))
    job = _Job(
        writer=writer,
        suffix=suffix,
        request=request,
        max_bytes=max_bytes,
        allow_truncated=allow_truncated,
        title=title,
        output=output,
        many=count > 1,
        force=force,
    )
    prompt_whole = data[: len(data) - len(request.prefix)]
    return _draw_all(job, prompt_whole, count, 1 if temperature == 0 else tries, seed, on_bytes)


def _draw_all(
    job: _Job, prompt: bytes, count: int, tries: int, seed: int | None, on_bytes: OnBytes | None
) -> list[Outcome[Generated]]:
    """Draw every file that is still missing, all in one batch, with the seeds that follow."""
    seeds = count_from(secrets.randbelow(1 << 31) if seed is None else seed)
    outcomes: list[Outcome[Generated]] = [Outcome(f"file {number}") for number in range(1, count + 1)]
    job.target(seed or 0)  # an output that cannot be written is said before the work
    waiting = list(range(count))
    for attempt in range(1, tries + 1):
        drawn = [next(seeds) for _ in waiting]
        on_done = _keeper(job, prompt, waiting, drawn, attempt, outcomes)
        requests = [replace(job.request, sampling=replace(job.request.sampling, seed=each)) for each in drawn]
        decode(job.writer.model, requests, on_done=on_done, on_bytes=on_bytes)
        waiting = [index for index in waiting if isinstance(outcomes[index].error, DecodeError)]
        if not waiting:
            break
    for index in waiting:
        error = outcomes[index].error
        assert error is not None
        error.message = f"no valid .{job.suffix} file in {tries} tries; of the last: {error.message}"
    return outcomes


def _keeper(
    job: _Job,
    prompt: bytes,
    waiting: Sequence[int],
    seeds: Sequence[int],
    attempt: int,
    outcomes: list[Outcome[Generated]],
) -> Callable[[int, Reply], None]:
    """Takes each reply of a batch as it ends: writes the file, or notes what is wrong with it."""

    def on_done(row: int, reply: Reply) -> None:
        index, name = waiting[row], outcomes[waiting[row]].source
        try:
            data, cut = job.finished(replace(reply, data=prompt + reply.data))
            target = job.target(seeds[row])
            write_output(target, data, force=job.force)
        except BytesimError as error:
            outcomes[index] = Outcome(name, error=error.in_file(name))
            return
        made = Generated(
            output=str(target),
            model=job.writer.name,
            num_bytes=len(data),
            seed=seeds[row],
            tries=attempt,
            truncated=cut,
        )
        outcomes[index] = Outcome(name, result=made)

    return on_done


def _check(
    count: int,
    tries: int,
    max_bytes: int | None,
    prompt: str | None,
    prompt_file: str | Path | None,
    output: str | Path | None,
) -> None:
    if count < 1 or tries < 1:
        raise ConfigError("count and tries must be 1 or more.")
    if max_bytes is not None and max_bytes < 1:
        raise ConfigError(f"max-bytes {max_bytes} is out of range; choose 1 or more.")
    if prompt is not None and prompt_file is not None:
        raise ConfigError("give a prompt or a prompt file, not both.")
    if count > 1 and str(output) == STDIO:
        raise OutputError("several files cannot share stdout. Name a folder with -o.")
    if count > 1 and output is not None and os.path.isfile(output):
        raise OutputError("this is a file; several files need a folder.", file=str(output))


def _suffix(writer: Writer, wanted: str | None) -> str:
    """The kind of file to write. Raises ConfigError where it is unknown, or not one the model was trained on."""
    known = writer.generates
    if wanted is not None:
        suffix = wanted.lower().lstrip(".")
        if known and suffix not in known:
            raise ConfigError(f"the model {writer.name!r} writes .{', .'.join(known)}, not .{suffix}.")
        return suffix
    if known is not None and len(known) == 1:
        return known[0]
    listed = f"it writes .{', .'.join(known)}" if known else "its recipe names none"
    raise ConfigError(f"say with --suffix what kind of file the model {writer.name!r} is to write; {listed}.")


def _prompt(prompt: str | None, prompt_file: str | Path | None) -> bytes:
    if prompt_file is not None:
        return read_input(prompt_file, limit_bytes=MAX_PROMPT_BYTES)
    return (prompt or "").encode("utf-8", "surrogateescape")


def _abc_prompt(prompt: bytes) -> tuple[bytes, str | None]:
    """A begun tune in the form the model knows, and its title; anything else as it is."""
    try:
        tune = abc.parse(abc.decode_text(prompt))
        text = abc.canonical(tune).text.rstrip("\n")
    except FormatError:
        return prompt, None
    ends_bar = tune.body.rstrip().endswith("|")
    return (text if ends_bar else text.rstrip("|")).encode("ascii"), tune.title
