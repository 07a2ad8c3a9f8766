"""Temporary folders: whole content or none, and nothing left of killed programs."""

import os
import signal
import subprocess
import sys

import pytest

from bytesim import staging


def start(code, *arguments):
    return subprocess.run([sys.executable, "-c", code, *map(str, arguments)], check=False, timeout=60).returncode


KILLED = (
    "import os, signal, sys\nfrom pathlib import Path\nfrom bytesim.staging import staging_folder\n"
    "with staging_folder(Path(sys.argv[1])) as folder:\n"
    "    (folder / 'half').touch()\n    os.kill(os.getpid(), signal.SIGKILL)"
)


@pytest.mark.skipif(os.name != "posix", reason="only there a process can be asked whether it runs")
def test_what_a_killed_program_left_is_removed_by_the_next_one(tmp_path):
    target = tmp_path / "model"
    assert start(KILLED, target) == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == 1
    with staging.staging_folder(target) as folder:
        assert list(tmp_path.iterdir()) == [folder]
    assert list(tmp_path.iterdir()) == []


def test_the_folder_of_a_program_that_still_runs_is_kept(tmp_path):
    with staging.staging_folder(tmp_path / "model") as first:
        (first / "part").touch()
        with staging.staging_folder(tmp_path / "model") as second:
            assert first != second
        assert (first / "part").exists()


def test_folders_of_others_with_similar_names_are_kept(tmp_path):
    names = [
        ".model-host-1.part",
        ".model",
        f".model-{staging._host()}-x-00000000.part",
        ".modelx-host-1-00000000.part",
    ]
    for name in names:
        (tmp_path / name).mkdir()
    with staging.staging_folder(tmp_path / "model"):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)


def test_a_folder_that_was_moved_is_whole_and_an_error_leaves_nothing(tmp_path):
    with staging.staging_folder(tmp_path / "model") as folder:
        (folder / "a").write_bytes(b"1")
        os.rename(folder, tmp_path / "model")
    with pytest.raises(RuntimeError), staging.staging_folder(tmp_path / "model"):
        raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert (tmp_path / "model" / "a").read_bytes() == b"1"
