"""Ablations of the CPU model, and trainings on different numbers of programs, for docs/cpu_model.md.

    OMP_NUM_THREADS=1 python docs/cpu_trials.py run "the recipe" "no numbers"  # runs/cpu-trials/ -> docs/curves/cpu/
    OMP_NUM_THREADS=1 python docs/cpu_trials.py scale 1000 10000 100000        # the same, on 1,000 programs, ...
    python docs/cpu_trials.py                                                  # pictures and tables of the page

Each trial trains the recipe recipes/cpu-trial.toml with one change. It is measured teacher-forced, on programs of the
dev split.
"""

import json
import math
import sys
from typing import Any

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from trials import HERE, put_table, recipe_with

from bytesim.datasets.cpu import build_cpu, shard_name
from bytesim.formats.cpu_trace import CELL_NAMES, STATE_SIZE
from bytesim.training.data.programs import CpuStream
from bytesim.training.loop import Trainer
from bytesim.training.loss import collate, token_losses
from bytesim.training.sources import CpuSource

RECIPE = HERE.parent / "recipes" / "cpu-trial.toml"
RUNS = HERE.parent / "runs" / "cpu-trials"
KEPT = HERE / "curves" / "cpu"
EVERY = 50
"""Steps between measurements."""
MEASURED = CpuSource(shortest=14, longest=29)
FILES = 64
UNCHANGED = "the recipe"

TRIALS: dict[str, dict[str, dict[str, Any]]] = {
    UNCHANGED: {},
    "no numbers": {"model": {"numeric_bytes": False}},
    "no patch encoder": {"model": {"patch_encoder_layers": 0}},
    "one feature for all bytes": {"model": {"byte_features": False}},
    "memory as patches too": {"model": {"source_patches": True}},
    "every operation as often": {"data": {"favoured": ""}},
}
"""Name -> changes to the recipe: section -> settings."""


def run(name: str, changes: dict[str, dict[str, Any]]) -> None:
    """Train a trial, or resume it, and keep its curve."""
    recipe = recipe_with(RECIPE, changes)
    folder = RUNS / name.replace(" ", "-")
    trainer = Trainer(recipe, base=RECIPE.parent, folder=folder, device=torch.device("cpu"))
    held_out = CpuStream(MEASURED, recipe.model)
    examples = [held_out.example(index) for index in range(FILES)]
    points: list[dict[str, Any]] = []
    states = 0

    def on_step(report: Any) -> None:
        nonlocal states
        states += report.num_bytes // STATE_SIZE
        if report.step % EVERY == 0:
            points.append({"states": states, **measure(trainer, examples)})

    progress = trainer.run(on_step)
    parameters = sum(parameter.numel() for parameter in trainer.model.parameters())
    minutes = round(progress.seconds / 60, 1)
    kept = {"parameters": parameters, "minutes": minutes, "steps": progress.step, "points": points}
    KEPT.mkdir(parents=True, exist_ok=True)
    (KEPT / f"{folder.name}.json").write_text(json.dumps(kept) + "\n", encoding="utf-8")


def measure(trainer: Trainer, examples: list[Any]) -> dict[str, Any]:
    """Bits for each of the 16 bytes of a state, their mean, and the share of states with a wrong byte."""
    losses, wrong = [], []
    trainer.model.eval()
    with torch.no_grad():
        for start in range(0, len(examples), 8):
            batch = collate(examples[start : start + 8], trainer.recipe.model)
            states = batch.scored & (batch.targets < 256).all(-1)
            losses.append(token_losses(trainer.model, batch)[states])
            logits = trainer.model(
                batch.patches, batch.source, batch.first, batch.targets.shape[1], batch.times, batch.source_times
            )
            wrong.append((logits.argmax(-1) != batch.targets).any(-1)[states])
    trainer.model.train()
    bits = torch.cat(losses).mean(0) / math.log(2)
    return {
        "bits_per_byte": round(float(bits.mean()), 5),
        "states_wrong": round(float(torch.cat(wrong).float().mean()), 5),
        "places": [round(float(value), 4) for value in bits],
    }


def scale(programs: int) -> None:
    """Train on a fixed set of this many programs."""
    folder = RUNS / f"programs-{programs}"
    if not (folder / shard_name("train")).exists():
        build_cpu(out=folder, train=programs, dev=0, test=0, longest=29)
    changes = {"data": {"path": str(folder / shard_name("train")), "favoured": "", "small_share": 0.0, "shortest": 1}}
    run(f"{programs} programs", {**changes, "training": {"steps": 600}})


def table(kept: dict[str, Any]) -> str:
    """A table of the last measurement of every trial, the best first."""
    lines = ["| trial | parameters | states seen | minutes | bits per byte | states with a wrong byte |"]
    lines.append("|---|---|---|---|---|---|")
    for name in sorted(kept, key=lambda name: kept[name]["points"][-1]["bits_per_byte"]):
        trial, last = kept[name], kept[name]["points"][-1]
        lines.append(
            f"| {name} | {trial['parameters'] / 1e6:.1f} M | {last['states']:,} | {trial['minutes']} | "
            f"{last['bits_per_byte']:.3f} | {last['states_wrong']:.1%} |"
        )
    return "\n".join(lines)


def curves(kept: dict[str, Any], file: str, label: str) -> None:
    """Draw the bits per byte of several runs against the number of states that they were trained on."""
    figure = Figure(figsize=(10, 5.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for number, (name, trial) in enumerate(kept.items()):
        states = [point["states"] / 1e3 for point in trial["points"]]
        bits = [point["bits_per_byte"] for point in trial["points"]]
        style = "-" if number < 10 else "--"
        axes.plot(states, bits, f"o{style}", markersize=3, label=name)
    _finish(axes, label)
    figure.legend(loc="outside right upper", fontsize="small")
    figure.savefig(HERE / file, dpi=110)


def byte_kinds(trial: dict[str, Any]) -> None:
    """Draw the bits for each kind of byte of a state during the training of one run."""
    figure = Figure(figsize=(10, 5.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    states = [point["states"] / 1e3 for point in trial["points"]]
    bits = np.array([point["places"] for point in trial["points"]])
    for cell in range(6):
        axes.plot(states, bits[:, cell], "o-", markersize=3, label=CELL_NAMES[cell])
    for cell in range(6, STATE_SIZE):
        axes.plot(states, bits[:, cell], color="0.75", linewidth=0.8, label="registers, each" if cell == 6 else None)
    axes.plot(states, bits[:, 6:].mean(1), "ko-", markersize=3, label="registers, mean")
    _finish(axes, "thousands of states trained on")
    figure.legend(loc="outside right upper", fontsize="small")
    figure.savefig(HERE / "cpu_places.png", dpi=110)


def _finish(axes: Any, label: str) -> None:
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(lambda value, position: f"{value:g}")
    axes.yaxis.set_minor_formatter(lambda value, position: f"{value:g}" if f"{value:e}"[0] in "25" else "")
    axes.set_xlabel(label)
    axes.set_ylabel("bits per byte, held-out programs")
    axes.grid(alpha=0.3, which="both")


def main() -> None:
    if sys.argv[1:2] == ["run"]:
        for name in sys.argv[2:]:
            run(name, TRIALS[name])
        return
    if sys.argv[1:2] == ["scale"]:
        for programs in sys.argv[2:]:
            scale(int(programs))
        return
    kept = {
        name: json.loads(path.read_text(encoding="utf-8"))
        for name in (*TRIALS, *(f"{10**power} programs" for power in range(3, 7)))
        if (path := KEPT / f"{name.replace(' ', '-')}.json").exists()
    }
    trials = {name: kept[name] for name in kept if name in TRIALS}
    sets = {name: kept[name] for name in kept if name not in TRIALS}
    curves(trials, "cpu_trials.png", "thousands of states trained on")
    curves(sets, "cpu_scale.png", "thousands of states trained on, repeats counted")
    byte_kinds(trials[UNCHANGED])
    put_table(HERE / "cpu_model.md", "trials", table(trials))
    put_table(HERE / "cpu_model.md", "scale", table(sets))


if __name__ == "__main__":
    main()
