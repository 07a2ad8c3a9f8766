"""The tasks of the other commands, each given one hostile file, or a folder that is packed as a ZIP archive."""

from __future__ import annotations

import dataclasses
import io
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import bytesim
from bytesim.media.forms import model_form
from fuzz import fixtures
from fuzz.seeds import zipped
from fuzz.targets.target import Run, draw_rarely, keep_loaded, raise_first, replace, task, write

_SHORT = 60
"""Bytes that the small models read. One input in four is longer, and mostly refused."""


def _model(name: str) -> str:
    return f"{fixtures.model(name)}/"


@task("convert-files", "pairs", "csv", "any", command="convert files")
def convert_files(folder: Path) -> Run:
    keep_loaded("bytesim.predictors.writer", "load_writer")
    model = _model("converter")

    def run(data: bytes) -> None:
        source = write(folder, "in.csv", data[: 300 if len(data) % 4 == 0 else _SHORT])
        check, place = (("auto", "out"), ("none", "unchecked"))[len(data) % 2]
        raise_first(bytesim.convert_files([source], model=model, check=check, output=f"{folder / place}/"))

    return run


@task("classify-file", "any", command="classify file")
def classify_file(folder: Path) -> Run:
    keep_loaded("bytesim.predictors.classifier", "load_classifier")

    def run(data: bytes) -> None:
        raise_first(bytesim.classify_file([write(folder, "in.bin", data)], top=3))

    return run


@task("classify-media", "picture", "sound", "text", command="classify file")
def classify_media(folder: Path) -> Run:
    """Models that read pictures, recordings and texts, about every file."""
    keep_loaded("bytesim.predictors.classifier", "load_classifier")

    def run(data: bytes) -> None:
        source = write(folder, "in.bin", data)
        for model in ("cifar10", "digits", "agnews"):
            with suppress(bytesim.BytesimError):
                raise_first(bytesim.classify_file([source], model=model))
        raise_first(bytesim.classify_file([source], then=True))

    return run


@task("classify-fragments", "any", command="classify fragments")
def classify_fragments(folder: Path) -> Run:
    keep_loaded("bytesim.predictors.classifier", "load_classifier")

    def run(data: bytes) -> None:
        bytesim.classify_fragments(write(folder, "in.bin", data[: 1 << 15]), window=512)

    return run


@task("normalize", "picture", "sound", "wav", "bmp", command="normalize")
def normalize(folder: Path) -> Run:
    def run(data: bytes) -> None:
        source = write(folder, "in.bin", data)
        segment, fit = ("first", "loudest", "all")[len(data) % 3], ("crop", "pad", "stretch")[len(data) % 3]
        raise_first(bytesim.normalize([source], output=f"{folder / 'out'}/", segment=segment, fit=fit))

    return run


@task("media-form", "picture", "sound")
def read_media(folder: Path) -> Run:
    """What classifiers and prompts make of a file, as a picture and as a recording."""

    def run(data: bytes) -> None:
        with suppress(bytesim.BytesimError):
            model_form(io.BytesIO(data), "bmp")
        model_form(io.BytesIO(data), "wav")

    return run


@task("simulate-cpu", "asm", "trace", command="simulate-cpu")
def simulate(folder: Path) -> Run:
    def run(data: bytes) -> None:
        name = "in.bin" if b"\0" in data else "in.asm"
        bytesim.simulate_cpu(write(folder, name, data), steps=200, trace=folder / "out" / "trace.bin")

    return run


@task("simulate-cpu-model", "asm", "trace", command="simulate-cpu")
def simulate_by_model(folder: Path) -> Run:
    keep_loaded("bytesim.predictors.cpu", "load_cpu_model")

    def run(data: bytes) -> None:
        name = "in.bin" if b"\0" in data else "in.asm"
        source = write(folder, name, data)
        bytesim.simulate_cpu(source, engine="model", verify=True, steps=5, picture=folder / "out" / "states.png")

    return run


@task("inspect", "any", command="inspect")
def inspect(folder: Path) -> Run:
    """With the context mixer, and all three outputs."""

    def run(data: bytes) -> None:
        out, source = folder / "out", write(folder, "in<b>.bin", data[: 1 << 15])
        options = {"png": out / "a.png"} if len(data) % 8 == 0 else {}
        bytesim.inspect(source, model="none", html=out / "a.html", jsonl=out / "a.jsonl", **options)  # type: ignore[arg-type]

    return run


@task("inspect-model", "any", command="inspect")
def inspect_by_model(folder: Path) -> Run:
    """With the models that fit the file, on its first bytes."""
    keep_loaded("bytesim.predictors.writer", "load_writer")

    def run(data: bytes) -> None:
        bytesim.inspect(write(folder, "in.bin", data[:600]), html=folder / "out" / "a.html")

    return run


@task("detect", "any", command="detect")
def detect(folder: Path) -> Run:
    keep_loaded("bytesim.predictors.classifier", "load_classifier")

    def run(data: bytes) -> None:
        bytesim.detect(write(folder, "in.bin", data), extract=folder / "parts")

    return run


@task("compress", "any", command="compress")
def compress(folder: Path) -> Run:
    """Compress and decompress: the same bytes again."""

    def run(data: bytes) -> None:
        source, packed = write(folder, "in.bin", data), folder / "in.bsim"
        raise_first(bytesim.compress([source], output=packed, fast=True))
        raise_first(bytesim.decompress([packed], output=folder / "out" / "back"))
        assert (folder / "out" / "back").read_bytes() == data, "decompressing gives other bytes"

    return run


@task("decompress", "bsim", command="decompress")
def decompress(folder: Path) -> Run:
    """No damaged file gives an output, and no name leads out of the folder."""
    keep_loaded("bytesim.predictors.writer", "load_writer")

    def run(data: bytes) -> None:
        source, target = write(folder, "in.bsim", data), folder / "out" / "back"
        try:
            raise_first(bytesim.decompress([source], output=target))
        except bytesim.BytesimError:
            assert not target.exists(), "a refused file was written"
            raise

    return run


@task("generate-prompt", "beginning", "abc", "text", command="generate")
def generate(folder: Path) -> Run:
    """A prompt file for models of tunes and texts; a few bytes are written."""
    keep_loaded("bytesim.predictors.writer", "load_writer")
    music, flat = _model("music"), _model("flat")

    def run(data: bytes) -> None:
        source = write(folder, "in.bin", data if len(data) % 4 == 0 else data[:_SHORT])
        options = {"prompt_file": source, "seed": 1, "tries": 1, "allow_truncated": True}
        model, suffix = ((music, "abc"), (flat, "txt"))[len(data) % 2]
        most = min(len(data), 4000) + 20
        output = folder / "out" / f"a.{suffix}"
        raise_first(bytesim.generate(model=model, suffix=suffix, output=output, max_bytes=most, **options))  # type: ignore[arg-type]

    return run


@task("generate-media-prompt", "picture", "sound", command="generate")
def begin_media(folder: Path) -> Run:
    """A picture or a recording as the beginning of another one, up to where the model would go on."""
    from bytesim.tasks.generate.kinds import KINDS
    from bytesim.tasks.generate.prompt import Prompt, begin

    def run(data: bytes) -> None:
        source = write(folder, "in.bin", data)
        suffix = "bmp" if len(data) % 2 else "wav"
        begin(Prompt(file=source), suffix, KINDS[suffix])

    return run


def unpack(folder: Path, data: bytes, name: str = "data") -> Path:
    """A folder of the files in a ZIP archive; bytes that are no archive are one file of it. None leads out of it."""
    target = folder / name
    target.mkdir()
    (folder / "out").mkdir(exist_ok=True)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            files = {info.filename: archive.read(info) for info in archive.infolist()[:100] if info.file_size < 1 << 24}
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, EOFError, zlib.error, NotImplementedError):
        files = {"a.txt": data}
    for path, content in files.items():
        with suppress(OSError, ValueError):  # a name that no file can have
            place = (target / path.lstrip("/")).resolve()
            if place.is_relative_to(target.resolve()):
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(content)
    return target


@task("compress-folder", "data", command="compress")
def compress_folder(folder: Path) -> Run:
    """Compress and decompress: the same files again, which may be damaged ones and are therefore not in `out`."""

    def run(data: bytes) -> None:
        source, back = unpack(folder, data), folder / "back"
        raise_first(bytesim.compress([source], output=folder / "a.bsim", fast=True))
        raise_first(bytesim.decompress([folder / "a.bsim"], output=back))
        for path in source.rglob("*"):
            if path.is_file():
                assert (back / path.relative_to(source)).read_bytes() == path.read_bytes()

    return run


@task("evaluate-pairs", "pair-folder", "data", command="evaluate convert")
def evaluate_pairs(folder: Path) -> Run:
    keep_loaded("bytesim.predictors.writer", "load_writer")
    model = _model("converter")

    def run(data: bytes) -> None:
        bytesim.evaluate_pairs(unpack(folder, data), model=model, limit=6)

    return run


@task("evaluate-tunes", "tunes", "abc", command="evaluate convert")
def evaluate_tunes(folder: Path) -> Run:
    keep_loaded("bytesim.predictors.writer", "load_writer")
    model = _model("music")

    def run(data: bytes) -> None:
        name = "in.jsonl.xz" if data[:1] == b"\xfd" else "in.jsonl" if data[:1] == b"{" else "in.abc"
        direction = ("abc2midi", "midi2abc")[len(data) % 2]
        split = write(folder, name, data) if name != "in.abc" else unpack(folder, zipped({name: data}))
        bytesim.evaluate_convert(split, model=model, limit=2, direction=direction)

    return run


@task("evaluate-classify", "label-folder", "data", "npz", command="evaluate classify")
def evaluate_classify(folder: Path) -> Run:
    keep_loaded("bytesim.predictors.classifier", "load_classifier")
    model = _model("classifier")

    def run(data: bytes) -> None:
        split = unpack(folder, data)
        packed = write(folder, "in.npz", data)
        with suppress(bytesim.BytesimError):
            bytesim.evaluate_classify(packed, model=model, limit=20)
        bytesim.evaluate_classify(split, model=model, limit=20)

    return run


@task("evaluate-bpb", "any", "npz", command="evaluate bpb")
def evaluate_bpb(folder: Path) -> Run:
    keep_loaded("bytesim.predictors.writer", "load_writer")
    models = (_model("flat"), _model("blt"), _model("music"))

    def run(data: bytes) -> None:
        model = models[len(data) % 3]
        if data[:2] == b"PK":
            source = write(folder, "in.npz", data)
            raise_first(bytesim.evaluate_bpb([source], model=model, target_suffix="txt", limit=5))
        else:
            raise_first(bytesim.evaluate_bpb([write(folder, "in.txt", data[:100])], model=model, target_suffix="txt"))

    return run


@task("evaluate-cpu", "cpu-shard", "npz", command="evaluate cpu")
def evaluate_cpu(folder: Path) -> Run:
    """A shard or trace that is to hold programs. The model is never asked for more than two."""
    keep_loaded("bytesim.predictors.cpu", "load_cpu_model")

    def run(data: bytes) -> None:
        bytesim.evaluate_cpu(write(folder, "in.npz", data), count=1)

    return run


@task("train-generate", "data", "npz", command="train generate")
def train_generate(folder: Path) -> Run:
    """A folder of files to learn from; the sizes of the model are small, and one step is done."""
    from bytesim.tasks.train.train import train_generate as train

    _small_models()

    def run(data: bytes) -> None:
        train([unpack(folder, data)], out=folder / "run", steps=1, device="cpu")

    return run


@task("train-convert", "pair-folder", "data", command="train convert")
def train_convert(folder: Path) -> Run:
    from bytesim.tasks.train.train import train_convert as train

    _small_models()

    def run(data: bytes) -> None:
        suffixes: dict[str, Any] = {"source_suffix": "csv", "target_suffix": "json"}
        train([unpack(folder, data)], out=folder / "run", steps=1, device="cpu", both=len(data) % 2 == 0, **suffixes)

    return run


@task("train-classify", "label-folder", "data", command="train classify")
def train_classify(folder: Path) -> Run:
    from bytesim.tasks.train.train import train_classify as train

    _small_models()

    def run(data: bytes) -> None:
        train([unpack(folder, data)], out=folder / "run", steps=1, device="cpu")

    return run


def _small_models() -> None:
    """Let the trainings of folders make models as small as the fixtures."""
    from bytesim.training.recipe import parse_recipe

    def small(name: str) -> Any:
        return parse_recipe(fixtures.RECIPES[name], "recipe.toml").model

    def writer(task: str, size: str, architecture: str = "bgpt") -> Any:
        return small("converter" if task == "convert" else "music")

    def classifier(size: str, num_classes: int, *, text: bool = False) -> Any:
        return dataclasses.replace(small("classifier"), num_classes=num_classes)

    draw_rarely("bytesim.pictures.loss", "bytesim.pictures.converter", "bytesim.pictures.classifier")
    replace("bytesim.tasks.train.folders", "sized_config", writer)
    replace("bytesim.tasks.train.labels", "classifier_config", classifier)
