"""A training that is killed at any moment goes on to the same log, on a CPU."""

import os
import signal

import pytest
from helpers.tiny_training import losses, write_recipe
from helpers.training_runs import finish, run_with_kills, start_training, wait_for_lines

from bytesim.tasks.train.train import train_recipe


@pytest.mark.slow
def test_killed_runs_end_with_the_log_of_one_that_was_not(tmp_path):
    recipe = write_recipe(tmp_path)
    train_recipe(recipe, out=tmp_path / "whole", device="cpu")
    said = run_with_kills(recipe, tmp_path / "killed", [3, 11])
    assert "resuming at step" in said
    assert losses(tmp_path / "killed") == losses(tmp_path / "whole")
    models = [(tmp_path / name / "capitals" / "model.safetensors").read_bytes() for name in ("killed", "whole")]
    assert models[0] == models[1]
    assert not list((tmp_path / "killed").glob(".*"))


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows sends no Ctrl-C to one process")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_save_a_checkpoint_and_exit_130(tmp_path, number):
    recipe = write_recipe(tmp_path)
    recipe.write_text(recipe.read_text().replace("checkpoint_minutes = 0.001", "checkpoint_minutes = 9"))
    out = tmp_path / "run"
    with start_training(recipe, out, "--steps", "100000") as process:
        wait_for_lines(out, 3, process)
        process.send_signal(number)
        stdout, said = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (130, "")
    assert "Traceback" not in said
    assert (out / "checkpoint.safetensors").exists()
    assert "resuming at step" in finish(start_training(recipe, out, "--steps", "3"))
