"""Large nasty files, made from a small description: what a manifest says in place of a file.

A description is a table: `make` names a function of MAKERS, the other keys are its arguments. Texts are Latin-1, so
that each of their characters is a byte.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np


def made(description: Mapping[str, Any]) -> bytes:
    """The bytes of a description."""
    arguments = {name: value for name, value in description.items() if name != "make"}
    return MAKERS[str(description["make"])](**arguments)


def repeat(unit: str, count: int, head: str = "", tail: str = "") -> bytes:
    """A text repeated."""
    return (head + unit * count + tail).encode("latin-1")


def nested(opening: str, closing: str, count: int, head: str = "", middle: str = "", tail: str = "") -> bytes:
    """Brackets inside brackets."""
    return (head + opening * count + middle + closing * count + tail).encode("latin-1")


def zeros(count: int, packed: str = "") -> bytes:
    """Zeros, perhaps packed by gzip, bz2 or xz."""
    pack: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}
    data = bytes(count)
    return pack[packed](data) if packed else data


def zip_of_zeros(count: int, members: int = 1, name: str = "a.txt") -> bytes:
    """A ZIP archive of members of zeros."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for index in range(members):
            archive.writestr(zipfile.ZipInfo(f"{index}{name}"), bytes(count), zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def npz_of_zeros(names: list[str], count: int, dtype: str = "u1") -> bytes:
    """An .npz file of arrays of zeros, which compress to nearly nothing."""
    stream = io.BytesIO()
    np.savez_compressed(stream, **{name: np.zeros(count, dtype) for name in names})  # type: ignore[arg-type]
    return stream.getvalue()


def png(width: int, height: int, bits: int = 8, colour: int = 2, rows: int = 0) -> bytes:
    """A PNG file of any stated size, of which so many rows of zeros are there."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    row = bytes(1 + (width * channels * bits + 7) // 8)
    body = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)),
        *([(b"PLTE", bytes(3))] if colour == 3 else []),
        (b"IDAT", zlib.compress(row * rows)),
        (b"IEND", b""),
    ]
    chunks = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in body
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def wav(frames: int, rate: int = 8000, channels: int = 1, bits: int = 8, form: int = 1, stated: int = -1) -> bytes:
    """A WAV file of zeros whose header may state another length than it has."""
    size = channels * bits // 8
    data = bytes(frames * size)
    length = len(data) if stated < 0 else stated
    form_chunk = struct.pack("<HHIIHH", form, channels, rate, rate * size & 0xFFFFFFFF, size, bits)
    body = b"WAVEfmt " + struct.pack("<I", len(form_chunk)) + form_chunk + b"data" + struct.pack("<I", length) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def midi(notes: int, events: str = "0090403c 30904000", tracks: int = 1, division: int = 96) -> bytes:
    """A MIDI file of the same events, in hexadecimal, over and over."""
    body = bytes.fromhex(events) * notes + b"\0\xff\x2f\0"
    chunk = b"MTrk" + struct.pack(">I", len(body)) + body
    return b"MThd" + struct.pack(">IHHH", 6, int(tracks > 1), tracks, division) + chunk * tracks


def safetensors(
    tensors: int = 0, header: str = "", stated: int = -1, dtype: str = "F32", shape: list[int] | None = None
) -> bytes:
    """A weights file of many tensors without a value, or with a given header."""
    entry = {"dtype": dtype, "shape": [0] if shape is None else shape, "data_offsets": [0, 0]}
    text = header or json.dumps({f"t{index}": entry for index in range(tensors)})
    data = text.encode()
    return struct.pack("<Q", len(data) if stated < 0 else stated) + data


def bsim_promise(num_bytes: int, code: int = 64) -> bytes:
    """A compressed file that promises so many bytes and holds a short code."""
    from bytesim.formats import bsim

    head = bsim.serialize(bsim.Header(coding=bsim.Coding.MIXED, num_bytes=num_bytes))
    return head + bytes(code) + bytes(bsim.CHECKSUM_BYTES)


MAKERS: dict[str, Callable[..., bytes]] = {
    "repeat": repeat,
    "nested": nested,
    "zeros": zeros,
    "zip": zip_of_zeros,
    "npz": npz_of_zeros,
    "png": png,
    "wav": wav,
    "midi": midi,
    "safetensors": safetensors,
    "bsim": bsim_promise,
}
