"""Bulk work without Ray: the ledger, what a stopped run goes on from, manifests, and what is refused."""

import hashlib
import importlib.util
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.bulk import Killed, bulk_here, lines_of, rows_of
from helpers.paths import EXAMPLES
from typer.testing import CliRunner

import bytesim
from bytesim.cli import app
from bytesim.cluster import drawing
from bytesim.cluster import plan as plans
from bytesim.cluster.begun import Mark, begin_run, mark_path, read_mark, write_mark
from bytesim.cluster.ledger import STATE, Ledger, ledger_rows
from bytesim.cluster.sources import manifest_names, stream_names
from bytesim.cluster.work import Worker, WorkSettings

TUNE = "X:{number}\nT:Tune {number}\nM:4/4\nL:1/8\nK:D\nDFAd fdAF|GBAG FAD2|\n"
LEDGER = "ledger.jsonl"
LABELS = {"model": "agnews", "ledger": LEDGER}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder, with twelve tunes in two folders, a book of two, and texts."""
    for number in range(12):
        place = tmp_path / "tunes" / str(number % 2)
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number:02d}.abc").write_text(TUNE.format(number=number))
    (tmp_path / "texts").mkdir()
    for number in range(5):
        (tmp_path / "texts" / f"{number}.txt").write_text(f"Shares of company {number} fell on Monday.")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(plans, "MOST_FILES", 2)
    return tmp_path


@pytest.fixture
def bulk(monkeypatch):
    def call(*words, **options):
        return bulk_here(monkeypatch, *words, **options)

    return call


@pytest.fixture
def tunes(bulk):
    """Converts the tunes by the rules to the folder `midi`."""
    return lambda *sources, **options: bulk(
        "abc2midi", sources or "tunes", **{"engine": "rules", "output": "midi", "ledger": LEDGER, **options}
    )


def contents(root: str) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in Path(root).rglob("*") if path.is_file()}


# --- the ledger ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (lambda row: [row, row], "a file stands in it twice"),
        (lambda row: [{**row, "path": 5}], "a line of it is not a row"),
        (lambda row: [{**row, "path": "a\0b"}], "a line of it is not a row"),
        (lambda row: [{**row, "outputs": "a.mid"}], "a line of it is not a row"),
        (lambda row: [{**row, "outputs": ["a\0b"]}], "a line of it is not a row"),
        (lambda row: [{**row, "path": "\ud800"}], "a line of it is not a row"),
        (lambda row: [{**row, "sha256": ["\ud800"]}], "a line of it is not a row"),
        (lambda row: [{**row, "error": "e"}], "a line of it is not a row"),
        (lambda row: [{**row, "results": [{}]}], "a line of it is not a row"),
        (lambda row: [[row]], "a line of it is not a row"),
    ],
)
def test_a_damaged_ledger_is_refused_in_one_line(folder, tunes, damage, what):
    tunes()
    head, first, *rest = lines_of(LEDGER)
    lines = [head, *damage(first), *rest]
    Path(LEDGER).write_text("".join(json.dumps(line) + "\n" for line in lines))
    shutil.rmtree(f"{LEDGER}{STATE}")  # the index has the rows as they were
    with pytest.raises(bytesim.ConfigError, match=f"this ledger is damaged: {what}"):
        tunes()


def test_a_ledger_that_was_mended_after_it_was_refused_is_read_again(folder, tunes):
    tunes("tunes/0")
    whole = Path(LEDGER).read_bytes()
    tunes("tunes/1")
    more = Path(LEDGER).read_bytes()[len(whole) :]
    Path(LEDGER).write_bytes(whole + more + b"{}\n")
    with pytest.raises(bytesim.ConfigError, match="a line of it is not a row"):
        tunes()
    Path(LEDGER).write_bytes(whole + more)
    assert tunes().files == 12


@pytest.mark.parametrize(
    "text", ["5", "[1, 2]", '{"a": 1, "b": 2}', '["a", "b"]', "[" * 5000, "\u00e9", '["a", [3]]', '["\\ud800", []]']
)
def test_marks_that_are_damaged_are_passed_over(folder, tunes, text):
    tunes("tunes/0")
    begun = Path(f"{LEDGER}{STATE}", "begun")
    begun.mkdir()
    for name in ("earlier.jsonl", "0123-4.json"):
        (begun / name).write_text(text + "\n", encoding="utf-8")
    assert tunes().files == 12


@pytest.mark.parametrize(
    "damage", [{"outputs": 5}, {"outputs": {"a": 5}}, {"deaths": {"a": "b"}}, {"at": 5}, {"outputs": {"\ud800": []}}]
)
def test_a_mark_with_other_types_is_a_new_one(tmp_path, damage):
    (tmp_path / "mark.json").write_text(json.dumps({"times": 3, **damage}))
    assert read_mark(tmp_path / "mark.json") == Mark()


def test_every_file_has_a_row_and_the_outputs_are_those_of_the_command(folder, tunes):
    summary = tunes()
    bytesim.abc2midi("tunes", engine="rules", output="single")
    assert contents("midi") == contents("single")
    assert (summary.files, summary.failed, summary.done_before) == (12, 0, 0)
    row = rows_of(LEDGER)["tunes/0/00.abc".replace("/", os.sep)]
    assert row["sha256"] == [hashlib.sha256(Path(row["outputs"][0]).read_bytes()).hexdigest()]
    assert row["results"][0]["num_bytes"] == Path(row["outputs"][0]).stat().st_size
    assert row["error"] is row["kind"] is None


def test_answers_are_those_of_the_command_and_their_hash_is_that_of_canonical_json(folder, bulk):
    bulk("classify_file", "texts", **LABELS)
    rows = rows_of(LEDGER)
    for outcome in bytesim.classify_file("texts", model="agnews"):
        (result,) = rows[outcome.source]["results"]
        assert result["answer"]["probability"] == outcome.result.answer.probability
        text = json.dumps(result, sort_keys=True, separators=(",", ":"))
        assert rows[outcome.source]["sha256"] == [hashlib.sha256(text.encode()).hexdigest()]


def test_a_file_with_an_error_is_a_row_and_is_done_again_when_asked(folder, tunes):
    Path("tunes/0/bad.abc").write_bytes(b"no tune")
    Path("tunes/0/book.abc").write_text(TUNE.format(number=1) + "\nX:2\nK:Q\nz|\n")
    assert tunes().failed == 2
    assert tunes().failed == 2
    book = rows_of(LEDGER)[str(Path("tunes/0/book.abc"))]
    assert len(book["outputs"]) == 1
    assert "tune 2" in book["error"]
    for name in ("bad", "book"):
        Path(f"tunes/0/{name}.abc").write_text(TUNE.format(number=1) + "\n" + TUNE.format(number=2))
    again = tunes(retry_failed=True)
    assert (again.files, again.failed, again.done_before) == (14, 0, 12)
    assert rows_of(LEDGER)[str(Path("tunes/0/book.abc"))]["outputs"] == [
        str(Path(f"midi/0/book-{number}.mid")) for number in ("001", "002")
    ]


def test_a_ledger_that_ends_in_parquet_is_a_table_of_the_same_rows(folder, tunes):
    parquet = pytest.importorskip("pyarrow.parquet")
    summary = tunes(ledger="ledger.parquet")
    rows = parquet.read_table("ledger.parquet").to_pylist()
    assert (summary.ledger, len(rows)) == ("ledger.parquet", 12)
    assert (
        json.loads(rows[0]["results"][0])["engine"]
        == rows_of("ledger.parquet.jsonl")[rows[0]["path"]]["results"][0]["engine"]
    )


def test_the_ledger_and_its_folder_are_not_among_the_files(folder, bulk):
    for _ in range(2):
        summary = bulk("classify_file", ".", **LABELS)
    assert (summary.files, summary.done_before) == (17, 17)


def test_midi_files_are_converted_as_by_the_command(folder, bulk):
    bytesim.abc2midi("tunes", engine="rules", output="midi")
    summary = bulk("midi2abc", "midi", engine="rules", output="abc", ledger=LEDGER)
    bytesim.midi2abc("midi", engine="rules", output="single")
    assert contents("abc") == contents("single")
    assert (summary.files, summary.failed) == (12, 0)


def test_files_are_converted_by_a_model_as_by_the_command(folder, bulk):
    few = sorted(str(path) for path in Path("tunes/0").iterdir())[:3]
    asked = {"model": "music", "to": "mid"}
    assert bulk("convert_files", few, output="mid", ledger=LEDGER, **asked).files == 3
    bytesim.convert_files(few, output="single", **asked)
    assert contents("mid") == contents("single")


def test_files_and_folders_are_compressed_as_by_the_command(folder, bulk):
    sources = ["texts", "texts/0.txt", "tunes/0/00.abc"]
    assert bulk("compress", sources, output="small", ledger=LEDGER).failed == 0
    bytesim.compress(sources, output=f"single{os.sep}")
    assert contents("small") == contents("single")


def test_parts_are_detected_as_by_the_command(folder, bulk):
    assert bulk("detect", "texts", ledger=LEDGER).files == 5
    for path, row in rows_of(LEDGER).items():
        (result,) = row["results"]
        found = bytesim.detect(path)
        assert [part["probability"] for part in result["segments"]] == [part.probability for part in found.segments]


# --- a run that was stopped ------------------------------------------------------------------


@pytest.mark.parametrize("most", [0, 1, 3, 5])
def test_a_run_that_was_killed_goes_on_with_the_same_outputs(folder, tunes, most):
    with pytest.raises(Killed):
        tunes(most=most)
    done = len(list(ledger_rows(LEDGER)))
    summary = tunes()
    assert (summary.files, summary.failed) == (12, 0)
    assert summary.done_before == done < 12
    bytesim.abc2midi("tunes", engine="rules", output="single")
    assert contents("midi") == contents("single")
    assert rows_of(LEDGER).keys() == {str(path.relative_to(folder)) for path in (folder / "tunes").rglob("*.abc")}
    assert not (folder / f"{LEDGER}{STATE}" / "begun").exists()


def test_a_torn_last_line_is_cut_off_and_its_file_done_again(folder, bulk):
    bulk("classify_file", "texts", **LABELS)
    before = rows_of(LEDGER)
    data = Path(LEDGER).read_bytes()
    Path(LEDGER).write_bytes(data[:-20])
    summary = bulk("classify_file", "texts", **LABELS)
    assert (summary.files, summary.done_before) == (5, 4)
    assert rows_of(LEDGER) == before
    assert all(lines_of(LEDGER))


@pytest.mark.parametrize(
    "damage", [shutil.rmtree, lambda state: (state / "index.sqlite").write_bytes(b"no index" * 99)]
)
def test_the_index_is_made_again_from_the_ledger(folder, bulk, damage):
    first = bulk("classify_file", "texts", **LABELS)
    damage(folder / f"{LEDGER}{STATE}")
    again = bulk("classify_file", "texts", **LABELS)
    assert (again.files, again.done_before, again.results) == (5, 5, first.results)


def test_an_index_that_is_behind_takes_the_rows_that_it_lacks(folder, bulk):
    bulk("classify_file", "texts/0.txt", **LABELS)
    shutil.copytree(f"{LEDGER}{STATE}", "kept")
    bulk("classify_file", "texts", **LABELS)
    shutil.rmtree(f"{LEDGER}{STATE}")
    os.rename("kept", f"{LEDGER}{STATE}")
    summary = bulk("classify_file", "texts", **LABELS)
    assert (summary.files, summary.done_before) == (5, 5)


def test_a_ledger_that_was_removed_begins_again(folder, bulk):
    bulk("classify_file", "texts", **LABELS)
    Path(LEDGER).unlink()
    assert bulk("classify_file", "texts", **LABELS).done_before == 0
    assert len(rows_of(LEDGER)) == 5


# --- outputs that exist ----------------------------------------------------------------------


def test_an_output_that_no_run_has_begun_is_refused_without_force(folder, tunes):
    mine = Path("midi/1/01.mid")
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    with pytest.raises(Killed):
        tunes(most=0)
    assert tunes().errors == {"OutputError": 1}
    assert mine.read_bytes() == b"mine"
    assert "exists already" in rows_of(LEDGER)[str(Path("tunes/1/01.abc"))]["error"]
    assert tunes(force=True, retry_failed=True).failed == 0
    assert mine.read_bytes() != b"mine"


def test_two_files_with_one_output_are_an_error_of_the_second(folder, tunes):
    Path("one").mkdir()
    Path("two").mkdir()
    for place in ("one", "two"):
        shutil.copy("tunes/0/00.abc", f"{place}/same.abc")
    for _ in range(2):
        summary = tunes("one/same.abc", "two/same.abc")
        assert (summary.files, summary.failed) == (2, 1)
    assert "is that of another file" in rows_of(LEDGER)[str(Path("two/same.abc"))]["error"]


def test_a_book_and_a_file_with_the_name_of_its_tune_do_not_share_an_output(folder, tunes):
    Path("book.abc").write_text(TUNE.format(number=1) + "\n" + TUNE.format(number=2))
    Path("book-002.abc").write_text(TUNE.format(number=7))
    assert tunes("book-002.abc", "book.abc").errors == {"OutputError": 1}
    assert sorted(contents("midi")) == ["book-002.mid"]


def test_a_file_that_is_named_twice_is_done_once(folder, tunes):
    assert tunes("tunes/0/00.abc", "tunes/0/00.abc").files == 1


# --- workers that die ------------------------------------------------------------------------


def worker(folder: Path, command: str, **options) -> Worker:
    (folder / "state" / "begun").mkdir(parents=True)
    run = begin_run(folder / "state")
    settings = WorkSettings(
        command=command, options=options, roots=[], output=None, force=False, state=str(folder / "state"),
        run=run, home=str(folder), jobs=1,
    )  # fmt: skip
    return Worker(settings)


def test_a_share_whose_worker_died_replaces_what_that_wrote_and_nothing_else(folder):
    Path("tunes/0/02.mid").write_bytes(b"mine")
    line = json.dumps([0, [["tunes/0/00.abc", []], ["tunes/0/02.abc", []]]])
    dies = worker(folder, "abc2midi", engine="rules")
    first = dies.do(line)
    assert Worker(dies.settings).do(line).rows == first.rows
    assert [row["error"] is None for row in first.rows] == [True, False]
    assert Path("tunes/0/02.mid").read_bytes() == b"mine"


def test_a_file_that_kills_its_workers_becomes_an_error(folder):
    working = worker(folder, "classify_file", model="agnews")
    place = mark_path(folder / "state", working.settings.run, 0)
    line = json.dumps([0, [["texts/0.txt", []], ["texts/1.txt", []]]])
    write_mark(place, Mark(times=3, at="texts/0.txt", deaths={"texts/0.txt": 1}))
    bad, good = working.do(line).rows
    assert (bad["kind"], good["error"]) == ("ToolError", None)
    assert "2 processes were killed" in bad["error"]
    assert read_mark(place).at == "texts/1.txt"


def test_the_answers_about_a_file_do_not_depend_on_the_files_beside_it(folder):
    files = sorted(str(path) for path in EXAMPLES.rglob("*") if path.is_file())
    together = bytesim.classify_file(files)
    assert [bytesim.classify_file(name)[0].result for name in files] == [outcome.result for outcome in together]


def test_a_worker_that_a_killed_driver_left_behind_begins_no_further_share(folder):
    left = worker(folder, "abc2midi", engine="rules")
    begin_run(folder / "state")
    with pytest.raises(bytesim.ConfigError, match="another run has taken the ledger over"):
        left.do(json.dumps([0, [["tunes/0/00.abc", []]]]))
    assert not Path("tunes/0/00.mid").exists()


# --- manifests and names ---------------------------------------------------------------------


def write_manifest(kind: str, paths: list[str]) -> Path:
    manifest = Path("lists") / f"files.{kind}"
    manifest.parent.mkdir(exist_ok=True)
    if kind == "jsonl":
        manifest.write_text("".join(json.dumps({"path": path, "note": 1}) + "\n" for path in paths))
    elif kind == "csv":
        manifest.write_text("note,path\n" + "".join(f'1,"{path}"\n' for path in paths))
    else:
        pyarrow = pytest.importorskip("pyarrow")
        parquet = pytest.importorskip("pyarrow.parquet")
        parquet.write_table(pyarrow.table({"note": [1] * len(paths), "path": paths}), manifest)
    return manifest


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_a_manifest_lists_files_relative_to_its_folder(folder, bulk, kind):
    absolute = str(folder / "texts" / "1.txt")
    manifest = write_manifest(kind, ["../texts/0.txt", absolute, "../texts/none, not here.txt"])
    summary = bulk("classify_file", manifest=manifest, **LABELS)
    assert (summary.files, summary.errors) == (3, {"InputError": 1})
    assert rows_of(LEDGER).keys() == {
        os.path.join("lists", "../texts/0.txt"), absolute, os.path.join("lists", "../texts/none, not here.txt")
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("a.jsonl", b'{"path": "x"}\nnothing\n', "line 2 is not JSON"),
        ("a.jsonl", b'{"file": "x"}\n', 'line 1 is not an object with "path"'),
        ("a.jsonl", b'{"path": 3}\n', "line 1: the column path holds 3"),
        ("a.csv", b"file\nx\n", "names no column path"),
        ("a.csv", b"path\n\xff\xff\n", "not text in UTF-8"),
        ("a.parquet", b"PAR1 or not", "not a Parquet file"),
        ("a.txt", b"x", "a manifest ends in"),
        ("none.csv", None, "cannot be read"),
    ],
)
def test_a_manifest_that_cannot_be_read_is_one_error_with_its_line(tmp_path, name, data, told):
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow.parquet")
    manifest = tmp_path / name
    if data is not None:
        manifest.write_bytes(data)
    with pytest.raises(bytesim.BytesimError, match=told) as caught:
        list(manifest_names(str(manifest)))
    assert caught.value.file == str(manifest)


def test_names_are_streamed_and_not_collected(tmp_path):
    for number in range(50):
        (tmp_path / f"{number}.abc").touch()
    names = stream_names(str(tmp_path), None, suffixes={"abc"}, walk=True)
    assert next(names).endswith(".abc")
    for path in tmp_path.iterdir():
        path.unlink()
    assert len(list(names)) < 50  # the folder was not read to its end before


# --- generate --------------------------------------------------------------------------------


def test_generate_draws_the_same_files_and_goes_on(folder, bulk):
    asked = {"model": "abc", "count": 5, "seed": 7, "output": "new", "ledger": LEDGER, "max_bytes": 120}
    with pytest.raises(Killed):
        bulk("generate", most=1, **asked)
    summary = bulk("generate", **asked)
    bytesim.generate(model="abc", count=5, seed=7, output="single", max_bytes=120)
    assert contents("new") == contents("single")
    assert (summary.files, summary.failed) == (5, 0)


def test_files_that_are_not_valid_are_drawn_again_with_the_seeds_of_the_command(folder, bulk):
    asked = {"model": "text", "prompt": "The ", "max_bytes": 6, "count": 8, "seed": 1, "temperature": 0.4}
    bulk("generate", output="new", ledger=LEDGER, **asked)
    bytesim.generate(output="single", **asked)
    assert contents("new") == contents("single")
    assert len(rows_of(LEDGER)) > 8  # equal ones were drawn again


# --- what is refused -------------------------------------------------------------------------


def test_a_ledger_of_other_settings_is_refused_in_one_line(folder, bulk, tunes):
    bulk("classify_file", "texts", **LABELS)
    with pytest.raises(bytesim.ConfigError, match=r"begun with another top \(1, now 2\)"):
        bulk("classify_file", "texts", top=2, **LABELS)
    with pytest.raises(bytesim.ConfigError, match=r"begun with another command \(classify_file, now abc2midi\)"):
        tunes()


def test_a_ledger_of_another_model_is_refused(folder, bulk):
    bulk("classify_file", "texts", **LABELS)
    lines = Path(LEDGER).read_text().split("\n", 1)
    header = json.loads(lines[0])
    header["settings"]["models"] = {"agnews": "0" * 64}
    Path(LEDGER).write_text(json.dumps(header) + "\n" + lines[1])
    with pytest.raises(bytesim.ConfigError, match="begun with another models"):
        bulk("classify_file", "texts", **LABELS)


def test_a_file_that_is_not_a_ledger_is_not_touched(folder, bulk):
    Path(LEDGER).write_text("notes of mine\n")
    with pytest.raises(bytesim.ConfigError, match="not a ledger"):
        bulk("classify_file", "texts", **LABELS)
    assert Path(LEDGER).read_text() == "notes of mine\n"


def test_two_runs_do_not_write_one_ledger(folder, bulk):
    bulk("classify_file", "texts", **LABELS)
    header = lines_of(LEDGER)[0]
    held = Ledger(folder / LEDGER, header, counted=lambda row: [])
    with pytest.raises(bytesim.ConfigError, match="another run is writing this ledger"):
        bulk("classify_file", "texts", **LABELS)
    held.close()
    assert bulk("classify_file", "texts", **LABELS).done_before == 5


@pytest.mark.parametrize(
    ("words", "options", "told"),
    [
        (("classify_file",), {}, "nothing to do"),
        (("classify_file", "-"), {}, "not for a cluster"),
        (("generate", "a.abc"), {}, "reads no files"),
        (("classify_file", "texts"), {"cluster": "spark"}, "unknown"),
        (("classify_file", "texts"), {"jobs": 0}, "out of range"),
        (("classify_file", "texts"), {"output": "there"}, "leave output out"),
        (("normalize", "texts"), {}, "does not know the command"),
    ],
)
def test_what_cannot_be_done_is_a_config_error(folder, bulk, words, options, told):
    with pytest.raises(bytesim.ConfigError, match=told):
        bulk(*words, **options)


def test_without_ray_one_sentence_says_how_to_get_it(folder, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(bytesim.ToolError, match=r'pip install "bytesim\[ray\]"'):
        bytesim.bulk("classify_file", "texts", **LABELS)
    assert not list(folder.glob("*.ledger.jsonl*"))


def test_ray_is_not_imported_without_a_cluster():
    code = "import sys, bytesim.cluster.bulk, bytesim.commands.classify; print('ray' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("classify file a.txt --manifest m.csv", "--manifest goes with --cluster"),
        ("classify file a.txt --cluster spark", "--cluster is ray or ray://HOST:PORT"),
        ("classify file a.txt --cluster ray --csv t.csv", "--csv does not go with --cluster"),
        ("generate --cluster ray --sheet s.png", "--sheet does not go with --cluster"),
        ("detect a.img --jobs 2", "--jobs goes with --cluster"),
        ("convert abc2midi", "Missing argument 'SRC'"),
    ],
)
def test_options_that_do_not_go_together_are_wrong_usage(words, told):
    done = CliRunner().invoke(app, words.split(), env={"COLUMNS": "200", "TERMINAL_WIDTH": "200"})
    assert done.exit_code == 2
    assert told in done.output


# --- what is interrupted, damaged or odd -----------------------------------------------------


def row_of(path: str, *, output: str = "", sha256: str = "0") -> dict[str, object]:
    outputs = [output] if output else []
    return {"path": path, "outputs": outputs, "sha256": [sha256], "results": [], "error": None, "kind": None}


def open_ledger(**options) -> Ledger:
    return Ledger(Path(LEDGER), {"bytesim": "", "settings": {}}, counted=lambda row: ["any"], **options)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), sqlite3.OperationalError("database or disk is full")])
def test_rows_are_in_the_ledger_once_though_the_index_was_interrupted(folder, monkeypatch, error):
    rows = [row_of(f"f{number}") for number in range(3)]
    ledger = open_ledger()
    add = ledger.index.add

    def interrupted(row, counted):
        if row["path"] == "f1":
            raise error
        add(row, counted)

    monkeypatch.setattr(ledger.index, "add", interrupted)
    with pytest.raises(type(error)):
        ledger.add(rows)
    ledger.close()
    ledger = open_ledger()
    assert ledger.add(rows) == []
    assert ledger.index.counts("result") == {"any": 3}
    ledger.close()
    assert [row["path"] for row in ledger_rows(LEDGER)] == ["f0", "f1", "f2"]


def test_equal_files_of_one_share_are_noticed(folder):
    for name in ("one", "two"):
        Path(name).write_bytes(b"the same")
    ledger = open_ledger(distinct=True)
    first, second = ledger.add([row_of("a", output="one", sha256="5"), row_of("b", output="two", sha256="5")])
    ledger.close()
    assert (first["error"], second["kind"]) == (None, "DecodeError")
    assert Path("one").exists()
    assert not Path("two").exists()


@pytest.mark.parametrize("line", [b"\n", b"[]\n", b"{}\n", b"not JSON\n", b"[" * 100_000 + b"\n"])
def test_a_line_that_is_not_a_row_is_one_error(folder, line):
    open_ledger().close()
    with open(LEDGER, "ab") as file:
        file.write(line)
    with pytest.raises(bytesim.ConfigError, match="not a row"):
        open_ledger()


@pytest.mark.parametrize("torn", ["", "{", "[1]"])
def test_a_torn_mark_counts_as_none(folder, torn):
    Path("mark.json").write_text(torn)
    assert read_mark(Path("mark.json")) == Mark()


def test_a_parquet_file_that_is_not_a_ledger_is_kept(folder, bulk):
    Path("table.parquet").write_bytes(b"mine")
    with pytest.raises(bytesim.OutputError, match="not a ledger of an earlier run"):
        bulk("classify_file", "texts", model="agnews", ledger="table.parquet")
    assert Path("table.parquet").read_bytes() == b"mine"


def test_a_path_that_no_file_can_have_is_an_error_of_the_manifest(folder):
    Path("m.jsonl").write_text('{"path": "\\ud800.abc"}\n')
    with pytest.raises(bytesim.InputError, match="line 1"):
        list(manifest_names("m.jsonl"))


def test_the_prompt_cannot_come_from_stdin(folder, bulk):
    with pytest.raises(bytesim.ConfigError, match="stdin"):
        bulk("generate", model="text", prompt_file="-", ledger=LEDGER)


def test_compressed_files_of_a_manifest_keep_their_folders(folder, bulk):
    for name in ("a", "b"):
        Path(name).mkdir()
        Path(name, "x.txt").write_text(f"a text in the folder {name}")
    Path("m.jsonl").write_text('{"path": "a/x.txt"}\n{"path": "b/x.txt"}\n')
    assert bulk("compress", manifest="m.jsonl", output="out", fast=True, ledger=LEDGER).failed == 0
    assert sorted(contents("out")) == ["a/x.txt.bsim", "b/x.txt.bsim"]


def test_files_are_drawn_in_blocks_as_without_a_cluster(monkeypatch):
    monkeypatch.setattr(drawing, "BLOCK", 3)
    kinds = {4: "DecodeError", 7: "DecodeError", 8: "DecodeError"}
    names = drawing.Seeds(count=5, first=4, tries=2).names(lambda name: kinds.get(int(name[5:]), ""), lambda: False)
    assert list(names) == [
        "seed 4",
        "seed 5",
        "seed 6",
        None,
        "seed 7",
        None,
        "seed 8",
        "seed 9",
        None,
        "seed 10",
        None,
    ]
