"""Whole strides written on the device: the answers of decoding byte by byte, from steps that a CUDA graph can hold."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from engine.test_engine import AS_SHIPPED, requests_of, small_model
from helpers.replays import Replays, tensors_in

from bytesim.engine import cuda_graphs
from bytesim.engine.cuda_graphs import CudaGraphs
from bytesim.engine.decode import decode, decode_in_order
from bytesim.engine.device_choice import DeviceChoice
from bytesim.engine.sampling import choose, generator_for, patch_noise
from bytesim.engine.torch_session import TorchSession
from bytesim.models.framing import generate_request
from bytesim.nn.clock import _hand_periods
from bytesim.predictors.cpu import states_request
from bytesim.requests import Request, Sampling

PUBLISHED = {"parts": "published", "context_patches": 0, "source_attention": False, "patch_source_attention": False}
SAMPLINGS = [
    Sampling(),
    Sampling(temperature=0.8, seed=3),
    Sampling(temperature=1.3, top_k=5, seed=4),
    Sampling(temperature=1.0, top_p=0.7, seed=5),
    Sampling(temperature=2.0, top_k=40, top_p=0.5, seed=6),
]


@pytest.fixture
def replays(monkeypatch) -> list[Replays]:
    """Whole strides are written on the CPU too, with graphs that are emulated; the emulations of the sessions."""
    made: list[Replays] = []

    def make(device: torch.device) -> Replays:
        made.append(Replays(device))
        return made[-1]

    monkeypatch.setattr(cuda_graphs, "DEVICE_TYPES", ("cpu",))
    monkeypatch.setattr(cuda_graphs, "CudaGraphs", make)
    return made


def by_bytes(model, wanted: list[Request], slots: int = 16):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cuda_graphs, "DEVICE_TYPES", ())
        return decode_in_order(model, wanted, slots=slots)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"context_patches": 0},
        {"near_bytes": 5, "context_patches": 2},
        {"source_attention": False, "patch_source_attention": False},
        {"source_patches": False},
        {"patch_reads": 3, "patch_reads_size": 24, "patch_reads_ask": (1, 2), "patch_reads_hard": True},
        PUBLISHED,
    ],
)
def test_whole_strides_are_those_of_decoding_byte_by_byte(changes, replays):
    model = small_model(**changes)
    wanted = requests_of(model.config)
    for slots in (1, 3, 16):
        expected = by_bytes(model, wanted, slots)
        for reply, other in zip(decode_in_order(model, wanted, slots=slots), expected, strict=True):
            assert (reply.data, reply.ended) == (other.data, other.ended)
            assert reply.nats == pytest.approx(other.nats, rel=1e-4, abs=1e-3)
    assert sum(each.replayed for each in replays) > 20


@pytest.mark.parametrize("parts", [{}, PUBLISHED])
def test_sampled_strides_are_those_of_decoding_byte_by_byte(parts, replays):
    model = small_model(**parts)
    wanted = [
        generate_request(model.config, "abc", b"abcd" * length, max_patches=30, sampling=sampling)
        for length in (0, 3)
        for sampling in SAMPLINGS
    ]
    for slots in (1, 4, 16):
        replies = decode_in_order(model, wanted, slots=slots)
        assert [reply.data for reply in replies] == [reply.data for reply in by_bytes(model, wanted, slots)]
    assert sum(each.replayed for each in replays) > 20


def test_caches_that_grow_get_graphs_of_their_own(replays):
    model = small_model(max_patches=400, **{**PUBLISHED, "parts": "modern"})
    wanted = [
        generate_request(model.config, "abc", max_patches=390, sampling=Sampling(temperature=1.0, seed=seed))
        for seed in range(8)
    ]
    replies = decode_in_order(model, wanted, slots=2)
    assert [reply.data for reply in replies] == [reply.data for reply in by_bytes(model, wanted, 2)]
    assert max(len(reply.data) for reply in replies) > 2 * 4 * 128
    capacities = {key[1][2] for key in replays[0].recorded if key[1][0] == "read"}
    assert {128, 256, 384} <= capacities


def test_states_of_the_cpu_are_those_of_decoding_byte_by_byte(replays):
    model = small_model(patch_size=16, max_patches=75, max_source_bytes=1024, **AS_SHIPPED)
    rng = np.random.default_rng(0)
    programs = [rng.integers(1, 256, 4 * count, np.uint8).tobytes().ljust(1024, b"\0") for count in (1, 5, 12)]
    requests = [states_request(model, program, bytes(6) + bytes(range(10))) for program in programs]
    wanted = [replace(request, max_patches=len(request.history) + 9) for request in requests]
    expected = [reply.data for reply in by_bytes(model, wanted, 2)]
    assert [reply.data for reply in decode_in_order(model, wanted, slots=2)] == expected
    assert sum(each.replayed for each in replays) > 10


@pytest.mark.parametrize("changes", [{}, {"near_bytes": 5, "context_patches": 2}, AS_SHIPPED, PUBLISHED])
def test_steps_read_only_what_stays_on_the_device(changes, replays, monkeypatch):
    """A constant that stands elsewhere would be copied from the host, which a graph cannot hold."""
    sessions: list[TorchSession] = []
    monkeypatch.setattr(TorchSession, "close", lambda session: sessions.append(session))
    model = small_model(patch_size=16, max_patches=75, max_source_bytes=1024, **changes)
    if changes is PUBLISHED:
        wanted = [generate_request(model.config, "abc", max_patches=9, sampling=SAMPLINGS[2])]
    else:
        request = states_request(model, bytes([17, 2, 10, 3] * 6).ljust(1024, b"\0"), bytes(16))
        wanted = [replace(request, max_patches=len(request.history) + 6)]
    decode_in_order(model, wanted)
    (session,) = sessions
    held = [*tensors_in(session), _hand_periods(torch.device("cpu"))]
    known = {tensor.untyped_storage().data_ptr() for tensor in held}
    recorded = [recorder for each in replays for recorder in each.recorded.values()]
    assert recorded
    for recorder in recorded:
        assert not [tensor.shape for storage, tensor in recorder.outside.items() if storage not in known]


def test_what_the_host_decides_is_decoded_byte_by_byte(replays):
    model = small_model(copying=True)
    wanted = requests_of(model.config)
    assert [reply.data for reply in decode_in_order(model, wanted)] == [reply.data for reply in by_bytes(model, wanted)]
    penalized = generate_request(model.config, "abc", max_patches=9, sampling=Sampling(repetition_penalty=1.5))
    list(decode(model, [penalized]))
    assert not any(each.known for each in replays)


def test_the_device_chooses_as_the_host_does():
    samplings = SAMPLINGS * 3
    logits = np.random.default_rng(0).normal(0, 3, (15, 257)).astype(np.float32)
    noise = patch_noise([generator_for(sampling) for sampling in samplings], 4)
    choice = DeviceChoice(16, 4, torch.device("cpu"))
    for given, drawn in ((samplings, noise), ([Sampling()] * 15, None), (samplings[:2] * 7, noise)):
        choice.prepare(given, None if drawn is None else drawn[: len(given)])
        for offset in range(4):
            expected = choose(logits[: len(given)], given, None if drawn is None else drawn[: len(given), offset], None)
            chosen = choice(torch.from_numpy(logits[: len(given)]), offset)
            assert chosen.tolist() == expected.tolist()


def test_steps_run_as_they_are_without_a_gpu():
    graphs, count = CudaGraphs(torch.device("cpu")), []
    for _ in range(3):
        graphs.run("key", lambda: count.append(1))
    assert len(count) == 3


def test_a_capture_that_fails_is_told_once_and_steps_run_as_they_are(monkeypatch):
    current: list[str] = []
    for name, value in (
        ("graph_pool_handle", None),
        ("Stream", "its own"),
        ("current_stream", "before"),
        ("CUDAGraph", 0),
    ):
        monkeypatch.setattr(torch.cuda, name, lambda *given, value=value: value)
    monkeypatch.setattr(torch.cuda, "set_stream", current.append)
    graphs, count = CudaGraphs(torch.device("cuda")), []

    def refuses(*given, **options):
        raise RuntimeError("no memory is left for a graph\nmore")

    monkeypatch.setattr(torch.cuda, "graph", refuses)
    graphs.run("key", lambda: count.append(1))
    with pytest.warns(UserWarning, match="without CUDA graphs, which is slower: no memory is left for a graph$"):
        graphs.run("key", lambda: count.append(1))
    graphs.run("key", lambda: count.append(1))
    assert len(count) == 3
    assert current == ["before"]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("changes", [{}, AS_SHIPPED, PUBLISHED])
def test_graphs_of_a_gpu_write_what_decoding_byte_by_byte_does(changes, monkeypatch):
    sessions: list[TorchSession] = []
    monkeypatch.setattr(TorchSession, "close", lambda session: sessions.append(session))
    model = small_model(**changes).cuda()
    wanted = requests_of(model.config)
    wanted += [generate_request(model.config, "abc", max_patches=30, sampling=sampling) for sampling in SAMPLINGS]
    for slots in (1, 3, 16):
        replies, expected = decode_in_order(model, wanted, slots=slots), by_bytes(model, wanted, slots)
        assert sum(a.data == b.data for a, b in zip(replies, expected, strict=True)) >= len(wanted) - 1
    assert all(session._graphs.captures for session in sessions)
    assert any(session._graphs._graphs for session in sessions)
