"""The engine against the published code's answers, and against recomputing everything."""

from dataclasses import replace
from functools import partial
from itertools import count

import numpy as np
import pytest
import torch
from helpers.paths import FIXTURES

from bytesim.clocks import ByteDeadline, clock_of
from bytesim.engine.decode import _Decoder, decode_in_order
from bytesim.engine.sampling import REPEATED_BYTES, penalized
from bytesim.engine.score import score_file
from bytesim.engine.uncached import decode_uncached
from bytesim.errors import ConfigError, ContextError
from bytesim.formats.abc.grammar import abc_grammar
from bytesim.formats.grammar import ANY_BYTE, END, Grammar, allow
from bytesim.formats.media_grammar import text_grammar
from bytesim.formats.midi.grammar import midi_grammar
from bytesim.models.bgpt.config import BGPTConfig
from bytesim.models.bgpt.model import BGPT
from bytesim.models.bgpt.published import published_to_ours, read_published
from bytesim.models.framing import convert_request, generate_request
from bytesim.predictors.cpu import states_request
from bytesim.requests import Request, Sampling


def small_model(**changes: object) -> BGPT:
    torch.manual_seed(0)
    settings: dict = {
        "parts": "modern", "patch_size": 4, "max_patches": 40, "hidden_size": 32, "num_layers": 2, "head_size": 16,
        "byte_hidden_size": 32, "byte_num_layers": 2, "byte_head_size": 16, "context_patches": 1,
        "source_attention": True, "patch_source_attention": True, "source_layers": 1, "source_hidden_size": 32,
        "max_source_bytes": 64,
    }  # fmt: skip
    model = BGPT(BGPTConfig(**{**settings, **changes})).eval()
    with torch.no_grad():  # residual outputs start at zero, which would hide every mistake behind them
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    return model


def requests_of(config: BGPTConfig) -> list[Request]:
    rng = np.random.default_rng(1)
    sources = [rng.integers(0, 256, length, np.uint8).tobytes() for length in (3, 30, 0, 17, 8)]
    sources += [b"X:1\nM:3/4\nL:1/8\nK:G\nA>B(3ABc[CE]2|z4{ab}d2|\n"]
    wanted = [convert_request(config, source, "abc", "mid", max_patches=24) for source in sources]
    prompts = [b"", b"ab", b"abcdefgh", b"abcdefghijklm", b"X:1\nL:1/4\nK:C\nA2|B", b"X:1\nL:1/4\nK:C\nA2|BB/"]
    return wanted + [generate_request(config, "abc", prompt, max_patches=12) for prompt in prompts]


@pytest.mark.parametrize("name", ["a", "b"])
def test_greedy_decoding_equals_the_published_code(name):
    folder = FIXTURES / f"bgpt-official-{name}"
    expected = np.load(folder / "expected.npz")
    config, weights = published_to_ours(read_published(folder / "weights.pth"))
    model = BGPT(config).eval()
    model.load_state_dict(weights)
    generate = generate_request(model.config, "mid", max_patches=7)
    convert = convert_request(model.config, expected["convert_source"].tobytes(), "abc", "mid")
    convert = Request(
        history=convert.history, first=convert.first, source=convert.source, max_patches=len(convert.history) + 6
    )
    together = decode_in_order(model, [generate, convert])
    for reply, request, kind in zip(together, (generate, convert), ("generate", "convert"), strict=True):
        assert reply.data == expected[f"{kind}_bytes"].astype(np.uint8).tobytes()
        assert reply.ended == bool(expected[f"{kind}_ended"])
        slow = decode_uncached(model, request)
        assert (slow.data, slow.ended) == (reply.data, reply.ended)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"context_patches": 0},
        {"context_patches": 3},
        {"near_bytes": 5},
        pytest.param({"near_bytes": 3, "row_bytes": 9, "context_patches": 0}, marks=pytest.mark.slow),
        {"copying": True, "numerals": True},
        {"copying": True, "source_patches": False, "near_bytes": 5},
        {"source_attention": False, "patch_source_attention": False},
        pytest.param({"clock": True}, marks=pytest.mark.slow),
        {"clock": True, "source_attention": False, "patch_source_attention": False},
        pytest.param({"patch_encoder_layers": 2, "numeric_bytes": True}, marks=pytest.mark.slow),
        {"patch_reads": 3, "patch_reads_size": 24},
        {"patch_reads": 3, "patch_reads_size": 24, "patch_reads_ask": (1, 2), "patch_reads_hard": True},
        pytest.param({"byte_features": True, "byte_source_attention": False}, marks=pytest.mark.slow),
        pytest.param({"source_patches": False, "clock": True}, marks=pytest.mark.slow),
        pytest.param(
            {"hidden_size": 64, "byte_hidden_size": 64, "source_hidden_size": 16, "clock": True}, marks=pytest.mark.slow
        ),
        {"parts": "published", "context_patches": 0, "source_attention": False, "patch_source_attention": False},
    ],
)
def test_cached_decoding_equals_recomputing(changes):
    model = small_model(**changes)
    requests = requests_of(model.config)
    for reply, request in zip(decode_in_order(model, requests, slots=3), requests, strict=True):
        slow = decode_uncached(model, request)
        assert (reply.data, reply.ended) == (slow.data, slow.ended)
        assert reply.nats == pytest.approx(slow.nats, rel=1e-4, abs=1e-3)


AS_SHIPPED = {
    "clock": True, "numeric_bytes": True, "patch_encoder_layers": 1, "byte_features": True, "source_patches": False,
    "byte_source_attention": False, "patch_reads": 4, "patch_reads_size": 32,
}  # fmt: skip
"""The parts of the shipped model of the CPU."""


@pytest.mark.slow
@pytest.mark.parametrize("changes", [{}, {"clock": True}, {"near_bytes": 3, "row_bytes": 20}, AS_SHIPPED])
def test_states_of_the_cpu_are_those_of_recomputing_however_patches_are_spelled(changes, monkeypatch):
    model = small_model(patch_size=16, max_patches=75, max_source_bytes=1024, **changes)
    rng = np.random.default_rng(0)
    first = bytes(6) + bytes(range(10))
    wanted = [
        states_request(model, rng.integers(1, 256, 4 * count, np.uint8).tobytes().ljust(1024, b"\0"), first)
        for count in (1, 5, 12)
    ]
    wanted = [replace(request, max_patches=len(request.history) + 9) for request in wanted]
    passes = decode_in_order(model, wanted)
    monkeypatch.setattr(_Decoder, "_by_guessing", lambda decoder: None)
    for reply, by_byte, request in zip(passes, decode_in_order(model, wanted, slots=2), wanted, strict=True):
        slow = decode_uncached(model, request)
        assert (reply.data, reply.ended) == (by_byte.data, by_byte.ended) == (slow.data, slow.ended)
        assert reply.nats == pytest.approx(slow.nats, rel=1e-4, abs=1e-3)


def test_the_clock_tells_the_same_while_a_file_is_written_as_when_it_is_read():
    model = small_model(clock=True, max_patches=200, max_source_bytes=200)
    tune = b"X:1\nM:3/4\nL:1/8\nK:G\nA>B(3ABc[CE]2|z4{ab}d2|\n"
    wanted = [
        generate_request(model.config, "abc", grammar=abc_grammar, max_patches=150),
        convert_request(model.config, tune, "abc", "mid", grammar=midi_grammar, max_patches=150),
        convert_request(model.config, tune, "abc", "abc", grammar=abc_grammar, max_patches=150),
    ]
    for request, reply in zip(wanted, decode_in_order(model, wanted), strict=True):
        assert len({tuple(times) for times in clock_of(reply.data, "abc" if b"K:" in reply.data else "mid")}) > 3
        scored = score_file(model, request, reply.data).token_nats[: len(reply.token_nats)]
        assert reply.token_nats == pytest.approx(scored, abs=1e-3)


@pytest.mark.parametrize("clock", [False, True])
def test_a_file_does_not_depend_on_what_is_decoded_beside_it(clock):
    model = small_model(clock=clock)
    settings = {"sampling": Sampling(temperature=0.9, top_k=50, top_p=0.95, seed=7), "max_patches": 36}
    requests = [
        convert_request(model.config, b"X:1\nK:C\n" + b"A" * length, "abc", "abc", grammar=abc_grammar, **settings)
        for length in (5, 40, 21, 1)
    ]
    requests[2] = generate_request(model.config, "abc", grammar=abc_grammar, **settings)
    alone = [decode_in_order(model, [request])[0].data for request in requests]
    assert [reply.data for reply in decode_in_order(model, requests, slots=2)] == alone


def test_seeds_give_different_files_and_repeat():
    model = small_model()
    wanted = [
        generate_request(model.config, "abc", max_patches=10, sampling=Sampling(temperature=1.0, seed=seed))
        for seed in (1, 2, 1)
    ]
    first, second, again = decode_in_order(model, wanted)
    assert first.data == again.data != second.data


def test_a_repetition_penalty_lowers_the_bytes_that_were_written_last():
    logits = np.array([[2.0, -2.0, 1.0, 3.0], [2.0, -2.0, 1.0, 3.0]], np.float32)
    samplings = [Sampling(repetition_penalty=2.0), Sampling()]
    lowered = penalized(logits, samplings, [bytes([0, 1]), bytes([3])])
    assert lowered.tolist() == [[1.0, -4.0, 1.0, 3.0], [2.0, -2.0, 1.0, 3.0]]
    assert penalized(logits[:1], samplings[:1], [bytes([3]) + bytes(REPEATED_BYTES)])[0, 3] == 3.0


def test_a_penalized_file_is_what_its_logits_say_byte_by_byte():
    model = small_model()
    sampling = Sampling(repetition_penalty=1.5)
    plain, request = (
        generate_request(model.config, "abc", max_patches=12, sampling=each) for each in (Sampling(), sampling)
    )
    reply = decode_in_order(model, [request, plain])[0]
    answer = np.full((12, model.config.patch_size), 256, np.int16)
    answer.ravel()[: len(reply.data)] = list(reply.data)
    logits = model.answer_logits(request, answer).flatten(0, 1).detach().numpy()
    for place, byte in enumerate(reply.data):
        assert penalized(logits[place, None], [sampling], [reply.data[:place]]).argmax() == byte
    assert reply.data != decode_in_order(model, [plain])[0].data


def test_a_grammar_sees_the_output_with_its_prefix_and_is_obeyed():
    model = small_model()

    def digits() -> Grammar:
        def steps():
            for _ in range(10):
                yield allow(b"0123456789")
            yield END

        return Grammar(steps())

    wanted = [
        generate_request(model.config, "abc", prefix, max_patches=20, grammar=digits) for prefix in (b"12", b"", b"7")
    ]
    for request, reply in zip(wanted, decode_in_order(model, wanted), strict=True):
        assert reply.ended
        assert reply.data.isdigit()
        assert reply.data.startswith(request.prefix)
        assert len(reply.data) == 10


@pytest.mark.slow
def test_an_answer_comes_to_an_end_when_the_music_of_its_source_has():
    model = small_model(clock=True, max_patches=400, max_source_bytes=400)
    tune = b"X:1\nM:4/4\nL:1/8\nK:C\nABcd|\n"
    request = convert_request(model.config, tune, "abc", "abc", grammar=abc_grammar)
    assert request.deadline
    latest = request.deadline().latest
    assert latest == 4 * 240 + 1920
    free = replace(request, deadline=None)
    held, loose = decode_in_order(model, [request, free])
    times = clock_of(held.data, "abc")[:, 0]
    over = int(np.argmax(times > latest))
    assert loose.data[:over] == held.data[:over]
    assert held.ended
    assert len(held.data) < len(loose.data)


def test_an_answer_is_brought_to_an_end_after_so_many_bytes():
    model = small_model()
    options = {"grammar": text_grammar, "deadline": partial(ByteDeadline, 20)}
    requests = [
        generate_request(model.config, "txt", b"abcde", sampling=Sampling(temperature=2.0, seed=seed), **options)
        for seed in range(30)
    ]
    replies = decode_in_order(model, requests)
    for reply in replies:  # they begin with the prefix, e
        assert reply.data.decode("utf-8")
        assert reply.ended
        assert len(reply.data) <= 20 + 3
        assert reply.overran == (len(reply.data) >= 20)
    assert {reply.overran for reply in replies} == {True, False}


def test_decoding_stops_at_max_patches_and_says_so():
    model = small_model()

    def no_end() -> Grammar:
        return Grammar(ANY_BYTE for _ in count())

    reply = decode_in_order(model, [generate_request(model.config, "abc", max_patches=5, grammar=no_end)])[0]
    assert not reply.ended
    assert len(reply.data) == 4 * model.config.patch_size


def test_scoring_an_answer_costs_what_decoding_it_cost():
    model = small_model()
    request = convert_request(model.config, b"some source", "abc", "mid", max_patches=30)
    reply = decode_in_order(model, [request])[0]
    score = score_file(model, request, reply.data)
    nats = score.nats if reply.ended else float(score.token_nats[:-1].sum())
    assert nats == pytest.approx(reply.nats, rel=1e-4, abs=1e-3)
    assert score.num_bytes == len(reply.data)


def test_states_of_the_cpu_are_scored_as_they_are_decoded():
    model = small_model(patch_size=16, max_patches=20, max_source_bytes=1024, **AS_SHIPPED)
    request = states_request(model, bytes([17, 2, 10, 3] * 6).ljust(1024, b"\0"), bytes(16))
    request = replace(request, max_patches=18)  # so that a closing patch fits
    reply = decode_in_order(model, [request])[0]
    scored = score_file(model, request, reply.data).token_nats[: len(reply.token_nats)]
    assert reply.token_nats == pytest.approx(scored, abs=1e-3)


def test_a_source_too_long_is_refused_with_the_sizes():
    config = small_model().config
    with pytest.raises(ContextError, match="65 bytes are more than the 64"):
        convert_request(config, b"x" * 65, "abc", "mid")
    with pytest.raises(ContextError, match="prompt of 400 bytes"):
        generate_request(config, "abc", b"x" * 400)


@pytest.mark.parametrize(
    "wrong",
    [{"temperature": -1.0}, {"top_p": 0.0}, {"top_k": -2}, {"temperature": float("nan")}, {"repetition_penalty": 0.5}],
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ConfigError):
        Sampling(**wrong)
