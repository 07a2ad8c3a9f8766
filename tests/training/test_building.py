"""A recipe may ask for any sizes: what cannot be built, or does not fit the memory, is refused at once."""

import pytest
import torch
from helpers.tiny_training import CLASSIFIER, RECIPE, TINY_BLT, tiny_recipe

from bytesim.errors import ConfigError
from bytesim.training import building
from bytesim.training.building import build, check_sizes
from bytesim.training.recipe import parse_recipe

CPU = torch.device("cpu")
HUGE = (10**5, 10**7, 10**9, 10**12, 10**4000)


def model_text(text: str, name: str, value: int) -> str:
    """The recipe with one field of its [model] replaced, or added."""
    lines = text.splitlines()
    kept = [line for line in lines if not line.startswith(f"{name} =")]
    return "\n".join(kept).replace("[model]", f"[model]\n{name} = {value}", 1)


BGPT_SIZES = (
    "hidden_size", "num_layers", "byte_hidden_size", "byte_num_layers", "max_patches", "max_source_bytes",
    "source_hidden_size", "source_layers", "patch_size", "context_patches", "byte_embedding_size", "head_size",
    "source_kernel", "patch_encoder_layers", "num_classes",
)  # fmt: skip


@pytest.mark.parametrize("name", BGPT_SIZES)
def test_a_size_of_a_bgpt_is_built_or_refused(name):
    refused_or_small(RECIPE, name)


@pytest.mark.parametrize("name", ["hidden_size", "num_layers", "max_patches", "ngram_buckets", "num_classes"])
def test_a_size_of_a_classifier_is_built_or_refused(name):
    refused_or_small(CLASSIFIER, name)


@pytest.mark.parametrize("name", ["hidden_size", "num_layers", "encoder_layers", "ngram_buckets", "max_bytes"])
def test_a_size_of_a_blt_is_built_or_refused(name):
    text = f'[model]\n{TINY_BLT}patcher = "space"\n[training]\nsteps = 1\n[[data]]\npath = "x"\n'
    refused_or_small(text, name)


def refused_or_small(text: str, name: str) -> None:
    for value in HUGE:
        said, parameters = "", 0
        try:
            parameters = check_sizes(parse_recipe(model_text(text, name, value), "r").model, CPU)
        except ConfigError as error:
            said = str(error)
        assert "\n" not in said
        assert len(said) < 1000
        assert parameters < 4e9, (name, value)


def test_a_model_larger_than_the_memory_is_refused(monkeypatch):
    monkeypatch.setattr(building, "total_memory", lambda device: 1000)
    with pytest.raises(ConfigError, match="GiB"):
        build(tiny_recipe().model, CPU)
    monkeypatch.setattr(building, "total_memory", lambda device: None)
    assert build(tiny_recipe().model, CPU)


def test_an_allocation_that_fails_is_told_in_one_line(monkeypatch):
    def fails(config):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory\nC++ trace")

    monkeypatch.setattr(building, "model_of", fails)
    with pytest.raises(ConfigError, match="not enough memory") as caught:
        build(tiny_recipe().model, CPU)
    assert "\n" not in str(caught.value)
