"""Programs that bytesim runs: hidden from it, or put in their place."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from bytesim.oracles import abcmidi

needs_shebang = pytest.mark.skipif(os.name == "nt", reason="Windows executes files by their suffix")
needs_symusic = pytest.mark.skipif(
    find_spec(abcmidi.CARRIER) is None, reason="symusic, which carries abcMIDI, has no wheel for this machine"
)


def hide_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine without abcMIDI, ffmpeg and all others."""
    monkeypatch.setattr(abcmidi, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", "")


def write_program(path: Path, code: str) -> Path:
    """A program that runs a line of Python."""
    path.write_text(f"#!{sys.executable}\n{code}\n")
    path.chmod(0o755)
    return path
