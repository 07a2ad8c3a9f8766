"""The sound of videos, and of recordings in formats that libsndfile lacks, by the program ffmpeg where it is installed.

ffmpeg gets one file and a list of formats. It may open no other file and no network connection, whatever the file
asks for, and it is stopped at a limit of time, of memory and of output.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from bytesim.errors import InputError, ToolError

TIMEOUT_S = 120.0
MAX_OUTPUT_BYTES = 1 << 30
"""Most bytes of decoded sound on disk: some three hours at 48 kHz."""
MAX_MEMORY_BYTES = 4 << 30
"""Address space of ffmpeg, on Linux."""
MAX_BLOCK_BYTES = 256 << 20
"""Largest block that ffmpeg may allocate at once."""
INSTALL = "Install it (Debian: apt-get install ffmpeg), or make a WAV file elsewhere."

_FORMATS = (
    "mov", "mp4", "m4a", "3gp", "3g2", "mj2", "matroska", "webm", "avi", "aac", "asf", "flv", "mpeg", "mpegts", "amr",
    "ogg", "ape", "wv", "ac3", "eac3", "dts", "tta",
)  # fmt: skip
"""Formats that ffmpeg may read. Playlists, which name other files, are not among them."""
_PICTURE_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1")
"""Brands of the container of MP4 that mark pictures."""
_STARTS = (
    b"\x1aE\xdf\xa3", b"0&\xb2u\x8ef\xcf\x11", b"FLV\x01", b"#!AMR", b"\x00\x00\x01\xba", b"OggS", b"MAC ", b"wvpk",
    b"\x0bw", b"\x7f\xfe\x80\x01", b"ADIF", b"TTA1",
)  # fmt: skip
"""First bytes of Matroska and WebM, ASF, FLV, AMR, MPEG, Ogg, Monkey's Audio, WavPack, AC-3, DTS, AAC and TTA."""


def holds_other_sound(head: bytes) -> bool:
    """Whether a file that begins like this (16 bytes or more) is a video, or sound in a format for ffmpeg."""
    if head[4:8] == b"ftyp":
        return head[8:12] not in _PICTURE_BRANDS
    if head[4:8] in (b"moov", b"mdat", b"wide") or (head[:4] == b"RIFF" and head[8:12] == b"AVI "):
        return True
    is_adts = len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0
    is_transport_stream = len(head) > 188 and head[0] == head[188] == 0x47
    return is_adts or is_transport_stream or head.startswith(_STARTS)


@contextmanager
def decoded(file: BinaryIO, *, seconds: float | None = None) -> Iterator[BinaryIO]:
    """A WAV file, mono and 16 bits, of the first sound track of a file, or of its first `seconds`.

    Raises InputError if ffmpeg finds no sound that it can decode, ToolError if ffmpeg is missing or does not end.
    """
    program = shutil.which("ffmpeg")
    if program is None:
        raise ToolError(f"this is a video, or sound in a format that needs ffmpeg, which is not installed. {INSTALL}")
    with tempfile.TemporaryDirectory(prefix="bytesim-") as folder:
        source, target = _on_disk(file, Path(folder)), Path(folder, "sound.wav")
        length = [] if seconds is None else ["-t", f"{seconds:g}"]
        limits = ["-max_alloc", str(MAX_BLOCK_BYTES), "-threads", "1"]
        allowed = ["-protocol_whitelist", "file", "-format_whitelist", ",".join(_FORMATS)]
        sound = ["-map", "0:a:0", *length, "-ac", "1", "-c:a", "pcm_s16le", "-threads", "1", "-f", "wav"]
        command = [program, "-nostdin", "-hide_banner", "-v", "error", *limits, *allowed, "-i", f"file:{source}"]
        _run([*command, *sound, "-y", str(target)], target)
        with target.open("rb") as wav:
            yield wav


def _on_disk(file: BinaryIO, folder: Path) -> str:
    """The path of an open file, or of a copy of it if it is in memory."""
    name = getattr(file, "name", None)
    if isinstance(name, str) and os.path.isfile(name):
        return os.path.abspath(name)
    file.seek(0)
    copy = folder / "source"
    with copy.open("wb") as target:
        shutil.copyfileobj(file, target)
    return str(copy)


def _run(command: list[str], target: Path) -> None:
    """Run ffmpeg, which writes the file `target`. Raises InputError and ToolError."""
    log = target.with_name("messages.txt")
    deadline = time.monotonic() + TIMEOUT_S
    with log.open("wb") as sink, _start(command, sink) as process:
        try:
            while process.poll() is None:
                if time.monotonic() > deadline:
                    raise ToolError(f"ffmpeg was stopped after {TIMEOUT_S:g} s. Cut the file, or take --segment first.")
                if _size(target) > MAX_OUTPUT_BYTES:
                    raise ToolError("the recording is too long to decode by ffmpeg. Cut it, or take --segment first.")
                with suppress(subprocess.TimeoutExpired):
                    process.wait(0.2)
        finally:
            process.kill()
    if process.returncode or not _size(target):
        reason = _reason(log)
        if "matches no streams" in reason:
            raise InputError("the video has no sound.")
        raise InputError(f"ffmpeg finds no sound in it that it can decode{reason}.")


def _start(command: list[str], sink: BinaryIO) -> subprocess.Popen[bytes]:
    null = subprocess.DEVNULL
    try:
        process = subprocess.Popen(command, stdin=null, stdout=null, stderr=sink)
    except OSError as error:
        raise ToolError(f"ffmpeg does not start ({error.strerror}). {INSTALL}") from error
    if sys.platform == "linux":
        import resource

        with suppress(OSError, ValueError):  # it has ended already, or has a lower limit
            resource.prlimit(process.pid, resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    return process


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _reason(log: Path) -> str:
    """The first line that ffmpeg printed, in brackets; empty if it printed nothing."""
    with log.open("rb") as file:
        lines = file.read(4096).decode("utf-8", "replace").splitlines()
    shown = next((line.strip().rstrip(".") for line in lines if line.strip()), "")
    return f" ({shown[:160]})" if shown else ""
