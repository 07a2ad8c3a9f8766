"""bytesim: byte models that convert, write, classify and simulate files.

Every command is one function of this package, imported when it is first used: `bytesim.show_model("music")`. Of
`evaluate convert`, `evaluate_convert` is for tunes and `evaluate_pairs` for pairs of other files.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_EXPORTS = {
    "abc2midi": "bytesim.tasks.convert.tunes",
    "build_cpu": "bytesim.datasets.cpu",
    "build_filetype": "bytesim.datasets.filetype.build",
    "build_media": "bytesim.datasets.media.build",
    "build_music": "bytesim.datasets.music.build",
    "classify_file": "bytesim.tasks.classify.files",
    "classify_fragments": "bytesim.tasks.classify.fragments",
    "convert_files": "bytesim.tasks.convert.files",
    "doctor": "bytesim.tasks.doctor",
    "evaluate_bpb": "bytesim.tasks.evaluate.bpb",
    "evaluate_classify": "bytesim.tasks.evaluate.classify",
    "evaluate_convert": "bytesim.tasks.evaluate.convert",
    "evaluate_cpu": "bytesim.tasks.evaluate.cpu",
    "evaluate_generate": "bytesim.tasks.evaluate.generate",
    "evaluate_pairs": "bytesim.tasks.evaluate.pairs",
    "generate": "bytesim.tasks.generate.generate",
    "import_model": "bytesim.tasks.models",
    "list_models": "bytesim.tasks.models",
    "midi2abc": "bytesim.tasks.convert.tunes",
    "model_path": "bytesim.tasks.models",
    "normalize": "bytesim.tasks.normalize",
    "show_model": "bytesim.tasks.models",
    "simulate_cpu": "bytesim.tasks.simulate_cpu.simulate",
    "train_classify": "bytesim.tasks.train.train",
    "train_convert": "bytesim.tasks.train.train",
    "train_generate": "bytesim.tasks.train.train",
    "train_recipe": "bytesim.tasks.train.train",
    "verify_models": "bytesim.tasks.models",
}
"""Name of a function -> module that defines it."""

__all__ = ["__version__", *_EXPORTS]


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_EXPORTS[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
