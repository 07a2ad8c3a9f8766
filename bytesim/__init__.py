"""bytesim: byte models that convert, write, classify and simulate files.

Every command is one function of this package, imported when it is first used: `bytesim.show_model("music")`. Of
`evaluate convert`, `evaluate_convert` is for tunes and `evaluate_pairs` for pairs of other files. `load` gives a model
that stays in memory and takes bytes. docs/python.md has examples.
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

_EXPORTS = {
    "Model": "bytesim.api.model",
    "BytesimError": "bytesim.errors",
    "ConfigError": "bytesim.errors",
    "ContextError": "bytesim.errors",
    "DecodeError": "bytesim.errors",
    "EmptyError": "bytesim.errors",
    "FormatError": "bytesim.errors",
    "InputError": "bytesim.errors",
    "ModelError": "bytesim.errors",
    "OutputError": "bytesim.errors",
    "ToolError": "bytesim.errors",
    "abc2midi": "bytesim.tasks.convert.tunes",
    "build_cpu": "bytesim.datasets.cpu",
    "build_filetype": "bytesim.datasets.filetype.build",
    "build_media": "bytesim.datasets.media.build",
    "build_music": "bytesim.datasets.music.build",
    "bulk": "bytesim.cluster.bulk",
    "classify_file": "bytesim.tasks.classify.files",
    "classify_fragments": "bytesim.tasks.classify.fragments",
    "compress": "bytesim.tasks.compress.compress",
    "compress_model": "bytesim.tasks.models",
    "convert_files": "bytesim.tasks.convert.files",
    "decompress": "bytesim.tasks.compress.decompress",
    "detect": "bytesim.tasks.detect.detect",
    "doctor": "bytesim.tasks.doctor",
    "evaluate_bpb": "bytesim.tasks.evaluate.bpb",
    "evaluate_classify": "bytesim.tasks.evaluate.classify",
    "evaluate_compare": "bytesim.tasks.evaluate.compare",
    "evaluate_convert": "bytesim.tasks.evaluate.convert",
    "evaluate_cpu": "bytesim.tasks.evaluate.cpu",
    "evaluate_generate": "bytesim.tasks.evaluate.generate",
    "evaluate_pairs": "bytesim.tasks.evaluate.pairs",
    "export_model": "bytesim.tasks.models",
    "generate": "bytesim.tasks.generate.generate",
    "import_model": "bytesim.tasks.models",
    "inspect": "bytesim.tasks.inspect.inspect",
    "list_models": "bytesim.tasks.models",
    "load": "bytesim.api.model",
    "midi2abc": "bytesim.tasks.convert.tunes",
    "model_path": "bytesim.tasks.models",
    "normalize": "bytesim.tasks.normalize",
    "pull_model": "bytesim.tasks.hub.pull",
    "push_model": "bytesim.tasks.hub.push",
    "show_model": "bytesim.tasks.models",
    "simulate_cpu": "bytesim.tasks.simulate_cpu.simulate",
    "train_classify": "bytesim.tasks.train.train",
    "train_convert": "bytesim.tasks.train.train",
    "train_generate": "bytesim.tasks.train.train",
    "train_recipe": "bytesim.tasks.train.train",
    "verify_models": "bytesim.tasks.models",
}
"""Name -> module that defines it, for use at run time. The imports below say the same to type checkers."""

__all__ = ["__version__", *_EXPORTS]

if TYPE_CHECKING:
    from bytesim.api.model import Model as Model, load as load
    from bytesim.datasets.cpu import build_cpu as build_cpu
    from bytesim.datasets.filetype.build import build_filetype as build_filetype
    from bytesim.datasets.media.build import build_media as build_media
    from bytesim.datasets.music.build import build_music as build_music
    from bytesim.errors import (
        BytesimError as BytesimError,
        ConfigError as ConfigError,
        ContextError as ContextError,
        DecodeError as DecodeError,
        EmptyError as EmptyError,
        FormatError as FormatError,
        InputError as InputError,
        ModelError as ModelError,
        OutputError as OutputError,
        ToolError as ToolError,
    )
    from bytesim.cluster.bulk import bulk as bulk
    from bytesim.tasks.classify.files import classify_file as classify_file
    from bytesim.tasks.classify.fragments import classify_fragments as classify_fragments
    from bytesim.tasks.convert.files import convert_files as convert_files
    from bytesim.tasks.convert.tunes import abc2midi as abc2midi, midi2abc as midi2abc
    from bytesim.tasks.detect.detect import detect as detect
    from bytesim.tasks.doctor import doctor as doctor
    from bytesim.tasks.compress.compress import compress as compress
    from bytesim.tasks.compress.decompress import decompress as decompress
    from bytesim.tasks.evaluate.bpb import evaluate_bpb as evaluate_bpb
    from bytesim.tasks.evaluate.classify import evaluate_classify as evaluate_classify
    from bytesim.tasks.evaluate.compare import evaluate_compare as evaluate_compare
    from bytesim.tasks.evaluate.convert import evaluate_convert as evaluate_convert
    from bytesim.tasks.evaluate.cpu import evaluate_cpu as evaluate_cpu
    from bytesim.tasks.evaluate.generate import evaluate_generate as evaluate_generate
    from bytesim.tasks.evaluate.pairs import evaluate_pairs as evaluate_pairs
    from bytesim.tasks.generate.generate import generate as generate
    from bytesim.tasks.hub.pull import pull_model as pull_model
    from bytesim.tasks.hub.push import push_model as push_model
    from bytesim.tasks.inspect.inspect import inspect as inspect
    from bytesim.tasks.models import (
        compress_model as compress_model,
        export_model as export_model,
        import_model as import_model,
        list_models as list_models,
        model_path as model_path,
        show_model as show_model,
        verify_models as verify_models,
    )
    from bytesim.tasks.normalize import normalize as normalize
    from bytesim.tasks.simulate_cpu.simulate import simulate_cpu as simulate_cpu
    from bytesim.tasks.train.train import (
        train_classify as train_classify,
        train_convert as train_convert,
        train_generate as train_generate,
        train_recipe as train_recipe,
    )
else:

    def __getattr__(name):
        if name not in _EXPORTS:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(_EXPORTS[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted(__all__)
