"""Ablations of the music model: each trial trains the recipe recipes/music-trial.toml with one change.

    OMP_NUM_THREADS=1 python docs/trials.py run "patches of 16" ...    # runs/trials/ -> docs/curves/trials/
    python docs/trials.py                                              # docs/trials.png, and the table in docs/music.md

Needs the shards of `bytesim data build music --out runs/data/`. Trials draw the same batches; those that change the
patches or the batch draw the same number of bytes. The validation rows are fragments of the dev shard.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bytesim.training.loop import Trainer
from bytesim.training.recipe import Recipe, recipe_from_dict

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HERE = Path(__file__).resolve().parent
RECIPE = HERE.parent / "recipes" / "music-trial.toml"
RUNS = HERE.parent / "runs" / "trials"
KEPT = HERE / "curves" / "trials"

TRIALS: dict[str, dict[str, dict[str, Any]]] = {
    "the recipe": {},
    "no clock": {"model": {"clock": False}},
    "no source attention": {"model": {"source_attention": False, "patch_source_attention": False}},
    "source attention of the byte level alone": {"model": {"patch_source_attention": False}},
    "patches of 16": {"model": {"patch_size": 16, "max_patches": 512}},
    "no context patch": {"model": {"context_patches": 0}},
    "2 context patches": {"model": {"context_patches": 2}},
    "1 source layer": {"model": {"source_layers": 1}},
    "4 byte-level layers": {"model": {"byte_num_layers": 4}},
    "4 patch-level layers": {"model": {"num_layers": 4}},
    "AdamW alone": {"training": {"muon_learning_rate": 0.0}},
    "half the learning rates": {"training": {"learning_rate": 1e-3, "muon_learning_rate": 1.5e-3}},
    "twice the batch, half the steps": {"training": {"batch_bytes": 16_000, "steps": 200, "validate_steps": 50}},
}
"""Name -> changes to the recipe: section -> settings."""


def recipe_with(path: Path, changes: dict[str, dict[str, Any]]) -> Recipe:
    """The recipe in a file with changed settings (section -> settings); those of [[data]] change in every source."""
    values = tomllib.loads(path.read_text(encoding="utf-8"))
    for section, settings in changes.items():
        if isinstance(values[section], list):
            values[section] = [{**table, **settings} for table in values[section]]
        else:
            values[section] = {**values[section], **settings}
    return recipe_from_dict(values)


def put_table(page: Path, name: str, rows: str) -> None:
    """Replace the text between `<!-- name -->` and `<!-- end of name -->` in a page."""
    between = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.S)
    text, count = between.subn(lambda marks: marks[1] + rows + "\n" + marks[2], page.read_text(encoding="utf-8"))
    assert count == 1, f"{page.name} needs one pair of marks for the table {name}"
    page.write_text(text, encoding="utf-8")


def run(name: str) -> None:
    """Train a trial, or resume it, and keep its curve."""
    folder = RUNS / name.replace(" ", "-")
    recipe = recipe_with(RECIPE, TRIALS[name])
    trainer = Trainer(recipe, base=RECIPE.parent, folder=folder, device=torch.device("cpu"))
    progress = trainer.run()
    scored, points = 0, []
    for line in map(json.loads, (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()):
        scored += line.get("num_bytes", 0)
        if "validation" in line:
            to_midi, to_abc = line["validation"].values()
            points.append({"scored_bytes": scored, "abc2midi": round(to_midi, 4), "midi2abc": round(to_abc, 4)})
    parameters = sum(parameter.numel() for parameter in trainer.model.parameters())
    kept = {"parameters": parameters, "minutes": round(progress.seconds / 60, 1), "points": points}
    KEPT.mkdir(exist_ok=True)
    (KEPT / f"{folder.name}.json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def table(kept: dict[str, Any]) -> str:
    """A table of the last validation of every trial, the best first."""
    lines = ["| trial | parameters | minutes | ABC -> MIDI | MIDI -> ABC |", "|---|---|---|---|---|"]
    for name in sorted(kept, key=lambda name: kept[name]["points"][-1]["abc2midi"]):
        trial, last = kept[name], kept[name]["points"][-1]
        size = f"{trial['parameters'] / 1e6:.1f} M"
        lines.append(f"| {name} | {size} | {trial['minutes']} | {last['abc2midi']:.3f} | {last['midi2abc']:.3f} |")
    return "\n".join(lines)


def draw(kept: dict[str, Any]) -> None:
    """Draw the curves of both directions side by side."""
    figure = Figure(figsize=(11, 6), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, (key, title) in zip(
        figure.subplots(1, 2), (("abc2midi", "ABC -> MIDI"), ("midi2abc", "MIDI -> ABC")), strict=True
    ):
        for number, (name, trial) in enumerate(kept.items()):
            megabytes = [point["scored_bytes"] / 1e6 for point in trial["points"]]
            style = "-" if number < 10 else "--"
            axes.plot(megabytes, [point[key] for point in trial["points"]], f"o{style}", markersize=3, label=name)
        axes.set_title(title)
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(lambda value, position: f"{value:g}")
        axes.yaxis.set_minor_formatter(lambda value, position: f"{value:g}")
        axes.set_xlabel("megabytes scored")
        axes.set_ylabel("bits per byte, fragments of the dev shard")
        axes.grid(alpha=0.3, which="both")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize="small")
    figure.savefig(HERE / "trials.png", dpi=110)


def main() -> None:
    if sys.argv[1:2] == ["run"]:
        for name in sys.argv[2:]:
            run(name)
        return
    files = {name: KEPT / f"{name.replace(' ', '-')}.json" for name in TRIALS}
    kept = {name: json.loads(file.read_text(encoding="utf-8")) for name, file in files.items() if file.exists()}
    draw(kept)
    put_table(HERE / "music.md", "trials", table(kept))


if __name__ == "__main__":
    main()
