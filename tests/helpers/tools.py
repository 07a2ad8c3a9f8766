"""Marks of the tests that need what bytesim can do without; where it is missing, pytest skips them and says why."""

import importlib.util
import shutil
from pathlib import Path

import pytest

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
needs_abcm2ps = pytest.mark.skipif(shutil.which("abcm2ps") is None, reason="abcm2ps is not installed")
needs_file = pytest.mark.skipif(shutil.which("file") is None, reason="the program file of libmagic is not installed")
needs_magika = pytest.mark.skipif(importlib.util.find_spec("magika") is None, reason="magika is not installed")
needs_proc = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="children are read off /proc")
