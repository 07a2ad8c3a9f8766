"""The picture of a MIDI file shows its notes, and with another file what differs."""

import io

import numpy as np
import pytest
from helpers.midi_files import file_of
from helpers.music_models import REEL
from PIL import Image
from typer.testing import CliRunner

from bytesim.cli import app
from bytesim.errors import FormatError
from bytesim.oracles.abcmidi import render_abc2midi
from bytesim.pictures.piano_roll import MAX_ROWS, piano_roll

RED, ORANGE, BLUE = (214, 39, 40), (255, 127, 14), (31, 119, 180)


def pixels(picture: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"))


def area(picture: bytes, colour: tuple[int, int, int]) -> int:
    return int((pixels(picture) == colour).all(-1).sum())


def test_notes_are_blue_and_differences_are_not():
    right, wrong = render_abc2midi(REEL).midi, render_abc2midi(REEL.replace("DFAd", "DFBd")).midi
    alone, same, other = piano_roll(right), piano_roll(right, right), piano_roll(wrong, right)
    assert area(alone, BLUE) > 1000
    assert area(alone, BLUE) == area(same, BLUE) > area(other, BLUE)
    assert [area(same, colour) for colour in (RED, ORANGE)] == [0, 0]
    assert area(other, RED) == pytest.approx(area(other, ORANGE), rel=0.2)
    assert area(other, RED) > 100


def test_a_file_that_lasts_for_years_is_drawn_in_part():
    long = file_of("00 90 3c 50 ff ff ff 7f 80 3c 00 00 ff 2f 00", division=1)
    assert pixels(piano_roll(long)).shape[0] < 220 * MAX_ROWS
    assert pixels(piano_roll(file_of("00 ff 2f 00"))).shape[0] > 100
    with pytest.raises(FormatError):
        piano_roll(b"MThd")


def test_a_picture_goes_beside_the_file(tmp_path):
    source = tmp_path / "reel.abc"
    source.write_text(REEL)
    words = ["convert", "abc2midi", str(source), "--engine", "rules", "--picture"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert f"picture {tmp_path / 'reel.png'}" in done.stdout
    assert (tmp_path / "reel.png").read_bytes().startswith(b"\x89PNG")
    again = CliRunner().invoke(app, words)
    assert again.exit_code == 1
    assert "exists already" in again.stderr
    to_stdout = CliRunner().invoke(app, [*words, "-o", "-"])
    assert "a picture is written beside its file" in to_stdout.stderr
