"""Bulk work on Ray itself: the same bytes, and workers and drivers that are killed."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.bulk import rows_of
from helpers.processes import start_bytesim, start_process

import bytesim
from bytesim.cluster.ledger import ledger_rows
from bytesim.cluster.ray_quiet import quiet
from bytesim.cluster.ray_watch import watch_cpus

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed"),
]
needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds workers as Linux lists them")
TUNE = "X:1\nT:Tune {number}\nM:4/4\nL:1/8\nK:D\nDFAd fdAF|GBAG FAD2|\n"
LEDGER = "ledger.jsonl"
WORKER = "ray::MapWorker"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder, with 400 tunes."""
    for number in range(400):
        place = tmp_path / "tunes" / str(number % 7)
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number:03d}.abc").write_text(TUNE.format(number=number))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def start(*words: str) -> subprocess.Popen[bytes]:
    command = ["convert", "abc2midi", "tunes", "--engine", "rules", "-o", "midi", "--ledger", LEDGER]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return start_bytesim(*command, "--cluster", "ray", "--jobs", "2", *words, **options)


def end(process: subprocess.Popen[bytes]) -> tuple[int, str, str]:
    """(exit code, stdout, stderr without the lines that long work leaves in a log)."""
    out, err = process.communicate(timeout=150)
    lines = err.decode().splitlines(keepends=True)
    return process.returncode, out.decode(), "".join(line for line in lines if not line.startswith("abc2midi: "))


def wait_for_rows(count: int) -> None:
    for _ in range(3000):
        if Path(LEDGER).exists() and len(list(ledger_rows(LEDGER))) >= count:
            return
        time.sleep(0.02)
    raise AssertionError("the run gives no rows")


def below(ancestor: int) -> Iterator[int]:
    """The processes that one has started, and those that these have."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    for pid in parents:
        above = pid
        while (above := parents.get(above, 0)) > 1:
            if above == ancestor:
                yield pid
                break


def workers_of(driver: int) -> list[int]:
    return [pid for pid in below(driver) if Path(f"/proc/{pid}/cmdline").read_text().startswith(WORKER)]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def contents(root: str) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in Path(root).rglob("*") if path.is_file()}


def check_all(count: int = 400) -> None:
    """Every file stands once in the ledger, and the outputs are those of a run without Ray."""
    rows = rows_of(LEDGER)
    assert len(rows) == count
    assert not [row["error"] for row in rows.values() if row["error"]]
    bytesim.abc2midi("tunes", engine="rules", output="single")
    assert contents("midi") == contents("single")


def test_the_outputs_are_the_same_bytes_and_only_the_summary_is_printed(folder):
    code, out, err = end(start("--json"))
    assert (code, err) == (0, "")
    assert '"files": 400, "failed": 0' in out
    check_all()


def run_python(code: str) -> str:
    """What a program prints. It has a process of its own, because Ray may end the one that it runs in."""
    Path("program.py").write_text(f"import bytesim\nif __name__ == '__main__':\n    {code}\n")
    process = start_process([sys.executable, "program.py"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    status, out, err = end(process)
    assert status == 0, err
    return out


def test_files_are_classified_with_the_same_probabilities(folder):
    said = run_python(f"print(bytesim.bulk('classify_file', 'tunes', jobs=2, ledger='{LEDGER}', top=3).files)")
    rows = rows_of(LEDGER)
    for outcome in bytesim.classify_file("tunes", top=3):
        (result,) = rows[outcome.source]["results"]
        top = [(guess["label"], guess["probability"]) for guess in result["answer"]["top"]]
        assert top == [(guess.label, guess.probability) for guess in outcome.result.answer.top]
    assert said == "400\n"


def test_files_are_drawn_the_same_in_rounds(folder):
    asked = {"model": "text", "prompt": "The ", "max_bytes": 6, "count": 8, "seed": 1, "temperature": 0.4}
    run_python(f"bytesim.bulk('generate', jobs=2, output='new', ledger='{LEDGER}', **{asked!r})")
    bytesim.generate(output="single", **asked)
    assert contents("new") == contents("single")


WITHOUT_FOLDER = """
import sys
from pathlib import Path

import bytesim
from bytesim.cluster.ray_cluster import run_on_ray
from bytesim.cluster.work import WorkSettings

if __name__ == "__main__":
    settings = WorkSettings(
        command="abc2midi", options={"engine": "rules"}, roots=[], output=None, force=False,
        state=str(Path("state").absolute()), run="run", home=str(Path("none").absolute()), jobs=1,
    )
    try:
        with run_on_ray("ray", settings, Path("plan"), jobs=1, ordered=False) as shares:
            list(shares)
    except bytesim.InputError as error:
        print(error.message)
"""
"""Runs workers whose current folder does not exist, in a process of its own: Ray may end the one that it runs in."""


def test_the_error_of_a_worker_that_cannot_begin_is_raised_as_it_is(folder):
    Path("plan").write_text('[0, [["tunes/0/000.abc", []]]]\nend\n')
    Path("state").mkdir()
    Path("without.py").write_text(WITHOUT_FOLDER)
    process = start_process([sys.executable, "without.py"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    code, out, _ = end(process)
    assert code == 0
    assert out.startswith("a worker cannot read this folder")


@needs_proc
def test_a_worker_that_is_killed_is_replaced(folder):
    process = start()
    wait_for_rows(1)
    killed = workers_of(process.pid)[0]
    os.kill(killed, signal.SIGKILL)
    code, _, err = end(process)
    assert (code, err) == (0, "")
    check_all()


@needs_proc
def test_a_driver_that_is_killed_takes_its_workers_along_and_the_next_run_goes_on(folder):
    process = start()
    wait_for_rows(30)
    started = workers_of(process.pid)
    process.kill()
    process.wait()  # the pipes stay open a little longer, in processes of Ray
    for _ in range(300):
        if not any(map(is_alive, started)):
            break
        time.sleep(0.1)
    assert len(started) >= 2  # a program that a worker is about to start has its name for a moment
    assert not [pid for pid in started if is_alive(pid)]
    before = len(list(ledger_rows(LEDGER)))
    assert before < 400
    code, out, err = end(start())
    assert (code, err) == (0, "")
    assert f"400 files; {before:,} of this run were in the ledger before" in out
    check_all()


def test_ctrl_c_ends_the_run_with_130_and_the_next_one_goes_on(folder):
    process = start()
    wait_for_rows(30)
    process.send_signal(signal.SIGINT)
    code, _, err = end(process)
    assert (code, err) == (130, "")
    assert end(start())[0] == 0
    check_all()


def test_a_cluster_that_is_not_there_is_one_line(folder):
    with pytest.raises(bytesim.ToolError, match=r"no cluster answers at 127.0.0.1:1 "):
        bytesim.bulk("classify_file", "tunes", cluster="ray://127.0.0.1:1", ledger=LEDGER)
    with pytest.raises(bytesim.ConfigError, match="has no port"):
        bytesim.bulk("classify_file", "tunes", cluster="ray://there", ledger=LEDGER)
    assert not list(folder.glob(f"{LEDGER}*"))


@pytest.fixture
def cluster(tmp_path):
    """A cluster of two computers, each with a process of its own here, and with 1 and 2 CPUs."""
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    made.add_node(num_cpus=2)
    yield made
    made.shutdown()


def test_a_computer_that_leaves_the_cluster_costs_no_file_and_its_lines_stay_out_of_the_answer(folder, cluster):
    process = start("--cluster", f"ray://{cluster.address}", "--json")
    wait_for_rows(30)
    (worker,) = [node for node in cluster.list_all_nodes() if node != cluster.head_node]
    cluster.remove_node(worker, allow_graceful=False)
    time.sleep(1)
    cluster.add_node(num_cpus=2)
    code, out, err = end(process)
    assert (code, json.loads(out)["files"]) == (0, 400)
    assert not [
        line for line in err.splitlines() if not line.startswith(("the cluster has ", "the cluster again has "))
    ]
    check_all()


def test_the_user_is_told_when_a_cluster_has_too_few_cpus_and_when_it_has_enough_again():
    counts, notes, told = iter([3, 1, 1, 3]), [], threading.Event()

    def note(text: str) -> None:
        notes.append(text)
        if len(notes) == 2:
            told.set()

    with watch_cpus(lambda: next(counts, 3), 3, note, every_s=0.001):
        assert told.wait(30)
    assert notes[0].startswith("the cluster has 1 of the 3 CPUs that this run needs")
    assert notes[1] == "the cluster again has the 3 CPUs that this run needs"


def test_a_program_without_a_stdout_stays_without_one(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    with quiet(tmp_path / "ray.log"):
        print("nobody reads this")
        assert sys.stdout is None


def test_what_threads_of_ray_print_goes_to_a_log(tmp_path, capsys):
    thread = threading.Thread(target=print, args=("from Ray",), name="ray_listen_error_messages")
    with quiet(tmp_path / "ray.log"):
        thread.start()
        thread.join()
        print("ours")
    assert capsys.readouterr().out == "ours\n"
    assert (tmp_path / "ray.log").read_text() == "from Ray\n"
