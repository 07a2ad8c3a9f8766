"""`bytesim data build music`: build the shards of the music model from tunes."""

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
from bytesim.files import Inputs, check_output_folder, input_names, make_folder, write_output
from bytesim.formats.abc.canonical import canonical
from bytesim.formats.abc.tune import Tune
from bytesim.training.data.shards import save_shard, sha256_of
from bytesim.training.data.split import is_held

TRAIN_FILE, DEV_FILE, VALID_FILE = "music_train.npz", "music_dev.npz", "music_valid.npz"
BUILD_FILE = "music_build.json"
COMPOSED_FILE = "music_composed.npz"
MAX_TRANSPOSED = 11
HELD_ONE_IN = 50
"""One tune in this many becomes the dev set; as many are held out for validation if no validation tunes are given."""
MAX_CANONICAL_BYTES = 8192
"""Longer tunes are left out, because they do not fit the model."""

Known = list[tuple[Tune, str]]
"""(tune, its canonical text) of each tune."""


@dataclass(frozen=True)
class SourceCount:
    """One source of tunes, and how many tunes it gave."""

    name: str
    sha256: str
    tunes: int
    unread: int
    """Tunes that do not parse or have no canonical form."""


@dataclass(frozen=True)
class ShardCount:
    """One shard that was written."""

    file: str
    sha256: str
    whole: int
    """Rows that are whole tunes."""
    fragments: int
    refused: int
    """Rows that abc2midi could not convert."""


@dataclass(frozen=True)
class MusicBuild:
    """The contents of the music shards, as written to music_build.json."""

    folder: Path
    sources: list[SourceCount]
    valid_source: SourceCount | None
    """None if the validation tunes were held out from the sources."""
    repeated: int
    """Training tunes left out because another has the same canonical text."""
    dropped_title: int
    """Training tunes left out because they share a title with a validation tune."""
    dropped_steps: int
    """Training tunes left out because they share the first 24 diatonic steps with a validation tune."""
    train: ShardCount
    dev: ShardCount
    """For validation during training; the validation tunes are for the final evaluation alone."""
    valid: ShardCount
    composed: ShardCount | None
    """Random tunes for training, in a shard of their own, if any were requested."""
    transposed: int
    """Most copies of each training tune in other keys."""
    abc2midi: str
    seed: int


def build_music(
    *,
    out: str | Path,
    tunes: Inputs = (),
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
    """Write music_train.npz, music_dev.npz and music_valid.npz to `out` from tunes, converted to MIDI by abc2midi.

    Sources are music21's corpus (unless `corpus` is False) and `tunes`: .jsonl or .jsonl.xz files with a field `abc`,
    ABC files, or folders of them. `valid` is a source of the same kinds that is held out: a training tune that shares
    a title (generic ones excepted) or the first 24 diatonic steps with one of its tunes is dropped. Without `valid`, a
    fiftieth of the tunes is held out. Another fiftieth, and all tunes like them, become music_dev.npz.

    Each training tune adds up to `transposed` copies in other keys. `composed` random tunes, with many of the signs
    that are rare in real tunes, become music_composed.npz.

    `limit` is the most tunes read of each source, `jobs` the number of tunes labelled at a time. Labels are stored in
    `out`/labels, so a build that was stopped continues. Raises BytesimError.
    """
    folder, tunes = Path(out), input_names(tunes)
    version = abc2midi_version()
    if not corpus and not tunes:
        raise InputError("there is nothing to build from. Give tunes, or use the corpus.")
    if not 0 <= transposed <= MAX_TRANSPOSED or composed < 0:
        raise ConfigError(f"transposed must be from 0 to {MAX_TRANSPOSED}, and composed 0 or more.")
    check_output_folder(folder, (TRAIN_FILE, DEV_FILE, VALID_FILE, COMPOSED_FILE, BUILD_FILE), force=force)
    read = ([corpus_source(limit)] if corpus else []) + [read_source(path, limit) for path in tunes]
    valid_tunes = None if valid is None else read_source(valid)
    known, counts = _canonical_tunes(read)
    valid_known, valid_counts = _canonical_tunes([valid_tunes] if valid_tunes else [])
    distinct = list({text: (tune, text) for tune, text in known}.values())
    repeated = len(known) - len(distinct)
    if valid_tunes is None:
        valid_known = [(tune, text) for tune, text in distinct if _drawn(text, "valid")]
        distinct = [(tune, text) for tune, text in distinct if not _drawn(text, "valid")]
    if not valid_known or not distinct:
        raise InputError(f"too few tunes: {len(distinct)} to train on, {len(valid_known)} to validate on.")
    train_known, dropped = _without(distinct, valid_known)
    train_known, dev_known = _set_apart(train_known)
    make_folder(folder)
    done = 0
    train_rows = _rows(train_known, seed, transposed)
    dev_rows, valid_rows = (_rows(known_tunes, seed) for known_tunes in (dev_known, valid_known))
    composed_rows = [Row(compose(random.Random(f"{seed}:{number}")), 0) for number in range(composed)]

    def advance(count: int) -> None:
        nonlocal done
        done += count
        if on_progress is not None:
            on_progress(done, sum(map(len, (train_rows, dev_rows, valid_rows, composed_rows))))

    def write(file: str, rows: list[Row]) -> ShardCount:
        shard = label_rows(rows, folder / "labels", jobs=jobs or os.cpu_count() or 1, on_done=advance)
        save_shard(folder / file, shard)
        whole = int((shard.group == 0).sum())
        return ShardCount(file, sha256_of(folder / file), whole, len(shard) - whole, len(rows) - len(shard))

    build = MusicBuild(
        folder=folder,
        sources=counts,
        valid_source=valid_counts[0] if valid_counts else None,
        repeated=repeated,
        dropped_title=dropped["title"],
        dropped_steps=dropped["steps"],
        valid=write(VALID_FILE, valid_rows),
        dev=write(DEV_FILE, dev_rows),
        train=write(TRAIN_FILE, train_rows),
        composed=write(COMPOSED_FILE, composed_rows) if composed_rows else None,
        transposed=transposed,
        abc2midi=version,
        seed=seed,
    )
    text = json.dumps({**asdict(build), "folder": folder.name}, indent=2, ensure_ascii=False)
    write_output(folder / BUILD_FILE, f"{text}\n".encode(), force=True)
    return build


def _canonical_tunes(sources: Sequence[TuneSource]) -> tuple[Known, list[SourceCount]]:
    """The tunes that have a canonical form, and the counts of each source."""
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
    """(training tunes, dev tunes); the dev tunes are a fiftieth of all, and every tune like one of these."""
    overlap = Overlap.of((tune, text) for tune, text in tunes if _drawn(text, "dev"))
    dev_tunes = [(tune, text) for tune, text in tunes if _drawn(text, "dev") or overlap.reason(tune, text)]
    texts = {text for _, text in dev_tunes}
    return [(tune, text) for tune, text in tunes if text not in texts], dev_tunes


def _without(tunes: Known, held_out: Known) -> tuple[Known, dict[str, int]]:
    """The tunes that are not like a held-out one, and the number dropped for each reason."""
    overlap = Overlap.of(held_out)
    texts = {text for _, text in held_out}
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
