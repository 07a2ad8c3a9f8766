"""`bytesim data build filetype`: packages fetched, files found and made, split by origin, written as shards."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bytesim.datasets.filetype.checks.recognise import BY_TYPE
from bytesim.datasets.filetype.collect import Found, collect_all
from bytesim.datasets.filetype.fetch import fetch_all
from bytesim.datasets.filetype.make import found_indexes, made_indexes, make_all
from bytesim.datasets.filetype.shards import SHARDS, Rows, build_rows
from bytesim.datasets.filetype.split import by_hash, split_origins
from bytesim.errors import ConfigError, InputError, ToolError
from bytesim.files import check_output_folder, make_folder, write_output
from bytesim.formats.filetypes import LABELS, OUTLIERS, UNSEEN_DEV, UNSEEN_TEST
from bytesim.processes import EndedProcess
from bytesim.training.data.shards import pack, save_shard, sha256_of

BUILD_FILE = "filetype_build.json"
ENOUGH = 150
"""Whole files of a type in training below which it is named as scarce."""


@dataclass(frozen=True)
class FiletypeShard:
    """One shard that was written."""

    part: str
    file: str
    sha256: str
    rows: int
    origins: int
    types: dict[str, list[int]]
    """For each type: whole files, fragments of 4096 bytes, fragments of 512 bytes, origins."""


@dataclass(frozen=True)
class FiletypeBuild:
    """What went into the shards. Stands in filetype_build.json."""

    folder: Path
    labels: list[str]
    """In the order of the labels' numbers."""
    outliers: list[str]
    unseen_dev: list[str]
    unseen_test: list[str]
    shards: list[FiletypeShard]
    checked_by: dict[str, str]
    """What proves the type of a file."""
    encoders: dict[str, dict[str, int]]
    """Files made of each type, by encoder and settings."""
    scarce: dict[str, int]
    """Types with less than ENOUGH whole files in training, and how many they have."""
    absent: list[str]
    """Types without a row in training, dev or test."""
    lacking_tools: dict[str, list[str]]
    """Types with an encoder that is not installed, and which."""
    not_fetched: list[str]
    """Packages that a registry did not give."""
    seed: int


def shard_name(part: str) -> str:
    """The file of a part."""
    return f"filetype_{part}.npz"


def build_filetype(
    *,
    out: str | Path,
    material: str | Path,
    fetch: bool = True,
    share: float = 1.0,
    jobs: int = 2,
    seed: int = 1,
    force: bool = False,
    on_stage: Callable[[str], None] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> FiletypeBuild:
    """Build the filetype set in `out` from packages and encoders, by way of the work folder `material`.

    What `material` holds is not fetched or made again, so a build that was stopped goes on. `fetch` off uses what is
    there. `share` makes that part of the encoded files only, 0 no more of them. The parts hold other origins each: a
    package, or the package whose contents an encoder was given. Raises ConfigError, ToolError, InputError, OutputError.
    """
    if not 0 <= share <= 1 or jobs < 1 or seed < 0:
        raise ConfigError("share must be from 0 to 1, jobs 1 or more, the seed 0 or more.")
    folder, work = Path(out), Path(material)
    check_output_folder(folder, (*map(shard_name, SHARDS), BUILD_FILE), force=force)
    make_folder(folder)
    make_folder(work / "index")
    stage = on_stage or (lambda _: None)
    not_fetched: list[str] = []
    if fetch:
        stage("fetching packages")
        not_fetched = [f"{each.kind} {each.name}" for each in fetch_all(work, jobs=jobs, on_progress=on_progress)]
    try:
        stage("looking through packages")
        collect_all(work, jobs=jobs, on_progress=on_progress)
        found = found_indexes(work)
        if not found:
            raise InputError("holds no file of a wanted type. Leave out --no-fetch to fetch packages.", file=str(work))
        parts = parts_of(found)
        stage("making files")
        lacking = make_all(work, found, parts, share=share, jobs=jobs, on_progress=on_progress)
    except EndedProcess as error:
        raise ToolError(
            "a process was ended, for lack of memory say. Take fewer --jobs; the work so far is kept."
        ) from error
    stage("cutting rows")
    made = made_indexes(work)
    rows = build_rows([*found, *made], parts, work, seed=seed)
    shards = [_write(part, rows[part], folder) for part in SHARDS]
    build = _describe(folder, shards, made, lacking, not_fetched, seed)
    text = json.dumps({**asdict(build), "folder": str(folder)}, indent=1)
    write_output(folder / BUILD_FILE, text.encode(), force=force)
    return build


def parts_of(found: Sequence[Found]) -> dict[str, str]:
    """{origin: part} for what was found. Outliers have no say: no part needs any of them in particular."""
    counts: dict[str, dict[str, int]] = {}
    for each in found:
        if each.type not in OUTLIERS:
            of_type = counts.setdefault(each.type, {})
            of_type[each.origin] = of_type.get(each.origin, 0) + 1
    parts = split_origins(counts, test_only=frozenset(UNSEEN_TEST), dev_only=frozenset(UNSEEN_DEV))
    return {each.origin: by_hash(each.origin) for each in found} | parts


def _write(part: str, rows: Rows, folder: Path) -> FiletypeShard:
    path = folder / shard_name(part)
    save_shard(path, pack([(b"", data) for data in rows.data], rows.groups, rows.labels))
    return FiletypeShard(part, path.name, sha256_of(path), len(rows.data), len(rows.origins), rows.counts)


def _describe(
    folder: Path,
    shards: list[FiletypeShard],
    made: Sequence[Found],
    lacking: dict[str, list[str]],
    not_fetched: list[str],
    seed: int,
) -> FiletypeBuild:
    types = {shard.part: shard.types for shard in shards}
    encoders: dict[str, Counter[str]] = {}
    for each in made:
        encoders.setdefault(each.type, Counter())[each.made_by] += 1
    whole = {kind: types["train"].get(kind, [0])[0] for kind in LABELS[:-1]}
    return FiletypeBuild(
        folder=folder,
        labels=list(LABELS),
        outliers=list(OUTLIERS),
        unseen_dev=list(UNSEEN_DEV),
        unseen_test=list(UNSEEN_TEST),
        shards=shards,
        checked_by={kind: check.how for kind, check in sorted(BY_TYPE.items())},
        encoders={kind: dict(sorted(counter.items())) for kind, counter in sorted(encoders.items())},
        scarce={kind: count for kind, count in sorted(whole.items()) if count < ENOUGH},
        absent=[
            f"{kind} in {part}"
            for part in ("train", "dev", "test")
            for kind in LABELS[:-1]
            if not types[part].get(kind, [0])[0]
        ]
        + [
            f"{kind} in {part}"
            for part, kinds in (("unseen_dev", UNSEEN_DEV), ("unseen_test", UNSEEN_TEST))
            for kind in kinds
            if not types[part].get(kind, [0])[0]
        ],
        lacking_tools={kind: sorted(set(tools)) for kind, tools in sorted(lacking.items())},
        not_fetched=not_fetched,
        seed=seed,
    )
