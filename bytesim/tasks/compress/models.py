"""Chooses the model that helps to compress a content, and finds it again."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bytesim.errors import BytesimError, ModelError
from bytesim.formats.bsim import STAMP_BYTES, Stamp
from bytesim.formats.cpu_trace import TRACE_SUFFIX
from bytesim.models.folder import WEIGHTS_FILE, fingerprint, read_card
from bytesim.models.store import model_name, stored_models
from bytesim.predictors.next_byte import NextByte, numbers_of
from bytesim.predictors.writer import Writer, load_writer
from bytesim.tasks.compress.coding import encode

TRIAL_BYTES = 4096
"""First bytes of a content that every fitting model compresses as a trial."""
_GAIN = 0.98
"""A model is used if the trial then has at most this share of the bytes that it has without one."""
_TEXT = "txt"
Load = Callable[[str], Writer]
"""Loads a model by its name."""


def chosen_writer(
    head: bytes, suffix: str, model: str, *, gain: float = _GAIN, stamped: bool = True, load: Load | None = None
) -> tuple[Writer, str] | None:
    """The model for a content that begins with `head`, and the suffix as which it reads it; None for none.

    `model` is a name, or `auto`: of the models that write files of this suffix, or text if it is text, the one that
    compresses the head best, if its size is then at most `gain` of that without one; with `stamped` the size is that of
    a file, which names its model. `load` is `loaded`, or keeps what that loads. Raises ModelError for a named model
    that cannot be used.
    """
    load = load or loaded
    if model != "auto":
        writer = load(model)
        known = writer.generates or (suffix,)
        return writer, suffix if suffix in known else known[0]
    if not head:
        return None
    trial = head[:TRIAL_BYTES]
    least, best = _size(trial, None) * gain, None
    for name, read_as in _fitting(suffix, trial):
        try:
            candidate = load(name)
            size = _size(trial, NextByte(candidate, read_as))
            size += stamped * (len(name) + len(read_as) + 2 * (STAMP_BYTES + 1))
        except BytesimError:  # a user's model that is damaged, or that the native engine cannot run
            continue
        if size < least:
            least, best = size, (candidate, read_as)
    return best


def loaded(model: str | Path) -> Writer:
    """A model on the native engine, whose numbers do not depend on chance. Raises ModelError."""
    return load_writer(model_name(model), device="cpu", dtype="float32", rows=1, engine_backend="native")


def stamp_of(writer: Writer, suffix: str) -> Stamp:
    """What a header says of a model."""
    return Stamp(
        model=writer.name, suffix=suffix, weights=_weights(writer), numbers=numbers_of(writer, suffix, STAMP_BYTES)
    )


def stamped_writer(stamp: Stamp, model: str | Path | None = None) -> Writer:
    """The model of a header, or `model` if it is the same. Raises ModelError if it is not here, or not the same."""
    if model is None and not any(stored.name == stamp.model for stored in stored_models()):
        raise ModelError(f"it was compressed with the model {stamp.model!r}, which is not here. Name it with --model.")
    writer = loaded(stamp.model if model is None else model)
    if _weights(writer) != stamp.weights:
        raise ModelError(
            f"it was compressed with other weights of the model {stamp.model!r}. Install the version of bytesim that "
            "compressed it, or name the folder of these weights with --model."
        )
    if numbers_of(writer, stamp.suffix, STAMP_BYTES) != stamp.numbers:
        raise ModelError(
            f"the model {stamp.model!r} computes other numbers here than where it was compressed, so it cannot be "
            "decompressed here. Use a processor of the same kind and the same version of bytesim."
        )
    return writer


def _weights(writer: Writer) -> bytes:
    return bytes.fromhex(fingerprint(writer.folder / WEIGHTS_FILE)["sha256"])[:STAMP_BYTES]


def _size(data: bytes, reader: NextByte | None) -> int:
    """Bytes of the code of some data."""
    return sum(map(len, encode(io.BytesIO(data).read, len(data), reader)))


def _fitting(suffix: str, head: bytes) -> list[tuple[str, str]]:
    """(name, suffix as which it reads) of the stored models that write such files."""
    wanted = {suffix} | ({_TEXT} if _is_text(head) else set())
    found = []
    for stored in stored_models():
        try:
            written = _written(read_card(stored.folder))
        except ModelError:
            continue
        found += [(stored.name, read_as) for read_as in sorted(wanted & written)]
    return found


def _written(card: dict[str, Any]) -> set[str]:
    """Suffixes of the files that a model writes, by its card, which may hold anything."""
    tasks = card.get("tasks")
    known = [task for task in tasks if isinstance(task, dict)] if isinstance(tasks, list) else []
    written = {
        str(task["target_suffix"]) for task in known if task.get("task") == "generate" and "target_suffix" in task
    }
    return written | {TRACE_SUFFIX for task in known if task.get("task") == "cpu"}


def _is_text(head: bytes) -> bool:
    """Whether the first bytes are text in UTF-8, which may end inside a character."""
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:
            return False
        text = head[: error.start].decode("utf-8")
    return text.isprintable() or all(character.isprintable() or character in "\t\n\r\f" for character in text)
