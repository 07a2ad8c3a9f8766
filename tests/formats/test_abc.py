"""ABC: any bytes are read or refused, the canonical form sounds like the tune, the readable form is the same tune."""

from contextlib import suppress

import pytest
from helpers.paths import EXAMPLES
from hypothesis import given, settings
from hypothesis import strategies as st

from bytesim.errors import FormatError
from bytesim.formats import abc, midi
from bytesim.oracles.abcmidi import render_abc2midi

HEAD = "X:1\nM:4/4\nL:1/8\nK:C\n"


def canonical(body: str, head: str = HEAD) -> str:
    return abc.canonical(abc.parse(head + body)).text


def sound(text: str) -> list[tuple]:
    """Onset, pitch and duration of every note abc2midi plays."""
    return [(n.onset_ticks480, n.pitch, n.duration_ticks480) for n in midi.notes(render_abc2midi(text).midi)]


# --- anything at all ---------------------------------------------------------------------------


def read_all(data: bytes) -> None:
    """What every command does with a file it takes for ABC."""
    try:
        for entry in abc.split_book(abc.decode_text(data)):
            with suppress(FormatError):
                tune = entry.parse()
                assert tune.meter
                assert tune.title != ""
                assert tune.tempo_bpm != 0
                text = abc.canonical(tune).text
                assert abc.canonical(abc.parse(text)).text == text
                assert abc.canonical(abc.parse(abc.layout(text, title=tune.title))).text == text
    except FormatError as error:
        assert (error.offset or 0) <= len(data)  # noqa: PT017 - an error is one of two right answers


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_any_bytes_are_read_or_refused(data):
    read_all(data)
    read_all(HEAD.encode() + data)


CHARACTERS = "ABcdez|:[](){}-<>~.&^_=',/%\"!+0123456789 \n"
PIECES = ["|:", ":|", "::", "[1", "[2", "|1", ":|2", "(3", "[K:G]", "[M:3/4]", "[L:1/16]", "{g}", "[CE]"]
SCRAPS = st.one_of(st.sampled_from(CHARACTERS), st.sampled_from([*PIECES, "\nK:Am\n"]))


@given(st.lists(SCRAPS, max_size=40).map("".join))
@settings(max_examples=300, deadline=None)
def test_scraps_of_music_are_read_or_refused(body):
    read_all((HEAD + "C" + body).encode())


MONSTERS = {
    "open brackets": "[" * 1_000_000,
    "brackets of notes": "[a" * 500_000,
    "open braces": "C" + "{a" * 500_000,
    "quotes": 'C"' * 400_000,
    "nested tuplets": "(3" * 100_000 + "C",
    "slurs": "(" * 50_000 + "C",
    "endings 1-9999": "|:C[1-9999 D:|",
    "a pass for each ending": "|:" + "C" * 500 + "[1,2,3,4,5-99 D" + ":|E" * 900,
    "a long skipped ending": "|:C[1 " + "D" * 30_000 + ":|" * 15_000,
    "colons": ":" * 60_000 + "C",
    "bar lines": "C" + "|" * 60_000,
    "digits": "C" + "9" * 60_000,
    "slashes": "C" + "/" * 60_000,
    "keys": "C" + "[K:G]D" * 9_000,
    "blank lines": "C\n" + " \t" * 200_000,
    "titles": "C\n" + "T:x\n" * 15_000,
}


@pytest.mark.parametrize("name", MONSTERS)
def test_a_monster_is_read_or_refused_without_a_hang(name):
    with suppress(FormatError):
        abc.canonical(abc.parse(HEAD + MONSTERS[name]))


# --- text and offsets --------------------------------------------------------------------------


def test_text_is_utf_8_or_latin_1():
    assert abc.decode_text("T:Frère\r\nK:C\r".encode()) == "T:Frère\nK:C\n"
    assert abc.decode_text("T:Frère\n".encode("latin-1")) == "T:Frère\n"
    assert abc.decode_text(b"\xef\xbb\xbfX:1\n") == "X:1\n"


def test_other_files_are_refused_where_they_stop_being_text():
    with pytest.raises(FormatError, match="another kind of file") as caught:
        abc.decode_text(b"MThd\x00\x00")
    assert caught.value.offset == 4


@given(st.text(alphabet="aé\r\n", max_size=30), st.sampled_from(["utf-8", "utf-8-sig", "latin-1"]), st.data())
def test_an_offset_in_characters_is_found_in_the_bytes(text, encoding, data):
    raw = text.encode(encoding)
    seen = abc.decode_text(raw)
    offset = data.draw(st.integers(0, len(seen)))
    at = abc.byte_offset(raw, offset)
    assert abc.decode_text(raw[:at]).rstrip("\n") == seen[:offset].rstrip("\n")


# --- headers -----------------------------------------------------------------------------------


def test_the_unit_length_follows_the_meter_where_it_is_missing():
    for meter, unit in {"6/8": "1/8", "3/4": "1/8", "2/4": "1/16", "C": "1/8", "C|": "1/8", "": "1/8"}.items():
        assert abc.parse(f"X:1\nM:{meter}\nK:C\nC|\n").unit == unit


@pytest.mark.parametrize(
    ("key", "written"),
    [
        ("D", "D"),
        ("D major", "D"),
        ("Am", "Amin"),
        ("A minor", "Amin"),
        ("E Dorian", "Edor"),
        ("GMix", "Gmix"),
        ("Bb", "Bb"),
        ("F# aeolian", "F#min"),
        ("none", "C"),
        ("Hp", "D"),
    ],
)
def test_keys_are_written_in_one_way(key, written):
    assert f"\nK:{written}\n" in canonical("C|", f"X:1\nK:{key}\n")


@pytest.mark.parametrize(
    ("field", "bpm"),
    [
        ("1/4=112", 112),
        ("1/8=200", 100),
        ("3/8=60", 90),
        ("100", 100),
        ("C=100", 50),
        ("C3=60", 90),
        ('"Allegro" 1/4=130', 130),
        ('1/4=130 "Fast"', 130),
        (" 1/4 = 90", 90),
        ('"Allegro"', None),
        ("1/4=ca 90", None),
        ("1/2=0", None),
        ("1/0=90", None),
    ],
)
def test_the_tempo_is_abc2midi_s(field, bpm):
    text = f"X:1\nM:6/8\nL:1/8\nQ:{field}\nK:C\nCDE|\n"
    assert abc.parse(text).tempo_bpm == bpm
    if "/0" not in field:
        with suppress(FormatError):  # abc2midi calls some of these an error
            assert midi.title_and_tempo(render_abc2midi(text).midi)[1] == (bpm or 120)


def test_titles_are_joined_and_percent_signs_kept():
    assert abc.parse("X:1\nT:Reel % fast\nT:100\\% Pure\nK:C\nC|\n").title == "Reel\n100% Pure"


# --- what has no canonical form ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no ABC tune found"),
        ("\n\n", "no ABC tune found"),
        ("dear aunt,\n", "no ABC tune starts here"),
        ("X:1\nT:Reel\n", "no K: field"),
        ("X:1\nCDEF\nK:C\n", "before the K: field"),
        ("X:1\nK:C\n\n", "no notes"),
        ("X:1\nM:none\nK:C\nC|\n", "free meter"),
        ("X:1\nM:3+2/8\nK:C\nC|\n", "meter '3\\+2/8'"),
        ("X:1\nV:1\nK:C\nC|\n", "several voices"),
        ("X:1\nP:AB\nK:C\nP:A\nC|\n", "parts"),
        ("X:1\nm:~n2=o/n/m/n\nK:C\n~C2|\n", "macros"),
        ("X:1\nK:C\n[V:2]C|\n", "several voices"),
        ("X:1\nK:C\nCD&EF|\n", "voices over each other"),
        ("X:1\nK:H\nC|\n", "is not understood"),
        ("X:1\nL:1/5\nK:C\nC|\n", "unit note length"),
        ("X:1\nK:C\n[CEG|\n", "may be open"),
        ("X:1\nK:C\nC" + "D" * 70_000, "at most 65536"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(text, words):
    with pytest.raises(FormatError, match=words):
        abc.canonical(abc.parse(text))


def test_an_error_says_where_in_the_book():
    book = "X:1\nK:C\nC|\n\nX:2\nT:é\nK:C\nCD$E#|\n"
    first, second = abc.split_book(book)
    assert first.parse().body == "C|\n"
    with pytest.raises(FormatError) as caught:
        abc.canonical(second.parse())
    error = second.located(caught.value)
    assert book[error.offset] == "#"
    raw = book.replace("\n", "\r\n").encode()
    assert raw[abc.byte_offset(raw, error.offset)] == ord("#")


# --- books -------------------------------------------------------------------------------------


def test_a_book_s_header_applies_to_all_its_tunes():
    head = "%abc-2.1\nM:6/8\nQ:1/4=90\nL:1/4\nC:nobody\n\nSome words.\n\n"
    book = f"{head}X:1\nK:C\nC|\nmore\n\nbetween\n\nX:7\nM:3/4\nK:D\nD|"
    first, second = abc.split_book(book)
    assert (first.parse().meter, first.parse().unit, first.parse().tempo_bpm) == ("6/8", "1/4", 90)
    assert second.parse().meter == "3/4"
    assert first.parse().rest == "between"
    assert first.alone() == "X:1\nM:6/8\nQ:1/4=90\nL:1/4\nK:C\nC|\nmore\n"


def test_a_tune_as_written_can_lose_its_title():
    (entry,) = abc.split_book("X:1\nT:One\nT:Two\nK:C\nC|\n")
    assert entry.alone(title=False) == "X:1\nK:C\nC|\n"


def test_the_songbook_has_two_tunes():
    entries = abc.split_book((EXAMPLES / "songbook.abc").read_text("utf-8"))
    assert [entry.parse().title for entry in entries] == ["Frère Jacques", "Auld Lang Syne"]


def test_a_tune_without_a_number_is_one_tune():
    (entry,) = abc.split_book("T:Bare\nK:C\nC|\n")
    assert entry.parse().title == "Bare"


@given(st.lists(st.integers(1, 9), min_size=1, max_size=5), st.sampled_from(["", "\n", "\n\nsome words\n\n"]))
def test_books_come_apart_as_they_were_put_together(lengths, between):
    tunes = [f"X:{number}\nK:C\n{'C' * length}|\n" for number, length in enumerate(lengths)]
    entries = abc.split_book(between.join(tunes))
    assert [entry.alone() for entry in entries] == tunes
    assert [entry.parse().body for entry in entries] == ["C" * length + "|\n" for length in lengths]


# --- the canonical form ------------------------------------------------------------------------


def test_what_is_left_out_is_counted():
    made = abc.canonical(abc.parse('X:1\nT:Reel\nR:reel\nK:C\n!trill!C "^slow"D vE uF|\nw:la la\n'))
    assert made.text == "X:1\nM:4/4\nL:1/8\nK:C\nCDEF|\n"
    assert made.dropped == ("R:", "T:", "annotation", "decoration", "2 x letter", "w:")


REPEATS = {
    "|:C:|": "C||C|",
    "C:|": "C||C|",
    "C:|D:|": "C||C||D||D|",
    "C::D:|": "C||C||D||D|",
    "|:C:||:D:|": "C||C||D||D|",
    "|:C:|:D:|": "C||C||D||D|",
    "|:C|1D:|2E|": "C|D||C|E|",
    "|:C[1D:|[2E||": None,
    "|:C|[1D:|[2E|]F|": "C|D||C||E||F|",
    "|:C|[1,3D:|[2E:|[4F|": None,
    "C|:D:|": None,
    "|:C|D": "C|D|",
    "C||D|]": "C||D|",
    "C|\n:D:|": "C|D||C|D|",
    "CE:\n|D|": "CE|D|",
    "[|C|]": "C|",
    "C|:|D|": None,
    "|:C:|]D|": "C||C||D|",
    "CD|]\n|:EF:|]": "CD||EF||EF|",
    "C:||:D:||:E:||F||": "C||C||D||D||E||E||F|",
    "C|1D:||2E||\n|:F:||": None,
    "C|[1D:|[2E||\n|:F|\n[1G:|\n[2A|]": None,
    "|:C|1-2D:|3E|": None,
    "CD|EF]|:GA|Bc:|": None,
    "CD:|EF||GA|Bc:|": "CD||CD||EF||GA|Bc||GA|Bc|",
    "CD|EF||GA|Bc:|de||fg:|": None,
    "|:CD|1EF:|2GA::Bc|de:|": None,
    "|:CD|1EF:|2GA||:Bc|de:|": "CD|EF||CD|GA||Bc|de||Bc|de|",
    "|:CD|1EF:|2GA|||:Bc|de:|": None,
    "|:CD|1EF:|2GA :|:Bc|de:|": None,
    "CD|1EF:|2GA:|Bc|de:|": None,
    "|:[K:G]C[K:D]D:|E|": "[K:G]C[K:D]D||[K:G]C[K:D]D||E|",
    "K:G\n|:C:|\nK:D\nF:|": None,
}
"""Body -> what it plays; None where only the sound is compared."""


@pytest.mark.parametrize("body", REPEATS)
def test_odd_repeats_play_as_abc2midi_plays_them(body):
    text = canonical(body + "\n")
    if REPEATS[body] is not None:
        assert text.splitlines()[-1] == REPEATS[body]
    assert sound(text) == sound(HEAD + body + "\n")


@st.composite
def repeated_tunes(draw: st.DrawFn) -> str:
    """Whole bars with repeats and endings as people write them, and some ornament."""
    bar = st.sampled_from(
        [
            "CDEF GABc",
            "c4 z2 e2",
            "(3cde f2 G4-|G4 A4",
            "A>Bc<d e4",
            "[CEG]4 c4",
            "~g4 {a}b4",
            '"Am"A8',
            "c'2 B,,2 C/D/E F2",
        ]
    )
    part = st.lists(bar, min_size=1, max_size=3).map("|".join)
    shape = st.sampled_from(
        [
            "|:{0}:|",
            "{0}||",
            "|:{0}|1{1}:|2{2}||",
            "|:{0}|[1 {1}:|[2 {2}|]",
            "|:{0}::{1}:|",
            "[K:G]{0}||",
            "[M:3/4]{0}|]",
        ]
    )
    pieces = [draw(shape).format(*(draw(part) for _ in range(3))) for _ in range(draw(st.integers(1, 3)))]
    key = draw(st.sampled_from(["C", "D", "Gm", "Ador", "Eb", "HP"]))
    return f"X:1\nM:4/4\nL:1/8\nK:{key}\n" + "\n".join(pieces) + "\n"


@given(repeated_tunes())
@settings(max_examples=60, deadline=None)
def test_the_canonical_form_sounds_like_the_tune(text):
    assert sound(abc.canonical(abc.parse(text)).text) == sound(text)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.abc")), ids=lambda path: path.stem)
def test_the_examples_sound_the_same_in_every_form(path):
    for entry in abc.split_book(path.read_text("utf-8")):
        text = abc.canonical(entry.parse()).text
        assert sound(text) == sound(entry.alone())
        assert sound(abc.layout(text, title="Title", bpm=100)) == sound(text)


# --- the readable form -------------------------------------------------------------------------


@given(repeated_tunes(), st.one_of(st.none(), st.text(max_size=20)), st.one_of(st.none(), st.floats(1, 400)))
@settings(max_examples=150, deadline=None)
def test_the_readable_form_is_the_same_tune(text, title, bpm):
    plain = abc.canonical(abc.parse(text)).text
    written = abc.layout(plain, title=title, bpm=bpm)
    again = abc.parse(written)
    assert abc.canonical(again).text == plain
    assert again.tempo_bpm == (None if bpm is None else max(1, round(bpm)))
    if title is not None and title.isalnum():
        assert again.title == title


def test_the_readable_form_has_lines_beats_and_repeats():
    text = canonical("|:CDEFGABc|CDEFGABc|CDEFGABc|CDEFGABc|c8:|\nC2(3DEFG2A>B|c8|]\n")
    assert abc.layout(text, title="Scale\nof C", bpm=99.7) == (
        "X:1\nT:Scale\nT:of C\nM:4/4\nL:1/8\nQ:1/4=100\nK:C\n"
        "|:CD EF GA Bc|CD EF GA Bc|CD EF GA Bc|CD EF GA Bc|\nc8:|\nC2 (3DEF G2 A>B|c8|]\n"
    )


def test_a_pickup_does_not_count_as_a_bar():
    text = canonical("A|" + "c2d efg|" * 5 + "\n", "X:1\nM:6/8\nL:1/8\nK:G\n")
    assert abc.layout(text).splitlines()[4:] == ["A|c2d efg|c2d efg|c2d efg|c2d efg|", "c2d efg|]"]


@given(st.text(alphabet='ab%\\ "\n:X', max_size=20))
def test_no_title_breaks_a_tune(title):
    text = HEAD + "CDEF|\n"
    assert abc.canonical(abc.parse(abc.layout(text, title=title))).text == text


def test_spaces_in_chords_and_between_grace_notes_are_no_sound():
    body = "{A B}c2 [F2 A3/2]{ ^c }d2|[ CE ]2|"
    assert canonical(body + "\n").endswith("\n{AB}c2[F2A3/2]{^c}d2|[CE]2|\n")
    assert sound(canonical(body + "\n")) == sound(HEAD + body + "\n")


def test_only_canonical_text_is_laid_out():
    with pytest.raises(FormatError, match="not canonical ABC"):
        abc.layout("X:1\nK:C\nC|\n")
