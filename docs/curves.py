"""Shortens the training logs of the shipped models and draws their learning curves.

    python docs/curves.py keep runs/music/log.jsonl music-2    # the log of a run -> docs/curves/music-2.jsonl
    python docs/curves.py                                      # docs/curves/MODEL-*.jsonl -> docs/MODEL_loss.png
    python docs/curves.py fit music-1                          # what one more hour of that part would gain

A kept line is the mean of EVERY steps, or a validation. A model may be trained in several parts; their files are
numbered in order.
"""

import json
import math
import sys
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

EVERY = 20
HERE = Path(__file__).resolve().parent
KINDS = {False: "ABC -> MIDI", True: "MIDI -> ABC"}
MODELS = {"music": "tunes", "cpu": "programs"}
"""Model -> the kind of files that are held out for validation."""


def keep(log: Path, name: str) -> None:
    """Write a shortened log."""
    kept: list[dict[str, Any]] = []
    losses: list[float] = []
    scored, seconds, rate, full = 0, 0.0, 0.0, 0.0
    for line in map(json.loads, log.read_text(encoding="utf-8").splitlines()):
        if "validation" in line:
            kept.append({**line, "scored_bytes": scored, "minutes": round(seconds / 60, 1), "decaying": rate < full})
        else:
            losses.append(line["loss_nats"])
            scored += line["num_bytes"]
            seconds += line["seconds"]
            rate = line["learning_rate"]
            full = max(full, rate)
            if line["step"] % EVERY == 0:
                mean = round(sum(losses) / len(losses), 5)
                kept.append({"step": line["step"], "scored_bytes": scored, "loss_nats": mean})
                losses.clear()
    (HERE / "curves" / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in kept))


def draw(model: str) -> None:
    """Draw loss and validation against the scored bytes, with the parts of the training in order."""
    figure = Figure(figsize=(10, 5.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    offset = 0.0
    points: dict[str, list[tuple[float, float]]] = {}
    for number in count(1):
        path = HERE / "curves" / f"{model}-{number}.jsonl"
        if not path.exists():
            break
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        if number > 1:
            axes.axvline(offset, color="0.6", linestyle="--", label=f"part {number} of the training begins")
        steps = [line for line in lines if "loss_nats" in line]
        label = "training, mean of 20 steps (bits per token of the mixture)" if number == 1 else None
        megabytes = [offset + line["scored_bytes"] / 1e6 for line in steps]
        losses = [line["loss_nats"] / math.log(2) for line in steps]
        axes.plot(megabytes, losses, color="0.7", linewidth=0.9, label=label)
        for line in lines:
            for source, bits in line.get("validation", {}).items():
                name = f"{KINDS['reverse' in source]}, " if model == "music" else ""
                label = f"{name}held-out {MODELS[model]} (bits per byte)"
                points.setdefault(label, []).append((offset + line["scored_bytes"] / 1e6, bits))
        offset = megabytes[-1]
    for label, series in points.items():
        axes.plot(*zip(*series, strict=True), "o-", label=label)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(lambda value, position: f"{value:g}")
    axes.set_xlabel("megabytes scored")
    axes.set_ylabel("bits")
    axes.grid(alpha=0.3, which="both")
    figure.legend(loc="outside lower center", ncols=2, fontsize="small")
    figure.savefig(HERE / f"{model}_loss.png", dpi=110)


def fit(name: str) -> None:
    """Fit a power law to the validations at the full learning rate, and print the figures after one more hour.

    The gain of the learning rate's decay is assumed to be the same.
    """
    lines = [json.loads(line) for line in (HERE / "curves" / f"{name}.jsonl").read_text().splitlines()]
    points = [line for line in lines if "validation" in line]
    last = points[-1]
    if "minutes" not in last:
        raise SystemExit(f"{name} was kept without times; keep its log again.")
    hour = 60 * last["scored_bytes"] / last["minutes"]
    for source in last["validation"]:
        full = [(point["scored_bytes"], point["validation"][source]) for point in points if not point["decaying"]]
        slope, level = np.polyfit(*np.log(full).T, 1)

        def at(scored: float, slope: float = slope, level: float = level) -> float:
            return math.exp(level + slope * math.log(scored))

        gain = last["validation"][source] / at(last["scored_bytes"])
        then = gain * at(last["scored_bytes"] + hour)
        print(
            f"{KINDS['reverse' in source]}: at the full learning rate bits per byte fall as MB ** {slope:.2f} "
            f"({len(full)} points); the decay multiplies them by {gain:.2f}: {last['validation'][source]:.4f} now, "
            f"{then:.4f} after one more hour ({hour / 1e6:.1f} MB)"
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["keep"]:
        keep(Path(sys.argv[2]), sys.argv[3])
    elif sys.argv[1:2] == ["fit"]:
        fit(sys.argv[2])
    else:
        for model in MODELS:
            draw(model)
