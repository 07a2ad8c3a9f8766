"""classify: labels with probabilities, files of any length, unknown, types and what follows from them, fragments."""

import csv
import io
import json
import os
import re
import signal
import subprocess
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from helpers.paths import EXAMPLES
from helpers.processes import children_of, start_bytesim
from helpers.tiny_classifiers import calibration, make_classifier, words
from helpers.tools import needs_proc
from PIL import Image
from typer.testing import CliRunner

from bytesim.cli import app
from bytesim.engine.classify import class_logits
from bytesim.errors import ConfigError, InputError, ModelError
from bytesim.formats import bmp, wav
from bytesim.formats.views import SPEEDS, sped
from bytesim.media.forms import model_form
from bytesim.models.store import stored_models
from bytesim.patching import MOST_WINDOWS, plan_windows
from bytesim.pictures.fragments import draw_fragments, label_colours, strip_labels
from bytesim.predictors.calibration import unsmoothed
from bytesim.predictors.classifier import load_classifier
from bytesim.predictors.fits import Fits
from bytesim.predictors.scaling import softmax
from bytesim.tasks.classify.files import classify_file
from bytesim.tasks.classify.fragment_map import Fragment, join_fragments
from bytesim.tasks.classify.fragments import classify_fragments

MOST_BYTES = 64  # of a history of 10 patches of 8 bytes


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_classifier(tmp_path_factory.mktemp("models") / "kinds"))


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with files of three kinds, whose names say nothing."""
    folder = tmp_path / "files"
    for number, kind in enumerate(("digits", "letters", "noise", "digits")):
        path = folder / "below" / f"{number}.bin" if number == 3 else folder / f"{number}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(words(kind, 1, seed=9)[0])
    return folder


def run(*arguments: str | Path, **options):
    return CliRunner().invoke(app, ["classify", *map(str, arguments)], **options)


# --- reading ---------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["slide", "ends"])
@pytest.mark.parametrize("num_bytes", [0, 1, 99, 100, 101, 149, 151, 1000, 10**7])
def test_windows_begin_and_end_with_the_file(rule, num_bytes):
    plan = plan_windows(num_bytes, 100, 4, rule)
    pieces = [piece for window in plan.windows for piece in window]
    assert (pieces[0][0], pieces[-1][1]) == (0, num_bytes)
    assert all(sum(end - start for start, end in window) <= 100 for window in plan.windows)
    assert len(plan.windows) <= MOST_WINDOWS
    assert bool(plan.told) == (num_bytes > 100)


@pytest.mark.parametrize("num_bytes", [101, 149, 151, 999, 3000])
def test_sliding_windows_overlap_by_half(num_bytes):
    windows = [window[0] for window in plan_windows(num_bytes, 100, 4, "slide").windows]
    for (start, end), (after, _) in pairwise(windows):
        assert start < after <= end - 46  # half, less what brings it to the start of a patch


def test_the_two_ends_are_one_window():
    plan = plan_windows(1000, 100, 4, "ends")
    assert plan.windows == (((0, 50), (950, 1000)),)
    assert plan.told == "first and last 50 bytes"


def test_a_long_file_is_the_mean_of_its_windows(model):
    classifier = load_classifier(model)
    data = words("digits", 1, length=400, seed=1)[0].ljust(300, b"a")
    plan = plan_windows(len(data), MOST_BYTES, 8, "slide")
    pieces = [(data[start:end], "txt") for ((start, end),) in plan.windows]
    logs = np.log(softmax(class_logits(classifier.model, pieces)))
    expected = softmax(logs.mean(0, keepdims=True))
    assert np.allclose(classifier.probabilities([data]), expected, atol=1e-6)


def test_the_ends_alone_are_read_of_a_file_that_says_so(tmp_path):
    model = make_classifier(tmp_path / "ends", windows="ends")
    big = tmp_path / "big.bin"
    with big.open("wb") as file:
        file.write(words("digits", 1, length=100)[0][:40])
        file.seek(1 << 36)  # a hole that would not fit into memory
        file.write(words("digits", 1, length=100, seed=1)[0][:40])
    (outcome,) = classify_file([big], model=str(model))
    assert (outcome.result.answer.label, outcome.result.answer.read) == ("digits", "first and last 32 bytes")
    assert outcome.result.num_bytes == (1 << 36) + 40
    os.truncate(big, 1 << 36)
    assert classify_file([big], model=str(make_classifier(tmp_path / "slide")))[0].result.answer.read == (
        "64 windows spread over the file"
    )


def test_a_batch_answers_what_one_file_alone_does(model):
    classifier = load_classifier(model)
    data = [each for kind in ("digits", "letters", "noise") for each in words(kind, 5, length=150, seed=2)]
    together = classifier.probabilities(data)
    alone = np.concatenate([classifier.probabilities([each]) for each in data])
    assert np.allclose(together, alone, atol=1e-5)
    assert np.allclose(together.sum(1), 1)
    assert classifier.probabilities([]).shape == (0, 3)


def test_the_temperature_of_the_card_is_used(tmp_path, model):
    cool = load_classifier(str(make_classifier(tmp_path / "cool", calibration=calibration(temperature=4.0))))
    sharp = load_classifier(model)
    data = words("digits", 4, seed=3)
    assert np.allclose(cool.probabilities(data), softmax(np.log(sharp.probabilities(data)), 4.0), atol=1e-5)


# --- classify file ---------------------------------------------------------------------------


def test_files_are_labelled_by_content_and_folders_walked(model, files):
    done = run("file", files, "--model", model)
    assert done.exit_code == 0, done.output
    found = {line.split(": ")[0]: line.split(": ")[1].split()[0] for line in done.stdout.splitlines()}
    assert found == {
        str(files / "0.bin"): "digits",
        str(files / "1.bin"): "letters",
        str(files / "2.bin"): "noise",
        str(files / "below" / "3.bin"): "digits",
    }


def test_the_most_probable_labels_are_shown(model, files):
    done = run("file", files / "0.bin", "--model", model, "--top", 2, "--json")
    (row,) = json.loads(done.stdout)
    first, second = row["result"]["answer"]["top"]
    assert first["label"] == "digits"
    assert first["probability"] > second["probability"]
    plain = run("file", files / "0.bin", "--model", model, "--top", 3).stdout
    assert plain.count("digits") == 1
    assert "letters" in plain
    assert "noise" in plain


def test_what_is_not_sure_enough_is_unknown(tmp_path, files):
    model = make_classifier(tmp_path / "doubtful", calibration=calibration(unknown_below=1.0))
    done = run("file", files / "0.bin", "--model", model)
    assert "0.bin: unknown text (perhaps digits 0.9" in done.stdout
    assert done.stdout.count("unknown") == 1
    sure = run("file", files / "0.bin", "--model", model, "--threshold", 0.5)
    assert "0.bin: digits 0.9" in sure.stdout


def test_the_class_unknown_is_no_guess(tmp_path, files):
    examples = {"digits": words("digits", 150), "unknown": words("noise", 150), "letters": words("letters", 150)}
    model = make_classifier(tmp_path / "three", examples)
    (outcome,) = classify_file([files / "2.bin"], model=str(model))
    assert outcome.result.answer.label == "unknown"
    assert outcome.result.answer.guess in ("digits", "letters")
    assert outcome.result.answer.top[0].label == "unknown"


def test_bad_files_are_reported_and_good_ones_labelled(model, files):
    (files / "a folder" / "inside").mkdir(parents=True)
    done = run("file", files, files / "a folder", files / "missing", "--model", model)
    assert done.exit_code == 1
    assert len(done.stdout.splitlines()) == 4
    first, second = sorted(done.stderr.splitlines())
    assert "a folder: this is a folder with nothing to read here" in first
    assert "missing: no such file" in second


def test_a_file_without_a_byte_is_empty_and_no_failure(model, files):
    (files / "4.bin").touch()
    done = run("file", files / "4.bin", files / "0.bin", "--model", model, "--top", 2)
    assert done.exit_code == 0
    assert done.stdout.splitlines()[0] == f"{files / '4.bin'}: empty"
    assert run("file", "-", "--model", model, input=b"").stdout == "-: empty\n"
    (row,) = json.loads(run("file", files / "4.bin", "--model", model, "--json").stdout)
    assert (row["result"]["answer"]["label"], row["result"]["answer"]["content"]) == ("empty", "empty")


def test_stdin_is_a_file(model):
    done = run("file", "-", "--model", model, input=words("letters", 1, seed=5)[0])
    assert done.stdout.startswith("-: letters ")


def test_the_table_in_csv_has_a_line_for_each_file(model, files, tmp_path):
    (files / "4.bin").touch()
    table = tmp_path / "table.csv"
    done = run("file", files, files / "missing", "--model", model, "--top", 2, "--csv", table)
    assert done.exit_code == 1
    assert len(done.stdout.splitlines()) == 5
    rows = list(csv.DictReader(io.StringIO(table.read_text())))
    assert [row["label"] for row in rows] == ["digits", "letters", "noise", "empty", "digits", ""]
    assert [row["content"] for row in rows] == ["text", "text", "binary", "empty", "text", ""]
    assert "no such file" in rows[5]["error"]
    assert float(rows[0]["probability"]) > float(rows[0]["probability_2"])
    printed = run("file", files / "0.bin", "--model", model, "--csv", "-")
    assert printed.stdout.startswith("file,label,probability,guess,model,read,changed,content,outlier,error")
    assert len(printed.stdout.splitlines()) == 2
    assert run("file", files, "--model", model, "--csv", "-", "--json").exit_code == 2
    assert "exists already" in str(run("file", files, "--model", model, "--csv", table).exception)


def test_a_terminal_sees_a_table(model, files, monkeypatch):
    from bytesim.commands import classify as command

    monkeypatch.setattr(command.stdout, "_force_terminal", True)
    done = run("file", files, "--model", model)
    assert "answer" in done.stdout
    assert re.search(r"digits 9\d\.\d\d%", done.stdout)


# --- types first -----------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with a model of types, which calls letters plain text and noise a PNG, and one that looks at text."""
    folder = tmp_path / "store"
    folder.mkdir()
    kinds = {"csv": words("digits", 150), "txt": words("letters", 150), "png": words("noise", 150)}
    make_classifier(folder / "filetype", kinds, next={"txt": "agnews", "png": "cifar10", "csv": "no such model"})
    make_classifier(folder / "agnews", {"World": words("letters", 99), "Sports": words("digits", 99)})
    make_classifier(folder / "cifar10", {"cat": [b"x" * 50], "dog": [b"y" * 50]}, suffix="bmp", max_patches=400)
    monkeypatch.setenv("BYTESIM_MODELS", str(folder))
    return folder


def test_auto_asks_the_model_of_the_type_next(store, files):
    answers = {outcome.source: outcome.result for outcome in classify_file([files], then=True)}
    text, packed = answers[str(files / "1.bin")], answers[str(files / "0.bin")]
    assert (text.answer.label, text.answer.model) == ("txt", "filetype")
    assert (text.then.label, text.then.model) == ("World", "agnews")
    assert (packed.answer.label, packed.then) == ("csv", None)
    line = run("file", files / "1.bin", "--then").stdout
    assert "1.bin: txt 0.9" in line
    assert "; agnews: World 0." in line


def test_a_second_model_that_cannot_read_the_file_says_why(store, files):
    (outcome,) = classify_file([files / "2.bin"], then=True)
    assert outcome.result.answer.label == "png"
    assert outcome.result.then is None
    assert "not a picture" in outcome.result.then_error
    done = run("file", files / "2.bin", "--then")
    assert done.exit_code == 0
    assert "the second model could not read it" in done.stderr


def test_the_card_of_the_model_of_types_names_the_models_that_auto_asks_next(store, files):
    kinds = {"note": words("letters", 99), "sum": words("digits", 99)}
    make_classifier(store / "filetype", kinds, next={"sum": "sums"})
    make_classifier(store / "sums", {"even": words("digits", 99), "odd": words("noise", 99)})
    answers = {Path(outcome.source).name: outcome.result for outcome in classify_file([files], then=True)}
    assert (answers["0.bin"].answer.label, answers["0.bin"].then.model) == ("sum", "sums")
    assert (answers["1.bin"].answer.label, answers["1.bin"].then) == ("note", None)
    assert classify_file([files / "0.bin"], model="filetype", then=True)[0].result.then is None


# --- a second opinion on request, or where the card says that the file fits ------------------


def second(path: Path, **options) -> str:
    """The model that gave a second opinion about a file; empty if none was asked."""
    (outcome,) = classify_file(path, **options)
    assert outcome.error is None
    return outcome.result.then.model if outcome.result.then else ""


def test_no_second_model_is_asked_unless_its_card_says_that_the_file_fits(store, files):
    assert second(files / "1.bin") == ""
    assert second(files / "1.bin", then=True) == "agnews"
    examples = {"World": words("letters", 99), "Sports": words("digits", 99)}
    make_classifier(store / "agnews", examples, fits=True)
    assert second(files / "1.bin") == "agnews"


@pytest.mark.parametrize(
    ("size", "mode", "asked"),
    [((32, 32), "RGB", True), ((28, 36), "L", True), ((48, 48), "RGB", False), ((32, 32), "RGBA", False)],
)
def test_a_second_look_at_a_picture_depends_on_its_sides_and_transparency(store, tmp_path, size, mode, asked):
    make_classifier(store / "looks", {"a": [b"x" * 50], "b": [b"y" * 50]}, suffix="bmp", max_patches=400,
                    fits={"picture_sides": [28, 36]})  # fmt: skip
    Image.new(mode, size).save(tmp_path / "a.png")
    with (tmp_path / "a.png").open("rb") as file:
        assert Fits(store / "looks")(file) is asked


@pytest.mark.parametrize(("seconds", "asked"), [(1.0, True), (0.95, True), (3.0, False), (0.5, False)])
def test_a_second_look_at_a_recording_depends_on_its_length(store, tmp_path, seconds, asked):
    make_classifier(store / "hears", {"a": [b"x" * 50], "b": [b"y" * 50]}, suffix="wav", fits={"seconds": [0.9, 1.1]})
    soundfile.write(tmp_path / "a.flac", np.zeros(int(8000 * seconds)), 8000)
    with (tmp_path / "a.flac").open("rb") as file:
        assert Fits(store / "hears")(file) is asked


def test_the_shipped_cards_fit_the_files_that_the_models_were_trained_on(monkeypatch, tmp_path):
    monkeypatch.setenv("BYTESIM_MODELS", str(tmp_path / "none"))
    assert second(EXAMPLES / "sunset.bmp") == "cifar10"
    assert second(EXAMPLES / "sunset.png") == ""
    assert second(EXAMPLES / "bell.wav") == "speech"
    assert second(EXAMPLES.parent / "LICENSE") == ""
    assert second(EXAMPLES.parent / "LICENSE", then=True) == "agnews"


@pytest.mark.parametrize(
    "damaged", [None, 3, "yes", [], {}, {"seconds": 1}, {"seconds": [1]}, {"seconds": ["a", 2]}, {"bytes": [1, 2]}]
)
def test_a_damaged_field_fits_is_one_error_that_names_the_card(store, files, damaged):
    folder = make_classifier(store / "agnews", {"World": words("letters", 99), "b": words("digits", 99)}, fits=damaged)
    with pytest.raises(ModelError, match="the field fits is not valid") as raised:
        classify_file(files / "1.bin")
    assert raised.value.file == str(folder / "card.json")


# --- text and binary -------------------------------------------------------------------------


def test_a_text_is_never_a_binary_type_and_unknown_says_which_it_is(store, files):
    kinds = {"gz": words("digits", 150), "txt": words("letters", 150), "shell": words("noise", 150)}
    make_classifier(store / "filetype", kinds, calibration=calibration(unknown_below=1.0))
    outcomes = classify_file(files, model="filetype", top=3)
    for answer in (outcome.result.answer for outcome in outcomes):
        assert answer.label == "unknown"
        assert answer.content == ("binary" if answer.guess == "shell" else "text")
        assert answer.guess != "gz"
        assert sum(guess.probability for guess in answer.top) == pytest.approx(1.0)
    lines = run("file", files, "--model", "filetype", "--top", 2).stdout.splitlines()
    assert [line.partition(": ")[2].partition(" (")[0] for line in lines] == ["unknown text"] * 2 + [
        "unknown binary", "unknown text"
    ]  # fmt: skip


def test_a_text_may_be_of_a_binary_type_whose_files_hold_text_at_times_if_it_has_the_signature(store, files):
    kinds = {"pdf": words("digits", 150), "txt": words("letters", 150), "unknown": words("noise", 150)}
    make_classifier(store / "filetype", kinds)
    assert classify_file(files / "0.bin", model="filetype")[0].result.answer.guess == "txt"
    signed = files / "signed.bin"
    signed.write_bytes(b"%PDF" + words("digits", 1)[0])
    assert classify_file(signed, model="filetype")[0].result.answer.label == "pdf"


def test_a_binary_file_without_the_signature_of_a_type_is_unknown(store, files):
    kinds = {"csv": words("digits", 150), "png": words("noise", 150), "unknown": words("letters", 150)}
    make_classifier(store / "filetype", kinds)
    answer = classify_file(files / "2.bin", model="filetype", top=3)[0].result.answer
    assert (answer.label, answer.content) == ("unknown", "binary")
    assert answer.top[0].label == "unknown"
    assert answer.top[0].probability > 0.9
    pieces = classify_fragments(files / "2.bin", model="filetype", window=64)
    assert {fragment.label for fragment in pieces.fragments} == {"png"}  # a piece has no signature


def test_a_classifier_without_a_class_unknown_needs_no_signature(store, files):
    make_classifier(store / "filetype", {"csv": words("digits", 150), "png": words("noise", 150)})
    assert classify_file(files / "2.bin", model="filetype")[0].result.answer.label == "png"


def test_the_word_unknown_comes_once_in_a_line(tmp_path, files):
    examples = {"digits": words("digits", 150), "unknown": words("noise", 150), "letters": words("letters", 150)}
    model = make_classifier(tmp_path / "three", examples, calibration=calibration(unknown_below=1.0, temperature=4.0))
    line = run("file", files / "0.bin", "--model", model, "--top", 3).stdout
    assert re.search(r"0\.bin: unknown text \(perhaps digits 0\.\d{4}, letters 0\.\d{4}\)\n", line)


def test_a_guess_that_is_hardly_probable_is_not_shown(tmp_path, files):
    examples = {"digits": words("digits", 150), "unknown": words("noise", 150)}
    model = make_classifier(tmp_path / "two", examples)
    answer = classify_file(files / "2.bin", model=str(model))[0].result.answer
    assert answer.probability < 0.01
    assert run("file", files / "2.bin", "--model", model).stdout == f"{files / '2.bin'}: unknown binary\n"


def test_the_labels_of_silence_and_of_other_words_are_read_by_people():
    silence = wav.serialize(wav.model_recording(bytes([wav.SILENCE]) * wav.MODEL_FRAMES))
    assert run("file", "-", "--model", "speech", input=silence).stdout.startswith("-: silence 0.9")


@pytest.mark.parametrize("damaged", [None, 3, ["agnews"], {"txt": 1}, {"txt": ""}, {"docx": "agnews"}])
def test_a_damaged_field_next_is_one_error_that_names_the_card(store, files, damaged):
    kinds = {"txt": words("letters", 99), "gz": words("digits", 99)}
    folder = make_classifier(store / "filetype", kinds, next=damaged)
    with pytest.raises(ModelError, match="the field next") as raised:
        classify_file([files])
    assert (raised.value.file, "\n" in str(raised.value)) == (str(folder / "card.json"), False)


def test_every_model_that_the_shipped_card_names_next_is_shipped(monkeypatch, tmp_path):
    monkeypatch.setenv("BYTESIM_MODELS", str(tmp_path / "none"))
    named = set(load_classifier("filetype").next_models.values())
    assert named == {"agnews", "cifar10", "speech"}
    assert named <= {model.name for model in stored_models()}


def test_auto_needs_the_model_of_types(tmp_path, monkeypatch, files):
    monkeypatch.setenv("BYTESIM_MODELS", str(tmp_path / "none"))
    monkeypatch.setattr("bytesim.models.store.shipped_folder", lambda: tmp_path / "none")
    with pytest.raises(ModelError, match="needs the model 'filetype'"):
        classify_file([files])


# --- forms -----------------------------------------------------------------------------------


def test_a_picture_is_brought_to_the_form_that_the_model_reads(tmp_path):
    small = tmp_path / "small.bmp"
    Image.open(EXAMPLES / "sunset.png").convert("RGB").resize((32, 32)).save(small)
    model = make_classifier(
        tmp_path / "pictures",
        {"a": [small.read_bytes()], "b": [bytes(3126)]},
        suffix="bmp",
        max_patches=200,
        patch_size=16,
    )
    sunset, same = classify_file([EXAMPLES / "sunset.png", small], model=str(model))
    assert sunset.result.answer.changed == "PNG 96x64 -> middle square, 32x32"
    assert same.result.answer.changed == ""
    assert (same.result.answer.label, same.result.answer.read) == ("a", "")


def test_a_recording_is_brought_to_the_form_that_the_model_reads():
    source = wav.Recording(
        sample_rate_hz=16000, num_channels=2, sample_format=wav.SampleFormat.S16, frames=bytes(4 * 24000)
    )
    data, done = model_form(io.BytesIO(wav.serialize(source)), "wav")
    assert (len(data), data[:4]) == (8044, b"RIFF")
    assert done == "16000 Hz stereo, 1.5 s -> first 1 s"
    assert model_form(io.BytesIO(data), "wav") == (data, "")
    with pytest.raises(InputError, match="not a recording"):
        model_form(io.BytesIO(b"nothing of the kind"), "wav")


def test_a_card_may_say_that_files_are_read_as_they_are(tmp_path):
    model = make_classifier(tmp_path / "raw", suffix="bmp", normalize=False)
    (outcome,) = classify_file([EXAMPLES / "sunset.png"], model=str(model))
    assert outcome.result.answer.changed == ""


# --- processes -------------------------------------------------------------------------------


@pytest.mark.slow
def test_processes_answer_what_one_does(model, files):
    (files / "4.bin").touch()
    alone, together = classify_file([files], model=model), classify_file([files], model=model, jobs=2)
    assert [outcome.source for outcome in alone] == [outcome.source for outcome in together]
    for one, other in zip(alone, together, strict=True):
        assert str(one.error) == str(other.error)
        if one.result is not None:
            assert one.result.answer.label == other.result.answer.label
            assert one.result.answer.probability == pytest.approx(other.result.answer.probability, abs=1e-5)


@pytest.mark.slow
@needs_proc
def test_a_process_that_is_killed_is_told_in_one_line(tmp_path):
    model = make_classifier(tmp_path / "kinds")
    os.mkfifo(tmp_path / "pipe")  # never written to, so that both wait for it
    os.mkfifo(tmp_path / "pipe2")
    words = ["classify", "file", str(tmp_path / "pipe"), str(tmp_path / "pipe2"), "--model", str(model), "--jobs", "2"]
    process = start_bytesim(*words, stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        os.kill(int(children_of(process.pid, 3)[-1]), signal.SIGKILL)
        _, said = process.communicate(timeout=120)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert process.returncode == 1
    (line,) = said.strip().splitlines()
    assert "error: a classifying process was killed" in line


# --- what is refused -------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [{"top": 0}, {"batch": 0}, {"jobs": 0}, {"threshold": 1.5}, {"dtype": "int4"}])
def test_settings_that_make_no_sense_are_refused(model, files, settings):
    with pytest.raises(ConfigError):
        classify_file([files], model=model, **settings)


@pytest.mark.parametrize(
    ("card", "words"),
    [
        ({"labels": None}, "labels is not a list"),
        ({"labels": ["a", "b"]}, "2 different names for 3 classes"),
        ({"labels": ["a", "b", "b"]}, "2 different names for 3 classes"),
        ({"tasks": []}, "no suffix"),
        ({"tasks": "classify"}, "not a list of tables"),
        ({"windows": "all"}, "must be one of slide, ends"),
        ({"normalize": 1}, "neither true nor false"),
        ({"calibration": {"temperature": 0}}, "the field calibration is not valid"),
    ],
)
def test_a_card_that_makes_no_sense_is_refused(tmp_path, files, card, words):
    model = make_classifier(tmp_path / "odd", **card)
    with pytest.raises(ModelError, match=words):
        classify_file([files], model=str(model))


def test_a_model_that_writes_is_no_classifier(files):
    with pytest.raises(ModelError, match="it cannot classify them"):
        classify_file([files], model="music")


# --- fragments -------------------------------------------------------------------------------


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """Digits, letters, digits and noise, 256 bytes each, the last 20 short."""
    parts = [words(kind, 1, length=600, seed=7)[0][:256] for kind in ("digits", "letters", "digits", "noise")]
    path = tmp_path / "disk.img"
    path.write_bytes(b"".join(parts)[:-20])
    return path


def test_the_inside_of_a_file_is_labelled_window_by_window(model, image):
    found = classify_fragments(image, model=model, window=32)
    assert [(each.start, each.end, each.label) for each in found.stretches] == [
        (0, 256, "digits"),
        (256, 512, "letters"),
        (512, 768, "digits"),
        (768, 1004, "noise"),
    ]
    assert [each.windows for each in found.stretches] == [8, 8, 8, 8]
    assert len(found.fragments) == 32
    assert found.fragments[-1].end == 1004


def test_windows_may_overlap_or_leave_gaps(model, image):
    finer = classify_fragments(image, model=model, window=32, step=8)
    assert [each.label for each in finer.stretches][:1] == ["digits"]
    assert all(one.end == other.start for one, other in pairwise(finer.stretches))
    coarse = classify_fragments(image, model=model, window=32, step=300)
    assert [each.start for each in coarse.fragments] == [0, 300, 600, 900]
    assert coarse.stretches[0].end == 32


def test_the_inside_as_lines_csv_json_and_picture(model, image, tmp_path):
    done = run("fragments", image, "--model", model, "--window", 32, "--picture", tmp_path / "disk.png")
    assert done.exit_code == 0, done.output
    head, *lines = done.stdout.splitlines()
    assert head.endswith("1,004 bytes in 32 windows of 32 by the model kinds; picture " + str(tmp_path / "disk.png"))
    assert [line.split()[3] for line in lines] == ["digits", "letters", "digits", "noise"]
    with Image.open(tmp_path / "disk.png") as picture:
        assert min(picture.size) > 100
    table = run("fragments", image, "--model", model, "--window", 32, "--csv", "-").stdout
    assert len(list(csv.DictReader(io.StringIO(table)))) == 32
    seen = json.loads(run("fragments", image, "--model", model, "--window", 32, "--json").stdout)
    assert len(seen["stretches"]) == 4
    again = run("fragments", image, "--model", model, "--window", 32, "--picture", tmp_path / "disk.png")
    assert "exists already" in str(again.exception)


def test_a_window_that_does_not_fit_is_refused(model, image, tmp_path):
    with pytest.raises(ConfigError, match="reads 64 at a time"):
        classify_fragments(image, model=model, window=65)
    (tmp_path / "empty").touch()
    with pytest.raises(InputError, match="empty"):
        classify_fragments(tmp_path / "empty", model=model, window=8)


def test_more_labels_than_colours_share_one():
    pieces = [
        Fragment(start=n, end=n + 1, label=f"kind{n}" if n else "unknown", guess="kind1", probability=0.5)
        for n in range(40)
    ]
    from bytesim.tasks.classify.fragment_map import FragmentMap

    found = FragmentMap(
        source="x", model="m", num_bytes=40, window=1, step=1, fragments=tuple(pieces),
        stretches=join_fragments(pieces, 1),
    )  # fmt: skip
    colours = label_colours(found.labels)
    assert {"others", "unknown"} < set(colours)
    assert len(set(colours.values())) == len(colours)
    assert len(strip_labels(found.labels, 7)) == 7
    assert draw_fragments(found.labels, [0.5] * len(found.labels), window=16, step=16, title="a").startswith(b"\x89PNG")


def test_a_model_that_takes_mirror_images_reads_both(tmp_path):
    folder = make_classifier(tmp_path / "m", suffix="bmp", max_patches=400, mirror=True)
    picture = EXAMPLES / "sunset.bmp"
    reading = load_classifier(str(folder)).read(io.BytesIO(picture.read_bytes()), "sunset.bmp")
    assert [*reading.windows] == [picture.read_bytes(), bmp.mirrored(picture.read_bytes())]
    assert reading.read == "picture and mirror image"


def test_a_model_that_takes_speeds_hears_a_recording_at_five(tmp_path):
    folder = make_classifier(tmp_path / "m", suffix="wav", max_patches=2050, speeds=True)
    samples = np.random.default_rng(4).integers(90, 160, 8000, np.uint8)
    recording = wav.serialize(wav.model_recording(samples.tobytes()))
    model = load_classifier(str(folder))
    reading = model.read(io.BytesIO(recording), "yes.wav")
    assert [*reading.windows] == [recording, *(sped(recording, factor) for factor in SPEEDS)]
    assert reading.read == "at five speeds"
    alone = [model.logits([model.piece(window)]) for window in reading.windows]
    np.testing.assert_allclose(softmax(model.logits([reading]), 1.0), softmax(np.mean(alone, 0), 1.0), atol=1e-6)


@pytest.mark.parametrize(("suffix", "view"), [("wav", "speeds"), ("bmp", "mirror")])
def test_a_file_in_no_form_of_the_models_is_read_alone(suffix, view, tmp_path):
    folder = make_classifier(tmp_path / "m", suffix=suffix, max_patches=2050, normalize=False, **{view: True})
    wide = wav.Recording(sample_rate_hz=8000, num_channels=1, sample_format=wav.SampleFormat.S16, frames=bytes(8000))
    strange = wav.serialize(wide) if suffix == "wav" else b"BM garbage"
    reading = load_classifier(str(folder)).read(io.BytesIO(strange), f"x.{suffix}")
    assert (reading.windows, reading.read) == ((strange,), "")


def test_a_recording_of_another_speed_has_another_pitch():
    wave = 100 * np.sin(np.arange(8000) * 2 * np.pi * 400 / 8000) + 128
    recording = wav.serialize(wav.model_recording(np.rint(wave).astype(np.uint8).tobytes()))
    heard = np.frombuffer(sped(recording, 1.25), np.uint8)[44:].astype(float)
    assert np.argmax(np.abs(np.fft.rfft(heard - 128))) == 500
    assert (heard[:800] == 128).all()  # it begins later and is over sooner
    assert (heard[-790:] == 128).all()
    assert sped(recording, 1.0) == recording


def test_smoothing_of_labels_is_taken_out_of_the_answers(tmp_path):
    plain = load_classifier(str(make_classifier(tmp_path / "plain")))
    smoothed = load_classifier(str(make_classifier(tmp_path / "smoothed", label_smoothing=0.1)))
    files = words("digits", 5, seed=8)
    before, after = plain.probabilities(files), smoothed.probabilities(files)
    assert np.allclose(after, softmax(unsmoothed(np.log(before), 0.1)))
    assert (after.max(1) > before.max(1)).all()


@pytest.mark.parametrize("value", [1.0, -0.1, "0.1", True])
def test_a_card_with_impossible_smoothing_is_refused(tmp_path, value):
    folder = make_classifier(tmp_path / "m", label_smoothing=value)
    with pytest.raises(ModelError, match="label_smoothing"):
        load_classifier(str(folder))
