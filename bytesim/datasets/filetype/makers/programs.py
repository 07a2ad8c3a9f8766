"""Makers of the filetype set: bytecode, compiled from found sources."""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from bytesim.datasets.filetype.makers.maker import Job, Maker

_COMPILE = """
import sys, py_compile
py_compile.compile("in.py", cfile="out.pyc", dfile=sys.argv[1], doraise=True, optimize=int(sys.argv[2]))
"""


@cache
def pythons() -> list[str]:
    """The Python interpreters on this machine, one of each version, in order of version."""
    beside = Path(sys.base_prefix).parent.glob("3.*/bin/python3")
    named = (shutil.which(f"python3.{minor}") for minor in range(6, 16))
    by_version: dict[str, str] = {}
    for path in (sys.executable, *map(str, beside), *filter(None, named)):
        done = subprocess.run(
            [path, "-c", "import sys; print('%02d.%02d' % sys.version_info[:2])"],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == 0:
            by_version.setdefault(done.stdout.strip(), path)
    return [by_version[version] for version in sorted(by_version)]


def pyc(job: Job) -> bytes:
    """A module compiled by one of the interpreters; the setting `last` selects the newest version."""
    (job.folder / "in.py").write_bytes(job.read())
    versions = pythons()
    version = versions[-1] if job.settings == "last" else job.rng.choice(versions[:-1] or versions)
    level = job.rng.choice("0012")
    job.run(version, "-c", _COMPILE, job.names[0].rsplit("/", 1)[-1], level)
    return (job.folder / "out.pyc").read_bytes()


def elc(job: Job) -> bytes:
    name = job.names[0].rsplit("/", 1)[-1]
    (job.folder / name).write_bytes(job.read())
    job.run("emacs", "--batch", "-Q", "-f", "batch-byte-compile", name)
    return (job.folder / f"{name}c").read_bytes()


def luac(job: Job) -> bytes:
    (job.folder / "in.lua").write_bytes(job.read())
    job.run("luac", *job.settings.split(), "-o", "out", "in.lua")
    return (job.folder / "out").read_bytes()


def mo(job: Job) -> bytes:
    (job.folder / "in.po").write_bytes(job.read())
    job.run("msgfmt", *job.settings.split(), "-o", "out.mo", "in.po")
    return (job.folder / "out.mo").read_bytes()


MAKERS = [
    Maker("pyc", pyc, ("any version", "last"), "python", (), 560),
    Maker("elc", elc, ("batch",), "elisp", ("emacs",), 260),
    Maker("luac", luac, ("", "-s"), "lua", ("luac",), 100),
    Maker("mo", mo, ("", "--no-hash", "--endianness=big"), "po", ("msgfmt",), 200),
]
