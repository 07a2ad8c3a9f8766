"""`train classify`: a folder of labelled files to a calibrated classifier, honestly split and stopped in time."""

import json
import random
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import Result
from helpers.tiny_training import losses
from helpers.training_runs import run_with_kills
from typer.testing import CliRunner

import bytesim
from bytesim.cli import app
from bytesim.errors import BytesimError, ConfigError, InputError
from bytesim.models.encoder.config import EncoderConfig
from bytesim.models.weights import load_model
from bytesim.tasks.models import verify_model
from bytesim.tasks.train import labels as train_labels
from bytesim.tasks.train.labels import classify_recipe
from bytesim.tasks.train.train import train_classify, train_recipe
from bytesim.training import validator
from bytesim.training.data.folders import MAX_FILE_BYTES, find_group, read_labelled
from bytesim.training.data.shards import pack
from bytesim.training.data.split import RULE, LabelledFile, dev_files, held_out_digests, join_groups
from bytesim.training.data.streams import ClassifyStream, open_streams
from bytesim.training.data.windows import drawn_window, measured_windows, window_bytes
from bytesim.training.loop import Trainer
from bytesim.training.recipe import TrainingConfig, load_recipe, recipe_text
from bytesim.training.sources import ClassifySource
from bytesim.training.state import Best
from bytesim.training.step import StepReport
from bytesim.training.validation import Validation

CPU = torch.device("cpu")


def write_words(folder: Path, count: int = 20, suffix: str = "txt") -> Path:
    """A folder with words of a to e in `low` and of v to z in `high`, count of each."""
    rng = random.Random(0)
    for label, letters in (("low", b"abcde"), ("high", b"vwxyz")):
        (folder / label).mkdir(parents=True, exist_ok=True)
        for index in range(count):
            (folder / label / f"{index}.{suffix}").write_bytes(bytes(rng.choices(letters, k=rng.randrange(8, 30))))
    return folder


def rows_of(folder: Path, source: ClassifySource, labels: tuple[str, ...] = ("high", "low")) -> list[bytes]:
    shard = read_labelled(folder, source, labels).shard
    return [shard.row(index)[1] for index in range(len(shard))]


# --- the split -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "held"), [(2, 1), (50, 5), (400, 40), (1000, 100), (4000, 100), (5000, 100), (20_000, 400)]
)
def test_a_tenth_is_held_back_of_few_files_and_a_fiftieth_of_many(files, held):
    assert dev_files(files) == held


def test_every_label_is_measured_and_none_is_taken_out_of_training():
    files = [LabelledFile("common", f"c{number:04}", None) for number in range(200)]
    files += [LabelledFile("rare", f"r{number}", None) for number in range(2)]
    files += [LabelledFile("single", "s", None)]
    held = held_out_digests(files)
    parts = Counter((file.label, file.digest in held) for file in files)
    assert parts["common", True] == 20
    assert (parts["rare", True], parts["rare", False]) == (1, 1)
    assert (parts["single", True], parts["single", False]) == (0, 1)


def test_a_group_is_held_back_whole_and_so_are_equal_contents():
    files = [
        LabelledFile(label, f"{speaker}{label}{take}", f"speaker{speaker}")
        for speaker in range(12)
        for label in ("yes", "no")
        for take in range(3)
    ]
    files.append(LabelledFile("yes", "0yes0", "speaker1"))  # the same recording under another name
    held = held_out_digests(files)
    assert len(join_groups(files)) == 11
    sides = {file.group: {each.digest in held for each in files if each.group == file.group} for file in files}
    assert all(len(side) == 1 for side in sides.values())
    assert sides["speaker0"] == sides["speaker1"]
    assert 1 <= sum(side == {True} for side in sides.values()) <= 3


def test_labels_of_one_group_each_cannot_be_measured():
    assert not held_out_digests([LabelledFile(label, f"{label}{n}", label) for label in "ab" for n in range(5)])


def test_a_group_is_what_the_expression_finds_in_the_path():
    assert find_group("yes/anna_03.wav", r"/(\w+)_") == "anna"
    assert find_group("yes/anna_03.wav", r"anna|bert") == "anna"
    assert find_group("yes/carl_03.wav", r"anna|bert") is None
    assert find_group("yes/anna_03.wav", r"(carl)?anna") == ""
    assert find_group("yes/anna_03.wav", "") is None


def test_folders_and_suffixes_of_one_recipe_are_split_together(tmp_path):
    """The same content in two folders, under two suffixes, is never learned from here and measured there."""
    write_words(tmp_path / "one", 30)
    write_words(tmp_path / "two", 30, "text")
    sources = [
        ClassifySource(path=path, target_suffix=suffix, part=part)
        for path, suffix in (("one", "txt"), ("two", "text"))
        for part in ("train", "dev")
    ]
    model = classify_recipe([tmp_path / "one"], tmp_path / "run", None, "tiny").model
    streams = open_streams(sources, model, tmp_path, ("high", "low"))
    contents = [{stream.shard.row(int(row))[1] for row in stream.rows} for stream in streams]
    assert contents[0] == contents[2]
    assert contents[1] == contents[3]
    assert not contents[0] & contents[1]


def test_parts_of_a_labelled_folder_make_up_the_whole(tmp_path):
    write_words(tmp_path, 25)
    source = ClassifySource(path=".")
    parts = {part: rows_of(tmp_path, source.replace(part=part)) for part in ("all", "train", "dev")}
    assert Counter(parts["train"]) + Counter(parts["dev"]) == Counter(parts["all"])
    assert len(parts["dev"]) == 4


# --- windows ---------------------------------------------------------------------------------


def test_windows_of_a_long_file_reach_from_its_start_to_its_end():
    data = bytes(range(250))
    config = EncoderConfig(patch_size=8, max_patches=12)  # 80 bytes
    assert measured_windows(data[:80], config, "slide") == [data[:80]]
    windows = measured_windows(data, config, "slide")
    assert (windows[0], data.endswith(windows[-1])) == (data[:80], True)
    assert len(windows) == 6
    assert set(b"".join(windows)) == set(data)
    assert measured_windows(data, config, "slide", 3) == [windows[0], windows[2], windows[5]]
    assert measured_windows(data, config, "slide", 1) == [windows[0]]
    rng = np.random.default_rng(0)
    assert {drawn_window(data, config, "slide", rng)[0] for _ in range(600)} == set(range(0, 177, 8))
    assert drawn_window(data[:80], config, "slide", rng) == data[:80]


def test_the_ends_of_a_long_file_are_learned_from_and_measured_by():
    data, config = bytes(range(250)), EncoderConfig(patch_size=8, max_patches=12)
    ends = data[:40] + data[-40:]
    assert measured_windows(data, config, "ends") == [ends]
    assert drawn_window(data, config, "ends", np.random.default_rng(0)) == ends


def test_a_file_longer_than_the_history_is_learned_from_and_measured_by_windows(tmp_path):
    model = classify_recipe([write_words(tmp_path / "words")], tmp_path / "run", None, "tiny").model
    size = window_bytes(model)
    long = random.Random(0).randbytes(3 * size)
    source = ClassifySource(path="-", target_suffix="bin")
    stream = ClassifyStream(source, pack([(b"", b"short"), (b"", long)], labels=[0, 1]), model)
    assert (len(stream), stream.left_out) == (2, 0)
    drawn = stream.draw(np.random.default_rng(0), 10_000) + stream.draw(np.random.default_rng(1), 10_000)
    assert all(len(each.patches) <= model.max_patches for each in drawn)
    assert len(stream.windows(0)) == 1
    assert len(stream.windows(1)) == 5
    assert len(stream.windows(1, 2)) == 2
    assert all(len(each.patches) <= model.max_patches for each in stream.windows(1))
    drawn = [stream.example(1, np.random.default_rng(seed)).patches.tobytes() for seed in range(4)]
    assert len(set(drawn)) == 4


def test_a_classifier_reads_the_sources_of_a_shard_where_its_recipe_turns_them_round():
    config = EncoderConfig(patch_size=8, max_patches=12)
    source = ClassifySource(path="-", target_suffix="bin", reverse=True)
    stream = ClassifyStream(source, pack([(b"source", b"target")], labels=[1]), config)
    for example in (stream.example(0), *stream.windows(0), *stream.draw(np.random.default_rng(0), 1)):
        assert bytes(example.patches[1, :6].astype(np.uint8)) == b"source"


@pytest.mark.parametrize(("balance", "share"), [(0.0, 0.1), (0.5, 0.25), (1.0, 0.5)])
def test_rare_classes_are_drawn_as_often_as_the_recipe_asks(balance, share):
    source = ClassifySource(path="-", target_suffix="bin", balance=balance)
    labels = [int(index < 20) for index in range(200)]
    rows = [(b"", bytes([index]) * (1 + index % 60)) for index in range(200)]
    stream = ClassifyStream(source, pack(rows, labels=labels), EncoderConfig(patch_size=8, max_patches=12))
    rng = np.random.default_rng(0)
    drawn = [each.label for _ in range(100) for each in stream.draw(rng, 4_000)]
    assert np.mean(drawn) == pytest.approx(share, abs=0.03)
    stream = ClassifyStream(source, pack(rows, labels=labels), stream.config, labels=("known", "unknown"))
    drawn = [each.label for _ in range(100) for each in stream.draw(rng, 4_000)]
    assert np.mean(drawn) == pytest.approx(0.1, abs=0.03)  # as often as it has files


# --- stopping in time ------------------------------------------------------------------------


def small_recipe(folder: Path, **training: object) -> Path:
    """A recipe for the words of `write_words`, that learns fast; the path of its file."""
    write_words(folder / "words")
    made = classify_recipe([folder / "words"], folder / "run", None, "tiny")
    shape = {"channels": (8,), "strides": (4,), "blocks_per_stage": (0,), "hidden_size": 16, "head_size": 8}
    model = replace(made.model, byte_embedding_size=8, max_patches=16, ngram_buckets=64, **shape)
    options = {"checkpoint_minutes": 0.0, "batch_bytes": 400, "micro_bytes": 200, "warmup_steps": 2, **training}
    recipe = replace(made, model=model, training=made.training.replace(**options))
    (folder / "run").mkdir(exist_ok=True)
    path = folder / "run" / "recipe.toml"
    path.write_text(recipe_text(recipe, "a test"))
    return path


def test_the_best_weights_are_those_with_the_least_loss():
    best, model = Best(), torch.nn.Linear(1, 1)
    for step, loss in ((10, 0.5), (20, 0.3), (30, float("nan")), (40, 0.4)):
        torch.nn.init.constant_(model.weight, step)
        best.offer(model, step, loss)
    assert (best.step, best.loss_nats, float(best.weights["weight"])) == (20, 0.3, 20.0)
    assert best.waited(50, 10) == 3


def test_training_ends_when_it_gets_no_better_and_saves_the_best(tmp_path, monkeypatch):
    path = small_recipe(tmp_path, steps=60, validate_steps=4, patience=3)
    found = iter([0.9, 0.5, 0.6, 0.7, 0.8, 0.9])
    monkeypatch.setattr(validator, "validate", lambda *parts: Validation({"words": 0.5}, next(found)))
    notes: list[str] = []
    trainer = Trainer(load_recipe(path), base=path.parent, folder=path.parent, device=CPU)
    kept = {}
    trainer.run(lambda report: kept.update({report.step: flat_weights(trainer)}))
    assert trainer.progress.step == 20
    assert trainer.early_stopping.best.step == 8
    assert trainer.early_stopping.load_best(trainer.model)
    assert torch.equal(flat_weights(trainer), kept[8])
    made = train_recipe(path, out=path.parent, device="cpu", on_note=notes.append)
    assert (made.steps, made.best_step) == (20, 8)
    assert "stopped at step 20: no lower validation loss since step 8" in notes
    saved = load_model(made.model_folder).state_dict()
    assert all(
        torch.equal(saved[name], value.bfloat16().float())
        for name, value in trainer.early_stopping.best.weights.items()
    )
    assert json.loads((made.model_folder / "card.json").read_text())["training"]["best_step"] == 8


def flat_weights(trainer: Trainer) -> torch.Tensor:
    return torch.cat([each.detach().flatten().clone() for each in trainer.model.parameters()])


@pytest.mark.slow
def test_more_patience_lets_a_stopped_training_go_on(tmp_path):
    path = small_recipe(tmp_path, steps=40, validate_steps=1, patience=2, learning_rate=1e-9)
    made = train_recipe(path, out=path.parent, device="cpu")
    assert made.steps < 40
    assert train_recipe(path, out=path.parent, device="cpu").steps == made.steps
    path.write_text(path.read_text().replace("patience = 2", "patience = 1000"))
    assert train_recipe(path, out=path.parent, device="cpu").steps == 40


@pytest.mark.slow
@pytest.mark.parametrize("stop", [3, 6, 11])
def test_a_training_taken_up_from_any_checkpoint_saves_the_same_best_weights(tmp_path, stop, monkeypatch):
    path = small_recipe(tmp_path, steps=16, validate_steps=2, patience=5)
    found = {2: 0.5, 4: 0.3, 6: 0.4, 8: 0.35, 10: 0.5, 12: 0.4, 14: 0.4}
    monkeypatch.setattr(Trainer, "validate", lambda self, **rest: Validation({"w": 0.5}, found[self.progress.step]))
    whole = train_recipe(path, out=tmp_path / "whole" / "run", device="cpu")
    assert (whole.steps, whole.best_step) == (14, 4)

    class Killed(Exception):
        pass

    def kill(report: StepReport) -> None:
        if report.step == stop:
            raise Killed

    with pytest.raises(Killed):
        train_recipe(path, out=tmp_path / "killed" / "run", device="cpu", on_step=kill)
    again = train_recipe(path, out=tmp_path / "killed" / "run", device="cpu")
    assert again.resumed_at == stop
    assert (again.steps, again.best_step) == (whole.steps, whole.best_step)
    models = [(each.model_folder / "model.safetensors").read_bytes() for each in (whole, again)]
    assert models[0] == models[1]


@pytest.mark.slow
def test_a_killed_training_saves_the_best_weights_of_one_that_was_not(tmp_path):
    path = small_recipe(tmp_path, steps=30, validate_steps=2, patience=4)
    run_with_kills(path, tmp_path / "whole", [])
    assert "resuming at step" in run_with_kills(path, tmp_path / "killed", [7])
    models = [(tmp_path / name / "run" / "model.safetensors").read_bytes() for name in ("whole", "killed")]
    assert models[0] == models[1]
    assert losses(tmp_path / "whole") == losses(tmp_path / "killed")


def validations(folder: Path) -> list[dict[str, object]]:
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [line for line in lines if "validation" in line]


def test_both_loss_and_accuracy_are_logged(tmp_path):
    path = small_recipe(tmp_path, steps=8, validate_steps=4)
    train_recipe(path, out=tmp_path / "run", device="cpu")
    logged = validations(tmp_path / "run")
    assert [line["step"] for line in logged] == [4, 8]
    assert all(0 <= line["validation"]["../words"] <= 1 and line["validation_loss_nats"] > 0 for line in logged)


def test_patience_without_anything_to_watch_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="validate_steps"):
        TrainingConfig(patience=1, validate_steps=0)
    recipe = load_recipe(small_recipe(tmp_path))
    with pytest.raises(ConfigError, match="validation"):
        replace(recipe, validation=())


# --- the command -----------------------------------------------------------------------------


def train(folder: Path, *options: str) -> Result:
    base = ["train", "classify", str(folder), "--size", "tiny", "--device", "cpu"]
    return CliRunner().invoke(app, [*base, *options])


def test_the_command_says_how_good_it_is_and_how_to_use_it(tmp_path):
    write_words(tmp_path / "words", 30)
    for index in range(60):
        (tmp_path / "words" / "low" / f"more{index}.txt").write_bytes(b"aaa%d" % index)
    out = tmp_path / "out"
    done = train(tmp_path / "words", "--steps", "25", "--out", str(out))
    assert done.exit_code == 0, done.output
    said = done.stdout.splitlines()
    assert re.match(r"\d+\.\d% of 12 held-out files are right; always answering 'low' would give 75\.0%", said[1])
    assert said[-1] == f"use it: bytesim classify file FILE --model {out / 'out'}"
    for name in ("confusion.png", "reliability.png", "loss.png"):
        assert (out / name).read_bytes().startswith(b"\x89PNG")
    verify_model(str(out / "out"))


def test_the_card_holds_the_calibration_and_counts_of_every_label(tmp_path):
    made = train_classify(
        [write_words(tmp_path / "words", 30)], out=tmp_path / "run", size="tiny", device="cpu", steps=25
    )
    card = json.loads((made.model_folder / "card.json").read_text())
    judged = made.judged
    assert judged is not None
    assert card["calibration"]["files"] == judged.files == 6
    assert set(card["calibration"]) == {
        *(
            "temperature",
            "unknown_below",
            "unknown_weight",
            "unknown_from",
            "uncalibrated",
            "uniform",
            "files",
            "split",
            "split_sha256",
        ),
        "expected_calibration_error",
    }
    assert [(each["label"], each["trained"], each["files"]) for each in card["results"]["labels"]] == [
        ("high", 27, 3),
        ("low", 27, 3),
    ]
    assert card["results"]["accuracy"] == judged.accuracy == made.validation["../words"]
    assert 0 <= card["results"]["macro_f1"] <= 1
    assert card["split"]["held_back"] == RULE
    assert card["results"]["expected_calibration_error"]["before"] == judged.uncalibrated_error


def test_files_unlike_the_training_files_are_unknown(tmp_path):
    folder = write_words(tmp_path / "words", 40)
    made = train_classify([folder], out=tmp_path / "run", size="tiny", device="cpu", steps=25)
    model = bytesim.load(f"{made.model_folder}/")
    random_bytes = model.classify(random.Random(1).randbytes(200))
    assert (random_bytes.label, random_bytes.outlier) == ("unknown", True)
    known = model.classify([path.read_bytes() for path in sorted(folder.rglob("*.txt"))])
    assert sum(answer.outlier for answer in known) <= 2
    always = model.classify(random.Random(1).randbytes(200), threshold=0.0)
    assert (always.label, always.outlier) == (random_bytes.guess, False)
    (tmp_path / "odd.txt").write_bytes(random.Random(1).randbytes(200))
    done = CliRunner().invoke(app, ["classify", "file", str(tmp_path / "odd.txt"), "--model", f"{made.model_folder}/"])
    assert "(unlike the training files of run)" in done.stdout
    table = CliRunner().invoke(
        app, ["classify", "file", str(tmp_path / "odd.txt"), "--model", f"{made.model_folder}/", "--csv", "-"]
    )
    assert table.stdout.splitlines()[1].endswith(",binary,yes,")


def test_what_the_files_of_a_former_training_were_like_counts_no_longer(tmp_path):
    many, few = write_words(tmp_path / "many", 40), write_words(tmp_path / "few", 12)
    done = train(many, "--steps", "2", "--out", str(tmp_path / "run"))
    assert "for files unlike the training files" in done.stdout
    kept = (tmp_path / "run" / "run" / "distribution.npz").read_bytes()
    other = train_classify([few], out=tmp_path / "other", size="tiny", device="cpu", steps=2)
    assert other.judged is not None
    assert not other.judged.tells_outliers
    (other.model_folder / "distribution.npz").write_bytes(kept)
    assert not bytesim.load(f"{other.model_folder}/").classify(random.Random(1).randbytes(200)).outlier


def test_a_model_with_a_class_unknown_or_of_few_files_has_no_distribution(tmp_path):
    few = train_classify([write_words(tmp_path / "few", 20)], out=tmp_path / "run", size="tiny", device="cpu", steps=2)
    assert not (few.model_folder / "distribution.npz").exists()
    folder = write_words(tmp_path / "words", 40)
    (folder / "low").rename(folder / "unknown")
    made = train_classify([folder], out=tmp_path / "other", size="tiny", device="cpu", steps=2)
    assert not (made.model_folder / "distribution.npz").exists()


def test_groups_are_kept_in_the_recipe_and_in_the_card(tmp_path):
    write_words(tmp_path / "words", 20)
    notes: list[str] = []
    options = {"out": tmp_path / "run", "size": "tiny", "device": "cpu", "steps": 1}
    made = train_classify([tmp_path / "words"], group=r"(\d)\.txt", on_note=notes.append, **options)
    assert "40 files in 10 groups" in notes
    recipe = load_recipe(tmp_path / "run" / "recipe.toml")
    assert {source.group_by for source in (*recipe.data, *recipe.validation)} == {r"(\d)\.txt"}
    assert recipe.training.patience == train_labels.PATIENCE
    assert json.loads((made.model_folder / "card.json").read_text())["split"]["group_by"] == r"(\d)\.txt"


def test_folders_as_users_have_them_are_learned_from(tmp_path):
    """Odd names, folders in folders, hidden, empty and long files, labels with one file and with few."""
    data = write_words(tmp_path / "data", 4)
    for path in (
        "low/deep/er/a.txt",
        "low/deep/.hidden",
        ".git/config",
        "low/empty.txt",
        "a [b] 'c' é/1.x",
        "a [b] 'c' é/2.x",
    ):
        (data / path).parent.mkdir(parents=True, exist_ok=True)
        (data / path).write_bytes(b"" if "empty" in path else path.encode())
    (data / "one_of_a_kind.txt").write_bytes(b"?")
    (data / "low" / "long.txt").write_bytes(random.Random(0).randbytes(MAX_FILE_BYTES + 9))
    notes: list[str] = []
    made = train_classify([data], out=tmp_path / "run", size="tiny", device="cpu", steps=1, on_note=notes.append)
    assert json.loads((made.model_folder / "card.json").read_text())["labels"] == ["a [b] 'c' é", "high", "low", "one"]
    assert any(note == "too few files to hold some out, so not measured: one" for note in notes)
    assert "files of which only the first 1,048,576 bytes are read: 1" in notes
    assert any(re.search(r"1 of \d+ examples left out: empty", note) for note in notes)
    judged = made.judged
    assert judged is not None
    assert sum(each.trained + each.files for each in judged.labels) == 13
    assert {each.label: each.files for each in judged.labels}["a [b] 'c' é"] == 1


def test_two_files_of_each_label_are_enough(tmp_path):
    made = train_classify(
        [write_words(tmp_path / "words", 2)], out=tmp_path / "run", size="tiny", device="cpu", steps=1
    )
    judged = made.judged
    assert judged is not None
    assert [(each.trained, each.files) for each in judged.labels] == [(1, 1), (1, 1)]


def test_what_cannot_be_learned_from_is_told_in_one_line(tmp_path):
    words = write_words(tmp_path / "words", 3)
    alone, alike, single = tmp_path / "alone", tmp_path / "alike", tmp_path / "single"
    for path in (alone / "a/1", alone / "a/2", alike / "a/1", alike / "b/1", single / "a/1", single / "b/1"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"same" if alike in path.parents else str(path).encode())
    (tmp_path / "empty" / "a").mkdir(parents=True)
    for folder, options, said in (
        (alone, [], "two labels; found a"),
        (alike, [], "needs two files of different content"),
        (single, [], "needs two files of different content"),
        (tmp_path / "empty", [], "holds no files"),
        (words, ["--suffix", "wav"], r"holds no \*\.wav"),
        (words, ["--group", "("], "not a regular expression"),
        (words, ["--group", "speaker"], "is found in no path"),
        (words, ["--group", "low|high"], "needs two groups"),
        (words, ["--out", str(words / "run")], "lies in it"),
    ):
        done = train(folder, "--steps", "1", "--out", str(tmp_path / "run"), *options)  # the last --out counts
        assert isinstance(done.exception, BytesimError), done.output
        assert re.search(said, str(done.exception))
        assert "\n" not in str(done.exception)
    assert not (tmp_path / "run").exists()
    assert not (words / "run").exists()


def test_a_file_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    words = write_words(tmp_path / "words", 3)
    opened = Path.open

    def refuse(path: Path, *rest: str, **options: str) -> object:
        if path.name == "1.txt":
            raise PermissionError(13, "Permission denied")
        return opened(path, *rest, **options)

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(InputError, match=r"high.1\.txt: cannot be read \(Permission denied\)"):
        train_classify([words], out=tmp_path / "run", device="cpu", steps=1)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("content", "text"), [("wört ".encode() * 900, True), (bytes(range(256)) * 9, False)])
def test_files_of_text_are_read_as_a_bag_of_n_grams_as_well(tmp_path, content, text):
    for path in ("a/1.x", "a/2.x", "b/1.x", "b/2.x"):
        (tmp_path / "data" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / path).write_bytes(content + path.encode())
    recipe = classify_recipe([tmp_path / "data"], tmp_path / "run", None, "small")
    assert (recipe.model.ngram_buckets > 0) == text
