"""Every kept input of fuzz/corpus has the answer that the manifest says: a result, or one BytesimError."""

import pytest

from bytesim.tasks.train import folders
from fuzz.kept import CORPUS, kept, packed, runs

KEPT = kept()


@pytest.fixture(scope="module")
def answers():
    with runs() as made:
        yield made


def parameters():
    """A test for the files of each target, and one for each large input."""
    files: dict[str, list] = {}
    for one in KEPT:
        name = f"{one.target} {one.name}" if one.is_large else one.target
        files.setdefault(name, []).append(one)
    return [
        pytest.param(group, id=name, marks=[pytest.mark.slow] if group[0].is_large else [])
        for name, group in files.items()
    ]


@pytest.mark.parametrize("group", parameters())
def test_a_kept_input_has_the_answer_that_is_expected(group, answers):
    for one in group:
        answer = answers.answer(one.target, one.data())
        if answer["expected"] == "ToolError" != one.answer["expected"]:
            pytest.skip(answer["message"])  # abcMIDI or the kernels are missing here
        assert answer == one.answer, f"{one.target} {one.name}"


def test_the_corpus_is_complete_and_small():
    files = [path for path in CORPUS.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 1_500_000
    assert len(KEPT) >= 300
    assert all(one.answer for one in KEPT), "record the answers with `python -m fuzz.kept --record`"
    assert all(one.is_large or one.path.is_file() or one.member in packed() for one in KEPT)
    assert packed().keys() <= {one.member for one in KEPT}


def test_nothing_stays_replaced_in_bytesim():
    before = folders.sized_config
    with runs() as made:
        made.answer("train-generate", b"")
        replaced = folders.sized_config
        assert replaced is not before
        with runs() as made_inside:
            made_inside.answer("train-generate", b"")
            assert folders.sized_config is not replaced
        assert folders.sized_config is replaced
    assert folders.sized_config is before
