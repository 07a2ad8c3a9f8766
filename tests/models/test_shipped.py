"""The shipped models, measured on a small fixed sample. Each floor stands just under what the model reaches."""

import io
import random
from dataclasses import replace

import mido
import pytest
from helpers.paths import EXAMPLES

import bytesim
from bytesim import metrics
from bytesim.cpu.assembler import assemble
from bytesim.cpu.many import split_programs, with_states
from bytesim.cpu.plan import Plan
from bytesim.engine.decode import decode_in_order
from bytesim.engine.score import score_file
from bytesim.engine.uncached import decode_uncached
from bytesim.formats import abc, bmp, midi, wav
from bytesim.formats.abc.grammar import abc_grammar
from bytesim.formats.cpu_trace import MEMORY_SIZE, STATE_SIZE, parse_state
from bytesim.formats.midi.grammar import midi_grammar
from bytesim.media.forms import model_form
from bytesim.models.bgpt.model import BGPT
from bytesim.models.framing import convert_request, generate_request
from bytesim.models.interface import writes_bytes
from bytesim.models.store import shipped_folder
from bytesim.models.weights import load_model
from bytesim.oracles.abcmidi import render_abc2midi
from bytesim.predictors.classifier import load_classifier
from bytesim.predictors.cpu import load_cpu_model, predict_states, states_request
from bytesim.predictors.surprise import of_model
from bytesim.predictors.writer import Writer, load_writer
from bytesim.tasks.inspect.statistics import WINDOW_BYTES, ranked_windows

CPU_BYTES, CPU_PROGRAMS = 0.9999, 39
"""Share of state bytes right, and programs of 40 right to the last byte."""
MUSIC_BITS_PER_BYTE = {"abc2midi": 0.012, "midi2abc": 0.09}
MIDI_FLIPS = 0.9
"""Share of flipped bits that are in one of the three windows with the most evidence."""
ROOT = EXAMPLES.parent
MUSIC_NOTE_FOR_NOTE = {"abc2midi": 6, "midi2abc": 6}
"""Of the 6 tunes of examples/."""


@pytest.fixture(scope="module")
def music() -> BGPT:
    model = load_model(shipped_folder() / "music")
    assert isinstance(model, BGPT)
    return model


@pytest.fixture(scope="module")
def tunes() -> list[str]:
    """The tunes of examples/ in canonical form."""
    books = [abc.split_book(path.read_text(encoding="utf-8")) for path in sorted(EXAMPLES.glob("*.abc"))]
    return [abc.canonical(entry.parse()).text for book in books for entry in book]


@pytest.mark.parametrize("direction", ["abc2midi", "midi2abc"])
def test_music_needs_few_bits_per_byte_both_ways(music, tunes, direction):
    nats, num_bytes = 0.0, 0
    for tune in tunes:
        source, target, suffixes = tune.encode(), render_abc2midi(tune).midi, ("abc", "mid")
        if direction == "midi2abc":
            source, target, suffixes = target, source, ("mid", "abc")
        score = score_file(music, convert_request(music.config, source, *suffixes), target)
        nats, num_bytes = nats + score.nats, num_bytes + score.num_bytes
    assert metrics.bits_per_byte(nats, num_bytes) < MUSIC_BITS_PER_BYTE[direction]


@pytest.mark.slow
@pytest.mark.parametrize("direction", ["abc2midi", "midi2abc"])
def test_music_converts_the_examples_note_for_note(music, tunes, direction):
    rendered = [render_abc2midi(tune).midi for tune in tunes]
    if direction == "abc2midi":
        requests = [convert_request(music.config, tune.encode(), "abc", "mid", grammar=midi_grammar) for tune in tunes]
        made = [midi.mend_track_lengths(reply.data)[0] for reply in decode_in_order(music, requests)]
    else:
        requests = [convert_request(music.config, data, "mid", "abc", grammar=abc_grammar) for data in rendered]
        made = [render_abc2midi(reply.data.decode("ascii")).midi for reply in decode_in_order(music, requests)]
    right = [metrics.note_f1(midi.notes(a), midi.notes(b)) == 1 for a, b in zip(made, rendered, strict=True)]
    assert sum(right) >= MUSIC_NOTE_FOR_NOTE[direction]


@pytest.mark.slow
def test_music_decodes_the_same_cached_and_uncached(music, tunes):
    requests = [convert_request(music.config, tune.encode(), "abc", "mid") for tune in tunes[:2]]
    limit = max(len(request.history) for request in requests) + 6
    requests = [
        convert_request(music.config, request.source, "abc", "mid", max_patches=min(limit, len(request.history) + 6))
        for request in requests
    ]
    for reply, request in zip(decode_in_order(music, requests), requests, strict=True):
        assert reply.data == decode_uncached(music, request).data


def test_music_is_small_enough():
    assert (shipped_folder() / "music" / "model.safetensors").stat().st_size <= 16 * 2**20


@pytest.fixture(scope="module")
def cpu() -> Writer:
    return load_cpu_model("cpu")


@pytest.mark.slow
def test_cpu_predicts_most_states_of_short_programs(cpu):
    """Free-running, on programs that no training sees."""
    blocks = split_programs("dev", 40, Plan(longest=40))
    rows = [(program.ljust(MEMORY_SIZE, b"\0"), states) for block in blocks for program, states in with_states(block)]
    asked = [(memory, parse_state(states[:STATE_SIZE])) for memory, states in rows]
    made = predict_states(cpu, asked, steps=41, slots=40)
    scores = [
        metrics.state_accuracy(each.data, states[STATE_SIZE:]) for each, (_, states) in zip(made, rows, strict=True)
    ]
    seen = metrics.sum_states(scores)
    assert seen.byte_accuracy >= CPU_BYTES
    assert seen.programs_right >= CPU_PROGRAMS


@pytest.mark.slow
def test_cpu_runs_a_long_program_to_its_end(cpu):
    """Every one of 255 instructions is fetched, and the trace ends with the HLT."""
    program, states = next(with_states(next(split_programs("dev", 1, Plan(shortest=255)))))
    made = predict_states(cpu, [(program.ljust(MEMORY_SIZE, b"\0"), parse_state(states[:STATE_SIZE]))], steps=256)[0]
    assert made.ended
    assert [state.pc for state in made.states] == list(range(256))
    assert b"".join(bytes(state.ir) for state in made.states[1:]) == program


def test_cpu_decodes_the_same_cached_and_uncached(cpu):
    memory = assemble((EXAMPLES / "bits.asm").read_text(encoding="utf-8"))
    request = states_request(cpu.model, memory, bytes(6) + bytes([44, 0, 7, 0, 0, 200, 0, 0, 0, 1]))
    request = replace(request, max_patches=8)
    assert decode_in_order(cpu.model, [request])[0].data == decode_uncached(cpu.model, request).data


NEWS = """
sports: Late goal sends hosts into the final / The captain scored in stoppage time as the home team won 2-1.
sports: Pitcher strikes out twelve in shutout / The left-hander allowed two hits as his club won again.
sports: Swimmer takes third gold of the games / She touched the wall half a second ahead of the record holder.
business: Retailer's profit falls as shoppers stay away / It lowered its forecast; shares dropped 6 percent.
business: Crude prices climb after output cut / Oil futures rose to $52 a barrel as exporters agreed to pump less.
business: Bank to buy rival in $3 billion deal / The merger would create the second largest lender.
world: Thousands flee fighting near border town / Government troops and rebels traded fire overnight, officials said.
world: Prime minister calls early election / The opposition accused the president of delaying peace talks.
world: Bomb kills seven at market in capital / Police blamed militants for the attack, the deadliest this year.
scitech: New browser closes security holes / The software update fixes flaws that let hackers take over computers.
scitech: Probe sends back first pictures of icy moon / The spacecraft flew past at 1,000 kilometres.
scitech: Chip maker shows faster processor for laptops / Its new microprocessor runs programs twice as fast.
"""
"""News items made up for this test: label, title, text."""
NEWS_RIGHT = 11
BITS_PER_BYTE = {"image": 2.75, "audio": 2.15, "text": 2.1, "flat-text": 2.15, "blt-text": 2.4}
"""Most bits for a byte of the sunset of examples/, of its bell, and of the news above."""


def test_agnews_knows_what_news_is_about():
    model = load_classifier("agnews")
    items = [line.split(": ", 1) for line in NEWS.strip().splitlines()]
    found = model.probabilities([text.replace(" / ", "\n").encode() for _, text in items]).argmax(1)
    assert sum(model.labels[place] == label for place, (label, _) in zip(found, items, strict=True)) >= NEWS_RIGHT


def test_agnews_answers_unknown_for_what_is_not_news():
    model = bytesim.load("agnews")
    news = [line.split(": ", 1)[1].replace(" / ", "\n").encode() for line in NEWS.strip().splitlines()]
    assert sum(answer.outlier for answer in model.classify(news)) == 0
    modules = sorted((ROOT / "bytesim" / "formats").glob("*.py"))
    others = [bytes(100), random.Random(0).randbytes(300), *(path.read_bytes()[:800] for path in modules)]
    outliers = [answer.outlier for answer in model.classify(others)]
    assert outliers[:2] == [True, True]
    assert sum(outliers) > 0.8 * len(outliers)


@pytest.mark.parametrize(
    ("name", "header", "length"), [("cifar10", 54, 3126), ("speech", 44, 8044), ("digits", 44, 8044)]
)
def test_noise_and_text_in_the_form_of_a_picture_or_recording_are_unknown(name, header, length):
    model = load_classifier(name)
    data = wav.serialize(wav.model_recording(bytes(wav.MODEL_FRAMES)))
    if header == 54:
        data = model_form(io.BytesIO((EXAMPLES / "sunset.bmp").read_bytes()), "bmp")[0]
    assert len(data) == length
    text = b"".join(path.read_bytes() for path in sorted((ROOT / "bytesim" / "formats").glob("*.py")))
    files = [data[:header] + content[: length - header] for content in (random.Random(0).randbytes(length), text)]
    readings = [model.read(io.BytesIO(file)) for file in files]
    assert model.are_outliers(readings).tolist() == [True, True]


def test_cifar10_reads_a_picture_and_its_mirror_image_alike_and_is_not_sure_of_a_drawn_one():
    model = load_classifier("cifar10")
    sunset = (EXAMPLES / "sunset.bmp").read_bytes()
    there, back = model.probabilities([sunset, bmp.mirrored(sunset)])
    assert abs(there - back).max() < 1e-5
    assert there.max() < model.rule.below
    assert not (there == there[0]).all()


@pytest.mark.parametrize("name", BITS_PER_BYTE)
def test_a_generator_needs_few_bits_for_a_file_it_has_not_seen(name):
    files = {
        "image": ("bmp", (EXAMPLES / "sunset.bmp").read_bytes()),
        "audio": ("wav", model_form(io.BytesIO((EXAMPLES / "bell.wav").read_bytes()), "wav")[0]),
        "text": (
            "txt",
            "\n".join(line.split(": ", 1)[1] for line in NEWS.strip().splitlines()).replace(" / ", "\n").encode(),
        ),
    }
    suffix, data = files[name.rpartition("-")[2]]
    model = load_model(shipped_folder() / name)
    assert writes_bytes(model)
    score = score_file(model, generate_request(model.config, suffix), data)
    assert metrics.bits_per_byte(score.nats, score.num_bytes) < BITS_PER_BYTE[name]


TYPES = {
    "README.md": "markdown",
    "pyproject.toml": "toml",
    "examples/bell.wav": "wav",
    "examples/sunset.png": "png",
    "bytesim/cli.py": "python",
    "docs/demo.svg": "svg",
    "Makefile": "makefile",
}


@pytest.mark.parametrize("name", TYPES)
def test_filetype_knows_the_files_of_this_house(name):
    model = load_classifier("filetype")
    reading = model.read(io.BytesIO((ROOT / name).read_bytes()))
    assert model.labels[int(model.logits([reading]).argmax())] == TYPES[name]


def test_speech_hears_that_nothing_is_said():
    model = load_classifier("speech")
    silence = wav.serialize(wav.model_recording(bytes([wav.SILENCE]) * wav.MODEL_FRAMES))
    assert model.labels[int(model.probabilities([silence]).argmax())] == "_silence_"


def test_midi_notices_nearly_every_flipped_bit(tunes):
    writer, rng, found, files = load_writer("midi", engine_backend="torch"), random.Random(1), 0, 0
    for tune in tunes:
        data = render_abc2midi(tune).midi
        for _ in range(4):
            place = rng.randrange(len(data))
            changed = data[:place] + bytes([data[place] ^ 1 << rng.randrange(8)]) + data[place + 1 :]
            best = ranked_windows(of_model(writer, changed, "mid"))[:3]
            found += any(start <= place < start + WINDOW_BYTES for start in best)
            files += 1
    assert found >= MIDI_FLIPS * files


def test_midi_writes_tunes_that_other_programs_open():
    (file,) = bytesim.load("midi").generate("mid", seed=3, count=1)
    assert len(midi.notes(file)) > 4
    assert mido.MidiFile(file=io.BytesIO(file)).length > 1
