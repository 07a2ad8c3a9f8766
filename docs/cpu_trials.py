"""Trials of the CPU model's parts, and how much a set of programs is worth: what docs/cpu_model.md shows.

    OMP_NUM_THREADS=1 python docs/cpu_trials.py run "the recipe" "no numbers"  # runs/cpu-trials/ -> docs/curves/cpu/
    OMP_NUM_THREADS=1 python docs/cpu_trials.py scale 1000 10000 100000        # the same, on so many programs
    python docs/cpu_trials.py                                                  # pictures and tables of the page

Each trains the recipe recipes/cpu-trial.toml with one change, and is measured on programs of the dev split, every byte
given the right ones before it.
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
"""Steps between two measurements."""
MEASURED = CpuSource(shortest=14, longest=29)
FILES = 64
ALIKE = "the recipe"

TRIALS: dict[str, dict[str, dict[str, Any]]] = {
    ALIKE: {},
    "no numbers": {"model": {"numeric_bytes": False}},
    "no patch encoder": {"model": {"patch_encoder_layers": 0}},
    "one feature for all bytes": {"model": {"byte_features": False}},
    "memory as patches too": {"model": {"source_patches": True}},
    "every operation as often": {"data": {"favoured": ""}},
}
"""Name -> what it changes in the recipe, by section."""


def run(name: str, changes: dict[str, dict[str, Any]]) -> None:
    """Train a trial, or go on with it, and keep its curve."""
    recipe = recipe_with(RECIPE, changes)
    folder = RUNS / name.replace(" ", "-")
    trainer = Trainer(recipe, base=RECIPE.parent, folder=folder, device=torch.device("cpu"))
    held = CpuStream(MEASURED, recipe.model)
    examples = [held.example(index) for index in range(FILES)]
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
    """Bits of each of the 16 bytes of a state, their mean, and the share of states with a wrong byte."""
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
        "places": [round(float(each), 4) for each in bits],
    }


def scale(programs: int) -> None:
    """Train on a fixed set of so many programs."""
    folder = RUNS / f"programs-{programs}"
    if not (folder / shard_name("train")).exists():
        build_cpu(out=folder, train=programs, dev=0, test=0, longest=29)
    changes = {"data": {"path": str(folder / shard_name("train")), "favoured": "", "small_share": 0.0, "shortest": 1}}
    run(f"{programs} programs", {**changes, "training": {"steps": 600}})


def table(kept: dict[str, Any]) -> str:
    """The last measurement of every trial, the best first."""
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
    """Bits per byte of several runs over the states they were trained on."""
    figure = Figure(figsize=(10, 5.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for number, (name, trial) in enumerate(kept.items()):
        places = [point["states"] / 1e3 for point in trial["points"]]
        style = "-" if number < 10 else "--"
        axes.plot(places, [each["bits_per_byte"] for each in trial["points"]], f"o{style}", markersize=3, label=name)
    _finish(axes, label)
    figure.legend(loc="outside right upper", fontsize="small")
    figure.savefig(HERE / file, dpi=110)


def places(trial: dict[str, Any]) -> None:
    """Bits of each kind of byte of a state over the training of one run."""
    figure = Figure(figsize=(10, 5.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    states = [point["states"] / 1e3 for point in trial["points"]]
    bits = np.array([point["places"] for point in trial["points"]])
    for place in range(6):
        axes.plot(states, bits[:, place], "o-", markersize=3, label=CELL_NAMES[place])
    for place in range(6, STATE_SIZE):
        axes.plot(states, bits[:, place], color="0.75", linewidth=0.8, label="registers, each" if place == 6 else None)
    axes.plot(states, bits[:, 6:].mean(1), "ko-", markersize=3, label="registers, mean")
    _finish(axes, "thousands of states trained on")
    figure.legend(loc="outside right upper", fontsize="small")
    figure.savefig(HERE / "cpu_places.png", dpi=110)


def _finish(axes: Any, label: str) -> None:
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(lambda value, place: f"{value:g}")
    axes.yaxis.set_minor_formatter(lambda value, place: f"{value:g}" if f"{value:e}"[0] in "25" else "")
    axes.set_xlabel(label)
    axes.set_ylabel("bits per byte, programs held apart")
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
    places(trials[ALIKE])
    put_table(HERE / "cpu_model.md", "trials", table(trials))
    put_table(HERE / "cpu_model.md", "scale", table(sets))


if __name__ == "__main__":
    main()
