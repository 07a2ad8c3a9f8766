"""A short lease: packed, trained without what a rented machine lacks, stopped by a signal, told in one JSON line."""

import json
import signal
import subprocess
import sys

import pytest
from helpers.paths import ROOT
from helpers.processes import start_process
from helpers.tiny_training import write_classifier, write_recipe

from benchmarks import lease
from benchmarks.rehearsal.__main__ import BLOCKED_RUN, LACKING, RECIPES, answer, prepare, run
from bytesim.tasks.models import verify_model
from bytesim.training.recipe import load_recipe


def command(monkeypatch, capsys, *words: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of the script, run in this process."""
    monkeypatch.setattr(sys, "argv", ["lease.py", *map(str, words)])
    code = lease.main()
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.fixture
def packs(tmp_path, monkeypatch, capsys):
    """Packs of two tiny recipes, `recipe` and `classifier`."""
    paths = [write_recipe(tmp_path), write_classifier(tmp_path)]
    code, out, _ = command(monkeypatch, capsys, "pack", "--out", tmp_path / "packs", *paths)
    assert code == 0
    sizes = json.loads(out.splitlines()[-1])["bytes"]
    for name, size in sizes.items():
        files = (tmp_path / "packs" / name).glob("*.xz")
        assert size == sum(path.stat().st_size for path in files) > 0
    return tmp_path / "packs"


def test_two_recipes_share_the_time_in_the_order_of_their_names(packs, monkeypatch, capsys, tmp_path):
    words = (
        "run",
        packs,
        "--recipes",
        "classifier,recipe",
        "--steps",
        "4",
        "--out",
        tmp_path / "out",
        "--device",
        "cpu",
    )
    code, out, _ = command(monkeypatch, capsys, *words)
    assert code == 0
    results = json.loads(out.splitlines()[-1])
    assert [result["recipe"] for result in results["recipes"]] == ["classifier", "recipe"]
    assert [result["steps"] for result in results["recipes"]] == [4, 4]
    for result in results["recipes"]:
        verify_model(result["model_folder"])


def test_a_recipe_that_fails_does_not_stop_the_next(packs, monkeypatch, capsys, tmp_path):
    next((packs / "recipe").glob("train*")).unlink()
    words = ("run", packs, "--recipes", "recipe,classifier", "--steps", "2", "--out", tmp_path / "out", "--probe", "0")
    code, out, err = command(monkeypatch, capsys, *words)
    assert code == 1
    assert err.startswith("error: recipe: ")
    assert err.count("\n") == 1
    first, second = json.loads(out.splitlines()[-1])["recipes"]
    assert "no such shard" in first["error"]
    assert second["steps"] == 2


def test_a_short_time_goes_to_the_first_recipes(packs, monkeypatch, capsys, tmp_path):
    words = (
        "run",
        packs,
        "--recipes",
        "recipe,classifier",
        "--minutes",
        "1",
        "--steps",
        "2",
        "--out",
        tmp_path / "out",
    )
    monkeypatch.setattr(lease, "STARTED", lease.time.monotonic())
    code, out, _ = command(monkeypatch, capsys, *words)
    assert code == 0
    assert out.splitlines()[0] == "no time for classifier: each recipe needs 40 s"
    assert [result["recipe"] for result in json.loads(out.splitlines()[-1])["recipes"]] == ["recipe"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "{packs}", "--recipes", "music"), "is not a pack"),
        (("run", "{packs}", "--recipes", "recipe", "--out", "{packs}"), "exists already"),
        (("run", "{packs}", "--recipes", ","), "takes names of packs"),
        (("run", "{packs}", "--recipes", "../packs/recipe"), "takes names of packs"),
        (("pack", "--out", "{packs}", "{packs}/../recipe.toml"), "exists already"),
        (("pack", "--out", "{packs}/new", "--mib", "0.0001", "{packs}/../recipe.toml"), "do not fit 104 bytes"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(packs, monkeypatch, capsys, words, said):
    code, _, err = command(monkeypatch, capsys, *(word.format(packs=packs) for word in words))
    assert code == 1
    assert err.startswith("error: ")
    assert said in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("words", ["--minutes 0", "--each nan", "--minutes inf", "--steps -1", "--loaders two"])
def test_numbers_that_mean_nothing_are_wrong_usage(monkeypatch, capsys, words):
    with pytest.raises(SystemExit) as caught:
        command(monkeypatch, capsys, "run", "packs", *words.split())
    assert caught.value.code == 2
    assert f"argument {words.split()[0]}" in capsys.readouterr().err


def test_sigterm_ends_a_run_with_its_model_written(packs, tmp_path):
    words = ["run", str(packs), "--recipes", "recipe,classifier", "--minutes", "30", "--out", str(tmp_path / "out")]
    script = str(ROOT / "benchmarks" / "lease.py")
    command = [sys.executable, script, *words, "--device", "cpu", "--probe", "0", "--loaders", "1"]
    lines = []
    with start_process(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            lines.append(line)
            if "are kept for them" in line:
                process.send_signal(signal.SIGTERM)
    assert process.returncode == 0
    results = json.loads(lines[-1])
    assert results["interrupted"]
    (result,) = results["recipes"]
    assert result["stopped_by"] == "signal"
    assert result["steps"] >= 1
    verify_model(result["model_folder"])


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_of_the_rehearsal_has_the_sources_and_the_architecture_of_the_real_one(name):
    real, small = (load_recipe(ROOT / folder / f"{name}.toml") for folder in ("recipes", "benchmarks/rehearsal"))
    assert {source.purpose for source in small.data} == {source.purpose for source in real.data}
    assert type(small.model) is type(real.model)
    assert small.model.inputs == real.model.inputs or name == "music"


def test_blocked_packages_cannot_be_imported(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("import sys\nfor name in sys.argv[1:]:\n    __import__(name)\n")
    for names, code in (([], 0), *(([name], 1) for name in LACKING)):
        program = BLOCKED_RUN.format(lacking=set(LACKING), words=[str(script), *names])
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        assert done.returncode == code
        assert code == 0 or "may be missing" in done.stderr


@pytest.mark.slow
def test_four_recipes_train_and_answer_without_what_a_rented_machine_lacks(tmp_path):
    prepare(tmp_path / "lease")
    results = run(tmp_path / "lease", "--steps", "2", "--probe", "0", "--minutes", "30")
    assert [(result["recipe"], result["steps"]) for result in results["recipes"]] == [(name, 2) for name in RECIPES]
    for name in RECIPES:
        assert answer(name, tmp_path / "lease" / "runs" / name / name)
