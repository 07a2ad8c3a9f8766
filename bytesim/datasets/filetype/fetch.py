"""Fetching the packages that the filetype set is made of, through apt, pip and npm. Needs no root.

Each package has a folder of its own, filled beside its place and renamed when it is complete, so a build that was
stopped goes on with the next one.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bytesim.datasets.filetype import packages as sources
from bytesim.errors import ToolError
from bytesim.files import make_folder

TIMEOUT_S = 900.0
MAX_SOURCE_BYTES = 45_000_000
"""Source packages that are larger are passed over."""
BATCH = 16
"""Packages asked for at a time: apt, pip and npm take seconds to start."""
NOT_TO_BE_HAD = "missing.txt"
"""Stands in the folder of a package that could not be fetched, with the reason."""

APT_SOURCES = (Path("/etc/apt/sources.list"), Path("/etc/apt/sources.list.d"))


@dataclass(frozen=True, slots=True)
class Package:
    """One thing to fetch: `kind` is deb, source, wheel, windows, macos, linux or npm."""

    kind: str
    name: str

    def folder(self, material: Path) -> Path:
        """Where its files lie once they are fetched."""
        return material / "downloads" / self.kind / self.name.replace("/", "~")


def wanted_packages() -> list[Package]:
    """Every package of the lists, the kinds mixed so that a build stopped early has some of each."""
    lists = {
        "source": sources.DEBIAN_SOURCES,
        "deb": sources.DEBIAN_PACKAGES,
        "npm": sources.NPM_PACKAGES,
        "wheel": sources.PYPI_WHEELS,
        "windows": sources.PYPI_COMPILED,
        "macos": sources.PYPI_COMPILED,
        "linux": sources.PYPI_COMPILED,
    }
    placed = [
        ((index + 0.5) / len(names), kind, name) for kind, names in lists.items() for index, name in enumerate(names)
    ]
    return [Package(kind, name) for _, kind, name in sorted(placed)]


def check_tools() -> None:
    """Raise ToolError where apt, dpkg or npm is missing: without them there is nothing to build from."""
    missing = [tool for tool in ("apt-get", "dpkg-deb", "npm") if shutil.which(tool) is None]
    if missing:
        raise ToolError(
            f"{', '.join(missing)} not found. The filetype set is built on Debian or a system that has its tools; "
            "install them or use a set that was built elsewhere."
        )


def fetch_all(material: Path, *, jobs: int = 2, on_progress: Callable[[int, int], None] | None = None) -> list[Package]:
    """Fetch every package that is not there yet; returns those that could not be had. Raises ToolError."""
    check_tools()
    packages = wanted_packages()
    waiting = [each for each in packages if not each.folder(material).is_dir()]
    apt = prepare_apt(material) if waiting else ()
    done = len(packages) - len(waiting)
    with ThreadPoolExecutor(jobs) as pool:
        batches = _batches(waiting)
        for batch, _ in zip(batches, pool.map(lambda each: fetch(each, material, apt), batches), strict=True):
            done += len(batch)
            if on_progress is not None:
                on_progress(done, len(packages))
    return [each for each in packages if (each.folder(material) / NOT_TO_BE_HAD).exists()]


def _batches(packages: list[Package]) -> list[list[Package]]:
    """Packages of one kind together, in the order in which each batch is full."""
    full, open_batches = [], dict[str, list[Package]]()
    for package in packages:
        batch = open_batches.setdefault(package.kind, [])
        batch.append(package)
        if len(batch) == BATCH:
            full.append(open_batches.pop(package.kind))
    return [*full, *open_batches.values()]


def fetch(batch: list[Package], material: Path, apt: tuple[str, ...]) -> None:
    """Fetch packages of one kind, each into its folder; one that cannot be had gets a note there instead."""
    place = batch[0].folder(material).parent
    make_folder(place)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=place) as temporary:
        inside = Path(temporary, "files")
        inside.mkdir()
        small = _within_limit(batch, apt, inside)
        said = _run([*_command(batch[0].kind, apt), *(each.name for each in small)], inside) if small else "too large"
        for package in batch:
            alone = len(batch) == 1 and package.kind != "source"
            files = list(inside.iterdir()) if alone else _files_of(package, inside)
            own = Path(temporary, "own")
            own.mkdir(exist_ok=True)
            for file in files:
                os.replace(file, own / file.name)
            if said and len(batch) > 1 and package in small and not any(own.iterdir()):
                continue  # one name that is gone may have spoilt the batch
            if not any(own.iterdir()):
                (own / NOT_TO_BE_HAD).write_text(said or "larger than the limit", encoding="utf-8")
            os.replace(own, package.folder(material))
    for package in batch:
        if not package.folder(material).is_dir():
            fetch([package], material, apt)


def _files_of(package: Package, folder: Path) -> list[Path]:
    """What belongs to one package among the files of a batch; of a source package all of it, or nothing."""
    if package.kind == "deb":
        return list(folder.glob(f"{package.name}_*.deb"))
    if package.kind == "npm":
        name = package.name.lstrip("@").replace("/", "-")
        return [
            file for file in folder.glob("*.tgz") if re.fullmatch(re.escape(name) + r"-\d[^-]*(-.*)?\.tgz", file.name)
        ]
    if package.kind != "source":
        name = _plain(package.name)
        return [file for file in folder.glob("*.whl") if _plain(file.name.partition("-")[0]) == name]
    found = list(folder.glob(f"{package.name}_*.dsc"))
    for description in found[:1]:
        text = description.read_text(encoding="utf-8", errors="replace")
        found += [folder / name for name in re.findall(r"^ [0-9a-f]{64} \d+ (\S+)$", text, re.M)]
    # A registry may lack the archives that a description names, which says nothing by itself.
    return found if all(file.is_file() for file in found) else []


def _plain(name: str) -> str:
    """A Python package's name as registries compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _command(kind: str, apt: tuple[str, ...]) -> list[str]:
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    commands = {
        "deb": ["apt-get", *apt, "download"],
        "source": ["apt-get", *apt, "source", "--download-only"],
        "npm": ["npm", "pack", "--silent"],
        "wheel": pip,
        "windows": [*pip, "--platform=win_amd64", "--python-version=3.11"],
        "macos": [*pip, "--platform=macosx_11_0_arm64", "--platform=macosx_12_0_arm64", "--python-version=3.11"],
        "linux": [*pip, "--platform=manylinux2014_x86_64", "--platform=manylinux_2_28_x86_64", "--python-version=3.11"],
    }
    return commands[kind]


def _within_limit(batch: list[Package], apt: tuple[str, ...], folder: Path) -> list[Package]:
    """The source packages below the limit; the other kinds are chosen to be."""
    if batch[0].kind != "source":
        return batch
    sizes = dict[str, int]()
    command = ["apt-get", *apt, "source", "--print-uris", *(each.name for each in batch)]
    said = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout
    for file, size in re.findall(r"^'[^']+' (\S+) (\d+)", said, re.M):
        name = file.partition("_")[0]
        sizes[name] = sizes.get(name, 0) + int(size)
    return [each for each in batch if sizes.get(each.name, 0) <= MAX_SOURCE_BYTES]


def _run(command: list[str], folder: Path) -> str:
    """Run a client in a folder; what it complained of, empty where it brought something."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return f"no answer in {TIMEOUT_S:.0f} s"
    if done.returncode == 0 and any(folder.iterdir()):
        return ""
    return (done.stderr or done.stdout).strip()[-500:] or f"exit {done.returncode}"


def prepare_apt(material: Path) -> tuple[str, ...]:
    """A state of apt of our own with source packages switched on, below `material`. Returns the options that use it.

    The registries are those that this machine's apt is set up for. Raises ToolError where it has none.
    """
    home = material / "apt"
    for name in ("lists/partial", "archives/partial", "parts"):
        make_folder(home / name)
    found = list(_sources_with_source_packages())
    if not found:
        raise ToolError("apt has no list of packages set up here (/etc/apt/sources.list.d).")
    for name, text in found:
        (home / "parts" / name).write_text(text, encoding="utf-8")
    options = (
        f"-oDir::Etc::SourceList={home / 'none.list'}",
        f"-oDir::Etc::SourceParts={home / 'parts'}",
        f"-oDir::State::Lists={home / 'lists'}",
        f"-oDir::Cache={home}",
        "-oAPT::Sandbox::User=",
        "-oAcquire::Languages=none",
        "-oAPT::Get::List-Cleanup=true",
    )
    said = subprocess.run(["apt-get", *options, "update"], capture_output=True, text=True, check=False)
    if said.returncode:
        raise ToolError(f"apt-get update failed: {' '.join(said.stderr.split())[-300:]}")
    return options


def _sources_with_source_packages() -> Iterator[tuple[str, str]]:
    """(file name, text) of the machine's own lists of Debian, source packages added."""
    single, folder = APT_SOURCES
    files = [single, *sorted(folder.glob("*.list")), *sorted(folder.glob("*.sources"))]
    for file in files:
        text = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
        if "debian" not in text:
            continue
        if file.suffix == ".sources":
            stanzas = [each for each in text.split("\n\n") if "-security" not in each]
            yield file.name, re.sub(r"^Types:.*$", "Types: deb deb-src", "\n\n".join(stanzas), flags=re.M)
        else:
            binary = [line for line in re.findall(r"^deb .*$", text, re.M) if "-security" not in line]
            yield file.name, "\n".join([*binary, *(f"deb-src{line[3:]}" for line in binary)]) + "\n"
