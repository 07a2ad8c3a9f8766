"""Opens a model folder for the native engine. No torch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from bytesim.errors import BytesimError, ModelError
from bytesim.models.arrays import NamedWeights, read_weights
from bytesim.models.folder import CONFIG_FILE, check_loaded_files
from bytesim.models.registry import stored_config
from bytesim.native.library import Kernels, kernels
from bytesim.native.threads import share_operations

if TYPE_CHECKING:
    from bytesim.models.bgpt.native import NativeBGPT
    from bytesim.models.blt.native import NativeBLT
    from bytesim.models.encoder.config import EncoderConfig
    from bytesim.models.encoder.native import NativeEncoder
    from bytesim.models.flat.native import NativeFlat
    from bytesim.models.registry import ModelConfig

    NativeModel = NativeBGPT | NativeFlat | NativeBLT

NOT_BUILT = "the native engine was not built, or cannot be loaded; pip builds it where there is a C compiler"
MOST_READ = 256
"""Bytes of a patch of which the kernels can read single ones."""
NUMBER_TYPES = ("float32", "int8")


def native_lacks(config: ModelConfig) -> str:
    """Why the native engine cannot run a model with this config; empty if it can."""
    if kernels() is None:
        return NOT_BUILT
    if getattr(config, "patch_reads", 0) and config.patch_size > MOST_READ:
        return f"the native engine does not know patch_reads of patches above {MOST_READ} bytes"
    if config.num_classes and _architecture(config) != "encoder":
        return f"the native engine does not know classifiers of the architecture {_architecture(config)}"
    return ""


def _architecture(config: ModelConfig) -> str:
    return str(config.to_dict()["architecture"])


def load_native(folder: Path, *, number_type: str = "float32", threads: int | None = None) -> NativeModel:
    """The model of a folder that writes bytes, on the native engine.

    `number_type` is that of the weights in NUMBER_TYPES; int8 rounds them. `threads` share the operations of a large
    model, or many files; by default as many as a measurement finds fastest.

    Raises ModelError if the engine cannot run it, if the folder is incomplete or damaged, if config and weights differ,
    or a file is not the one that the card lists; ConfigError if the config is invalid.
    """
    with _errors_in(folder):
        config, weights, built = _opened(folder)
        model = _writer_of(_architecture(config))(config, weights, built, in_bytes=number_type == "int8")
        check_loaded_files(folder)
    share_operations(built, model.weight_bytes, threads)
    return model


def _writer_of(architecture: str) -> Any:
    """The class of native models of an architecture that writes bytes; each is imported when it is first used."""
    if architecture == "bgpt":
        from bytesim.models.bgpt.native import NativeBGPT

        return NativeBGPT
    if architecture == "blt":
        from bytesim.models.blt.native import NativeBLT

        return NativeBLT
    if architecture == "flat":
        from bytesim.models.flat.native import NativeFlat

        return NativeFlat
    raise ModelError("the model is a classifier; it cannot write files.")


def load_native_classifier(folder: Path) -> NativeEncoder:
    """The classifier of a folder on the native engine. Raises what `load_native` raises."""
    from bytesim.models.encoder.native import NativeEncoder

    with _errors_in(folder):
        config, weights, built = _opened(folder)
        if _architecture(config) != "encoder":
            raise ModelError("the model writes files; it cannot classify them.")
        model = NativeEncoder(cast("EncoderConfig", config), weights, built)
        check_loaded_files(folder)
    return model


def _opened(folder: Path) -> tuple[ModelConfig, NamedWeights, Kernels]:
    config, built = stored_config(folder), kernels()
    lacks = native_lacks(config)
    if lacks or built is None:
        raise ModelError(f"{lacks}. Choose --engine-backend torch.")
    return config, NamedWeights(read_weights(folder)), built


@contextmanager
def _errors_in(folder: Path) -> Iterator[None]:
    """Name the config of a folder in errors that name no file."""
    try:
        yield
    except BytesimError as error:
        raise error.in_file(str(folder / CONFIG_FILE)) from error
