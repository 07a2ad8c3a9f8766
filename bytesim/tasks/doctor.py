"""`bytesim doctor`: what this machine can do: its devices, which are measured, tools and models."""

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
from bytesim.models.native import NOT_BUILT
from bytesim.native.library import TARGETS, kernels
from bytesim.oracles import abcmidi

_VERSION = re.compile(r"\d+(?:\.\d+)+")
_TIMEOUT_S = 2.0


@dataclass(frozen=True, kw_only=True)
class Device:
    """A device and its measured speed."""

    name: str
    """Its name for --device."""
    description: str
    memory_bytes: int | None
    fp32_gflops: float
    bf16_gflops: float
    """0 if the device cannot multiply bf16 matrices."""
    bandwidth_gb_s: float
    dtype: str
    """The number type that --dtype auto chooses."""


@dataclass(frozen=True, kw_only=True)
class Tool:
    """An optional program that extends bytesim or helps its user."""

    name: str
    purpose: str
    version: str | None
    """None if it is not installed; `?` if the version is unknown."""
    path: str | None
    """None if it is not installed."""
    install: str


@dataclass(frozen=True, kw_only=True)
class FoundModel:
    """A model that is found by --model NAME."""

    name: str
    place: str
    folder: str


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """The result of `doctor`."""

    bytesim: str
    python: str
    system: str
    torch: str
    cores: int
    """Number of processor cores that this process may use."""
    threads: int
    """Number of threads that torch uses."""
    instructions: str
    """Widest vector instructions that torch uses on this processor."""
    native: str
    """The kernels of the native engine: avx512, avx2 or plain; or why there are none."""
    devices: list[Device]
    """The first is the one that `auto` chooses."""
    tools: list[Tool]
    models: list[FoundModel]


_ABCMIDI = {
    "abc2midi": "ABC -> MIDI by rule, --verify, building training data",
    "midi2abc": "MIDI -> ABC by rule, where the model is wrong",
}
"""Program of abcMIDI, which is part of the package symusic -> its purpose."""
_PROGRAMS = {
    "abcm2ps": ("-V", "`generate --score`", "abcm2ps"),
    "ffmpeg": ("-version", "`normalize` of videos and of AAC sound", "ffmpeg"),
    "fluidsynth": ("--version", "listening to MIDI files", "fluidsynth"),
}
"""Program -> (flag that prints the version, purpose, Debian package)."""


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
        native=_native(),
        devices=[_device(name) for name in hardware.devices()],
        tools=[*map(_abcmidi, _ABCMIDI), *map(_program, _PROGRAMS)],
        models=[
            FoundModel(name=model.name, place=model.place, folder=str(model.folder)) for model in store.stored_models()
        ],
    )


def _native() -> str:
    built = kernels()
    return NOT_BUILT if built is None else TARGETS[built.target]


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
    """(description of the device, its memory in bytes or None if unknown)."""
    if name.startswith("cuda"):
        properties = torch.cuda.get_device_properties(name)
        return properties.name, int(properties.total_memory)
    if name == "mps":
        return "Apple GPU", None
    return _processor(), _memory_bytes()


def _processor() -> str:
    """The processor's model name. Python knows it on Windows and macOS; on Linux it is in a file."""
    with suppress(OSError), open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        for line in file:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine() or "CPU"


def _memory_bytes() -> int | None:
    """Size of the main memory; None on systems where Python cannot ask for it."""
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
    """The version that a program prints; `?` if it fails or prints none."""
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
    match = _VERSION.search(done.stdout.decode("utf-8", "replace"))
    return match.group() if match else "?"
