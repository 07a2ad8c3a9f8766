"""Files as the web and sequencers have them, converted by the shipped model and the default engine: the right notes."""

from pathlib import Path

import mido
import pytest
from helpers.midi_files import file_of, keys

from bytesim.files import Outcome
from bytesim.formats import midi
from bytesim.metrics import near_note_f1
from bytesim.oracles.abcmidi import render_abc2midi
from bytesim.tasks.convert.run import Converted
from bytesim.tasks.convert.tunes import abc2midi, midi2abc

pytestmark = pytest.mark.slow

HEAD = "X:1\nM:4/4\nL:1/4\nK:C\n"
ABC: dict[str, tuple[str, str | None]] = {
    # kind -> (tune, words of the reason why abc2midi converts it; None if the model does)
    "plain": (f"{HEAD}CDEF|GAB2|\n", None),
    "voices": (f"{HEAD}V:1\nCDEF|\nV:2\nC,D,E,F,|\n", "several voices"),
    "inline voices": (f"{HEAD}[V:1]CDEF|\n[V:2]C,D,E,F,|\n", "several voices"),
    "parts": ("X:1\nP:ABA\nM:4/4\nL:1/4\nK:C\nP:A\nCDEF|\nP:B\nGABc|\n", "played in parts"),
    "overlay": (f"{HEAD}CDEF & E,4|\n", "voices over each other"),
    "macros": ("X:1\nM:4/4\nL:1/4\nm:~g2={{a}}g{{f}}g\nK:C\n~g2 c2|\n", "macros"),
    "free meter": ("X:1\nM:none\nL:1/4\nK:C\nCDEFG|\n", "free meter"),
    "compound meter": ("X:1\nM:3+2/8\nL:1/8\nK:C\nCDEFG|\n", "meter '3+2/8'"),
    "spacer": (f"{HEAD}CD y2 EF|\n", None),
    "web page": (f"<html><body>\n<pre>{HEAD}CDEF|GA<Bc|</pre>\n</body></html>\n", None),
    "hornpipe in cut time": ("X:1\nR:hornpipe\nM:2/2\nL:1/8\nK:D\nDFAd fdAF|\n", None),
    "120 bars": ("X:1\nM:4/4\nL:1/8\nK:C\n" + "CDEFGABc|\n" * 120, "too long"),
    "transposed": (f"{HEAD}%%MIDI transpose 12\nCDEF|\n", "%%MIDI transpose 12"),
    "instrument": (f"{HEAD}%%MIDI program 40\nCDEF|\n", "%%MIDI program 40"),
    "dynamics": (f"{HEAD}!f!CD!p!EF|\n", "!f!"),
    "change of tempo": (f"{HEAD}CDEF|[Q:1/4=60]GABc|\n", "changes of tempo"),
    "tempo in words": ('X:1\nM:4/4\nL:1/4\nQ:"Allegro"\nK:C\nCDEF|\n', None),
    "lyrics": (f"{HEAD}CDEF|\nw: one two three four\n", None),
    "no number": ("M:4/4\nL:1/4\nK:C\nCDEF|\n", None),
    "octave of the clef": ("X:1\nM:4/4\nL:1/4\nK:G octave=-1\nGABc|\n", "octave=-1"),
    "unknown sign": (f"{HEAD}CD#EF|\n", "'#'"),
}
TUNE = [(62, 1.0), (66, 1.0), (69, 1.0), (74, 1.0), (66, 0.5), (67, 0.5), (69, 1.0), (64, 1.0), (62, 1.0)]
"""Pitch and quarter notes of a melody in D major."""


@pytest.fixture(scope="module")
def from_abc(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome[Converted]]:
    folder = tmp_path_factory.mktemp("abc")
    sources = [folder / f"{number:02d}.abc" for number in range(len(ABC))]
    for source, (text, _) in zip(sources, ABC.values(), strict=True):
        source.write_text(text)
    return dict(zip(ABC, abc2midi(sources, output=folder), strict=True))


@pytest.mark.parametrize("kind", ABC)
def test_abc_gets_the_notes_that_abc2midi_plays(from_abc, kind):
    text, reason = ABC[kind]
    result = from_abc[kind].result
    assert result is not None, from_abc[kind].error
    start = text.index("X:1") if "X:1" in text else 0
    tune = text[start:].split("</pre>")[0]
    expected = render_abc2midi(tune if tune.startswith("X:") else f"X:1\n{tune}").midi
    assert keys(Path(result.output).read_bytes()) == keys(expected)
    assert result.engine == ("model" if reason is None else "abc2midi")
    assert (reason or "") in result.asked_rules


def test_line_ends_encodings_and_books(tmp_path):
    (tmp_path / "crlf.abc").write_bytes(f"{HEAD}CDEF|\n".replace("\n", "\r\n").encode())
    (tmp_path / "latin.abc").write_bytes(f"X:1\nT:Fr\u00e8re\n{HEAD[4:]}CDEF|\n".encode("latin-1"))
    (tmp_path / "book.abc").write_text(f"{HEAD}CDEF|\n\nX:2\nK:G\nL:1/4\nM:4/4\nCDE^F|\n")
    outcomes = abc2midi([tmp_path], output=tmp_path / "out")
    assert [outcome.error for outcome in outcomes] == [None] * 4
    assert len({tuple(keys(Path(outcome.result.output).read_bytes())) for outcome in outcomes}) == 2
    assert [outcome.result.title for outcome in outcomes].count("Fr\u00e8re") == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [("X:1\nK:C\n", "no notes"), ("Dear aunt,\nthank you.\n", "no ABC tune starts here"), (" ", "no ABC tune found")],
)
def test_what_is_no_tune_gets_one_line(tmp_path, text, words):
    source = tmp_path / "a.abc"
    source.write_text(text)
    (outcome,) = abc2midi([source])
    assert words in str(outcome.error)
    assert [path.name for path in tmp_path.iterdir()] == ["a.abc"]


# --- MIDI --------------------------------------------------------------------------------------


def track(tune=TUNE, *, ppq: int = 480, channel: int = 0, up: int = 0, late: tuple[int, ...] = (0,)) -> mido.MidiTrack:
    """A track of notes that follow each other; `late` moves their onsets by so many ticks, in turn."""
    events = mido.MidiTrack()
    now = last = 0
    for index, (pitch, quarters) in enumerate(tune):
        ends = now + round(quarters * ppq)
        onset = max(last, now + late[index % len(late)])
        events.append(mido.Message("note_on", note=pitch + up, velocity=80, channel=channel, time=onset - last))
        events.append(mido.Message("note_off", note=pitch + up, channel=channel, time=ends - onset))
        now = last = ends
    return events


def song(*tracks: mido.MidiTrack, ppq: int = 480, key: str | None = "D") -> mido.MidiFile:
    """A file of format 1 with a conductor track."""
    conductor = mido.MidiTrack([mido.MetaMessage("time_signature", numerator=4, denominator=4)])
    conductor += [mido.MetaMessage("key_signature", key=key)] if key else []
    return mido.MidiFile(type=1, ticks_per_beat=ppq, tracks=[conductor, *tracks])


def with_controls() -> mido.MidiTrack:
    """The melody with an instrument, a pedal and pitch bend."""
    events = track()
    events.insert(4, mido.Message("pitchwheel", pitch=1000))
    events.insert(0, mido.Message("control_change", control=64, value=127))
    events.insert(0, mido.Message("program_change", program=40))
    return events


def two_hands() -> mido.MidiTrack:
    """The melody over two long notes, in one track."""
    notes = [(0, 1920, 38), (1920, 3360, 38)]
    now = 0
    for pitch, quarters in TUNE:
        notes.append((now, now + round(480 * quarters), pitch))
        now += round(480 * quarters)
    timed = sorted([(start, 1, pitch) for start, _, pitch in notes] + [(end, 0, pitch) for _, end, pitch in notes])
    events, last = mido.MidiTrack(), 0
    for tick, on, pitch in timed:
        events.append(mido.Message("note_on", note=pitch, velocity=80 * on, time=tick - last))
        last = tick
    return events


DRUMS = [(36, 1.0), (38, 1.0)] * 4
SONGS: dict[str, tuple[mido.MidiFile, str | None]] = {
    # kind -> (file, words of the reason why midi2abc converts it; None if the model does)
    "one track": (song(track()), None),
    "96 ticks": (song(track(ppq=96), ppq=96), None),
    "960 ticks": (song(track(ppq=960), ppq=960), None),
    "format 0 without signatures": (mido.MidiFile(type=0, tracks=[track()]), None),
    "controls": (song(with_controls()), None),
    "played by hand": (song(track(late=(0, 17, 31, 8, 23))), None),
    "triplets": (
        song(track([(62, 1 / 3), (64, 1 / 3), (66, 1 / 3), (67, 1.0), (69, 2 / 3), (71, 1 / 3), (74, 1.0)])),
        None,
    ),
    "four tracks": (song(*(track(channel=part, up=-7 * part) for part in range(4))), "4 voices"),
    "drums": (song(track(), track(DRUMS, channel=9)), "melody and drums"),
    "only drums": (song(track(DRUMS, channel=9)), "drums"),
    "two hands": (song(two_hands()), "voices that overlap"),
    "six notes at once": (song(*(track(up=4 * part) for part in range(6))), "notes sound at once"),
}


@pytest.fixture(scope="module")
def from_midi(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome[Converted]]:
    folder = tmp_path_factory.mktemp("midi")
    sources = [folder / f"{number:02d}.mid" for number in range(len(SONGS))]
    for source, (file, _) in zip(sources, SONGS.values(), strict=True):
        file.save(source)
    return dict(zip(SONGS, midi2abc(sources, output=folder), strict=True))


@pytest.mark.parametrize("kind", SONGS)
def test_midi_gets_abc_that_plays_its_notes(from_midi, kind):
    _, reason = SONGS[kind]
    result = from_midi[kind].result
    assert result is not None, from_midi[kind].error
    played = midi.notes(render_abc2midi(Path(result.output).read_text("utf-8")).midi)
    source = midi.notes(Path(result.source).read_bytes())
    assert near_note_f1(source, played, 40) == 1.0
    assert result.closeness == 1.0
    assert result.engine == ("model" if reason is None else "midi2abc")
    assert (reason or "") in result.asked_rules


def test_a_file_without_a_key_gets_the_one_that_its_notes_fit(from_midi):
    assert "\nK:D\n" in Path(from_midi["format 0 without signatures"].result.output).read_text()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (file_of("00 ff 2f 00"), "holds no notes"),
        (file_of("00 90 3e 50 83 60 3e 00 00 ff 2f 00", kind=2), "format 2"),
        (file_of("00 90 3e 50 00 3e 00 00 ff 2f 00"), "no note long enough"),
        (file_of("00 90 3e 50 83 60 3e 00 00 ff 2f 00", division=0xE728), "film frames"),
    ],
)
def test_midi_that_nothing_can_write_down_gets_one_line(tmp_path, data, words):
    source = tmp_path / "a.mid"
    source.write_bytes(data)
    (outcome,) = midi2abc([source])
    assert words in str(outcome.error)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mid"]


def test_running_status_and_cut_files(tmp_path):
    body = "00 90 3e 50 83 60 3e 00 00 42 50 83 60 42 00 00 45 50 83 60 45 00 00 ff 2f 00"
    (tmp_path / "a.mid").write_bytes(file_of(body))
    (tmp_path / "b.mid").write_bytes(file_of(body)[:-9])
    right, cut = midi2abc([tmp_path], output=tmp_path / "out")
    assert (right.result.engine, right.result.closeness) == ("model", 1.0)
    assert "the file is cut short" in str(cut.error)
