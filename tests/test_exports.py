"""The Python API: one function per command, the same defaults, types, and nothing loaded before it is used."""

import ast
import inspect
import subprocess
import sys
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from helpers.cli_tree import COMMANDS
from helpers.paths import ROOT

import bytesim
from bytesim import errors

FUNCTION_OF_COMMAND = {
    "data build cpu": "build_cpu",
    "data build media": "build_media",
    "data build filetype": "build_filetype",
    "data build music": "build_music",
    "classify file": "classify_file",
    "classify fragments": "classify_fragments",
    "compress": "compress",
    "convert abc2midi": "abc2midi",
    "convert files": "convert_files",
    "convert midi2abc": "midi2abc",
    "decompress": "decompress",
    "detect": "detect",
    "doctor": "doctor",
    "evaluate bpb": "evaluate_bpb",
    "evaluate classify": "evaluate_classify",
    "evaluate compare": "evaluate_compare",
    "evaluate convert": "evaluate_convert",
    "evaluate cpu": "evaluate_cpu",
    "evaluate generate": "evaluate_generate",
    "generate": "generate",
    "inspect": "inspect",
    "models compress": "compress_model",
    "models export": "export_model",
    "models import": "import_model",
    "models list": "list_models",
    "models path": "model_path",
    "models pull": "pull_model",
    "models push": "push_model",
    "models show": "show_model",
    "models verify": "verify_models",
    "normalize": "normalize",
    "simulate-cpu": "simulate_cpu",
    "train classify": "train_classify",
    "train convert": "train_convert",
    "train generate": "train_generate",
    "train recipe": "train_recipe",
}
SECOND_FUNCTIONS = {"evaluate_pairs": "evaluate convert", "bulk": "classify file"}
"""Function -> a command that it is a part of; `bulk` is the option --cluster of several."""
INPUTS = ("paths", "source", "sources")
"""Parameters that a function must be given and that a command may leave out, for its files may be in a manifest."""


ERRORS = {name for name, value in vars(errors).items() if inspect.isclass(value)}


def test_the_exported_names_are_these():
    functions = {*FUNCTION_OF_COMMAND.values(), *SECOND_FUNCTIONS}
    assert set(bytesim.__all__) == {"__version__", *functions, *ERRORS, "load", "Model"}
    assert set(dir(bytesim)) >= set(bytesim.__all__)


def test_every_command_is_one_function():
    assert COMMANDS.keys() == FUNCTION_OF_COMMAND.keys()


@pytest.mark.parametrize("words", sorted(COMMANDS))
def test_a_command_and_its_function_have_the_same_defaults(words):
    function = getattr(bytesim, FUNCTION_OF_COMMAND[words])
    asked = inspect.signature(function).parameters
    parameters = inspect.signature(inspect.unwrap(COMMANDS[words].callback)).parameters
    for name, parameter in parameters.items():
        left_out = name in INPUTS and parameter.default is None and "manifest" in parameters
        if name in asked and parameter.default is not inspect.Parameter.empty and not left_out:
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


# --- types -----------------------------------------------------------------------------------


def run_mypy(path: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mypy", str(path)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=170, check=False)


def test_type_checkers_and_python_import_the_same_names_from_the_same_modules():
    tree = ast.parse((ROOT / "bytesim" / "__init__.py").read_text(encoding="utf-8"))
    (branch,) = (node for node in tree.body if isinstance(node, ast.If))
    imports = [node for node in branch.body if isinstance(node, ast.ImportFrom)]
    told = {alias.name: node.module for node in imports for alias in node.names if alias.asname == alias.name}
    assert told == bytesim._EXPORTS
    for name, module in told.items():
        assert getattr(bytesim, name).__module__ == module, name


@pytest.mark.slow
def test_mypy_knows_the_type_of_every_call_and_refuses_wrong_ones():
    """The folder holds right calls, with their types, and wrong ones, each with the error that it must give."""
    done = run_mypy(ROOT / "tests" / "typing")
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_the_check_by_mypy_sees_a_wrong_type_and_a_wrong_call_that_is_accepted(tmp_path):
    source = tmp_path / "calls.py"
    source.write_text(
        "import bytesim\nfrom typing_extensions import assert_type\n"
        "assert_type(bytesim.doctor(), int)\nbytesim.abc2midi('a.abc')  # type: ignore[arg-type]\n"
    )
    done = run_mypy(source)
    assert done.returncode == 1
    assert 'Expression is of type "Diagnosis", not "int"' in done.stdout
    assert 'Unused "type: ignore" comment' in done.stdout


def test_right_calls_are_written_for_every_exported_function():
    text = (ROOT / "tests" / "typing" / "right_calls.py").read_text(encoding="utf-8")
    assert text.count("assert_type(bytesim.") >= 30
    assert not [name for name in FUNCTION_OF_COMMAND.values() if f"bytesim.{name}(" not in text]


def test_the_package_says_that_it_is_typed():
    assert (ROOT / "bytesim" / "py.typed").is_file()
    assert '"bytesim": ["py.typed"]' in (ROOT / "setup.py").read_text(encoding="utf-8")  # what the wheel takes along
