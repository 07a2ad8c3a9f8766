"""A str or Path is one input of every function: never a list of characters, one of which may be the current folder."""

import inspect
import os
import re
from pathlib import Path

import pytest
from helpers.bulk import bulk_here, rows_of
from helpers.programs import needs_symusic

import bytesim
from bytesim import files
from bytesim.errors import BytesimError

TUNE = "X:1\nM:4/4\nL:1/8\nK:D\nDFAd fdAF|GBAG FAD2|\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder, with tunes named by the characters of a path."""
    for name in ("a.abc", "b.abc", "c"):
        (tmp_path / name).write_text(TUNE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def sources(outcomes) -> list[str]:
    return [outcome.source for outcome in outcomes]


def read_only(name: str, call) -> list[str | None]:
    """The one source that a call read, or could not read."""
    try:
        return sources(call(name))
    except BytesimError as error:
        return [error.file]


def bulk_outcomes(paths) -> list[files.Outcome]:
    """The rows of a bulk run, done in this process, as outcomes."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        bulk_here(monkeypatch, "classify_file", paths, model="agnews", ledger="ledger.jsonl")
    return [files.Outcome(row["path"]) for row in rows_of("ledger.jsonl").values()]


CALLS = {
    "abc2midi": lambda paths: bytesim.abc2midi(paths, engine="rules"),
    "build_media": lambda paths: bytesim.build_media("digits", paths, out="set"),
    "build_music": lambda paths: bytesim.build_music(tunes=paths, corpus=False, out="set"),
    "bulk": lambda paths: bulk_outcomes(paths),
    "classify_file": lambda paths: bytesim.classify_file(paths, model="agnews"),
    "compress": lambda paths: bytesim.compress(paths, fast=True),
    "convert_files": lambda paths: bytesim.convert_files(paths, model="music"),
    "decompress": bytesim.decompress,
    "evaluate_bpb": lambda paths: bytesim.evaluate_bpb(paths, model="audio"),
    "evaluate_compare": lambda paths: bytesim.evaluate_compare(paths),
    "evaluate_generate": lambda paths: bytesim.evaluate_generate(against=paths),
    "midi2abc": lambda paths: bytesim.midi2abc(paths, engine="rules"),
    "normalize": bytesim.normalize,
    "train_classify": bytesim.train_classify,
    "train_convert": lambda paths: bytesim.train_convert(paths, source_suffix="abc", target_suffix="mid"),
    "train_generate": bytesim.train_generate,
    "verify_models": bytesim.verify_models,
}
"""Function that takes several inputs -> a call of it with these."""
NEED_ABCMIDI = {"build_music"}


def takes_inputs() -> set[str]:
    """The exported functions with a parameter of the type Inputs."""
    functions = {name: getattr(bytesim, name) for name in bytesim.__all__}
    signatures = {name: inspect.signature(value) for name, value in functions.items() if inspect.isfunction(value)}
    return {name for name, found in signatures.items() if "Inputs" in str(found)}


def test_every_function_that_takes_several_inputs_is_called_here():
    assert takes_inputs() == CALLS.keys()


def test_no_exported_function_asks_for_a_list_of_paths_only():
    functions = [getattr(bytesim, name) for name in bytesim.__all__]
    annotations = [str(inspect.signature(value)) for value in functions if inspect.isfunction(value)]
    assert not [text for text in annotations if re.search(r"(?<!\| )Sequence\[str", text)]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=needs_symusic if name in NEED_ABCMIDI else ()) for name in sorted(CALLS)]
)
@pytest.mark.parametrize("kind", [str, Path])
def test_one_path_is_one_input(name, kind, folder):
    named = read_only(kind(os.path.join(".", "c.nix")), CALLS[name])
    assert [os.path.normpath(path or "") for path in named] == ["c.nix"]


@pytest.mark.parametrize("kind", [str, Path])
def test_one_tune_is_converted_and_not_the_folder(kind, folder):
    (outcome,) = bytesim.abc2midi(kind("a.abc"), engine="rules")
    assert (outcome.source, outcome.error) == ("a.abc", None)
    assert sorted(path.name for path in folder.iterdir()) == ["a.abc", "a.mid", "b.abc", "c"]


def test_one_file_is_classified_and_a_folder_is_one_input_as_well(folder):
    assert sources(bytesim.classify_file("a.abc", model="agnews")) == ["a.abc"]
    assert len(bytesim.classify_file(folder, model="agnews")) == 3


def test_the_name_of_one_baseline_is_not_a_list_of_letters(folder):
    with pytest.raises(BytesimError, match="'nix'"):
        bytesim.evaluate_classify(folder, baselines="nix")


@pytest.mark.parametrize("call", [*CALLS.values(), bytesim.classify_fragments, bytesim.simulate_cpu])
def test_bytes_are_no_path_and_the_error_says_so(call, folder):
    with pytest.raises(TypeError, match=r"bytes"):
        call(b"a.abc")


@pytest.mark.parametrize("wrong", [None, 3, [3], [None], ["a.abc", b"a.abc"]])
def test_what_is_no_path_is_a_type_error(wrong):
    with pytest.raises(TypeError, match=r"path|bytes"):
        files.expand_inputs(wrong)


def test_several_kinds_of_iterables_are_several_inputs():
    for paths in (["a", Path("b")], ("a", Path("b")), iter(["a", Path("b")]), {"a": 1, "b": 2}):
        assert files.input_names(paths) == ["a", "b"]
