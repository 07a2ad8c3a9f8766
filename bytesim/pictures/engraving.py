"""The sheet music of a tune as SVG, engraved by abcm2ps."""

from __future__ import annotations

import re
import shutil
import subprocess

from bytesim.errors import ToolError

TIMEOUT_S = 20.0
"""Time limit; a tune takes milliseconds."""

_COMMENT = re.compile(rb"<!--.*?-->\n?", re.DOTALL)


def find_engraver() -> str:
    """The path of abcm2ps. Raises ToolError if it is not installed."""
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
    start = done.stdout.find(b"<svg")
    end = done.stdout.find(b"</svg>", start)
    if done.returncode or start < 0 or end < 0:
        complaints = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise ToolError(f"abcm2ps engraved nothing: {complaints[-1] if complaints else 'it gave no reason'}.")
    svg = _COMMENT.sub(b"", done.stdout[start:end])  # comments contain the time and the command
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + svg + b"</svg>\n"
