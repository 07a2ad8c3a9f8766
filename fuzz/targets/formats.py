"""Parsers: text and sheet music, MIDI, sound, pictures, the 8-bit CPU, compressed files, extents, checks, grammars."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import suppress

import numpy as np

from bytesim.cpu import assembler, machine, outside
from bytesim.errors import BytesimError, FormatError
from bytesim.formats import abc, bmp, bsim, checks, cpu_trace, media_grammar, midi, views, wav
from bytesim.formats.abc import grammar, plain, source_grammar
from bytesim.formats.abc.audible import audible
from bytesim.formats.abc.constructs import constructs, count_notes
from bytesim.formats.abc.heard import heard
from bytesim.formats.abc.layout import layout
from bytesim.formats.abc.transpose import transpose
from bytesim.formats.extents import scan
from bytesim.formats.grammar import Grammar, lead
from bytesim.formats.midi import bars, mend, normal, styles, tidy, title, voices
from bytesim.formats.midi import grammar as midi_grammar
from bytesim.formats.text import is_text
from fuzz.targets.target import parser


@parser("abc", "abc")
def read_abc(data: bytes) -> None:
    """Everything that is made of an ABC text without a program. Raises the first BytesimError."""
    text = abc.decode_text(data)
    errors = []
    for entry in abc.split_book(text)[:50]:
        try:
            _read_entry(entry)
        except BytesimError as error:
            if isinstance(error, FormatError) and error.offset is not None:
                error.offset = abc.byte_offset(data, error.offset)
            errors.append(error)
    if errors:
        raise errors[0]


def _read_entry(entry: abc.Entry) -> None:
    tune = entry.parse()
    alone = entry.alone()
    audible(alone), constructs(tune.body)
    form = abc.canonical(tune)
    form.text.encode("ascii"), count_notes(form.text)
    layout(form.text, title=tune.title, bpm=tune.tempo_bpm)
    with suppress(BytesimError):
        transpose(form.text, 2, 3)


@parser("midi", "midi")
def read_midi(data: bytes) -> None:
    """Everything that is made of a MIDI file without a program."""
    file = midi.parse(data)
    midi.parse(midi.serialize(file))
    midi.title_and_tempo(file), bars.meters_of(file), voices.several_voices(file), tidy.tidy(file)
    midi.notes(file)
    text, bpm = midi.title_and_tempo(file)
    title.set_title_and_tempo(data, text, bpm)
    form, _ = normal.to_model_form(data)
    midi.parse(form)
    plain.write_plain(data)


@parser("midi-mend", "midi")
def mend_midi(data: bytes) -> None:
    """A model's guess at a MIDI file, whose track lengths are mended."""
    mended, _ = mend.mend_track_lengths(data)
    midi.parse(mended)


@parser("midi-styles", "midi")
def restyle_midi(data: bytes) -> None:
    styles.restyled(data, np.random.default_rng(len(data)))


@parser("midi-heard", "midi")
def hear_midi(data: bytes) -> None:
    """The grammar of the ABC that plays like a MIDI file, along the easiest way for at most 300 bytes."""
    heard(data)
    make = source_grammar.source_grammar(data)
    if make is not None:
        _walk(make, data, 300)


@parser("wav", "wav", "sound")
def read_wav(data: bytes) -> None:
    recording = wav.parse(data)
    wav.parse(wav.serialize(recording))


@parser("bmp", "bmp", "picture")
def read_bmp(data: bytes) -> None:
    picture = bmp.parse(data)
    bmp.parse(bmp.serialize(picture))


@parser("views", "wav", "bmp")
def see_views(data: bytes) -> None:
    """The changed copies of a file that a classifier also reads."""
    with suppress(BytesimError):
        bmp.mirrored(data)
    views.sped(data, 1.1)


@parser("cpu-assembly", "asm")
def read_assembly(data: bytes) -> None:
    memory = assembler.assemble(data.decode("utf-8", "replace"))
    _run(memory)


@parser("cpu-trace", "trace")
def read_trace(data: bytes) -> None:
    trace = cpu_trace.parse(data)
    cpu_trace.split_states(trace)
    _run(trace.memory)


def _run(memory: bytes) -> None:
    assembler.disassemble(memory), outside.unusual(memory), cpu_trace.program_of(memory)
    machine.run(memory, cpu_trace.State(), steps=256)


@parser("bsim", "bsim")
def read_bsim(data: bytes) -> None:
    header, _ = bsim.parse(data, len(data))
    assert bsim.parse(bsim.serialize(header), len(data)) == (header, len(bsim.serialize(header)))


@parser("bsim-table", "bsim", "text")
def read_table(data: bytes) -> None:
    entries, _ = bsim.read_table(io.BytesIO(data).read, len(data))
    for entry in entries:
        bsim.stays_inside(entry.path), bsim.stays_inside(entry.path, windows=True)


@parser("extents", "any")
def read_extents(data: bytes) -> None:
    """Files inside a file lie in it, in order."""
    before = 0
    for extent in scan.extents(data):
        assert before <= extent.start < len(data)
        assert extent.end is None or extent.start < extent.end <= len(data)
        before = extent.end or extent.start


@parser("extents-each", "any")
def read_each_end(data: bytes) -> None:
    """The end of a file by every format's own function, wherever it may begin."""
    from bytesim.formats.extents.reading import CutError, Metered

    for known in scan._FORMATS:
        if known.end is not None:
            with suppress(CutError):
                end = known.end(Metered(data), 0)
                if known.kind is not None and end <= len(data):
                    known.kind(Metered(data), 0, end)


@parser("text", "any")
def tell_text(data: bytes) -> None:
    is_text(data)


def _register_checks() -> None:
    kinds = {"json": ("json",), "toml": ("toml",), "xml": ("xml",), "csv": ("csv",), "utf8": ("text", "json", "xml")}
    for name, seeds in kinds.items():
        check = checks.find_check(name, "")
        assert check is not None
        parser(f"check-{name}", *seeds)(check)


_register_checks()


def _walk(make: Callable[[], Grammar], data: bytes, most: int = 2000) -> None:
    """Follow a grammar over a file; where a byte does not fit, take the nearest one that does."""
    whole = make()
    lead(whole, data[:most])
    steps = make()
    for byte in data[:most]:
        allowed = np.flatnonzero(steps.allowed)
        assert len(allowed), "the grammar allows nothing"
        token = int(allowed[byte % len(allowed)])
        steps.advance(token)
        if token == 256:
            return
    steps.ending.wanted = True


@parser("grammar-abc", "abc")
def walk_abc(data: bytes) -> None:
    _walk(grammar.abc_grammar, data)


@parser("grammar-midi", "midi")
def walk_midi(data: bytes) -> None:
    _walk(midi_grammar.midi_grammar, data)


@parser("grammar-media", "wav", "bmp", "text")
def walk_media(data: bytes) -> None:
    for make in (media_grammar.bmp_grammar, media_grammar.wav_grammar, media_grammar.text_grammar):
        _walk(make, data, 500)
