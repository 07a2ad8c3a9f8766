"""Which answers of a learned converter are confident."""

import numpy as np
import pytest
from helpers.confidence import ANYTHING, tell_confidence
from helpers.music_models import make_model

from bytesim.errors import ModelError
from bytesim.models.folder import read_card, write_json
from bytesim.predictors.converter import Judged, fit_converter_bound, read_confidence
from bytesim.predictors.familiarity import NUM_MEASURES

RECIPE = '[[data]]\npath = "p"\ntask = "convert"\nsource_suffix = "a"\ntarget_suffix = "b"\n'


def judged(nats: float, exact: bool = True, surprise: float = 1.0, back: bool | None = None) -> Judged:
    return Judged(nats=nats, exact=exact, surprises=np.array([surprise] * 4 + [0.0] * 3), converts_back=back)


def fit(rows: list[Judged]):
    return fit_converter_bound(rows, [(10, 20), (4, 12)], split="dev", split_sha256="0")


def test_nearly_all_right_answers_are_confident_and_wrong_ones_beyond_them_are_not():
    bound = fit([*(judged(index / 100) for index in range(100)), judged(3.0, exact=False)])
    assert bound.most_nats == pytest.approx(0.96)
    assert (bound.files, bound.exact, bound.confident, bound.right) == (101, 100, 97, 97)
    assert 0.95 < bound.at_least < 1


def test_the_bound_stays_below_wrong_answers():
    bound = fit([*(judged(index / 100) for index in range(100)), judged(0.405, exact=False)])
    assert bound.most_nats == pytest.approx(0.40)
    assert bound.confident == bound.right == 41


def test_without_a_right_answer_no_answer_is_confident():
    bound = fit([judged(0.0, exact=False) for _ in range(10)])
    assert bound.confident == 0
    assert bound.at_least == 0
    assert bound.doubt(0.0, np.zeros(NUM_MEASURES)) == "too few held-out pairs were converted exactly"


def test_an_unfamiliar_input_is_never_confident():
    bound = fit([judged(0.1) for _ in range(50)])
    assert bound.doubt(0.1, np.array([1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0])) == ""
    assert "unlike" in bound.doubt(0.0, np.array([1.0, 2.0, 1.0, 1.0, 0.0, 0.0, 0.0]))
    assert "unlike" in bound.doubt(0.0, np.array([1.0, 1.0, 1.0, 1.0, 0.7, 0.0, 0.0]))
    assert "unlike" in bound.doubt(0.0, np.array([1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 1.0]))


def test_the_doubt_says_which_property_of_all_inputs_is_broken(tmp_path):
    folder = make_model(tmp_path, RECIPE)
    rows = [b"a,b\n1,%d\n" % number for number in range(60)]
    tell_confidence(folder, "a to b", rows, most_surprise=(*ANYTHING[:-1], 0.0))
    confidence = read_confidence(folder, "a to b")
    assert confidence is not None
    assert confidence.doubt(b"a,b\n1,77\n", 0.1) == ""
    assert confidence.doubt(b"a,b\n1\n", 0.1).endswith("learned from: its lines have different numbers of ,")


def test_converting_back_is_asked_for_only_where_it_gives_the_input_of_right_answers():
    exact = [judged(0.1, back=True) for _ in range(50)]
    wrong = [judged(0.1, exact=False, back=False) for _ in range(5)]
    bound = fit([*exact, *wrong])
    assert bound.back
    assert (bound.confident, bound.right) == (50, 50)
    assert "back" in bound.doubt(0.1, np.zeros(NUM_MEASURES), False)
    assert bound.doubt(0.1, np.zeros(NUM_MEASURES), True) == ""
    lossy = fit([*exact, *(judged(0.1, back=False) for _ in range(50))])
    assert not lossy.back
    assert not fit([judged(0.1) for _ in range(50)]).back


def test_an_answer_may_be_twice_as_long_as_the_training_gives_reason_to_expect():
    bound = fit([judged(0.1)])
    assert bound.most_bytes(b"") == 64 + 2 * 20
    assert bound.most_bytes(bytes(100)) == 64 + 2 * 300


def test_a_card_without_bounds_tells_nothing_and_a_damaged_one_is_an_error(tmp_path):
    folder = make_model(tmp_path / "plain", RECIPE)
    assert read_confidence(folder, "a to b") is None
    tell_confidence(folder, "a to b", [b"xyz"])
    confidence = read_confidence(folder, "a to b")
    assert confidence is not None
    assert confidence.doubt(b"anything", 0.5) == ""
    assert confidence.doubt(b"anything", 0.6) != ""
    card = read_card(folder)
    for damage in ("none", [0.0] * 6):
        card["confidence"]["a to b"]["most_surprise"] = damage
        write_json(folder / "card.json", card)
        with pytest.raises(ModelError, match="Train the model again"):
            read_confidence(folder, "a to b")
