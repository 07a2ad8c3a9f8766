"""evaluate: the figures of section "Metrics" on a split, with failures in the denominator."""

import hashlib
import json
import lzma
import math
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from helpers.music_models import answering, make_model
from helpers.paths import EXAMPLES
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from bytesim.cli import app
from bytesim.clocks import clock_of
from bytesim.engine import bulk
from bytesim.engine.score import score_file
from bytesim.errors import BytesimError, ConfigError, InputError
from bytesim.formats import abc
from bytesim.models.framing import generate_request
from bytesim.oracles.abcmidi import render_abc2midi
from bytesim.patching import begins_piece, half_windows, reading_windows
from bytesim.predictors.surprise import of_model
from bytesim.predictors.writer import load_writer
from bytesim.tasks.evaluate import bpb as evaluate_bpb_module
from bytesim.tasks.evaluate.bpb import evaluate_bpb
from bytesim.tasks.evaluate.convert import evaluate_convert
from bytesim.tasks.evaluate.noises import NOISES, noised
from bytesim.tasks.evaluate.tune_split import load_tunes
from bytesim.training.data.shards import pack, save_shard

HEAD = "X:1\nT:Name\nM:4/4\nL:1/4\nK:C\n"
TUNES = [HEAD + "CDEF|GABc|\n", HEAD + "cBAG|FEDC|\n", HEAD + "V:1\nC4|\nV:2\nE4|\n", HEAD + "CECE|DFDF|\n"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_model(tmp_path_factory.mktemp("models") / "music", max_source_bytes=512))


@pytest.fixture
def split(tmp_path: Path) -> Path:
    path = tmp_path / "split.jsonl.xz"
    path.write_bytes(
        lzma.compress("".join(json.dumps({"id": n, "abc": t}) + "\n" for n, t in enumerate(TUNES)).encode())
    )
    return path


def render(text: str) -> bytes:
    return render_abc2midi(text).midi


def answers(monkeypatch: pytest.MonkeyPatch, *replies: bytes | None) -> None:
    """One reply for each tune that reaches the model, in order."""
    waiting = iter(replies)
    monkeypatch.setattr(bulk, "decode", answering(lambda request: next(waiting)))


def run(*words: str | Path):
    return CliRunner().invoke(app, ["evaluate", *map(str, words)])


def test_refused_failed_and_wrong_files_count(model, split, monkeypatch):
    right, other = render(HEAD.replace("T:Name\n", "") + "CDEF|GABc|\n"), render(HEAD + "cBAG|FEDE|\n")
    wrong_length = right[:18] + bytes(4) + right[22:]
    answers(monkeypatch, wrong_length, other, None)
    seen = evaluate_convert(split, model=model)
    assert (seen.num_files, seen.refused, seen.failed) == (4, 1, 1)
    assert (seen.score.identical_raw, seen.score.identical, seen.score.parsed) == (0, 0.25, 0.5)
    assert seen.score.mean_note_f1 == pytest.approx((1 + 7 / 8) / 4)
    assert (seen.score.share_f1_above_99, seen.score.same_notes) == (0.25, 0.25)
    assert seen.split_sha256 == hashlib.sha256(split.read_bytes()).hexdigest()


def test_tunes_are_scored_by_what_they_use(model, tmp_path, monkeypatch):
    bodies = ['"C"CDEF|\n', '{d}C(3DEF "G"G2|\n', "CDEF|\n", "V:1\nCDEF|\n", "[K:G]C[DF]E2|\n"]
    (tmp_path / "tunes.jsonl").write_text("".join(json.dumps({"abc": HEAD + body}) + "\n" for body in bodies))
    answers(monkeypatch, None, None, render(HEAD.replace("T:Name\n", "") + "CDEF|\n"), None)
    seen = evaluate_convert(tmp_path / "tunes.jsonl", model=model)
    files = {name: (score.num_files, score.same_notes) for name, score in seen.by_construct.items()}
    assert files == {
        "chord symbols": (2, 0),
        "grace notes": (1, 0),
        "chords": (1, 0),
        "tuplets": (1, 0),
        "changes of key, meter or unit length": (1, 0),
        "none of these": (1, 1),
    }


def test_midi2abc_is_judged_by_sound(model, split, monkeypatch):
    half_speed = b"X:1\nM:4/4\nL:1/4\nK:C\nc2B2A2G2|FEDC|\n"
    same_sound = b"X:1\nM:4/4\nL:1/8\nK:C\nC2D2E2F2|G2A2B2c2|\n"
    answers(monkeypatch, same_sound, half_speed, b"rubbish", b"rubbish")
    seen = evaluate_convert(split, model=model, direction="midi2abc", baseline=True)
    assert seen.score.same_notes == 0.25
    assert seen.score.parsed == 0.5
    assert 0.25 <= seen.score.mean_note_f1 < 0.5
    assert seen.baseline is not None
    assert seen.baseline.same_notes >= 0.5


@pytest.mark.parametrize(("direction", "fell_back"), [("abc2midi", 0.5), ("midi2abc", 0.25)])
def test_the_engine_auto_is_a_column_of_its_own(model, split, monkeypatch, direction, fell_back):
    def reply(request):
        if request.source.startswith(b"MThd"):  # a melody that is right for the first tune alone
            return b"X:1\nM:4/4\nL:1/4\nK:C\nCDEF|GABc|\n"
        return render(request.source.decode()) if b"CDEF" in request.source or b"CECE" in request.source else None

    monkeypatch.setattr(bulk, "decode", answering(reply))
    seen = evaluate_convert(split, model=model, direction=direction, auto=True)
    assert seen.auto is not None
    assert (seen.auto.num_files, seen.auto.written, seen.auto.same_notes) == (4, 1.0, 1.0)
    assert seen.auto.mean_note_f1 == 1.0
    assert seen.auto.fell_back >= fell_back
    assert evaluate_convert(split, model=model, direction=direction).auto is None


def test_bits_per_byte_are_those_of_the_targets(model, split, monkeypatch):
    answers(monkeypatch, None, None, None)
    seen = evaluate_convert(split, model=model)
    assert seen.scored_files == 3
    assert seen.bits_per_byte == pytest.approx(8, abs=2)  # random weights
    assert seen.mean_nats == pytest.approx(math.log(257), abs=1.5)


def test_details_have_a_line_for_each_tune(model, split, tmp_path, monkeypatch):
    answers(monkeypatch, None, None, None)
    evaluate_convert(split, model=model, details=tmp_path / "details.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "details.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == ["0", "1", "2", "3"]
    assert [row["refused"] for row in rows] == [False, False, True, False]
    with pytest.raises(BytesimError, match="exists already"):
        evaluate_convert(split, model=model, details=tmp_path / "details.jsonl")


def test_the_table_says_what_it_was_measured_on(model, split, monkeypatch):
    answers(monkeypatch, None, None)
    done = run("convert", split, "--model", model, "--limit", 2)
    assert done.exit_code == 0, done.output
    assert "| note F1 over 0.99 | 0.0000 |" in done.stdout
    assert "| none of these | 2 | 0.0000 | 0.0000 | 0.0000 |" in done.stdout
    assert "2 of 4 tunes of split.jsonl.xz (sha256 " in done.stdout
    assert "decoding: greedy, float32, 16 files at once" in done.stdout


@pytest.mark.slow
def test_a_random_model_is_measured_as_well(model, split):
    done = run("convert", split, "--model", model, "--json", "--limit", 1)
    seen = json.loads(done.stdout)
    assert seen["score"]["share_f1_above_99"] == 0
    assert seen["failed"] == 1


def test_a_folder_of_tunes_is_a_split():
    split = load_tunes(EXAMPLES)
    assert "songbook.abc, tune 2" in split.ids
    assert len(split.texts) == 6
    assert load_tunes(EXAMPLES, limit=2).num_tunes == 6


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "the file is empty"),
        (b"\n\n", "holds no tunes"),
        (b"[1]\n", "line 1 is not a JSON object"),
        (b'{"abc": 1}\n', "not text"),
        (b"\xff\xfe", "not a JSON Lines file"),
        (b"\xfd7zXZ\0rubbish", "not a JSON Lines file"),
        (b"[" * 100_000, "line 1 is not a JSON object"),
    ],
)
def test_what_is_no_split_is_refused(tmp_path, data, words):
    (tmp_path / "split.jsonl").write_bytes(data)
    with pytest.raises(InputError, match=words):
        load_tunes(tmp_path / "split.jsonl")


def test_settings_that_make_no_sense_are_refused(split):
    for settings in ({"direction": "up"}, {"baseline": True}, {"limit": 0}):
        with pytest.raises(ConfigError):
            evaluate_convert(split, **settings)
    assert run("convert", split, "--baseline").exit_code == 2


# --- bits per byte -----------------------------------------------------------------------------


def test_bits_per_byte_of_a_file(model):
    source = EXAMPLES / "ode_to_joy.abc"
    (outcome,) = evaluate_bpb([source], model=model)
    writer = load_writer(model)
    score = score_file(writer.model, generate_request(writer.model.config, "abc"), source.read_bytes())
    assert outcome.result.bits_per_byte == pytest.approx(score.nats / math.log(2) / score.num_bytes, rel=1e-4)
    assert outcome.result.windows == 1


def test_a_long_file_is_scored_in_windows_each_byte_once(tmp_path, model):
    (tmp_path / "long.abc").write_bytes(bytes(np.random.default_rng(0).integers(65, 90, 5000, np.uint8)))
    done = run("bpb", tmp_path / "long.abc", "--model", model)
    assert done.exit_code == 0
    assert "(5,000 bytes, all-token mean" in done.stdout
    assert "in 4 windows that overlap by half" in done.stdout


def test_the_clock_runs_on_from_window_to_window(tmp_path, monkeypatch):
    (tmp_path / "long.abc").write_text(HEAD + "CDEF|" * 200 + "\n")
    shown = []

    def scored(model, request, data):
        shown.append((data, request.times.clock().now))
        return score_file(model, request, data)

    monkeypatch.setattr(evaluate_bpb_module, "score_file", scored)
    folder = make_model(tmp_path / "music", max_patches=32, clock=True)
    evaluate_bpb([str(tmp_path / "long.abc")], model=str(folder))
    whole = (tmp_path / "long.abc").read_bytes()
    times = clock_of(whole, "abc").tolist()
    assert len(shown) > 3
    assert [list(now) for _, now in shown] == [times[start] for start, _, _ in half_windows(len(whole), 30 * 8)]


def test_windows_cover_every_byte_once():
    for length in (0, 1, 9, 10, 11, 25, 100):
        seen = [byte for start, end, known in half_windows(length, 10) for byte in range(start + known, end)]
        assert seen == list(range(length))


def test_a_tune_book_is_read_tune_by_tune():
    tunes = [b"X:%d\nM:3/4\nL:1/8\nK:D\nDEFG|GFED|\n" % number for number in (1, 2, 3)]
    book = tunes[0] + b"\n" + tunes[1] + b"\n\n" + tunes[2] + b"GABc|" * 9
    windows = list(reading_windows(book, "abc", 20))
    pieces = sorted({window.piece for window in windows})
    assert [book[piece : piece + 4] for piece in pieces] == [b"X:1\n", b"X:2\n", b"\nX:3"]
    assert sum(window.end - window.start - window.known for window in windows) == len(book)
    assert windows[-1].end == len(book)
    assert [(window.start, window.end) for window in reading_windows(book, "txt", 999)] == [(0, len(book))]


@given(st.lists(st.sampled_from([b"\n", b"\n\n", b"\r\n", b"X:1\n", b"abcdefghij" * 4]), max_size=30).map(b"".join))
def test_what_was_read_so_far_decides_where_a_piece_begins(book):
    begun = [0]
    for place in range(1, len(book)):
        if begins_piece(book[max(0, place - 3) : place], "abc", place - begun[-1]):
            begun.append(place)
    assert sorted({window.piece for window in reading_windows(book, "abc", 1000)}) == begun


def test_a_tune_of_a_book_costs_what_it_costs_alone(tmp_path):
    tunes = [abc.canonical(abc.parse(TUNES[0])).text.encode(), b"X:1\nM:3/4\nL:1/8\nK:G\nG2B2d2|g6|]\n"]
    writer = load_writer(str(make_model(tmp_path / "music", max_patches=128, clock=True)), engine_backend="torch")
    alone = of_model(writer, tunes[1], "abc").bits
    book = of_model(writer, tunes[0] + b"\n" + tunes[1], "abc").bits
    assert book[-len(tunes[1]) :] == pytest.approx(alone, rel=1e-4, abs=1e-4)


def test_a_shard_is_scored_row_by_row(tmp_path, model):
    rows = [
        (abc.canonical(abc.parse(TUNES[0])).text.encode(), b"target bytes"),
        (b"x" * 600, b"y"),
        (b"a", b"z" * 3000),
    ]
    save_shard(tmp_path / "rows.npz", pack(rows))
    shard = tmp_path / "rows.npz"
    (outcome,) = evaluate_bpb([shard], model=model, source_suffix="abc", target_suffix="mid")
    assert (outcome.result.num_files, outcome.result.num_bytes, outcome.result.refused) == (1, 12, 2)
    (outcome,) = evaluate_bpb([shard], model=model, target_suffix="abc", reverse=True, limit=1)
    assert outcome.result.num_bytes == len(rows[0][0])
    (outcome,) = evaluate_bpb([shard], model=model)
    assert "--target-suffix" in str(outcome.error)


def test_bad_files_are_reported_and_good_ones_scored(tmp_path, model):
    (tmp_path / "empty.abc").touch()
    (tmp_path / "bad.npz").write_bytes(b"no zip")
    done = run(
        "bpb",
        EXAMPLES / "ode_to_joy.abc",
        tmp_path / "empty.abc",
        tmp_path / "bad.npz",
        "--model",
        model,
        "--target-suffix",
        "abc",
    )
    assert done.exit_code == 1
    assert len(done.stderr.splitlines()) == 2
    assert "bits per byte by the model music" in done.stdout


# --- noise -----------------------------------------------------------------------------------


def test_the_kinds_of_noise():
    text = "The cat, über alles, 12 times.\n" * 40
    changed = {name: noised(text.encode(), name).decode() for name in NOISES}
    assert changed["uppercase"] == text.upper()
    assert changed["antspeak"] == " ".join(text.upper())
    assert changed["randomcase"].lower() == text.lower() != changed["randomcase"]
    assert 0.85 < len(changed["drop"]) / len(text) < 0.95
    assert 1.3 < len(changed["repeat"]) / len(text) < 1.7
    assert [key for key, _ in groupby(changed["repeat"])] == [key for key, _ in groupby(text)]
    assert noised(text.encode(), "drop").decode() == changed["drop"]
    assert noised(b"\xff\x80a", "uppercase") == b"\xff\x80A"


def test_noised_texts_are_scored_beside_the_clean_one(tmp_path, model):
    (tmp_path / "text.abc").write_bytes(b"some letters of a text " * 5)
    done = run("bpb", tmp_path / "text.abc", "--model", model, "--noise", "uppercase", "--noise", "antspeak")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert [line.partition(":")[0].rpartition("text.abc")[2] for line in lines] == [
        "",
        " with uppercase",
        " with antspeak",
    ]
    assert ["(115 bytes" in line for line in lines] == [True, True, False]
    save_shard(tmp_path / "rows.npz", pack([(b"", b"abc abc"), (b"", b"abd")]))
    clean, upper = evaluate_bpb([tmp_path / "rows.npz"], model=model, target_suffix="abc", noise=["uppercase"])
    assert (clean.result.noise, upper.result.noise) == (None, "uppercase")
    assert upper.result.num_bytes == clean.result.num_bytes
    assert upper.result.bits_per_byte != clean.result.bits_per_byte


def test_noise_that_is_not_there_and_noise_in_pairs_are_refused(tmp_path, model):
    with pytest.raises(ConfigError, match="noise 'wind' is unknown"):
        evaluate_bpb([EXAMPLES / "ode_to_joy.abc"], model=model, noise=["wind"])
    save_shard(tmp_path / "rows.npz", pack([(TUNES[0].encode(), b"abc")]))
    clean, noisy = evaluate_bpb(
        [tmp_path / "rows.npz"], model=model, source_suffix="abc", target_suffix="mid", noise=["drop"]
    )
    assert clean.error is None
    assert "not for pairs" in str(noisy.error)
