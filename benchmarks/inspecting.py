"""Measures how often `bytesim inspect` finds the place where a file was changed, and how often it calls an intact one.

Seeded cases: a byte flipped in a MIDI file, a burst of noise in a recording, a blob of random bytes in a text, a wrong
state in a trace of the CPU. A place counts as found if it is in one of the three windows with the most evidence. All
files are held out from training. Ceiling: a flip to another byte that is as likely there cannot be seen by anyone.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from common import machine_options, report
from compress import rows, traces
from mixtures import whole_file

from bytesim.datasets.filetype.additions import read_additions
from bytesim.formats.cpu_trace import MEMORY_SIZE, STATE_SIZE
from bytesim.predictors.surprise import Surprise
from bytesim.predictors.writer import load_writer
from bytesim.tasks.inspect.readers import of_mixer, of_writer
from bytesim.tasks.inspect.statistics import WINDOW_BYTES, anomalies, ranked_windows

TOP = 3
BLOB_BYTES, BURST_SAMPLES = 32, 160

Change = Callable[[bytes, random.Random], tuple[bytes, int, int]]
"""A file -> a changed one, and the first place that was changed, and the place after the last one."""


def flipped(data: bytes, rng: random.Random) -> tuple[bytes, int, int]:
    """A byte that has one other bit."""
    place = rng.randrange(len(data))
    return data[:place] + bytes([data[place] ^ 1 << rng.randrange(8)]) + data[place + 1 :], place, place + 1


def with_burst(data: bytes, rng: random.Random) -> tuple[bytes, int, int]:
    """Some samples of noise at half the volume."""
    place = rng.randrange(44, len(data) - BURST_SAMPLES)
    noise = bytes(rng.randrange(64, 192) for _ in range(BURST_SAMPLES))
    return data[:place] + noise + data[place + BURST_SAMPLES :], place, place + BURST_SAMPLES


def with_blob(data: bytes, rng: random.Random) -> tuple[bytes, int, int]:
    """Random bytes between two bytes of a text."""
    place = rng.randrange(1, len(data))
    return data[:place] + rng.randbytes(BLOB_BYTES) + data[place:], place, place + BLOB_BYTES


def with_wrong_state(data: bytes, rng: random.Random) -> tuple[bytes, int, int]:
    """A state of which one byte has another value."""
    states = (len(data) - MEMORY_SIZE) // STATE_SIZE
    place = MEMORY_SIZE + STATE_SIZE * rng.randrange(1, states) + rng.randrange(STATE_SIZE)
    changed = (data[place] + rng.randrange(1, 256)) % 256
    return data[:place] + bytes([changed]) + data[place + 1 :], place, place + 1


@dataclass(frozen=True)
class Case:
    """A kind of change."""

    name: str
    files: list[bytes]
    suffix: str
    model: str | None
    change: Change


def others(pieces: Path) -> list[bytes]:
    """The MIDI files of public repositories in a file of pieces that are there as a whole; none was trained on."""
    if not pieces.is_file():
        return []
    found = [whole_file(each, least=200) for each in read_additions([pieces], seed=0) if each.type == "midi"]
    return [data for data in found if data is not None]


def cases(data: Path, count: int) -> Iterator[Case]:
    """All kinds, each with `count` files, as far as the shards are there."""
    text = rows(data / "wikipedia_test.npz", 1, count, 1 << 30) + rows(data / "agnews_test.npz", 1, count, 1 << 30)
    longer = [each for each in text if len(each) >= 400]
    tunes, spoken = (rows(data / name, 1, count, 1 << 30)[:count] for name in ("music_valid.npz", "speech_test.npz"))
    yield Case("byte flipped in a MIDI", tunes, "mid", "midi", flipped)
    yield Case("the same, MIDI of other programs", others(data / "pieces.npz.xz")[:count], "mid", "midi", flipped)
    yield Case("burst in a WAV", spoken, "wav", "audio", with_burst)
    yield Case("blob in a text", longer[:count], "txt", "text", with_blob)
    yield Case("wrong state in a CPU trace", traces(count), "bin", "cpu", with_wrong_state)


def figures(case: Case, device: str) -> dict[str, float]:
    """What is measured of a kind."""
    rng = random.Random(f"inspect:{case.name}")
    writer = None if case.model is None else load_writer(case.model, device=device, engine_backend="torch")

    def read(data: bytes) -> Surprise:
        return of_mixer(data) if writer is None else of_writer(writer, data, case.suffix)

    started, found, told, alarms, clean = time.perf_counter(), 0, 0, 0, 0
    for data in case.files:
        changed, start, end = case.change(data, rng)
        seen = read(changed)
        best = ranked_windows(seen)[:TOP]
        found += any(place < end and start < place + WINDOW_BYTES for place in best)
        told += any(each.start < end and start < each.end for each in anomalies(seen))
        intact = anomalies(read(data))
        alarms, clean = alarms + len(intact), clean + bool(intact)
    count = len(case.files)
    return {
        "cases": count,
        "in_top_three": round(100 * found / count, 1),
        "stands_out": round(100 * told / count, 1),
        "false_alarms_a_file": round(alarms / count, 3),
        "intact_files_with_one": round(100 * clean / count, 1),
        "seconds": round(time.perf_counter() - started, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", default=Path("runs/data"), help="folder of `data build`'s shards")
    parser.add_argument("--count", type=int, default=200, help="cases of each kind")
    parser.set_defaults(model="auto")
    options = machine_options(parser)
    told = dict[str, object]()
    for case in cases(options.data, options.count):
        if not case.files:
            print(f"{case.name}: left out, its shard is not there")
            continue
        row = told[case.name] = figures(case, options.device)
        print(f"{case.name}: " + ", ".join(f"{name} {value}" for name, value in row.items()), flush=True)
    report("inspect", told, options)


if __name__ == "__main__":
    main()
