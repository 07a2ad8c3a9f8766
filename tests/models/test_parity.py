"""Our bGPT computes what the published one does: on stored outputs, and against `transformers`' GPT-2 blocks."""

import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers.paths import FIXTURES

from bytesim.models.bgpt.config import BGPTConfig
from bytesim.models.bgpt.model import BGPT
from bytesim.models.bgpt.published import published_to_ours, read_published
from bytesim.patching import VOCAB_SIZE, frame_file

TOLERANCE = 1e-4


def load_published(weights: dict[str, torch.Tensor]) -> BGPT:
    config, state_dict = published_to_ours(weights)
    model = BGPT(config)
    model.load_state_dict(state_dict)
    return model.eval()


@pytest.fixture(scope="module", params=["bgpt-official-a", "bgpt-official-b"])
def official(request):
    """A published checkpoint as our model, its expected outputs and the extensions of its files."""
    folder = FIXTURES / request.param
    meta = json.loads((folder / "meta.json").read_text())
    return load_published(read_published(folder / "weights.pth")), np.load(folder / "expected.npz"), meta


def framed(expected, meta: dict, index: int) -> torch.Tensor:
    patches = frame_file(expected[f"file{index}"].tobytes(), meta["exts"][index], meta["patch_size"])
    return torch.from_numpy(patches).long()[None]


def test_shapes_are_read_off_a_published_checkpoint(official):
    model, _, meta = official
    config = model.config
    assert (config.hidden_size, config.patch_size) == (meta["hidden"], meta["patch_size"])
    assert (config.num_layers, config.byte_num_layers) == (meta["patch_layers"], meta["byte_layers"])
    assert config.max_patches == meta["patch_length"]
    # The published count has the one-row token table that no forward pass reads.
    assert sum(parameter.numel() for parameter in model.parameters()) + meta["hidden"] == meta["params"]


@torch.no_grad()
@pytest.mark.parametrize("index", range(5))
def test_features_logits_and_loss_are_the_published_ones(official, index):
    model, expected, meta = official
    patches = framed(expected, meta, index)
    logits = model(patches)
    assert np.abs(model.features(patches)[0].numpy() - expected[f"features{index}"]).max() < TOLERANCE
    assert np.abs(logits[0].numpy() - expected[f"logits{index}"]).max() < TOLERANCE
    loss_nats = F.cross_entropy(logits.reshape(-1, VOCAB_SIZE), patches[:, 1:].reshape(-1))
    assert abs(loss_nats.item() - expected[f"loss{index}"].item()) < TOLERANCE


def test_the_default_config_has_the_published_number_of_parameters():
    with torch.device("meta"):
        model = BGPT(BGPTConfig())
    assert sum(parameter.numel() for parameter in model.parameters()) + 768 == 110_084_352


# --- transformers ----------------------------------------------------------------------------

HIDDEN, PATCH_SIZE, MAX_PATCHES = 768, 16, 512


class Reference:
    """bGPT written with `transformers`' GPT-2, two layers and one, random weights, hidden 768, 512 patches."""

    def __init__(self) -> None:
        from transformers import GPT2Config, GPT2LMHeadModel, GPT2Model  # takes seconds

        torch.manual_seed(0)
        sizes = {"n_embd": HIDDEN, "n_head": HIDDEN // 64}
        self.embedding = torch.nn.Linear(PATCH_SIZE * VOCAB_SIZE, HIDDEN)
        self.patches = GPT2Model(GPT2Config(vocab_size=1, n_positions=MAX_PATCHES, n_layer=2, **sizes)).eval()
        config = GPT2Config(vocab_size=VOCAB_SIZE, n_positions=PATCH_SIZE + 1, n_layer=1, **sizes)
        self.bytes = GPT2LMHeadModel(config).eval()
        with torch.no_grad():  # fresh biases and norms are 0 and 1, which would hide a mix-up
            for part in (self.patches, self.bytes):
                for name, parameter in part.named_parameters():
                    if name.endswith(("bias", "ln_1.weight", "ln_2.weight", "ln_f.weight")):
                        parameter.add_(torch.randn_like(parameter) * 0.1)

    def weights(self) -> dict[str, torch.Tensor]:
        """The state dict under the published names."""
        parts = {
            "patch_level_decoder.patch_embedding.": self.embedding,
            "patch_level_decoder.base.": self.patches,
            "byte_level_decoder.base.": self.bytes,
        }
        return {prefix + name: tensor for prefix, part in parts.items() for name, tensor in part.state_dict().items()}

    def features(self, patches: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(B, P, H) of (B, P, S) patches of which `mask` (B, P) marks the real ones."""
        one_hot = F.one_hot(patches, VOCAB_SIZE).flatten(2).float()
        return self.patches(inputs_embeds=self.embedding(one_hot), attention_mask=mask.long()).last_hidden_state

    def logits(self, features: torch.Tensor, patches: torch.Tensor) -> torch.Tensor:
        """(N, S, V) of N patches (N, S) and the feature (N, H) before each."""
        spelled = self.bytes.transformer.wte(patches)
        return self.bytes(inputs_embeds=torch.cat([features[:, None], spelled], 1)).logits[:, :-1]


@pytest.mark.slow
@torch.no_grad()
def test_a_padded_batch_equals_transformers_gpt2_blocks():
    reference = Reference()
    model = load_published(reference.weights())
    generator = torch.Generator().manual_seed(1)
    lengths = torch.tensor([MAX_PATCHES, 300, 3])
    patches = torch.full((len(lengths), MAX_PATCHES, PATCH_SIZE), 256)
    for row, length in zip(patches, lengths, strict=True):
        row[: length - 1] = torch.randint(0, 256, (int(length) - 1, PATCH_SIZE), generator=generator)
    real = torch.arange(MAX_PATCHES) < lengths[:, None]

    features = reference.features(patches, real)
    ours = model.features(patches)
    assert (ours - features)[real].abs().max() < TOLERANCE

    # Every real patch after the first of each file, each scored from the feature of the one before it.
    first = torch.ones(len(lengths), dtype=torch.long)
    logits = model(patches, first=first, rows=MAX_PATCHES - 1)
    scored = real[:, 1:]
    wanted = reference.logits(features[:, :-1][scored], patches[:, 1:][scored])
    assert (logits[scored] - wanted).abs().max() < TOLERANCE
