"""Looking through fetched packages for files of the wanted types: archives are read as streams, never unpacked.

What is kept lies in `found/` of the material folder under its sha256; an index per package says what it is. Of each
package at most KEEP files of a type stay, chosen by a hash of their names, so that every run keeps the same ones.
"""

from __future__ import annotations

import gzip
import hashlib
import heapq
import io
import json
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
"""Files of one type kept of one package."""
MAX_FILE_BYTES = 6_000_000
MAX_ARCHIVE_BYTES = 45_000_000
"""Downloads that are larger are passed over: they take minutes and are one origin all the same."""
MAX_MEMBERS = 20_000
"""Files looked at in one archive."""
NESTED = (".jar", ".zip", ".epub", ".docx", ".xlsx", ".pptx", ".odt")
FOLDED = (".gz", ".svgz")


@dataclass(frozen=True, slots=True)
class Found:
    """One file of the material."""

    type: str
    origin: str
    """The project it comes from; no origin is in two parts of the set."""
    sha256: str
    size: int
    name: str
    made_by: str = ""
    """The encoder and its settings, for files that a maker made; empty for files found as they are."""

    def path(self, material: Path) -> Path:
        """Where its bytes lie."""
        return material / "found" / self.sha256[:2] / self.sha256


class Shelf:
    """The files of one package, at most KEEP of each type."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self._heaps: dict[str, list[tuple[int, str, bytes]]] = {}
        self._seen: set[str] = set()

    def offer(self, name: str, data: bytes) -> None:
        """Keep a file if it is of a wanted type and its name's hash is among the smallest."""
        rank = self._rank(name)
        possible = types_of_name(name)
        if possible and all(self._full(kind, rank) for kind in possible):
            return  # told before the content is looked at, which takes the time
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
        """Higher is kept first."""
        return -int(hashlib.sha256(f"{self.origin}:{name}".encode("utf-8", "replace")).hexdigest()[:12], 16)

    def _full(self, kind: str, rank: int) -> bool:
        """Whether enough files of a type are kept already that come before this rank."""
        heap = self._heaps.get(kind, [])
        return len(heap) == KEEP and rank <= heap[0][0]

    def save(self, material: Path) -> list[Found]:
        """Write what was kept and describe it."""
        made = []
        for kind, heap in sorted(self._heaps.items()):
            for _, name, data in sorted(heap, key=lambda entry: entry[1]):
                made.append(store(material, data, kind, self.origin, name))
        return made


def store(material: Path, data: bytes, kind: str, origin: str, name: str, made_by: str = "") -> Found:
    """Write one file of the material under its hash."""
    found = Found(kind, origin, hashlib.sha256(data).hexdigest(), len(data), name[-120:], made_by)
    path = found.path(material)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        temporary.write_bytes(data)
        os.replace(temporary, path)
    return found


def collect_all(
    material: Path, *, jobs: int = 2, on_progress: Callable[[int, int], None] | None = None
) -> dict[str, int]:
    """Look through every package that was fetched and not looked through before; files of each type found now."""
    packages = [each for each in wanted_packages() if each.folder(material).is_dir()]
    waiting = [each for each in packages if not index_path(material, each).exists()]
    waiting.sort(key=lambda each: sum(file.stat().st_size for file in each.folder(material).iterdir()))
    make_folder(material / "index")
    counts: dict[str, int] = {}
    with closing(map_in_processes(partial(Path, material), collect, waiting, jobs=jobs)) as results:
        for done, (_, found) in enumerate(results, start=1):
            for kind, count in found.items():
                counts[kind] = counts.get(kind, 0) + count
            if on_progress is not None:
                on_progress(len(packages) - len(waiting) + done, len(packages))
    return counts


def index_path(material: Path, package: Package) -> Path:
    """The list of what one package gave."""
    return material / "index" / f"{package.kind}-{package.name.replace('/', '~')}.jsonl"


def write_index(path: Path, found: Iterable[Found]) -> None:
    """Write a list of found files, whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text("".join(json.dumps(asdict(each)) + "\n" for each in found), encoding="utf-8")
    os.replace(temporary, path)


def read_index(path: Path) -> list[Found]:
    """What an index lists."""
    return [Found(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def collect(material: Path, package: Package) -> dict[str, int]:
    """Look through one package; files of each type that were kept."""
    folder = package.folder(material)
    shelf = Shelf(origin_of(package, folder))
    for file in sorted(folder.iterdir()):
        look_through(file, shelf)
    found = shelf.save(material)
    write_index(index_path(material, package), found)
    counts: dict[str, int] = {}
    for each in found:
        counts[each.type] = counts.get(each.type, 0) + 1
    return counts


def origin_of(package: Package, folder: Path) -> str:
    """The project a package belongs to, the same for all the forms in which registries offer it."""
    name = package.name
    if package.kind == "deb":
        for file in folder.glob("*.deb"):
            said = subprocess.run(
                ["dpkg-deb", "-f", file, "Source"], capture_output=True, text=True, check=False
            ).stdout
            name = said.split()[0] if said.strip() else name
    name = name.lower().lstrip("@").replace("/", "-").replace("_", "-")
    name = re.sub(r"^(python3?|node|ruby|elpa|golang-(github|golang|google)|librust|rust|haskell|php|fonts)-", "", name)
    return re.sub(r"(-?[0-9][0-9.]*|-dev|-headless|-doc|-opensource-src)+$", "", name) or name


def look_through(file: Path, shelf: Shelf) -> None:
    """Offer a downloaded archive and everything in it to the shelf. A damaged archive gives what comes before."""
    if file.stat().st_size <= MAX_FILE_BYTES:
        shelf.offer(file.name, file.read_bytes())
    if file.stat().st_size > MAX_ARCHIVE_BYTES:
        return
    try:
        for name, data in members(file):
            offer_member(name, data, shelf)
    except _DAMAGED:
        return


_DAMAGED = (OSError, EOFError, ValueError, RuntimeError, zlib.error, tarfile.TarError, zipfile.BadZipFile)
"""What reading an archive raises that is cut, altered, encrypted or packed in an unknown way."""


def offer_member(name: str, data: bytes, shelf: Shelf) -> None:
    """Offer a file, and what lies in it where it is an archive or a compressed file itself."""
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
    """(name, bytes) of the files in a .deb, .whl or tar archive."""
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
    elif file.suffix == ".whl":
        with zipfile.ZipFile(file) as archive:
            yield from zip_members(archive)
    elif re.search(r"\.(tar\.\w+|tgz)$", file.name):
        with file.open("rb") as stream:
            yield from tar_members(stream)


def tar_members(stream: IO[bytes]) -> Iterator[tuple[str, bytes]]:
    """The wanted files of a tar stream, compressed or not."""
    with tarfile.open(fileobj=stream, mode="r|*") as archive:
        for count, member in enumerate(archive):
            if count >= MAX_MEMBERS:
                return
            if member.isfile() and 0 < member.size <= MAX_FILE_BYTES and may_be_wanted(member.name):
                extracted = archive.extractfile(member)
                if extracted is not None:
                    yield member.name, extracted.read()


def zip_members(archive: zipfile.ZipFile) -> Iterator[tuple[str, bytes]]:
    """The wanted files of a zip archive."""
    for member in archive.infolist()[:MAX_MEMBERS]:
        if 0 < member.file_size <= MAX_FILE_BYTES and may_be_wanted(member.filename):
            yield member.filename, archive.read(member)
