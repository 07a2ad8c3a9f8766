"""Builds the requests to a model that writes bytes: sources, prompts and extension patches as whole patches."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from bytesim.clocks import (
    CLOCK_WIDTH,
    clock_of,
    clock_patches,
    latest_time,
    make_clock,
    music_deadline,
    source_times,
)
from bytesim.errors import ContextError
from bytesim.patching import closing_patch, extension_patch, frame_source, header_patches, split_patches
from bytesim.requests import Asked, Request, RequestTimes

if TYPE_CHECKING:
    from bytesim.models.registry import WriterConfig


def frame(config: WriterConfig, asked: Asked, **options: Any) -> Request:
    """The request for a file; `options` are other fields of `Request`, such as `sampling` and `max_patches`.

    Raises ContextError if source or prompt leave no room for an answer.
    """
    if asked.source is None:
        return generate_request(config, asked.suffix, asked.prompt, **options)
    if asked.prompt:
        return _sourced_prompt_request(config, asked, asked.source, **options)
    return convert_request(config, asked.source, asked.source_suffix, asked.suffix, **options)


def convert_request(
    config: WriterConfig, data: bytes, source_suffix: str, target_suffix: str, **options: Any
) -> Request:
    """The request that converts a file to another suffix.

    Raises ContextError if the source leaves no room for an answer.
    """
    size, inputs = config.patch_size, config.inputs
    if getattr(config, "byte_offset", 0):
        raise ContextError("imported weights of this kind continue a text; they cannot convert a file.")
    history = extension_patch(target_suffix, size)
    limits = []
    if inputs.source_in_history:
        history = np.concatenate([frame_source(data, source_suffix, size), history])
        limits.append((config.max_patches - 2 * header_patches(size) - 1) * size)
    if inputs.source:
        limits.append(inputs.max_source_bytes)
    limit = min(limits)
    if len(data) > limit:
        raise ContextError(
            f"{len(data)} bytes are more than the {limit} the model can read. Cut the file into shorter ones."
        )
    settings = {"max_patches": config.max_patches, **options}
    if config.inputs.times:
        times = clock_of(data, source_suffix)
        settings["times"] = RequestTimes(
            history=np.concatenate(
                [clock_patches(times, size)[:-1], np.zeros((header_patches(size), size, CLOCK_WIDTH), np.int32)]
            )[-len(history) :],
            clock=partial(make_clock, target_suffix),
            source=source_times(data, times),
        )
        latest = latest_time(times)
        if latest is not None:
            settings["deadline"] = partial(music_deadline, latest, target_suffix)
    return Request(history=history, first=len(history), source=data, **settings)


def generate_request(config: WriterConfig, suffix: str, prompt: bytes = b"", **options: Any) -> Request:
    """The request for a new file of a suffix that continues a prompt.

    Bytes after the last whole patch of the prompt become the prefix. Raises ContextError if it fills the history.
    """
    size = config.patch_size
    whole = len(prompt) // size * size
    # Imported weights with other ids know no extension: END_OF_PATCH is the beginning of a text to them.
    header = closing_patch(size) if getattr(config, "byte_offset", 0) else extension_patch(suffix, size)
    history = np.concatenate([header, split_patches(prompt[:whole], size)])
    if len(history) >= config.max_patches:
        raise ContextError(
            f"a prompt of {len(prompt)} bytes fills the model's history of {config.max_patches} patches of {size}. "
            "Give a shorter one."
        )
    settings = {"max_patches": config.max_patches, **options}
    if config.inputs.times:
        in_history = prompt[:whole]
        settings["times"] = RequestTimes(
            history=clock_patches(clock_of(in_history, suffix), size)[:-1],
            clock=partial(make_clock, suffix, in_history),
        )
    return Request(history=history, first=len(header), prefix=prompt[whole:], **settings)


def _sourced_prompt_request(config: WriterConfig, asked: Asked, source: bytes, **options: Any) -> Request:
    """The request that continues a prompt of whole patches whose beginning is also the source.

    The byte-level decoder reads the last patch of the prompt and the answer.
    """
    size = config.patch_size
    skipped = 0 if config.inputs.source_in_history else asked.source_span
    history = frame_source(asked.prompt[skipped:], asked.suffix, size)
    settings = {"max_patches": config.max_patches, **options}
    if config.inputs.times:
        times = clock_of(asked.prompt, asked.suffix)
        settings["times"] = RequestTimes(
            history=clock_patches(times[skipped:], size)[:-1],
            clock=partial(make_clock, asked.suffix, asked.prompt),
            source=source_times(source, times[: len(source) + 1]),
        )
    return Request(history=history, first=len(history) - 1, source=source, **settings)
