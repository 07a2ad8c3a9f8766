"""The weights of BLT in the format of the `transformers` package, `BltForCausalLM`: read as ours, and written.

The two differ in names, in joined projections, and in rotary positions: `transformers` rotates neighbouring features,
ours rotate the two halves of a head, so the rows of queries and keys change places.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bytesim.errors import ModelError
from bytesim.models.blt.config import BLTConfig
from bytesim.models.folder import one_line

Weights = dict[str, Tensor]


def config_from_transformers(values: Mapping[str, Any]) -> BLTConfig:
    """Our config for a config.json of `BltForCausalLM`. Raises ModelError for settings that have no counterpart."""
    parts = {name: _part(values, name) for name in ("encoder_config", "decoder_config", "global_config")}
    encoder, decoder, latent = parts.values()
    entropy = values.get("patcher_config") or {}
    same = ("hidden_size", "num_attention_heads", "num_key_value_heads")
    if any(encoder.get(name) != decoder.get(name) for name in same):
        raise ModelError("its encoder and decoder differ in width or heads, which bytesim does not read.")
    _check(values, encoder, decoder, latent)
    by_entropy = values.get("patching_mode", "entropy") == "entropy" and values.get("patch_in_forward", True)
    patcher: dict[str, Any] = {"patcher": "static", "patch_bytes": 1}  # whatever max_patch_length is
    if by_entropy:
        patcher = {
            "patcher": "entropy",
            "threshold": float(values["patching_threshold"]),
            "max_patch_bytes": int(values.get("max_patch_length") or 0),
            "entropy_hidden_size": entropy["hidden_size"],
            "entropy_layers": entropy["num_hidden_layers"],
            "entropy_head_size": _head_size(entropy),
            "entropy_key_value_heads": _shared(entropy),
            "entropy_feed_forward_size": _inner(entropy),
            "entropy_window": int(values.get("sliding_window") or 0),
            "entropy_rope_base": _rope_base(entropy, 10000.0),
        }
    return BLTConfig.from_dict(
        {
            "parts": "llama",
            "hidden_size": latent["hidden_size"],
            "num_layers": latent["num_hidden_layers"],
            "head_size": _head_size(latent),
            "key_value_heads": _shared(latent),
            "feed_forward_size": _inner(latent),
            "byte_hidden_size": encoder["hidden_size"],
            "encoder_layers": encoder["num_hidden_layers"],
            "decoder_layers": decoder["num_hidden_layers"],
            "byte_head_size": _head_size(encoder),
            "byte_key_value_heads": _shared(encoder),
            "encoder_feed_forward_size": _inner(encoder),
            "decoder_feed_forward_size": _inner(decoder),
            "patch_vectors": values.get("cross_attn_k", 2),
            "read_each_layer": bool(decoder.get("cross_attn_all_layers", True)),
            "ngrams": list(values.get("encoder_hash_byte_group_size") or (3, 4, 5, 6, 7, 8)),
            "ngram_buckets": values.get("encoder_hash_byte_group_vocab", 500002),
            "ngram_functions": values.get("encoder_hash_byte_group_nb_functions", 1),
            "rope_base": _rope_base(latent, 500000.0),
            "byte_offset": 4,
            "max_bytes": int(encoder.get("max_position_embeddings", 8192)),
            **patcher,
        }
    )


def _part(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = values.get(name)
    if not isinstance(part, Mapping):
        raise ModelError(f"its config has no {name}; it is not a BLT of transformers.")
    return part


def _head_size(part: Mapping[str, Any]) -> int:
    return int(part["hidden_size"]) // int(part["num_attention_heads"])


def _shared(part: Mapping[str, Any]) -> int:
    return int(part.get("num_key_value_heads") or part["num_attention_heads"])


def _inner(part: Mapping[str, Any]) -> int:
    return int(part.get("intermediate_size") or 8 * part["hidden_size"] / 3)


def _rope_base(part: Mapping[str, Any], default: float) -> float:
    rope = part.get("rope_parameters") or {}
    return float(rope.get("rope_theta", part.get("rope_theta", default)))


def _check(values: Mapping[str, Any], *parts: Mapping[str, Any]) -> None:
    """Raise ModelError for settings of which ours have one value only."""
    if any(abs(part.get("rms_norm_eps", 1e-5) - 1e-5) > 1e-9 for part in parts):
        raise ModelError("its norms have another epsilon than 1e-5.")
    if values.get("vocab_size", 260) != 260:
        raise ModelError(f"its vocabulary has {values['vocab_size']} ids; BLT's has 260.")
    if len({_rope_base(part, 500000.0) for part in parts}) > 1:
        raise ModelError("its parts have rotary positions of different bases.")


@dataclass(frozen=True, slots=True)
class _Origin:
    """Which weights of theirs one of ours is made of."""

    names: tuple[str, ...]
    """One name, or those of the projections to queries, keys and values, which ours joins."""
    head_size: int = 0
    """With three names: width of a head, whose features change places in queries and keys."""

    def read(self, weights: Mapping[str, Tensor]) -> Tensor:
        """Our weight from theirs."""
        parts = [weights[name] for name in self.names]
        if len(parts) == 1:
            return parts[0]
        return torch.cat([*(_halves(part, self.head_size) for part in parts[:2]), parts[2]])

    def write(self, weight: Tensor, key_value_heads: int) -> Weights:
        """Theirs from our weight."""
        if len(self.names) == 1:
            return {self.names[0]: weight}
        shared = key_value_heads * self.head_size
        queries, keys, values = weight.split([len(weight) - 2 * shared, shared, shared])
        parts = (_neighbours(queries, self.head_size), _neighbours(keys, self.head_size), values)
        return {name: part.contiguous() for name, part in zip(self.names, parts, strict=True)}


def _halves(weight: Tensor, head_size: int) -> Tensor:
    """Rows of a projection, with the two features of a rotation half a head apart instead of beside each other."""
    return weight.unflatten(0, (-1, head_size // 2, 2)).transpose(1, 2).flatten(0, 2)


def _neighbours(weight: Tensor, head_size: int) -> Tensor:
    """The inverse of `_halves`."""
    return weight.unflatten(0, (-1, 2, head_size // 2)).transpose(1, 2).flatten(0, 2)


def from_transformers(weights: Mapping[str, Tensor], config: BLTConfig) -> Weights:
    """Our state dict from that of `BltForCausalLM`. Raises ModelError for one that does not fit the config."""
    pooling = "model.local_encoder.cross_attn_layers"
    layers = [int(name.split(".")[3]) for name in weights if name.startswith(pooling)]
    try:
        # Of several layers that pool, the last one alone has an effect.
        origins = _origins(config, pooling=f"{pooling}.{max(layers)}")
        return {name: origin.read(weights).contiguous() for name, (origin, _) in origins.items()}
    except (KeyError, RuntimeError, ValueError) as error:
        raise ModelError(f"the weights do not belong to the config ({one_line(error)[:200]}).") from error


def to_transformers(weights: Mapping[str, Tensor], config: BLTConfig) -> tuple[dict[str, Any], Weights]:
    """The config.json and the state dict of `BltForCausalLM` for our weights.

    Raises ModelError for a config that has no counterpart there.
    """
    values = _their_config(config)
    theirs: Weights = {}
    for name, (origin, key_value_heads) in _origins(config).items():
        theirs |= origin.write(weights[name], key_value_heads)
    return values, theirs


_BLOCK = {
    "attention_norm.weight": "input_layernorm.weight",
    "attention.out.weight": "self_attn.o_proj.weight",
    "feed_forward_norm.weight": "post_attention_layernorm.weight",
    "feed_forward.gate.weight": "mlp.gate_proj.weight",
    "feed_forward.up.weight": "mlp.up_proj.weight",
    "feed_forward.down.weight": "mlp.down_proj.weight",
}
_CROSS = {
    "query": "q_proj",
    "key": "k_proj",
    "value": "v_proj",
    "out": "o_proj",
    "query_norm": "q_norm",
    "key_norm": "k_norm",
}


def _origins(
    config: BLTConfig, *, pooling: str = "model.local_encoder.cross_attn_layers.0"
) -> dict[str, tuple[_Origin, int]]:
    """Our weight -> its origin, and the heads of keys and values of its layer."""
    plain = {
        "encoder.bytes": "model.local_encoder.embed_tokens",
        "encoder.spread": "model.local_encoder.patch_embedding_projection",
        "decoder.spread": "model.local_decoder.patch_embedding_projection",
        "decoder.norm": "model.local_decoder.norm",
        "decoder.head": "lm_head",
    }
    if config.ngrams:
        plain["encoder.ngrams.table"] = "model.encoder_hash_tok_embedding"
    if config.patch_vectors * config.byte_hidden_size != config.hidden_size:
        plain["latent.join"] = "model.global_transformer.token_embedding_projection"
    if config.needs_entropy:
        plain["entropy.decoder.bytes"] = "model.patcher.embed_tokens"
        plain["entropy.decoder.norm"] = "model.patcher.norm"
        plain["entropy.head"] = "model.patcher.lm_head"
    made = {f"{ours}.weight": (_Origin((f"{theirs}.weight",)), 0) for ours, theirs in plain.items()}
    for ours, theirs, layers, head_size, heads in _stacks(config):
        for layer in range(layers):
            made |= _block(f"{ours}.blocks.{layer}", f"{theirs}.layers.{layer}", head_size, heads)
    readers = config.decoder_layers if config.read_each_layer else 1
    crossing = {"encoder.attention": pooling}
    crossing |= {f"decoder.attention.{i}": f"model.local_decoder.cross_attn_layers.{i}" for i in range(readers)}
    for ours, theirs in crossing.items():
        for mine, name in _CROSS.items():
            made[f"{ours}.{mine}.weight"] = (_Origin((f"{theirs}.{name}.weight",)), 0)
    return made


def _stacks(config: BLTConfig) -> list[tuple[str, str, int, int, int]]:
    """(our name, theirs, layers, head size, heads of keys) of each stack of blocks."""
    byte = (config.byte_head_size, config.byte_key_value_heads)
    latent = (config.head_size, config.key_value_heads)
    entropy = (config.entropy_head_size, config.entropy_key_value_heads)
    stacks = [
        ("latent.stack", "model.global_transformer", config.num_layers, *latent),
        ("encoder.stack", "model.local_encoder", config.encoder_layers, *byte),
        ("decoder.stack", "model.local_decoder", config.decoder_layers, *byte),
    ]
    return [*stacks, ("entropy.decoder", "model.patcher", config.entropy_layers, *entropy)][: 3 + config.needs_entropy]


def _block(ours: str, theirs: str, head_size: int, key_value_heads: int) -> dict[str, tuple[_Origin, int]]:
    made = {f"{ours}.{mine}": (_Origin((f"{theirs}.{name}",)), 0) for mine, name in _BLOCK.items()}
    joined = tuple(f"{theirs}.self_attn.{name}_proj.weight" for name in "qkv")
    return {**made, f"{ours}.attention.qkv.weight": (_Origin(joined, head_size), key_value_heads)}


def _their_config(config: BLTConfig) -> dict[str, Any]:
    """Their config.json. Raises ModelError for settings that they do not have."""
    if config.parts != "llama" or config.byte_offset != 4:
        raise ModelError(
            "only models with llama parts and byte_offset = 4 can be written in the format of transformers."
        )
    if config.patcher not in ("entropy", "static") or (config.patcher == "static" and config.patch_bytes != 1):
        raise ModelError(f"transformers has no patcher {config.patcher}; it has entropy, and static with one byte.")
    if config.needs_entropy and config.entropy_window:
        raise ModelError("the entropy model of transformers sees all bytes; set entropy_window = 0.")
    byte = (config.byte_hidden_size, config.byte_head_size, config.byte_key_value_heads)
    cross = {"cross_attn_k": config.patch_vectors, "hidden_size_global": config.hidden_size, "vocab_size": 260}
    latent = (config.hidden_size, config.head_size, config.key_value_heads)
    entropy = (config.entropy_hidden_size, config.entropy_head_size, config.entropy_key_value_heads)
    inner = _widths(config)
    positions = {"max_position_embeddings": config.max_bytes}
    return {
        "architectures": ["BltForCausalLM"],
        "model_type": "blt",
        "vocab_size": 260,
        "patch_in_forward": config.needs_entropy,
        "patching_mode": config.patcher,
        "patching_threshold": config.threshold,
        "max_patch_length": config.max_patch_bytes or None,
        "cross_attn_k": config.patch_vectors,
        "encoder_hash_byte_group_size": list(config.ngrams),
        "encoder_hash_byte_group_vocab": config.ngram_buckets,
        "encoder_hash_byte_group_nb_functions": config.ngram_functions,
        **positions,
        "encoder_config": {
            **_their_part(*byte, config.encoder_layers, inner[0], config.rope_base),
            **cross, **positions, "cross_attn_all_layers": False,
        },
        "decoder_config": {
            **_their_part(*byte, config.decoder_layers, inner[1], config.rope_base),
            **cross, **positions, "cross_attn_all_layers": config.read_each_layer,
        },
        "global_config": {**_their_part(*latent, config.num_layers, inner[2], config.rope_base), **positions},
        "patcher_config": {
            **_their_part(*entropy, config.entropy_layers, inner[3], config.entropy_rope_base),
            **positions, "vocab_size": 260,
        },
    }  # fmt: skip


def _widths(config: BLTConfig) -> list[int]:
    """Inner widths of the feed-forward layers of encoder, decoder, latent transformer and entropy model."""
    given = (
        (config.encoder_feed_forward_size, config.byte_hidden_size),
        (config.decoder_feed_forward_size, config.byte_hidden_size),
        (config.feed_forward_size, config.hidden_size),
        (config.entropy_feed_forward_size, config.entropy_hidden_size),
    )
    return [inner or 8 * size // 3 for inner, size in given]


def _their_part(
    size: int, head_size: int, key_value_heads: int, layers: int, inner: int, base: float
) -> dict[str, Any]:
    return {
        "hidden_size": size,
        "num_attention_heads": size // head_size,
        "num_key_value_heads": key_value_heads,
        "num_hidden_layers": layers,
        "intermediate_size": inner,
        "rms_norm_eps": 1e-5,
        "rope_parameters": {"rope_type": "default", "rope_theta": base},
    }
