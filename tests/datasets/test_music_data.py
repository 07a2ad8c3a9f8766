"""The music set: tunes from every kind of source, none of the validation tunes in training, labels kept."""

import json
import lzma
from pathlib import Path

import pytest
from helpers.paths import EXAMPLES

from bytesim.datasets.music import rows as music_data
from bytesim.datasets.music.build import build_music
from bytesim.datasets.music.overlap import melody_steps, title_key
from bytesim.datasets.music.rows import rows_of
from bytesim.datasets.music.sources import corpus_source, read_source
from bytesim.errors import ConfigError, FormatError, InputError, OutputError
from bytesim.formats.abc.canonical import canonical
from bytesim.formats.abc.tune import parse
from bytesim.training.data.shards import load_shard

HELD_BACK = "X:1\nT:The Hidden Rose\nM:4/4\nL:1/8\nK:D\nDEFG ABcd|edcB AGFE|DFAd fdAF|GBdB A2A2|defg agfe|d2f2 d4|\n"
SAME_TITLE = "X:1\nT:Hidden Rose, The\nM:3/4\nL:1/4\nK:G\nG B d|g d B|A c e|d2 z|B G D|E F G|\n"
TRANSPOSED = (
    "X:1\nT:Another Name\nM:2/4\nL:1/16\nK:G\n"
    "|:G2A2B2c2 d2e2f2g2|agfe dcBA|GBdg bgdB|cege d2d2|g2a2b2c'2 d'c'ba|g4 b4:|\n"
)
OTHERS = [path.read_text() for path in sorted(EXAMPLES.glob("*.abc"))]


def jsonl(path: Path, tunes: list[str]) -> Path:
    lines = "".join(json.dumps({"title": "", "abc": tune}) + "\n" for tune in tunes)
    path.write_bytes(lzma.compress(lines.encode()) if path.suffix == ".xz" else lines.encode())
    return path


def body(abc: str) -> str:
    return canonical(parse(abc)).text.split("\n", 4)[-1]


def whole_tunes(path: Path) -> list[str]:
    shard = load_shard(path)
    return [shard.row(index)[0].decode() for index in range(len(shard)) if shard.group[index] == 0]


def test_a_planted_copy_of_a_validation_tune_never_enters_training(tmp_path):
    tunes = jsonl(tmp_path / "tunes.jsonl.xz", [*OTHERS, HELD_BACK, SAME_TITLE, TRANSPOSED])
    valid = jsonl(tmp_path / "valid.jsonl", [HELD_BACK])
    build = build_music(out=tmp_path / "set", tunes=[tunes], valid=valid, corpus=False, jobs=1)
    assert (build.dropped_title, build.dropped_steps) == (1, 2)  # a copy of the text counts with the steps
    held = load_shard(tmp_path / "set" / "music_valid.npz")
    texts = [text for name in ("train", "dev") for text in whole_tunes(tmp_path / "set" / f"music_{name}.npz")]
    assert sorted(texts) == sorted(canonical(parse(tune)).text for tune in OTHERS)
    assert held.row(0)[0].decode() == canonical(parse(HELD_BACK)).text
    assert held.row(0)[1].startswith(b"MThd")


def test_the_build_says_what_went_in_and_is_the_same_again(tmp_path, monkeypatch):
    tunes = jsonl(tmp_path / "tunes.jsonl", [*OTHERS, OTHERS[0], "no tune"])
    valid = jsonl(tmp_path / "valid.jsonl", [HELD_BACK])
    seen = []
    options = {"tunes": [tunes], "valid": valid, "corpus": False, "jobs": 1}
    build = build_music(out=tmp_path / "set", on_progress=lambda *now: seen.append(now), **options)
    assert (build.sources[0].tunes, build.sources[0].unread, build.repeated) == (len(OTHERS) + 1, 1, 1)
    assert seen[-1][0] == seen[-1][1]
    said = json.loads((tmp_path / "set" / "music_build.json").read_text())
    assert said["train"]["sha256"] == build.train.sha256
    with pytest.raises(OutputError, match="--force"):
        build_music(out=tmp_path / "set", **options)
    monkeypatch.setattr(music_data, "label_many", None)  # every label is kept from the first build
    assert build_music(out=tmp_path / "set", force=True, **options) == build


def test_copies_in_other_keys_and_composed_tunes_are_for_training_alone(tmp_path):
    tunes, valid = jsonl(tmp_path / "tunes.jsonl", OTHERS), jsonl(tmp_path / "valid.jsonl", [HELD_BACK])
    options = {"tunes": [tunes], "valid": valid, "corpus": False, "jobs": 1}
    plain = build_music(out=tmp_path / "plain", **options)
    build = build_music(out=tmp_path / "set", transposed=2, composed=12, **options)
    assert build.train.whole == 3 * plain.train.whole
    assert build.train.fragments == plain.train.fragments
    assert (build.dev.whole, build.valid.whole) == (plain.dev.whole, plain.valid.whole)
    assert build.composed is not None
    assert (build.composed.whole, build.composed.refused) == (12, 0)
    steps = {melody_steps(body(text)) for text in whole_tunes(tmp_path / "plain" / "music_train.npz")}
    assert {melody_steps(body(text)) for text in whole_tunes(tmp_path / "set" / "music_train.npz")} == steps
    with pytest.raises(ConfigError):
        build_music(out=tmp_path / "other", transposed=12, **options)


def test_without_validation_tunes_some_are_held_back(tmp_path):
    build = build_music(out=tmp_path / "set", limit=80, jobs=1)
    assert build.sources[0].name == "music21 corpus"
    assert 0 < build.valid.whole < 10 < build.train.whole
    whole = sum(shard.whole + shard.refused for shard in (build.train, build.dev, build.valid))
    assert build.dropped_title + build.dropped_steps + whole >= build.sources[0].tunes - build.repeated


def test_what_a_training_is_watched_by_is_like_nothing_it_learns_from(tmp_path):
    build = build_music(out=tmp_path / "set", limit=120, jobs=1)
    assert 0 < build.dev.whole < build.train.whole
    train, dev = (whole_tunes(tmp_path / "set" / f"music_{name}.npz") for name in ("train", "dev"))
    assert {melody_steps(body(text)) for text in train}.isdisjoint(melody_steps(body(text)) for text in dev)


def test_a_folder_and_a_tune_book_are_read_like_json_lines(tmp_path):
    folder = tmp_path / "tunes" / "below"
    folder.mkdir(parents=True)
    (folder / "book.abc").write_text("L:1/4\n\n" + HELD_BACK.replace("L:1/8\n", "") + "\n\n" + SAME_TITLE)
    (tmp_path / "tunes" / "rubbish.abc").write_bytes(b"\0\1\2")
    source = read_source(tmp_path / "tunes")
    assert ([tune.title for tune in source.tunes], source.unread) == (["The Hidden Rose", "Hidden Rose, The"], 1)
    assert source.tunes[0].unit == "1/4"
    assert len(read_source(folder / "book.abc").tunes) == 2


@pytest.mark.parametrize("data", [b"", b"{}\n", b"[1]\n", b'{"abc": 5}\n', b"\xff\n", b'{"abc": "X:1"}\n{"abc'])
def test_lines_that_are_no_tunes_are_refused_by_number(tmp_path, data):
    path = tmp_path / "tunes.jsonl"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"line \d|empty"):
        read_source(path)


def test_an_archive_that_is_cut_is_refused(tmp_path):
    path = jsonl(tmp_path / "tunes.jsonl.xz", OTHERS)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InputError, match="cannot be read"):
        read_source(path)


def test_a_build_that_cannot_begin_leaves_nothing_behind(tmp_path):
    tunes = jsonl(tmp_path / "tunes.jsonl", OTHERS)
    options = {"out": tmp_path / "set", "corpus": False}
    for wrong in ({"tunes": [tmp_path / "none.jsonl"]}, {}, {"tunes": [tunes], "valid": tmp_path}):
        with pytest.raises(InputError):
            build_music(**options, **wrong)
    with pytest.raises(OutputError):
        build_music(out=tunes, tunes=[tunes])
    assert [path.name for path in tmp_path.iterdir()] == ["tunes.jsonl"]


def test_the_corpus_is_found_without_importing_music21():
    source = corpus_source(limit=20)
    assert len(source.tunes) + source.unread == 20


def test_titles_are_compared_without_article_case_and_accents():
    assert title_key("Kesh, The") == title_key("the KESH!") == "kesh"
    assert title_key("Slängpolska nr 12") == title_key("Gan Ainm") == title_key("42") == ""
    assert title_key("Polska från Boda") != ""


def test_steps_leave_out_key_lengths_rests_and_grace_notes():
    assert melody_steps("{g}c2 z ^d/2 |[eg] C,,2 c'") == (1, 1, -23, 28)
    assert melody_steps("CDEFGABc" * 9) == melody_steps("DEFGABcd" * 9)
    assert len(melody_steps("CDEFGABc" * 9)) == 24


def test_fragments_are_parts_of_their_tune_and_always_the_same():
    text = canonical(parse(HELD_BACK)).text
    rows = rows_of(text, seed=1)
    assert rows == rows_of(text, seed=1)
    assert [row.parts for row in rows[:3]] == [0, 1, 2]
    for row in rows:
        assert row.text.split("\n", 4)[-1].strip().rstrip("|") in text
        canonical(parse(row.text))


def test_rows_of_any_example_parse():
    for tune in OTHERS:
        for row in rows_of(canonical(parse(tune)).text, seed=3):
            try:
                parse(row.text)
            except FormatError as error:
                pytest.fail(f"{row.text!r}: {error}")
