"""What a user can ask about training data: rebuild the music shards from tunes."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bytesim.datasets.music.compose import compose
from bytesim.datasets.music.overlap import Overlap
from bytesim.datasets.music.rows import Row, abc2midi_version, label_rows, rows_of
from bytesim.datasets.music.sources import TuneSource, corpus_source, read_source
from bytesim.errors import ConfigError, FormatError, InputError
from bytesim.files import check_output_folder, make_folder, write_output
from bytesim.formats.abc.canonical import canonical
from bytesim.formats.abc.tune import Tune
from bytesim.training.data.shards import save_shard, sha256_of
from bytesim.training.data.split import is_held

TRAIN_FILE, DEV_FILE, VALID_FILE = "music_train.npz", "music_dev.npz", "music_valid.npz"
BUILD_FILE = "music_build.json"
COMPOSED_FILE = "music_composed.npz"
MAX_TRANSPOSED = 11
HELD_ONE_IN = 50
"""One tune in so many is set apart to watch a training by, and another where no tunes to validate on are given."""
MAX_CANONICAL_BYTES = 8192
"""Longer tunes are left out; none of them fits the model."""

Known = list[tuple[Tune, str]]
"""Tunes, each with its canonical text."""


@dataclass(frozen=True)
class SourceCount:
    """One source of tunes."""

    name: str
    sha256: str
    tunes: int
    unread: int
    """Tunes that do not parse, or that have no canonical form."""


@dataclass(frozen=True)
class ShardCount:
    """One shard that was written."""

    file: str
    sha256: str
    whole: int
    """Rows that are whole tunes."""
    fragments: int
    refused: int
    """Rows that abc2midi refused."""


@dataclass(frozen=True)
class MusicBuild:
    """What went into the music shards. Stands in music_build.json."""

    folder: Path
    sources: list[SourceCount]
    valid_source: SourceCount | None
    """None where the validation tunes were held back from the sources."""
    repeated: int
    """Training tunes left out because another has the same canonical text."""
    dropped_title: int
    """Training tunes left out because they share a title with a validation tune."""
    dropped_steps: int
    """Training tunes left out because they share the first 24 diatonic steps with a validation tune."""
    train: ShardCount
    dev: ShardCount
    """What a training may be watched and stopped by; the validation tunes are for the last measurement alone."""
    valid: ShardCount
    composed: ShardCount | None
    """Tunes made by chance, where any were asked for; for training as well, in a shard of their own."""
    transposed: int
    """Copies of each training tune in other keys, at most."""
    abc2midi: str
    seed: int


def build_music(
    *,
    out: str | Path,
    tunes: Sequence[str | Path] = (),
    valid: str | Path | None = None,
    corpus: bool = True,
    transposed: int = 0,
    composed: int = 0,
    jobs: int | None = None,
    limit: int | None = None,
    seed: int = 1,
    force: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> MusicBuild:
    """Make music_train.npz, music_dev.npz and music_valid.npz in `out` from tunes, labelled with abc2midi.

    Sources are music21's own corpus (unless `corpus` is False) and `tunes`: .jsonl or .jsonl.xz files with a field
    `abc`, ABC files, folders of them. `valid` is of the same kinds and never enters training: a tune that shares a
    title (generic ones excepted) or the first 24 diatonic steps with one of its tunes is dropped. Without `valid`, a
    fiftieth of the tunes is held back. Another fiftieth, and what is like it, becomes music_dev.npz.

    Every training tune brings `transposed` copies in other keys, and `composed` tunes are made by chance, with all the
    signs that are rare in real ones, as music_composed.npz.

    `limit` reads so many tunes of each source; `jobs` labels so many at a time. Labels are kept in `out`/labels, so a
    build that was stopped goes on. Raises BytesimError.
    """
    folder = Path(out)
    version = abc2midi_version()
    if not corpus and not tunes:
        raise InputError("there is nothing to build from: name tunes, or let the corpus in.")
    if not 0 <= transposed <= MAX_TRANSPOSED or composed < 0:
        raise ConfigError(f"transposed is at most {MAX_TRANSPOSED}, and neither it nor composed is below 0.")
    check_output_folder(folder, (TRAIN_FILE, DEV_FILE, VALID_FILE, COMPOSED_FILE, BUILD_FILE), force=force)
    read = ([corpus_source(limit)] if corpus else []) + [read_source(path, limit) for path in tunes]
    held = None if valid is None else read_source(valid)
    known, counts = _canonical_tunes(read)
    held_known, held_counts = _canonical_tunes([held] if held else [])
    distinct = list({text: (tune, text) for tune, text in known}.values())
    repeated = len(known) - len(distinct)
    if held is None:
        held_known = [each for each in distinct if _drawn(each[1], "valid")]
        distinct = [each for each in distinct if not _drawn(each[1], "valid")]
    if not held_known or not distinct:
        raise InputError(f"too few tunes: {len(distinct)} to train on, {len(held_known)} to validate on.")
    kept, dropped = _without(distinct, held_known)
    kept, watched = _set_apart(kept)
    make_folder(folder)
    done = 0
    train_rows = _rows(kept, seed, transposed)
    dev_rows, valid_rows = (_rows(each, seed) for each in (watched, held_known))
    made_rows = [Row(compose(random.Random(f"{seed}:{number}")), 0) for number in range(composed)]

    def advance(count: int) -> None:
        nonlocal done
        done += count
        if on_progress is not None:
            on_progress(done, sum(map(len, (train_rows, dev_rows, valid_rows, made_rows))))

    def write(file: str, rows: list[Row]) -> ShardCount:
        shard = label_rows(rows, folder / "labels", jobs=jobs or os.cpu_count() or 1, on_done=advance)
        save_shard(folder / file, shard)
        whole = int((shard.group == 0).sum())
        return ShardCount(file, sha256_of(folder / file), whole, len(shard) - whole, len(rows) - len(shard))

    build = MusicBuild(
        folder=folder,
        sources=counts,
        valid_source=held_counts[0] if held_counts else None,
        repeated=repeated,
        dropped_title=dropped["title"],
        dropped_steps=dropped["steps"],
        valid=write(VALID_FILE, valid_rows),
        dev=write(DEV_FILE, dev_rows),
        train=write(TRAIN_FILE, train_rows),
        composed=write(COMPOSED_FILE, made_rows) if made_rows else None,
        transposed=transposed,
        abc2midi=version,
        seed=seed,
    )
    text = json.dumps({**asdict(build), "folder": folder.name}, indent=2, ensure_ascii=False)
    write_output(folder / BUILD_FILE, f"{text}\n".encode(), force=True)
    return build


def _canonical_tunes(sources: Sequence[TuneSource]) -> tuple[Known, list[SourceCount]]:
    """The tunes that have a canonical form, and what each source held."""
    known: Known = []
    counts = []
    for source in sources:
        before = len(known)
        for tune in source.tunes:
            try:
                text = canonical(tune).text
            except FormatError:
                continue
            if len(text.encode()) <= MAX_CANONICAL_BYTES:
                known.append((tune, text))
        taken = len(known) - before
        counts.append(SourceCount(source.name, source.sha256, taken, source.unread + len(source.tunes) - taken))
    return known, counts


def _drawn(text: str, use: str) -> bool:
    return is_held(f"{use}:{text}", HELD_ONE_IN)


def _set_apart(tunes: Known) -> tuple[Known, Known]:
    """The tunes to train on, and those to watch the training by: a fiftieth, and all that are like one of them."""
    overlap = Overlap.of(each for each in tunes if _drawn(each[1], "dev"))
    apart = [each for each in tunes if _drawn(each[1], "dev") or overlap.reason(*each)]
    texts = {text for _, text in apart}
    return [each for each in tunes if each[1] not in texts], apart


def _without(tunes: Known, held: Known) -> tuple[Known, dict[str, int]]:
    """The tunes that are none of those held back, and how many were dropped for which reason."""
    overlap = Overlap.of(held)
    texts = {text for _, text in held}
    kept: Known = []
    dropped = {"title": 0, "steps": 0}
    for tune, text in tunes:
        reason = "steps" if text in texts else overlap.reason(tune, text)
        if reason is None:
            kept.append((tune, text))
        else:
            dropped[reason] += 1
    return kept, dropped


def _rows(tunes: Known, seed: int, transposed: int = 0) -> list[Row]:
    """Whole tunes and fragments, each text once."""
    rows = (row for _, text in tunes for row in rows_of(text, seed, transposed))
    return list({row.text: row for row in rows}.values())
