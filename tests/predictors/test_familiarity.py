"""How like its training inputs an input is."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytesim.errors import ModelError
from bytesim.predictors.familiarity import INPUTS_FILE, InputModel, pack_input_models, read_input_model

SYLLABLES = ("ba", "de", "ki", "lo", "mu", "na", "po", "ri", "sa", "te", "vo", "zu")


def row(rng: random.Random) -> bytes:
    name = "".join(rng.choices(SYLLABLES, k=rng.randint(2, 4))).capitalize()
    return f"name={name};age={rng.randint(10, 99)};city=Rome\n".encode()


ROWS = [row(random.Random(seed)) for seed in range(400)]
MODEL = InputModel.of(ROWS)
USUAL = np.max([MODEL.surprises(row(random.Random(seed))) for seed in range(1000, 1200)], axis=0)


def test_unknown_names_and_numbers_are_nothing_unusual():
    assert (MODEL.surprises(b"name=Zuzukipo;age=57;city=Rome\n") <= USUAL).all()


@pytest.mark.parametrize(
    "odd",
    [
        "name=Žofie;age=57;city=Rome\n",
        "name=Дени;age=57;city=Rome\n",
        "name=Denki;age=5757;city=Rome\n",
        "name=Denki;city=Rome;age=57\n",
        "name=Denki;age=57\n",
        "name=Denki;age=57;city=Rome\nname=Denki;age=57;city=Rome\n",
        "name=Denki,age=57,city=Rome\n",
        "name=Denki;age=57;city=Rome\r\n",
        "",
        "hello world",
    ],
)
def test_another_alphabet_structure_or_length_is_unusual(odd):
    assert (MODEL.surprises(odd.encode()) > USUAL).any()


@given(st.binary(max_size=300))
def test_any_input_has_finite_surprises(data):
    assert np.isfinite(MODEL.surprises(data)).all()


def test_the_file_gives_the_same_surprises(tmp_path):
    other = InputModel.of([b"\x00\x01\xff", b"\x00\x02\xfe\x80"])
    (tmp_path / INPUTS_FILE).write_bytes(pack_input_models({"row to x": MODEL, "a to b": other}))
    for name, model in (("row to x", MODEL), ("a to b", other)):
        read = read_input_model(tmp_path, name)
        for data in (*ROWS[:20], b"", b"\x00\x01", "Žofie".encode()):
            assert (read.surprises(data) == model.surprises(data)).all()
            assert read.broken(data) == model.broken(data)


@pytest.mark.parametrize("damage", [lambda data: data[:100], lambda data: b"", lambda data: data[:-30] + bytes(30)])
def test_a_damaged_file_is_one_error(tmp_path, damage):
    data = pack_input_models({"a to b": MODEL})
    (tmp_path / INPUTS_FILE).write_bytes(damage(data))
    with pytest.raises(ModelError, match="Train the converter again"):
        read_input_model(tmp_path, "a to b")


def test_another_conversion_is_an_error(tmp_path):
    (tmp_path / INPUTS_FILE).write_bytes(pack_input_models({"a to b": MODEL}))
    with pytest.raises(ModelError, match="b to a"):
        read_input_model(tmp_path, "b to a")
