"""Files with several kinds of content, one after the other: a text with a picture inside, for example."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from bytesim.errors import ConfigError
from bytesim.files import Outcome, check_output, output_path, write_output
from bytesim.models.store import find_model
from bytesim.tasks.generate.draw import Generated, OnFiles

_SUFFIX = "bin"
Draw = Callable[[str, int, str], list[Outcome[Generated]]]
"""Draws the files of (model, seed) into a folder."""


def mixed_models(mixed: str) -> tuple[str, ...]:
    """The models of the option, such as `text,image,text`. Raises ConfigError, and ModelError for one not there."""
    names = tuple(name.strip() for name in mixed.split(","))
    if len(names) < 2 or not all(names):
        raise ConfigError(f"mixed is {mixed!r}; name two models or more, as in text,image,text.")
    for name in dict.fromkeys(names):
        find_model(name)
    return names


def generate_mixed(
    models: Sequence[str],
    draw: Draw,
    *,
    count: int,
    seed: int | None,
    output: str | Path | None,
    force: bool,
    on_files: OnFiles | None = None,
) -> list[Outcome[Generated]]:
    """Write `count` files, each of which has a file of every model, in their order.

    The seed of a part is that of the file plus its place. Raises as `generate` does; the error of a part is that of its
    file.
    """
    first = secrets.randbelow(1 << 31) if seed is None else seed
    names = [f"mixed-{first + place * len(models)}.{_SUFFIX}" for place in range(count)]
    targets = [_target(name, output, many=count > 1) for name in names]
    for target in targets:
        check_output(target, force=force)
    outcomes = list[Outcome[Generated]]()
    with tempfile.TemporaryDirectory(prefix="bytesim-mixed-") as temporary:
        for place, target in enumerate(targets):
            parts = f"{temporary}/{place}"
            outcomes.append(_join(models, draw, first + place * len(models), target, parts, force))
            if on_files is not None:
                on_files(len(outcomes), count)
    return outcomes


def _target(name: str, output: str | Path | None, *, many: bool) -> Path | str:
    return Path(name) if output is None else output_path(name, output=output, suffix=_SUFFIX, many=many)


def _join(
    models: Sequence[str], draw: Draw, seed: int, target: Path | str, folder: str, force: bool
) -> Outcome[Generated]:
    parts, tries, truncated = list[bytes](), 1, False
    for place, model in enumerate(models):
        (outcome,) = draw(model, seed + place, f"{folder}-{place}/")
        if outcome.result is None:
            return Outcome(source=str(target), error=outcome.error)
        parts.append(Path(outcome.result.output).read_bytes())
        tries, truncated = max(tries, outcome.result.tries), truncated or outcome.result.truncated
    data = b"".join(parts)
    write_output(target, data, force=force)
    named = "+".join(models)
    found = Generated(output=str(target), model=named, num_bytes=len(data), seed=seed, tries=tries, truncated=truncated)
    return Outcome(source=str(target), result=found)
