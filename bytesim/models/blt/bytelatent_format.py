"""The weights of BLT in the layout of bytelatent, the code of the paper: `facebook/blt-1b` with its entropy model.

A folder holds config.json (the settings under `args`), model.safetensors, and in entropy_model/ params.json and
consolidated.pth. Names are turned into those of `transformers`, which `transformers_format` reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bytesim.errors import ModelError
from bytesim.models.checkpoints import read_safetensors, read_state_dict
from bytesim.models.folder import read_json

WINDOW = 512
"""Sliding window of the published entropy model; its params.json does not name it."""

_RENAMED = {
    "attention": "self_attn",
    "feed_forward": "mlp",
    "attention_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "tok_embeddings": "embed_tokens",
    "cross_attn_norm_q": "q_norm",
    "cross_attn_norm_kv": "k_norm",
    "w1": "gate_proj",
    "w2": "down_proj",
    "w3": "up_proj",
    "wq": "q_proj",
    "wk": "k_proj",
    "wv": "v_proj",
    "wo": "o_proj",
    "output": "lm_head",
}
"""Part of a name in bytelatent -> the same part in `transformers`."""
_TABLES = "encoder_hash_tok_embedding"


def read_bytelatent(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Config and state dict of a folder, in the format of `transformers`.

    The config also has `sliding_window`, that of the entropy model. Raises ModelError.
    """
    settings = read_json(folder / "config.json").get("args")
    params = read_json(folder / "entropy_model" / "params.json")
    patcher = params.get("data", {}).get("patcher_args", {}) if isinstance(params.get("data"), dict) else {}
    entropy = params.get("entropy_model")
    if not isinstance(settings, dict) or not isinstance(entropy, dict) or not isinstance(patcher, dict):
        raise ModelError("its settings are not those of bytelatent.", file=str(folder / "config.json"))
    weights = _renamed(read_safetensors(folder))
    of_entropy = read_state_dict(folder / "entropy_model" / "consolidated.pth", what="an entropy model of bytelatent")
    weights |= {f"model.patcher.{name.removeprefix('model.')}": each for name, each in _renamed(of_entropy).items()}
    head = weights.pop("model.local_decoder.lm_head.weight", None)
    if head is None:
        raise ModelError("the output layer of the local decoder is missing.", file=str(folder))
    weights["lm_head.weight"] = head
    return _config(settings, entropy, patcher, weights), weights


def _renamed(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights under the names of `transformers`, with the tables of n-grams joined."""
    renamed = {}
    tables = {int(name.split(".")[1]): each for name, each in weights.items() if name.startswith(f"{_TABLES}.")}
    for name, each in weights.items():
        if not name.startswith(f"{_TABLES}."):
            renamed["model." + ".".join(_RENAMED.get(part, part) for part in name.split("."))] = each
    if tables:
        renamed[f"model.{_TABLES}.weight"] = torch.cat([tables[index] for index in range(len(tables))])
    return renamed


def _config(
    settings: Mapping[str, Any], entropy: Mapping[str, Any], patcher: Mapping[str, Any], weights: Mapping[str, Tensor]
) -> dict[str, Any]:
    """The config of `transformers`; widths of layers are those of the weights."""
    if patcher.get("monotonicity") or patcher.get("threshold_add"):
        raise ModelError("its patcher uses the rise of the entropy, which is not read yet; only a threshold is.")
    shared = {
        "num_key_value_heads": settings.get("n_kv_heads"),
        "rope_theta": float(settings.get("rope_theta", 10000.0)),
        "rms_norm_eps": float(settings.get("norm_eps", 1e-5)),
        "max_position_embeddings": int(settings.get("max_encoder_seq_length") or settings.get("max_seqlen", 1024)),
    }
    return {
        "model_type": "blt",
        "vocab_size": len(weights["lm_head.weight"]),
        "patching_mode": "entropy",
        "patching_threshold": patcher.get("threshold", 1.335442066192627),
        "max_patch_length": patcher.get("max_patch_length"),
        "cross_attn_k": settings.get("cross_attn_k", 2),
        "encoder_hash_byte_group_size": settings["encoder_hash_byte_group_size"],
        "encoder_hash_byte_group_vocab": settings["encoder_hash_byte_group_vocab"],
        "encoder_hash_byte_group_nb_functions": settings["encoder_hash_byte_group_nb_functions"],
        "encoder_config": {
            **shared,
            **_part(weights, "model.local_encoder", settings["n_heads_local_encoder"]),
        },
        "decoder_config": {
            **shared,
            **_part(weights, "model.local_decoder", settings["n_heads_local_decoder"]),
            "cross_attn_all_layers": bool(settings.get("cross_attn_all_layers_decoder", False)),
        },
        "global_config": {
            **shared,
            **_part(weights, "model.global_transformer", settings["n_heads_global"]),
            "num_key_value_heads": settings.get("n_kv_heads_global"),
        },
        "patcher_config": {
            **_part(weights, "model.patcher", entropy["n_heads"]),
            "num_key_value_heads": entropy.get("n_kv_heads"),
            "rope_theta": float(entropy.get("rope_theta", 10000.0)),
        },
        "sliding_window": int(entropy.get("sliding_window") or WINDOW),
    }


def _part(weights: Mapping[str, Tensor], name: str, heads: int) -> dict[str, Any]:
    """Width, inner width, layers and heads of one stack of layers."""
    inner, hidden = weights[f"{name}.layers.0.mlp.gate_proj.weight"].shape
    prefix = f"{name}.layers."
    layers = {each.removeprefix(prefix).split(".")[0] for each in weights if each.startswith(prefix)}
    return {
        "hidden_size": hidden,
        "intermediate_size": inner,
        "num_hidden_layers": len(layers),
        "num_attention_heads": int(heads),
    }
