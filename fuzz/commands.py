"""Every command as a process, on damaged files: `python -m fuzz.commands [COMMAND ...] --inputs 300`.

A process must end in time with the exit code 0 or 1, say `error: ...` on one line of stderr for what it refuses, write
whole files or none, and leave no temporary file. Commands that take several files get BATCH of them at once.
Prints a table, and one line of JSON last. The exit code is 1 if an input broke something; it is saved in fuzz/found.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fuzz import fixtures
from fuzz.cases import FOUND
from fuzz.mutate import mutated
from fuzz.run import LIMIT_S
from fuzz.seeds import seeds
from fuzz.targets.target import PartialFileError, check_folder
from fuzz.targets.tasks import unpack

BATCH = 20
"""Files that a process of a command that takes several files gets."""
START_S = 30.0
"""Seconds for the start of a process, and for loading a model, on a busy computer."""
MOST_BYTES = 3 << 30
"""Memory of a process: 2 GiB for an input, and what torch and a model take."""
_BAD = ("Traceback", "Error:", "Exception ignored", "Warning:", "core dumped", "runtime error")
"""What no line of stderr may hold; bytesim's own errors begin with `error:`."""

Words = Callable[[Path, list[Path]], list[str]]
"""The arguments of a command for a work folder and the damaged files in it."""


@dataclass(frozen=True)
class Command:
    """How a command is called on damaged files."""

    kinds: tuple[str, ...]
    suffix: str
    words: Words
    batch: int = 1
    place: Callable[[Path, bytes, str], Path] | None = None
    """Makes a folder of the bytes; without it the bytes are a file."""


def _out(folder: Path) -> str:
    return f"{folder / 'out'}/"


def _many(*words: str, after: Sequence[str] = ()) -> Words:
    """A command with all files and an output folder."""
    return lambda folder, files: [*words, *map(str, files), "-o", _out(folder), *after]


def _one(*words: str, after: Sequence[str] = ()) -> Words:
    return lambda folder, files: [*words, *map(str, files), *after]


def _model(name: str) -> str:
    return f"{fixtures.model(name)}/"


def _model_folder(folder: Path, data: bytes, name: str) -> Path:
    """A model folder of a fixture in which one file is damaged; the length of the data chooses which."""
    rng = random.Random(data)
    whole = fixtures.model(rng.choice(list(fixtures.RECIPES)))
    target = folder / name
    shutil.copytree(whole, target)
    (folder / "out").mkdir(exist_ok=True)
    chosen = rng.choice([path for path in target.iterdir() if path.is_file()])
    chosen.write_bytes(mutated(rng, [chosen.read_bytes()]))
    return target


def _data_folder(folder: Path, data: bytes, name: str) -> Path:
    return unpack(folder, data, name)


def _recipe(folder: Path, data: bytes, name: str) -> Path:
    """A recipe beside the shard that it names."""
    shutil.copyfile(fixtures.trained("flat") / "pairs.npz", folder / "pairs.npz")
    (folder / "out").mkdir(exist_ok=True)
    path = folder / f"{name}.toml"
    path.write_bytes(data)
    return path


def _trained(*words: str, after: Sequence[str] = ()) -> Words:
    """A training of one step."""
    options = ["--out", "RUN", "--steps", "1", "--device", "cpu", *after]
    return lambda folder, files: [
        *words,
        *map(str, files),
        *(str(folder / "run") if word == "RUN" else word for word in options),
    ]


COMMANDS: dict[str, Command] = {
    "convert abc2midi": Command(("abc",), "abc", _many("convert", "abc2midi"), BATCH),
    "convert midi2abc": Command(("midi",), "mid", _many("convert", "midi2abc"), BATCH),
    "convert files": Command(
        ("pairs", "csv"),
        "csv",
        lambda folder, files: [
            *("convert", "files", *map(str, files), "--model", _model("converter")),
            *("--check", "none", "-o", f"{folder / 'unchecked'}/"),
        ],
        BATCH,
    ),
    "classify file": Command(("any",), "bin", _one("classify", "file", "--json"), BATCH),
    "classify fragments": Command(("any",), "bin", _one("classify", "fragments")),
    "normalize": Command(("picture", "sound", "wav", "bmp"), "bin", _many("normalize"), BATCH),
    "simulate-cpu": Command(("asm",), "asm", _one("simulate-cpu", after=("--steps", "100"))),
    "inspect": Command(
        ("any",),
        "bin",
        lambda folder, files: [
            "inspect",
            *map(str, files),
            "--model",
            "none",
            "--html",
            str(folder / "out" / "a.html"),
        ],
    ),
    "detect": Command(("any",), "bin", _one("detect")),
    "compress": Command(("any",), "bin", _many("compress", after=("--fast",)), BATCH),
    "decompress": Command(("bsim",), "bsim", _many("decompress"), BATCH),
    "generate": Command(
        ("beginning", "text", "abc"),
        "bin",
        lambda folder, files: [
            *("generate", "--model", _model("flat"), "--suffix", "txt", "--prompt-file", str(files[0])),
            *("-o", str(folder / "out" / "a.txt"), "--max-bytes", "100", "--allow-truncated"),
        ],
    ),
    "evaluate bpb": Command(
        ("text", "abc"),
        "txt",
        lambda folder, files: [
            "evaluate",
            "bpb",
            *map(str, files),
            "--model",
            _model("flat"),
            "--target-suffix",
            "txt",
        ],
        BATCH,
    ),
    "evaluate convert": Command(
        ("pair-folder",),
        "",
        lambda folder, files: ["evaluate", "convert", *map(str, files), "--model", _model("converter"), "--limit", "3"],
        place=_data_folder,
    ),
    "evaluate classify": Command(
        ("label-folder",),
        "",
        lambda folder, files: ["evaluate", "classify", *map(str, files), "--model", _model("classifier")],
        place=_data_folder,
    ),
    "train": Command(("flat-recipe",), "", _trained("train"), place=_recipe),
    "train convert": Command(
        ("pair-folder",),
        "",
        _trained("train", "convert", after=("--from", "csv", "--to", "json", "--size", "tiny")),
        place=_data_folder,
    ),
    "train generate": Command(
        ("text-folder",), "", _trained("train", "generate", after=("--size", "tiny")), place=_data_folder
    ),
    "train classify": Command(
        ("label-folder",), "", _trained("train", "classify", after=("--size", "tiny")), place=_data_folder
    ),
    "evaluate cpu": Command(("cpu-shard",), "npz", _one("evaluate", "cpu", after=("--count", "1"))),
    "data build media": Command(
        ("clips",),
        "npz",
        lambda folder, files: ["data", "build", "media", "digits", *map(str, files), "--out", str(folder / "set")],
    ),
    "models export": Command(
        ("text",),
        "",
        lambda folder, files: ["models", "export", str(files[0]), "--output", str(folder / "exported")],
        place=_model_folder,
    ),
    "models compress": Command(
        ("text",),
        "",
        lambda folder, files: ["models", "compress", str(files[0]), "--output", str(folder / "smaller")],
        place=_model_folder,
    ),
    "models show": Command(("text",), "", _one("models", "show"), place=_model_folder),
    "models verify": Command(("text",), "", _one("models", "verify"), BATCH, place=_model_folder),
    "models import": Command(
        ("pth",),
        "pth",
        lambda folder, files: ["models", "import", str(files[0]), "--output", str(folder / "out" / "model")],
    ),
}


@dataclass
class Result:
    """What the inputs of a command broke."""

    command: str
    inputs: int = 0
    processes: int = 0
    refused: int = 0
    """Lines of stderr that begin with `error:`."""
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)


def check_process(words: list[str], folder: Path, files: int) -> tuple[int, str]:
    """Run a command; (its errors, what is wrong with the way it ended, empty if nothing is)."""
    environment = {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(fixtures.ROOT), **os.environ}
    command = [sys.executable, "-m", "bytesim", *words]
    started = time.monotonic()
    limit = START_S + LIMIT_S * files
    most = 0
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environment)
        while process.poll() is None and time.monotonic() - started < limit:
            most = max(most, _resident_bytes(process.pid))
            time.sleep(0.02)
        late = process.poll() is None
        process.kill()
        process.wait()
    stderr = (folder / "stderr").read_text(encoding="utf-8", errors="replace")
    lines = [line for line in stderr.splitlines() if line.strip()]
    refused = sum(line.startswith("error: ") for line in lines)
    if late:
        return refused, f"no end after {limit:.0f} s"
    if most > MOST_BYTES:
        return refused, f"{most >> 20} MiB"
    wrong = [line for line in lines if not line.startswith("error: ") and any(bad in line for bad in _BAD)]
    if wrong:
        return refused, f"stderr says {lines[-1]!r}"
    if process.returncode not in (0, 1):
        return refused, f"exit code {process.returncode}: {stderr[-300:]}"
    if (process.returncode == 1) != (refused > 0):
        return refused, f"exit code {process.returncode} with {refused} errors: {stderr[-300:]}"
    try:
        check_folder(folder)
    except PartialFileError as error:
        return refused, str(error)
    return refused, ""


def _resident_bytes(pid: int) -> int:
    """Memory of a process now; 0 where the system does not tell."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096
    except (OSError, ValueError, IndexError):
        return 0


def run_command(name: str, inputs: int, seed: int) -> Result:
    """Run a command on so many damaged files."""
    command, result, started = COMMANDS[name], Result(name), time.monotonic()
    pool = [data for kind in command.kinds for data in seeds(kind)]
    cases = [mutated(random.Random(f"{name} {seed} {number}"), pool) for number in range(inputs)]
    for first in range(0, inputs, command.batch):
        batch = cases[first : first + command.batch]
        problem = _one_process(command, batch, result)
        if problem and len(batch) > 1:  # which of them was it?
            alone = [(data, _one_process(command, [data], Result(name))) for data in batch]
            found = [(data, text) for data, text in alone if text] or [(b"", f"only together: {problem}")]
        else:
            found = [(batch[0], problem)] if problem else []
        for data, text in found:
            result.problems.append(text)
            _save(name, data, text)
    result.seconds = time.monotonic() - started
    return result


def _one_process(command: Command, batch: list[bytes], result: Result) -> str:
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        folder = Path(name)
        (folder / "out").mkdir()
        files = []
        for index, data in enumerate(batch):
            if command.place is not None:
                files.append(command.place(folder, data, f"in{index}"))
            else:
                files.append(folder / f"in{index}.{command.suffix}")
                files[-1].write_bytes(data)
        refused, problem = check_process(command.words(folder, files), folder, len(files))
        result.inputs, result.processes = result.inputs + len(files), result.processes + 1
        result.refused += refused
        return problem


def _save(name: str, data: bytes, text: str) -> None:
    folder = FOUND / "commands" / name.replace(" ", "-")
    folder.mkdir(parents=True, exist_ok=True)
    number = len(list(folder.glob("*.txt")))
    (folder / f"{number}").write_bytes(data)
    (folder / f"{number}.txt").write_text(text, encoding="utf-8", errors="backslashreplace")


def table(results: list[Result]) -> str:
    lines = [f"{'command':22}{'inputs':>8}{'processes':>11}{'refused':>9}{'seconds':>9}{'problems':>10}"]
    for result in results:
        figures = (
            f"{result.inputs:8}{result.processes:11}{result.refused:9}{result.seconds:9.0f}{len(result.problems):10}"
        )
        lines += [f"{result.command:22}{figures}", *(f"    {text}" for text in sorted(set(result.problems))[:20])]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m fuzz.commands", description=__doc__)
    parser.add_argument("commands", nargs="*", help=f"of {', '.join(COMMANDS)}; all by default")
    parser.add_argument("--inputs", type=int, default=300, help="inputs for each command")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    results = []
    for name in asked.commands or COMMANDS:
        if name not in COMMANDS:
            raise SystemExit(f"no command is called {name}; there are {', '.join(COMMANDS)}")
        results.append(run_command(name, asked.inputs, asked.seed))
        print(table(results[-1:]).partition("\n")[2], file=sys.stderr, flush=True)
    print(table(results))
    figures = {"seed": asked.seed, "inputs": sum(result.inputs for result in results)}
    print(json.dumps({**figures, "problems": sum(len(result.problems) for result in results)}))
    return 1 if any(result.problems for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
