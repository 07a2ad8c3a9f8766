"""Calls of the Python API with their types. mypy reads this file; nothing runs it."""

from pathlib import Path

from typing_extensions import assert_type

import bytesim
from bytesim.cluster.bulk import BulkSummary
from bytesim.datasets.cpu import CpuBuild
from bytesim.datasets.filetype.build import FiletypeBuild
from bytesim.datasets.media.build import MediaBuild
from bytesim.datasets.music.build import MusicBuild
from bytesim.files import Outcome
from bytesim.tasks.classify.answers import Answer, Classified
from bytesim.tasks.classify.fragment_map import FragmentMap, Stretch
from bytesim.tasks.compress.compress import Compressed
from bytesim.tasks.compress.decompress import Decompressed
from bytesim.tasks.convert.run import Converted
from bytesim.tasks.detect.segments import Detection
from bytesim.tasks.doctor import Device, Diagnosis
from bytesim.tasks.evaluate.bpb import BitsPerByte
from bytesim.tasks.evaluate.classify import ClassifyEvaluation
from bytesim.tasks.evaluate.compare import Comparison
from bytesim.tasks.evaluate.convert import ConvertEvaluation
from bytesim.tasks.evaluate.cpu_result import CpuEvaluation
from bytesim.tasks.evaluate.generate import GenerateEvaluation
from bytesim.tasks.generate.draw import Generated
from bytesim.tasks.hub.push import Pushed
from bytesim.tasks.inspect.inspect import Inspection
from bytesim.tasks.models import ModelInfo, VerifiedModel
from bytesim.tasks.normalize import Normalized
from bytesim.tasks.simulate_cpu.simulation import Simulation
from bytesim.tasks.train.result import Trained

tune, folder = Path("tune.abc"), Path("tunes")

assert_type(bytesim.__version__, str)
assert_type(bytesim.abc2midi("tune.abc"), list[Outcome[Converted]])
assert_type(bytesim.abc2midi(tune, engine="rules", jobs=2), list[Outcome[Converted]])
assert_type(bytesim.abc2midi(["a.abc", folder], output="midi/"), list[Outcome[Converted]])
assert_type(bytesim.abc2midi(tune)[0].error, bytesim.BytesimError | None)
assert_type(bytesim.midi2abc([Path("a.mid")], verify=True), list[Outcome[Converted]])
assert_type(bytesim.convert_files("a.csv", model="./mine", to="json"), list[Outcome[Converted]])
assert_type(bytesim.bulk("classify_file", folder, jobs=2, top=3), BulkSummary)
assert_type(bytesim.bulk("abc2midi", manifest="files.csv", output="midi", retry_failed=True).errors, dict[str, int])
assert_type(bytesim.classify_file(folder, top=3), list[Outcome[Classified]])
assert_type(bytesim.classify_fragments("disk.img", window=512), FragmentMap)
assert_type(bytesim.classify_fragments("disk.img").stretches, tuple[Stretch, ...])
assert_type(bytesim.generate(model="abc", count=2, seed=7, output="new/"), list[Outcome[Generated]])
assert_type(bytesim.normalize(["a.mp3", Path("b.png")], to="auto"), list[Outcome[Normalized]])
assert_type(bytesim.simulate_cpu("gcd.asm", registers={"A": 84, "B": 36}), Simulation)
assert_type(bytesim.evaluate_bpb("tune.abc"), list[Outcome[BitsPerByte]])
assert_type(bytesim.evaluate_classify(folder, baselines="magika"), ClassifyEvaluation)
assert_type(bytesim.evaluate_convert(folder, limit=3), ConvertEvaluation)
assert_type(bytesim.evaluate_cpu(count=1), CpuEvaluation)
assert_type(bytesim.evaluate_generate(count=1, against="music.npz"), GenerateEvaluation)
assert_type(bytesim.train_recipe("recipe.toml"), Trained)
assert_type(bytesim.train_generate("letters", suffix="txt", minutes=2.0), Trained)
assert_type(bytesim.train_convert([folder], source_suffix="abc", target_suffix="mid"), Trained)
assert_type(bytesim.train_classify(folder, group="speaker[0-9]+").model_folder, Path)
assert_type(bytesim.build_cpu(out="set"), CpuBuild)
assert_type(bytesim.build_media("digits", "digits.npz.xz", out="set"), MediaBuild)
assert_type(bytesim.build_music(out="set", tunes=[tune]), MusicBuild)
assert_type(bytesim.build_filetype(out="set", material="material"), FiletypeBuild)
assert_type(bytesim.list_models(), list[Outcome[ModelInfo]])
assert_type(bytesim.show_model("music").num_parameters, int)
assert_type(bytesim.show_model(folder), ModelInfo)
assert_type(bytesim.model_path("music"), Path)
assert_type(bytesim.verify_models("music"), list[Outcome[VerifiedModel]])
assert_type(bytesim.verify_models(), list[Outcome[VerifiedModel]])
assert_type(bytesim.import_model("weights.pth", name="mine"), ModelInfo)
assert_type(bytesim.compress("tune.abc", fast=True), list[Outcome[Compressed]])
assert_type(bytesim.decompress("tune.abc.bsim", output="tune.abc"), list[Outcome[Decompressed]])
assert_type(bytesim.detect("disk.img", extract="parts"), Detection)
assert_type(bytesim.inspect("tune.abc", png="map.png", html="map.html"), Inspection)
assert_type(bytesim.compress_model("music", output="music-int8"), ModelInfo)
assert_type(bytesim.evaluate_compare(["a.toml", "b.toml"], tflops=20.0), Comparison)
assert_type(bytesim.pull_model("facebook/blt-1b", revision="main"), ModelInfo)
assert_type(bytesim.push_model("music", "me/music", private=True), Pushed)
assert_type(bytesim.export_model("blt-1b", output="blt-1b-hf"), Path)
assert_type(bytesim.doctor(), Diagnosis)
assert_type(bytesim.doctor().devices, list[Device])
assert_type(bytesim.ModelError("no such model", file="x").offset, int | None)

model = bytesim.load("music")
assert_type(model, bytesim.Model)
assert_type(model.convert(b"X:1", "abc", "mid"), bytes)
assert_type(model.convert([b"X:1", b"X:1"], "abc", "mid"), list[bytes])
assert_type(model.generate("abc", prompt="X:1", seed=7), bytes)
assert_type(model.generate(prompt=b"X:1", count=2), list[bytes])
assert_type(model.classify(b"text", top=3), Answer)
assert_type(model.classify([b"text"])[0].label, str)
assert_type(model.bits_per_byte(b"text", "txt"), float)
assert_type(model.bits_per_byte([b"text"], "txt"), list[float])
assert_type(bytesim.load(folder).conversions, tuple[tuple[str, str], ...])

for outcome in bytesim.classify_file("notes.bin"):
    if outcome.result is not None:
        assert_type(outcome.result.answer, Answer)
        assert_type(outcome.result.answer.probability, float)
