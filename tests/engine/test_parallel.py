"""Several processes decode what one does, and none of them outlives the one that started them."""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from helpers.music_models import make_model
from helpers.processes import children_of, start_bytesim
from helpers.tools import needs_proc

from bytesim.engine.bulk import decode_all
from bytesim.engine.decode import decode_in_order
from bytesim.models.bgpt.model import BGPT
from bytesim.models.framing import convert_request
from bytesim.models.weights import load_model

TUNES = [f"X:1\nM:4/4\nL:1/8\nK:D\n{letter * (4 + place)}|\n".encode() for place, letter in enumerate("CDEFGAB")]


@pytest.mark.slow
@pytest.mark.parametrize("clock", [False, True])
def test_processes_write_what_one_writes(tmp_path, clock):
    folder = make_model(tmp_path / "music", max_patches=64, clock=clock)
    model = load_model(folder)
    assert isinstance(model, BGPT)
    requests = [convert_request(model.config, tune, "abc", "mid") for tune in TUNES]
    written: list[int] = []
    replies = dict(decode_all(model, folder, requests, jobs=2, slots=2, on_bytes=written.append))
    assert sorted(replies) == list(range(len(TUNES)))
    for index, expected in enumerate(decode_in_order(model, requests)):
        assert (replies[index].data, replies[index].ended) == (expected.data, expected.ended)
        assert expected.data
    assert sum(written) == sum(len(reply.data) for reply in replies.values())


@pytest.fixture
def decoding(tmp_path):
    """A process that has started two others, which will be decoding for minutes; their standard error is its own."""
    folder = make_model(tmp_path / "music", max_patches=8192)
    (tmp_path / "tunes").mkdir()
    for place, tune in enumerate(TUNES):
        (tmp_path / "tunes" / f"{place}.abc").write_bytes(tune)
    words = ["convert", "abc2midi", str(tmp_path / "tunes"), "--jobs", "2"]
    words += ["--model", str(folder), "-o", str(tmp_path / "out")]
    process = start_bytesim(*words, stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        children_of(process.pid, 3)  # one of them is multiprocessing's own, which tracks resources
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.slow
@needs_proc
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)])
def test_processes_end_with_the_one_that_started_them(decoding, sent, code):
    if sent == signal.SIGKILL:  # Ctrl-C must do at any time
        wait_until_begun(children_of(decoding.pid, 3)[1:])
    if sent == signal.SIGINT:
        os.killpg(decoding.pid, sent)  # as a terminal does
    else:
        decoding.send_signal(sent)
    _, said = decoding.communicate(timeout=120)  # returns when the last that holds the pipe has ended
    assert decoding.returncode == code
    assert "Traceback" not in said


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="signals cannot be blocked here")
def test_processes_are_deaf_to_ctrl_c_from_their_start():
    script = (
        "import signal\nfrom functools import partial\nfrom bytesim.processes import map_in_processes\n"
        "start = partial(int, signal.SIG_BLOCK)\n"
        "print(*(blocked for _, blocked in map_in_processes(start, signal.pthread_sigmask, [()] * 2, jobs=2)))\n"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert said.count("SIGINT") == 2


@pytest.mark.slow
@needs_proc
def test_a_process_that_is_killed_is_told_in_one_line(decoding):
    os.kill(int(children_of(decoding.pid, 3)[-1]), signal.SIGKILL)
    _, said = decoding.communicate(timeout=120)
    assert decoding.returncode == 1
    (line,) = said.strip().splitlines()
    assert "error: a decoding process was killed" in line


def wait_until_begun(children: list[str]) -> None:
    """Return when each has been told its work; one whose parent is killed before that ends with a traceback."""
    for _ in range(1200):
        counts = [re.search(r"Threads:\s+(\d+)", Path(f"/proc/{pid}/status").read_text()) for pid in children]
        if all(count is not None and int(count[1]) > 1 for count in counts):
            return
        time.sleep(0.05)
    raise AssertionError("no process began its work")
