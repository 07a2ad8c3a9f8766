"""bytesim: byte models that turn files into files.

Every command is one function here, loaded when it is first used: `bytesim.show_model("music")`.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_EXPORTS = {
    "abc2midi": "bytesim.tasks.convert",
    "build_cpu": "bytesim.tasks.cpu_data",
    "build_filetype": "bytesim.tasks.filetype_build",
    "build_media": "bytesim.tasks.media_data",
    "build_music": "bytesim.tasks.data",
    "classify_file": "bytesim.tasks.classify",
    "classify_fragments": "bytesim.tasks.classify_fragments",
    "convert_files": "bytesim.tasks.convert_files",
    "doctor": "bytesim.tasks.doctor",
    "evaluate_bpb": "bytesim.tasks.evaluate_bpb",
    "evaluate_classify": "bytesim.tasks.evaluate_classify",
    "evaluate_convert": "bytesim.tasks.evaluate",
    "evaluate_cpu": "bytesim.tasks.evaluate_cpu",
    "evaluate_generate": "bytesim.tasks.evaluate_generate",
    "generate": "bytesim.tasks.generate",
    "import_model": "bytesim.tasks.models",
    "list_models": "bytesim.tasks.models",
    "midi2abc": "bytesim.tasks.convert",
    "model_path": "bytesim.tasks.models",
    "normalize": "bytesim.tasks.normalize",
    "show_model": "bytesim.tasks.models",
    "simulate_cpu": "bytesim.tasks.simulate_cpu",
    "train_classify": "bytesim.tasks.train",
    "train_convert": "bytesim.tasks.train",
    "train_generate": "bytesim.tasks.train",
    "train_recipe": "bytesim.tasks.train",
    "verify_models": "bytesim.tasks.models",
}
"""Name -> module it stands in."""

__all__ = ["__version__", *_EXPORTS]


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_EXPORTS[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
