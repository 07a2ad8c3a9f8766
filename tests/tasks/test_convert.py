"""convert: tunes into MIDI files and back, by a model whose answers are known, by the rules, and by a random model."""

import json
from pathlib import Path

import pytest
from helpers.midi_files import file_of, keys
from helpers.music_models import BOOK, MUSIC, REEL, answering, make_model
from helpers.paths import EXAMPLES
from typer.testing import CliRunner

from bytesim.cli import app
from bytesim.engine import bulk
from bytesim.errors import BytesimError, ConfigError, ModelError, ToolError
from bytesim.formats import abc, midi
from bytesim.oracles.abcmidi import render_abc2midi
from bytesim.requests import Request
from bytesim.tasks.convert import tunes as convert
from bytesim.tasks.convert.files import convert_files

TUNE_OF_THE_REEL = b"X:1\nM:4/4\nL:1/8\nK:D\nDFAdfdAF|GBAGFAD2|\n"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_model(tmp_path_factory.mktemp("models") / "music"))


def right_answer(request: Request) -> bytes:
    """What a perfect model writes."""
    if request.source.startswith(b"MThd"):
        return TUNE_OF_THE_REEL
    return render_abc2midi(request.source.decode()).midi


@pytest.fixture
def perfect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "decode", answering(right_answer))


def answer_with(monkeypatch: pytest.MonkeyPatch, data: bytes | None) -> None:
    monkeypatch.setattr(bulk, "decode", answering(lambda request: data))


def run(*words: str | Path, **options):
    return CliRunner().invoke(app, ["convert", *map(str, words)], **options)


def by_model(*words: str | Path, **options):
    return run(*words, "--engine", "model", **options)


def one_error(result) -> str:
    """The message of a run that failed with one line: printed for an input, raised to main() for the whole call."""
    assert result.exit_code == 1, result.output
    if result.stderr:
        (line,) = result.stderr.splitlines()
        return line
    assert isinstance(result.exception, BytesimError)
    return f"error: {result.exception}"


def tune(folder: Path, text: str | bytes = REEL, name: str = "reel.abc") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


# --- abc2midi ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("perfect")
def test_a_tune_becomes_the_file_abc2midi_makes_of_it(tmp_path, model):
    source = tune(tmp_path)
    done = by_model("abc2midi", source, "--model", model)
    assert done.exit_code == 0, done.output
    written = (tmp_path / "reel.mid").read_bytes()
    assert keys(written) == keys(render_abc2midi(REEL).midi)
    assert midi.title_and_tempo(written) == ("The Reel", 100.0)
    assert done.stdout == f"{source} -> {tmp_path / 'reel.mid'}: {len(written)} bytes by the model music\n"
    assert done.stderr == f"{source}: left out or changed: R:\n"


@pytest.mark.usefixtures("perfect")
def test_title_and_tempo_make_the_very_bytes_of_abc2midi(tmp_path, model):
    (outcome,) = convert.abc2midi([tune(tmp_path)], model=model)
    assert outcome.result is not None
    assert (outcome.result.engine, outcome.result.model) == ("model", "music")
    played_out = REEL.replace("R:reel\n", "").partition("|:")[0] + "DFAd fdAF|GBAG FAD2||" * 2
    assert (tmp_path / "reel.mid").read_bytes() == render_abc2midi(f"{played_out}\n").midi


@pytest.mark.usefixtures("perfect")
def test_the_good_tunes_of_a_book_are_done_and_the_bad_one_is_reported(tmp_path, model):
    done = by_model("abc2midi", tune(tmp_path, BOOK, "book.abc"), "--model", model)
    assert done.exit_code == 1
    assert sorted(path.name for path in tmp_path.glob("*.mid")) == ["book-001.mid", "book-003.mid"]
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: {tmp_path / 'book.abc'}: tune 2: this tune has several voices (V:)")
    assert "--engine auto or rules" in line


@pytest.mark.usefixtures("perfect")
def test_several_inputs_and_folders_go_to_a_folder(tmp_path, model):
    (tmp_path / "in" / "deep").mkdir(parents=True)
    for name in ("a.abc", "deep/b.ABC", "c.txt"):
        tune(tmp_path / "in", name=name)
    alone = tune(tmp_path, name="d.txt")
    done = run("abc2midi", tmp_path / "in", alone, "--model", model, "-o", tmp_path / "out")
    assert done.exit_code == 0, done.output
    found = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.mid"))
    assert found == ["a.mid", "d.mid", "deep/b.mid"]


@pytest.mark.usefixtures("perfect")
def test_stdin_goes_to_stdout(model):
    done = run("abc2midi", "-", "--model", model, input=REEL.encode())
    assert done.exit_code == 0
    assert keys(done.stdout_bytes) == keys(render_abc2midi(REEL).midi)


def test_the_tunes_of_a_book_cannot_share_stdout(tmp_path):
    book = tune(tmp_path, BOOK, "book.abc")
    assert "its 3 tunes cannot share stdout" in one_error(run("abc2midi", book, "-o", "-"))


@pytest.mark.usefixtures("perfect")
def test_json_lists_every_outcome(tmp_path, model):
    done = by_model("abc2midi", tune(tmp_path, BOOK, "book.abc"), "--model", model, "--json")
    first, second, third = json.loads(done.stdout)
    assert (first["result"]["tune"], first["result"]["title"], first["error"]) == (1, "One", None)
    assert second["result"] is None
    assert third["result"]["output"].endswith("book-003.mid")


@pytest.mark.usefixtures("perfect")
def test_the_notes_are_shown_on_request(tmp_path, model):
    done = run("abc2midi", tune(tmp_path), "--model", model, "--notes")
    assert "first 16 of 30 notes" in done.stdout
    assert "F#4" in done.stdout


def test_a_wrong_track_length_is_mended_and_said(tmp_path, model, monkeypatch):
    right = render_abc2midi("X:1\nM:4/4\nL:1/8\nK:C\nC8|\n").midi
    answer_with(monkeypatch, right[:18] + bytes(4) + right[22:])
    (outcome,) = convert.abc2midi([tune(tmp_path, "X:1\nK:C\nC8|\n")], model=model, engine="model")
    assert outcome.result is not None
    assert outcome.result.routine == (f"byte 18: length of track 1 set from 0 to {len(right) - 22}",)
    assert (tmp_path / "reel.mid").read_bytes() == right


@pytest.mark.parametrize("answer", [b"", b"MThd", b"no MIDI at all", file_of("00 90 3c")], ids=repr)
def test_an_answer_that_is_no_midi_is_an_error_and_nothing_is_written(tmp_path, model, monkeypatch, answer):
    answer_with(monkeypatch, answer)
    line = one_error(by_model("abc2midi", tune(tmp_path), "--model", model))
    assert "the model wrote MIDI that does not parse" in line
    assert [path.name for path in tmp_path.iterdir()] == ["reel.abc"]


def test_an_answer_without_end_is_an_error(tmp_path, model, monkeypatch):
    answer_with(monkeypatch, None)
    assert "did not end within the model's history of 256 patches" in one_error(
        by_model("abc2midi", tune(tmp_path), "--model", model)
    )


def test_a_random_model_fails_in_one_line(tmp_path, model):
    source = tune(tmp_path)
    line = one_error(by_model("abc2midi", source, "--model", model))
    assert line.startswith(f"error: {source}: ")
    assert len(list(tmp_path.iterdir())) == 1


def test_a_random_model_writes_a_tune_that_parses_or_none(tmp_path, model):
    done = by_model("midi2abc", tune(tmp_path, render_abc2midi(REEL).midi, "reel.mid"), "--model", model)
    if done.exit_code:
        assert "the answer did not end" in one_error(done)
    else:
        abc.canonical(abc.parse((tmp_path / "reel.abc").read_text()))


# --- the rules ---------------------------------------------------------------------------------


def test_the_rules_convert_what_the_model_does_not_read(tmp_path):
    voices = "X:1\nM:4/4\nL:1/4\nK:C\nV:1\nCDEF|\nV:2\nC,D,E,F,|\n"
    (outcome,) = convert.abc2midi([tune(tmp_path, voices)], engine="rules")
    assert outcome.result is not None
    assert (outcome.result.engine, outcome.result.model) == ("abc2midi", None)
    assert len(keys((tmp_path / "reel.mid").read_bytes())) == 8


def test_the_rules_convert_each_tune_of_a_book_and_back(tmp_path):
    outcomes = convert.abc2midi([EXAMPLES / "songbook.abc"], engine="rules", output=tmp_path)
    assert [midi.title_and_tempo(Path(o.result.output).read_bytes())[0] for o in outcomes] == [
        "Frère Jacques",
        "Auld Lang Syne",
    ]
    back = convert.midi2abc([tmp_path], engine="rules", output=tmp_path / "back")
    assert [o.result.engine for o in back] == ["midi2abc", "midi2abc"]
    assert abc.parse(Path(back[1].result.output).read_text("utf-8")).title == "Auld Lang Syne"


@pytest.mark.usefixtures("perfect")
def test_verify_says_that_all_notes_are_the_same(tmp_path, model):
    done = run("abc2midi", tune(tmp_path), "--model", model, "--verify")
    assert "  verified by abc2midi" in done.stdout
    assert ": the same 30 notes as abc2midi" in done.stdout


def test_verify_lists_the_notes_that_differ_bar_by_bar(tmp_path, model, monkeypatch):
    answer_with(monkeypatch, render_abc2midi("X:1\nM:4/4\nL:1/4\nK:C\nCDEF|GBc2|\n").midi)
    source = tune(tmp_path, "X:1\nL:1/4\nK:C\nCDEF|GAc2|\n")
    (outcome,) = convert.abc2midi(source, model=model, engine="model", verify=True)
    seen = outcome.result.verified
    assert not seen.same
    assert seen.differences == ("bar 2: missing A4 at 2.2 (1); surplus B4 at 2.2 (1)",)


def test_verify_without_abc2midi_asks_music21(tmp_path, model, monkeypatch):
    answer_with(monkeypatch, render_abc2midi("X:1\nM:4/4\nL:1/4\nK:C\nCDEF|GAc2|\n").midi)
    monkeypatch.setattr("bytesim.oracles.music_rules.tool_path", lambda name: None)
    source = tune(tmp_path, "X:1\nL:1/4\nK:C\nCDEF|GAc2|\n")
    (outcome,) = convert.abc2midi(source, model=model, engine="model", verify=True)
    assert (outcome.result.verified.engine, outcome.result.verified.same) == ("music21", True)


def test_verify_needs_a_model(tmp_path):
    for command in ("abc2midi", "midi2abc"):
        assert run(command, tune(tmp_path), "--engine", "rules", "--verify").exit_code == 2
    with pytest.raises(ConfigError):
        convert.abc2midi([tune(tmp_path)], engine="rules", verify=True)


# --- midi2abc ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("perfect")
def test_a_midi_file_becomes_a_tune_with_title_and_tempo(tmp_path, model):
    done = by_model("midi2abc", tune(tmp_path, render_abc2midi(REEL).midi, "reel.mid"), "--model", model)
    assert done.exit_code == 0, done.output
    written = (tmp_path / "reel.abc").read_text()
    assert written == "X:1\nT:The Reel\nM:4/4\nL:1/8\nQ:1/4=100\nK:D\nDF Ad fd AF|GB AG FA D2|]\n"
    assert done.stderr == ""


@pytest.mark.usefixtures("perfect")
def test_what_midi_holds_and_abc_does_not_is_listed(tmp_path, model):
    data = file_of(
        "00 ff 51 03 08 00 00 00 c0 05 00 90 3c 50 83 60 3c 00 00 ff 51 03 07 00 00 00 90 3e 50 83 60 3e 00 00 ff 2f 00"
    )
    (outcome,) = convert.midi2abc([tune(tmp_path, data, "a.mid")], model=model, engine="model")
    dropped = "; ".join(outcome.result.dropped)
    for words in ("dropped instrument changes (1)", "changes of tempo (1)", "tempo rounded from 114.44 to 114"):
        assert words in dropped
    assert "tempo set" not in dropped


def test_abc_that_does_not_parse_is_an_error_and_nothing_is_written(tmp_path, model, monkeypatch):
    answer_with(monkeypatch, b"X:1\nK:C\n[CEG")
    line = one_error(by_model("midi2abc", tune(tmp_path, render_abc2midi(REEL).midi, "reel.mid"), "--model", model))
    assert "the model wrote ABC that does not parse" in line
    assert [path.name for path in tmp_path.iterdir()] == ["reel.mid"]


@pytest.mark.usefixtures("perfect")
def test_verify_plays_the_tune_and_finds_the_notes_of_the_file(tmp_path, model):
    source = tune(tmp_path, render_abc2midi(TUNE_OF_THE_REEL.decode()).midi, "reel.mid")
    done = run("midi2abc", source, "--model", model, "--verify", "--picture")
    assert "  verified by abc2midi" in done.stdout
    assert ": the same 15 notes as the MIDI file" in done.stdout
    assert (tmp_path / "reel.png").read_bytes().startswith(b"\x89PNG")


WRONG_REEL = TUNE_OF_THE_REEL.replace(b"DFAd", b"DFAA", 1)


def test_verify_names_the_bars_of_a_tune_that_plays_otherwise(tmp_path, model, monkeypatch):
    answer_with(monkeypatch, WRONG_REEL)
    (outcome,) = convert.midi2abc(
        [tune(tmp_path, render_abc2midi(TUNE_OF_THE_REEL.decode()).midi, "reel.mid")],
        model=model,
        engine="model",
        verify=True,
    )
    seen = outcome.result.verified
    assert (seen.same, seen.engine, seen.reference) == (False, "abc2midi", "the MIDI file")
    assert seen.differences == ("bar 1: missing D5 at 1.2+1/2 (1/2); surplus A4 at 1.2+1/2 (1/2)",)


@pytest.mark.parametrize(
    ("answer", "engine", "reason"),
    [
        (TUNE_OF_THE_REEL, "model", ""),
        (b"X:1\nM:4/4\nL:1/8\nK:D\nC4D4|E4F4|\n", "midi2abc", "abc2midi plays other notes"),
        (None, "midi2abc", "did not end"),
    ],
)
def test_auto_takes_the_tune_that_plays_the_file(tmp_path, model, monkeypatch, answer, engine, reason):
    answer_with(monkeypatch, answer)
    (outcome,) = convert.midi2abc(
        [tune(tmp_path, render_abc2midi(TUNE_OF_THE_REEL.decode()).midi, "reel.mid")], model=model, engine="auto"
    )
    assert outcome.result.engine == engine
    assert outcome.result.confident is (True if engine == "model" else None)
    assert reason in outcome.result.asked_rules
    assert bool(outcome.result.asked_rules) == bool(reason)


@pytest.mark.usefixtures("perfect")
def test_auto_draws_what_the_model_could_not_read(tmp_path, model):
    crowd = render_abc2midi("X:1\nM:4/4\nL:1/4\nK:C\nV:1\n[CEGce]4|\nV:2\nC4|\n").midi
    (outcome,) = convert.midi2abc(
        [tune(tmp_path, crowd, "crowd.mid")], model=model, engine="auto", verify=True, picture=True
    )
    assert outcome.error is None
    assert outcome.result.engine == "midi2abc"
    assert (tmp_path / "crowd.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.usefixtures("perfect")
def test_what_cannot_be_drawn_is_written_all_the_same(tmp_path, model, monkeypatch):
    def fail(*given):
        raise ToolError("abc2midi is tired.")

    monkeypatch.setattr("bytesim.tasks.convert.rules.expected_midi", fail)
    source = tune(tmp_path, render_abc2midi(REEL).midi, "reel.mid")
    line = one_error(by_model("midi2abc", source, "--model", model, "--picture"))
    assert "reel.abc is written, but could not be drawn: abc2midi is tired." in line
    assert (tmp_path / "reel.abc").exists()


@pytest.mark.usefixtures("perfect")
def test_a_file_that_was_changed_is_compared_as_the_model_read_it(tmp_path, model):
    data = render_abc2midi(TUNE_OF_THE_REEL.decode()).midi
    program = data.index(b"MTrk") + 8
    changed = data[: program - 4] + (int.from_bytes(data[program - 4 : program], "big") + 3).to_bytes(4, "big")
    changed += b"\0\xc0\x05" + data[program:]
    (outcome,) = convert.midi2abc([tune(tmp_path, changed, "reel.mid")], model=model, verify=True)
    assert outcome.result.dropped == ("dropped instrument changes (1)",)
    assert outcome.result.verified.same
    assert outcome.result.verified.reference == "the MIDI file as the model read it"


# --- bad input ---------------------------------------------------------------------------------

CUT = file_of("00 90 3c 50 83 60 80 3c 00 00 ff 2f 00")[:30]
BAD = {
    "empty": ("abc2midi", "a.abc", b"", "the file is empty"),
    "rubbish": ("abc2midi", "a.abc", bytes(range(256)) * 8, "does not occur in ABC text"),
    "prose": ("abc2midi", "a.abc", b"Dear aunt,\nthank you.\n", "no ABC tune starts here"),
    "cut in the middle": ("midi2abc", "a.mid", CUT, "the file is cut short"),
    "no MIDI": ("midi2abc", "a.mid", b"RIFF....WAVE", "expected b'MThd'"),
    "too long for the model": ("abc2midi", "a.abc", f"X:1\nK:C\n{'CDEF|' * 300}\n".encode(), "more than the 1024"),
    "brackets and a newline": ("abc2midi", "[b]a\nb.abc", b"", "[b]a\\nb.abc: the file is empty"),
    "open brackets": ("abc2midi", "a.abc", b"X:1\nK:C\nC" + b"[" * 60_000, "may be open"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_input_is_one_line_and_nothing_is_written(tmp_path, model, kind):
    command, name, data, words = BAD[kind]
    source = tune(tmp_path, data, name)
    line = one_error(by_model(command, source, "--model", model))
    assert words in line
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_an_error_in_a_tune_gives_its_byte(tmp_path, model):
    text = "X:1\r\nT:Frère\r\nK:C\r\nCD#\r\n"
    line = one_error(by_model("abc2midi", tune(tmp_path, text), "--model", model))
    assert f"byte {text.encode().index(b'#')}: '#' has no meaning" in line


def test_a_missing_model_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("BYTESIM_MODELS", str(tmp_path / "none"))
    assert "no model named 'nobody'" in one_error(run("abc2midi", tune(tmp_path), "--model", "nobody"))


@pytest.mark.usefixtures("perfect")
def test_an_existing_output_is_kept_without_force(tmp_path, model):
    source = tune(tmp_path)
    (tmp_path / "reel.mid").write_bytes(b"precious")
    assert "exists already" in one_error(run("abc2midi", source, "--model", model))
    assert (tmp_path / "reel.mid").read_bytes() == b"precious"
    assert run("abc2midi", source, "--model", model, "--force").exit_code == 0
    assert (tmp_path / "reel.mid").read_bytes()[:4] == b"MThd"


def test_a_folder_that_is_missing_is_one_line(tmp_path, model):
    assert "does not exist" in one_error(run("abc2midi", tune(tmp_path), "--model", model, "-o", tmp_path / "no/a.mid"))


def test_a_model_of_another_kind_is_refused(tmp_path):
    other = make_model(tmp_path / "other", MUSIC.replace('"mid"', '"wav"'))
    line = one_error(run("abc2midi", tune(tmp_path), "--model", f"{other}/"))
    assert "was not trained to convert .abc to .mid; it converts .abc to .wav" in line
    classifier = make_model(tmp_path / "classifier", num_classes=3)
    assert "is a classifier" in one_error(run("abc2midi", tune(tmp_path), "--model", f"{classifier}/"))


def test_an_unknown_device_is_one_line(tmp_path, model):
    assert "device 'abacus'" in one_error(run("abc2midi", tune(tmp_path), "--model", model, "--device", "abacus"))


# --- any files ---------------------------------------------------------------------------------


def test_files_go_the_way_their_suffix_says(tmp_path, model, monkeypatch):
    monkeypatch.setattr(bulk, "decode", answering(right_answer))
    midi_file = render_abc2midi(REEL).midi
    files = {"a.abc": "X:1\nK:C\nC|\n", "b.mid": midi_file, "c.txt": "?"}
    sources = [tune(tmp_path, data, name) for name, data in files.items()]
    outcomes = convert_files(sources, model=model, output=tmp_path / "out")
    assert [outcome.error is None for outcome in outcomes] == [True, True, False]
    assert "reads no .txt files; it converts .abc to .mid, .mid to .abc" in str(outcomes[2].error)
    assert (tmp_path / "out/b.abc").read_bytes() == TUNE_OF_THE_REEL


def test_a_model_s_file_of_a_known_format_must_parse(tmp_path, model, monkeypatch):
    answer_with(monkeypatch, b"no tune")
    line = one_error(run("files", tune(tmp_path, b"MThd", "b.mid"), "--model", model))
    assert "ABC that does not parse" in line


def test_the_target_is_named_where_several_fit(tmp_path, monkeypatch):
    recipe = MUSIC.replace('"mid"\ntarget_suffix = "abc"', '"abc"\ntarget_suffix = "txt"')
    both = str(make_model(tmp_path / "both", recipe))
    answer_with(monkeypatch, b"words")
    source = tune(tmp_path)
    assert "Say which with --to" in one_error(run("files", source, "--model", both))
    assert run("files", source, "--model", both, "--to", ".TXT").exit_code == 0
    assert (tmp_path / "reel.txt").read_bytes() == b"words"


def test_a_model_whose_recipe_names_no_conversion_is_refused(tmp_path):
    writer = make_model(tmp_path / "writer", MUSIC.replace('"convert"', '"generate"'))
    with pytest.raises(ConfigError, match="names no conversion"):
        convert_files([tune(tmp_path)], model=f"{writer}/")
    (tmp_path / "writer/card.json").unlink()
    with pytest.raises(ModelError, match="incomplete"):
        convert_files([tune(tmp_path)], model=f"{writer}/")


def test_the_written_tune_reads_back(tmp_path, model, monkeypatch):
    monkeypatch.setattr(bulk, "decode", answering(right_answer))
    (outcome,) = convert.midi2abc([tune(tmp_path, render_abc2midi(REEL).midi, "reel.mid")], model=model)
    again = abc.parse(Path(outcome.result.output).read_text())
    assert (again.title, again.tempo_bpm) == ("The Reel", 100)
