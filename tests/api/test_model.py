"""A model in memory answers as the commands do, and says what it cannot do."""

import json
from pathlib import Path

import pytest
from helpers.confidence import tell_confidence
from helpers.music_models import BOOK, REEL, answering, make_model
from helpers.paths import EXAMPLES
from helpers.tiny_classifiers import make_classifier, words

import bytesim
from bytesim.engine import bulk
from bytesim.errors import BytesimError, ConfigError, DecodeError, FormatError, InputError, ModelError
from bytesim.formats import midi
from bytesim.oracles.abcmidi import render_abc2midi

OTHER = """name = "other"
[[data]]
path = "none.npz"
task = "convert"
source_suffix = "csv"
target_suffix = "json"
"""


@pytest.fixture
def music(tmp_path):
    return bytesim.load(make_model(tmp_path / "music"))


def midi_of(request) -> bytes:
    """What abc2midi makes of the tune that a request holds."""
    return render_abc2midi(request.source.decode("ascii")).midi


# --- convert ---------------------------------------------------------------------------------


def test_a_tune_in_memory_becomes_the_file_that_the_command_writes(tmp_path, music, monkeypatch):
    monkeypatch.setattr(bulk, "decode", answering(midi_of))
    (tmp_path / "reel.abc").write_text(REEL)
    (outcome,) = bytesim.abc2midi(tmp_path / "reel.abc", model=f"{music.folder}", engine="model")
    data = music.convert(REEL.encode(), "abc", "mid")
    assert data == Path(outcome.result.output).read_bytes()
    assert midi.title_and_tempo(midi.parse(data)) == ("The Reel", 100.0)


def test_a_midi_file_in_memory_becomes_the_tune_that_the_command_writes(tmp_path, music, monkeypatch):
    monkeypatch.setattr(bulk, "decode", answering(lambda request: b"X:1\nM:4/4\nL:1/8\nK:D\nDFAd fdAF|\n"))
    (tmp_path / "reel.mid").write_bytes(render_abc2midi(REEL).midi)
    (outcome,) = bytesim.midi2abc(tmp_path / "reel.mid", model=f"{music.folder}", engine="model")
    data = music.convert((tmp_path / "reel.mid").read_bytes(), ".MID", "abc")
    assert data == Path(outcome.result.output).read_bytes()
    assert b"T:The Reel\n" in data


def test_a_list_gives_a_list_in_its_order_and_one_file_gives_bytes(tmp_path, monkeypatch):
    model = bytesim.load(make_model(tmp_path / "other", OTHER))
    monkeypatch.setattr(bulk, "decode", answering(lambda request: request.source.upper()))
    assert model.convert(b"ab", "csv", "json") == b"AB"
    assert model.convert([b"ab", bytearray(b"c")], "csv", "json") == [b"AB", b"C"]
    assert model.convert((b"ab",), "csv", "json") == [b"AB"]
    assert model.convert([], "csv", "json") == []


def test_the_first_file_that_fails_is_named_by_its_number(tmp_path, monkeypatch):
    model = bytesim.load(make_model(tmp_path / "other", OTHER))
    monkeypatch.setattr(bulk, "decode", answering(lambda request: None if request.source == b"bad" else b"{}"))
    with pytest.raises(DecodeError, match=r"^file 2: the answer did not end") as raised:
        model.convert([b"good", b"bad", b""], "csv", "json")
    assert isinstance(raised.value, BytesimError)
    with pytest.raises(InputError, match=r"^the file is empty"):
        model.convert(b"", "csv", "json")


def test_an_error_in_a_tune_says_at_which_byte_of_the_file(music):
    with pytest.raises(FormatError) as raised:
        music.convert(f"{REEL}\n".replace("\n", "\r\n").encode() + b"\0", "abc", "mid")
    assert raised.value.offset == len(REEL) + REEL.count("\n") + 2
    with pytest.raises(InputError, match="holds 3 tunes"):
        music.convert(BOOK.encode(), "abc", "mid")
    with pytest.raises(FormatError, match="several voices"):
        music.convert(b"X:1\nV:1\nK:C\nC|\n", "abc", "mid")
    with pytest.raises(FormatError):
        music.convert(b"RIFF", "mid", "abc")


# --- generate --------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_seed_gives_the_file_that_the_command_writes(tmp_path):
    (outcome,) = bytesim.generate(model="abc", seed=7, max_bytes=120, output=tmp_path / "new.abc")
    tune = bytesim.load("abc").generate(seed=7, max_bytes=120)
    assert tune == (tmp_path / "new.abc").read_bytes()
    assert outcome.result.output == str(tmp_path / "new.abc")


def test_a_prompt_is_text_or_bytes_and_the_file_continues_it(music):
    prompt = "X:1\nM:4/4\nL:1/8\nK:D\nDFAd fdAF|"
    one = music.generate("abc", prompt=prompt, seed=1, max_bytes=700)
    two = music.generate("abc", prompt=prompt.encode(), seed=1, max_bytes=700)
    assert one == two
    assert b"K:D\nDFAdfdAF|" in one.replace(b" ", b"")
    with pytest.raises(InputError, match="can begin like this"):
        music.generate("abc", prompt=b"\x00\x01")


def test_a_count_gives_a_list_of_different_files(music):
    files = music.generate("abc", count=3, seed=1, max_bytes=100)
    assert len(set(files)) == 3
    assert music.generate("abc", count=1, seed=1, max_bytes=100) == files[:1]
    with pytest.raises(ConfigError):
        music.generate("abc", count=2, temperature=0.0)


def test_a_draw_that_is_never_valid_is_an_error(music, monkeypatch):
    monkeypatch.setattr(bulk, "decode", answering(lambda request: None))
    with pytest.raises(DecodeError, match=r"no valid \.abc file in 8 tries"):
        music.generate("abc")


# --- classify and score ----------------------------------------------------------------------


def test_an_answer_in_memory_is_that_of_the_command(tmp_path):
    folder = make_classifier(tmp_path / "tiny")
    model = bytesim.load(folder)
    (tmp_path / "a.txt").write_bytes(data := words("letters", 1)[0])
    (outcome,) = bytesim.classify_file(tmp_path / "a.txt", model=str(folder), top=2)
    answer = model.classify(data, top=2)
    assert answer == outcome.result.answer
    assert (answer.label, len(answer.top), model.labels) == ("letters", 2, ("digits", "letters", "noise"))
    assert model.classify([data, words("digits", 1)[0]])[1].label == "digits"
    assert model.classify(data, threshold=1.0).label == "unknown"
    assert model.classify([]) == []


def test_a_file_that_cannot_be_read_is_named_by_its_number(tmp_path):
    model = bytesim.load(make_classifier(tmp_path / "tiny", suffix="wav"))
    with pytest.raises(InputError, match=r"^file 2: not a recording"):
        model.classify([(EXAMPLES / "bell.wav").read_bytes(), b"no sound"])


def test_bits_per_byte_are_those_of_the_command(tmp_path, music):
    (tmp_path / "reel.abc").write_text(REEL)
    (outcome,) = bytesim.evaluate_bpb(tmp_path / "reel.abc", model=f"{music.folder}")
    assert music.bits_per_byte(REEL.encode(), "abc") == outcome.result.bits_per_byte
    assert music.bits_per_byte([REEL.encode()] * 2, "abc") == [outcome.result.bits_per_byte] * 2
    with pytest.raises(InputError, match="file 2: the file is empty"):
        music.bits_per_byte([b"a", b""], "abc")


# --- what a model cannot do ------------------------------------------------------------------


def test_a_wrong_method_says_what_the_model_can_do(tmp_path, music):
    classifier = bytesim.load(make_classifier(tmp_path / "tiny"))
    for call in (
        lambda: classifier.convert(b"a", "abc", "mid"),
        lambda: classifier.generate("txt"),
        lambda: classifier.bits_per_byte(b"a", "txt"),
    ):
        with pytest.raises(ModelError, match=r"the model 'tiny' cannot .*; it classifies files with 3 labels"):
            call()
    with pytest.raises(ModelError, match=r"'music' cannot classify files; it converts \.abc to \.mid, .* generates"):
        music.classify(b"a")
    with pytest.raises(ModelError, match=r"cannot convert \.csv to \.json; it converts"):
        music.convert(b"a", "csv", "json")
    other = bytesim.load(make_model(tmp_path / "other", OTHER))
    with pytest.raises(ModelError, match=r"cannot generate files; it converts \.csv to \.json"):
        other.generate()
    assert repr(other) == "<bytesim model 'other': converts .csv to .json>"


def test_a_model_of_the_cpu_names_its_command():
    with pytest.raises(ModelError, match=r"cannot generate files; it predicts .* bytesim\.simulate_cpu"):
        bytesim.load("cpu").generate()


def test_a_damaged_config_is_a_model_error(tmp_path):
    folder = make_model(tmp_path / "music")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "num_classes": "many"}))
    with pytest.raises(BytesimError):
        bytesim.load(folder)
    with pytest.raises(ModelError, match="no model named 'nix'"):
        bytesim.load("nix")


@pytest.mark.parametrize("wrong", ["text", Path("a.abc"), None, 3, ["text"]])
def test_anything_but_bytes_is_a_type_error_that_says_how_to_read_a_file(wrong, music):
    with pytest.raises(TypeError, match="read_bytes"):
        music.convert(wrong, "abc", "mid")


def test_an_answer_of_a_converter_tells_whether_it_is_confident_and_why_not(tmp_path, monkeypatch):
    folder = tell_confidence(make_model(tmp_path / "rows", OTHER), "csv to json", most_nats=0.5)
    reply = answering(lambda request: request.source, nats=lambda request: 0.1 if request.source == b"[1]" else 2.0)
    monkeypatch.setattr(bulk, "decode", reply)
    model = bytesim.load(folder)
    sure, unsure = model.answer([b"[1]", b"[2]"], "csv", "json")
    assert (sure.data, sure.confident, sure.doubt) == (b"[1]", True, "")
    assert (unsure.data, unsure.confident) == (b"[2]", False)
    assert unsure.doubt == "the model finds other answers likely too"
    assert unsure.nll_nats == pytest.approx(2.0)
    with pytest.raises(DecodeError, match="not valid"):
        model.answer(b"[1", "csv", "json")
    assert model.answer(b"[1", "csv", "json", check="none").data == b"[1"
    with pytest.raises(InputError, match="empty"):
        model.answer(b"", "csv", "json")
    with pytest.raises(ModelError, match=r"converts \.csv to \.json"):
        model.answer(b"x", "json", "csv")


def test_tunes_are_not_answered_byte_by_byte(tmp_path):
    with pytest.raises(ConfigError, match="abc2midi"):
        bytesim.load(make_model(tmp_path / "music")).answer(b"X:1", "abc", "mid")
