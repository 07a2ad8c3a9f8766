"""bGPT as it was published, built of the GPT-2 of `transformers`: the baseline of decoding and of training.

Nothing is cached: for every patch the patch-level decoder reads the whole history again, and for every byte the
byte-level decoder the bytes of the patch before it. Source: Wu et al. 2024, arXiv:2402.19155, and its released code.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import GPT2Config, GPT2LMHeadModel, GPT2Model

from bytesim.models.bgpt.config import BGPTConfig
from bytesim.patching import VOCAB_SIZE
from bytesim.requests import Request


class Published(nn.Module):
    """A model of the size of a config with published parts, with random weights."""

    def __init__(self, config: BGPTConfig) -> None:
        super().__init__()
        self.size = config.patch_size
        self.embedding = nn.Linear(config.patch_size * VOCAB_SIZE, config.hidden_size)
        self.patches = GPT2Model(_config(config, config.num_layers, config.max_patches, 1))
        self.bytes = GPT2LMHeadModel(_config(config, config.byte_num_layers, config.patch_size + 1, VOCAB_SIZE))

    def features(self, patches: Tensor) -> Tensor:
        """(B, P, S) tokens -> (B, P, H)."""
        hot = F.one_hot(patches, VOCAB_SIZE).flatten(2).to(self.embedding.weight.dtype)
        return self.patches(inputs_embeds=self.embedding(hot), use_cache=False).last_hidden_state

    def logits(self, features: Tensor, tokens: Tensor) -> Tensor:
        """Logits (N, n + 1, V) of the bytes of patches, given their features (N, H) and their first bytes (N, n)."""
        embedded = torch.cat([features[:, None], self.bytes.transformer.wte(tokens)], 1)
        return self.bytes(inputs_embeds=embedded, use_cache=False).logits

    def loss(self, patches: Tensor) -> Tensor:
        """The mean loss in nats of all bytes of patches (B, P, S) but those of the first."""
        features = self.features(patches)[:, :-1].flatten(0, 1)
        targets = patches[:, 1:].flatten(0, 1)
        return F.cross_entropy(self.logits(features, targets[:, :-1]).flatten(0, 1), targets.flatten())

    @torch.inference_mode()
    def decode(self, request: Request, patches: int) -> None:
        """Write so many patches greedily after the history of a request."""
        history = torch.from_numpy(request.history.astype(np.int64))[None].to(self.embedding.weight.device)
        for _ in range(patches):
            feature, written = self.features(history)[:, -1], history.new_empty(1, 0)
            for _ in range(self.size):
                token = self.logits(feature, written)[:, -1, : VOCAB_SIZE - 1].argmax(-1)
                written = torch.cat([written, token[:, None]], 1)
            history = torch.cat([history, written[:, None]], 1)


def _config(config: BGPTConfig, layers: int, positions: int, vocabulary: int) -> GPT2Config:
    return GPT2Config(
        n_embd=config.hidden_size,
        n_head=config.hidden_size // config.head_size,
        n_layer=layers,
        n_positions=positions,
        vocab_size=vocabulary,
        bos_token_id=None,
        eos_token_id=None,
    )
