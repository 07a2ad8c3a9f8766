"""The score of a tune as a picture, engraved by abcm2ps."""

from __future__ import annotations

import re
import shutil
import subprocess

from bytesim.errors import ToolError

TIMEOUT_S = 20.0
"""A tune takes milliseconds; what takes longer has gone round in circles."""

_COMMENT = re.compile(rb"<!--.*?-->\n?", re.DOTALL)


def find_engraver() -> str:
    """Path of abcm2ps. Raises ToolError where it is not installed."""
    path = shutil.which("abcm2ps")
    if path is None:
        raise ToolError("abcm2ps, which engraves scores, is not installed (Debian: apt-get install abcm2ps).")
    return path


def engrave(tune: bytes) -> bytes:
    """An SVG of the first tune of an ABC text, black on white, the same every time. Raises ToolError."""
    command = [find_engraver(), "-q", "-S", "-g", "-O", "-", "-", "--bgcolor", "white"]
    try:
        done = subprocess.run(command, input=tune, capture_output=True, timeout=TIMEOUT_S, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        raise ToolError(f"abcm2ps did not engrave the tune: {error}.") from error
    found = done.stdout.find(b"<svg")
    end = done.stdout.find(b"</svg>", found)
    if done.returncode or found < 0 or end < 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise ToolError(f"abcm2ps engraved nothing: {said[-1] if said else 'it gave no reason'}.")
    drawn = _COMMENT.sub(b"", done.stdout[found:end])  # they hold the time and the command
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + drawn + b"</svg>\n"
