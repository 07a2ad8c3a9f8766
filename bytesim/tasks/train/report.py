"""Writes the results of a training: the model folder with its card, and the loss plot."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from typing import Any

import torch

from bytesim.files import write_output
from bytesim.models.weights import save_model
from bytesim.pictures.loss import plot_loss
from bytesim.predictors.familiarity import INPUTS_FILE, pack_input_models
from bytesim.predictors.file_distribution import DISTRIBUTION_FILE
from bytesim.tasks.train.judge import Judged, card_fields, fitted_distribution, judge
from bytesim.tasks.train.judge_converter import JudgedConverter, is_judged, judge_converters
from bytesim.tasks.train.judge_converter import card_fields as converter_fields
from bytesim.tasks.train.result import PLOT_FILE, SourceUsed, Trained
from bytesim.training.data.split import RULE
from bytesim.training.data.streams import AnyStream
from bytesim.training.loop import Trainer
from bytesim.training.recipe import Recipe
from bytesim.training.sources import ClassifySource, FileSource
from bytesim.training.start import interpolate_with
from bytesim.training.validation import sample

SAVED_DTYPE = torch.bfloat16
LAST_STEPS = 100
"""Number of last steps whose mean loss is reported as the final training loss."""


def describe_sources(trainer: Trainer) -> list[SourceUsed]:
    """The data sources of a training, those for training first."""
    return [
        SourceUsed(
            path=stream.source.path,
            task=stream.source.purpose,
            use=use,
            part=stream.source.part if isinstance(stream.source, FileSource) else "all",
            rows=len(stream),
            left_out=stream.left_out,
            sha256=stream.sha256,
        )
        for use, stream in used_streams(trainer)
    ]


def used_streams(trainer: Trainer) -> list[tuple[str, AnyStream]]:
    """Pairs (use, stream) of a training, those for training first; see `SourceUsed.use`."""
    uses = [("training", stream) for stream in trainer.mixture.streams]
    return uses + [("validation", stream) for stream in trainer.validation]


def save_results(trainer: Trainer, recipe_text: str, resumed_at: int) -> Trained:
    """Measure, save the model in bfloat16 with its card, and plot the loss. Raises OutputError.

    Under torchrun only rank 0 measures and writes; the other ranks return no figures.
    """
    recipe, progress = trainer.recipe, trainer.progress
    sources = describe_sources(trainer)
    stopping = trainer.early_stopping
    best_step = stopping.best.step if stopping.load_best(trainer.model) else None
    trainer.gather()
    figures = _figures(trainer, best_step)
    judged = None
    more: dict[str, bytes] = {}
    if recipe.labels and trainer.validation and trainer.workers.leads:
        round_weights(trainer)
        if (distribution := fitted_distribution(trainer)) is not None:
            more[DISTRIBUTION_FILE] = distribution.packed()
        judged = judge(trainer, tells_outliers=distribution is not None)
        figures = judged.by_source
    converters: list[JudgedConverter] = []
    if is_judged(trainer) and trainer.workers.leads:
        round_weights(trainer)
        converters, inputs = judge_converters(trainer)
        more[INPUTS_FILE] = pack_input_models(inputs)
    metric = "accuracy" if recipe.labels else "bits per byte"
    model_folder = trainer.folder / recipe.name
    lines = list(trainer.log.lines())
    if trainer.workers.leads:
        save_model(
            model_folder,
            trainer.model.state_dict(),
            config=recipe.model.to_dict(),
            card=_card(trainer, sources, metric, figures, best_step, judged, converters),
            recipe=recipe_text,
            dtype=SAVED_DTYPE,
            more=more,
        )
        write_output(trainer.folder / PLOT_FILE, plot_loss(lines, metric), force=True)
    losses = [line["loss_nats"] for line in lines if "loss_nats" in line][-LAST_STEPS:]
    return Trained(
        name=recipe.name,
        folder=trainer.folder,
        model_folder=model_folder,
        steps=progress.step,
        resumed_at=resumed_at,
        seconds=progress.seconds,
        bytes_seen=progress.bytes_seen,
        num_parameters=sum(parameter.numel() for parameter in trainer.model.parameters()),
        loss_nats=sum(losses) / len(losses) if losses else None,
        metric=metric,
        validation=figures,
        sources=sources,
        best_step=best_step,
        judged=judged,
        converters=tuple(converters),
    )


def round_weights(trainer: Trainer) -> None:
    """Round the weights to SAVED_DTYPE, so that the calibration is fitted to the saved weights."""
    with torch.no_grad():
        for tensor in trainer.model.state_dict().values():
            if tensor.is_floating_point():
                tensor.copy_(tensor.to(SAVED_DTYPE))


def _figures(trainer: Trainer, best_step: int | None) -> dict[str, float]:
    """The figures of the weights that will be saved: measured, or from the log if they are those of the best step."""
    interpolated = bool(trainer.config.start_share)
    if interpolated and trainer.workers.leads:
        interpolate_with(trainer.model, trainer.recipe, trainer.base)
    logged = None
    if best_step is not None and not interpolated and trainer.workers.leads:
        logged = trainer.log.validation(best_step)
    return trainer.validate(again=interpolated).figures if logged is None else logged[0]


def _card(
    trainer: Trainer,
    sources: list[SourceUsed],
    metric: str,
    figures: dict[str, float],
    best_step: int | None,
    judged: Judged | None,
    converters: Sequence[JudgedConverter],
) -> dict[str, Any]:
    """The contents of card.json: purpose, data, training and results."""
    recipe, progress = trainer.recipe, trainer.progress
    files = [len(stream) if judged else len(sample(stream)) for stream in trainer.validation]
    more = card_fields(judged) if judged else converter_fields(converters) if converters else {}
    products = "float32" if judged else recipe.training.dtype
    purposes = list(dict.fromkeys(source.purpose for source in recipe.data))
    return {
        "purpose": f"{recipe.name}: {'; '.join(purposes)}.",
        "tasks": [_task_fields(stream) for stream in _distinct(trainer)],
        **({"labels": list(recipe.labels)} if recipe.labels else {}),
        "data": [{name: getattr(source, name) for name in source.__dataclass_fields__} for source in sources],
        "training": {
            "steps": progress.step,
            **({"best_step": best_step} if best_step is not None else {}),
            "minutes": round(progress.seconds / 60, 2),
            "bytes_seen": progress.bytes_seen,
            "device": str(trainer.device),
            "threads": torch.get_num_threads(),
            "machine": platform.machine(),
            "dtype": recipe.training.dtype,
            "torch": torch.__version__,
        },
        "results": {
            "metric": metric,
            "decoding": f"teacher-forced, float32 weights, {products} products",
            "validation": [
                {"source": name, "value": value, "files": count}
                for (name, value), count in zip(figures.items(), files, strict=True)
            ],
            **more.get("results", {}),
        },
        **(_reading(recipe) if judged else {}),
        **(classifier_fields(trainer) if judged else {}),
        **{name: value for name, value in more.items() if name != "results"},
        "licence": "Not stated yet. Weights follow the terms of the files they were trained on.",
    }


def _reading(recipe: Recipe) -> dict[str, Any]:
    """The fields of a card that classification depends on: test-time augmentation, label smoothing, windows.

    Fields with default values are left out.
    """
    sources = _labelled(recipe)
    fields: dict[str, Any] = {view.name: True for source in sources for view in source.views}
    if recipe.training.label_smoothing:
        fields["label_smoothing"] = recipe.training.label_smoothing
    rules = {source.windows for source in sources}
    return {**fields, "windows": rules.pop()} if rules == {"ends"} else fields


def classifier_fields(trainer: Trainer) -> dict[str, Any]:
    """The fields of a card for folders: how files were held out, and no normalisation. Empty for shards."""
    groups = list(dict.fromkeys(source.group_by for source in _labelled(trainer.recipe) if source.part == "dev"))
    if not groups:
        return {}
    return {"split": {"held_back": RULE, "group_by": " or ".join(filter(None, groups))}, "normalize": False}


def _labelled(recipe: Recipe) -> list[ClassifySource]:
    """The validation sources, with the type that all sources of a classifier have."""
    return [source for source in recipe.validation if isinstance(source, ClassifySource)]


def _distinct(trainer: Trainer) -> list[AnyStream]:
    """One stream for each purpose of the model."""
    return list({stream.source.purpose: stream for stream in trainer.mixture.streams}.values())


def _task_fields(stream: AnyStream) -> dict[str, str]:
    names = ("task", "source_suffix", "target_suffix")
    values = stream.source.to_dict()
    return {name: values[name] for name in names if values.get(name)}
