"""convert, the engine auto: what is proven, what goes to the rules, what is corrected, and what it says."""

import inspect
from pathlib import Path

import pytest
from helpers.midi_files import keys
from helpers.music_models import answering, make_model
from typer.testing import CliRunner

from bytesim.cli import app
from bytesim.engine import bulk
from bytesim.errors import ToolError
from bytesim.formats import midi
from bytesim.formats.abc.source_grammar import SourceGrammar
from bytesim.metrics import near_note_f1
from bytesim.oracles import abcmidi
from bytesim.oracles.abcmidi import render_abc2midi
from bytesim.tasks.convert import tunes as convert
from bytesim.tasks.convert.respell import respell

TUNE = "X:1\nM:4/4\nL:1/4\nK:C\nCDEF|GAB2|\n"
OTHER = b"X:1\nM:4/4\nL:1/4\nK:C\nc4|c4|\n"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_model(tmp_path_factory.mktemp("models") / "music"))


def answer_with(monkeypatch: pytest.MonkeyPatch, data: bytes | None) -> None:
    monkeypatch.setattr(bulk, "decode", answering(lambda request: data))


def file(folder: Path, name: str, data: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def tune_midi(folder: Path, text: str = TUNE) -> Path:
    return file(folder, "tune.mid", render_abc2midi(text).midi)


def run(*words: str | Path):
    return CliRunner().invoke(app, ["convert", *map(str, words)])


def test_auto_is_the_default():
    for function in (convert.abc2midi, convert.midi2abc):
        assert inspect.signature(function).parameters["engine"].default == "auto"


@pytest.mark.parametrize(("engine", "constrained"), [("auto", True), ("model", False)])
def test_only_auto_decodes_with_a_grammar_that_has_seen_the_source(tmp_path, model, monkeypatch, engine, constrained):
    grammars = []

    def answer(request):
        grammars.append(request.grammar())
        return TUNE.encode()

    monkeypatch.setattr(bulk, "decode", answering(answer))
    convert.midi2abc([tune_midi(tmp_path)], model=model, engine=engine)
    assert [isinstance(grammar, SourceGrammar) for grammar in grammars] == [constrained]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("%%MIDI program 40", "%%MIDI program 40"),
        ("I:MIDI transpose 12", "%%MIDI transpose 12"),
        ("!f!C4|", "!f!"),
        ("[Q:1/4=60]C4|", "changes of tempo"),
    ],
)
def test_what_sounds_and_is_not_read_goes_to_abc2midi_or_is_listed(tmp_path, model, monkeypatch, line, words):
    text = TUNE.replace("CDEF", f"CDEF|\n{line}\nCDEF")
    answer_with(monkeypatch, render_abc2midi(TUNE).midi)
    (by_auto,) = convert.abc2midi([file(tmp_path, "a.abc", text)], model=model)
    assert by_auto.result.engine == "abc2midi"
    assert words in by_auto.result.asked_rules
    assert keys((tmp_path / "a.mid").read_bytes()) == keys(render_abc2midi(text).midi)
    (by_model,) = convert.abc2midi([tmp_path / "a.abc"], model=model, engine="model", force=True)
    assert any(words in item for item in by_model.result.dropped)
    assert by_model.result.confident is not True


def test_a_title_a_fingering_and_a_comment_do_not_sound(tmp_path, model, monkeypatch):
    text = 'X:1\nT:Loud!f!\nK:C\nL:1/4\nM:4/4\n!3!CDEF|"^!p!"GAB2| % !ff!\n'
    answer_with(monkeypatch, render_abc2midi(TUNE).midi)
    (outcome,) = convert.abc2midi([file(tmp_path, "a.abc", text)], model=model)
    assert (outcome.result.engine, outcome.result.confident) == ("model", True)


def test_another_loudness_is_another_sound(tmp_path, model, monkeypatch):
    right = render_abc2midi(TUNE).midi
    answer_with(monkeypatch, right.replace(bytes([0x90, 62, 80]), bytes([0x90, 62, 81])))
    (outcome,) = convert.abc2midi([file(tmp_path, "a.abc", TUNE)], model=model)
    assert outcome.result.engine == "abc2midi"
    assert "other loudness" in outcome.result.asked_rules


def test_verify_that_finds_differences_warns_and_exits_with_1(tmp_path, model, monkeypatch):
    answer_with(monkeypatch, render_abc2midi(TUNE.replace("A", "G")).midi)
    done = run("abc2midi", file(tmp_path, "a.abc", TUNE), "--model", model, "--engine", "model", "--verify")
    assert done.exit_code == 1
    assert "warning:" in done.stderr
    assert "note F1 0.8571" in done.stdout


def test_single_wrong_notes_are_corrected(tmp_path, model, monkeypatch):
    answer_with(monkeypatch, TUNE.replace("EF", "_EF").replace("GA", "ga").encode())
    (outcome,) = convert.midi2abc([tune_midi(tmp_path)], model=model)
    result = outcome.result
    assert (result.engine, result.corrections, result.closeness, result.confident) == ("model", 3, 1.0, True)
    assert keys(render_abc2midi((tmp_path / "tune.abc").read_text()).midi) == keys(render_abc2midi(TUNE).midi)


def test_wrong_lengths_are_corrected_and_title_and_tempo_stay():
    source = render_abc2midi(TUNE).midi
    data, rounds = respell(source, TUNE.replace("B2", "Bz"), "A tune", 90.0)
    assert rounds >= 1
    assert keys(render_abc2midi(data.decode()).midi) == keys(source)
    assert data.startswith(b"X:1\nT:A tune\n")
    assert b"Q:1/4=90" in data


def test_the_closest_answer_is_written_and_the_result_says_how_close(tmp_path, model, monkeypatch):
    monkeypatch.setattr("bytesim.tasks.convert.rules.midi_to_abc", lambda data: OTHER.decode())
    monkeypatch.setattr("bytesim.tasks.convert.rules.write_plain", lambda data: None)
    monkeypatch.setattr("bytesim.tasks.convert.respell.MOST_ROUNDS", 0)
    answer_with(monkeypatch, TUNE.replace("EF", "GG").encode())
    done = run("midi2abc", tune_midi(tmp_path), "--model", model)
    assert done.exit_code == 0
    assert "by the model music, not confident" in done.stdout
    assert "warning:" in done.stderr
    assert "note F1 0.7143" in done.stderr


def test_notes_that_nothing_else_gets_right_are_written_as_they_are(tmp_path, model, monkeypatch):
    monkeypatch.setattr("bytesim.tasks.convert.rules.midi_to_abc", lambda data: OTHER.decode())
    answer_with(monkeypatch, None)
    (outcome,) = convert.midi2abc([tune_midi(tmp_path)], model=model)
    assert (outcome.result.engine, outcome.result.closeness) == ("bytesim", 1.0)
    assert (tmp_path / "tune.abc").read_text().endswith("K:C\nC2 D2 E2 F2|G2 A2 B4|]\n")


def test_an_answer_of_the_rules_says_how_close_it_is(tmp_path, model, monkeypatch):
    monkeypatch.setattr("bytesim.tasks.convert.rules.write_plain", lambda data: None)
    monkeypatch.setattr("bytesim.tasks.convert.rules.midi_to_abc", lambda data: TUNE.replace("A", "G"))
    answer_with(monkeypatch, OTHER)
    monkeypatch.setattr("bytesim.tasks.convert.respell.MOST_ROUNDS", 0)
    (outcome,) = convert.midi2abc([tune_midi(tmp_path)], model=model)
    assert (outcome.result.engine, round(outcome.result.closeness, 4)) == ("midi2abc", 0.8571)


def test_a_tune_that_cannot_fit_is_known_before_decoding(tmp_path, model, monkeypatch):
    monkeypatch.setattr(bulk, "decode", answering(lambda request: pytest.fail("decoded all the same")))
    text = "X:1\nM:4/4\nL:1/8\nK:C\n" + "CDEFGABc|\n" * 40
    (outcome,) = convert.abc2midi([file(tmp_path, "long.abc", text)], model=model)
    assert outcome.result.engine == "abc2midi"
    assert "too long for the model: its answer has at least 2,560 bytes" in outcome.result.asked_rules


def test_without_any_rules_the_line_says_what_to_install(tmp_path, model, monkeypatch):
    def fail(text):
        raise ToolError("music21 failed on this tune (exit code 1).")

    monkeypatch.setattr(abcmidi, "tool_path", lambda name: None)
    monkeypatch.setattr("bytesim.oracles.music_rules.tool_path", lambda name: None)
    monkeypatch.setattr("bytesim.oracles.music_rules.render_music21", fail)
    voices = file(tmp_path, "v.abc", "X:1\nM:4/4\nL:1/4\nK:C\nV:1\nCDEF|\nV:2\nC,4|\n")
    (outcome,) = convert.abc2midi([voices], model=model)
    assert "several voices" in str(outcome.error)
    assert "pip install symusic" in str(outcome.error)
    answer_with(monkeypatch, TUNE.encode())
    (outcome,) = convert.midi2abc([file(tmp_path, "a.mid", midi.serialize(midi.parse(MIDI)))], model=model)
    assert (outcome.result.engine, outcome.result.confident, outcome.result.closeness) == ("model", False, None)


MIDI = render_abc2midi(TUNE).midi


def test_near_notes_count_within_the_tolerance():
    exact, late = midi.notes(MIDI), midi.notes(render_abc2midi(TUNE.replace("CDEF", "z/32CDEF")).midi)
    assert near_note_f1(exact, exact, 0) == 1.0
    assert near_note_f1(exact, late, 30) == 1.0
    assert near_note_f1(exact, late, 5) == 0.0
