"""`bytesim evaluate classify`: how often a classifier is right, and how honest."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from bytesim.commands.options import AsJson, Device, Dtype, DtypeChoice, Model
from bytesim.console import print_json, print_line, progress

if TYPE_CHECKING:
    from bytesim.tasks.evaluate.classify import ClassifyEvaluation


class Baseline(str, Enum):
    magika = "magika"
    libmagic = "libmagic"


def classify(
    split: Annotated[
        str, typer.Argument(help="A shard (.npz), or a folder of files in folders named by their labels.")
    ],
    model: Model = "filetype",
    group: Annotated[int | None, typer.Option(help="Shards: rows of this group only.", show_default=False)] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Take so many files, spread over the split.", show_default=False)
    ] = None,
    baselines: Annotated[
        list[Baseline] | None,
        typer.Option("--baseline", help="Also ask another program about the same bytes; may be repeated."),
    ] = None,
    unseen: Annotated[
        str | None,
        typer.Option(
            metavar="SHARD",
            help="A shard (of it the same group) or folder of kinds that the model does not know: how many are "
            "answered `unknown`.",
            show_default=False,
        ),
    ] = None,
    fragments: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="BYTES",
            help="The files are fragments of about so many bytes: answer, and calibrate, as `classify fragments` does.",
            show_default=False,
        ),
    ] = None,
    calibrate: Annotated[
        bool,
        typer.Option(
            "--calibrate", help="Fit temperature and threshold to these files, and write them into the model's card."
        ),
    ] = False,
    picture_confusion: Annotated[
        str | None, typer.Option(metavar="OUT.png", help="Draw which label is taken for which.", show_default=False)
    ] = None,
    picture_reliability: Annotated[
        str | None,
        typer.Option(
            metavar="OUT.png", help="Draw how often answers of each confidence are right.", show_default=False
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace pictures that exist.")] = False,
    device: Device = "auto",
    dtype: DtypeChoice = Dtype.float32,
    batch: Annotated[int, typer.Option(min=1, help="Windows of files that go through the model at once.")] = 32,
    as_json: AsJson = False,
) -> None:
    """Classify every file of a split, and compare with its label.

    bytesim evaluate classify sorted/ --model ./runs/sorted/sorted --picture-confusion confusion.png
    """
    from bytesim.tasks.evaluate.classify import evaluate_classify

    with progress("files/s") as bar:
        job = bar.add_task("evaluate classify", total=None, speed="")

        def on_progress(done: int, total: int) -> None:
            speed = bar.tasks[job].speed
            bar.update(job, completed=done, total=total, speed="" if speed is None else f"{speed:,.0f}")

        seen = evaluate_classify(
            split,
            model=model,
            group=group,
            limit=limit,
            baselines=[each.value for each in baselines or []],
            unseen=unseen,
            fragments=fragments,
            calibrate=calibrate,
            picture_confusion=picture_confusion,
            picture_reliability=picture_reliability,
            force=force,
            device=device,
            dtype=dtype.value,
            batch=batch,
            on_progress=on_progress,
        )
    if as_json:
        print_json(seen)
        return
    for line in [*_table(seen), *_wins(seen), *_worst(seen), *_measured_on(seen)]:
        print_line(line)


def _table(seen: ClassifyEvaluation) -> list[str]:
    """Rows of a Markdown table: the model, and the other programs beside it."""
    others = seen.baselines
    rows = [
        f"| classify | model {seen.model} | {' | '.join(each.name for each in others)}".rstrip(" |") + " |",
        "|---|---|" + "---|" * len(others),
    ]
    for label, name in (
        ("accuracy", "accuracy"),
        ("accuracy, mean over labels", "macro_accuracy"),
        ("F1, mean over labels", "macro_f1"),
    ):
        values = [getattr(seen.score, name), *(getattr(each, name) for each in others)]
        rows.append(f"| {label} | {' | '.join(f'{value:.4f}' for value in values)} |")
    rows.append(f"| expected calibration error | {seen.score.expected_calibration_error:.4f} |{' |' * len(others)}")
    unknown = [seen.unknown, *(each.unknown for each in others)]
    rows.append(f"| known kinds called unknown | {' | '.join(f'{value:.4f}' for value in unknown)} |")
    if seen.unseen is not None:
        rows.append(f"| unseen kinds called unknown | {seen.unseen.unknown:.4f} |{' |' * len(others)}")
    return rows


def _wins(seen: ClassifyEvaluation) -> list[str]:
    """On which labels each other program is better, or worse, than the model."""
    lines = []
    for each in seen.baselines:
        gains = {label: share - each.recall[label] for label, share in seen.recall.items()}
        ranked = sorted(gains, key=lambda label: -gains[label])
        better = [f"{label} {gains[label]:+.2f}" for label in ranked[:8] if gains[label] > 0]
        worse = [f"{label} {gains[label]:+.2f}" for label in ranked[::-1][:8] if gains[label] < 0]
        ahead, behind = sum(gain > 0 for gain in gains.values()), sum(gain < 0 for gain in gains.values())
        lines += ["", f"against {each.name}: more right on {ahead} labels ({', '.join(better) or 'none'}),"]
        lines += [f"less on {behind} ({', '.join(worse) or 'none'})"]
    return lines


def _worst(seen: ClassifyEvaluation) -> list[str]:
    if not seen.worst:
        return ["", "no label is taken for another"]
    rows = ["", "| label | taken for | files | of the label's files |", "|---|---|---|---|"]
    return rows + [f"| {pair.label} | {pair.answer} | {pair.files:,} | {pair.share:.4f} |" for pair in seen.worst]


def _measured_on(seen: ClassifyEvaluation) -> list[str]:
    part = "" if seen.score.num_files == seen.split_files else f"{seen.score.num_files:,} of "
    lines = ["", f"{part}{seen.split_files:,} files of {seen.split} (sha256 {seen.split_sha256})"]
    if seen.unseen is not None:
        strange = seen.unseen
        lines.append(f"unseen: {strange.num_files:,} files of {strange.split} (sha256 {strange.split_sha256})")
    lines.append(
        f"decoding: {seen.decoding}; temperature {seen.temperature:.4f}{_mixed(seen)}; unknown where no kind has "
        f"{seen.unknown_below:.4f}{_or_unknown_has(seen)}; {seen.files_per_second:,.0f} files/s"
    )
    if seen.calibration is not None:
        lines.append("calibration: temperature and threshold are fitted to these files, and noted in the card")
    lines += [f"picture: {path}" for path in seen.pictures]
    return lines


def _mixed(seen: ClassifyEvaluation) -> str:
    """What beside the temperature makes the probabilities, where anything does."""
    if not seen.uncalibrated and not seen.uniform:
        return ""
    return f" (weights: uncalibrated {seen.uncalibrated:.3f}, uniform {seen.uniform:.3f})"


def _or_unknown_has(seen: ClassifyEvaluation) -> str:
    """The second half of the rule, where the model has the class."""
    return "" if seen.unknown_from is None else f", or that class has {seen.unknown_from:.4f}"
