"""The native engine gives the answers of the torch engine, with every kind of part and of kernels."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from engine.test_engine import AS_SHIPPED, requests_of, small_model
from helpers.paths import EXAMPLES, ROOT
from models.test_blt import KINDS, blt, names
from models.test_encoder import FRONTS, logits_of, small_encoder
from models.test_flat import flat
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

import bytesim
from bytesim.cli import app
from bytesim.engine.decode import decode_in_order
from bytesim.errors import BytesimError, ConfigError, ContextError, ModelError
from bytesim.formats.grammar import ANY_BYTE, Grammar
from bytesim.models import native as opener
from bytesim.models.arrays import NamedWeights
from bytesim.models.bgpt.config import BGPTConfig
from bytesim.models.bgpt.model import BGPT
from bytesim.models.bgpt.native import NativeBGPT
from bytesim.models.blt.model import BLT
from bytesim.models.blt.native import NativeBLT
from bytesim.models.encoder.model import Encoder
from bytesim.models.encoder.native import NativeEncoder
from bytesim.models.flat.model import Flat
from bytesim.models.flat.native import NativeFlat
from bytesim.models.int8 import round_as_native
from bytesim.models.native import load_native, native_lacks
from bytesim.models.weights import load_model
from bytesim.native import library
from bytesim.native import program as ops
from bytesim.native.library import TARGETS, kernels
from bytesim.native.program import NO_CACHES, Program
from bytesim.predictors.classifier import Reading, load_classifier
from bytesim.predictors.writer import load_writer
from bytesim.requests import Asked, Sampling

MODELS = ROOT / "models"
built = pytest.mark.skipif(kernels() is None, reason="the native engine was not built")


def native(model: BGPT | BLT | Flat | Encoder) -> Any:
    compiled = kernels()
    assert compiled is not None
    weights = {name: tensor.detach().float().numpy() for name, tensor in model.state_dict().items()}
    opened = {BLT: NativeBLT, Flat: NativeFlat, BGPT: NativeBGPT, Encoder: NativeEncoder}[type(model)]
    return opened(model.config, NamedWeights(weights), compiled)


def endless() -> Grammar:
    """A grammar that never lets a file end."""

    def steps():
        while True:
            yield ANY_BYTE

    return Grammar(steps())


def check_equal(found, expected, within=1e-4):
    for one, other in zip(found, expected, strict=True):
        assert (one.data, one.ended) == (other.data, other.ended)
        assert one.token_nats == pytest.approx(other.token_nats, abs=within)


@built
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"context_patches": 0},
        {"context_patches": 3},
        {"patch_size": 16, "context_patches": 3},
        {"near_bytes": 5},
        {"near_bytes": 3, "row_bytes": 9, "context_patches": 0},
        {"source_attention": False, "patch_source_attention": False},
        {"clock": True},
        {"clock": True, "source_attention": False, "patch_source_attention": False},
        {"clock": True, "clock_notation": True},
        {"byte_features": True, "byte_source_attention": False},
        {"source_patches": False, "clock": True},
        {"source_patches": False},
        {"copying": True, "numerals": True},
        {"numerals": True, "source_kernel": 3},
        {"copying": True, "source_patches": False, "near_bytes": 5},
        {"patch_encoder_layers": 2, "numeric_bytes": True},
        {"patch_reads": 3, "patch_reads_size": 24},
        {"patch_reads": 3, "patch_reads_size": 24, "patch_reads_ask": (1, 2), "patch_reads_hard": True},
        AS_SHIPPED,
        {"hidden_size": 64, "byte_hidden_size": 64, "source_hidden_size": 16, "clock": True},
        {"hidden_size": 48, "head_size": 24, "byte_hidden_size": 40, "byte_head_size": 20, "source_hidden_size": 20},
        {"parts": "published", "context_patches": 0, "source_attention": False, "patch_source_attention": False},
    ],
)
def test_answers_are_those_of_torch(changes):
    model = small_model(**changes)
    requests = [request for request in requests_of(model.config) if len(request.history) < model.config.max_patches]
    check_equal(decode_in_order(native(model), requests, slots=3), decode_in_order(model, requests, slots=3))


@built
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"window": 5},
        {"window": 40, "max_bytes": 300},
        {"window": 3_000_000_000},
        {"key_value_heads": 2, "parts": "llama"},
        {"byte_offset": 4, "parts": "llama", "feed_forward_size": 40},
        {"next_bytes": 3},
        {"next_bytes": 5, "max_bytes": 300},
    ],
)
def test_answers_of_a_flat_transformer_are_those_of_torch(changes):
    model = flat(**changes)
    prompts = (b"", b"a", b"some text to begin with", bytes(range(70)))
    ways = (Sampling(), Sampling(temperature=1.0, seed=3), Sampling(repetition_penalty=1.5))
    asked = [(Asked(suffix="txt", prompt=prompt), way) for prompt in prompts for way in ways]
    most = {"max_patches": min(model.config.max_bytes, 110)}
    requests = [model.frame(each, sampling=way, **most) for each, way in asked]
    check_equal(decode_in_order(native(model), requests, slots=5), decode_in_order(model, requests, slots=5))
    greedy = [model.frame(Asked(suffix="txt", prompt=prompt), **most) for prompt in prompts]
    check_equal(decode_in_order(native(model), greedy, slots=2), decode_in_order(model, greedy, slots=2))


@built
@pytest.mark.parametrize("changes", [*KINDS, {"patcher": "static", "patch_vectors": 40}], ids=names)
def test_answers_of_a_blt_are_those_of_torch(changes):
    model = blt(**changes)
    prompts = (b"", b"a", b"some text to begin with, in words", bytes(range(60, 126)))
    ways = (Sampling(), Sampling(temperature=1.0, seed=3))
    requests = [model.frame(Asked(suffix="txt", prompt=prompt), sampling=way, max_patches=110)
                for prompt in prompts for way in ways]  # fmt: skip
    check_equal(decode_in_order(native(model), requests, slots=3), decode_in_order(model, requests, slots=3))


@built
@pytest.mark.parametrize(
    "changes",
    [
        *FRONTS,
        {
            "front": "bytes",
            "kernel": 3,
            "num_layers": 2,
            "ngrams": (1, 3),
            "fold_case": True,
            "blocks_per_stage": (2, 0),
        },
        {"kernel": 3, "words": (1, 3), "fold_case": True},
        {"front": "picture", "rows": 8, "columns": 4, "strides": (1, 2), "max_pool": True, "num_layers": 0},
        {"front": "picture", "rows": 8, "columns": 4, "edge_bytes": 8, "edge_buckets": 30, "statistics_size": 12},
    ],
)
def test_classes_are_those_of_torch(changes):
    model = small_encoder(**changes)
    for module in model.modules():  # as after a training
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(std=0.3)
            module.running_var.uniform_(0.5, 2.0)
    rng = np.random.default_rng(0)
    files = [rng.integers(0, 256, length, np.uint8).tobytes() for length in (0, 1, 2, 7, 16, 17, 40, 100, 128)]
    files += [b"Some words, and SOME WORDS again.", bytes(90), b"one two", b"a " * 40, b"longest" * 12 + b" word"]
    found = native(model).file_logits([(file, "bin") for file in files])
    for row, file in enumerate(files):
        np.testing.assert_allclose(found[row], logits_of(model, [file])[0].numpy(), rtol=1e-3, atol=1e-4)


@built
@pytest.mark.slow
@pytest.mark.parametrize("name", ["filetype", "agnews", "speech", "digits", "cifar10"])
def test_shipped_classifiers_give_the_same_probabilities(name):
    classifiers = [load_classifier(name, engine_backend=backend) for backend in ("native", "torch")]
    size = classifiers[0].most_bytes
    rng = np.random.default_rng(0)
    files = [rng.integers(0, 256, length, np.uint8).tobytes() for length in (1, 100, size // 2, size)]
    files += [path.read_bytes()[:size] for path in sorted(EXAMPLES.iterdir()) if path.is_file()]
    readings = [Reading(windows=(file,), suffix=classifiers[0].suffixes[0], num_bytes=len(file)) for file in files]
    found, expected = (each.scaling.probabilities(each.logits(readings)) for each in classifiers)
    np.testing.assert_allclose(found, expected, atol=2e-4)


@built
@pytest.mark.parametrize("target", range(len(TARGETS)), ids=TARGETS)
def test_all_kernels_of_this_processor_give_the_same_answers(target, monkeypatch):
    compiled = kernels()
    if target > compiled.best:
        pytest.skip("this processor cannot run them")
    monkeypatch.setattr(compiled, "target", target)
    model = small_model(clock=True, near_bytes=5)
    requests = requests_of(model.config)
    check_equal(decode_in_order(native(model), requests, slots=5), decode_in_order(model, requests, slots=5))


@built
@pytest.mark.slow
@pytest.mark.parametrize(("name", "suffix"), [("text", "txt"), ("image", "bmp"), ("audio", "wav"), ("music", "abc")])
def test_shipped_models_write_the_same_files(name, suffix):
    folder = MODELS / name
    found, expected = load_native(folder), load_model(folder)
    ways = (Sampling(), Sampling(temperature=0.9, top_p=0.95, seed=4))
    requests = [expected.frame(Asked(suffix=suffix), sampling=way, max_patches=40) for way in ways]
    check_equal(decode_in_order(found, requests), decode_in_order(expected, requests))


def damaged(tmp_path, **changes) -> str:
    """A copy of a shipped model with another config."""
    folder = tmp_path / "model"
    shutil.copytree(MODELS / "text", folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps({**config, **changes}), encoding="utf-8")
    return str(folder)


@built
@pytest.mark.parametrize(
    "changes",
    [
        {"hidden_size": 256},
        {"num_layers": 3},
        {"num_layers": 1},
        {"byte_num_layers": 10**9},
        {"max_patches": 10**12},
        {"context_patches": 10**12},
        {"patch_size": 16},
        {"near_bytes": 0},
        {"source_attention": True},
    ],
)
def test_a_config_that_does_not_fit_the_weights_is_refused(tmp_path, changes):
    with pytest.raises(BytesimError, match=r"do not belong together|asks for|the greatest value"):
        load_writer(damaged(tmp_path, **changes), engine_backend="native")


@built
def test_products_are_shared_among_threads_in_any_order_of_their_start():
    compiled = kernels()
    program = Program(compiled)
    source, target = program.register(600), program.register(700)
    weight = np.random.default_rng(0).normal(size=(700, 600)).astype(np.float32)
    program.add(ops.LOAD, target=source, b=600)
    program.linear(source, target, weight)
    x = np.random.default_rng(1).normal(size=(5, 600)).astype(np.float32)
    try:
        for count in (2, 3, 1, 3, 2, 5, 4):
            assert compiled.use_threads(count) == count
            for _ in range(20):
                program.run(1, 5, NO_CACHES, {}, given=x, mode=ops.OPERATIONS)
                np.testing.assert_allclose(program.read(target, 5), x @ weight.T, rtol=1e-3, atol=1e-3)
    finally:
        compiled.use_threads(1)


@pytest.fixture
def threads():
    """Sets the number of threads, and whether they share operations; afterwards it is as before."""
    compiled = kernels()
    before = compiled.threads, compiled.shares_operations

    def use(count: int, *, shares_operations: bool) -> None:
        compiled.shares_operations = shares_operations
        compiled.use_threads(count)

    yield use
    compiled.use_threads(1)
    compiled.threads, compiled.shares_operations = before


@built
@pytest.mark.parametrize("model", [small_model(clock=True), small_model(copying=True), flat(window=9), blt()])
def test_files_and_operations_may_be_shared_among_threads(monkeypatch, threads, model):
    texts = [bytes(range(40, 40 + count)) for count in range(1, 21)]
    reads_source = model.config.inputs.source
    asked = [Asked(suffix="txt", **({"source": text} if reads_source else {"prompt": text[:5]})) for text in texts]
    framed = [model.frame(each) for each in asked]
    requests = [replace(each, max_patches=len(each.history) + 4, grammar=endless) for each in framed]
    shared, modes = native(model), []
    run = shared.kernels.run

    def counted(at, count, fields):
        modes.append(fields.mode)
        run(at, count, fields)

    monkeypatch.setattr(shared.kernels, "run", counted)
    threads(1, shares_operations=False)
    alone = decode_in_order(shared, requests, slots=20)
    assert set(modes) == {ops.LONG}
    for shares, mode in ((False, ops.FILES), (True, ops.OPERATIONS)):
        modes.clear()
        threads(3, shares_operations=shares)
        check_equal(decode_in_order(shared, requests, slots=20), alone)
        assert mode in modes


@built
def test_two_threads_of_python_may_use_one_model():
    model = small_model(clock=True)
    requests = requests_of(model.config)
    expected = decode_in_order(model, requests, slots=4)
    shared = native(model)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: decode_in_order(shared, requests, slots=3), range(8)):
            check_equal(found, expected)


@built
def test_weights_rounded_to_int8_give_nearly_the_same_likelihoods():
    model = small_model()
    rounded = small_model()
    round_as_native(rounded)
    weights = {name: tensor.detach().numpy() for name, tensor in model.state_dict().items()}
    found = NativeBGPT(model.config, NamedWeights(weights), kernels(), in_bytes=True)
    assert found.number_type == "int8"
    requests = requests_of(model.config)
    # A key that lies between two numbers of bfloat16 may be rounded to the other one.
    check_equal(decode_in_order(found, requests), decode_in_order(rounded, requests), within=1e-3)


@built
def test_scores_of_a_model_in_int8_are_those_of_its_rounded_weights():
    tune = str(EXAMPLES / "ode_to_joy.abc")
    exact, rounded = (
        json.loads(CliRunner().invoke(app, ["evaluate", "bpb", tune, "--dtype", dtype, "--json"]).output)[0]["result"]
        for dtype in ("float32", "int8")
    )
    assert exact["bits_per_byte"] != rounded["bits_per_byte"]
    assert rounded["bits_per_byte"] == pytest.approx(exact["bits_per_byte"], rel=0.02)


@built
def test_what_the_kernels_cannot_do_is_left_to_torch():
    wide = BGPTConfig(parts="modern", patch_size=300, patch_reads=2)
    assert "256 bytes" in native_lacks(wide)
    assert "architecture bgpt" in native_lacks(BGPTConfig(num_classes=2))
    with pytest.raises(ConfigError, match="int8"):
        load_classifier("filetype", dtype="int8")


@built
@pytest.mark.parametrize("make", [small_model, flat, partial(blt, patcher="space")])
def test_a_history_beyond_the_model_s_is_refused(make):
    model = make()
    request = model.frame(Asked(suffix="txt", prompt=b"words and more words"), max_patches=10**6)
    with pytest.raises(ContextError, match="longer than"):
        decode_in_order(native(model), [replace(request, grammar=endless)])


@built
def test_damaged_weights_are_refused(tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(MODELS / "text", folder)
    weights = load_file(folder / "model.safetensors")
    for changed in (
        {name: tensor for name, tensor in weights.items() if "head" not in name},
        {**weights, "surplus": torch.zeros(3)},
        {name: tensor.to(torch.int32) for name, tensor in weights.items()},
    ):  # fmt: skip
        save_file(changed, folder / "model.safetensors")
        with pytest.raises(ModelError):
            load_native(folder)
    (folder / "model.safetensors").write_bytes((MODELS / "text" / "model.safetensors").read_bytes()[:-100])
    with pytest.raises(ModelError):
        load_native(folder)


def test_a_backend_that_cannot_run_a_model_says_why(tmp_path, monkeypatch):
    with pytest.raises(ConfigError, match="none of auto, native, torch"):
        bytesim.load("text", engine_backend="numba")
    if kernels() is not None:
        with pytest.raises(ConfigError, match="on a CPU, in float32"):
            bytesim.load("text", engine_backend="native", dtype="bfloat16")
    monkeypatch.setattr(library, "kernels", lambda: None)
    monkeypatch.setattr(opener, "kernels", lambda: None)
    with pytest.raises(BytesimError, match="not built"):
        bytesim.load("text", engine_backend="native")
    assert load_writer("text").native is None


@built
def test_the_command_line_writes_the_same_file_with_both(tmp_path):
    files = []
    for backend in ("native", "torch", "auto"):
        target = tmp_path / f"{backend}.txt"
        options = ["--seed", "3", "--max-bytes", "60", "--engine-backend", backend, "-o", str(target)]
        result = CliRunner().invoke(app, ["generate", "--model", "text", *options])
        assert result.exit_code == 0, result.output
        files.append(target.read_bytes())
    assert files[0] == files[1] == files[2]
    assert load_writer("text").native is not None


@built
def test_a_source_of_any_length_is_read(tmp_path):
    model = small_model(max_source_bytes=200, max_patches=120)
    rng = np.random.default_rng(2)
    sources = [rng.integers(0, 256, length, np.uint8).tobytes() for length in (0, 1, 31, 32, 33, 64, 199)]
    requests = [model.frame(Asked(suffix="mid", source=source, source_suffix="abc")) for source in sources]
    check_equal(decode_in_order(native(model), requests, slots=4), decode_in_order(model, requests, slots=4))
