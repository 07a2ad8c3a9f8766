"""`bytesim doctor`: what this machine can do, measured rather than guessed."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata

import torch

from bytesim.engine import hardware
from bytesim.errors import ToolError
from bytesim.models import store
from bytesim.oracles import abcmidi

_VERSION = re.compile(r"\d+(?:\.\d+)+")
_TIMEOUT_S = 2.0


@dataclass(frozen=True, kw_only=True)
class Device:
    """One device and what it was measured to do."""

    name: str
    """As --device takes it."""
    description: str
    memory_bytes: int | None
    fp32_gflops: float
    bf16_gflops: float
    """0 where the device has no bf16 product."""
    bandwidth_gb_s: float
    dtype: str
    """What --dtype auto takes."""


@dataclass(frozen=True, kw_only=True)
class Tool:
    """A program that bytesim, or its user, can do more with."""

    name: str
    purpose: str
    version: str | None
    """None where it is not installed; `?` where it does not say."""
    path: str | None
    """Where it is; None where it is not installed."""
    install: str


@dataclass(frozen=True, kw_only=True)
class FoundModel:
    """A model that --model NAME finds."""

    name: str
    place: str
    folder: str


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """What this machine can do."""

    bytesim: str
    python: str
    system: str
    torch: str
    cores: int
    """Processor cores this process may use."""
    threads: int
    """Threads that torch computes with."""
    instructions: str
    """Widest vector instructions that torch uses on this processor."""
    devices: list[Device]
    """The one that `auto` takes first."""
    tools: list[Tool]
    models: list[FoundModel]


_ABCMIDI = {
    "abc2midi": "ABC -> MIDI by rule, --verify, building training data",
    "midi2abc": "MIDI -> ABC by rule, for comparison",
}
"""Programs of abcMIDI, which come with the package symusic, and what they are for."""
_PROGRAMS = {
    "abcm2ps": ("-V", "`generate --score`", "abcm2ps"),
    "ffmpeg": ("-version", "turning video and AAC sound into WAV before `normalize`", "ffmpeg"),
    "fluidsynth": ("--version", "listening to MIDI files", "fluidsynth"),
}
"""Name -> (flag that prints the version, what it is for, Debian package)."""


def doctor() -> Diagnosis:
    """Measure the devices and look for tools and models; takes two or three seconds."""
    return Diagnosis(
        bytesim=metadata.version("bytesim"),
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
        torch=torch.__version__,
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        threads=torch.get_num_threads(),
        instructions=torch.backends.cpu.get_cpu_capability(),
        devices=[_device(name) for name in hardware.devices()],
        tools=[*map(_abcmidi, _ABCMIDI), *map(_program, _PROGRAMS)],
        models=[
            FoundModel(name=model.name, place=model.place, folder=str(model.folder)) for model in store.stored_models()
        ],
    )


def _device(name: str) -> Device:
    description, memory_bytes = _describe(name)
    return Device(
        name=name,
        description=description,
        memory_bytes=memory_bytes,
        fp32_gflops=hardware.matmul_gflops(torch.float32, name),
        bf16_gflops=hardware.matmul_gflops(torch.bfloat16, name),
        bandwidth_gb_s=hardware.bandwidth_gb_s(name),
        dtype=str(hardware.faster_dtype(name)).removeprefix("torch."),
    )


def _describe(name: str) -> tuple[str, int | None]:
    """(what the device is called, its memory in bytes)."""
    if name.startswith("cuda"):
        properties = torch.cuda.get_device_properties(name)
        return properties.name, int(properties.total_memory)
    if name == "mps":
        return "Apple GPU", None
    return _processor(), _memory_bytes()


def _processor() -> str:
    """The processor's own name. Python knows it on Windows and macOS; Linux keeps it in a file."""
    with suppress(OSError), open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        for line in file:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine() or "CPU"


def _memory_bytes() -> int | None:
    """Main memory, where the system says so without a package for it."""
    try:
        return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):
        return None


def _abcmidi(name: str) -> Tool:
    install = "pip install symusic"
    try:
        path = abcmidi.tool_path(name)
    except ToolError as error:  # the environment variable for it names something else
        path, install = None, error.message.rstrip(".")
    version = None if path is None else abcmidi.version_number(path)
    return Tool(name=name, purpose=_ABCMIDI[name], version=version, path=path, install=install)


def _program(name: str) -> Tool:
    flag, purpose, package = _PROGRAMS[name]
    path = shutil.which(name)
    version = None if path is None else _ask_version(path, flag)
    install = f"on Debian: apt-get install {package}"
    return Tool(name=name, purpose=purpose, version=version, path=path, install=install)


def _ask_version(path: str, flag: str) -> str:
    try:
        done = subprocess.run(
            [path, flag],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return "?"
    found = _VERSION.search(done.stdout.decode("utf-8", "replace"))
    return found.group() if found else "?"
