"""The encoder: a classifier that reads a whole file, or a window of one, at once and in both directions.

A front end turns the bytes into a feature map, convolutional stages shrink it, and a transformer reads the positions
that remain; their mean is one branch. Optional branches read n-grams, the two ends of the file and
byte statistics. A linear map, and perhaps a hidden layer beside it, takes all branches to the classes.
Source: compact convolutional transformers, Hassani et al. 2021, arXiv:2104.05704.

Axes: B files, P patches, S bytes per patch, L bytes, T positions, H hidden, C classes.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bytesim.models.encoder.config import EncoderConfig
from bytesim.models.encoder.convolutions import Stage
from bytesim.models.encoder.edges import EdgeBag, EdgeReader
from bytesim.models.encoder.frontends import ByteFront, PictureFront, SoundFront
from bytesim.models.encoder.heads import HiddenHead, MaxHead, NgramHead
from bytesim.models.encoder.statistics import StatisticsReader
from bytesim.nn.encoder_block import EncoderBlock
from bytesim.nn.ngrams import NgramBag


class Encoder(nn.Module):
    """An encoder with the front end and the branches that `config` names."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.front = _front(config)
        kernel = (1, config.kernel) if config.front == "bytes" else (config.kernel, config.kernel)
        widths = (self.front.channels, *config.channels)
        self.stages = nn.ModuleList(
            Stage(inputs, outputs, kernel, (1, stride) if config.front == "bytes" else (stride, stride), blocks)
            for inputs, outputs, stride, blocks in zip(
                widths, config.channels, config.strides, config.blocks_per_stage, strict=False
            )
        )
        self.join = nn.Linear(config.channels[-1], config.hidden_size, bias=False)
        self.positions = nn.Parameter(torch.randn(config.num_places, config.hidden_size) * 0.1)
        self.blocks = nn.ModuleList(
            EncoderBlock(config.hidden_size, config.head_size) for _ in range(config.num_layers)
        )
        self.bag = self.ngram_head = None
        if config.ngram_head:
            self.ngram_head = NgramHead(_ngrams(config, config.num_classes))
        elif config.ngram_buckets:
            self.bag = _ngrams(config, config.ngram_size)
        self.edges = EdgeReader(config.edge_bytes, config.hidden_size) if config.edge_bytes else None
        self.edge_bag = None
        if config.edge_buckets:
            self.edge_bag = EdgeBag(
                config.edge_bytes, config.edge_buckets, config.ngram_size, dropout=config.ngram_dropout
            )
        self.statistics = StatisticsReader(config.statistics_size) if config.statistics_size else None
        self.dropout = nn.Dropout(config.dropout)
        self.class_head = nn.Linear(config.pooled_size, config.num_classes)
        sizes = config.channels[-1] + config.hidden_size, config.num_classes
        self.max_head = MaxHead(*sizes) if config.max_pool else None
        self.hidden_head = None
        if config.classifier_size:
            self.hidden_head = HiddenHead(config.pooled_size, config.classifier_size, config.num_classes)

    def classify(self, patches: Tensor, lengths: Tensor) -> Tensor:
        """Class logits (B, C) of framed files (B, P, S), extension patch first; `lengths` (B,) are numbers of patches.

        Bytes beyond `config.window_bytes` are not read.
        """
        del lengths  # padding is 256, so lengths are not needed
        tokens = self.bytes_of(patches)
        mean, maxima = self._mean_and_maxima(tokens)
        features = self.dropout(self._joined(mean, tokens))
        logits = self.class_head(features)
        if self.hidden_head is not None:
            logits = logits + self.hidden_head(features)
        if self.ngram_head is not None:
            logits = logits + self.ngram_head(tokens)
        if self.max_head is not None and maxima is not None:
            logits = logits + self.max_head(self.dropout(self._drop_branch(maxima)))
        return logits

    def bytes_of(self, patches: Tensor) -> Tensor:
        """Framed files (B, P, S) -> the tokens (B, L) that are read, without extension patch and `skip_bytes`."""
        suffix = self.config.suffix_patches * self.config.patch_size
        return patches.flatten(1)[:, suffix + self.config.skip_bytes : suffix + self.config.window_bytes]

    def pooled(self, tokens: Tensor) -> Tensor:
        """Tokens (B, L), padded with 256 -> the features of all branches, (B, config.pooled_size)."""
        return self._joined(self._mean_and_maxima(tokens)[0], tokens)

    def _joined(self, mean: Tensor, tokens: Tensor) -> Tensor:
        """The features of all branches, of which that of the convolutions and the transformer is `mean` (B, H)."""
        others = (self.bag, self.edges, self.edge_bag, self.statistics)
        branches = (mean, *(branch(tokens) for branch in others if branch is not None))
        return torch.cat([self._drop_branch(branch) for branch in branches], -1)

    def _drop_branch(self, features: Tensor) -> Tensor:
        """Branch dropout: in training, zero the features (B, D) of some files, so that no branch relies on another."""
        kept = features.new_ones(len(features), 1)
        return features * F.dropout(kept, self.config.reader_dropout, self.training)

    def _mean_and_maxima(self, tokens: Tensor) -> tuple[Tensor, Tensor | None]:
        """The mean (B, H) over all positions after the transformer, and with `config.max_pool` the maxima (B, D + H).

        The maxima are those of the last convolution, of width D, and of the transformer.
        """
        x, mask = self.front(tokens)
        for stage in self.stages:
            x, mask = stage(x, mask)
        convolved = x.flatten(2).transpose(1, 2)
        x = self.join(convolved)
        x = x + self.positions[: x.shape[1]]
        real = torch.ones_like(x[..., 0], dtype=torch.bool) if mask is None else mask.flatten(1).clone()
        real[:, 0] = True  # so that an empty file has one position
        for block in self.blocks:
            x = block(x, None, real[:, None, None])
        x = F.rms_norm(x, (x.shape[-1],)) * real[..., None]
        maxima = torch.cat([_maxima(convolved, real), _maxima(x, real)], -1) if self.config.max_pool else None
        return x.sum(1) / real.sum(1, keepdim=True), maxima


def _maxima(x: Tensor, real: Tensor) -> Tensor:
    """(B, D): the maxima of x (B, T, D) over the positions where `real` (B, T) is True."""
    return x.masked_fill(~real[..., None], torch.finfo(x.dtype).min).amax(1)


def _ngrams(config: EncoderConfig, size: int) -> NgramBag:
    """The bag of the n-grams that a config names, with a table of `size` columns."""
    return NgramBag(
        config.ngram_buckets,
        size,
        config.ngrams,
        words=config.words,
        fold_case=config.fold_case,
        dropout=config.ngram_dropout,
    )


def _front(config: EncoderConfig) -> ByteFront | PictureFront | SoundFront:
    if config.front == "picture":
        return PictureFront(config.rows, config.columns, config.pixel_bytes)
    if config.front == "sound":
        samples = config.window_bytes - config.skip_bytes
        return SoundFront(config.filters, config.filter_bytes, config.filter_step, samples)
    return ByteFront(config.byte_embedding_size)
