"""The last part of the training of a classifier: only its heads, on features that are computed once.

    OMP_NUM_THREADS=1 python recipes/train_heads.py recipes/filetype-heads.toml --out runs/filetype-heads

The features of a trained classifier change little in the end, while its heads, which take them to the classes, still
learn. Computed once and kept, they let a head see its files hundreds of times as fast as a whole training does: in
minutes, in large batches. The recipe is one of `bytesim train` with `start_from`; its `minutes` or `steps` are those of
the heads, which are the linear map and the hidden layer of `classifier_size`. Files are read as in validation, without
augmentation. Unlike in `bytesim train`, `balance` holds for the label `unknown` too, whose files are many.

Source: training of a head before, or instead of, fine-tuning: Kumar et al. 2022, arXiv:2202.10054.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bytesim.models.encoder.config import EncoderConfig
from bytesim.models.encoder.model import Encoder
from bytesim.models.folder import read_card
from bytesim.models.weights import load_fitting_weights, save_model
from bytesim.training.data.streams import ClassifyStream, open_streams
from bytesim.training.loss import collate
from bytesim.training.recipe import Recipe, TrainingConfig, load_recipe, read_recipe_text
from bytesim.training.sources import DataSource

READ_TOGETHER = 32
BATCH = 1024
"""Files of a step."""
LINEAR_SHARE = 0.3
"""Learning rate of the linear map, which is trained already, beside that of the hidden layer."""
REPORT_S = 30
DRAWN = 200_000
"""Files that are drawn at a time."""


@dataclass
class Features:
    """The features (N, D) of the files of a source, and their classes (N,)."""

    rows: Tensor
    classes: Tensor
    weights: Tensor
    """(N,) how often each file is drawn, relative to the others of the source."""
    share: float
    """Share of a batch."""
    drawn: Tensor

    def draw(self) -> tuple[Tensor, Tensor]:
        """The features and classes of this source's part of a batch."""
        count = max(1, round(BATCH * self.share))
        if len(self.drawn) < count:
            self.drawn = torch.multinomial(self.weights, max(DRAWN, count), replacement=True)
        chosen, self.drawn = self.drawn[:count], self.drawn[count:]
        return self.rows[chosen].float(), self.classes[chosen]


def features_of(model: Encoder, stream: ClassifyStream, most: int) -> Features:
    """The features, computed in float32, of at most so many files of a stream, drawn at random."""
    chosen = np.sort(np.random.default_rng(0).permutation(len(stream))[:most]).tolist()
    rows = torch.empty(len(chosen), model.config.pooled_size, dtype=torch.float16)
    with torch.inference_mode():
        for start in range(0, len(chosen), READ_TOGETHER):
            examples = [stream.windows(index, 1)[0] for index in chosen[start : start + READ_TOGETHER]]
            rows[start : start + len(examples)] = model.pooled(
                model.bytes_of(collate(examples, model.config).patches)
            ).half()
    classes = torch.from_numpy(stream.labels[chosen].astype(np.int64))
    counts = torch.bincount(classes).clamp(min=1).float()
    weights = counts[classes] ** -stream.source.balance
    return Features(rows, classes, weights, stream.source.start_weight, torch.empty(0).long())


def widths_of(config: EncoderConfig) -> list[int]:
    """The widths of the branches whose features are joined, in their order."""
    hidden = config.hidden_size
    bag = config.ngram_size if config.ngram_buckets and not config.ngram_head else 0
    edges = hidden if config.edge_bytes else 0
    edge_bag = config.ngram_size if config.edge_buckets else 0
    widths = [width for width in (hidden, bag, edges, edge_bag, config.statistics_size) if width]
    assert sum(widths) == config.pooled_size
    return widths


def dropped(rows: Tensor, config: EncoderConfig) -> Tensor:
    """The features (B, D) with dropout of features and of branches, as in a whole training."""
    branches = [
        branch * F.dropout(branch.new_ones(len(branch), 1), config.reader_dropout)
        for branch in rows.split(widths_of(config), 1)
    ]
    return F.dropout(torch.cat(branches, 1), config.dropout)


def heads_of(model: Encoder) -> tuple[nn.Module, nn.Module]:
    """The linear map and the hidden layer. Only these are trained, so the model may have no other heads."""
    hidden = model.hidden_head
    if hidden is None or model.max_head is not None or model.ngram_head is not None:
        sys.exit("the recipe needs classifier_size, and no max_pool or ngram_head")
    return model.class_head, hidden


def logits_of(model: Encoder) -> Callable[[Tensor], Tensor]:
    """Features (B, D) -> logits (B, C)."""
    linear, hidden = heads_of(model)
    return lambda rows: linear(rows) + hidden(rows)


def accuracy(logits: Callable[[Tensor], Tensor], features: Features) -> tuple[float, float]:
    """(accuracy, its mean over the classes)."""
    with torch.inference_mode():
        right = torch.cat([logits(rows.float()).argmax(1) for rows in features.rows.split(4096)]) == features.classes
    by_class = [float(right[features.classes == one].float().mean()) for one in features.classes.unique()]
    return float(right.float().mean()), sum(by_class) / len(by_class)


def share_of(training: TrainingConfig, step: int, seconds: float) -> float:
    """The share of a training that is behind, by its steps or its minutes."""
    by_steps = step / training.steps if training.steps else 0.0
    return max(by_steps, seconds / (60 * training.minutes) if training.minutes else 0.0)


def train(model: Encoder, recipe: Recipe, training: list[Features], validation: dict[str, Features]) -> int:
    """Train the heads for the minutes or steps of the recipe. Returns the number of steps."""
    rates = [recipe.training.learning_rate * share for share in (LINEAR_SHARE, 1.0)]
    groups = [
        {"params": list(head.parameters()), "lr": rate} for head, rate in zip(heads_of(model), rates, strict=True)
    ]
    optimizer = torch.optim.AdamW(groups, weight_decay=recipe.training.weight_decay)
    logits = logits_of(model)
    start = told = time.monotonic()
    step = 0
    while (passed := share_of(recipe.training, step, time.monotonic() - start)) < 1:
        parts = [features.draw() for features in training]
        rows, classes = (torch.cat(tensors) for tensors in zip(*parts, strict=True))
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * min(1, (step + 1) / max(1, recipe.training.warmup_steps)) * (1 - passed)
        loss = F.cross_entropy(logits(dropped(rows, model.config)), classes)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        step += 1
        if time.monotonic() - told > REPORT_S:
            told = time.monotonic()
            report(f"step {step}, loss {loss.item():.3f}", logits, validation)
    report(f"end, step {step}", logits, validation)
    return step


def report(title: str, logits: Callable[[Tensor], Tensor], validation: dict[str, Features]) -> None:
    figures = (f"{name} {100 * all_:.2f} {100 * mean:.2f}" for name, (all_, mean) in measured(logits, validation))
    print(f"{title}: {'; '.join(figures)}", flush=True)


def measured(
    logits: Callable[[Tensor], Tensor], validation: dict[str, Features]
) -> list[tuple[str, tuple[float, float]]]:
    return [(name, accuracy(logits, features)) for name, features in validation.items()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="folder for the model folder")
    parser.add_argument("--files", type=int, default=110_000, help="most files of a source")
    options = parser.parse_args()
    recipe = load_recipe(options.recipe)
    base, config = options.recipe.parent, recipe.model
    if not isinstance(config, EncoderConfig) or not recipe.start_from:
        sys.exit("the recipe is not one of an encoder with start_from")
    if not (recipe.training.minutes or recipe.training.steps):
        sys.exit("the recipe says neither minutes nor steps")
    torch.manual_seed(recipe.training.seed)
    model = Encoder(config)
    print(f"at random: {', '.join(load_fitting_weights(base / recipe.start_from, model, config.to_dict()))}")
    model.eval()

    def features(sources: tuple[DataSource, ...]) -> dict[str, Features]:
        found = {}
        for stream in open_streams(sources, config, base, recipe.labels):
            assert isinstance(stream, ClassifyStream)
            name = f"{Path(stream.source.path).stem} {stream.source.group_from}"
            found[name] = features_of(model, stream, options.files)
            print(f"{name}: {len(found[name].rows):,} files", flush=True)
        return found

    validation = features(tuple(recipe.validation))
    report("before", logits_of(model), validation)
    training = list(features(tuple(recipe.data)).values())
    whole = sum(each.share for each in training)
    for each in training:
        each.share /= whole
    steps = train(model, recipe, training, validation)
    card = {name: value for name, value in read_card(base / recipe.start_from).items() if name != "files"}
    save_model(
        options.out / recipe.name,
        model.state_dict(),
        config=config.to_dict(),
        card={**card, "heads": {"steps": steps, "minutes": recipe.training.minutes}},
        recipe=read_recipe_text(options.recipe),
        dtype=torch.bfloat16,
    )


if __name__ == "__main__":
    main()
