"""Temperature, threshold and pictures of a classifier, from numbers made up for it."""

import io
import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bytesim.errors import ModelError
from bytesim.metrics import calibration_error, confused_pairs, score_classification
from bytesim.pictures.classifier import confusion_png, reliability_png
from bytesim.predictors.calibration import (
    MOST_BELOW_WITH_UNSEEN,
    ClassCalibration,
    UnknownRule,
    are_unknown,
    best_guesses,
    confidences,
    fit_class_calibration,
    fit_rule,
    fit_threshold,
    keep_class_calibration,
    read_class_calibration,
    read_fragment_calibrations,
    unsmoothed,
)
from bytesim.predictors.scaling import MANY_FILES, Scaling, fit_scaling, fit_temperature, log_softmax, softmax


def honest(files: int = 4000, classes: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Logits whose softmax is the true chance of each class, and classes drawn by it."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(files, classes)) * 2
    return logits, np.array([rng.choice(classes, p=row) for row in softmax(logits)])


def mixed_up(files: int) -> tuple[np.ndarray, np.ndarray]:
    """Sure logits with a tenth of the classes wrong, however sure they are."""
    logits, labels = honest(files)
    wrong = np.random.default_rng(1).random(files) < 0.1
    return logits * 3, np.where(wrong, np.random.default_rng(2).integers(0, 5, files), labels)


@pytest.mark.slow
def test_a_mixture_is_more_honest_than_a_temperature_where_sure_answers_are_wrong():
    logits, labels = mixed_up(12_000)
    made = fit_scaling(logits[:6000], labels[:6000])
    assert 0.05 < made.uniform < 0.2
    errors = [
        calibration_error(each, labels[6000:])
        for each in (
            made.probabilities(logits[6000:]),
            softmax(logits[6000:], fit_temperature(logits[:6000], labels[:6000])),
        )
    ]
    assert errors[0] < 0.02 < errors[1]


def test_few_files_fit_a_temperature_alone():
    logits, labels = mixed_up(MANY_FILES - 1)
    made = fit_scaling(logits, labels)
    assert (made.uncalibrated, made.uniform) == (0, 0)
    assert made.temperature == pytest.approx(fit_temperature(logits, labels), abs=1e-4)


@given(st.floats(0.3, 5), st.floats(0, 0.5), st.floats(0, 0.5))
def test_a_mixture_is_made_of_probabilities_and_keeps_their_order(temperature, uncalibrated, uniform):
    logits = np.random.default_rng(3).normal(size=(20, 6)) * 4
    made = Scaling(temperature=temperature, uncalibrated=uncalibrated, uniform=uniform).probabilities(logits)
    np.testing.assert_allclose(made.sum(1), 1)
    assert (made >= 0).all()
    assert (made.argmax(1) == logits.argmax(1)).all()


def test_many_files_without_a_mistake_make_no_answer_certain():
    logits, _ = honest(MANY_FILES)
    assert fit_scaling(logits, logits.argmax(1)) == Scaling()


@pytest.mark.slow
def test_a_fitted_scaling_can_be_kept(tmp_path):
    logits, labels = honest(MANY_FILES)
    for factor in (1.0, 0.2, 6.0):  # at 1 the uncalibrated softmax is all that is needed
        made = fit_class_calibration(logits * factor, labels, list("abcde"), split="dev", split_sha256="ab")
        assert 0 <= made.uncalibrated + made.uniform <= 1
        assert read_class_calibration({"calibration": asdict(made)}, tmp_path) == made


@pytest.mark.slow
@pytest.mark.parametrize("factor", [0.3, 1.0, 4.0])
def test_the_temperature_undoes_overconfidence(factor):
    logits, labels = honest()
    assert fit_temperature(logits * factor, labels) == pytest.approx(factor, rel=0.1)
    made = fit_class_calibration(logits * factor, labels, list("abcde"), split="dev", split_sha256="0")
    assert made.expected_calibration_error < 0.03
    assert made.expected_calibration_error <= calibration_error(softmax(logits * factor), labels) + 0.01


def test_a_finer_search_finds_no_better_temperature():
    logits, labels = honest(300)
    best = fit_temperature(logits * 2.5, labels)

    def loss(temperature):
        return -log_softmax(logits * 2.5 / temperature)[np.arange(300), labels].mean()

    assert loss(best) <= min(loss(each) for each in np.geomspace(0.05, 20, 2000)) + 1e-9


def test_a_classifier_that_is_never_wrong_stays_within_bounds():
    assert 0.04 < fit_temperature(np.eye(3) * 5, [0, 1, 2]) < 0.06
    assert 19 < fit_temperature(-np.eye(3) * 5, [0, 1, 2]) < 21


def test_the_threshold_lets_so_many_known_files_below_it_and_no_more():
    known = np.arange(100) / 100
    threshold = fit_threshold(known)
    assert (known < threshold).sum() == 3
    assert fit_threshold([0.5] * 10) == 0.5  # equal ones stay known together


def test_with_unseen_files_the_threshold_parts_the_two_best():
    known = np.concatenate([[0.1, 0.2], np.full(98, 0.9)])
    threshold = fit_threshold(known, [0.3, 0.3, 0.4, 0.95])
    assert 0.4 < threshold <= 0.9
    assert fit_threshold(np.full(100, 0.5), [0.7]) == 0.0  # nothing can be won
    crowded = np.linspace(0, 1, 100)
    assert (crowded < fit_threshold(crowded, [0.5] * 50)).sum() <= 4


def test_the_class_unknown_wins_or_is_passed_over():
    labels = ["png", "unknown", "zip"]
    table = np.array([[0.5, 0.4, 0.1], [0.3, 0.6, 0.1], [0.2, 0.1, 0.7]])
    assert confidences(table, labels).tolist() == [0.5, 0.3, 0.7]
    assert best_guesses(table, labels).tolist() == [0, 0, 2]
    assert are_unknown(table, labels, UnknownRule()).tolist() == [False, True, False]
    assert are_unknown(table, labels, UnknownRule(below=0.6)).tolist() == [True, True, False]
    assert are_unknown(table, labels, UnknownRule(weight=2.0)).tolist() == [True, True, False]
    assert are_unknown(table, labels, UnknownRule(below=0.35, weight=0.0)).tolist() == [False, True, False]
    assert are_unknown(table, labels, UnknownRule(share_from=0.7)).tolist() == [False, False, False]
    assert are_unknown(table, labels, UnknownRule(share_from=0.4)).tolist() == [True, True, False]
    assert are_unknown(table, ["a", "b", "c"], UnknownRule(below=0.55)).tolist() == [True, False, False]


def test_the_rule_is_spent_where_it_wins_most():
    labels = ["png", "zip", "unknown"]
    rng = np.random.default_rng(0)
    torn = np.stack([rng.uniform(0.4, 0.55, 500), rng.uniform(0.3, 0.4, 500), rng.uniform(0, 0.01, 500)], 1)
    strange = np.stack([rng.uniform(0.6, 0.7, 100), rng.uniform(0, 0.1, 100), rng.uniform(0.1, 0.2, 100)], 1)
    by_class = fit_rule(torn, strange, labels)  # strange files are surer of a kind than known ones, but not of both
    assert are_unknown(strange, labels, by_class).all()
    assert are_unknown(torn, labels, by_class).mean() <= MOST_BELOW_WITH_UNSEEN
    doubtful = np.stack([rng.uniform(0.1, 0.2, 100), rng.uniform(0.1, 0.2, 100), np.zeros(100)], 1)
    by_guess = fit_rule(torn, doubtful, labels)
    assert are_unknown(doubtful, labels, by_guess).all()
    assert are_unknown(torn, labels, by_guess).mean() <= MOST_BELOW_WITH_UNSEEN
    assert fit_rule(torn[:6], strange, labels) == UnknownRule()


@given(st.integers(34, 90), st.integers(1, 40), st.integers(0, 1 << 32))
def test_no_rule_loses_more_known_files_than_it_may(known, unseen, seed):
    labels = ["png", "unknown", "zip"]
    rng = np.random.default_rng(seed)
    table, strange = (softmax(np.round(rng.normal(0, 2, (count, 3)), 1)) for count in (known, unseen))
    assert are_unknown(table, labels, fit_rule(table, strange, labels)).mean() <= MOST_BELOW_WITH_UNSEEN


@pytest.mark.parametrize("labels", [["png", "unknown", "zip"], ["a", "b", "c"]])
def test_the_share_of_known_files_that_may_be_unknown_can_be_chosen(labels):
    rng = np.random.default_rng(5)
    table, strange = (softmax(rng.normal([0, -40, 0], width, (1000, 3))) for width in (9, 0.1))
    rules = [fit_rule(table, strange, labels, most_below=most) for most in (0.01, 0.1)]
    few, many = (are_unknown(table, labels, rule).mean() for rule in rules)
    assert 0 < few <= 0.01 < many <= 0.1
    found = [are_unknown(strange, labels, rule).mean() for rule in rules]
    assert found[0] < found[1]


def test_smoothing_is_taken_out_of_answers():
    truth = np.array([[0.7, 0.2, 0.1], [0.05, 0.9, 0.05], [0.998, 0.001, 0.001]])
    smoothed = 0.9 * truth + 0.1 / 3
    assert np.allclose(softmax(unsmoothed(np.log(smoothed) + 5.0, 0.1)), truth)
    assert np.allclose(softmax(unsmoothed(np.log(smoothed), 0.0)), smoothed)
    surer = softmax(unsmoothed(np.log([[0.99, 0.005, 0.005]]), 0.1))
    assert np.allclose(surer, [[0.9998, 0.0001, 0.0001]], atol=2e-5)


def test_rows_of_the_class_unknown_count_as_unseen():
    logits = np.array([[4.0, 0, 0]] * 40 + [[0, 0, 4.0]] * 40 + [[0.0, 0.1, 0.2]] * 20)
    labels = [0] * 40 + [2] * 40 + [1] * 20
    made = fit_class_calibration(logits, labels, ["png", "unknown", "zip"], split="dev", split_sha256="0")
    probabilities = softmax(logits, made.temperature)
    assert are_unknown(probabilities, ["png", "unknown", "zip"], made.rule).tolist() == [False] * 80 + [True] * 20


def test_the_card_keeps_a_calibration(tmp_path):
    (tmp_path / "card.json").write_text(json.dumps({"labels": ["a"], "files": {"x": 1}}))
    made = ClassCalibration(
        temperature=1.5, unknown_below=0.4, files=7, split="dev", split_sha256="ab", expected_calibration_error=0.01
    )
    keep_class_calibration(tmp_path, made)
    card = json.loads((tmp_path / "card.json").read_text())
    assert card["files"] == {"x": 1}
    assert card["calibration"]["temperature"] == 1.5
    assert read_class_calibration(card, tmp_path) == made
    keep_class_calibration(tmp_path, replace(made, temperature=3.0), fragment_bytes=512)
    keep_class_calibration(tmp_path, replace(made, temperature=2.0), fragment_bytes=4096)
    card = json.loads((tmp_path / "card.json").read_text())
    assert read_class_calibration(card, tmp_path) == made
    assert {size: each.temperature for size, each in read_fragment_calibrations(card, tmp_path).items()} == {
        512: 3.0,
        4096: 2.0,
    }
    assert [path.name for path in tmp_path.iterdir()] == ["card.json"]


@pytest.mark.parametrize(
    "change",
    [
        {"temperature": 0},
        {"temperature": "hot"},
        {"unknown_below": 2},
        {"unknown_from": "x"},
        {"unknown_weight": -1.0},
        {"unknown_weight": None},
        {"uniform": 1.2},
        {"uniform": float("nan")},
        {"uncalibrated": 0.6, "uniform": 0.6},
        {"uncalibrated": -0.1},
        {"more": 1},
    ],
)
def test_a_calibration_that_makes_no_sense_is_refused(tmp_path, change):
    stored = {"temperature": 1.0, "unknown_below": 0.0, "files": 1, "split": "", "split_sha256": ""}
    with pytest.raises(ModelError, match="is not valid"):
        read_class_calibration({"calibration": {**stored, "expected_calibration_error": 0.0, **change}}, tmp_path)
    with pytest.raises(ModelError, match="is not valid"):
        read_class_calibration({"calibration": []}, tmp_path)
    for wrong in ([], {"half": stored}, {"0": stored}, {"512": {**stored, **change}}):
        with pytest.raises(ModelError, match="is not valid"):
            read_fragment_calibrations({"fragment_calibrations": wrong}, tmp_path)
    assert read_class_calibration({}, tmp_path) is None


def test_the_worst_pairs_are_those_that_cost_a_class_most():
    probabilities = np.eye(3)[[0, 0, 1, 1, 1, 1, 0]]
    score = score_classification(probabilities, [0, 0, 0, 1, 1, 1, 2])
    pairs = confused_pairs(score, ["a", "b", "c"])
    assert [(pair.label, pair.answer, pair.files) for pair in pairs] == [("c", "a", 1), ("a", "b", 1)]
    assert pairs[1].share == pytest.approx(1 / 3)


@pytest.mark.parametrize("classes", [2, 15, 40])
def test_the_pictures_are_drawn(classes):
    rng = np.random.default_rng(0)
    probabilities = softmax(rng.normal(size=(200, classes)) * 3)
    labels = rng.integers(0, classes, 200)
    names = [f"kind{number}" for number in range(classes)]
    for data in (
        confusion_png(score_classification(probabilities, labels), names),
        reliability_png(probabilities, labels),
    ):
        with Image.open(io.BytesIO(data)) as picture:
            assert min(picture.size) > 400
