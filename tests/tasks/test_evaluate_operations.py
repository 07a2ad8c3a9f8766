"""evaluate cpu --exhaustive: every operation in every form on all operand values."""

import json
from functools import partial

import numpy as np
import pytest
from helpers.music_models import make_model
from PIL import Image
from typer.testing import CliRunner

from bytesim.cli import app
from bytesim.cpu.every import every_program
from bytesim.cpu.isa import BY_NAME
from bytesim.errors import OutputError
from bytesim.tasks.evaluate import cpu_operations
from bytesim.tasks.evaluate.cpu_operations import evaluate_cpu_operations

RECIPE = 'name = "cpu"\n[[data]]\ntask = "cpu"\n'
VALUES = (0, 1, 7, 255)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("models") / "cpu"
    return str(make_model(folder, RECIPE, patch_size=16, max_patches=336, clock=True, source_patches=False))


def predicting(monkeypatch: pytest.MonkeyPatch, change) -> None:
    """The model predicts the right states (N, T, 16), changed in place by `change(programs, states)`."""

    def predicted(model, programs, right, slots):
        states = right[:, 1:].copy()
        change(programs, states)
        for start in range(0, len(states), slots):
            yield np.arange(start, min(start + slots, len(states))), states[start : start + slots]

    monkeypatch.setattr(cpu_operations, "_predicted", predicted)


def test_a_model_without_errors_has_no_wrong_cell(model, monkeypatch):
    predicting(monkeypatch, lambda programs, states: None)
    check = evaluate_cpu_operations(model=model, values=VALUES)
    assert (check.wrong, check.fetched_wrong) == (0, 0)
    cells = {(form.operation, form.operands): form.cells for form in check.forms}
    assert cells["DIV", "r s t"] == cells["SWAP", "r"] == 16
    assert cells["NOT", ""] == cells["MOV", "r s"] == cells["LOADI", "n"] == 4
    assert check.cells == sum(cells.values())


def test_a_wrong_result_counts_for_its_operation_form_and_operands(model, tmp_path, monkeypatch):
    def no_product_of_seven(programs, states):
        opcodes, given = programs.instructions[..., 0], programs.instructions[..., 2] > 0
        products = (opcodes[:, :-1] == BY_NAME["MUL"].code) & ~given[:, :-1]
        sevens = products & (states[:, :-1, 1] == 7)  # ACC in the state with the instruction; its result is in the next
        states[:, 1:][sevens, 1] ^= 0x80

    predicting(monkeypatch, no_product_of_seven)
    check = evaluate_cpu_operations(model=model, values=VALUES, picture=tmp_path / "wrong.png")
    assert {(form.operation, form.operands): form.wrong for form in check.forms if form.wrong} == {("MUL", "r"): 4}
    assert check.wrong == 4
    pixels = np.asarray(Image.open(tmp_path / "wrong.png").convert("RGB")).astype(int)
    assert ((pixels[..., 0] > 180) & (pixels[..., 1] < 80)).sum() > 20
    with pytest.raises(OutputError):
        evaluate_cpu_operations(model=model, values=VALUES, picture=tmp_path / "wrong.png")


def test_a_wrong_fetch_is_not_a_wrong_result(model, monkeypatch):
    def wrong_counter(programs, states):
        states[:, 3, 0] += 1

    predicting(monkeypatch, wrong_counter)
    check = evaluate_cpu_operations(model=model, values=VALUES)
    assert check.wrong == 0
    assert 0 < check.fetched_wrong < check.fetched


@pytest.mark.slow
def test_a_random_model_is_checked_by_the_command(model, monkeypatch):
    monkeypatch.setattr(cpu_operations, "every_program", partial(lambda values, _: every_program(values), VALUES))
    words = ["evaluate", "cpu", "--exhaustive", "--model", model]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "| DIV r s t | 16 | " in done.stdout
    check = json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)
    assert f"{check['wrong']:,} of {check['cells']:,} cells are wrong" in done.stdout
    assert check["wrong"] > 0.9 * check["cells"]
    for option in (("--count", "3"), ("--longest", "9"), ("--split", "dev"), ("--score",)):
        assert CliRunner().invoke(app, [*words, *option]).exit_code == 2
