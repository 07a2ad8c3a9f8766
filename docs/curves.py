"""The learning curves of the shipped models, kept short, and drawn.

    python docs/curves.py keep runs/music/log.jsonl music-2    # the log of a run -> docs/curves/music-2.jsonl
    python docs/curves.py                                      # docs/curves/music-*.jsonl -> docs/music_loss.png

A kept line is the mean of EVERY steps, or a validation. The parts of a model's training follow each other by number.
"""

import json
import math
import sys
from itertools import count
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

EVERY = 20
HERE = Path(__file__).resolve().parent
KINDS = {False: "ABC -> MIDI", True: "MIDI -> ABC"}


def keep(log: Path, name: str) -> None:
    """Shorten a log."""
    kept: list[dict[str, Any]] = []
    losses: list[float] = []
    scored = 0
    for line in map(json.loads, log.read_text(encoding="utf-8").splitlines()):
        if "validation" in line:
            kept.append({**line, "scored_bytes": scored})
        else:
            losses.append(line["loss_nats"])
            scored += line["num_bytes"]
            if line["step"] % EVERY == 0:
                mean = round(sum(losses) / len(losses), 5)
                kept.append({"step": line["step"], "scored_bytes": scored, "loss_nats": mean})
                losses.clear()
    (HERE / "curves" / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in kept))


def draw(model: str) -> None:
    """Loss and validation over the bytes that were scored, the parts of the training one after the other."""
    figure = Figure(figsize=(10, 5.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    offset = 0.0
    points: dict[bool, list[tuple[float, float]]] = {False: [], True: []}
    for number in count(1):
        path = HERE / "curves" / f"{model}-{number}.jsonl"
        if not path.exists():
            break
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        if number > 1:
            axes.axvline(offset, color="0.6", linestyle="--", label=f"part {number} of the training begins")
        steps = [line for line in lines if "loss_nats" in line]
        label = "training, mean of 20 steps (bits per token of the mixture)" if number == 1 else None
        places = [offset + line["scored_bytes"] / 1e6 for line in steps]
        axes.plot(places, [line["loss_nats"] / math.log(2) for line in steps], color="0.7", linewidth=0.9, label=label)
        for line in lines:
            for source, bits in line.get("validation", {}).items():
                points["reverse" in source].append((offset + line["scored_bytes"] / 1e6, bits))
        offset = places[-1]
    for reverse, name in KINDS.items():
        axes.plot(*zip(*points[reverse], strict=True), "o-", label=f"{name}, tunes held apart (bits per byte)")
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(lambda value, place: f"{value:g}")
    axes.set_xlabel("megabytes scored")
    axes.set_ylabel("bits")
    axes.grid(alpha=0.3, which="both")
    figure.legend(loc="outside lower center", ncols=2, fontsize="small")
    figure.savefig(HERE / f"{model}_loss.png", dpi=110)


if __name__ == "__main__":
    if sys.argv[1:2] == ["keep"]:
        keep(Path(sys.argv[2]), sys.argv[3])
    else:
        draw("music")
