"""`bytesim data build filetype`: fetch packages, collect and make files, split them by origin, write shards."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bytesim.datasets.filetype.additions import WILD_SHARDS, add_rows, read_additions, without_held_out
from bytesim.datasets.filetype.checks.recognise import BY_TYPE
from bytesim.datasets.filetype.collect import Found, collect_all
from bytesim.datasets.filetype.fetch import Package, fetch_all, not_fetched
from bytesim.datasets.filetype.make import found_indexes, made_indexes, make_all
from bytesim.datasets.filetype.noise import add_noise
from bytesim.datasets.filetype.shards import SHARDS, Rows, build_rows
from bytesim.datasets.filetype.split import by_hash, split_origins
from bytesim.errors import ConfigError, InputError, ToolError
from bytesim.files import check_output_folder, make_folder, write_output
from bytesim.formats.filetypes import LABELS, OUTLIERS, UNSEEN_DEV, UNSEEN_TEST
from bytesim.processes import EndedProcess
from bytesim.training.data.shards import pack, save_shard, sha256_of

BUILD_FILE = "filetype_build.json"
ENOUGH = 150
"""Types with fewer whole files in training are reported as scarce."""


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
    """The contents of the shards, as written to filetype_build.json."""

    folder: Path
    labels: list[str]
    """Index -> label."""
    outliers: list[str]
    unseen_dev: list[str]
    unseen_test: list[str]
    shards: list[FiletypeShard]
    checked_by: dict[str, str]
    """Type -> what proves that a file is of it."""
    encoders: dict[str, dict[str, int]]
    """Type -> encoder with settings -> number of files made."""
    scarce: dict[str, int]
    """Types with fewer than ENOUGH whole files in training -> number of these."""
    absent: list[str]
    """Types without a row in training, dev or test."""
    lacking_tools: dict[str, list[str]]
    """Types whose encoders are not installed -> names of these."""
    not_fetched: list[str]
    """Packages of the lists that are not in the material."""
    seed: int


def shard_name(part: str) -> str:
    """The file name of a part."""
    return f"filetype_{part}.npz"


def build_filetype(
    *,
    out: str | Path,
    material: str | Path,
    add: str | Path | Sequence[str | Path] = (),
    fetch: bool = True,
    share: float = 1.0,
    jobs: int = 2,
    seed: int = 1,
    force: bool = False,
    on_stage: Callable[[str], None] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> FiletypeBuild:
    """Build the filetype set in `out` from packages and encoders, with `material` as work folder.

    Files that are in `material` are not fetched or made again, so a build that was stopped continues. `fetch=False`
    uses the packages that are there. `share` is the share of the encoded files to make; 0 makes no more of them. No two
    parts share an origin, which is a package, or the package whose contents an encoder was given. `add` are folders of
    files of one's own, or files of pieces: see `additions`. Raises ConfigError, ToolError, InputError, FormatError,
    OutputError.
    """
    if not 0 <= share <= 1 or jobs < 1 or seed < 0:
        raise ConfigError("share must be from 0 to 1, jobs 1 or more, the seed 0 or more.")
    folder, work = Path(out), Path(material)
    names = (*SHARDS, *WILD_SHARDS) if add else SHARDS
    check_output_folder(folder, (*map(shard_name, names), BUILD_FILE), force=force)
    additions = read_additions([add] if isinstance(add, (str, Path)) else add, seed=seed)
    make_folder(folder)
    make_folder(work / "index")
    stage = on_stage or (lambda _: None)
    if fetch:
        stage("fetching packages")
        fetch_all(work, jobs=jobs, on_progress=on_progress)
    try:
        stage("looking through packages")
        collect_all(work, jobs=jobs, on_progress=on_progress)
        found_files = without_held_out(found_indexes(work), additions)
        if not found_files:
            raise InputError(
                "has no file of a type of the set. Leave out --no-fetch to fetch packages.", file=str(work)
            )
        parts = parts_of(found_files)
        stage("making files")
        lacking = make_all(work, found_files, parts, share=share, jobs=jobs, on_progress=on_progress)
    except EndedProcess as error:
        raise ToolError(
            "a process was killed, perhaps for lack of memory. Choose fewer jobs; the work so far is kept."
        ) from error
    stage("cutting rows")
    made = without_held_out(made_indexes(work), additions)
    made_files = [file for file in made if file.origin in parts]  # of an origin that is gone, the part is not known
    rows = build_rows([*found_files, *made_files], parts, work, seed=seed)
    if additions:
        add_rows(rows, additions, seed=seed)
    add_noise(rows, seed=seed)
    shards = [_write(part, rows[part], folder) for part in names]
    build = _describe(folder, shards, made_files, lacking, not_fetched(work), seed)
    text = json.dumps({**asdict(build), "folder": str(folder)}, indent=1)
    write_output(folder / BUILD_FILE, text.encode(), force=force)
    return build


def parts_of(files: Sequence[Found]) -> dict[str, str]:
    """Origin -> part. Outliers do not influence it, because no part needs particular ones."""
    counts: dict[str, dict[str, int]] = {}
    for file in files:
        if file.type not in OUTLIERS:
            of_type = counts.setdefault(file.type, {})
            of_type[file.origin] = of_type.get(file.origin, 0) + 1
    parts = split_origins(counts, test_only=frozenset(UNSEEN_TEST), dev_only=frozenset(UNSEEN_DEV))
    return {file.origin: by_hash(file.origin) for file in files} | parts


def _write(part: str, rows: Rows, folder: Path) -> FiletypeShard:
    path = folder / shard_name(part)
    save_shard(path, pack([(b"", data) for data in rows.data], rows.groups, rows.labels))
    return FiletypeShard(part, path.name, sha256_of(path), len(rows.data), len(rows.origins), rows.counts)


def _describe(
    folder: Path,
    shards: list[FiletypeShard],
    made_files: Sequence[Found],
    lacking: dict[str, list[str]],
    missing: list[Package],
    seed: int,
) -> FiletypeBuild:
    types = {shard.part: shard.types for shard in shards}
    encoders: dict[str, Counter[str]] = {}
    for file in made_files:
        encoders.setdefault(file.type, Counter())[file.made_by] += 1
    trained = [types[part] for part in ("train", "wild_train") if part in types]
    whole = {kind: sum(of_types.get(kind, [0])[0] for of_types in trained) for kind in LABELS[:-1]}
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
        not_fetched=[f"{package.kind} {package.name}" for package in missing],
        seed=seed,
    )
