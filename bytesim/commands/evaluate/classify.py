"""`bytesim evaluate classify`: measure how often a classifier is right, and how well calibrated it is."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from bytesim.commands.options import AsJson, Backend, BackendChoice, Device, Dtype, DtypeChoice, Model
from bytesim.console import print_json, print_line, progress

if TYPE_CHECKING:
    from bytesim.tasks.evaluate.classify import ClassifyEvaluation


class Baseline(str, Enum):
    magika = "magika"
    libmagic = "libmagic"


def classify(
    split: Annotated[
        list[str],
        typer.Argument(help="Shards (.npz), or folders with one subfolder of files for each label, measured together."),
    ],
    model: Model = "filetype",
    group: Annotated[int | None, typer.Option(help="For shards: use only this group.", show_default=False)] = None,
    limit: Annotated[
        int | None,
        typer.Option(min=1, help="Number of files, spread evenly over the split.", show_default=False),
    ] = None,
    baselines: Annotated[
        list[Baseline] | None,
        typer.Option("--baseline", help="Also measure another program on the same bytes; may be repeated."),
    ] = None,
    unseen: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SHARD",
            help="A shard (its rows of the same group) or folder of files of kinds that the model does not know, to "
            "measure how many are answered `unknown`; may be repeated.",
            show_default=False,
        ),
    ] = None,
    fragments: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="BYTES",
            help="The files are fragments of about this size: use, or fit, the calibration for `classify fragments`.",
            show_default=False,
        ),
    ] = None,
    calibrate: Annotated[
        bool,
        typer.Option(
            "--calibrate", help="Fit temperature and threshold to these files, and write both to the model's card."
        ),
    ] = False,
    most_unknown: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="With --calibrate: largest share of the files of known kinds that may be answered `unknown`; by "
            "default 0.03, with --unseen 0.02. A smaller one answers more of them right, and more files of other kinds "
            "wrong.",
            show_default=False,
        ),
    ] = None,
    training_files: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH",
            help="With --calibrate: the shard or folder that the model was trained on. Files that are unlike these are "
            "then answered `unknown`; `bytesim train` does this itself. May be repeated.",
            show_default=False,
        ),
    ] = None,
    augment: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help="Change the files, but not the unseen ones, at random by augmentations of training: flip, crop, "
            "cutout, colour (pictures), shift, gain, noise, speed, mask, tone (recordings), drop, members. This shows "
            "how robust the model is; with --calibrate the calibration holds for files unlike these.",
            show_default=False,
        ),
    ] = "",
    picture_confusion: Annotated[
        str | None, typer.Option(metavar="OUT.png", help="Draw the confusion matrix.", show_default=False)
    ] = None,
    picture_reliability: Annotated[
        str | None,
        typer.Option(
            metavar="OUT.png",
            help="Draw the reliability diagram: how often answers of each confidence are right.",
            show_default=False,
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace pictures that exist.")] = False,
    device: Device = "auto",
    dtype: DtypeChoice = Dtype.float32,
    engine_backend: BackendChoice = Backend.auto,
    batch: Annotated[int, typer.Option(min=1, help="Number of windows that go through the model at once.")] = 32,
    as_json: AsJson = False,
) -> None:
    """Classify every file of a split, and compare the answers with the labels.

    bytesim evaluate classify sorted/ --model ./runs/sorted/sorted --picture-confusion confusion.png
    """
    from bytesim.tasks.evaluate.classify import evaluate_classify

    with progress("files/s") as bar:
        job = bar.add_task("evaluate classify", total=None, speed="")

        def on_progress(done: int, total: int) -> None:
            speed = bar.tasks[job].speed
            bar.update(job, completed=done, total=total, speed="" if speed is None else f"{speed:,.0f}")

        evaluation = evaluate_classify(
            split,
            model=model,
            group=group,
            limit=limit,
            baselines=[baseline.value for baseline in baselines or []],
            unseen=unseen,
            fragments=fragments,
            calibrate=calibrate,
            most_unknown=most_unknown,
            training_files=training_files,
            augment=augment,
            picture_confusion=picture_confusion,
            picture_reliability=picture_reliability,
            force=force,
            device=device,
            dtype=dtype.value,
            engine_backend=engine_backend.value,
            batch=batch,
            on_progress=on_progress,
        )
    if as_json:
        print_json(evaluation)
        return
    for line in [*_table(evaluation), *_wins(evaluation), *_worst(evaluation), *_measured_on(evaluation)]:
        print_line(line)


def _table(evaluation: ClassifyEvaluation) -> list[str]:
    """Rows of a Markdown table with a column for the model and one for each other program."""
    others = evaluation.baselines
    rows = [
        f"| classify | model {evaluation.model} | {' | '.join(other.name for other in others)}".rstrip(" |") + " |",
        "|---|---|" + "---|" * len(others),
    ]
    for label, name in (
        ("accuracy", "accuracy"),
        ("accuracy, mean over labels", "macro_accuracy"),
        ("F1, mean over labels", "macro_f1"),
    ):
        values = [getattr(evaluation.score, name), *(getattr(other, name) for other in others)]
        rows.append(f"| {label} | {' | '.join(f'{value:.4f}' for value in values)} |")
    error = evaluation.score.expected_calibration_error
    rows.append(f"| expected calibration error | {error:.4f} |{' |' * len(others)}")
    unknown = [evaluation.unknown, *(other.unknown for other in others)]
    rows.append(f"| known kinds called unknown | {' | '.join(f'{value:.4f}' for value in unknown)} |")
    rows.append(f"| known kinds unlike the training files | {evaluation.outliers:.4f} |{' |' * len(others)}")
    right = [evaluation.answered_right, *(other.accuracy for other in others)]
    rows.append(f"| known kinds answered right | {' | '.join(f'{value:.4f}' for value in right)} |")
    if evaluation.unseen is not None:
        rows.append(f"| unseen kinds called unknown | {evaluation.unseen.unknown:.4f} |{' |' * len(others)}")
    return rows


def _wins(evaluation: ClassifyEvaluation) -> list[str]:
    """The labels on which the model is better, and worse, than each other program."""
    lines = []
    for other in evaluation.baselines:
        gains = {label: share - other.recall[label] for label, share in evaluation.recall.items()}
        ranked = sorted(gains, key=lambda label: -gains[label])
        better = [f"{label} {gains[label]:+.2f}" for label in ranked[:8] if gains[label] > 0]
        worse = [f"{label} {gains[label]:+.2f}" for label in ranked[::-1][:8] if gains[label] < 0]
        ahead, behind = sum(gain > 0 for gain in gains.values()), sum(gain < 0 for gain in gains.values())
        lines += ["", f"against {other.name}: better on {ahead} labels ({', '.join(better) or 'none'}),"]
        lines += [f"worse on {behind} ({', '.join(worse) or 'none'})"]
    return lines


def _worst(evaluation: ClassifyEvaluation) -> list[str]:
    """Rows of a Markdown table of the labels that the model confuses most often."""
    if not evaluation.worst:
        return ["", "no labels are confused"]
    rows = ["", "| label | taken for | files | of the label's files |", "|---|---|---|---|"]
    return rows + [f"| {pair.label} | {pair.answer} | {pair.files:,} | {pair.share:.4f} |" for pair in evaluation.worst]


def _measured_on(evaluation: ClassifyEvaluation) -> list[str]:
    """Lines about the files, the calibration and the speed."""
    num_files, split_files = evaluation.score.num_files, evaluation.split_files
    part = "" if num_files == split_files else f"{num_files:,} of "
    lines = ["", f"{part}{split_files:,} files of {evaluation.split} (sha256 {evaluation.split_sha256})"]
    if evaluation.unseen is not None:
        unseen = evaluation.unseen
        lines.append(f"unseen: {unseen.num_files:,} files of {unseen.split} (sha256 {unseen.split_sha256})")
    lines.append(
        f"decoding: {evaluation.decoding}; temperature {evaluation.temperature:.4f}{_mixture(evaluation)}; unknown if "
        f"every kind has less than {evaluation.unknown_below:.4f}{_unknown_class(evaluation)}; "
        f"{evaluation.files_per_second:,.0f} files/s"
    )
    if evaluation.calibration is not None:
        lines.append("calibration: temperature and threshold fitted to these files and written to the card")
    lines += [f"picture: {path}" for path in evaluation.pictures]
    return lines


def _mixture(evaluation: ClassifyEvaluation) -> str:
    """The weights of the other distributions that are mixed into the probabilities; empty if there are none."""
    if not evaluation.uncalibrated and not evaluation.uniform:
        return ""
    return f" (weights: uncalibrated {evaluation.uncalibrated:.3f}, uniform {evaluation.uniform:.3f})"


def _unknown_class(evaluation: ClassifyEvaluation) -> str:
    """What the class `unknown` adds to the rule for that answer; empty if the model has no such class."""
    if evaluation.unknown_from is not None:
        return f" or the class unknown has {evaluation.unknown_from:.4f}"
    return f" plus {evaluation.unknown_weight:g} times the class unknown" if "unknown" in evaluation.labels else ""
