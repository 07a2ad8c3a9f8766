"""Hostile files: SECURITY.md names the threats, and for each the test that holds it."""

import gzip
import io
import json
import re
import shutil
import tarfile
import tracemalloc
import zipfile
from contextlib import suppress

import numpy as np
import pytest
import torch
from helpers.paths import EXAMPLES, ROOT
from safetensors.torch import load_file, save_file

from bytesim.datasets.filetype.collect import MAX_FILE_BYTES, tar_members, zip_members
from bytesim.engine.decode import decode
from bytesim.errors import BytesimError, ConfigError, FormatError, ModelError, ToolError
from bytesim.formats import midi
from bytesim.media.forms import model_form
from bytesim.models.native import load_native
from bytesim.models.store import shipped_folder
from bytesim.models.weights import load_model
from bytesim.native.library import kernels
from bytesim.predictors.classifier import load_classifier
from bytesim.predictors.writer import load_writer
from bytesim.requests import Asked
from bytesim.tasks.convert.tunes import abc2midi
from bytesim.tasks.models import import_model

TUNE = "X:1\nM:4/4\nL:1/8\nK:C\n"


@pytest.fixture
def text(tmp_path):
    """A copy of the model `text`."""
    return shutil.copytree(shipped_folder() / "text", tmp_path / "text")


@pytest.fixture
def digits(tmp_path):
    """A copy of the model `digits`."""
    return shutil.copytree(shipped_folder() / "digits", tmp_path / "digits")


def change(path, **fields):
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def loaders(folder):
    yield lambda: load_model(folder)
    if kernels() is not None:
        yield lambda: load_native(folder)


# --- models ----------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [200, -1])
def test_a_model_with_one_flipped_bit_is_not_loaded(text, place):
    weights = bytearray((text / "model.safetensors").read_bytes())
    start = 8 + int.from_bytes(weights[:8], "little")
    weights[place if place < 0 else start + place] ^= 1
    (text / "model.safetensors").write_bytes(weights)
    for load in loaders(text):
        with pytest.raises(ModelError, match="differ from the card's"):
            load()


def test_a_model_with_the_card_of_another_is_not_loaded(digits, tmp_path):
    shutil.copy(shipped_folder() / "speech" / "card.json", digits / "card.json")
    with pytest.raises(BytesimError) as caught:
        load_classifier(f"{digits}/")
    assert "\n" not in str(caught.value)


def without_hashes(folder):
    """Remove the hashes from a card, as somebody would who changes a model on purpose."""
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps({key: value for key, value in card.items() if key != "files"}))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused_even_if_the_card_fits(text, value):
    without_hashes(text)
    weights = load_file(text / "model.safetensors")
    name = next(name for name, tensor in weights.items() if tensor.is_floating_point())
    weights[name].view(-1)[0] = value
    save_file(weights, text / "model.safetensors")
    for load in loaders(text):
        with pytest.raises(ModelError, match="not finite"):
            load()


@pytest.mark.parametrize("backend", ["torch", "native"])
def test_a_model_that_computes_nan_gives_no_answer(text, backend):
    if backend == "native" and kernels() is None:
        pytest.skip("the native engine was not built")
    without_hashes(text)
    weights = load_file(text / "model.safetensors")
    for tensor in weights.values():
        tensor.fill_(3e38 if tensor.is_floating_point() else 1)
    save_file(weights, text / "model.safetensors")
    writer = load_writer(f"{text}/", device="cpu", engine_backend=backend)
    with pytest.raises(ModelError, match="not finite numbers"):
        dict(decode(writer.native or writer.model, [writer.frame(Asked(suffix="txt"))]))


def header_of(entries):
    header = json.dumps(entries).encode()
    return len(header).to_bytes(8, "little") + header


BOMBS = {
    "a header of 2**60 bytes": (2**60).to_bytes(8, "little"),
    "10**15 elements": header_of({"a": {"dtype": "F32", "shape": [10**15], "data_offsets": [0, 4 * 10**15]}}),
    "a negative shape": header_of({"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}) + bytes(4),
    "offsets that overlap": header_of(
        {name: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]} for name in "ab"}
    ) + bytes(4),
    "shapes whose product is 2**64": header_of(
        {"a": {"dtype": "F32", "shape": [2**32, 2**32], "data_offsets": [0, 0]}}
    ),
    "100,000 brackets": (100_000).to_bytes(8, "little") + b"[" * 100_000,
    "nothing": b"",
}  # fmt: skip


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_safetensors_header_that_lies_is_refused_in_one_line(text, bomb):
    (text / "model.safetensors").write_bytes(BOMBS[bomb])
    for load in loaders(text):
        with pytest.raises(ModelError) as caught:
            load()
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "fields",
    [{"near_bytes": 10**9}, {"num_layers": 10**12}, {"hidden_size": 10**12}, {"max_patches": 10**18}],
    ids=str,
)
def test_a_config_that_asks_for_a_giant_model_costs_no_memory(text, fields):
    change(text / "config.json", **fields)
    for load in loaders(text):
        tracemalloc.start()
        try:
            with pytest.raises((ModelError, ConfigError)):
                load()
            assert tracemalloc.get_traced_memory()[1] < 50 << 20
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize(
    "card",
    [
        '{"tasks": [{"task": "classify", "target_suffix": "wav"}, 5]}',
        '{"fragment_calibrations": {"%s": {}}}' % ("1" * 5000),
        '{"calibration": {"temperature": 1%s}}' % ("0" * 400),
        '{"calibration": {"temperature": 1e999}}',
        '{"results": NaN}',
        '{"purpose": "\\ud800"}',
        "[" * 100_000,
    ],
    ids=["a number among tasks", "a key of digits", "10**400", "1e999", "NaN", "half a surrogate", "brackets"],
)
def test_a_hostile_card_is_one_error(digits, card):
    fields = json.loads((digits / "card.json").read_text())
    try:
        changed = json.dumps({**fields, "PLACE": 0}).replace('"PLACE": 0', card[1:-1])
        (digits / "card.json").write_text(changed if card[0] == "{" else card)
    finally:
        with pytest.raises(ModelError) as caught:
            load_classifier(f"{digits}/")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "tensor",
    [
        torch.empty(4, 4, device="meta"),
        torch.quantize_per_tensor(torch.ones(4, 4), 0.1, 0, torch.qint8),
        torch.ones(4, 4).to_sparse(),
        torch.ones(4, 4, dtype=torch.complex64),
        torch.ones(4, 4, dtype=torch.bool),
        torch.full((4, 4), float("nan")),
    ],
    ids=["meta", "quantised", "sparse", "complex", "bool", "NaN"],
)
@pytest.mark.filterwarnings("ignore")
def test_a_checkpoint_with_tensors_that_are_no_weights_is_not_imported(tmp_path, tensor):
    torch.save({"model": {"patch_level_decoder.base.wpe.weight": tensor}}, tmp_path / "w.pth")
    with pytest.raises(ModelError) as caught:
        import_model(tmp_path / "w.pth", output=tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


# --- files -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        b"MThd\0\0\0\6\0\1\xff\xff\1\xe0",
        b"MThd\xff\xff\xff\xff\0\0\0\1\1\xe0",
        b"MThd\0\0\0\6\0\0\0\1\1\xe0MTrk\xff\xff\xff\xff\0\x90\x3c\x40",
        b"MThd\0\0\0\6\0\0\0\1\1\xe0MTrk\0\0\0\7\0\xff\1\xff\xff\xff\x7f",
        b"MThd\0\0\0\6\0\0\0\1\1\xe0MTrk\0\0\0\5\xff\xff\xff\xff\x90",
    ],
    ids=["65,535 tracks", "a header of 4 GiB", "a track of 4 GiB", "a text of 256 MiB", "an endless number"],
)
def test_midi_lengths_that_lie_are_refused_where_they_lie(data):
    with pytest.raises(FormatError) as caught:
        midi.notes(midi.parse(data))
    assert caught.value.offset is not None


@pytest.mark.parametrize(
    "tune",
    [
        "P:" + "(" * 12 + "A" + "9)" * 12 + "\nK:C\nP:A\nCDEF|\n",
        "K:C\n" + "|:" * 3000 + "CDEF" + ":|" * 3000 + "\n",
        "K:C\nC99999999999999 D/99999999999 (999999:99999:99999CDE Z9999999|\n",
        'K:C\n"' + "[" * 50_000 + '"C|\n',
    ],
    ids=["parts 9**12 long", "6,000 repeats", "lengths of 10**14", "50,000 brackets"],
)
def test_an_abc_tune_that_would_explode_ends_in_a_file_or_one_error(tmp_path, tune):
    source = tmp_path / "tune.abc"
    source.write_text(f"X:1\nM:4/4\nL:1/8\n{tune}")
    (outcome,) = abc2midi(source, engine="auto")
    if outcome.error is not None:
        assert isinstance(outcome.error, FormatError | ToolError)
        assert len(str(outcome.error)) < 1000
        assert sorted(path.name for path in tmp_path.iterdir()) == ["tune.abc"]
    else:
        midi.parse((tmp_path / "tune.mid").read_bytes())


def test_a_wav_header_that_claims_4_gib_costs_no_memory():
    sound = bytearray((EXAMPLES / "bell.wav").read_bytes())
    place = sound.index(b"data")
    sound[place + 4 : place + 8] = b"\xff\xff\xff\xff"
    tracemalloc.start()
    try:
        with suppress(BytesimError):
            model_form(io.BytesIO(bytes(sound)), "wav")
        assert tracemalloc.get_traced_memory()[1] < 50 << 20
    finally:
        tracemalloc.stop()


# --- archives that `data build filetype` reads -----------------------------------------------


def test_members_of_an_archive_are_bytes_in_memory_whatever_their_names_and_sizes_are():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../up.png", b"1234")
        archive.writestr("bomb.png", bytes(MAX_FILE_BYTES + 1))
    with zipfile.ZipFile(packed) as archive:
        assert [len(content) for _, content in zip_members(archive)] == [4]
    packed = io.BytesIO()
    with gzip.open(packed, "wb") as stream, tarfile.open(fileobj=stream, mode="w") as tar:
        for name, content in (("/etc/up.png", b"1234"), ("bomb.png", bytes(MAX_FILE_BYTES + 1))):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        link = tarfile.TarInfo("link.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    packed.seek(0)
    assert [len(content) for _, content in tar_members(packed)] == [4]


# --- the page --------------------------------------------------------------------------------


def test_every_test_that_the_threat_model_names_exists():
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (ROOT / "SECURITY.md").read_text(encoding="utf-8"))
    assert len(named) > 20
    missing = [f"{path}::{name}" for path, name in named if f"def {name}(" not in (ROOT / path).read_text("utf-8")]
    assert not missing


def test_no_module_reads_a_pickle_or_a_numpy_object():
    """The one place that unpickles does so with weights_only; arrays are loaded without pickles."""
    for path in (ROOT / "bytesim").rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        assert "pickle.load" not in source, path
        assert len(re.findall(r"torch\.load\(", source)) == len(
            re.findall(r"torch\.load\([^)]*weights_only=True", source)
        ), path
        assert "allow_pickle=True" not in source, path
    with pytest.raises(ValueError, match="allow_pickle"):
        np.load(io.BytesIO(object_array()))


def object_array() -> bytes:
    stored = io.BytesIO()
    np.save(stored, np.array([{}], object), allow_pickle=True)
    return stored.getvalue()
