"""What a config says of a model's inputs is what the model takes."""

import pytest

from bytesim.models.bgpt.config import BGPTConfig
from bytesim.models.encoder.config import EncoderConfig
from bytesim.models.inputs import ModelInputs

ATTENDING = {"parts": "modern", "source_attention": True, "max_source_bytes": 99}


@pytest.mark.parametrize(
    ("config", "inputs"),
    [
        (EncoderConfig(), ModelInputs()),
        (BGPTConfig(max_source_bytes=99), ModelInputs(max_source_bytes=99)),
        (BGPTConfig(**ATTENDING), ModelInputs(source=True, max_source_bytes=99)),
        (
            BGPTConfig(**ATTENDING, source_patches=False, clock=True),
            ModelInputs(source=True, max_source_bytes=99, source_in_history=False, times=True),
        ),
    ],
)
def test_a_config_says_what_its_model_is_given_beside_the_file(config, inputs):
    assert config.inputs == inputs
