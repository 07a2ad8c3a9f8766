"""Times whole runs of `bytesim convert abc2midi`, cold start included: one tune, and a hundred in a folder.

Floor: the start of the program, which loads the model, plus the reading of weights: those of the byte-level
decoder once per decode step, those of the patch-level decoder once per patch.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from common import arguments, load, report, weight_bytes

from bytesim.engine.decode import DEFAULT_SLOTS
from bytesim.engine.hardware import bandwidth_gb_s
from bytesim.formats import abc
from bytesim.formats.abc.transpose import transpose

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
FILES, JOBS = 100, 2


def tunes() -> list[str]:
    """The tunes of examples/ transposed to other keys, in an order that mixes long and short tunes."""
    books = [abc.split_book(path.read_text(encoding="utf-8")) for path in sorted(EXAMPLES.glob("*.abc"))]
    plain = [abc.canonical(entry.parse()).text for book in books for entry in book]
    moves = [(0, 0), (1, 2), (-1, -2), (2, 4), (3, 5), (-3, -5), (4, 7), (-2, -3), (-4, -7), (5, 9), (-5, -9), (1, 1)]
    moves += [(2, 3), (-1, -1), (-2, -4), (5, 8), (6, 10), (-6, -10), (7, 12), (-7, -12)]
    return [transpose(tune, *move) for move in moves for tune in plain]


def run(source: Path, out: Path, *words: str) -> tuple[float, str]:
    """(seconds, stdout) of a conversion in a new process."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "bytesim", "convert", "abc2midi", str(source), "-o", str(out), "--force", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    # The exit code does not matter: a tune may fail to end without spoiling the measurement.
    assert "bytes by the model" in done.stdout, done.stderr
    return time.perf_counter() - start, done.stdout


def main() -> None:
    options = arguments(__doc__ or "")
    model = load(options)
    assert model.byte_decoder is not None
    words = ["--model", options.model, "--device", options.device, "--dtype", options.dtype]
    jobs = JOBS if options.device == "cpu" else 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, tune in enumerate(tunes()[:FILES]):
            (folder / f"{number:03}.abc").write_text(tune, encoding="ascii")
        one = median(run(folder / "000.abc", folder / "one.mid", *words)[0] for _ in range(options.repeats))
        many, printed = run(folder, folder / "many", *words, "--jobs", str(jobs))
    probe = (
        "import sys; from bytesim.predictors.writer import load_writer as load; load(sys.argv[1], device=sys.argv[2])"
    )
    starting = [sys.executable, "-c", probe, options.model, options.device]
    start = time.perf_counter()
    subprocess.run(starting, check=True)
    start = time.perf_counter() - start
    written = sum(int(digits.replace(",", "")) for digits in re.findall(r": ([\d,]+) bytes by", printed))
    size = model.config.patch_size
    rounds = written / size / DEFAULT_SLOTS  # of all processes together, as they share the memory bandwidth
    read = weight_bytes(model.patch_decoder) + size * weight_bytes(model.byte_decoder)
    floor = start + rounds * read / (bandwidth_gb_s(options.device) * 1e9)
    figures: dict[str, object] = {
        "one_tune_s": round(one, 2),
        "start_s": round(start, 2),
        "files": FILES,
        "jobs": jobs,
        "many_s": round(many, 1),
        "bytes": written,
        "floor_s": round(floor, 1),
    }
    print(f"one tune: {one:.2f} s, of which the start takes {start:.2f} s")
    print(f"{FILES} tunes in {jobs} processes: {many:.1f} s, floor {floor:.1f} s")
    report("convert", figures, options)


if __name__ == "__main__":
    main()
