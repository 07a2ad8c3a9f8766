"""`bytesim evaluate generate`: do the files that a model writes open elsewhere, and is every one of them new?"""

from __future__ import annotations

import hashlib
import io
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from bytesim.errors import BytesimError, DecodeError, OutputError
from bytesim.files import check_output_folder, make_folder, read_input
from bytesim.formats import abc
from bytesim.tasks.generate.generate import OnBytes, OnFiles, generate
from bytesim.training.data.shards import load_shard

MAX_REASONS = 10
"""Failures that are spelled out."""


@dataclass(frozen=True, kw_only=True)
class GenerateEvaluation:
    """What became of the files that a model was asked for."""

    model: str
    suffix: str
    asked: int
    written: int
    opens_in: str
    """What opens such files: Pillow, soundfile, music21, or a decoder of UTF-8."""
    opened: int
    alike: int
    """Files that equal an earlier one."""
    tries: int
    """Draws that all the files took."""
    truncated: int
    training_rows: int
    """Rows of the shards that the files were compared with."""
    copies: int | None
    """Files that equal a training row; None where none was given."""
    num_bytes: int
    seed: int
    seconds: float
    """For writing the files, the model loaded included."""
    reasons: tuple[str, ...]
    """Of the first files that were not written or do not open."""


def evaluate_generate(
    *,
    model: str = "music",
    count: int = 1000,
    against: Sequence[str | Path] = (),
    suffix: str | None = None,
    seed: int = 0,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    output: str | Path | None = None,
    device: str = "auto",
    dtype: str = "float32",
    jobs: int = 1,
    on_bytes: OnBytes | None = None,
    on_files: OnFiles | None = None,
) -> GenerateEvaluation:
    """Let a model write `count` files, open each with a program of others, and look for it among the training rows.

    `against` names shards (.npz) that the model was trained on. The files are kept in the folder `output`, which must
    be new or empty, where one is given. Other settings are those of `generate`. Raises ConfigError, ModelError,
    OutputError, InputError for a shard, and DecodeError where the model wrote nothing; files that fail are counted.
    """
    digests, num_rows = _digests_of(against)
    with _folder(output) as folder:
        started = time.monotonic()
        outcomes = generate(
            model=model,
            suffix=suffix,
            count=count,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            seed=seed,
            output=f"{folder}/",
            device=device,
            dtype=dtype,
            jobs=jobs,
            on_bytes=on_bytes,
            on_files=on_files,
        )
        seconds = time.monotonic() - started
        made = [outcome.result for outcome in outcomes if outcome.result]
        reasons = [str(outcome.error) for outcome in outcomes if outcome.error]
        if not made:
            raise DecodeError(f"the model wrote no file at all; of the first: {reasons[0]}")
        files = [read_input(each.output) for each in made]
        kind = Path(made[0].output).suffix.lstrip(".")
    program, opens = OPENERS.get(kind, ("any program", lambda data: None))
    tried = [(each.seed, _why(opens, data)) for each, data in zip(made, files, strict=True)]
    failures = [f"seed {number}: {why}" for number, why in tried if why]
    seen = Counter(_digest(data, kind) for data in files)
    return GenerateEvaluation(
        model=made[0].model,
        suffix=kind,
        asked=count,
        written=len(made),
        opens_in=program,
        opened=len(made) - len(failures),
        alike=len(files) - len(seen),
        tries=sum(each.tries for each in made),
        truncated=sum(each.truncated for each in made),
        training_rows=num_rows,
        copies=sum(times for digest, times in seen.items() if digest in digests) if against else None,
        num_bytes=sum(map(len, files)),
        seed=seed,
        seconds=seconds,
        reasons=tuple([*reasons, *failures][:MAX_REASONS]),
    )


def _folder(output: str | Path | None) -> AbstractContextManager[str]:
    """The folder that the files are kept in, or one for as long as they are looked at. Raises OutputError."""
    if output is None:
        return tempfile.TemporaryDirectory(prefix="bytesim-")
    check_output_folder(Path(output), ())
    make_folder(Path(output))
    if any(Path(output).iterdir()):
        raise OutputError("the folder is not empty. Name a new one.", file=str(output))
    return nullcontext(str(output))


def _digests_of(shards: Sequence[str | Path]) -> tuple[set[bytes], int]:
    """Of the sources and targets of all rows, for a model may have been shown either; and how many rows there are."""
    digests: set[bytes] = set()
    num_rows = 0
    for path in shards:
        shard = load_shard(Path(path))
        num_rows += len(shard)
        for index in range(len(shard)):
            digests.update(hashlib.sha256(each).digest() for each in shard.row(index) if each)
    return digests, num_rows


def _digest(data: bytes, suffix: str) -> bytes:
    """Of a file as a training row holds it: of a tune that is its canonical form."""
    if suffix == "abc":
        with suppress(BytesimError):  # of any other form it is no row
            data = abc.canonical(abc.parse(abc.decode_text(data))).text.encode("ascii")
    return hashlib.sha256(data).digest()


def _open_picture(data: bytes) -> None:
    from PIL import Image

    with Image.open(io.BytesIO(data)) as picture:
        picture.load()


def _open_sound(data: bytes) -> None:
    import soundfile

    if not len(soundfile.read(io.BytesIO(data))[0]):
        raise ValueError("no samples")


def _open_tune(data: bytes) -> None:
    from music21 import converter

    if not len(converter.parseData(data.decode("utf-8"), format="abc").flatten().notes):
        raise ValueError("no notes")


def _open_text(data: bytes) -> None:
    if not data.decode("utf-8"):
        raise ValueError("no characters")


OPENERS: dict[str, tuple[str, Callable[[bytes], None]]] = {
    "abc": ("music21", _open_tune),
    "bmp": ("Pillow", _open_picture),
    "txt": ("UTF-8", _open_text),
    "wav": ("soundfile", _open_sound),
}
"""Suffix -> what opens its files, and how."""


def _why(opens: Callable[[bytes], None], data: bytes) -> str:
    """Why a file does not open; nothing where it does."""
    try:
        opens(data)
    except Exception as error:  # each package raises kinds of its own
        return f"{type(error).__name__}: {error}"
    return ""
