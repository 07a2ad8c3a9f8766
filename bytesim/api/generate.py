"""New files in memory. This file must not use the rules, nor the programs that judge the model."""

from __future__ import annotations

from dataclasses import dataclass, field

from bytesim.errors import ConfigError
from bytesim.predictors.writer import Writer
from bytesim.requests import Sampling
from bytesim.tasks.generate.draw import Job, draw_all
from bytesim.tasks.generate.kinds import KINDS, check_length
from bytesim.tasks.generate.prompt import Prompt, begin

TRIES = 8
"""Most draws for each file, until one is valid."""


@dataclass(kw_only=True)
class _JobInMemory(Job):
    """A job whose files are kept, and not written."""

    files: dict[int, bytes] = field(default_factory=dict)
    """Seed -> file."""

    def check_place(self, seed: int) -> None:
        """A file in memory needs no place."""

    def write(self, data: bytes, seed: int) -> str:
        """Keep the file of a seed."""
        self.files[seed] = data
        return f"seed {seed}"


def generate_bytes(
    writer: Writer,
    suffix: str,
    *,
    prompt: str | bytes,
    count: int,
    sampling: Sampling,
    seed: int | None,
    max_bytes: int | None,
) -> list[bytes]:
    """`count` new files, all different, that continue a prompt, as `generate` writes them. Raises BytesimError."""
    if count < 1 or (max_bytes is not None and max_bytes < 1):
        raise ConfigError("count and max_bytes must be 1 or more.")
    if count > 1 and sampling.temperature == 0:
        raise ConfigError("temperature 0 gives the same file every time; for several files choose a higher one.")
    kind = KINDS.get(suffix)
    given = Prompt(text=prompt) if isinstance(prompt, str) else Prompt(data=prompt or None)
    beginning = begin(given, suffix, kind)
    check_length(max_bytes, len(beginning.data), kind, suffix, False)
    job = _JobInMemory(
        writer=writer,
        suffix=suffix,
        kind=kind,
        beginning=beginning,
        sampling=sampling,
        max_bytes=max_bytes,
        allow_truncated=False,
        output=None,
        many=count > 1,
        force=False,
    )
    outcomes = draw_all(job, count, tries=1 if sampling.temperature == 0 else TRIES, seed=seed)
    for outcome in outcomes:
        if outcome.error is not None:
            raise outcome.error
    return [job.files[outcome.result.seed] for outcome in outcomes if outcome.result is not None]
