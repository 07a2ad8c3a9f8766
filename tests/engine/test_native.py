"""The native engine gives the answers of the torch engine, with every kind of part and of kernels."""

import pytest
from engine.test_engine import requests_of, small_model

from bytesim.engine.decode import decode_in_order
from bytesim.models.arrays import NamedWeights
from bytesim.models.bgpt.model import BGPT
from bytesim.models.bgpt.native import NativeBGPT
from bytesim.native.library import kernels

pytestmark = pytest.mark.skipif(kernels() is None, reason="the native engine was not built")


def native(model: BGPT) -> NativeBGPT:
    built = kernels()
    assert built is not None
    weights = {name: tensor.detach().float().numpy() for name, tensor in model.state_dict().items()}
    return NativeBGPT(model.config, NamedWeights(weights), built)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"context_patches": 0},
        {"context_patches": 3},
        {"near_bytes": 5},
        {"near_bytes": 3, "row_bytes": 9, "context_patches": 0},
        {"source_attention": False, "patch_source_attention": False},
        {"clock": True},
        {"clock": True, "source_attention": False, "patch_source_attention": False},
        {"clock": True, "clock_notation": True},
        {"byte_features": True, "byte_source_attention": False},
        {"source_patches": False, "clock": True},
        {"source_patches": False},
        {"hidden_size": 64, "byte_hidden_size": 64, "source_hidden_size": 16, "clock": True},
        {"parts": "published", "context_patches": 0, "source_attention": False, "patch_source_attention": False},
    ],
)
def test_answers_are_those_of_torch(changes):
    model = small_model(**changes)
    requests = requests_of(model.config)
    expected = decode_in_order(model, requests, slots=3)
    found = decode_in_order(native(model), requests, slots=3)
    for one, other in zip(found, expected, strict=True):
        assert (one.data, one.ended) == (other.data, other.ended)
        assert one.token_nats == pytest.approx(other.token_nats, abs=1e-4)
