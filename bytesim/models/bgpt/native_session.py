"""The decoding state of a bGPT on the native engine, as `session.py` of one in torch. No torch.

Axes: B running files, R rows of a run, n bytes, P patches, S bytes per patch, Hb hidden of the byte-level decoder, C
values of a clock, V = 257 tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bytesim.clocks import Clock
from bytesim.models.bgpt import request_times
from bytesim.models.bgpt.native_copying import CopiedSource, Place, Trace
from bytesim.models.bgpt.native_source import Source, encode_source
from bytesim.models.native_layers import (
    PREFILL_POSITIONS,
    check_room,
    locked,
)
from bytesim.native.program import Caches, Floats, Program, addresses, layer_addresses, padded, rounded, widened
from bytesim.native.threads import find_threads
from bytesim.patching import END_OF_PATCH, VOCAB_SIZE
from bytesim.requests import Request

if TYPE_CHECKING:
    from bytesim.models.bgpt.native import NativeBGPT

_GROWTH = 128
"""Patch-level caches grow by this many patches, or by half."""


@dataclass(slots=True)
class _File:
    """A file that is being written."""

    place: int
    """Its place in the caches."""
    length: int
    """Number of patches that the patch-level decoder has read."""
    blocks: int
    """Number of patches that the byte-level decoder has finished."""
    clock: Clock | None
    source: Source | None
    trace: Trace | None
    """Where in its source the file is, for a model that copies."""
    patch_keys: Floats
    """(layers, heads * width, capacity) of the patch-level decoder, in panels of slots."""
    patch_values: Floats
    """(layers, heads, capacity, width)"""


class NativeBGPTSession:
    """The `decode.DecodingSession` of a bGPT; see `models/bgpt/session.py`, which works the same way."""

    def __init__(self, model: NativeBGPT, rows: int) -> None:
        self.model = model
        config = self.config = model.config
        self.stride = config.patch_size
        self.kept = config.context_patches * self.stride
        self.free = list(range(rows - 1, -1, -1))
        """Places that no file has."""
        self.files: list[_File] = []
        byte = model.byte_shape
        self.window = rounded(self.kept + self.stride)
        self.byte_keys = padded((rows, config.byte_num_layers, byte.size, self.window))
        self.byte_values = padded((rows, config.byte_num_layers, byte.heads, self.window, byte.head))
        self.features = padded((rows, sum(model.patch_program.widths[register] for register in model.given)))
        reach = max(config.near_offsets, default=1)
        self.recent = np.full((rows, reach), END_OF_PATCH, np.int32)
        """Last tokens before the current patch."""
        self.previous = np.full((rows, self.stride), END_OF_PATCH, np.int64)
        """The last patch that the patch-level decoder has read."""
        self.current = np.empty((0, 0), np.int64)
        """(B, n) tokens of the current patch so far; with n = S the patch-level decoder has yet to read it."""
        self._caches: dict[bool, Caches] = {}
        """Of the running files: whether of the byte-level decoder -> its caches."""
        self._places: list[int] = []

    # What the engine asks.

    @locked
    def enter(self, requests: Sequence[Request]) -> None:
        """Prefill: read the histories of new files, which take the rows after those in use."""
        self._read_patch()
        for request in requests:
            self._enter(request)
        self.current = np.empty((len(self.files), 0), np.int64)

    def leave(self, rows: Sequence[int]) -> list[int]:
        """Drop the files in these rows. Returns the old indices of the remaining rows, in their new order."""
        order = [row for row in range(len(self.files)) if row not in set(rows)]
        self.free += [self.files[row].place for row in rows]
        self.files = [self.files[row] for row in order]
        self.current = self.current[order]
        self._changed()
        return order

    @locked
    def logits(self) -> Floats:
        """(B, V) logits of the next byte of every row."""
        self._read_patch()
        times = request_times.now(self._clocks) if self.config.clock else None
        start = self.current.shape[1]
        last = self.current[:, -1:] if start else self.recent[self._places, -1:]
        stream = np.concatenate([self.recent[self._places], self.current], 1)
        return self._predict(last, stream, times, start)[:, 0]

    @locked
    def guess(self) -> NDArray[np.int64] | None:
        """(B, S) the previous patch; None for published parts, and if a clock depends on the bytes to come."""
        if self.config.parts == "published" or (self.config.clock and self._times_ahead() is None):
            return None
        self._read_patch()
        return self.previous[self._places]

    @locked
    def verify(self, guess: NDArray[np.int64]) -> Floats:
        """(B, S, V) logits of the next stride, given a guess (B, S) of it."""
        times = self._times_ahead() if self.config.clock else None
        self._read_patch()
        tokens = np.concatenate([self.recent[self._places, -1:], guess[:, :-1]], 1)
        stream = np.concatenate([self.recent[self._places], guess[:, :-1]], 1)
        return self._predict(tokens, stream, times, 0)

    @locked
    def write(self, tokens: NDArray[np.int64]) -> None:
        """Append (B, n) tokens to the current patches: n is 1, or S for a whole patch."""
        self.current = np.concatenate([self.current, tokens], 1) if self.current.shape[1] else tokens
        for file, written in zip(self.files, tokens.tolist(), strict=True):
            for token in written if file.trace is not None else ():
                file.trace = file.trace.after(_copied(file), token) if file.trace is not None else None
        clocks = self._clocks
        if not any(clocks):
            return
        for clock, row in zip(clocks, tokens.tolist(), strict=True):
            written = bytes(token for token in row if token != END_OF_PATCH)
            if clock is not None and len(row) == 1 and written:
                clock.advance(written[0])
            elif clock is not None:
                clock.follow(written)

    def close(self) -> None:
        """Called after the last step."""

    # How it is done.

    def _changed(self) -> None:
        """Called when files came or left, or a cache moved in memory."""
        self._caches = {}
        self._places = [file.place for file in self.files]

    @property
    def _clocks(self) -> list[Clock | None]:
        return [file.clock for file in self.files]

    def _times_ahead(self) -> request_times.LongTimes | None:
        """(B, S, C) times of the next patch; None if they depend on its bytes."""
        return request_times.ahead(self._clocks, self.stride)

    def _enter(self, request: Request) -> None:
        """Read the history of one file, patch by patch and then, for a prompt, byte by byte."""
        config, length = self.config, len(request.history)
        clock = request.times.clock() if request.times else None
        clock = None if clock is None or clock.stands_still else clock
        source = encode_source(self.model, request) if config.source_attention else None
        find_threads(self.model.kernels, longest=max(length, source.length if source else 0))
        shape, capacity = self.model.patch_shape, rounded(length + _GROWTH // 2)
        file = _File(
            place=self.free.pop(),
            length=0,
            blocks=0,
            clock=clock,
            source=source,
            trace=None if source is None or source.copied is None else _trace(source.copied, request),
            patch_keys=padded((config.num_layers, shape.size, capacity)),
            patch_values=padded((config.num_layers, shape.heads, capacity, shape.head)),
        )
        self.files.append(file)
        self._changed()
        for cache in (self.byte_keys, self.byte_values):
            cache[file.place] = 0.0
        check_room(length, config.max_patches)
        times = request_times.after_patches([request], length)[0] if config.clock else None
        spreads = []
        for first in range(0, length, PREFILL_POSITIONS):
            chunk = request.history[first : first + PREFILL_POSITIONS]
            shown = None if times is None else times[first : first + len(chunk)]
            spreads.append(self._read(file, chunk, shown))
        self.previous[file.place] = request.history[-1]
        reach = self.recent.shape[1]
        if self.kept:
            self._fill_window(file, request, np.concatenate(spreads))
        padding = np.full(reach, END_OF_PATCH, np.int32)
        self.recent[file.place] = np.concatenate([padding, request.history.ravel()])[-reach:]

    def _read(self, file: _File, patches: NDArray[Any], times: NDArray[Any] | None) -> Floats:
        """(P, any) what the byte-level decoder is given of each of the next patches (P, S) of one file."""
        places = np.arange(file.length, file.length + len(patches))
        inputs = {"tokens": patches, "positions": places, "slots": places, "visible": places + 1}
        if times is not None:
            inputs["times"] = times
        spread = self._read_patches([file], patches, self._make_caches([file], byte_level=False), inputs)
        file.length += len(patches)
        self.features[file.place] = spread[-1]
        return spread

    def _read_patches(
        self, files: list[_File], patches: NDArray[Any], caches: Caches, inputs: dict[str, NDArray[Any]]
    ) -> Floats:
        """(R, any) what the byte-level decoder is given of patches (R, S), as many of each file."""
        model, config, count = self.model, self.config, len(patches)
        joined = None
        if model.encoder_program is not None:
            joined = self._encode_patches(model.encoder_program, patches)
        if config.patch_reads:
            inputs["nearby"] = patches[:, list(config.patch_reads_ask) or slice(None)]
        model.patch_program.run(len(files), count // len(files), caches, inputs, given=joined)
        return np.concatenate([model.patch_program.read(register, count) for register in model.given], 1)

    def _encode_patches(self, program: Program, patches: NDArray[Any]) -> Floats:
        """(R, S, width) the bytes of each patch (R, S) after attention among them."""
        config, (count, size) = self.config, patches.shape
        layers, width, capacity = config.patch_encoder_layers, config.byte_embedding_size, rounded(size)
        keys = padded((count, layers, width, capacity))
        values = padded((count, layers, width // config.byte_head_size, capacity, config.byte_head_size))
        caches = Caches(
            longest=capacity,
            keys=layer_addresses(list(keys)),
            values=layer_addresses(list(values)),
            capacities=np.full(count, capacity, np.int32),
        )
        steps = np.tile(np.arange(size), count)
        inputs = {"tokens": patches, "slots": steps, "visible": np.full(count * size, size)}
        program.run(count, size, caches, inputs)
        return program.read(0, count * size)

    def _fill_window(self, file: _File, request: Request, spreads: Floats) -> None:
        """Run the byte-level decoder over the last patches of a prompt, from patch `first` of the history on.

        Each layer reaches `context_patches` further back, so only so many patches affect the window.
        """
        config, length = self.config, len(request.history)
        reach = self.recent.shape[1]
        begin = max(request.first, length - config.context_patches * config.byte_num_layers)
        stream = np.concatenate([np.full(reach, END_OF_PATCH), request.history.ravel()]).astype(np.int64)
        last = self.features[file.place].copy()
        for patch in range(begin, length):
            end = reach + (patch + 1) * self.stride
            self.features[file.place] = spreads[patch - 1]
            times = None
            if config.clock:
                times = request_times.of_histories([request], patch)[:, :1].reshape(1, self.stride, -1)
            part = stream[None, end - self.stride - reach : end - 1]
            self._predict(part[:, -self.stride :], part, times, 0, [file])
            self._shift([file])
        self.features[file.place] = last

    def _caches_of(self, files: list[_File], *, byte_level: bool) -> Caches:
        """The caches of some files; those of the running files are made once."""
        if files is not self.files:
            return self._make_caches(files, byte_level=byte_level)
        if byte_level not in self._caches:
            self._caches[byte_level] = self._make_caches(files, byte_level=byte_level)
        return self._caches[byte_level]

    def _make_caches(self, files: list[_File], *, byte_level: bool) -> Caches:
        if byte_level:
            keys, values = ([cache[file.place] for file in files] for cache in (self.byte_keys, self.byte_values))
        else:
            keys, values = [file.patch_keys for file in files], [file.patch_values for file in files]
        capacities = [cache.shape[-1] for cache in keys]
        tables: dict[str, Any] = {
            "keys": layer_addresses(keys),
            "values": layer_addresses(values),
            "capacities": np.array(capacities, np.int32),
            "features": addresses([self.features[file.place] for file in files]),
        }
        sources = [file.source for file in files if file.source is not None]
        if sources:
            tables["source_keys"] = np.stack([addresses(source.keys) for source in sources], 1)
            tables["source_values"] = np.stack([addresses(source.values) for source in sources], 1)
            tables["source_waves"] = addresses([source.waves for source in sources])
            tables["source_lengths"] = np.array([source.length for source in sources], np.int32)
            tables["source_capacities"] = np.array([source.capacity for source in sources], np.int32)
        return Caches(longest=max(*capacities, *(source.capacity for source in sources), 0), **tables)

    def _predict(
        self,
        tokens: NDArray[Any],
        stream: NDArray[Any],
        times: NDArray[Any] | None,
        start: int,
        files: list[_File] | None = None,
    ) -> Floats:
        """(B, n, V) logits of the bytes after each of `tokens` (B, n), from offset `start` of the patch on.

        `stream` (B, reach + any) ends with these tokens.
        """
        files = self.files if files is None else files
        model, config, count = self.model, self.config, tokens.shape[1]
        steps = np.arange(self.kept + start, self.kept + start + count)
        first = np.array([file.blocks * self.stride for file in files])[:, None]
        slots = np.tile(steps, len(files))
        inputs = {"tokens": tokens, "positions": first + steps, "slots": slots, "visible": slots + 1}
        if times is not None:
            inputs["times"] = times
        if config.near_bytes:
            ends = stream.shape[1] - count + 1 + np.arange(count)
            inputs["nearby"] = stream[:, ends[:, None] - np.array(config.near_offsets)]
        caches = self._caches_of(files, byte_level=True)
        places = self._copy_places(files, tokens, count) if model.copying else None
        model.byte_program.run(
            len(files), count, caches, inputs, first_step=start,
            given=None if places is None else self._pointers(files, places),
        )  # fmt: skip
        rows = model.byte_program.read(model.head, len(files) * count).reshape(len(files), count, VOCAB_SIZE).copy()
        if places is not None and model.copying is not None:
            x = model.byte_program.read(0, len(files) * count).reshape(len(files), count, -1)
            for index, (file, found) in enumerate(zip(files, places, strict=True)):
                for step, place in enumerate(found):
                    copied = _copied(file)
                    rows[index, step] = model.copying.mixed(rows[index, step], x[index, step], copied, place)
        return rows

    def _copy_places(self, files: list[_File], tokens: NDArray[Any], count: int) -> list[list[Place]]:
        """Where copying may go on before the next byte of each file, and after each of the tokens guessed (B, n)."""
        found = []
        for file, row in zip(files, tokens.tolist(), strict=True):
            trace, places = file.trace, []
            assert trace is not None, "a model that copies has a source"
            for step in range(count):
                trace = trace.after(_copied(file), row[step]) if step else trace
                places.append(trace.place(_copied(file)))
            found.append(places)
        return found

    def _pointers(self, files: list[_File], places: list[list[Place]]) -> Floats:
        """(B * n, Hb) what the pointers before each byte add to the input of the byte-level decoder."""
        assert self.model.copying is not None
        rows = [
            self.model.copying.pointers(_copied(file), place)
            for file, found in zip(files, places, strict=True)
            for place in found
        ]
        return np.ascontiguousarray(rows, np.float32)

    def _read_patch(self) -> None:
        """If the current patch is whole, read it with the patch-level decoder and advance the byte-level window."""
        if not self.files or self.current.shape[1] < self.stride:
            return
        patches = self.current
        self.current = np.empty((len(self.files), 0), np.int64)
        self.previous[self._places] = patches
        for file in self.files:
            self._grow(file)
        places = np.array([file.length for file in self.files])
        inputs = {"tokens": patches, "positions": places, "slots": places, "visible": places + 1}
        if self.config.clock:
            inputs["times"] = request_times.now(self._clocks)
        caches = self._caches_of(self.files, byte_level=False)
        self.features[self._places] = self._read_patches(self.files, patches, caches, inputs)
        for file in self.files:
            file.length += 1
        reach = self.recent.shape[1]
        self.recent[self._places] = np.concatenate([self.recent[self._places], patches], 1)[:, -reach:]
        self._shift(self.files)

    def _shift(self, files: list[_File]) -> None:
        """Move the window of the byte-level decoder on by one patch."""
        for file in files:
            file.blocks += 1
        if self.kept:
            caches = self._caches_of(files, byte_level=True)
            self.model.shift_program.run(len(files), self.stride, caches, {})

    def _grow(self, file: _File) -> None:
        """Make room for one more patch of a file."""
        capacity = file.patch_keys.shape[-1]
        check_room(file.length + 1, self.config.max_patches)
        if file.length < capacity:
            return
        find_threads(self.model.kernels, longest=file.length)
        grown = capacity + rounded(max(_GROWTH, capacity // 2))
        shape = self.model.patch_shape
        file.patch_keys, file.patch_values = widened(file.patch_keys, file.patch_values, shape.heads, grown)
        self._changed()


def _copied(file: _File) -> CopiedSource:
    assert file.source is not None
    assert file.source.copied is not None
    return file.source.copied


def _trace(source: CopiedSource, request: Request) -> Trace:
    """Where in its source a request is after its history, from patch `first` on."""
    trace = Trace.start(source)
    for token in request.history[request.first :].ravel().tolist():
        trace = trace.after(source, token)
    return trace
