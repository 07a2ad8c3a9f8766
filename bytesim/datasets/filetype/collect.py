"""Collect files of the set's types from fetched packages. Archives are read as streams and never unpacked to disk.

A file is stored in `found/` of the material folder under its sha256; an index for each package lists its files. Of each
package at most KEEP files of a type are kept, chosen by a hash of their names, so that every run keeps the same ones.
"""

from __future__ import annotations

import gzip
import hashlib
import heapq
import io
import json
import lzma
import os
import re
import subprocess
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import IO

from bytesim.datasets.filetype.checks.recognise import may_be_wanted, recognise, types_of_name
from bytesim.datasets.filetype.fetch import Package, wanted_packages
from bytesim.files import make_folder
from bytesim.processes import map_in_processes

KEEP = 60
"""Most files of one type that are kept of one package."""
MAX_FILE_BYTES = 6_000_000
MAX_ARCHIVE_BYTES = 45_000_000
"""Larger downloads are skipped: they take minutes and add only one origin."""
MAX_MEMBERS = 20_000
"""Most files that are read of one archive."""
NESTED = (".jar", ".zip", ".epub", ".docx", ".xlsx", ".pptx", ".odt")
FOLDED = (".gz", ".svgz")


@dataclass(frozen=True, slots=True)
class Found:
    """One file of the material."""

    type: str
    origin: str
    """The project that the file comes from; no origin is in two parts of the set."""
    sha256: str
    size: int
    name: str
    made_by: str = ""
    """The encoder and its settings; empty for a file that was found in a package."""

    def path(self, material: Path) -> Path:
        """The path of its bytes."""
        return material / "found" / self.sha256[:2] / self.sha256


class Shelf:
    """Selects the files of one package to keep, at most KEEP of each type."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self._heaps: dict[str, list[tuple[int, str, bytes]]] = {}
        self._seen: set[str] = set()

    def offer(self, name: str, data: bytes) -> None:
        """Keep a file if it is of a type of the set and the hash of its name is among the smallest."""
        rank = self._rank(name)
        possible = types_of_name(name)
        if possible and all(self._full(kind, rank) for kind in possible):
            return  # decided before the content is checked, which takes most of the time
        kind = recognise(name, data)
        if kind is None or self._full(kind, rank):
            return
        sha256 = hashlib.sha256(data).hexdigest()
        if sha256 in self._seen:
            return
        self._seen.add(sha256)
        heap = self._heaps.setdefault(kind, [])
        entry = (rank, name, data)
        if len(heap) < KEEP:
            heapq.heappush(heap, entry)
        elif rank > heap[0][0]:
            heapq.heapreplace(heap, entry)

    def _rank(self, name: str) -> int:
        """The rank of a file; a higher rank is kept first."""
        return -int(hashlib.sha256(f"{self.origin}:{name}".encode("utf-8", "replace")).hexdigest()[:12], 16)

    def _full(self, kind: str, rank: int) -> bool:
        """Whether KEEP files of a type with higher ranks are kept already."""
        heap = self._heaps.get(kind, [])
        return len(heap) == KEEP and rank <= heap[0][0]

    def save(self, material: Path) -> list[Found]:
        """Store the files that were kept and return their descriptions."""
        files = []
        for kind, heap in sorted(self._heaps.items()):
            for _, name, data in sorted(heap, key=lambda entry: entry[1]):
                files.append(store(material, data, kind, self.origin, name))
        return files


def store(material: Path, data: bytes, kind: str, origin: str, name: str, made_by: str = "") -> Found:
    """Write one file of the material under its hash."""
    file = Found(kind, origin, hashlib.sha256(data).hexdigest(), len(data), name[-120:], made_by)
    path = file.path(material)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        temporary.write_bytes(data)
        os.replace(temporary, path)
    return file


def collect_all(
    material: Path, *, jobs: int = 2, on_progress: Callable[[int, int], None] | None = None
) -> dict[str, int]:
    """Collect from every fetched package that has no index yet. Returns type -> number of files found now."""
    packages = [package for package in wanted_packages() if package.folder(material).is_dir()]
    waiting = [package for package in packages if not index_path(material, package).exists()]
    waiting.sort(key=lambda package: sum(file.stat().st_size for file in package.folder(material).iterdir()))
    make_folder(material / "index")
    counts: dict[str, int] = {}
    with closing(map_in_processes(partial(Path, material), collect, waiting, jobs=jobs)) as results:
        for done, (_, kept) in enumerate(results, start=1):
            for kind, count in kept.items():
                counts[kind] = counts.get(kind, 0) + count
            if on_progress is not None:
                on_progress(len(packages) - len(waiting) + done, len(packages))
    return counts


def index_path(material: Path, package: Package) -> Path:
    """The path of the index of one package."""
    return material / "index" / f"{package.kind}-{package.name.replace('/', '~')}.jsonl"


def write_index(path: Path, files: Iterable[Found]) -> None:
    """Write an index, the whole file or nothing."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text("".join(json.dumps(asdict(file)) + "\n" for file in files), encoding="utf-8")
    os.replace(temporary, path)


def read_index(path: Path) -> list[Found]:
    """The files that an index lists."""
    return [Found(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def collect(material: Path, package: Package) -> dict[str, int]:
    """Collect from one package. Returns type -> number of files kept."""
    folder = package.folder(material)
    shelf = Shelf(origin_of(package, folder))
    for file in sorted(folder.iterdir()):
        look_through(file, shelf)
    files = shelf.save(material)
    write_index(index_path(material, package), files)
    counts: dict[str, int] = {}
    for kept_file in files:
        counts[kept_file.type] = counts.get(kept_file.type, 0) + 1
    return counts


def origin_of(package: Package, folder: Path) -> str:
    """The project of a package, which is the same for its packages in all registries."""
    name = package.name
    if package.kind == "deb":
        for file in folder.glob("*.deb"):
            source_field = subprocess.run(
                ["dpkg-deb", "-f", file, "Source"], capture_output=True, text=True, check=False
            ).stdout
            name = source_field.split()[0] if source_field.strip() else name
    return project_name(name)


def project_name(name: str) -> str:
    """The name of a project in any registry, without what registries put around it."""
    name = name.lower().lstrip("@").replace("/", "-").replace("_", "-")
    name = re.sub(r"^(python3?|node|ruby|elpa|golang-(github|golang|google)|librust|rust|haskell|php|fonts)-", "", name)
    return re.sub(r"(-?[0-9][0-9.]*|-dev|-headless|-doc|-opensource-src)+$", "", name) or name


def look_through(file: Path, shelf: Shelf) -> None:
    """Offer a downloaded archive and its files to the shelf; of a damaged archive, the files before the damage."""
    if file.stat().st_size <= MAX_FILE_BYTES:
        shelf.offer(file.name, file.read_bytes())
    if file.stat().st_size > MAX_ARCHIVE_BYTES:
        return
    try:
        for name, data in members(file):
            offer_member(name, data, shelf)
    except _DAMAGED:
        return


_DAMAGED = (
    *(OSError, EOFError, ValueError, RuntimeError),
    *(zlib.error, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile),
)
"""What reading raises for an archive that is cut short, damaged, encrypted or compressed in an unknown way."""


def offer_member(name: str, data: bytes, shelf: Shelf) -> None:
    """Offer a file, and its contents if it is an archive or a compressed file."""
    if "debian/patches/" in name and not name.endswith("series"):
        name += ".patch"
    shelf.offer(name, data)
    lower = name.lower()
    if lower.endswith(FOLDED) and not lower.endswith(".tar.gz"):
        unfolded = _gunzip(data)
        if unfolded:
            shelf.offer(name[: -len(".gz")] if lower.endswith(".gz") else name[:-1], unfolded)
    elif lower.endswith(NESTED[:2]):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for inner, content in zip_members(archive):
                shelf.offer(inner, content)


def _gunzip(data: bytes) -> bytes:
    try:
        with gzip.open(io.BytesIO(data)) as stream:
            unfolded = stream.read(MAX_FILE_BYTES + 1)
    except (OSError, EOFError, zlib.error):
        return b""
    return unfolded if len(unfolded) <= MAX_FILE_BYTES else b""


def members(file: Path) -> Iterator[tuple[str, bytes]]:
    """Yield (name, bytes) of the files in a .deb, .whl, .zip or tar archive."""
    if file.suffix == ".deb":
        process = subprocess.Popen(
            ["dpkg-deb", "--fsys-tarfile", file], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert process.stdout is not None
        try:
            yield from tar_members(process.stdout)
        finally:
            process.stdout.close()
            process.wait()
    elif file.suffix in (".whl", ".zip"):
        with zipfile.ZipFile(file) as archive:
            yield from zip_members(archive)
    elif re.search(r"\.(tar\.\w+|tgz)$", file.name):
        with file.open("rb") as stream:
            yield from tar_members(stream)


def tar_members(stream: IO[bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield (name, bytes) of the files of a tar stream, compressed or not, that may be of a type of the set."""
    with tarfile.open(fileobj=stream, mode="r|*") as archive:
        for count, member in enumerate(archive):
            if count >= MAX_MEMBERS:
                return
            if member.isfile() and 0 < member.size <= MAX_FILE_BYTES and may_be_wanted(member.name):
                extracted = archive.extractfile(member)
                if extracted is not None:
                    yield member.name, extracted.read()


def zip_members(archive: zipfile.ZipFile) -> Iterator[tuple[str, bytes]]:
    """Yield (name, bytes) of the files of a zip archive that may be of a type of the set."""
    for member in archive.infolist()[:MAX_MEMBERS]:
        if 0 < member.file_size <= MAX_FILE_BYTES and may_be_wanted(member.filename):
            yield member.filename, archive.read(member)
