"""What a model of the CPU learns from: framing, times, what is scored, and that training and decoding agree on it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.patches import join_patches

from bytesim.clocks import clock_of, make_clock
from bytesim.cpu import machine
from bytesim.datasets.cpu import build_cpu
from bytesim.errors import ConfigError, FormatError
from bytesim.formats.cpu_trace import MEMORY_SIZE, STATE_SIZE, parse, program_of, serialize_states
from bytesim.models.bgpt.config import BGPTConfig
from bytesim.models.bgpt.model import BGPT
from bytesim.models.flat.config import FlatConfig
from bytesim.models.flat.model import Flat
from bytesim.models.weights import load_model
from bytesim.predictors.cpu import most_steps, predict_states, states_request
from bytesim.predictors.writer import Writer
from bytesim.tasks.train.train import train_recipe
from bytesim.training.data.programs import CpuStream
from bytesim.training.data.shards import load_shard, pack, save_shard
from bytesim.training.data.streams import open_stream
from bytesim.training.loss import collate, count_targets, real_tokens, result_loss, token_losses
from bytesim.training.sources import CpuSource

CONFIG = BGPTConfig(
    parts="modern", patch_size=16, max_patches=330, hidden_size=32, num_layers=1, head_size=16, byte_hidden_size=32,
    byte_num_layers=1, byte_head_size=16, context_patches=1, source_attention=True, source_layers=1,
    source_hidden_size=32, max_source_bytes=1024, clock=True,
)  # fmt: skip


def test_examples_are_whole_traces_of_the_exact_machine():
    stream = CpuStream(CpuSource(longest=40), CONFIG)
    for example in stream.draw(np.random.default_rng(0), 20_000):
        trace = parse(join_patches(example.patches[1:]))
        right = machine.run(trace.memory, trace.states[0])
        assert serialize_states(trace.states) == serialize_states(right.states)
        assert not trace.rest
        assert example.source == program_of(trace.memory)
        assert example.first == 1 + MEMORY_SIZE // STATE_SIZE
        assert example.num_bytes == STATE_SIZE * (len(trace.states) - 1)


LEAN = replace(CONFIG, source_patches=False, byte_source_attention=False, patch_source_attention=True)


def test_without_source_patches_a_trace_begins_with_its_first_state():
    source = CpuSource(longest=40)
    lean, same = (CpuStream(source, config).example(0) for config in (LEAN, CONFIG))
    memory = MEMORY_SIZE // STATE_SIZE
    assert np.array_equal(lean.patches, np.delete(same.patches, range(1, 1 + memory), 0))
    assert np.array_equal(lean.times[1:], same.times[1 + memory :])
    assert (lean.source, lean.num_bytes, lean.given) == (same.source, same.num_bytes, same.given)
    assert same.first - lean.first == memory


@pytest.mark.parametrize("config", [CONFIG, LEAN], ids=["all patches", "no source patches"])
def test_what_is_trained_on_is_what_the_engine_asks_for(config):
    source = CpuSource(longest=20, beyond_share=1.0)
    example = CpuStream(source, config).example(3)
    trace = parse(join_patches(CpuStream(source, CONFIG).example(3).patches[1:]))
    request = states_request(BGPT(config), trace.memory, serialize_states(trace.states[:1]))
    assert np.array_equal(example.patches[: len(request.history)], request.history)
    assert (example.first, example.source) == (request.first, request.source)
    assert np.array_equal(example.times[: len(request.history)], request.times.history)
    assert np.array_equal(example.source_times, request.times.source)


def test_a_shard_is_drawn_from_and_nothing_else(tmp_path):
    build_cpu(out=tmp_path, train=30, dev=0, test=0, longest=60)
    source = CpuSource(path="cpu_train.npz", longest=40)
    stream = open_stream(source, LEAN, tmp_path)
    shard = load_shard(tmp_path / "cpu_train.npz")
    states = {shard.row(index)[1] for index in range(len(shard))}
    short = {each for each in states if len(each) <= 41 * STATE_SIZE}
    rng = np.random.default_rng(0)
    drawn = [join_patches(each.patches[1:]) for _ in range(40) for each in stream.draw(rng, 3000)]
    assert set(drawn) <= short
    assert len(set(drawn)) > len(short) / 2
    assert len(stream) == len(short) < len(states)
    assert stream.sha256


def test_a_shard_of_something_else_is_refused(tmp_path):
    save_shard(tmp_path / "tunes.npz", pack([(b"X:1", b"MThd")]))
    with pytest.raises(FormatError):
        open_stream(CpuSource(path="tunes.npz"), LEAN, tmp_path)


@pytest.mark.parametrize("longest", [1, 2, 20, 254, 255])
@pytest.mark.parametrize("config", [CONFIG, LEAN], ids=["all patches", "no source patches"])
def test_batches_of_any_longest_program_can_be_drawn(config, longest):
    stream = CpuStream(CpuSource(longest=longest), config)
    rng = np.random.default_rng(3)
    lengths = {example.num_bytes // STATE_SIZE for _ in range(60) for example in stream.draw(rng, 6000)}
    assert 1 <= min(lengths) <= max(lengths) <= longest
    assert max(lengths) > longest - 16


def test_states_after_the_first_are_scored_and_nothing_else():
    stream = CpuStream(CpuSource(shortest=3, longest=14), CONFIG)
    examples = stream.draw(np.random.default_rng(1), 2000)
    batch = collate(examples, CONFIG)
    torch.manual_seed(0)
    losses = token_losses(BGPT(CONFIG), batch)
    assert not losses[:, 0].any()
    assert int((losses > 0).sum()) == count_targets(examples, ())
    assert int(real_tokens(batch).sum()) == sum(each.num_bytes + 1 for each in examples)


def test_lengths_are_those_asked_for_and_a_batch_fills_its_rows():
    stream = CpuStream(CpuSource(shortest=3, longest=60), CONFIG)
    rng = np.random.default_rng(2)
    for _ in range(20):
        rows = [len(each.patches) - each.first for each in stream.draw(rng, 8000)]
        assert max(rows) - min(rows) < 16
        assert 3 + 2 <= min(rows) <= max(rows) <= 60 + 2


def test_validation_programs_are_the_same_in_every_training():
    one, other = (CpuStream(CpuSource(longest=20), CONFIG) for _ in range(2))
    assert all(np.array_equal(one.example(place).patches, other.example(place).patches) for place in range(len(one)))


def test_the_clock_shows_which_instruction_a_byte_belongs_to():
    times = clock_of(bytes(MEMORY_SIZE + 3 * STATE_SIZE), "bin")
    fetched = MEMORY_SIZE + STATE_SIZE  # the state after the first fetched instruction 0
    assert times[fetched, 0] == times[0, 0] == times[3, 0]
    assert times[fetched + STATE_SIZE, 0] == times[4, 0] > times[0, 0] > times[MEMORY_SIZE, 0]
    assert list(times[4:8, 1]) == list(times[fetched : fetched + 4, 1])
    clock = make_clock("bin", bytes(100))
    coming = clock.ahead(8)
    assert coming is not None
    assert coming.tolist() == times[100:108].tolist()
    assert make_clock("abc").ahead(8) is None


@pytest.mark.parametrize("longest", [1, 9])
def test_a_model_over_single_bytes_reads_the_same_traces(longest):
    config = FlatConfig(
        hidden_size=16, num_layers=1, head_size=8, key_value_heads=1, max_bytes=1024 + 25 + 16 * longest
    )
    stream = CpuStream(CpuSource(longest=longest), config)
    for example in stream.draw(np.random.default_rng(0), 4000):
        trace = parse(bytes(example.patches[8:-1, 0].astype(np.uint8)))
        right = machine.run(trace.memory, trace.states[0])
        assert serialize_states(trace.states) == serialize_states(right.states)
        assert (example.first, example.given) == (8 + MEMORY_SIZE, STATE_SIZE)
        assert count_targets([example], ()) == example.num_bytes + 1
    with pytest.raises(ConfigError, match="max_bytes"):
        CpuStream(CpuSource(longest=longest + 1), config)


def test_a_model_over_single_bytes_is_asked_for_what_it_is_trained_on_and_predicts_states():
    config = FlatConfig(hidden_size=16, num_layers=1, head_size=8, key_value_heads=1, max_bytes=1024 + 25 + 16 * 6)
    example = CpuStream(CpuSource(longest=6), config).example(3)
    trace = parse(bytes(example.patches[8:-1, 0].astype(np.uint8)))
    torch.manual_seed(0)
    model = Flat(config).eval()
    request = states_request(model, trace.memory, serialize_states(trace.states[:1]))
    assert np.array_equal(example.patches[: len(request.history)], request.history)
    assert len(request.history) == example.first + example.given
    writer = Writer(
        name="flat", folder=Path(), config=config, native=None, load_torch=lambda: model,
        conversions=None, generates=None, simulates=True,
    )  # fmt: skip
    assert most_steps(writer) == 6
    (made,) = predict_states(writer, [(trace.memory, trace.states[0])], steps=4)
    assert made.states[0] == trace.states[0]
    assert made.ended or len(made.data) == 4 * STATE_SIZE


@pytest.mark.parametrize("wrong", [{"patch_size": 8}, {"max_patches": 100}])
def test_models_that_cannot_hold_the_states_are_refused(wrong):
    with pytest.raises(ConfigError):
        CpuStream(CpuSource(), replace(CONFIG, **wrong))


READS = replace(LEAN, patch_reads=3, patch_reads_size=64)


def test_a_batch_has_the_states_of_the_auxiliary_loss():
    stream = CpuStream(CpuSource(longest=9, result_states=30), READS)
    batch = collate(stream.draw(np.random.default_rng(0), 2_000), READS)
    assert batch.states_alone.shape == (30, STATE_SIZE)
    assert batch.results.shape == (30,)
    plain = collate(CpuStream(CpuSource(longest=9), READS).draw(np.random.default_rng(0), 2_000), READS)
    assert plain.states_alone is None
    with pytest.raises(ConfigError, match="set patch_reads"):
        CpuStream(CpuSource(result_states=1), LEAN)


def test_the_auxiliary_loss_teaches_the_reads_alone():
    torch.manual_seed(0)
    model = BGPT(READS)
    batch = collate(CpuStream(CpuSource(longest=5, result_states=200), READS).draw(np.random.default_rng(0), 99), READS)
    first = result_loss(model, batch)
    first.backward()
    taught = {name for name, parameter in model.named_parameters() if parameter.grad is not None}
    assert taught
    assert all(".reads." in name or ".result." in name for name in taught)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-2)
    for _ in range(30):
        optimizer.zero_grad()
        result_loss(model, batch).backward()
        optimizer.step()
    assert result_loss(model, batch) < 0.5 * first


def test_a_training_with_the_auxiliary_loss_learns_from_it(tmp_path):
    recipe = tmp_path / "reads.toml"
    recipe.write_text(
        "name = 'reads'\n[model]\n"
        + "".join(
            f"{name} = {json.dumps(value)}\n" for name, value in READS.to_dict().items() if name != "architecture"
        )
        + "[training]\nsteps = 40\nlearning_rate = 1e-2\nwarmup_steps = 1\nbatch_bytes = 500\nmicro_bytes = 250\n"
        + "validate_steps = 0\n[[data]]\ntask = 'cpu'\nlongest = 5\nresult_states = 100\n"
    )
    train_recipe(recipe, out=tmp_path / "run")
    trained = load_model(tmp_path / "run/reads")
    torch.manual_seed(0)
    batch = collate(CpuStream(CpuSource(longest=5, result_states=300), READS).draw(np.random.default_rng(5), 99), READS)
    after, before = result_loss(trained, batch).item(), result_loss(BGPT(READS), batch).item()
    assert after < 0.95 * before
