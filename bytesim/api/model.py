"""A model that is loaded once and stays in memory, with bytes in and bytes out."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar, overload

from bytesim.api.convert import answer_bytes, convert_bytes
from bytesim.api.generate import generate_bytes
from bytesim.errors import BytesimError, ConfigError, InputError, ModelError
from bytesim.formats.checks import AUTO
from bytesim.models.folder import read_config
from bytesim.models.store import alias_of, find_model, model_name
from bytesim.predictors.classifier import Classifier, Reading, load_classifier
from bytesim.predictors.writer import Writer, load_writer
from bytesim.requests import Sampling
from bytesim.tasks.classify.answers import Answer, classify_readings, empty_answer
from bytesim.tasks.convert.answers import FileAnswer
from bytesim.tasks.evaluate.bpb import bits_per_byte_of
from bytesim.tasks.generate.kinds import written_suffix

T = TypeVar("T")
TUNES = (("abc", "mid"), ("mid", "abc"))
CPU = "predicts states of the 8-bit CPU, with bytesim.simulate_cpu"


def load(model: str | Path, *, device: str = "auto", dtype: str = "float32", engine_backend: str = "auto") -> Model:
    """Load a model, by name or by the path of its folder, for many calls of its methods.

    `device` is cpu, cuda, cuda:1, mps, or `auto` for a GPU if there is one. `dtype` is float32, bfloat16, or `auto` for
    the faster of the two. `engine_backend` is `native`, `torch`, or `auto` for the first of them that can run the model
    there. Raises ModelError if the model is missing or damaged, ConfigError for an unknown
    device, dtype or backend.
    """
    name = model_name(model)
    if read_config(find_model(name).folder).get("num_classes"):
        return Model(load_classifier(name, device=device, dtype=dtype, engine_backend=engine_backend))
    alias = alias_of(name)
    writer = load_writer(name, device=device, dtype=dtype, engine_backend=engine_backend)
    return Model(writer, suffix=None if alias is None else alias.suffix)


class Model:
    """A loaded model. Every method raises a BytesimError if it fails, and ModelError if the model cannot do it.

    Where a method takes a list, the files go through the model together, which is faster than one by one. The result is
    a list in the same order, and the error of the first file that fails is raised.
    """

    def __init__(self, loaded: Writer | Classifier, *, suffix: str | None = None) -> None:
        """`suffix` is the kind of files to generate, where the name of the model says it."""
        self._loaded = loaded
        self._suffix = suffix

    @property
    def name(self) -> str:
        """The name of the model, such as `music`."""
        return self._loaded.name

    @property
    def folder(self) -> Path:
        """The folder of the model."""
        return self._loaded.folder

    @property
    def conversions(self) -> tuple[tuple[str, str], ...]:
        """(source suffix, target suffix) of each conversion that it was trained for."""
        return (self._loaded.conversions or ()) if isinstance(self._loaded, Writer) else ()

    @property
    def generates(self) -> tuple[str, ...]:
        """Suffixes of the files that it was trained to generate."""
        return (self._loaded.generates or ()) if isinstance(self._loaded, Writer) else ()

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that a classifier can give; empty for models that write files."""
        return self._loaded.labels if isinstance(self._loaded, Classifier) else ()

    @property
    def abilities(self) -> str:
        """What the model can do, such as `converts .abc to .mid`."""
        if isinstance(self._loaded, Classifier):
            return f"classifies files with {len(self.labels)} labels"
        if self._loaded.conversions is None:
            return "has imported weights, and its card does not say what they were trained on"
        can = [f"converts .{source} to .{target}" for source, target in self.conversions]
        can += [f"generates .{suffix} files" for suffix in self.generates]
        can += [CPU] if self._loaded.simulates else []
        return ", ".join(can) or "names no task in its card"

    def __repr__(self) -> str:
        return f"<bytesim model {self.name!r}: {self.abilities}>"

    @overload
    def convert(self, data: bytes, source: str, target: str) -> bytes: ...

    @overload
    def convert(self, data: Sequence[bytes], source: str, target: str) -> list[bytes]: ...

    def convert(self, data: bytes | Sequence[bytes], source: str, target: str) -> bytes | list[bytes]:
        """Convert the content of a file with the suffix `source` to that of a file with the suffix `target`.

        The model alone answers, greedily; `bytesim.abc2midi` and `bytesim.midi2abc` compare with the rules. A tune
        keeps its title and tempo. Raises FormatError and InputError for a file that the model cannot read, ContextError
        for one that is too long, and DecodeError for an answer that does not end or is not valid.
        """
        suffixes = (_clean(source), _clean(target))
        writer = self._converter(suffixes)
        files = _files(data)
        answers = convert_bytes(writer, files, suffixes)
        converted = [_raised(answer, row, len(files)).data for row, answer in enumerate(answers)]
        return converted[0] if _is_one(data) else converted

    @overload
    def answer(self, data: bytes, source: str, target: str, *, check: str = AUTO) -> FileAnswer: ...

    @overload
    def answer(self, data: Sequence[bytes], source: str, target: str, *, check: str = AUTO) -> list[FileAnswer]: ...

    def answer(
        self, data: bytes | Sequence[bytes], source: str, target: str, *, check: str = AUTO
    ) -> FileAnswer | list[FileAnswer]:
        """Convert with a converter that you trained, and tell whether the answer is confident, and if not, why.

        The result has the fields `data`, `confident`, `doubt`, `nll_nats` and `candidates`. `check` is that of
        `bytesim.convert_files`. Raises the errors of `convert`, and ConfigError for tunes, which are judged by their
        notes: `bytesim.abc2midi(engine="auto")`.
        """
        suffixes = (_clean(source), _clean(target))
        writer = self._converter(suffixes)
        if suffixes in TUNES:
            raise ConfigError("tunes are judged by their notes: use bytesim.abc2midi or bytesim.midi2abc.")
        files = _files(data)
        answers = answer_bytes(writer, files, suffixes, check)
        raised = [_raised(answer, row, len(files)) for row, answer in enumerate(answers)]
        return raised[0] if _is_one(data) else raised

    @overload
    def generate(
        self,
        suffix: str | None = None,
        *,
        prompt: str | bytes = "",
        count: None = None,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        repetition_penalty: float = 1.0,
        seed: int | None = None,
        max_bytes: int | None = None,
    ) -> bytes: ...

    @overload
    def generate(
        self,
        suffix: str | None = None,
        *,
        prompt: str | bytes = "",
        count: int,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        repetition_penalty: float = 1.0,
        seed: int | None = None,
        max_bytes: int | None = None,
    ) -> list[bytes]: ...

    def generate(
        self,
        suffix: str | None = None,
        *,
        prompt: str | bytes = "",
        count: int | None = None,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        repetition_penalty: float = 1.0,
        seed: int | None = None,
        max_bytes: int | None = None,
    ) -> bytes | list[bytes]:
        """The content of a new file that continues a prompt; with `count` a list of files, all different.

        `suffix` is needed only if the model generates several kinds. A prompt in bytes may be a picture or recording of
        any format, of which the first half is kept, as with `bytesim.generate(prompt_file=...)`. The same seed gives
        the same file. Raises ConfigError, InputError and ContextError for the prompt, and DecodeError if no draw was
        valid.
        """
        writer = self._writer("generate files")
        if writer.generates == ():
            raise self._cannot("generate files")
        files = generate_bytes(
            writer,
            written_suffix(writer, suffix if suffix is not None else self._suffix),
            prompt=prompt,
            count=1 if count is None else count,
            sampling=Sampling(temperature=temperature, top_k=top_k, top_p=top_p, repetition_penalty=repetition_penalty),
            seed=seed,
            max_bytes=max_bytes,
        )
        return files[0] if count is None else files

    @overload
    def classify(self, data: bytes, *, top: int = 1, threshold: float | None = None, suffix: str = "") -> Answer: ...

    @overload
    def classify(
        self, data: Sequence[bytes], *, top: int = 1, threshold: float | None = None, suffix: str = ""
    ) -> list[Answer]: ...

    def classify(
        self, data: bytes | Sequence[bytes], *, top: int = 1, threshold: float | None = None, suffix: str = ""
    ) -> Answer | list[Answer]:
        """The label of a file by its content, with its probability and the `top` most probable labels.

        The label is `empty` for no bytes, and `unknown` if the best guess is less probable than `threshold`, by default
        if the model's card says so or the file is unlike all training files. `suffix` matters only to classifiers that
        were trained on several kinds of files. Raises InputError for a file that the model cannot read.
        """
        if not isinstance(self._loaded, Classifier):
            raise self._cannot("classify files")
        if top < 1:
            raise ConfigError(f"top {top} is out of range; choose 1 or more.")
        classifier = self._loaded.with_threshold(threshold)
        files = _files(data)
        readings = [_read(classifier, file, suffix, row, len(files)) for row, file in enumerate(files) if file]
        given = iter(classify_readings(classifier, readings, top))
        answers = [next(given) if file else empty_answer(classifier.name) for file in files]
        return answers[0] if _is_one(data) else answers

    @overload
    def bits_per_byte(self, data: bytes, suffix: str) -> float: ...

    @overload
    def bits_per_byte(self, data: Sequence[bytes], suffix: str) -> list[float]: ...

    def bits_per_byte(self, data: bytes | Sequence[bytes], suffix: str) -> float | list[float]:
        """Bits per byte that the model needs for a file of this suffix: 0 is perfect prediction, 8 a uniform guess.

        A file longer than the model's history is scored in windows that overlap by half.
        """
        writer = self._writer("score files")
        files = _files(data)
        for row, file in enumerate(files):
            if not file:
                raise _numbered(InputError("the file is empty; there is nothing to score."), row, len(files))
        scores = [bits_per_byte_of(writer, file, _clean(suffix)) for file in files]
        return scores[0] if _is_one(data) else scores

    def _writer(self, task: str) -> Writer:
        if not isinstance(self._loaded, Writer):
            raise self._cannot(task)
        return self._loaded

    def _converter(self, suffixes: tuple[str, str]) -> Writer:
        """The model, if it converts files of the first suffix to the second. Raises ModelError."""
        task = f"convert .{suffixes[0]} to .{suffixes[1]}"
        writer = self._writer(task)
        if writer.conversions is not None and suffixes not in writer.conversions:
            raise self._cannot(task)
        return writer

    def _cannot(self, task: str) -> ModelError:
        return ModelError(f"the model {self.name!r} cannot {task}; it {self.abilities}.")


def _clean(suffix: str) -> str:
    return suffix.lower().lstrip(".")


def _is_one(data: bytes | Sequence[bytes]) -> bool:
    return isinstance(data, bytes | bytearray | memoryview)


def _files(data: bytes | Sequence[bytes]) -> list[bytes]:
    """The files in a list, whether one or several are given. Raises TypeError for anything but bytes."""
    files = [data] if _is_one(data) or not isinstance(data, Sequence) or isinstance(data, str) else list(data)
    return [_bytes(file) for file in files]


def _bytes(file: object) -> bytes:
    if not isinstance(file, bytes | bytearray | memoryview):
        kind = type(file).__name__
        raise TypeError(f"the content of a file is bytes, not {kind}; Path(NAME).read_bytes() gives that of a file.")
    return bytes(file)


def _read(classifier: Classifier, data: bytes, suffix: str, row: int, count: int) -> Reading:
    try:
        return classifier.read(io.BytesIO(data), f"data.{_clean(suffix)}" if suffix else "")
    except BytesimError as error:
        raise _numbered(error, row, count) from error


def _numbered(error: BytesimError, row: int, count: int) -> BytesimError:
    """The error, which names the file by its number if there are several."""
    return error if count == 1 else error.in_file(f"file {row + 1}")


def _raised(answer: T | BytesimError, row: int, count: int) -> T:
    if isinstance(answer, BytesimError):
        raise _numbered(answer, row, count)
    return answer
