"""The two vocabularies of byte models: the 257 tokens of the framing, and the 260 ids of BLT.

Where bytes begin at `patching.BYTE_OFFSET`, the ids before them are specials; the end-of-patch of the framing is then
BEGIN_ID as an input and END_ID as an output. Source: the tokenizer of bytelatent, the code of arXiv:2412.09871.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bytesim.nn.constants import BEGIN_ID, END_ID, vocabulary_size
from bytesim.patching import END_OF_PATCH

__all__ = ["BEGIN_ID", "END_ID", "to_ids", "token_logits", "vocabulary_size"]


def to_ids(tokens: Tensor, byte_offset: int) -> Tensor:
    """The ids of tokens (...)."""
    return torch.where(tokens == END_OF_PATCH, BEGIN_ID, tokens + byte_offset) if byte_offset else tokens


def token_logits(logits: Tensor, byte_offset: int) -> Tensor:
    """Logits of ids (..., N) -> logits of tokens (..., 257)."""
    if not byte_offset:
        return logits
    return torch.cat([logits[..., byte_offset : byte_offset + 256], logits[..., END_ID : END_ID + 1]], -1)
