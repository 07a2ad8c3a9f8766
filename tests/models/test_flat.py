"""The flat byte transformer: its config, its decoding, and what its logits depend on."""

import numpy as np
import pytest
import torch

from bytesim.engine.decode import _Decoder, decode_in_order
from bytesim.engine.score import score_file
from bytesim.engine.uncached import decode_uncached
from bytesim.errors import ConfigError, ContextError
from bytesim.models.flat.config import FlatConfig
from bytesim.models.flat.model import Flat
from bytesim.models.flat.session import FlatSession
from bytesim.models.framing import convert_request, generate_request
from bytesim.models.registry import build_model
from bytesim.patching import END_OF_PATCH, frame_file
from bytesim.requests import Request, Sampling
from bytesim.training.data.examples import Example
from bytesim.training.loss import collate, token_losses


def flat(**changes: object) -> Flat:
    torch.manual_seed(0)
    settings = {"hidden_size": 32, "num_layers": 2, "head_size": 8, "key_value_heads": 2, "max_bytes": 120}
    model = Flat(FlatConfig(**{**settings, **changes})).eval()
    with torch.no_grad():  # residual outputs start at zero, which would hide every mistake behind them
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    return model


def requests_of(config: FlatConfig, **options: object) -> list[Request]:
    rng = np.random.default_rng(1)
    sources = [rng.integers(0, 256, length, np.uint8).tobytes() for length in (3, 30, 0, 17, 8)]
    wanted = [convert_request(config, source, "abc", "mid", **{"max_patches": 90, **options}) for source in sources]
    prompts = [(b"", 60), (b"ab", 61), (b"abcdefghijk", 62)]
    return wanted + [
        generate_request(config, "abc", prompt, **{"max_patches": most, **options}) for prompt, most in prompts
    ]


def test_the_defaults_are_the_published_size():
    with torch.device("meta"):
        model = Flat(FlatConfig())
    assert sum(parameter.numel() for parameter in model.parameters()) == 132_647_296
    assert model.decoder.layers[0].attention.num_heads == 32


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"key_value_heads": 1},
        {"key_value_heads": 4, "next_bytes": 3},
        {"next_bytes": 4},
        {"next_bytes": 6, "window": 9},
        {"parts": "llama", "window": 20, "rope_base": 500.0},
        {"feed_forward_size": 24, "next_bytes": 4, "key_value_heads": 1},
    ],
)
def test_cached_decoding_equals_recomputing(changes):
    model = flat(**changes)
    requests = requests_of(model.config)
    for reply, request in zip(decode_in_order(model, requests, slots=3), requests, strict=True):
        slow = decode_uncached(model, request)
        assert (reply.data, reply.ended) == (slow.data, slow.ended)
        assert reply.nats == pytest.approx(slow.nats, rel=1e-4, abs=1e-3)


def test_guesses_that_are_right_are_verified_in_one_pass(monkeypatch):
    model = flat(next_bytes=4)
    for head in (model.head, *(further.out for further in model.further)):
        torch.nn.init.zeros_(head.weight)
    sizes: list[int] = []
    read = model.decoder.forward

    def counted(tokens, *caches):
        sizes.append(tokens.shape[1])
        return read(tokens, *caches)

    monkeypatch.setattr(model.decoder, "forward", counted)
    reply = decode_in_order(model, [generate_request(model.config, "bin", max_patches=8 + 30)])[0]
    assert reply.data == bytes(30)  # of equal logits the first is taken, at every place
    assert sizes == [8, 2, *[3] * 9]


@pytest.mark.parametrize("next_bytes", [1, 4])
def test_a_file_does_not_depend_on_what_is_decoded_beside_it(next_bytes):
    model = flat(next_bytes=next_bytes)
    requests = requests_of(model.config, sampling=Sampling(temperature=0.9, top_k=50, top_p=0.95, seed=7))
    together = decode_in_order(model, requests, slots=4)
    for reply, request in zip(together, requests, strict=True):
        alone = decode_in_order(model, [request])[0]
        assert (reply.data, reply.ended) == (alone.data, alone.ended)


def test_further_heads_change_no_answer():
    plain, ahead = flat(), flat(next_bytes=4)
    ahead.load_state_dict(plain.state_dict(), strict=False)
    wanted = requests_of(plain.config)
    assert [reply.data for reply in decode_in_order(ahead, wanted)] == [
        reply.data for reply in decode_in_order(plain, wanted)
    ]


def test_further_heads_learn_and_leave_the_gradients_of_the_decoder_as_they_are():
    plain, ahead = flat(), flat(next_bytes=3)
    ahead.load_state_dict(plain.state_dict(), strict=False)
    rng = np.random.default_rng(0)
    files = [rng.integers(97, 100, length, np.uint8).tobytes() for length in (20, 31)]
    examples = [Example(frame_file(file, "txt", 1), 8, b"", 0, len(file)) for file in files]
    losses = [token_losses(model.train(), collate(examples, model.config)) for model in (plain, ahead)]
    torch.testing.assert_close(*losses)
    for loss in losses:
        loss.sum().backward()
    others = dict(ahead.named_parameters())
    for name, parameter in plain.named_parameters():
        torch.testing.assert_close(parameter.grad, others[name].grad, msg=name)
    assert all(head.out.weight.grad.abs().max() > 0 for head in ahead.further)


def test_further_heads_are_trained_on_the_bytes_that_they_predict():
    model = flat(next_bytes=3).train()
    examples = [Example(frame_file(b"abcabcabcabcabcabcabc", "txt", 1), 8, b"", 0, 21)]
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        token_losses(model, collate(examples, model.config)).sum().backward()
        optimizer.step()
    batch = collate(examples, model.config)
    likeliest = model.logits_ahead(batch.patches, batch.first, 18).argmax(-1)[0]
    assert [bytes(row.tolist()) for row in likeliest[:3]] == [b"abc", b"bca", b"cab"]


@pytest.mark.parametrize(("next_bytes", "most"), [(3, 8), (4, 6), (6, 6)])
def test_a_model_whose_guesses_are_wrong_soon_stops_guessing(monkeypatch, next_bytes, most):
    model = flat(next_bytes=next_bytes, max_bytes=300)
    verify, passes = FlatSession.verify, []
    monkeypatch.setattr(FlatSession, "verify", lambda session, guess: passes.append(1) or verify(session, guess))
    decoder = _Decoder(model, [generate_request(model.config, "abc", max_patches=150)], 1, None)
    with torch.inference_mode():
        list(decoder.replies())
    assert decoder.unguessed
    assert 2 <= len(passes) <= most * next_bytes


@torch.inference_mode()
def test_no_logit_depends_on_a_later_byte():
    model, rng = flat(), np.random.default_rng(0)
    for _ in range(20):
        tokens = torch.from_numpy(rng.integers(0, 257, (1, 40, 1)))
        place = int(rng.integers(1, 40))
        changed = tokens.clone()
        changed[0, place] = (changed[0, place] + 1 + int(rng.integers(256))) % 257
        before, after = model(tokens)[0], model(changed)[0]
        assert torch.equal(before[:place], after[:place])
        assert place == 39 or not torch.equal(before[place:], after[place:])


def test_a_window_hides_what_lies_further_back_than_its_layers_reach():
    model = flat(window=5)
    with torch.inference_mode():
        tokens = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (1, 40, 1)))
        changed = tokens.clone()
        changed[0, 3] += 1
        moved = (model(tokens) != model(changed)).any(-1)[0, :, 0]
    reach = 2 * (5 - 1)
    assert moved[3 : 3 + reach + 1].all()
    assert not moved[3 + reach + 1 :].any()


@torch.inference_mode()
def test_a_prefill_of_any_length_and_steps_equal_one_forward():
    model = flat()
    data = np.random.default_rng(2).integers(0, 256, 30, np.uint8).tobytes()
    whole = model.answer_logits(generate_request(model.config, "bin"), np.frombuffer(data, np.uint8)[:, None])
    for prefilled in (0, 1, 7, 29):
        session = model.session(1)
        session.enter([generate_request(model.config, "bin", data[:prefilled])])
        for place in range(prefilled, 30):
            torch.testing.assert_close(session.logits()[0], whole[place, 0], rtol=1e-4, atol=1e-4)
            session.write(torch.tensor([[data[place]]]))


def test_scores_of_files_are_those_of_decoding():
    model = flat()
    request = generate_request(model.config, "abc", max_patches=40)
    reply = decode_in_order(model, [request])[0]
    scored = score_file(model, request, reply.data).token_nats[: len(reply.token_nats)]
    assert reply.token_nats == pytest.approx(scored, abs=1e-3)


def test_the_extension_takes_eight_bytes():
    history = generate_request(flat().config, "musicxml", b"ab").history
    assert bytes(history[:8, 0].astype(np.uint8)) == b"musicxml"
    assert history[8:, 0].tolist() == [*b"ab"]
    assert generate_request(flat().config, "c").history[:, 0].tolist() == [ord("c"), *[END_OF_PATCH] * 7]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_layers": 0}, "num_layers is 0"),
        ({"parts": "published"}, "choose modern or llama"),
        ({"window": -1}, "window is -1"),
        ({"head_size": 7}, "does not split"),
        ({"key_value_heads": 3}, "do not share 3 heads"),
        ({"max_bytes": 16}, "leaves no room"),
        ({"next_bytes": 2}, "next_bytes is 2"),
        ({"next_bytes": 17}, "next_bytes is 17"),
    ],
)
def test_a_config_that_is_impossible_says_why(changes, message):
    with pytest.raises(ConfigError, match=message):
        build_model({"architecture": "flat", "hidden_size": 32, "head_size": 8, "key_value_heads": 2, **changes})


def test_files_that_leave_no_room_are_refused():
    config = flat().config
    with pytest.raises(ContextError, match="120 bytes are more than the 103"):
        convert_request(config, b"x" * 120, "abc", "mid")
    with pytest.raises(ContextError, match="fills the model's history"):
        generate_request(config, "abc", b"x" * 112)
    assert len(convert_request(config, b"x" * 103, "abc", "mid").history) == 119
