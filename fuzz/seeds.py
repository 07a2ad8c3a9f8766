"""Valid files of each kind, small ones: those of examples/, files made by the package and by other libraries."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import pickle
import random
import sqlite3
import struct
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import numpy as np

from fuzz import fixtures, seeds_data
from fuzz.fixtures import EXAMPLES

_TUNES = (
    "X:1\nT:One\nM:4/4\nL:1/8\nQ:1/4=120\nK:D\n|:DFAd fdAF|GBAG FAD2:|\n",
    'X:1\nM:6/8\nL:1/8\nK:Ador\n"Am"A3 {cd}e3|(3abc [CEG]2 z ~g|1 A,,3 c\'3:|2 ^f_b=c __d ^^e x2|]\n',
    "X:2\nT:Voices\nV:1\nK:C\n[V:1]CDEF|\nV:2\nG,4|\nw:la la *\n",
    "X:1\nM:C|\nL:1/16\nK:F#m clef=bass\nA>B c<d e>>f !trill!g-|g2 (ab) .c .d u v|[M:3/4] [K:G] [L:1/4] A/2B//c3/2|\n",
    "M:4/4\n\nX:1\nK:C\nC|\n\nX:2\nT:\u266dtwo\nK:G\n%%MIDI program 3\n|:G4:|[1 A4:|[2 B4|]\n",
    "X:1\nI:linebreak $\nm:~n2 = (3o/n/m/\nP:AB\nK:none\nP:A\nC D E F$ +fermata+G Z4 &A B|\n",
    "<html><body><pre>X:1\nT:Page<br>\nK:C\nCDE|\n</pre></body></html>\n",
    'X:1\nM:4/4\nL:1/8\nK:Bb\n"B\u266d7"B2d2 "\u00e9"f4{\u00e9}|]\n',
)
_PROGRAM = "LDA #5\nloop: STA 20\nDEC\nJNZ loop\nADD R1 R2 R3\nMOV R1 R2\nHLT\n"
_TOML = (
    b'name = "a"\n[table]\nnumber = 1e3\nwhen = 1979-05-27T07:32:00Z\nlist = [1, [2, {a = 3}]]\n'
    b'[[rows]]\nb.c = """x"""\n'
)
_JSON = b'{"a": [1, -2.5e3, true, null, "\\u00e9\\ud83d\\ude00"], "b": {"c": {}}}\n'
_XML = b'<?xml version="1.0" encoding="utf-8"?><!DOCTYPE a><a b="c">&amp;<![CDATA[x]]><!-- y --><?z?></a>\n'
_TEXT = "The quick brown fox jumps over the lazy dog.\nZw\u00f6lf Boxk\u00e4mpfer.\n".encode()


def _examples(suffix: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted(EXAMPLES.glob(f"*.{suffix}"))]


def _midi() -> list[bytes]:
    """Files of abcMIDI's and of mido: the examples, several tracks, meta and system exclusive messages."""
    import mido

    from bytesim.formats import midi
    from bytesim.oracles.music_rules import render_rules

    files = [render_rules(tune).midi for tune in (*_TUNES[:2], _examples("abc")[0].decode())]
    for kind in (0, 1, 2):
        file = mido.MidiFile(type=kind, ticks_per_beat=96)
        for _ in range(1 if kind == 0 else 3):
            track = mido.MidiTrack()
            track.append(mido.MetaMessage("set_tempo", tempo=400000))
            track.append(mido.MetaMessage("time_signature", numerator=6, denominator=8))
            track.append(mido.MetaMessage("key_signature", key="F#m"))
            track.append(mido.MetaMessage("track_name", name="name"))
            track.append(mido.Message("sysex", data=[1, 2, 3]))
            for pitch in (60, 64, 67):
                track.append(mido.Message("note_on", note=pitch, velocity=64, time=48, channel=pitch % 16))
                track.append(mido.Message("pitchwheel", pitch=100))
                track.append(mido.Message("note_off", note=pitch, time=96, channel=pitch % 16))
            file.tracks.append(track)
        stream = io.BytesIO()
        file.save(file=stream)
        files.append(stream.getvalue())
    return [*files, *(midi.serialize(midi.parse(file)) for file in files[:2])]


def _sounds() -> list[bytes]:
    """A twentieth of a second in the formats of libsndfile."""
    import soundfile

    samples = np.random.default_rng(0).uniform(-0.5, 0.5, (800, 2))
    kinds = [("WAV", "PCM_16"), ("WAV", "PCM_U8"), ("WAV", "PCM_24"), ("WAV", "FLOAT"), ("WAV", "IMA_ADPCM")]
    kinds += [("WAV", "ULAW"), ("AIFF", "PCM_16"), ("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("MP3", "MPEG_LAYER_III")]
    kinds += [("AU", "PCM_16"), ("CAF", "ALAC_16"), ("W64", "PCM_16"), ("VOC", "PCM_U8"), ("RF64", "PCM_16")]
    files = []
    for kind, subtype in kinds:
        if kind in soundfile.available_formats() and subtype in soundfile.available_subtypes(kind):
            stream = io.BytesIO()
            soundfile.write(stream, samples, 16000, format=kind, subtype=subtype)
            files.append(stream.getvalue())
    return files


def _wav() -> list[bytes]:
    from bytesim.formats import wav

    return [*_examples("wav"), wav.serialize(wav.model_recording(b"\x80\x90" * 4000)), _sounds()[0][:400]]


def _pictures() -> list[bytes]:
    """A small picture in the formats of Pillow, in several modes, and an animation."""
    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 256, (24, 20, 4), np.uint8)
    files = []
    for kind in (
        "PNG",
        "GIF",
        "BMP",
        "TIFF",
        "WEBP",
        "JPEG",
        "ICO",
        "PPM",
        "TGA",
        "PCX",
        "SGI",
        "JPEG2000",
        "DDS",
        "XBM",
    ):
        for mode in ("RGB", "RGBA", "P", "L", "1", "I", "CMYK", "LA", "F"):
            stream = io.BytesIO()
            try:
                Image.fromarray(pixels).convert("RGB").convert(mode).save(stream, kind)
            except (OSError, ValueError, KeyError):  # the format has no such mode, or this Pillow lacks it
                continue
            files.append(stream.getvalue())
    frames = [Image.fromarray(np.roll(pixels, step, 0)) for step in range(3)]
    for kind in ("GIF", "PNG", "WEBP"):
        stream = io.BytesIO()
        frames[0].save(stream, kind, save_all=True, append_images=frames[1:])
        files.append(stream.getvalue())
    return files


def _bmp() -> list[bytes]:
    from bytesim.formats import bmp

    small = bmp.serialize(bmp.Picture(width=3, height=2, pixels=bytes(range(18))))
    return [*_examples("bmp"), small]


def _traces() -> list[bytes]:
    """Memory alone, memory with a first state, and a whole trace."""
    from bytesim.cpu.assembler import assemble
    from bytesim.cpu.machine import run
    from bytesim.cpu.programs import random_first_state
    from bytesim.formats import cpu_trace

    files = []
    for text in _examples("asm"):
        memory = assemble(text.decode())
        first = random_first_state(random.Random(0))
        done = run(memory, first, steps=20)
        files += [memory, memory + cpu_trace.serialize_state(first), memory + cpu_trace.serialize_states(done.states)]
    return files


def _bsim() -> list[bytes]:
    """Compressed files: by the mixer, stored, by a model, and a folder."""
    import bytesim

    texts = [_TEXT * 5, random.Random(0).randbytes(300), _TUNES[0].encode()]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for index, data in enumerate(texts):
            (folder / f"{index}.txt").write_bytes(data)
        jobs = [(folder / f"{index}.txt", True) for index in range(3)] + [(folder, True), (folder / "0.txt", False)]
        made = []
        for index, (source, fast) in enumerate(jobs):
            output = folder.parent / f"{folder.name}-{index}.bsim"
            kept = bytesim.compress(
                [source], output=output, fast=fast, model="text" if not fast else "auto", force=True
            )
            assert kept[0].error is None, kept[0].error
            made.append(output.read_bytes())
            output.unlink()
    return made


def zipped(files: Mapping[str, bytes], *, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP archive of files."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, compression)
    return stream.getvalue()


def _archives() -> list[bytes]:
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        for name in ("a.txt", "b/c.txt"):
            info = tarfile.TarInfo(name)
            info.size = len(_TEXT)
            archive.addfile(info, io.BytesIO(_TEXT))
    ar = b"!<arch>\n" + b"debian-binary   0           0     0     100644  4         `\n2.0\n"
    docx = {"[Content_Types].xml": _XML, "word/document.xml": _XML}
    packed = [gzip.compress(_TEXT, mtime=0), bz2.compress(_TEXT), lzma.compress(_TEXT)]
    return [zipped({"a.txt": _TEXT, "b/c.json": _JSON}), zipped(docx), tar.getvalue(), ar, *packed]


def _documents() -> list[bytes]:
    """Formats whose ends `detect` knows: SQLite, arrays, catalogues of translations, PDF, pickles, programs."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.sqlite"
        base = sqlite3.connect(path)
        base.execute("create table a (b)")
        base.commit()
        base.close()
        database = path.read_bytes()
    array = io.BytesIO()
    np.save(array, np.arange(12, dtype="<f4").reshape(3, 4))
    catalogue = struct.pack("<7I", 0x950412DE, 0, 1, 28, 36, 0, 44) + struct.pack("<4I", 1, 44, 1, 46) + b"a\0b\0"
    pdf = b"%PDF-1.4\n1 0 obj\n<</Length 3>>\nstream\nabc\nendstream\nendobj\n"
    pdf += b"xref\n0 1\ntrailer\n<<>>\nstartxref\n9\n%%EOF\n"
    wasm = b"\0asm\1\0\0\0" + b"\1\4\1\x60\0\0" + b"\3\2\1\0"
    return [database, array.getvalue(), catalogue, pdf, pickle.dumps({"a": [1, 2.5, b"x"]}), wasm]


def _signatures() -> list[bytes]:
    """The signature of every format that `detect` looks for, before random bytes."""
    from bytesim.formats.extents import scan

    rng = random.Random(0)
    files = []
    for known in scan._FORMATS:
        first = [token.split(",")[0].split("-")[0].replace("??", "00") for token in known.signature.split()]
        files.append(bytes(known.at) + bytes(int(token, 16) for token in first) + rng.randbytes(300))
    return files


def _beginnings() -> list[bytes]:
    """First bytes of tunes in the form that models read, and of texts."""
    from bytesim.formats import abc

    tunes = [abc.canonical(abc.parse(tune.decode())).text.encode() for tune in _examples("abc")]
    return [data[:size] for data in (*tunes, _TEXT) for size in (3, 25, 60, 120)]


def _csv() -> list[bytes]:
    stream = io.StringIO()
    csv.writer(stream).writerows([["name", "value"], ['a "b"', "1,5"], ["line\nbreak", ""]])
    return [stream.getvalue().encode(), b"a,b\r\n1,2\r\n"]


def _file_of(name: str, file: str) -> Callable[[], list[bytes]]:
    """The seeds of a file in the model folder of a fixture."""
    return lambda: [(fixtures.model(name) / file).read_bytes()]


def _run_file(name: str, file: str) -> Callable[[], list[bytes]]:
    """The seeds of a file in the run folder of a fixture."""
    return lambda: [(fixtures.trained(name) / "run" / file).read_bytes()]


def folder_bytes(folder: Path) -> bytes:
    """The files of a folder as a ZIP archive, which is how targets take a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return zipped({path.relative_to(folder).as_posix(): path.read_bytes() for path in files})


def _model_folders() -> list[bytes]:
    wanted = ("config.json", "card.json", "recipe.toml", "model.safetensors", "inputs.npz", "distribution.npz")
    return [
        zipped({path.name: path.read_bytes() for path in sorted(fixtures.model(name).iterdir()) if path.name in wanted})
        for name in fixtures.RECIPES
    ]


def _pair_folders() -> list[bytes]:
    """Folders of pairs to learn a converter from, or to measure one."""
    files = {f"{index}.csv": b"a,b" * (index + 1) for index in range(12)}
    return [zipped({**files, **{f"{index}.json": b'["AB"]' for index in range(12)}})]


def _label_folders() -> list[bytes]:
    """Folders with a folder of files for each label."""
    kinds = {"letters": b"ab", "digits": b"12"}
    by_folder = {f"{name}/{index}.txt": text * (index + 3) for name, text in kinds.items() for index in range(8)}
    by_name = {f"{name}_{index}.txt": text * (index + 3) for name, text in kinds.items() for index in range(8)}
    return [zipped(by_folder), zipped(by_name)]


def _text_folders() -> list[bytes]:
    return [zipped({f"{index}.txt": _TEXT[: 20 + index] for index in range(8)})]


def _checkpoint_pth() -> list[bytes]:
    import torch

    stream = io.BytesIO()
    torch.save({"model": {"weight": torch.zeros(2, 3), "bias": torch.ones(3)}}, stream)
    small = fixtures.ROOT / "tests" / "fixtures" / "bgpt-official-b" / "weights.pth"
    return [stream.getvalue(), small.read_bytes()]


def _transformers() -> list[bytes]:
    """A small BLT with random weights in the form of `transformers`."""
    import bytesim
    from bytesim.models.blt.config import BLTConfig
    from bytesim.models.blt.model import BLT
    from bytesim.models.weights import save_model

    config = BLTConfig(
        hidden_size=16, num_layers=1, head_size=8, key_value_heads=1, feed_forward_size=16, byte_hidden_size=16,
        encoder_layers=1, decoder_layers=1, byte_head_size=8, byte_key_value_heads=1, encoder_feed_forward_size=16,
        decoder_feed_forward_size=16, ngram_buckets=20, entropy_hidden_size=16, entropy_layers=1, entropy_head_size=8,
        entropy_key_value_heads=1, entropy_feed_forward_size=16, entropy_window=0, max_bytes=128,
        patcher="entropy", threshold=4.0, byte_offset=4,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save_model(folder / "blt", BLT(config).state_dict(), config=config.to_dict(), card={}, recipe="")
        bytesim.export_model(f"{folder / 'blt'}/", output=folder / "exported")
        return [folder_bytes(folder / "exported")]


def _packs() -> list[bytes]:
    """Recipes packed with their data."""
    from bytesim.training.data.packs import pack_recipe
    from bytesim.training.recipe import load_recipe

    made = []
    with tempfile.TemporaryDirectory() as name:
        for fixture in ("flat", "classifier"):
            whole = fixtures.trained(fixture)
            folder = Path(name) / fixture
            packed = pack_recipe(load_recipe(whole / "recipe.toml"), whole, folder)
            assert packed.shards
            made.append(folder_bytes(folder))
    return made


def _cpu_shards() -> list[bytes]:
    """Programs with their states, as `evaluate cpu` reads them."""
    from bytesim.cpu.many import random_programs, with_states
    from bytesim.training.data.shards import pack, save_shard

    programs = random_programs(np.random.default_rng(0), 3)
    with tempfile.TemporaryDirectory() as name:
        save_shard(Path(name) / "a.npz", pack(list(with_states(programs))))
        return [(Path(name) / "a.npz").read_bytes()]


def _tune_lines() -> list[bytes]:
    """JSON Lines of tunes, plain and packed."""
    lines = "".join(json.dumps({"abc": tune}) + "\n" for tune in _TUNES[:2]).encode()
    return [lines, lzma.compress(lines)]


_MAKERS: dict[str, Callable[[], list[bytes]]] = {
    "abc": lambda: [*_examples("abc"), *(tune.encode() for tune in _TUNES)],
    "midi": _midi,
    "wav": _wav,
    "bmp": _bmp,
    "sound": _sounds,
    "picture": _pictures,
    "asm": lambda: [*_examples("asm"), _PROGRAM.encode()],
    "trace": _traces,
    "bsim": _bsim,
    "json": lambda: [_JSON, b"[]", b'"text"'],
    "toml": lambda: [_TOML, *(text.encode() for text in fixtures.RECIPES.values())],
    "xml": lambda: [_XML, b"<svg xmlns='http://www.w3.org/2000/svg'><path d='M0 0'/></svg>"],
    "csv": _csv,
    "beginning": _beginnings,
    "text": lambda: [_TEXT, _TEXT.decode().encode("utf-16"), b"plain\n" * 20],
    "archive": _archives,
    "document": _documents,
    "signature": _signatures,
    "model": _model_folders,
    "pair-folder": _pair_folders,
    "label-folder": _label_folders,
    "text-folder": _text_folders,
    "data": lambda: [*_pair_folders(), *_label_folders(), *_text_folders()],
    "pth": _checkpoint_pth,
    "transformers": _transformers,
    "pack": _packs,
    "cpu-shard": _cpu_shards,
    "tunes": _tune_lines,
    "pairs": lambda: [b"a,b", b"abcd", b",a,b,c"],
    "npz": lambda: [(fixtures.trained(name) / "pairs.npz").read_bytes() for name in ("converter", "classifier")],
    "checkpoint": _run_file("flat", "checkpoint.safetensors"),
    "log": _run_file("flat", "log.jsonl"),
    "inputs": lambda: [path.read_bytes() for path in fixtures.model("converter").glob("*.npz")],
    "distribution": lambda: [path.read_bytes() for path in fixtures.model("classifier").glob("*.npz")],
}
_MAKERS.update(seeds_data.MAKERS)
for _name in fixtures.RECIPES:
    _MAKERS[f"{_name}-recipe"] = lambda name=_name: [fixtures.RECIPES[name].encode()]  # type: ignore[misc]
    for _file in ("config.json", "card.json", "recipe.toml", "model.safetensors"):
        _MAKERS[f"{_name}/{_file}"] = _file_of(_name, _file)

CONTENT = (
    "abc",
    "midi",
    "wav",
    "bmp",
    "sound",
    "picture",
    "asm",
    "trace",
    "bsim",
    "json",
    "toml",
    "xml",
    "csv",
    "text",
)
ANY = (*CONTENT, "archive", "document", "signature")
"""Every kind that a command on any file may meet."""


@cache
def seeds(kind: str) -> list[bytes]:
    """The seeds of a kind; `any` stands for all kinds of ANY."""
    if kind == "any":
        return [seed for name in ANY for seed in seeds(name)]
    return _MAKERS[kind]()
