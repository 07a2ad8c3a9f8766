"""`bytesim data build cpu`: shards of random programs of the 8-bit CPU with all their states."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from bytesim.cpu.many import SPLITS, split_programs, with_states
from bytesim.cpu.plan import Plan
from bytesim.cpu.programs import MAX_INSTRUCTIONS
from bytesim.errors import ConfigError
from bytesim.files import check_output_folder, make_folder, write_output
from bytesim.formats.cpu_trace import STATE_SIZE
from bytesim.training.data.shards import pack, save_shard, sha256_of

BUILD_FILE = "cpu_build.json"


@dataclass(frozen=True)
class CpuShard:
    """One shard that was written. A row is a program (memory without the zeros after it) and all its states."""

    file: str
    sha256: str
    programs: int
    states: int


@dataclass(frozen=True)
class CpuBuild:
    """The contents of the shards, as written to cpu_build.json."""

    folder: Path
    shards: list[CpuShard]
    plan: Plan
    seed: int


def shard_name(split: str) -> str:
    """The file name of a split."""
    return f"cpu_{split}.npz"


def build_cpu(
    *,
    out: str | Path,
    train: int = 100_000,
    dev: int = 1000,
    test: int = 1000,
    longest: int = MAX_INSTRUCTIONS,
    small_share: float = 0.0,
    favoured: str = "",
    seed: int = 0,
    force: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> CpuBuild:
    """Write shards of random programs with all their states, cpu_train.npz, cpu_dev.npz and cpu_test.npz, to `out`.

    The programs are drawn as docs/cpu.md says and run by the exact machine; for `longest`, `small_share` and `favoured`
    see `Plan`. With seed 0 and the default settings the test split is that of `evaluate cpu`. A split of 0 programs is
    not written. Raises ConfigError and OutputError.
    """
    counts = dict(zip(SPLITS, (train, dev, test), strict=True))
    if min(counts.values()) < 0 or not any(counts.values()) or seed < 0:
        raise ConfigError("the numbers of programs and the seed must be 0 or more, and at least one number above 0.")
    plan = Plan(longest=longest, small_share=small_share, favoured=favoured.upper())
    folder = Path(out)
    check_output_folder(folder, (*map(shard_name, SPLITS), BUILD_FILE), force=force)
    make_folder(folder)
    done, total = 0, sum(counts.values())
    shards = []
    for split, count in counts.items():
        if not count:
            continue
        rows: list[tuple[bytes, bytes]] = []
        for block in split_programs(split, count, plan, seed=seed):
            rows += with_states(block)
            done += len(block)
            if on_progress:
                on_progress(done, total)
        path = folder / shard_name(split)
        save_shard(path, pack(rows))
        states = sum(len(program_states) for _, program_states in rows) // STATE_SIZE
        shards.append(CpuShard(path.name, sha256_of(path), len(rows), states))
    build = CpuBuild(folder=folder, shards=shards, plan=plan, seed=seed)
    text = json.dumps({**asdict(build), "folder": folder.name}, indent=2)
    write_output(folder / BUILD_FILE, f"{text}\n".encode(), force=True)
    return build
