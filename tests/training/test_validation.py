"""Validation: the names of its figures."""

from types import SimpleNamespace

from bytesim.training.sources import ConvertSource, GenerateSource
from bytesim.training.validation import figure_names


def test_sources_of_the_same_name_have_figures_of_their_own():
    there = ConvertSource(path="a.npz", source_suffix="abc", target_suffix="mid")
    sources = [there, there, GenerateSource(path="a.npz", target_suffix="mid"), there]
    names = figure_names([SimpleNamespace(source=source) for source in sources])
    assert names[:2] == ["a.npz", "a.npz mid"]
    assert len(set(names)) == len(sources)
