"""`bytesim evaluate generate`: check that files written by a model open in other programs, and that they are new."""

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
from bytesim.files import Inputs, check_output_folder, input_names, make_folder, read_input
from bytesim.formats import abc
from bytesim.tasks.generate.generate import OnBytes, OnFiles, generate
from bytesim.training.data.shards import load_shard

MAX_REASONS = 10
"""Most failures whose reasons are reported."""


@dataclass(frozen=True, kw_only=True)
class GenerateEvaluation:
    """The results of a model that was asked to write files."""

    model: str
    suffix: str
    asked: int
    written: int
    opens_in: str
    """The program that opens such files: Pillow, soundfile, music21, or a decoder of UTF-8."""
    opened: int
    alike: int
    """Number of files that equal an earlier one."""
    tries: int
    """Number of draws for all files together."""
    truncated: int
    training_rows: int
    """Number of training rows that the files were compared with."""
    copies: int | None
    """Number of files that equal a training row; None if no shard was given."""
    num_bytes: int
    seed: int
    seconds: float
    """Time to load the model and write the files."""
    reasons: tuple[str, ...]
    """Why the first files that failed were not written or do not open."""


def evaluate_generate(
    *,
    model: str = "music",
    count: int = 1000,
    against: Inputs = (),
    suffix: str | None = None,
    seed: int = 0,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    output: str | Path | None = None,
    device: str = "auto",
    dtype: str = "float32",
    engine_backend: str = "auto",
    jobs: int = 1,
    on_bytes: OnBytes | None = None,
    on_files: OnFiles | None = None,
) -> GenerateEvaluation:
    """Let a model write `count` files, open each with another program, and compare it with the training rows.

    `against` names shards (.npz) that the model was trained on. The files are kept in the folder `output`, which must
    be new or empty; without one they are deleted. Other settings are those of `generate`. Raises ConfigError,
    ModelError, OutputError, InputError for a shard, and DecodeError if the model wrote no file; failed files are
    counted.
    """
    shards = input_names(against)
    digests, num_rows = _digests_of(shards)
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
            engine_backend=engine_backend,
            jobs=jobs,
            on_bytes=on_bytes,
            on_files=on_files,
        )
        seconds = time.monotonic() - started
        written = [outcome.result for outcome in outcomes if outcome.result]
        reasons = [str(outcome.error) for outcome in outcomes if outcome.error]
        if not written:
            raise DecodeError(f"the model wrote no valid file; the first failed: {reasons[0]}")
        files = [read_input(file.output) for file in written]
        kind = Path(written[0].output).suffix.lstrip(".")
    program, opens = OPENERS.get(kind, ("any program", lambda data: None))
    problems = [(file.seed, _problem(opens, data)) for file, data in zip(written, files, strict=True)]
    failures = [f"seed {number}: {problem}" for number, problem in problems if problem]
    copies_of = Counter(_digest(data, kind) for data in files)
    return GenerateEvaluation(
        model=written[0].model,
        suffix=kind,
        asked=count,
        written=len(written),
        opens_in=program,
        opened=len(written) - len(failures),
        alike=len(files) - len(copies_of),
        tries=sum(file.tries for file in written),
        truncated=sum(file.truncated for file in written),
        training_rows=num_rows,
        copies=sum(number for digest, number in copies_of.items() if digest in digests) if shards else None,
        num_bytes=sum(map(len, files)),
        seed=seed,
        seconds=seconds,
        reasons=tuple([*reasons, *failures][:MAX_REASONS]),
    )


def _folder(output: str | Path | None) -> AbstractContextManager[str]:
    """The folder `output`, which must be new or empty, or else a temporary folder. Raises OutputError."""
    if output is None:
        return tempfile.TemporaryDirectory(prefix="bytesim-")
    check_output_folder(Path(output), ())
    make_folder(Path(output))
    if any(Path(output).iterdir()):
        raise OutputError("the folder is not empty. Name a new one.", file=str(output))
    return nullcontext(str(output))


def _digests_of(shards: Sequence[str]) -> tuple[set[bytes], int]:
    """Digests of the sources and targets of all rows (a model may be trained on either), and the number of rows."""
    digests: set[bytes] = set()
    num_rows = 0
    for path in shards:
        shard = load_shard(Path(path))
        num_rows += len(shard)
        for index in range(len(shard)):
            digests.update(hashlib.sha256(data).digest() for data in shard.row(index) if data)
    return digests, num_rows


def _digest(data: bytes, suffix: str) -> bytes:
    """Digest of a file in the form of training rows, which for tunes is the canonical form."""
    if suffix == "abc":
        with suppress(BytesimError):  # a tune without a canonical form cannot equal a row
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
"""Suffix -> (name of the program, function that opens a file with it and raises if that fails)."""


def _problem(opens: Callable[[bytes], None], data: bytes) -> str:
    """Why a file does not open; empty if it opens."""
    try:
        opens(data)
    except Exception as error:  # every package raises other types
        return f"{type(error).__name__}: {error}"
    return ""
