"""A lock is held by one process, and ends with it, however it ends."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bytesim.errors import OutputError
from bytesim.locks import LOCK_FILE, locked_folder

HOLD = """
import os, sys, time
from pathlib import Path
from bytesim.locks import locked_folder
with locked_folder(Path(sys.argv[1])):
    if "fork" in sys.argv and os.fork() == 0:
        print("held", flush=True)
        time.sleep(20)
        os._exit(0)
    if "fork" not in sys.argv:
        print("held", flush=True)
    sys.stdin.read()
"""


def holder(folder: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLD, str(folder), *options]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_process_is_refused_and_told_which_one_holds_it(tmp_path):
    with holder(tmp_path / "run") as process:
        with pytest.raises(OutputError) as caught, locked_folder(tmp_path / "run"):
            pass
        assert f"process {process.pid}" in str(caught.value)
        assert str(tmp_path / "run") in str(caught.value)
        process.communicate("")
    with locked_folder(tmp_path / "run"):
        pass
    assert not (tmp_path / "run").exists(), "it was made for the lock alone"


@pytest.mark.parametrize("options", [(), pytest.param(("fork",), marks=pytest.mark.skipif(os.name == "nt", reason=""))])
def test_a_killed_process_holds_nothing(tmp_path, options):
    process = holder(tmp_path, *options)
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()
    with locked_folder(tmp_path):
        pass
    assert not (tmp_path / LOCK_FILE).exists()


@pytest.mark.parametrize("content", [b"", b"\x1b[31m5\n", b"9" * 100, b"12 no\n"])
def test_whatever_the_lock_file_holds_is_no_lock(tmp_path, content):
    (tmp_path / LOCK_FILE).write_bytes(content)
    with locked_folder(tmp_path):
        assert (tmp_path / LOCK_FILE).read_bytes().split()[0] == str(os.getpid()).encode()


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").touch()
    for name in ("file/run", "x" * 300):
        with pytest.raises(OutputError, match="run folder cannot be made"), locked_folder(tmp_path / name):
            pass


def test_what_was_written_stays(tmp_path):
    with locked_folder(tmp_path / "a" / "run"):
        (tmp_path / "a" / "run" / "log").touch()
    assert [path.name for path in (tmp_path / "a" / "run").iterdir()] == ["log"]
