"""The comparison of the architectures: tables of docs/architectures.md, and a picture of the learning curves.

    python benchmarks/spelling.py runs/data
    python benchmarks/architectures.py runs/architectures --data runs/data
    OMP_NUM_THREADS=1 python docs/comparisons.py train text 40   # kind and 10^12 operations, runs/architectures/
    OMP_NUM_THREADS=1 python docs/comparisons.py noise           # texts with noise
    OMP_NUM_THREADS=1 python docs/comparisons.py spelling        # answers to spelling tasks
    python docs/comparisons.py                                   # tables and picture of what was kept

Needs the shards of benchmarks/architectures.py. What was measured is kept in docs/curves/comparisons/. A training of
an architecture goes on where it was stopped.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from trials import HERE, put_table

from bytesim.pictures.canvas import new_figure, png_of
from bytesim.pictures.compare import Curve, draw_curves
from bytesim.tasks.evaluate.bpb import evaluate_bpb
from bytesim.tasks.evaluate.compare import evaluate_compare
from bytesim.tasks.evaluate.noises import NOISES
from bytesim.tasks.evaluate.pairs import evaluate_pairs
from bytesim.tasks.train.train import train_recipe

RUNS = HERE.parent / "runs" / "architectures"
DATA = HERE.parent / "runs" / "data"
KEPT = HERE / "curves" / "comparisons"
KINDS = {
    "text": "text, articles of an encyclopaedia",
    "music": "ABC -> MIDI, fragments of 1 to 12 bars",
    "cpu": "CPU traces of 40 to 60 instructions",
    "spelling": "spelling tasks",
}
"""Kind of data -> title."""
ORDER = ("bgpt-published", "bgpt", "flat", "blt-entropy", "blt-cumulative", "blt-space", "blt-static-4", "blt-static-8")
NOISED_ROWS = 100
SPELLING = ("spell", "join", "contains", "insert", "delete", "substitute")


def folder_of(kind: str, name: str) -> Path:
    """Folder of a trained model."""
    return RUNS / f"out-{kind}" / name / name


def tell(line: str) -> None:
    """Print a line about a training."""
    print(line, flush=True)


def train(kind: str, tflops: float) -> None:
    """Train the entropy model of a kind, and then all its recipes; keep what was measured."""
    entropy = RUNS / f"{kind}-entropy"
    if not (entropy / "entropy").exists():
        train_recipe(RUNS / f"{kind}-entropy.toml", out=entropy)
    recipes = [str(RUNS / kind / f"{name}.toml") for name in ORDER]
    keep(kind, asdict(evaluate_compare(recipes, tflops=tflops, out=RUNS / f"out-{kind}", on_note=tell)))


def keep(kind: str, comparison: dict[str, Any]) -> None:
    """Write a comparison without the paths of this computer."""
    rows = {}
    for row in comparison["rows"]:
        (bits,) = row["bits_per_byte"].values()
        left = ("name", "recipe", "architecture", "bits_per_byte")
        rows[row["name"]] = {**{key: value for key, value in row.items() if key not in left}, "bits_per_byte": bits}
    save(kind, {"tflops": comparison["tflops"], "rows": {name: rows[name] for name in ORDER}})


def save(name: str, values: dict[str, Any]) -> None:
    """Write what was measured."""
    KEPT.mkdir(exist_ok=True)
    (KEPT / f"{name}.json").write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


def noise() -> None:
    """Score texts as they are and with each noise, with every architecture."""
    measured = {}
    for name in ORDER:
        tell(name)
        scores = evaluate_bpb(
            DATA / "wikipedia_test.npz",
            model=str(folder_of("text", name)),
            target_suffix="txt",
            limit=NOISED_ROWS,
            noise=tuple(NOISES),
        )
        results = [score.result for score in scores if score.result is not None]
        assert len(results) == len(scores)
        measured[name] = {result.noise or "clean": result.bits_per_byte for result in results}
    save("noise", {"articles": results[0].num_files, "bits_per_byte": measured})


def spelling() -> None:
    """Answer the spelling tasks with every architecture, on words that are in no training file."""
    measured = {}
    for name in ORDER:
        tell(name)
        files = evaluate_pairs(DATA / "spelling_unseen", model=str(folder_of("spelling", name)), slots=64).files
        right = {task: [file.exact for file in files if file.source.startswith(task)] for task in SPELLING}
        measured[name] = {task: sum(exact) / len(exact) for task, exact in right.items()}
    save("spelling_exact", measured)


def table(kept: dict[str, Any]) -> str:
    """The table of one kind of data."""
    head = ("recipe", "parameters", "bits per byte", "bytes a patch", "train bytes/s", "decode bytes/s", "peak memory",
            "steps", "MB scored")  # fmt: skip
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    best = min(row["bits_per_byte"] for row in kept["rows"].values())
    for name, row in kept["rows"].items():
        bits = f"{row['bits_per_byte']:.3f}"
        cells = [
            f"`{name}`",
            f"{row['parameters'] / 1e6:.2f} M",
            f"**{bits}**" if row["bits_per_byte"] == best else bits,
        ]
        cells += [
            f"{row['mean_patch_bytes']:.1f}",
            f"{row['train_bytes_per_s']:,.0f}",
            f"{row['decode_bytes_per_s']:,.0f}",
        ]
        cells += [f"{row['peak_memory_bytes'] / 2**30:.1f} GiB", f"{row['steps']:,}", f"{row['train_bytes'] / 1e6:.2f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def shares_table(kept: dict[str, dict[str, float]], form: str) -> str:
    """A row for each architecture, a column for each figure."""
    columns = list(next(iter(kept.values())))
    lines = ["| recipe | " + " | ".join(columns) + " |", "|" + "---|" * (1 + len(columns))]
    lines += [
        f"| `{name}` | " + " | ".join(format(row[each], form) for each in columns) + " |" for name, row in kept.items()
    ]
    return "\n".join(lines)


def draw(kept: dict[str, dict[str, Any]]) -> None:
    """Draw the learning curves, one panel for each kind of data."""
    figure = new_figure(5 * len(kept), 5)
    panels = figure.subplots(1, len(kept), squeeze=False)[0]
    for axes, (kind, comparison) in zip(panels, kept.items(), strict=True):
        draw_curves(axes, [Curve(name, row["curve"]) for name, row in comparison["rows"].items()])
        axes.set_title(KINDS[kind])
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize="small")
    (HERE / "comparison.png").write_bytes(png_of(figure))


def load(name: str) -> Any:
    """What was kept under a name."""
    return json.loads((KEPT / f"{name}.json").read_text(encoding="utf-8"))


def pages() -> None:
    """Make the tables and the picture of what was kept."""
    kept = {kind: load(kind) for kind in KINDS if (KEPT / f"{kind}.json").exists()}
    draw(kept)
    for kind, comparison in kept.items():
        put_table(HERE / "architectures.md", kind, table(comparison))
    put_table(HERE / "architectures.md", "noise", shares_table(load("noise")["bits_per_byte"], ".2f"))
    put_table(HERE / "architectures.md", "exact", shares_table(load("spelling_exact"), ".0%").replace("%", " %"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    steps = parser.add_subparsers(dest="step", metavar="STEP", help="what to measure; without it, tables and picture")
    training = steps.add_parser("train", help="train all architectures on one kind of data")
    training.add_argument("kind", choices=KINDS)
    training.add_argument("tflops", type=float, help="floating-point operations of each training, in 10^12")
    steps.add_parser("noise", help="score texts with noise")
    steps.add_parser("spelling", help="answer spelling tasks")
    options = parser.parse_args()
    if options.step == "train":
        train(options.kind, options.tflops)
    elif options.step == "noise":
        noise()
    elif options.step == "spelling":
        spelling()
    else:
        pages()


if __name__ == "__main__":
    main()
