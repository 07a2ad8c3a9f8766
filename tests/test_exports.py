"""The Python API: one function per command, the same defaults, nothing loaded before it is used."""

import inspect
import subprocess
import sys
from enum import Enum
from typing import Any

import pytest
from helpers.cli_tree import COMMANDS

import bytesim

FUNCTION_OF_COMMAND = {
    "data build cpu": "build_cpu",
    "data build media": "build_media",
    "data build filetype": "build_filetype",
    "data build music": "build_music",
    "classify file": "classify_file",
    "classify fragments": "classify_fragments",
    "convert abc2midi": "abc2midi",
    "convert files": "convert_files",
    "convert midi2abc": "midi2abc",
    "doctor": "doctor",
    "evaluate bpb": "evaluate_bpb",
    "evaluate classify": "evaluate_classify",
    "evaluate convert": "evaluate_convert",
    "evaluate cpu": "evaluate_cpu",
    "evaluate generate": "evaluate_generate",
    "generate": "generate",
    "models import": "import_model",
    "models list": "list_models",
    "models path": "model_path",
    "models show": "show_model",
    "models verify": "verify_models",
    "normalize": "normalize",
    "simulate-cpu": "simulate_cpu",
    "train classify": "train_classify",
    "train convert": "train_convert",
    "train generate": "train_generate",
    "train recipe": "train_recipe",
}
SECOND_FUNCTIONS = {"evaluate_pairs": "evaluate convert"}
"""Function -> the command that it is a part of."""


def test_the_exported_names_are_these():
    assert set(bytesim.__all__) == {"__version__", *FUNCTION_OF_COMMAND.values(), *SECOND_FUNCTIONS}
    assert set(dir(bytesim)) >= set(bytesim.__all__)


def test_every_command_is_one_function():
    assert COMMANDS.keys() == FUNCTION_OF_COMMAND.keys()


@pytest.mark.parametrize("words", sorted(COMMANDS))
def test_a_command_and_its_function_have_the_same_defaults(words):
    function = getattr(bytesim, FUNCTION_OF_COMMAND[words])
    asked = inspect.signature(function).parameters
    for name, parameter in inspect.signature(inspect.unwrap(COMMANDS[words].callback)).parameters.items():
        if name in asked and parameter.default is not inspect.Parameter.empty:
            assert plain(parameter.default) == plain(asked[name].default), name


def plain(value: Any) -> Any:
    value = value.value if isinstance(value, Enum) else value
    return None if value == () else value  # a list that is left out


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_name"):
        bytesim.no_such_name  # noqa: B018


def test_importing_the_package_loads_no_task():
    code = "import sys, bytesim; print([m for m in sys.modules if m.startswith(('bytesim.', 'torch', 'numpy'))])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
