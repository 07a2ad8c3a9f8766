"""The rules engine: abc2midi, music21 where it is missing, midi2abc; and what they must not be allowed to do."""

import re
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from helpers.midi_files import keys
from helpers.programs import hide_programs, needs_shebang, needs_symusic, write_program
from hypothesis import given, settings
from hypothesis import strategies as st

from bytesim.errors import FormatError, ToolError
from bytesim.formats import midi
from bytesim.formats.midi.normal import to_model_form
from bytesim.oracles import abcmidi, music21_render, music_rules

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
HEAD = "X:1\nM:4/4\nL:1/8\nK:D\n"
REEL = HEAD + "|:DFAd fdAF|[1 (3ABc d2 z4:|[2 [DFA]4 {g}a2 d2|]\n"


@pytest.fixture
def no_abcmidi(monkeypatch):
    hide_programs(monkeypatch)


@st.composite
def tunes(draw: st.DrawFn) -> str:
    """One voice in canonical ABC: notes, chords, rests, ties, tuplets, grace notes, repeats, a change of key."""
    key = draw(st.sampled_from(["C", "D", "Gm", "Ador", "Eb"]))
    meter = draw(st.sampled_from(["4/4", "3/4", "6/8", "2/2"]))
    note = st.from_regex(r"[_^=]?([A-G],?|[a-g]'?)(2|3|/|3/2)?", fullmatch=True)
    token = st.one_of(
        note,
        note.map("{0}-{0}".format),
        st.tuples(note, note).map(lambda pair: f"[{pair[0]}{pair[1]}]"),
        st.tuples(note, note, note).map(lambda three: "(3" + "".join(three)),
        st.tuples(note, note).map(lambda pair: f"{{{pair[0]}}}{pair[1]}"),
        st.sampled_from(["z", "z2", "|", "|:", ":|", "[K:F]", "~G2", "A>B"]),
    )
    body = " ".join(draw(st.lists(token, min_size=1, max_size=12)))
    return f"X:1\nM:{meter}\nL:1/8\nK:{key}\nC {body}|\n"


# --- abc2midi ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.abc")), ids=lambda path: path.stem)
def test_the_examples_are_rendered_without_a_remark(path):
    rendering = abcmidi.render_abc2midi(path.read_text("utf-8"))
    assert rendering.messages == ()
    assert len(midi.notes(rendering.midi)) > 30


@given(tunes())
@settings(max_examples=60, deadline=None)
def test_abc2midi_s_files_are_kept_to_the_byte(tune):
    data = abcmidi.render_abc2midi(tune).midi
    assert midi.serialize(midi.parse(data)) == data
    assert midi.mend_track_lengths(data) == (data, [])
    assert to_model_form(data) == (data, [])


@given(tunes(), st.sampled_from(["Reel", "The Girl’s Jig", "A\nB"]), st.integers(4, 400))
@settings(max_examples=30, deadline=None)
def test_title_and_tempo_give_the_bytes_that_abc2midi_gives(tune, title, bpm):
    fields = "".join(f"T:{line}\n" for line in title.split("\n")) + f"Q:1/4={bpm}\n"
    named = abcmidi.render_abc2midi(tune.replace("M:", fields + "M:", 1)).midi
    plain = abcmidi.render_abc2midi(tune).midi
    assert midi.set_title_and_tempo(plain, title, bpm) == named
    assert midi.title_and_tempo(named) == (title, bpm)


def test_chord_symbols_pass_through_with_their_accompaniment():
    data = abcmidi.render_abc2midi(HEAD + '"D"DFAd "A7"e2c2|').midi
    assert midi.parse(data).format == 1
    assert to_model_form(data) == (data, [])


def test_the_engine_says_its_name_and_its_remarks():
    rendering = music_rules.render_rules(HEAD + "|:DFAd fdAF|\n")
    assert rendering.engine == "abc2midi"
    assert rendering.messages == ("line 6, column 11: Missing :| at end of tune",)
    assert music_rules.render_rules(REEL) == abcmidi.render_abc2midi(REEL)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Possible missing X:"),
        ("a letter to my aunt", "Possible missing X:"),
        ("X:1\nK:C\n", "no notes"),
    ],
)
def test_a_tune_abc2midi_cannot_read_is_refused_with_its_line(text, words):
    with pytest.raises(FormatError, match=words):
        music_rules.render_rules(text)


def test_a_tune_with_errors_is_played_with_a_warning_but_labels_no_training_data():
    damaged = HEAD + "CDEF|\n[[C}|"
    rendering = music_rules.render_rules(damaged)
    assert len(midi.notes(rendering.midi)) >= 4
    assert "line 6, column 2: Attempt to nest chords" in rendering.messages
    assert list(abcmidi.label_many([damaged])) == [None]


@given(st.text(max_size=200))
@settings(max_examples=40, deadline=None)
def test_any_text_is_rendered_or_explained(text):
    for abc in (text, HEAD + text):
        with suppress(FormatError, ToolError):
            abcmidi.render_abc2midi(abc)


def test_a_tune_cannot_make_abc2midi_read_another_file(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("C'C'C'C'|\nopen sesame\n")
    rendering = abcmidi.render_abc2midi(f"{HEAD}CDEF|\n%%abc-include {secret}\nGABc|\n")
    assert [note.pitch for note in midi.notes(rendering.midi)] == [61, 62, 64, 66, 67, 69, 71, 73]
    assert rendering.messages[0] == "line 6: left out, because it makes abc2midi read another file"
    assert not any("sesame" in line for line in rendering.messages)


def test_a_program_that_runs_on_is_stopped(monkeypatch, tmp_path):
    monkeypatch.setattr(abcmidi, "TIMEOUT_S", 0.1)
    started = time.monotonic()
    with pytest.raises(ToolError, match="stopped after"):
        abcmidi._run([sys.executable, "-c", "import time; time.sleep(60)"], tmp_path, tmp_path / "tune.mid")
    assert time.monotonic() - started < 30


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a program cannot be limited from outside")
def test_a_program_that_computes_on_is_stopped_sooner_than_one_that_waits(monkeypatch, tmp_path):
    monkeypatch.setattr(abcmidi, "MAX_COMPUTING_S", 1)
    with pytest.raises(ToolError, match="stopped after 1 s of computing"):
        abcmidi._run([sys.executable, "-c", "while True: pass"], tmp_path, tmp_path / "tune.mid")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a program cannot be limited from outside")
def test_a_program_ends_by_itself_if_nobody_is_there_to_stop_it(tmp_path):
    code = (
        "import time\nfrom resource import *\n"
        "while getrlimit(RLIMIT_CPU)[0] == RLIM_INFINITY: time.sleep(0.01)\n"
        "print(getrlimit(RLIMIT_CPU)[0], getrlimit(RLIMIT_AS)[0])"
    )
    said = abcmidi._run([sys.executable, "-c", code], tmp_path, tmp_path / "tune.mid")
    assert said.split() == [str(abcmidi.MAX_COMPUTING_S), str(abcmidi.MAX_MEMORY_BYTES)]


def test_a_program_that_fills_the_disk_is_stopped(monkeypatch, tmp_path):
    monkeypatch.setattr(abcmidi, "MAX_OUTPUT_BYTES", 1000)
    with pytest.raises(ToolError, match="1000 bytes"):
        abcmidi._run([sys.executable, "-c", "while True: print('repeat')"], tmp_path, tmp_path / "tune.mid")


def test_a_program_that_crashes_is_reported(tmp_path):
    crash = "import os; os.abort()"
    with pytest.raises(ToolError, match=r"crashed|wrote"):
        abcmidi._run([sys.executable, "-c", crash], tmp_path, tmp_path / "tune.mid")


# --- labels ------------------------------------------------------------------------------------


def test_labels_come_in_order_and_failures_are_none():
    texts = [HEAD + "C" * n + "|\n" for n in range(1, 9)]
    texts[3] = "no tune"
    labels = list(abcmidi.label_many(iter(texts), jobs=2))
    assert labels[3] is None
    assert [len(midi.notes(label)) for label in labels if label] == [1, 2, 3, 5, 6, 7, 8]


def test_labels_are_made_as_they_are_asked_for():
    drawn = []

    def endless():
        while True:
            drawn.append(None)
            yield HEAD + "CDEF|\n"

    labels = abcmidi.label_many(endless(), jobs=1)
    assert next(labels) == next(labels)
    labels.close()
    assert len(drawn) < 50
    assert threading.active_count() < 10


def test_labels_without_abc2midi_are_refused_at_once(no_abcmidi):
    with pytest.raises(ToolError, match="abc2midi is not installed"):
        abcmidi.label_many([REEL])


# --- music21 -----------------------------------------------------------------------------------


def test_without_abc2midi_the_rules_are_music21_s(no_abcmidi):
    with pytest.raises(ToolError, match="pip install symusic"):
        abcmidi.render_abc2midi(REEL)
    rendering = music_rules.render_rules("X:1\nT:Reel\n" + REEL[4:])
    assert rendering.engine == "music21"
    assert rendering.messages == ("grace notes left out (1 group)",)
    assert midi.title_and_tempo(rendering.midi)[0] == "Reel"


def test_music21_plays_the_notes_that_abc2midi_plays():
    plain = REEL.replace("{g}", "")
    theirs, _ = to_model_form(music21_render.midi_by_music21(plain))
    ours = abcmidi.render_abc2midi(plain).midi
    assert keys(theirs) == keys(ours)


def test_the_unit_length_follows_the_metre_where_it_is_missing():
    for meter, quarters in (("6/8", 240), ("2/4", 120)):
        data = music21_render.midi_by_music21(f"X:1\nM:{meter}\nK:C\nCDE|\n")
        assert {note.duration_ticks480 for note in midi.notes(data)} == {quarters}


def test_the_first_tune_of_a_book_is_rendered():
    book = (EXAMPLES / "songbook.abc").read_text("utf-8")
    assert len(midi.notes(music21_render.midi_by_music21(book))) == 32


def test_what_music21_cannot_read_is_refused():
    with pytest.raises(FormatError, match="music21 cannot read this tune"):
        music21_render.render_music21("a letter to my aunt")
    with pytest.raises(FormatError, match="at most"):
        music21_render.render_music21(REEL * 2000)


def test_music21_is_not_loaded_before_it_is_needed():
    code = "import sys, bytesim.oracles.music_rules; sys.exit('music21' in sys.modules or 'torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


# --- which program -----------------------------------------------------------------------------


@needs_symusic
@pytest.mark.parametrize("name", ["abc2midi", "midi2abc"])
def test_the_programs_that_symusic_carries_come_before_those_of_the_system(name, monkeypatch):
    assert Path(abcmidi.find_tool(name)).parent.parts[-2:] == ("symusic", "bin")
    monkeypatch.setenv("PATH", "")
    assert re.fullmatch(r"\d+\.\d+", abcmidi.version_number(abcmidi.find_tool(name)))


def test_symusic_is_not_imported_for_its_programs():
    code = "import sys; from bytesim.oracles.abcmidi import tool_path as path; path('abc2midi'); print(*sys.modules)"
    assert "symusic" not in subprocess.check_output([sys.executable, "-c", code], text=True).split()


def test_a_variable_names_another_program(monkeypatch, tmp_path):
    monkeypatch.setenv("BYTESIM_ABC2MIDI", sys.executable)
    assert abcmidi.find_tool("abc2midi") == sys.executable
    monkeypatch.setenv("BYTESIM_ABC2MIDI", str(tmp_path / "none"))
    with pytest.raises(ToolError, match=r"BYTESIM_ABC2MIDI names .*none', which is not a program"):
        abcmidi.find_tool("abc2midi")


def test_a_program_that_does_not_say_its_version_has_none(tmp_path):
    assert abcmidi.version_number(sys.executable) == "?"
    assert abcmidi.version_number(str(tmp_path / "none")) == "?"


@needs_shebang
def test_a_program_of_the_path_serves_where_symusic_is_not_installed(monkeypatch, tmp_path):
    program = write_program(tmp_path / "abc2midi", "print('9.87 December 24 2030 abc2midi')")
    hide_programs(monkeypatch)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert abcmidi.find_tool("abc2midi") == str(program)
    assert abcmidi.version_number(str(program)) == "9.87"


@needs_shebang
def test_a_copy_that_may_not_be_executed_is_passed_over(monkeypatch, tmp_path):
    (tmp_path / "symusic" / "bin").mkdir(parents=True)
    (tmp_path / "symusic" / "__init__.py").write_text("raise ImportError('symusic was imported')")
    (tmp_path / "symusic" / "bin" / "abc2midi").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PATH", "")
    assert abcmidi.tool_path("abc2midi") is None
    program = write_program(tmp_path / "symusic" / "bin" / "abc2midi", "")
    assert abcmidi.tool_path("abc2midi") == str(program)


@needs_shebang
def test_a_file_that_is_not_a_program_is_reported(monkeypatch, tmp_path):
    nothing = tmp_path / "abc2midi"
    nothing.write_bytes(b"\x00\x01\x02")
    nothing.chmod(0o755)
    monkeypatch.setenv("BYTESIM_ABC2MIDI", str(nothing))
    with pytest.raises(ToolError, match="abc2midi does not start"):
        abcmidi.render_abc2midi(REEL)


def test_both_versions_of_abc2midi_are_understood():
    """What 4.84 and 5.02 print of `CDE- |FGA|`: to the older one the open tie is an error."""
    bar = "Warning in line-char 5-9 : Track 0 Bar 1 has 3/2 time units while the time signature has 4\n"
    assert abcmidi.remarks_in(f"5.02 February 16 2025 abc2midi\n{bar}writing MIDI file tune.mid\n") == [
        "line 5, column 9: Track 0 Bar 1 has 3/2 time units while the time signature has 4"
    ]
    tie = "Error in line-char 5-9 : Could not find note to be tied\n"
    with pytest.raises(FormatError, match="line 5, column 9: Could not find note to be tied"):
        abcmidi.remarks_in(f"4.84 January 20 2023 abc2midi\n{tie}{bar}writing MIDI file tune.mid\n")


@needs_symusic
def test_composer_and_rhythm_do_not_change_the_file():
    """abc2midi after April 2026 writes C:, R: and X: into the MIDI file; the pinned version does not."""
    named = HEAD.replace("X:1", "X:7").replace("M:", "C:Turlough\nR:reel\nM:", 1)
    assert abcmidi.render_abc2midi(named + "DFAd|\n").midi == abcmidi.render_abc2midi(HEAD + "DFAd|\n").midi


# --- midi2abc ----------------------------------------------------------------------------------


def test_midi2abc_writes_the_tune_back():
    tune = HEAD + "DFAd f2d2|e2c2 d4|\n"
    written = abcmidi.midi_to_abc(abcmidi.render_abc2midi(tune).midi)
    assert "from tune.mid" not in written
    again = abcmidi.render_abc2midi(written).midi
    assert keys(again) == keys(abcmidi.render_abc2midi(tune).midi)


def test_midi2abc_is_given_midi_only(no_abcmidi):
    with pytest.raises(FormatError, match="expected b'MThd'"):
        abcmidi.midi_to_abc(b"RIFF")
    with pytest.raises(ToolError, match="midi2abc is not installed"):
        abcmidi.midi_to_abc(bytes.fromhex("4d546864 00000006 0000 0001 01e0 4d54726b 00000004 00ff2f00"))
