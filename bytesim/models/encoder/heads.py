"""Heads of the encoder that are added to its linear map; they start at zero, so that a trained model can be given them.

Axes: B files, L bytes, D features, C classes.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from bytesim.nn.constants import NGRAM_HEAD_SCALE
from bytesim.nn.ngrams import NgramBag


class MaxHead(nn.Module):
    """Maxima over all positions (B, D) -> logits (B, C). A mean hides a sign that occurs once in a file."""

    def __init__(self, size: int, num_classes: int) -> None:
        super().__init__()
        self.layer = nn.Linear(size, num_classes, bias=False)
        nn.init.zeros_(self.layer.weight)

    def forward(self, maxima: Tensor) -> Tensor:
        return self.layer(maxima)


class HiddenHead(nn.Module):
    """Features (B, D) -> logits (B, C) through a hidden layer, because a sign's meaning depends on the other ones."""

    def __init__(self, size: int, hidden: int, num_classes: int) -> None:
        super().__init__()
        self.up = nn.Linear(size, hidden)
        self.down = nn.Linear(hidden, num_classes, bias=False)
        nn.init.zeros_(self.down.weight)

    def forward(self, features: Tensor) -> Tensor:
        return self.down(F.relu(self.up(features)))


class NgramHead(nn.Module):
    """Tokens (B, L) -> logits (B, C): the sum of the rows of the file's n-grams in a table with a column per class.

    A linear classifier of n-grams, as fastText is, arXiv:1607.01759, without the features between them and the classes.
    """

    def __init__(self, bag: NgramBag) -> None:
        super().__init__()
        self.bag = bag
        nn.init.zeros_(bag.table.weight)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.bag(tokens) * NGRAM_HEAD_SCALE
