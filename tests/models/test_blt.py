"""The Byte Latent Transformer: parity with `transformers`, borders, decoding, and what its logits depend on."""

import json
import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from bytesim.cli import app
from bytesim.engine.decode import decode_in_order
from bytesim.engine.uncached import decode_uncached
from bytesim.errors import BytesimError, ConfigError, ModelError, OutputError
from bytesim.models.blt.borders import BorderState, Layout, entropy_of, find_borders
from bytesim.models.blt.config import PATCHERS, BLTConfig
from bytesim.models.blt.model import BLT
from bytesim.models.blt.ngrams import NgramEmbedding
from bytesim.models.blt.transformers_format import config_from_transformers, from_transformers, to_transformers
from bytesim.models.folder import fingerprint
from bytesim.models.framing import convert_request, generate_request
from bytesim.models.registry import build_model
from bytesim.models.weights import load_model
from bytesim.patching import END_OF_PATCH
from bytesim.requests import Request

SMALL: dict[str, object] = {
    "hidden_size": 48, "num_layers": 2, "head_size": 12, "key_value_heads": 2, "feed_forward_size": 40,
    "byte_hidden_size": 32, "encoder_layers": 2, "decoder_layers": 2, "byte_head_size": 8, "byte_key_value_heads": 2,
    "encoder_feed_forward_size": 0, "decoder_feed_forward_size": 0, "ngram_buckets": 50, "entropy_hidden_size": 16,
    "entropy_layers": 1, "entropy_head_size": 8, "entropy_key_value_heads": 1, "entropy_feed_forward_size": 0,
    "entropy_window": 11, "max_bytes": 130,
}  # fmt: skip

KINDS = [
    {"patcher": "entropy", "threshold": 4.4},
    {"patcher": "entropy", "threshold": 0.0},
    {"patcher": "entropy", "threshold": 99.0, "byte_offset": 4},
    {"patcher": "rise", "rise_threshold": 0.02},
    {"patcher": "entropy_and_rise", "threshold": 4.4},
    {"patcher": "cumulative", "threshold": 20.0},
    {"patcher": "space"},
    {"patcher": "static", "patch_bytes": 5, "ngrams": ()},
    {"patcher": "space", "max_patch_bytes": 3, "parts": "modern", "read_each_layer": False, "patch_vectors": 1},
    {"patcher": "cumulative", "threshold": 30.0, "parts": "modern", "max_patch_bytes": 6, "ngram_functions": 2},
]
"""Every patcher, with borders everywhere, nowhere and in between, and the other choices of a config."""


def names(changes: dict[str, object]) -> str:
    return "-".join(f"{name}={value}" for name, value in changes.items())


def blt(**changes: object) -> BLT:
    torch.manual_seed(0)
    model = BLT(BLTConfig(**{**SMALL, **changes})).eval()
    with torch.no_grad():  # residual outputs start at zero, which would hide every mistake behind them
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    return model


def requests_of(config: BLTConfig) -> list[Request]:
    rng = np.random.default_rng(1)
    sources = [rng.integers(0, 256, length, np.uint8).tobytes() for length in (3, 30, 0, 17, 8)]
    wanted = []
    if not config.byte_offset:  # imported weights convert nothing
        wanted = [convert_request(config, source, "abc", "mid", max_patches=90) for source in sources]
    prompts = [(b"", 60), (b"ab", 61), (b"abc defghijk", 62)]
    return wanted + [generate_request(config, "abc", prompt, max_patches=most) for prompt, most in prompts]


@pytest.mark.parametrize("changes", KINDS, ids=names)
def test_incremental_decoding_equals_recomputing(changes):
    model = blt(**changes)
    requests = requests_of(model.config)
    for reply, request in zip(decode_in_order(model, requests, slots=3), requests, strict=True):
        slow = decode_uncached(model, request)
        assert (reply.data, reply.ended) == (slow.data, slow.ended)
        assert reply.nats == pytest.approx(slow.nats, rel=1e-4, abs=2e-3)


@pytest.mark.parametrize("changes", KINDS, ids=names)
@torch.inference_mode()
def test_no_logit_depends_on_a_later_byte(changes):
    model, rng = blt(**changes), np.random.default_rng(0)
    for _ in range(12):
        tokens = torch.from_numpy(rng.integers(0, 257, (1, 40, 1)))
        place = int(rng.integers(1, 39))
        changed = tokens.clone()
        changed[0, place] = (changed[0, place] + 1 + int(rng.integers(256))) % 257
        before, after = model(tokens)[0], model(changed)[0]
        torch.testing.assert_close(before[:place], after[:place], rtol=0, atol=2e-5)
        assert (before[place] - after[place]).abs().max() > 1e-3


@pytest.mark.parametrize("changes", KINDS, ids=names)
@torch.inference_mode()
def test_a_prefill_of_any_length_and_steps_equal_one_forward(changes):
    model = blt(**changes)
    data = np.random.default_rng(2).integers(32, 127, 30, np.uint8).tobytes()
    whole = model.answer_logits(generate_request(model.config, "bin"), np.frombuffer(data, np.uint8)[:, None])
    for prefilled in (0, 1, 2, 7, 29):
        session = model.session(1)
        session.enter([generate_request(model.config, "bin", data[:prefilled])])
        for place in range(prefilled, 30):
            torch.testing.assert_close(session.logits()[0], whole[place, 0], rtol=1e-4, atol=1e-4)
            session.write(torch.tensor([[data[place]]]))


@pytest.mark.parametrize("changes", KINDS[::3], ids=names)
@torch.inference_mode()
def test_files_of_a_batch_are_as_if_alone(changes):
    model, rng = blt(**changes), np.random.default_rng(3)
    files = [torch.from_numpy(rng.integers(0, 256, (length, 1))) for length in (50, 9, 31)]
    batch = torch.full((3, 50, 1), END_OF_PATCH)
    for row, file in enumerate(files):
        batch[row, : len(file)] = file
    together = model(batch)
    for row, file in enumerate(files):
        torch.testing.assert_close(together[row, : len(file) - 1], model(file[None])[0], rtol=1e-4, atol=1e-4)


# --- borders ---------------------------------------------------------------------------------


def ends_of(config: BLTConfig, text: bytes, entropies: list[float] | None = None) -> list[bytes]:
    """The patches of a text under given entropies of the byte after each one."""
    tokens = torch.tensor([list(text)])
    found = find_borders(config, tokens, torch.tensor([entropies or [0.0] * len(text)]), None)
    patches, start = [], 0
    for place, end in enumerate(found.ends[0].tolist()):
        if end:
            patches.append(text[start : place + 1])
            start = place + 1
    return [*patches, text[start:]] if start < len(text) else patches


def config(**changes: object) -> BLTConfig:
    return BLTConfig(**{**SMALL, **changes})


def test_the_rules_of_the_patchers():
    assert ends_of(config(patcher="space"), b"^one, two  3.5\xc3\xa4b") == [
        b"^", b"one,", b" two ", b" 3.", b"5\xc3", b"\xa4b",
    ]  # fmt: skip
    assert ends_of(config(patcher="static", patch_bytes=3), b"^abcdefgh") == [b"^", b"abc", b"def", b"gh"]
    high = [9.0, 0.1, 2.0, 0.1, 1.9, 2.1, 0.0]
    assert ends_of(config(patcher="entropy", threshold=1.5), b"^abcdef", high) == [b"^", b"ab", b"cd", b"e", b"f"]
    rises = config(patcher="rise", rise_threshold=1.0)
    assert ends_of(rises, b"^abcdef", high) == [b"^", b"ab", b"cd", b"ef"]
    both = config(patcher="entropy_and_rise", threshold=1.95, rise_threshold=1.0)
    assert ends_of(both, b"^abcdef", high) == [b"^", b"ab", b"cdef"]
    sums = config(patcher="cumulative", threshold=2.0)
    assert ends_of(sums, b"^abcdef", high) == [b"^", b"ab", b"cde", b"f"]
    assert ends_of(config(patcher="space", max_patch_bytes=2), b"^abcde f") == [b"^", b"ab", b"cd", b"e ", b"f"]


def test_a_threshold_may_make_every_byte_a_border_or_none():
    entropies = [1.0] * 6
    assert ends_of(config(patcher="entropy", threshold=0.0), b"^abc", entropies[:4]) == [b"^", b"a", b"b", b"c"]
    assert ends_of(config(patcher="entropy", threshold=50.0), b"^abcde", entropies) == [b"^", b"abcde"]


@pytest.mark.parametrize("patcher", PATCHERS)
@pytest.mark.parametrize("longest", [0, 4])
def test_borders_found_step_by_step_are_those_found_at_once(patcher, longest):
    chosen = config(patcher=patcher, threshold=1.2, rise_threshold=0.1, max_patch_bytes=longest, patch_bytes=3)
    rng = np.random.default_rng(0)
    tokens = torch.from_numpy(rng.integers(30, 125, (2, 60)))
    entropies = torch.from_numpy(rng.random((2, 60), np.float32) * 2)
    whole = find_borders(chosen, tokens, entropies, None)
    for first in (1, 5, 20):
        part = find_borders(chosen, tokens[:, :first], entropies[:, :first], None)
        for place in range(first, 60):
            before = place - 1
            state = BorderState(tokens[:, before], entropies[:, before], part.totals[:, -1], part.opens[:, -1])
            part = find_borders(chosen, tokens[:, place, None], entropies[:, place, None], state)
            assert torch.equal(part.ends[:, 0], whole.ends[:, place])
            assert torch.equal(part.opens[:, 0], whole.opens[:, place])


def test_a_byte_reads_the_last_patch_that_is_complete_with_it():
    layout = Layout.of(torch.tensor([[True, False, True, True, False]]))
    assert layout.owners.tolist() == [[0, 1, 1, 2, 3]]
    assert layout.seen.tolist() == [[0, 0, 1, 2, 2]]
    assert layout.count == 4


def test_entropy_is_in_nats():
    assert entropy_of(torch.zeros(1, 8)).item() == pytest.approx(np.log(8))
    assert entropy_of(torch.tensor([[100.0, 0.0]])).item() == pytest.approx(0.0, abs=1e-6)


def test_ngrams_after_others_are_those_of_the_whole():
    torch.manual_seed(0)
    embed = NgramEmbedding(97, 8, (2, 3, 5), 3)
    ids = torch.randint(0, 257, (2, 20))
    whole = embed(ids)
    torch.testing.assert_close(embed(ids[:, 7:], ids[:, 3:7]), whole[:, 7:])
    changed = ids.clone()
    changed[:, 6] += 1
    moved = (embed(changed) != whole).any(-1)
    assert moved[:, 6:11].all()
    assert not moved[:, :6].any()
    assert not moved[:, 11:].any()


# --- configs ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"patcher": "magic"}, "patcher 'magic' is unknown"),
        ({"parts": "published"}, "choose llama or modern"),
        ({"threshold": -1.0}, "threshold is -1"),
        ({"byte_offset": 3}, "byte_offset is 3"),
        ({"ngrams": (0,)}, "ngrams is"),
        ({"ngrams": (3, 3)}, "different lengths"),
        ({"threshold": float("nan")}, "threshold is nan"),
        ({"mean_patch_bytes": float("inf")}, "mean_patch_bytes is inf"),
        ({"head_size": 7}, "does not split"),
        ({"byte_key_value_heads": 3}, "do not share 3"),
        ({"entropy_head_size": 5}, "entropy model: hidden_size 16 does not split"),
        ({"max_bytes": 16}, "leaves no room"),
        ({"patch_bytes": 0}, "patch_bytes is 0"),
    ],
)
def test_a_config_that_is_impossible_says_why(changes, message):
    with pytest.raises(ConfigError, match=message):
        build_model({"architecture": "blt", **SMALL, **changes})


def test_the_defaults_are_the_published_model():
    with torch.device("meta"):
        model = BLT(BLTConfig())
    sizes = {name: sum(each.numel() for each in part.parameters()) for name, part in model.named_children()}
    assert sizes["latent"] == 25 * (4 * 2048**2 + 3 * 2048 * 5632 + 2 * 2048)
    assert sizes["encoder"] - 6 * 500002 * 1024 < 20e6
    assert 90e6 < sizes["entropy"] < 110e6


# --- transformers ----------------------------------------------------------------------------


def theirs(seed: int, **changes: object):
    """A small `BltForCausalLM` with random weights."""
    from transformers import BltConfig, BltForCausalLM  # takes seconds

    torch.manual_seed(seed)
    local = {
        "hidden_size": 32, "num_attention_heads": 4, "num_key_value_heads": 2, "num_hidden_layers": 2,
        "intermediate_size": 48, "cross_attn_k": 2, "hidden_size_global": 48, "max_position_embeddings": 128,
    }  # fmt: skip
    chosen = {
        "threshold": 5.44,
        "functions": 2,
        "longest": None,
        "pools": False,
        "reads": True,
        "latent": 48,
        **changes,
    }
    local["hidden_size_global"] = chosen["latent"]
    config = BltConfig(
        patching_threshold=chosen["threshold"],
        encoder_hash_byte_group_size=[3, 4, 5],
        encoder_hash_byte_group_vocab=101,
        encoder_hash_byte_group_nb_functions=chosen["functions"],
        max_patch_length=chosen["longest"],
        encoder_config={**local, "cross_attn_all_layers": chosen["pools"]},
        decoder_config={**local, "cross_attn_all_layers": chosen["reads"]},
        global_config={
            "hidden_size": chosen["latent"], "num_attention_heads": 4, "num_hidden_layers": 2, "intermediate_size": 60,
            "max_position_embeddings": 128,
        },
        patcher_config={
            "hidden_size": 24, "num_attention_heads": 2, "num_hidden_layers": 2, "intermediate_size": 32,
            "max_position_embeddings": 128,
        },
    )  # fmt: skip
    return BltForCausalLM(config).eval()


def ours(model) -> BLT:
    chosen = config_from_transformers(model.config.to_dict())
    made = BLT(chosen).eval()
    made.load_state_dict(from_transformers(model.state_dict(), chosen))
    return made


THEIRS = [
    {},
    {"threshold": 5.3, "longest": 4},
    {"pools": True, "reads": False, "functions": 1},
    {"threshold": 5.5, "latent": 64},
]


@pytest.mark.parametrize("changes", THEIRS, ids=names)
@torch.inference_mode()
def test_patches_and_logits_are_those_of_transformers(changes):
    model = theirs(len(names(changes)), **changes)
    mine, rng = ours(model), np.random.default_rng(0)
    for length in (3, 20, 51):
        tokens = torch.from_numpy(np.concatenate([[END_OF_PATCH], rng.integers(0, 256, length)]))[None]
        ids = torch.where(tokens == END_OF_PATCH, 1, tokens + 4)
        expected = model(ids, use_cache=False).logits
        settings = {"patch_size": 4, "threshold": model.config.patching_threshold}
        lengths = model.model.patcher(ids, max_patch_length=model.config.max_patch_length, **settings)[1][0]
        found = mine.borders(tokens)
        ends = [*(found[0].ends[0, :-1].nonzero()[:, 0] + 1).tolist(), length + 1]
        assert np.diff([0, *ends]).tolist() == [each for each in lengths.tolist() if each]
        # With a longest patch, transformers forgets at the last byte alone that the next one begins a patch.
        compared = slice(None, -1 if model.config.max_patch_length else None)
        logits = mine.decoder.head(mine.features(tokens, found[0]))
        torch.testing.assert_close(logits[:, compared], expected[:, compared], rtol=0, atol=1e-4)


@pytest.mark.parametrize("changes", THEIRS[::3], ids=names)
@torch.inference_mode()
def test_weights_written_for_transformers_are_read_there(changes):
    from transformers import BltConfig, BltForCausalLM

    model = theirs(5, **changes)
    values, weights = to_transformers(ours(model).state_dict(), config_from_transformers(model.config.to_dict()))
    del values["architectures"]
    again = BltForCausalLM(BltConfig(**values)).eval()
    again.load_state_dict(weights)
    ids = torch.randint(4, 260, (1, 30))
    assert torch.equal(again(ids, use_cache=False).logits, model(ids, use_cache=False).logits)


def test_what_transformers_has_not_is_refused():
    chosen = replace(config(byte_offset=4, entropy_window=0), patcher="space")
    for wrong, message in (
        (chosen, "no patcher space"),
        (config(byte_offset=4), "entropy_window"),
        (config(entropy_window=0), "byte_offset = 4"),
    ):
        with pytest.raises(ModelError, match=message):
            to_transformers({}, wrong)
    values = theirs(0).config.to_dict()
    with pytest.raises(ModelError, match="do not belong"):
        from_transformers({}, config_from_transformers(values))
    with pytest.raises(ModelError, match="300 ids"):
        config_from_transformers({**values, "vocab_size": 300})
    with pytest.raises(ModelError, match="no global_config"):
        config_from_transformers({**values, "global_config": None})


# --- folders ---------------------------------------------------------------------------------


def bytelatent_folder(folder: Path, model) -> None:
    """The weights of a `BltForCausalLM` as bytelatent stores them."""
    names = {
        "self_attn": "attention", "mlp": "feed_forward", "input_layernorm": "attention_norm",
        "post_attention_layernorm": "ffn_norm", "embed_tokens": "tok_embeddings", "q_norm": "cross_attn_norm_q",
        "k_norm": "cross_attn_norm_kv", "gate_proj": "w1", "down_proj": "w2", "up_proj": "w3", "q_proj": "wq",
        "k_proj": "wk", "v_proj": "wv", "o_proj": "wo", "lm_head": "output",
    }  # fmt: skip
    main, entropy = {}, {}
    for name, weight in model.state_dict().items():
        parts = [names.get(part, part) for part in name.removeprefix("model.").split(".")]
        if name == "lm_head.weight":
            main["local_decoder.output.weight"] = weight
        elif "encoder_hash_tok_embedding" in name:
            main |= {
                f"encoder_hash_tok_embedding.{index}.weight": part.clone() for index, part in enumerate(weight.chunk(6))
            }
        elif parts[0] == "patcher":
            entropy[".".join(parts[1:])] = weight
        else:
            main[".".join(parts)] = weight
    settings = {
        "n_heads_local_encoder": 4, "n_heads_local_decoder": 4, "n_heads_global": 4, "n_kv_heads": 2, "cross_attn_k": 2,
        "cross_attn_all_layers_decoder": True, "encoder_hash_byte_group_size": [3, 4, 5], "rope_theta": 500000.0,
        "encoder_hash_byte_group_vocab": 101, "encoder_hash_byte_group_nb_functions": 2, "max_encoder_seq_length": 128,
    }  # fmt: skip
    (folder / "entropy_model").mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"args": settings}))
    save_file(main, folder / "model.safetensors")
    params = {"entropy_model": {"n_heads": 2, "sliding_window": 7}, "data": {"patcher_args": {"threshold": 5.44}}}
    (folder / "entropy_model" / "params.json").write_text(json.dumps(params))
    torch.save({"model": entropy}, folder / "entropy_model" / "consolidated.pth")


def test_published_folders_are_imported_and_written_again(tmp_path):
    model = theirs(7)
    model.save_pretrained(tmp_path / "hf")
    bytelatent_folder(tmp_path / "bytelatent", model)
    tokens = torch.randint(0, 256, (1, 40))
    with torch.inference_mode():
        expected = ours(model).logits(ours(model).features(tokens, ours(model).borders(tokens)[0]))
        for name, window in (("hf", 0), ("bytelatent", 7)):
            said = CliRunner().invoke(
                app, ["models", "import", str(tmp_path / name), "-o", str(tmp_path / f"{name}-ours")]
            )
            assert said.exit_code == 0, said.output
            read = load_model(tmp_path / f"{name}-ours")
            assert read.config == replace(ours(model).config, entropy_window=window)
            found = replace(read.config, entropy_window=0)
            same = BLT(found).eval()
            same.load_state_dict(read.state_dict())
            torch.testing.assert_close(same.logits(same.features(tokens, same.borders(tokens)[0])), expected)
    out = ["models", "export", str(tmp_path / "hf-ours"), "-o", str(tmp_path / "again")]
    said = CliRunner().invoke(app, out)
    assert said.exit_code == 0, said.output
    written = load_file(tmp_path / "again" / "model.safetensors")
    assert written.keys() == model.state_dict().keys()
    assert all(torch.equal(weight, written[name]) for name, weight in model.state_dict().items())
    refused = CliRunner().invoke(app, out)
    assert isinstance(refused.exception, OutputError)


def test_an_imported_model_continues_a_text_without_an_extension(tmp_path):
    model = ours(theirs(7))
    request = generate_request(model.config, "txt", b"ab")
    assert request.history[:, 0].tolist() == [END_OF_PATCH, ord("a"), ord("b")]
    slow, fast = (
        decode_uncached(model, replace(request, max_patches=30)),
        decode_in_order(model, [replace(request, max_patches=30)])[0],
    )
    assert (slow.data, slow.ended) == (fast.data, fast.ended)


def test_folders_that_are_not_a_published_blt_are_refused_in_one_line(tmp_path):
    model = theirs(7)
    model.save_pretrained(tmp_path / "hf")
    config = json.loads((tmp_path / "hf" / "config.json").read_text())
    for change, message in (
        ({"model_type": "llama"}, "neither a BLT of transformers"),
        ({"args": {}}, "missing; the model folder is incomplete"),
        ({"vocab_size": 300}, "300 ids"),
        ({"encoder_config": 3}, "no encoder_config"),
        ({"global_config": {**config["global_config"], "hidden_size": 40}}, "do not belong|does not split"),
        ({"patching_threshold": None}, "not those of a BLT"),
        ({"encoder_config": {}}, "not those of a BLT|differ in width"),
        ({"encoder_config": {**config["encoder_config"], "rope_parameters": [1]}}, "not those of a BLT"),
        ({"encoder_config": {**config["encoder_config"], "rms_norm_eps": "small"}}, "not those of a BLT"),
        ({"global_config": {**config["global_config"], "num_attention_heads": 0}}, "not those of a BLT"),
        ({"global_config": {**config["global_config"], "num_hidden_layers": 10**9}}, "num_layers is above 4,096"),
        ({"encoder_config": {**config["encoder_config"], "max_position_embeddings": 10**9}}, "max_bytes is above"),
    ):
        (tmp_path / "hf" / "config.json").write_text(json.dumps({**config, **change}))
        refused = CliRunner().invoke(app, ["models", "import", str(tmp_path / "hf"), "-o", str(tmp_path / "out")])
        assert isinstance(refused.exception, BytesimError), refused.output
        assert re.search(message, str(refused.exception)), refused.exception
    (tmp_path / "hf" / "config.json").write_text("[")
    refused = CliRunner().invoke(app, ["models", "import", str(tmp_path / "hf"), "-o", str(tmp_path / "out")])
    assert "not readable as JSON" in str(refused.exception)
    assert not (tmp_path / "out").exists()


# --- pull ------------------------------------------------------------------------------------


class Hub:
    """A hub with one repository, whose files are those of a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def model_info(self, repository: str, *, revision: str) -> SimpleNamespace:
        if (repository, revision) != ("owner/tiny-blt", "main"):
            raise OSError(f"404: {repository} has no revision {revision}")
        return SimpleNamespace(sha="c0ffee" * 6 + "abcd")

    def snapshot_download(
        self, repository: str, *, revision: str, allow_patterns: list[str], local_dir: Path, endpoint: str | None
    ) -> str:
        shutil.copytree(self.folder, local_dir)
        return str(local_dir)


@pytest.fixture
def hub(tmp_path, monkeypatch) -> Path:
    """The folder of the repository owner/tiny-blt of a stand-in for the hub."""
    theirs(7).save_pretrained(tmp_path / "hf")
    stand_in = Hub(tmp_path / "hf")
    monkeypatch.setattr("huggingface_hub.HfApi", lambda **_: stand_in)
    monkeypatch.setattr("huggingface_hub.snapshot_download", stand_in.snapshot_download)
    monkeypatch.setenv("BYTESIM_MODELS", str(tmp_path / "store"))
    return tmp_path / "hf"


def test_a_model_is_pulled_by_commit_and_hash(hub):
    digest = fingerprint(hub / "model.safetensors")["sha256"]
    said = CliRunner().invoke(app, ["models", "pull", "owner/tiny-blt", "--sha256", digest.upper()])
    assert said.exit_code == 0, said.output
    assert "from commit c0ffeec0ffee" in said.output.replace("\n", "")
    shown = CliRunner().invoke(app, ["models", "show", "tiny-blt", "--json"])
    source = json.loads(shown.output)["card"]["source"]
    assert source["repository"] == "owner/tiny-blt"
    assert source["file"] == "tiny-blt"
    assert (source["sha256"], source["commit"][:6]) == (digest, "c0ffee")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tiny-blt"], "write OWNER/NAME"),
        (["owner/tiny-blt", "--revision", "v2"], "at revision v2 .*404"),
        (["owner/tiny-blt", "--sha256", "00"], "another sha256 than 00"),
    ],
)
def test_what_cannot_be_pulled_is_one_line(hub, arguments, message):
    refused = CliRunner().invoke(app, ["models", "pull", *arguments])
    assert isinstance(refused.exception, BytesimError)
    assert re.search(message, str(refused.exception))


def test_without_the_package_of_the_hub_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    refused = CliRunner().invoke(app, ["models", "pull", "owner/tiny-blt"])
    assert "pip install huggingface_hub" in str(refused.exception)
