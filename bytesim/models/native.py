"""Opens a model folder for the native engine. No torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bytesim.errors import BytesimError, ConfigError, ModelError
from bytesim.models.arrays import NamedWeights, read_weights
from bytesim.models.bgpt.config import BGPTConfig
from bytesim.models.bgpt.native import NativeBGPT, unsupported
from bytesim.models.flat.config import FlatConfig
from bytesim.models.flat.native import NativeFlat
from bytesim.models.folder import CONFIG_FILE, read_config
from bytesim.models.registry import config_of
from bytesim.native.library import kernels
from bytesim.native.threads import share_products

if TYPE_CHECKING:
    from bytesim.models.registry import ModelConfig

NativeModel = NativeBGPT | NativeFlat
NOT_BUILT = "the native engine was not built, as there was no C compiler when bytesim was installed"


def native_lacks(config: ModelConfig) -> str:
    """Why the native engine cannot run a model with this config; empty if it can."""
    if kernels() is None:
        return NOT_BUILT
    if isinstance(config, FlatConfig):
        return ""
    if not isinstance(config, BGPTConfig):
        return f"the native engine does not know the architecture {config.to_dict()['architecture']}"
    lacking = unsupported(config)
    return f"the native engine does not know {lacking}" if lacking else ""


NUMBER_TYPES = ("float32", "int8")


def load_native(folder: Path, *, number_type: str = "float32", threads: int | None = None) -> NativeModel:
    """The model of a folder on the native engine.

    `number_type` is that of the weights in NUMBER_TYPES; int8 rounds them. `threads` share the products of a large
    model; by default as many as a measurement finds fastest.

    Raises ModelError if the engine cannot run it, if the folder is incomplete or damaged, or if config and weights
    differ; ConfigError if the config is invalid.
    """
    path = str(folder / CONFIG_FILE)
    try:
        config = config_of(read_config(folder))
        lacks = native_lacks(config)
        built = kernels()
        if lacks or built is None:
            raise ModelError(f"{lacks}. Choose --engine-backend torch.")
        weights = NamedWeights(read_weights(folder))
        in_bytes = number_type == "int8"
        model: NativeModel
        if isinstance(config, FlatConfig):
            model = NativeFlat(config, weights, built, in_bytes=in_bytes)
        else:
            assert isinstance(config, BGPTConfig), "native_lacks refuses the others"
            model = NativeBGPT(config, weights, built, in_bytes=in_bytes)
    except ConfigError as error:
        raise error.in_file(path) from error
    except BytesimError as error:
        raise error if error.file else error.in_file(path) from error
    if threads is None:
        share_products(built, model.weight_bytes)
    else:
        built.use_threads(threads)
    return model
