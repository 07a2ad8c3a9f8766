"""log.jsonl: what a killed or hostile writer leaves is cut off, and never ends a training."""

import json

import pytest

from bytesim.errors import OutputError
from bytesim.training.log import LOG_FILE, TrainingLog

GOOD = {"step": 1, "loss_nats": 2.5}
BAD = [
    b"[" * 100_000,
    b'{"step": ' + b"9" * 5000 + b"}",
    b'{"step": 2, "loss_nats": NaN}',
    b'{"step": 2, "loss_nats": 1e999}',
    b'{"step": 2, "loss_nats": ' + b"9" * 4000 + b"}",
    b'{"step": 2, "loss_nats": "x"}',
    b'{"step": 2, "loss_nats": null}',
    b'{"step": true}',
    b'{"step": -1}',
    b'{"step": 2, "validation": 5}',
    b'{"step": 2, "validation": {"a": [1]}}',
    b'{"step": 2, "loss',
    b"\xff\xfe",
    b"null",
    b"",
    b" " * (2 << 20),
]


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad[:20].decode("latin-1"))
def test_lines_end_before_the_first_that_no_training_writes(tmp_path, bad):
    log = TrainingLog(tmp_path)
    log.write(GOOD)
    with log.path.open("ab") as file:
        file.write(bad + b"\n" + json.dumps(GOOD).encode() + b"\n")
    assert list(log.lines()) == [GOOD]
    log.cut(5)
    assert log.path.read_text() == json.dumps(GOOD) + "\n"


def test_a_line_without_its_end_is_dropped(tmp_path):
    log = TrainingLog(tmp_path)
    log.path.write_text(json.dumps(GOOD) + "\n" + json.dumps(GOOD))
    assert list(log.lines()) == [GOOD]


def test_a_folder_in_its_place_is_told(tmp_path):
    (tmp_path / LOG_FILE).mkdir()
    for call in (lambda log: list(log.lines()), lambda log: log.cut(1), lambda log: log.write(GOOD)):
        with pytest.raises(OutputError, match="log cannot be"):
            call(TrainingLog(tmp_path))


def test_what_is_not_json_is_never_written(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        TrainingLog(tmp_path).write({"step": 1, "loss_nats": float("nan")})
