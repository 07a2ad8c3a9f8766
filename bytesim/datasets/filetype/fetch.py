"""Fetch the packages of the filetype set through apt, pip and npm, without root.

Each package has its own folder, which is filled under another name and renamed when it is complete, so that a build
that was stopped continues with the next package.
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
from bytesim.datasets.filetype.sdists import UnreachableError, download_sdist
from bytesim.errors import ToolError
from bytesim.files import make_folder

TIMEOUT_S = 900.0
MAX_SOURCE_BYTES = 45_000_000
"""Larger source packages are skipped."""
BATCH = 48
"""Packages per call, because apt, pip and npm take seconds to start."""
NOT_FETCHED = "missing.txt"
"""File with the reason, in the folder of a package that could not be fetched."""

LATER_RELEASES = ("trixie", "sid")
"""Debian releases whose source packages stand in for those that the archive of the machine's own release lacks."""
APT_SOURCES = (Path("/etc/apt/sources.list"), Path("/etc/apt/sources.list.d"))


@dataclass(frozen=True, slots=True)
class Package:
    """One thing to fetch: `kind` is deb, source, sdist, wheel, windows, macos, linux or npm."""

    kind: str
    name: str

    def folder(self, material: Path) -> Path:
        """The folder of its files once they are fetched."""
        return material / "downloads" / self.kind / self.name.replace("/", "~")


def wanted_packages() -> list[Package]:
    """Every package of the lists, with the kinds mixed, so that a build that is stopped early has some of each."""
    drawn = sources.drawn_packages()
    lists = {
        "source": sources.DEBIAN_SOURCES,
        "deb": (*sources.DEBIAN_PACKAGES, *drawn["deb"]),
        "sdist": drawn["sdist"],
        "npm": (*sources.NPM_PACKAGES, *drawn["npm"]),
        "wheel": sources.PYPI_WHEELS,
        "windows": sources.PYPI_COMPILED,
        "macos": sources.PYPI_COMPILED,
        "linux": sources.PYPI_COMPILED,
    }
    ranked = [
        ((index + 0.5) / len(names), kind, name) for kind, names in lists.items() for index, name in enumerate(names)
    ]
    return [Package(kind, name) for _, kind, name in sorted(ranked)]


def check_tools() -> None:
    """Raise ToolError if apt, dpkg or npm is missing, because without them nothing can be built."""
    missing = [tool for tool in ("apt-get", "dpkg-deb", "npm") if shutil.which(tool) is None]
    if missing:
        raise ToolError(
            f"{', '.join(missing)} not found. The filetype set is built on Debian or a system with its tools. "
            "Install them, or use a set that was built elsewhere."
        )


def fetch_all(material: Path, *, jobs: int = 2, on_progress: Callable[[int, int], None] | None = None) -> None:
    """Fetch every package that is not there yet and was not asked for in vain before. Raises ToolError."""
    check_tools()
    packages = wanted_packages()
    waiting = [package for package in packages if not package.folder(material).is_dir()]
    apt = prepare_apt(material) if waiting else ()
    done = len(packages) - len(waiting)
    with ThreadPoolExecutor(jobs) as pool:
        batches = _batches(waiting)
        for batch, _ in zip(batches, pool.map(lambda batch: fetch(batch, material, apt), batches), strict=True):
            done += len(batch)
            if on_progress is not None:
                on_progress(done, len(packages))


def not_fetched(material: Path) -> list[Package]:
    """The packages of the lists that are not in `material`, because they could not be fetched or were not asked for."""

    def is_there(folder: Path) -> bool:
        return folder.is_dir() and not (folder / NOT_FETCHED).exists()

    return [package for package in wanted_packages() if not is_there(package.folder(material))]


def _batches(packages: list[Package]) -> list[list[Package]]:
    """Batches of packages of one kind, in the order in which they fill up."""
    full, open_batches = [], dict[str, list[Package]]()
    for package in packages:
        batch = open_batches.setdefault(package.kind, [])
        batch.append(package)
        if len(batch) == BATCH:
            full.append(open_batches.pop(package.kind))
    return [*full, *open_batches.values()]


def fetch(batch: list[Package], material: Path, apt: tuple[str, ...]) -> None:
    """Fetch packages of one kind, each into its folder; one that cannot be fetched gets a NOT_FETCHED file there."""
    kind_folder = batch[0].folder(material).parent
    make_folder(kind_folder)
    if batch[0].kind == "sdist":
        for package in batch:
            _fetch_sdist(package, material)
        return
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=kind_folder) as temporary:
        inside = Path(temporary, "files")
        inside.mkdir()
        small = _within_limit(batch, apt, inside)
        error = (
            _run([*_command(batch[0].kind, apt), *(package.name for package in small)], inside)
            if small
            else "too large"
        )
        if error and small and batch[0].kind == "source" and len(batch) == 1:
            error = _from_later_release(batch[0], inside, apt, error)
        for package in batch:
            alone = len(batch) == 1 and package.kind != "source"
            files = list(inside.iterdir()) if alone else _files_of(package, inside)
            own = Path(temporary, "own")
            own.mkdir(exist_ok=True)
            for file in files:
                os.replace(file, own / file.name)
            if error and len(batch) > 1 and package in small and not any(own.iterdir()):
                continue  # one unknown name may have made the whole batch fail
            if not any(own.iterdir()):
                (own / NOT_FETCHED).write_text(error or "larger than the limit", encoding="utf-8")
            os.replace(own, package.folder(material))
    for package in batch:
        if not package.folder(material).is_dir():
            fetch([package], material, apt)


def _fetch_sdist(package: Package, material: Path) -> None:
    """Fetch a source distribution into its folder, or note there why there is none.

    If PyPI does not answer, no folder is made, and the next build asks again.
    """
    folder = package.folder(material)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=folder.parent) as temporary:
        own = Path(temporary, "own")
        own.mkdir()
        try:
            error = download_sdist(package.name, own, max_bytes=MAX_SOURCE_BYTES)
        except UnreachableError:
            return
        if error:
            (own / NOT_FETCHED).write_text(error, encoding="utf-8")
        os.replace(own, folder)


def _from_later_release(package: Package, folder: Path, apt: tuple[str, ...], error: str) -> str:
    """Fetch a source package of a later release, if that is within the limit. Returns `error` if none has it."""
    for release in LATER_RELEASES:
        for file in folder.iterdir():
            file.unlink()
        name = f"{package.name}/{release}"
        if _source_sizes([name], apt, folder).get(package.name, 0) > MAX_SOURCE_BYTES:
            return "larger than the limit"
        if not _run([*_command("source", apt), name], folder) and _files_of(package, folder):
            return ""
    return error


def _files_of(package: Package, folder: Path) -> list[Path]:
    """The files of one package among those of a batch; of a source package all files, or none if some are missing."""
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
    files = list(folder.glob(f"{package.name}_*.dsc"))
    for description in files[:1]:
        text = description.read_text(encoding="utf-8", errors="replace")
        named = re.findall(r"^ [0-9a-f]{64} \d+ (\S+)$", text, re.M)
        files += [folder / Path(name).name for name in named]  # a hostile description may name files elsewhere
    # The registry may lack archives that a .dsc file names; a .dsc file alone is useless.
    return files if all(file.is_file() for file in files) else []


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
    """The source packages below the size limit; packages of other kinds are all small enough."""
    if batch[0].kind != "source":
        return batch
    sizes = _source_sizes([package.name for package in batch], apt, folder)
    return [package for package in batch if sizes.get(package.name, 0) <= MAX_SOURCE_BYTES]


def _source_sizes(names: list[str], apt: tuple[str, ...], folder: Path) -> dict[str, int]:
    """Source package -> bytes of its files; packages that apt does not know are missing."""
    sizes = dict[str, int]()
    command = ["apt-get", *apt, "source", "--print-uris", *names]
    listing = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout
    for file, size in re.findall(r"^'[^']+' (\S+) (\d+)", listing, re.M):
        name = file.partition("_")[0]
        sizes[name] = sizes.get(name, 0) + int(size)
    return sizes


def _run(command: list[str], folder: Path) -> str:
    """Run a client in a folder. Returns its error message; empty if it succeeded and fetched something."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return f"no answer in {TIMEOUT_S:.0f} s"
    if done.returncode == 0 and any(folder.iterdir()):
        return ""
    return (done.stderr or done.stdout).strip()[-500:] or f"exit {done.returncode}"


def prepare_apt(material: Path) -> tuple[str, ...]:
    """Make a separate apt state below `material`, with source packages enabled. Returns the options that select it.

    Its registries are those of this machine's apt. Raises ToolError if that has none.
    """
    home = material.resolve() / "apt"  # apt reads relative paths from /etc/apt
    for name in ("lists/partial", "archives/partial", "parts"):
        make_folder(home / name)
    apt_sources = list(_sources_with_source_packages())
    if not apt_sources:
        raise ToolError("apt has no package sources here. Set some up in /etc/apt/sources.list.d.")
    for name, text in [*apt_sources, *_later_sources(apt_sources)]:
        (home / "parts" / name).write_text(text, encoding="utf-8")
    options = (
        f"-oDir::Etc::SourceList={home / 'none.list'}",
        f"-oDir::Etc::SourceParts={home / 'parts'}",
        f"-oDir::State::Lists={home / 'lists'}",
        f"-oDir::Cache={home}",
        "-oAPT::Sandbox::User=",
        "-oAcquire::Languages=none",
        "-oAPT::Get::List-Cleanup=true",
        *_own_release(apt_sources),
    )
    update = subprocess.run(["apt-get", *options, "update"], capture_output=True, text=True, check=False)
    if update.returncode:
        raise ToolError(f"apt-get update failed: {' '.join(update.stderr.split())[-300:]}")
    return options


def _sources_with_source_packages() -> Iterator[tuple[str, str]]:
    """Yield (file name, text) of this machine's Debian sources, with source packages added."""
    single, folder = APT_SOURCES
    files = [single, *sorted(folder.glob("*.list")), *sorted(folder.glob("*.sources"))]
    for file in files:
        text = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
        if "debian" not in text:
            continue
        if file.suffix == ".sources":
            stanzas = [stanza for stanza in text.split("\n\n") if "-security" not in stanza]
            yield file.name, re.sub(r"^Types:.*$", "Types: deb deb-src", "\n\n".join(stanzas), flags=re.M)
        else:
            binary = [line for line in re.findall(r"^deb .*$", text, re.M) if "-security" not in line]
            yield file.name, "\n".join([*binary, *(f"deb-src{line[3:]}" for line in binary)]) + "\n"


def _own_release(apt_sources: list[tuple[str, str]]) -> tuple[str, ...]:
    """The option that makes apt prefer the first release of `apt_sources` to later ones."""
    for _, text in apt_sources:
        release = re.search(r"^(?:Suites:|deb-src(?: \[[^]]*\])? +\S+) +([a-z]+)\s", text, re.M)
        if release:
            return (f"-oAPT::Default-Release={release[1]}",)
    return ()


def _later_sources(apt_sources: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield the source packages of LATER_RELEASES, from the registry of the first of `apt_sources`."""
    for _, text in apt_sources:
        registry = re.search(r"^(?:URIs:|deb-src(?: \[[^]]*\])?) +(\S+/debian/?)\s", text, re.M)
        if registry:
            signed = re.search(r"^Signed-By: .*$", text, re.M)
            for release in LATER_RELEASES:
                stanza = f"Types: deb-src\nURIs: {registry[1]}\nSuites: {release}\nComponents: main\n"
                yield f"{release}.sources", stanza + (f"{signed[0]}\n" if signed else "")
            return
