"""evaluate classify: figures on shards and folders, calibration into the card, unknown, other programs, pictures."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from helpers.music_models import make_model
from helpers.paths import EXAMPLES
from helpers.tiny_classifiers import calibration, make_classifier, words
from PIL import Image
from typer.testing import CliRunner

from bytesim.cli import app
from bytesim.errors import BytesimError, ConfigError, InputError
from bytesim.metrics import score_classification
from bytesim.models.folder import check_hashes
from bytesim.predictors.classifier import load_classifier
from bytesim.predictors.scaling import softmax
from bytesim.tasks.classify.fragments import classify_fragments
from bytesim.tasks.evaluate.bpb import evaluate_bpb
from bytesim.tasks.evaluate.classify import BASELINES, evaluate_classify
from bytesim.tasks.evaluate.labelled_split import load_labelled
from bytesim.training.data.shards import pack, save_shard, sha256_of

KINDS = ("digits", "letters", "noise")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_classifier(tmp_path_factory.mktemp("models") / "kinds"))


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows of three kinds, whole files and, as group 1, pieces; a tenth of the labels is wrong."""
    rows, labels, groups = [], [], []
    for label, kind in enumerate(KINDS):
        for place, data in enumerate(words(kind, 20, seed=4)):
            rows.append((b"", data))
            labels.append((label + (place % 10 == 0)) % 3)
            groups.append(int(place >= 10))
    path = tmp_path_factory.mktemp("splits") / "test.npz"
    save_shard(path, pack(rows, groups, labels))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for kind in KINDS:
        (tmp_path / "sorted" / kind).mkdir(parents=True)
        for place, data in enumerate(words(kind, 4, seed=6)):
            (tmp_path / "sorted" / kind / f"{place}.bin").write_bytes(data)
    return tmp_path / "sorted"


def run(*arguments: str | Path):
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments)])


def test_a_shard_is_scored_row_by_row(model, split):
    seen = evaluate_classify(split, model=model)
    shard = load_labelled(split, KINDS)
    expected = score_classification(
        load_classifier(model).probabilities([shard.read(place) for place in range(60)]), shard.classes
    )
    assert seen.score == expected
    assert seen.score.accuracy == 0.9
    assert seen.recall == dict.fromkeys(KINDS, 0.9)
    assert (seen.worst[0].files, seen.worst[0].share) == (2, 0.1)
    assert (seen.split, seen.split_sha256, seen.split_files) == ("test.npz", sha256_of(split), 60)


def test_signatures_count_for_whole_files_and_not_for_fragments(tmp_path):
    kinds = {"csv": words("digits", 150), "png": words("noise", 150), "unknown": words("letters", 150)}
    model = make_classifier(tmp_path / "types", kinds)
    (tmp_path / "files" / "png").mkdir(parents=True)
    (tmp_path / "files" / "png" / "0.bin").write_bytes(words("noise", 1, seed=5)[0])
    assert evaluate_classify(tmp_path / "files", model=str(model)).recall == {"png": 0.0}
    assert evaluate_classify(tmp_path / "files", model=str(model), fragments=64).recall == {"png": 1.0}


def test_a_group_and_a_limit_take_part_of_a_shard(model, split):
    part = evaluate_classify(split, model=model, group=1)
    assert (part.score.num_files, part.split) == (30, "test.npz, group 1")
    some = evaluate_classify(split, model=model, limit=9)
    assert (some.score.num_files, some.split_files) == (9, 60)
    assert set(some.recall) == set(KINDS)  # spread over the rows, which stand kind by kind


def test_several_splits_are_measured_together(model, split, folder):
    one, other = (evaluate_classify(each, model=model).score for each in (split, folder))
    both = evaluate_classify([split, folder], model=model, unseen=[folder, split])
    assert both.score.num_files == one.num_files + other.num_files == 72
    assert both.score.accuracy == pytest.approx((one.accuracy * 60 + other.accuracy * 12) / 72)
    assert both.split == f"test.npz and {folder.name}"
    assert len(both.split_sha256.split()) == 2
    assert both.unseen.num_files == 72
    assert both.answered_right <= both.score.accuracy
    assert both.answered_right >= both.score.accuracy - both.unknown
    assert evaluate_classify([split, split], model=model, limit=9).score.num_files == 18
    with pytest.raises(ConfigError, match="no split is given"):
        evaluate_classify([], model=model)


def test_a_folder_is_a_split(model, folder):
    seen = evaluate_classify(folder, model=model)
    assert (seen.score.num_files, seen.score.accuracy) == (12, 1.0)
    lines = sorted(
        f"{path.relative_to(folder).as_posix()}\0{hashlib.sha256(path.read_bytes()).hexdigest()}"
        for path in folder.rglob("*.bin")
    )
    listed = "".join(f"{digest}  {name}\n" for name, _, digest in (line.partition("\0") for line in lines))
    assert seen.split_sha256 == hashlib.sha256(listed.encode()).hexdigest()
    (folder / "pears").mkdir()
    (folder / "pears" / "0.bin").write_bytes(b"pear")
    with pytest.raises(InputError, match="its label is 'pears'; the model knows digits, letters, noise"):
        evaluate_classify(folder, model=model)


def test_the_table_says_what_it_was_measured_on(model, split):
    done = run("classify", split, "--model", model, "--limit", 30)
    assert done.exit_code == 0, done.output
    assert "| accuracy | 0.8000 |" in done.stdout  # the rows with a wrong label are all among the even ones
    assert "| label | taken for | files | of the label's files |" in done.stdout
    assert f"30 of 60 files of test.npz (sha256 {sha256_of(split)})" in done.stdout
    assert "decoding: float32, 32 windows at once, files over 64 bytes in windows that overlap by half" in done.stdout
    seen = json.loads(run("classify", split, "--model", model, "--json").stdout)
    assert np.array(seen["score"]["confusion"]).sum() == 60


def test_pictures_are_drawn_and_kept(model, split, tmp_path):
    pictures = [tmp_path / "confusion.png", tmp_path / "reliability.png"]
    words = ("--picture-confusion", pictures[0], "--picture-reliability", pictures[1])
    assert run("classify", split, "--model", model, *words).exit_code == 0
    for path in pictures:
        with Image.open(path) as picture:
            assert min(picture.size) > 400
    again = run("classify", split, "--model", model, *words)
    assert isinstance(again.exception, BytesimError)
    assert "exists already" in str(again.exception)


# --- unknown and calibration -----------------------------------------------------------------


@pytest.fixture
def strange(tmp_path: Path) -> Path:
    """Rows of no kind that the model knows."""
    path = tmp_path / "strange.npz"
    rows = [(b"", bytes([byte]) * 50) for byte in range(1, 30)]
    save_shard(path, pack(rows, labels=[99] * len(rows)))
    return path


def test_calibration_is_fitted_and_written_into_the_card(tmp_path, split, strange):
    folder = make_classifier(tmp_path / "kinds")
    seen = evaluate_classify(split, model=str(folder), calibrate=True)
    stored = json.loads((folder / "card.json").read_text())["calibration"]
    assert stored["temperature"] == seen.temperature > 1  # a tenth of the labels is wrong, so it was too sure
    assert stored["split_sha256"] == sha256_of(split)
    assert stored["expected_calibration_error"] == pytest.approx(seen.score.expected_calibration_error, abs=1e-6)
    assert seen.unknown <= 0.03
    check_hashes(folder)
    again = evaluate_classify(split, model=str(folder))
    assert (again.temperature, again.unknown_below) == (seen.temperature, seen.unknown_below)


def test_changed_files_are_the_same_each_time_and_have_a_calibration_of_their_own(tmp_path, split):
    folder = make_classifier(tmp_path / "kinds")
    plain = evaluate_classify(split, model=str(folder), calibrate=True)
    changed = evaluate_classify(split, model=str(folder), augment="drop", calibrate=True)
    assert changed.split == f"{plain.split}, changed by drop"
    assert json.loads((folder / "card.json").read_text())["calibration"]["split"] == changed.split
    assert changed.temperature != plain.temperature
    again = evaluate_classify(split, model=str(folder), augment="drop")
    assert again.score == changed.score != plain.score
    done = run("classify", split, "--model", folder, "--augment", "drop")
    assert f"{again.score.accuracy:.4f}" in done.stdout
    assert "changed by drop (sha256 " in done.stdout


def test_changes_that_do_not_fit_the_files_are_refused(model, split):
    for augment, message in (("tilt", "augment 'tilt' is unknown"), ("noise", "for files of 8,044 bytes")):
        with pytest.raises(ConfigError, match=message):
            evaluate_classify(split, model=model, augment=augment)


def test_unseen_kinds_are_counted_and_move_the_threshold(tmp_path, split, strange):
    folder = make_classifier(tmp_path / "kinds", calibration=calibration(unknown_below=0.01))
    before = evaluate_classify(split, model=str(folder), unseen=strange)
    assert (before.unseen.num_files, before.unknown) == (29, 0)
    after = evaluate_classify(split, model=str(folder), unseen=strange, calibrate=True)
    assert after.unseen.unknown > before.unseen.unknown
    assert after.unknown <= 0.045
    done = run("classify", split, "--model", folder, "--unseen", strange)
    assert "| unseen kinds called unknown | " in done.stdout
    assert "unseen: 29 files of strange.npz (sha256 " in done.stdout


def test_most_unknown_bounds_what_a_calibration_may_answer_unknown(tmp_path, split):
    folder = make_classifier(tmp_path / "kinds")
    shares = [
        evaluate_classify(split, model=str(folder), calibrate=True, most_unknown=most).unknown for most in (0.1, 0.3)
    ]
    assert 0 < shares[0] <= 0.1 < shares[1] <= 0.3
    for options, message in (({"most_unknown": 0.1}, "--calibrate"), ({"most_unknown": 1.0, "calibrate": True}, "1.0")):
        with pytest.raises(ConfigError, match=message):
            evaluate_classify(split, model=str(folder), **options)
    done = run("classify", split, "--model", folder, "--calibrate", "--most-unknown", "0")
    assert (done.exit_code, "most_unknown is 0.0" in str(done.exception)) == (1, True)


def test_files_unlike_the_training_files_are_unknown_once_these_are_named(tmp_path, split, strange):
    folder = make_classifier(tmp_path / "kinds")
    training = tmp_path / "training.npz"
    rows = [(b"", data) for kind in KINDS for data in words(kind, 60, seed=8)]
    save_shard(training, pack(rows, labels=[place // 60 for place in range(180)]))
    before = evaluate_classify(split, model=str(folder), unseen=strange, calibrate=True)
    after = evaluate_classify(split, model=str(folder), unseen=strange, calibrate=True, training_files=training)
    assert before.outliers == 0
    assert after.outliers < 0.05
    assert after.unknown >= after.outliers
    assert after.unseen.unknown == 1 > before.unseen.unknown
    check_hashes(folder)
    later = evaluate_classify(split, model=str(folder), unseen=strange)
    assert (later.outliers, later.unseen.unknown) == (after.outliers, 1)
    assert evaluate_classify(split, model=str(folder), fragments=64, unseen=strange).outliers == 0


def test_training_files_belong_to_a_calibration_of_whole_files(tmp_path, split, model):
    for options, message in (
        ({}, "Add --calibrate"),
        ({"calibrate": True, "fragments": 64}, "not for fragments"),
    ):
        with pytest.raises(ConfigError, match=message):
            evaluate_classify(split, model=model, training_files=split, **options)
    folder = make_classifier(tmp_path / "kinds")
    card = (folder / "card.json").read_bytes()
    save_shard(tmp_path / "few.npz", pack([(b"", b"abc")] * 9, labels=[0] * 9))
    with pytest.raises(InputError, match="no such shard"):
        evaluate_classify(split, model=str(folder), calibrate=True, training_files=tmp_path / "none.npz")
    done = run("classify", split, "--model", folder, "--calibrate", "--training-files", tmp_path / "few.npz")
    assert (done.exit_code, done.exception.message) == (
        1,
        "9 training files are too few; what they are like can be told from 50.",
    )
    assert (folder / "card.json").read_bytes() == card
    kinds = {"digits": words("digits", 150), "unknown": words("letters", 150)}
    knows = make_classifier(tmp_path / "knows", kinds)
    save_shard(tmp_path / "two.npz", pack([(b"", data) for data in words("digits", 60)], labels=[0] * 60))
    with pytest.raises(ConfigError, match="has learned what is unknown"):
        evaluate_classify(tmp_path / "two.npz", model=str(knows), calibrate=True, training_files=tmp_path / "two.npz")


def test_fragments_have_a_calibration_of_their_own(tmp_path, split, strange):
    folder = make_classifier(tmp_path / "kinds", calibration=calibration(temperature=0.5))
    made = evaluate_classify(split, model=str(folder), fragments=64, unseen=strange, calibrate=True)
    assert made.temperature > 1
    assert evaluate_classify(split, model=str(folder)).temperature == 0.5
    assert evaluate_classify(split, model=str(folder), fragments=48).temperature == made.temperature
    (tmp_path / "some.bin").write_bytes(b"123456789" * 20)
    parts = classify_fragments(tmp_path / "some.bin", model=str(folder), window=60).fragments
    whole = load_classifier(str(folder))
    pieces = [whole.piece(b"123456789" * 6 + b"123456")]
    assert parts[0].probability == pytest.approx(softmax(whole.logits(pieces), made.temperature).max(), abs=1e-6)
    with pytest.raises(ConfigError, match="fragments of 0"):
        evaluate_classify(split, model=str(folder), fragments=0)


def test_of_an_unseen_shard_the_same_group_is_taken(tmp_path):
    folder, shard, other = make_classifier(tmp_path / "kinds"), tmp_path / "known.npz", tmp_path / "strange.npz"
    rows = [(b"", b"123"), (b"", b"456"), (b"", b"789")]
    save_shard(shard, pack(rows, groups=[0, 0, 1], labels=[0, 0, 0]))
    save_shard(other, pack(rows, groups=[0, 1, 1], labels=[9, 9, 9]))
    assert evaluate_classify(shard, model=str(folder), unseen=other, group=1).unseen.num_files == 2
    assert evaluate_classify(shard, model=str(folder), unseen=other).unseen.num_files == 3


# --- other programs --------------------------------------------------------------------------


@pytest.fixture
def baselines(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that knows digits, and calls all else by a name that is no label."""

    def answers(files: Sequence[bytes]) -> list[str]:
        return ["digits" if data[:1].isdigit() else "data" for data in files]

    monkeypatch.setitem(BASELINES, "libmagic", answers)


def test_another_program_is_scored_on_the_same_files(model, split, baselines):
    (other,) = evaluate_classify(split, model=model, baselines=["libmagic"]).baselines
    assert other.accuracy == pytest.approx(18 / 60)
    assert other.macro_accuracy == pytest.approx(0.9 / 3)
    assert other.recall == {"digits": 0.9, "letters": 0.0, "noise": 0.0}
    assert other.unknown == pytest.approx(40 / 60)
    done = run("classify", split, "--model", model, "--baseline", "libmagic")
    assert "| accuracy | 0.9000 | 0.3000 |" in done.stdout
    assert "against libmagic: better on 2 labels (" in done.stdout


def test_settings_that_make_no_sense_are_refused(model, split, folder):
    with pytest.raises(ConfigError, match="baseline 'oracle'"):
        evaluate_classify(split, model=model, baselines=["oracle"])
    with pytest.raises(ConfigError, match="limit"):
        evaluate_classify(split, model=model, limit=0)
    with pytest.raises(ConfigError, match="groups"):
        evaluate_classify(folder, model=model, group=0)
    with pytest.raises(InputError, match="no files of group 7"):
        evaluate_classify(split, model=model, group=7)
    with pytest.raises(InputError, match="no such shard"):
        evaluate_classify(folder / "missing.npz", model=model)


def test_labels_that_the_model_lacks_are_refused(tmp_path, model):
    save_shard(tmp_path / "more.npz", pack([(b"", b"x")], labels=[3]))
    with pytest.raises(InputError, match="do not fit a model that has 3"):
        evaluate_classify(tmp_path / "more.npz", model=model)


# --- bits per byte ---------------------------------------------------------------------------


def test_bits_per_byte_are_drawn(tmp_path):
    model = make_model(tmp_path / "music")
    picture = tmp_path / "bits.png"
    evaluate_bpb([EXAMPLES], model=str(model), picture=picture, target_suffix="abc")
    with Image.open(picture) as drawn:
        assert min(drawn.size) > 300
    assert "exists already" in str(run("bpb", EXAMPLES, "--model", model, "--picture", picture).exception)
