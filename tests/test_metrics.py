"""The metrics, against values worked out by hand."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytesim import metrics


@dataclass(frozen=True)
class Note:
    pitch: int
    onset_ticks480: int
    duration_ticks480: int


notes = st.lists(st.builds(Note, st.integers(60, 63), st.integers(0, 3), st.integers(1, 2)), max_size=12)
A, B, C = Note(60, 0, 480), Note(62, 480, 480), Note(64, 960, 480)


# --- bits per byte -----------------------------------------------------------------------------


def test_a_uniform_byte_costs_eight_bits():
    assert metrics.bits_per_byte(10 * math.log(256), 10) == pytest.approx(8)


def test_the_end_token_is_paid_for_but_not_counted():
    # Four bytes and the first end-of-patch, each at probability 1/2: five bits over four bytes.
    assert metrics.bits_per_byte(5 * math.log(2), 4) == pytest.approx(1.25)


def test_bits_per_byte_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one byte"):
        metrics.bits_per_byte(1.0, 0)


# --- notes -------------------------------------------------------------------------------------


def test_note_f1_counts_notes_as_often_as_they_sound():
    assert metrics.note_f1([A, A, B], [A, B, C]) == pytest.approx(2 * 2 / 6)
    assert metrics.note_f1([A], [Note(60, 1, 480)]) == 0
    assert metrics.note_f1([A, B], [B]) == pytest.approx(2 / 3)


def test_two_silent_files_agree_and_one_does_not():
    assert metrics.note_f1([], []) == 1
    assert metrics.note_f1([], [A]) == 0


@given(notes, notes)
def test_note_f1_is_symmetric_and_1_only_for_the_same_notes(a, b):
    score = metrics.note_f1(a, b)
    assert score == metrics.note_f1(b, a)
    assert 0 <= score <= 1
    assert (score == 1) == metrics.same_notes(a, b)


@given(notes, st.randoms())
def test_the_order_of_notes_does_not_matter(a, random):
    shuffled = random.sample(a, len(a))
    assert metrics.same_notes(a, shuffled)


# --- conversions -------------------------------------------------------------------------------


def test_failures_stay_in_the_denominator():
    score = metrics.score_converts(
        [
            metrics.ConvertResult.of(b"same", b"same", b"same", 1.0),
            metrics.ConvertResult.of(b"same", b"samX", b"same", 1.0),
            metrics.ConvertResult.of(b"same", b"nearly", b"nearly", 0.995),
            metrics.ConvertResult.of(b"same", b"broken", None, None),
            metrics.ConvertResult.failed(),
        ]
    )
    assert score == metrics.ConvertScore(
        num_files=5,
        identical_raw=1 / 5,
        identical=2 / 5,
        parsed=3 / 5,
        mean_note_f1=pytest.approx(2.995 / 5),
        share_f1_above_99=3 / 5,
        same_notes=2 / 5,
    )


def test_a_run_over_no_files_is_refused():
    with pytest.raises(ValueError, match="at least one file"):
        metrics.score_converts([])


# --- CPU states --------------------------------------------------------------------------------


def test_missing_and_surplus_state_bytes_are_wrong():
    assert metrics.state_accuracy(b"abcX", b"abcd").byte_accuracy == 3 / 4
    assert metrics.state_accuracy(b"ab", b"abcd").byte_accuracy == 2 / 4
    assert metrics.state_accuracy(b"abcdef", b"abcd").byte_accuracy == 4 / 6
    assert metrics.state_accuracy(b"", b"abcd").byte_accuracy == 0
    assert metrics.state_accuracy(b"", b"").byte_accuracy == 1


@given(st.binary(max_size=64), st.binary(max_size=64))
def test_a_program_is_right_when_every_byte_is(predicted, reference):
    score = metrics.state_accuracy(predicted, reference)
    assert score.programs_right == (predicted == reference)
    assert (score.byte_accuracy == 1) == (predicted == reference)
    assert score == metrics.state_accuracy(reference, predicted)


def test_programs_are_summed_by_length():
    right, wrong = metrics.state_accuracy(b"ab", b"ab"), metrics.state_accuracy(b"abcd", b"abXX")
    by_length = metrics.states_by_length([(1, right), (16, wrong), (17, right), (300, wrong)])
    assert list(by_length) == ["1-16", "17-32", "257+"]
    assert by_length["1-16"].byte_accuracy == 4 / 6
    assert by_length["1-16"].program_accuracy == 1 / 2
    assert by_length["257+"].program_accuracy == 0
    assert math.isnan(metrics.sum_states([]).program_accuracy)


# --- classification ----------------------------------------------------------------------------


def test_classification_by_hand():
    # Answers 0 0 1 1 2 for labels 0 1 1 1 0; class 2 is answered and never true, class 3 is neither.
    probabilities = np.full((5, 4), 0.1)
    probabilities[[0, 1, 2, 3, 4], [0, 0, 1, 1, 2]] = 0.7
    score = metrics.score_classification(probabilities, [0, 1, 1, 1, 0])
    assert score.confusion == ((1, 0, 1, 0), (1, 2, 0, 0), (0, 0, 0, 0), (0, 0, 0, 0))
    assert score.accuracy == 3 / 5
    assert score.macro_accuracy == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert score.macro_f1 == pytest.approx((2 / 4 + 4 / 5 + 0) / 3)
    assert score.expected_calibration_error == pytest.approx(abs(0.7 - 3 / 5))


def test_calibration_error_weighs_bins_by_their_files():
    # Two files at confidence 0.9, one right; one file at 0.6, right.
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6]])
    score = metrics.score_classification(probabilities, [0, 1, 1], num_bins=10)
    assert score.expected_calibration_error == pytest.approx((2 * 0.4 + 1 * 0.4) / 3)
    bins = metrics.calibration_bins(probabilities, np.array([0, 1, 1]), num_bins=10)
    assert bins.files.tolist() == [0, 0, 0, 0, 0, 1, 0, 0, 2, 0]
    assert (bins.accuracy[8], bins.confidence[8]) == (0.5, pytest.approx(0.9))


def test_a_sure_and_right_classifier_is_perfect():
    score = metrics.score_classification(np.eye(3), [0, 1, 2])
    assert (score.accuracy, score.macro_f1, score.expected_calibration_error) == (1, 1, 0)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=40))
def test_the_confusion_matrix_counts_every_file_once(pairs):
    labels, answers = zip(*pairs, strict=True)
    confusion = metrics.confusion_matrix(labels, answers, 5)
    assert confusion.sum() == len(pairs)
    assert all(confusion[row, column] == pairs.count((row, column)) for row in range(5) for column in range(5))
    assert 0 <= metrics.macro_f1(confusion) <= 1


@pytest.mark.parametrize(
    ("probabilities", "labels"), [(np.eye(2), [0]), (np.ones(2), [0, 1]), (np.eye(2), [0, 2]), (np.ones((0, 2)), [])]
)
def test_shapes_and_classes_that_do_not_fit_are_refused(probabilities, labels):
    with pytest.raises(ValueError, match=r"must be|classes run"):
        metrics.score_classification(probabilities, labels)


# --- answers -----------------------------------------------------------------------------------


@given(st.binary(max_size=12), st.binary(max_size=12))
def test_the_edit_distance_is_that_of_the_definition(a, b):
    def distance(i: int, j: int) -> int:
        if min(i, j) == 0:
            return max(i, j)
        if (i, j) not in known:
            replaced = distance(i - 1, j - 1) + (a[i - 1] != b[j - 1])
            known[i, j] = min(distance(i - 1, j) + 1, distance(i, j - 1) + 1, replaced)
        return known[i, j]

    known: dict[tuple[int, int], int] = {}
    assert metrics.edit_distance(a, b) == distance(len(a), len(b))


@pytest.mark.parametrize(("a", "b", "distance"), [(b"kitten", b"sitting", 3), (b"", b"abc", 3), (b"177", b"1777", 1)])
def test_edit_distances_by_example(a, b, distance):
    assert metrics.edit_distance(a, b) == metrics.edit_distance(b, a) == distance


def test_an_interval_ends_where_what_was_seen_has_a_probability_of_2_5_percent():
    for right, of in ((1, 2), (8, 10), (196, 200), (999, 1000), (3, 500)):
        low, high = metrics.share_interval(right, of)
        at_least = sum(math.comb(of, k) * low**k * (1 - low) ** (of - k) for k in range(right, of + 1))
        at_most = sum(math.comb(of, k) * high**k * (1 - high) ** (of - k) for k in range(right + 1))
        assert low < right / of < high
        assert (at_least, at_most) == (pytest.approx(0.025), pytest.approx(0.025))


def test_an_interval_of_all_or_none_is_open_on_one_side():
    assert metrics.share_interval(200, 200) == (pytest.approx(0.025 ** (1 / 200)), 1.0)
    assert metrics.share_interval(0, 200) == (0.0, pytest.approx(1 - 0.025 ** (1 / 200)))
    assert metrics.share_interval(0, 0) == (0.0, 1.0)
