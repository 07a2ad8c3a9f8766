"""`bytesim classify fragments`: label the inside of one file, such as a disk image or container, window by window."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from bytesim.errors import ConfigError, InputError
from bytesim.files import check_output, open_input, write_output
from bytesim.predictors.classifier import Classifier, load_classifier
from bytesim.tasks.classify.answers import TYPE_MODEL, classify_readings
from bytesim.tasks.classify.files import Progress
from bytesim.tasks.classify.fragment_map import Fragment, FragmentMap, join_fragments

DEFAULT_WINDOW = 4096
_GROUP = 1024
"""Windows that are held in memory before the model runs on them."""


def classify_fragments(
    file: str | Path,
    *,
    model: str = TYPE_MODEL,
    window: int = DEFAULT_WINDOW,
    step: int | None = None,
    threshold: float | None = None,
    picture: str | Path | None = None,
    force: bool = False,
    device: str = "auto",
    dtype: str = "float32",
    engine_backend: str = "auto",
    batch: int = 32,
    on_progress: Progress | None = None,
) -> FragmentMap:
    """Label windows of `window` bytes of a file, one every `step` bytes (by default without gaps or overlap).

    The file may have any length. If windows overlap, each counts for its first `step` bytes when neighbours are joined.
    A guess less probable than `threshold` is `unknown`; by default the threshold is that of the model's card. The
    calibration is that for fragments, if the card has one. `picture` is the path of a PNG to draw. Raises ConfigError,
    InputError, ModelError and OutputError.
    """
    step = window if step is None else step
    if window < 1 or step < 1:
        raise ConfigError("window and step must be 1 byte or more.")
    if threshold is not None and not 0 <= threshold <= 1:
        raise ConfigError(f"threshold {threshold} is not a probability; choose 0 to 1.")
    if picture is not None:
        check_output(picture, force=force, option="--picture", source=file)
    classifier = load_classifier(model, device=device, dtype=dtype, batch=batch, engine_backend=engine_backend)
    if window > classifier.most_bytes:
        raise ConfigError(
            f"a window of {window:,} bytes does not fit the model {classifier.name!r}, "
            f"which reads {classifier.most_bytes:,} at a time. Choose a smaller window."
        )
    classifier = classifier.for_fragments(window).with_threshold(threshold)
    with open_input(file) as opened:
        num_bytes = opened.seek(0, os.SEEK_END)
        fragments = list(_label(classifier, opened, num_bytes, window, step, on_progress))
    fragment_map = FragmentMap(
        source=str(file),
        model=classifier.name,
        num_bytes=num_bytes,
        window=window,
        step=step,
        stretches=join_fragments(fragments, step),
        fragments=tuple(fragments),
        picture=None if picture is None else str(picture),
    )
    if picture is not None:
        from bytesim.pictures.fragments import draw_fragments

        drawn = draw_fragments(
            fragment_map.labels,
            [fragment.probability for fragment in fragments],
            window=window,
            step=step,
            title=f"{file}: {num_bytes:,} bytes by the model {classifier.name}",
        )
        write_output(picture, drawn, force=force)
    return fragment_map


def _label(
    classifier: Classifier,
    file: BinaryIO,
    num_bytes: int,
    window: int,
    step: int,
    on_progress: Progress | None,
) -> Iterator[Fragment]:
    # The last window may be shorter. A window without a byte that the windows before it lack is left out.
    count = max(1, -(-(num_bytes - window) // step) + 1) if step <= window else -(-num_bytes // step)
    starts = iter(range(0, count * step, step))
    while group := list(islice(starts, _GROUP)):
        pieces = [_piece(file, start, window) for start in group]
        answers = classify_readings(classifier, [classifier.piece(data) for data in pieces], 1)
        for start, data, answer in zip(group, pieces, answers, strict=True):
            yield Fragment(
                start=start,
                end=start + len(data),
                label=answer.label,
                guess=answer.guess,
                probability=answer.probability,
            )
        if on_progress:
            on_progress(min(group[-1] + window, num_bytes), num_bytes)


def _piece(file: BinaryIO, start: int, length: int) -> bytes:
    try:
        file.seek(start)
        data = file.read(length)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}.", offset=start) from error
    if not data:
        raise InputError("the file became shorter while it was read.", offset=start)
    return data
