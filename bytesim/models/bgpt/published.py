"""Reads published bGPT checkpoints: pickles with the key `model`, read without running code, parameters renamed.

Source: Wu et al. 2024, arXiv:2402.19155, and the released checkpoints `weights-*.pth`. Their layout is that of the
`transformers` GPT-2: `patch_level_decoder.base` is a GPT2Model with a one-row token table, `byte_level_decoder.base`
a GPT2LMHeadModel over 257 tokens. GPT-2 stores linear maps as (in, out); the patch embedding is (out, in).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor

from bytesim.errors import ModelError
from bytesim.models.bgpt.config import BGPTConfig
from bytesim.models.checkpoints import check_numbers, read_state_dict
from bytesim.patching import VOCAB_SIZE

MASK_BUFFERS = (".attn.bias", ".attn.masked_bias")
"""Suffixes of the causal-mask buffers in checkpoints of older `transformers` releases; they are not weights."""

PATCH = "patch_level_decoder"
BYTE = "byte_level_decoder"
BYTE_TABLE = f"{BYTE}.base.transformer.wte.weight"
HEAD = f"{BYTE}.base.lm_head.weight"
"""The output head, tied to the byte embeddings."""
UNUSED = f"{PATCH}.base.wte.weight"
"""The one-row token table that no forward pass reads."""
LAYER_PARTS = {
    "ln_1": "attention_norm",
    "attn.c_attn": "attention.qkv",
    "attn.c_proj": "attention.out",
    "ln_2": "feed_forward_norm",
    "mlp.c_fc": "feed_forward.up",
    "mlp.c_proj": "feed_forward.down",
}
"""Published name -> ours, for the parts of a layer that have `weight` and `bias`."""


def read_published(path: Path) -> dict[str, Tensor]:
    """The `model` state dict of a published checkpoint, without mask buffers.

    Only tensors and plain containers are unpickled (`weights_only=True`): a pickle that would run code is
    refused. Raises ModelError, also for a file that is not a checkpoint or whose tensors exceed the file.
    """
    weights = read_state_dict(path, what="a published bGPT checkpoint")
    return {name: tensor for name, tensor in weights.items() if not name.endswith(MASK_BUFFERS)}


def published_to_ours(weights: Mapping[str, Tensor]) -> tuple[BGPTConfig, dict[str, Tensor]]:
    """Config and float32 state dict of our BGPT with the parts `published`, from a published state dict.

    Layers, width, patch size and positions follow from the shapes; heads are 64 wide in all published models. A
    classifier's checkpoint has no byte-level decoder. Raises ModelError if a tensor is missing, surplus, misshapen or
    not of finite numbers.
    """
    check_numbers(weights)
    config = _infer_config(weights)
    names = dict(_renames(config))
    missing = sorted(names.keys() - weights.keys() - {HEAD})
    surplus = sorted(weights.keys() - names.keys() - {HEAD, UNUSED})
    if missing or surplus:
        raise ModelError(
            f"not the published bGPT layout: {len(missing)} tensors are missing {missing[:2]}, "
            f"{len(surplus)} are unknown {surplus[:2]}."
        )
    if HEAD in weights and not torch.equal(weights[HEAD], weights[BYTE_TABLE]):
        raise ModelError(f"{HEAD} differs from the byte embeddings, which the published model ties to it.")
    transposed = (".c_attn.weight", ".c_proj.weight", ".c_fc.weight", ".patch_embedding.weight")
    return config, {
        ours: (weights[name].T if name.endswith(transposed) else weights[name]).to(torch.float32).contiguous()
        for name, ours in names.items()
    }


def _infer_config(weights: Mapping[str, Tensor]) -> BGPTConfig:
    try:
        hidden_size, inputs = weights[f"{PATCH}.patch_embedding.weight"].shape
        max_patches, _ = weights[f"{PATCH}.base.wpe.weight"].shape
        num_classes = len(weights["classifier.weight"]) if "classifier.weight" in weights else 0
    except (KeyError, ValueError, TypeError) as error:
        raise ModelError("not the published bGPT layout: the patch-level decoder is missing.") from error
    if inputs % VOCAB_SIZE:
        raise ModelError(f"the patch embedding has {inputs} inputs, which is not a multiple of {VOCAB_SIZE}.")
    byte_layers = 0 if num_classes else _count_layers(weights, f"{BYTE}.base.transformer")
    return BGPTConfig(
        parts="published",
        patch_size=inputs // VOCAB_SIZE,
        max_patches=max_patches,
        hidden_size=hidden_size,
        num_layers=_count_layers(weights, f"{PATCH}.base"),
        byte_hidden_size=hidden_size,
        byte_num_layers=max(byte_layers, 1),
        num_classes=num_classes,
    )


def _count_layers(weights: Mapping[str, Tensor], stack: str) -> int:
    count = 0
    while f"{stack}.h.{count}.ln_1.weight" in weights:
        count += 1
    return count


def _renames(config: BGPTConfig) -> Iterator[tuple[str, str]]:
    """Pairs (published name, our name) of all parameters."""
    yield f"{PATCH}.patch_embedding.weight", "patch_decoder.embedding.rows.weight"
    yield f"{PATCH}.patch_embedding.bias", "patch_decoder.embedding.bias"
    yield from _stack_renames(f"{PATCH}.base", "patch_decoder", config.num_layers)
    if config.num_classes:
        yield "classifier.weight", "class_head.weight"
        yield "classifier.bias", "class_head.bias"
    else:
        yield BYTE_TABLE, "byte_decoder.bytes.weight"
        yield from _stack_renames(f"{BYTE}.base.transformer", "byte_decoder", config.byte_num_layers)


def _stack_renames(published: str, ours: str, num_layers: int) -> Iterator[tuple[str, str]]:
    """The same for one GPT-2: positions, layers, final norm."""
    yield f"{published}.wpe.weight", f"{ours}.positions"
    for kind in ("weight", "bias"):
        yield f"{published}.ln_f.{kind}", f"{ours}.norm.{kind}"
        for layer in range(num_layers):
            for theirs, part in LAYER_PARTS.items():
                yield f"{published}.h.{layer}.{theirs}.{kind}", f"{ours}.blocks.{layer}.{part}.{kind}"
