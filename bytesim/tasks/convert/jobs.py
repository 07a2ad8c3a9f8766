"""The jobs of convert: each holds a source, the form of it that the model reads, and the path of the output."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bytesim.errors import BytesimError, FormatError, OutputError
from bytesim.files import STDIO, Inputs, Target, check_output, output_path, read_input
from bytesim.formats import abc, midi
from bytesim.formats.midi.events import SET_TEMPO

MAX_SOURCE_BYTES = 16 * 1024 * 1024
"""Longest source; the largest public tune books are smaller."""

MAX_SHOWN = 80
"""Most characters of a part of a file that a message shows."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One file to write."""

    source: str
    tune: int | None
    """Its number in a tune book, from 1; None if the file holds one tune."""
    target: Target
    data: bytes
    """The form of the source that the model reads."""
    as_written: bytes
    """The source as the user wrote it: the file, or one tune of a book."""
    title: str | None = None
    bpm: float | None = None
    """Quarter notes per minute."""
    unread: BytesimError | None = None
    """Why the model cannot read the source, if the rules still may."""
    picture: Path | None = None
    """Path of the picture of the result."""
    dropped: tuple[str, ...] = ()
    """Parts of the source that `data` lacks, and changes."""
    routine: tuple[str, ...] = ()
    """Changes that come with nearly every file and matter to few."""
    unheard: tuple[str, ...] = ()
    """Those of `dropped` that sound."""

    def located(self, error: BytesimError) -> BytesimError:
        """The error with the file, and the number of the tune in a book, before its message."""
        if self.tune is not None and error.file is None:
            error.message = f"tune {self.tune}: {error.message}"
        return error.in_file(_shown(self.source))


@dataclass(frozen=True, kw_only=True)
class Places:
    """The rules for the output paths of one run."""

    output: str | Path | None
    suffix: str
    many: bool
    force: bool
    roots: Inputs
    tag: str = ""
    pictures: bool = False
    """Whether a picture of each output is written beside it."""
    taken: set[str] = field(default_factory=set)

    def is_stdout(self, source: str) -> bool:
        """Whether the output of a source goes to stdout."""
        return str(self.output) == STDIO or (self.output is None and source == STDIO)

    def target(self, source: str, index: int | None = None) -> Target:
        """The output of a source. Raises OutputError, before the conversion, if it cannot be written."""
        path = self.path(source, index)
        check_output(path, force=self.force, taken=self.taken, source=source)
        return path

    def path(self, source: str, index: int | None = None) -> Target:
        """The path of the output of a source. Raises OutputError if there is none."""
        return output_path(
            source,
            output=self.output,
            suffix=self.suffix,
            many=self.many,
            index=index,
            roots=self.roots,
            tag=self.tag,
        )

    def picture(self, target: Target) -> Path | None:
        """The path of the picture of an output. Raises OutputError, before the conversion, if it cannot be written."""
        if not self.pictures:
            return None
        if target == STDIO:
            raise OutputError("a picture is written beside its file, but the file goes to stdout; name a file with -o.")
        path = Path(target).with_suffix(".png")
        check_output(path, force=self.force, taken=self.taken)
        return path


Prepared = Job | BytesimError


def abc_jobs(source: str, places: Places, engine: str) -> Iterator[Prepared]:
    """The tunes of an ABC file as jobs; a tune with an error yields that error. Raises for errors of the whole file.

    The engine `model` needs the canonical form, which tunes with several voices, free meter and the like do not have;
    with `auto` such a tune, and one in which more sounds than that form has, yields a job with `unread` set.
    """
    raw = read_input(source, limit_bytes=MAX_SOURCE_BYTES)
    text = abc.decode_text(raw)
    entries = abc.split_book(text)
    if len(entries) > 1 and places.is_stdout(source):
        raise OutputError(f"its {len(entries)} tunes cannot share stdout. Name a folder with -o.")
    for number, entry in enumerate(entries, start=1):
        tune = number if len(entries) > 1 else None
        try:
            yield _abc_job(source, entry, tune, places, engine)
        except BytesimError as error:
            if isinstance(error, FormatError) and error.offset is not None:
                error.offset = abc.byte_offset(raw, error.offset)
            if tune is not None and error.file is None:
                error.message = f"tune {tune}: {error.message}"
            yield error.in_file(_shown(source))


def _abc_job(source: str, entry: abc.Entry, tune: int | None, places: Places, engine: str) -> Job:
    parsed = entry.parse()
    data, dropped, unread = b"", list[str](), None
    unheard = [_short(item) for item in abc.audible(entry.alone())] if engine != "rules" else []
    if engine != "rules":
        try:
            form = abc.canonical(parsed)
            data, dropped = form.text.encode("ascii"), _dropped(form.dropped, parsed.tempo_bpm)
        except FormatError as error:
            unread = entry.located(error)
            if engine == "model":
                unread.message += " Use --engine auto or rules (abc2midi)."
                raise unread from None
    if unheard and engine == "auto" and unread is None:
        unread = FormatError(f"the model does not read {', '.join(unheard)}.")
    target = places.target(source, tune)
    if parsed.rest:
        dropped.append(f"text after the empty line that ends the tune ({len(parsed.rest.splitlines())} lines)")
    return Job(
        source=source,
        tune=tune,
        target=target,
        picture=places.picture(target),
        data=data,
        as_written=entry.alone().encode("utf-8"),
        title=parsed.title,
        bpm=parsed.tempo_bpm,
        unread=unread,
        dropped=(*dropped, *unheard),
        unheard=tuple(unheard),
    )


def _short(text: str) -> str:
    """A text of one message, which is shortened if it is long, as a directive of a hostile file may be."""
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 3]}..."


def _dropped(items: Sequence[str], bpm: float | None) -> list[str]:
    """What a canonical form leaves out, without title and tempo, which are written into the result."""
    kept = [item for item in items if item.split()[-1] not in ("T:", "Q:")]
    if bpm is None and any(item.split()[-1] == "Q:" for item in items):
        kept.append("Q: (it has no number, so the tempo is 120)")
    return kept


def midi_jobs(source: str, places: Places, engine: str) -> Iterator[Prepared]:
    """A MIDI file as a job, in the model's layout except for the engine `rules`. Raises BytesimError."""
    from bytesim.formats.midi.normal import to_model_form
    from bytesim.formats.midi.voices import several_voices

    raw = read_input(source, limit_bytes=MAX_SOURCE_BYTES)
    file = midi.parse(raw)
    title, bpm = midi.title_and_tempo(file)
    data, unread = b"", None
    changes: list[str] = []
    if not midi.notes(file):  # also raises for format 2, which no program here plays as one piece
        raise FormatError("the file holds no notes.")
    if engine != "rules":
        try:
            data, changes = to_model_form(raw, stress=True)
        except FormatError as error:
            if engine == "model":
                error.message += " Use --engine auto or rules (midi2abc)."
                raise
            unread = error
    voices = several_voices(file) if engine == "auto" and unread is None else None
    if voices is not None:
        data, changes, unread = b"", [], FormatError(f"{voices}, and the model reads only one melody.")
    routine = tuple(item for item in changes if item.startswith(_ROUTINE))
    changes = [item for item in changes if not _is_carried(item, bpm) and not item.startswith(_ROUTINE)]
    dropped = changes + _tempo_changes(file, bpm)
    target = places.target(source)
    yield Job(
        source=source,
        tune=None,
        target=target,
        picture=places.picture(target),
        data=data,
        as_written=raw,
        title=title,
        bpm=bpm,
        unread=unread,
        dropped=tuple(dropped),
        routine=routine,
    )


_ROUTINE = ("every note-on moved", "velocities set by", "resolution set from", "format ", "events written without")
"""How changes of `to_model_form` begin that nearly every file needs, and that change no note on paper."""


def _is_carried(change: str, bpm: float | None) -> bool:
    """Whether a change of `to_model_form` does not matter, because title and tempo are written into the result."""
    return change.startswith("dropped track names (") or (bpm is not None and change.startswith("tempo set from "))


def _tempo_changes(file: midi.MidiFile, bpm: float | None) -> list[str]:
    if bpm is None:
        return []
    later = sum(event.meta == SET_TEMPO for track in file.tracks for event in track) - 1
    items = [f"changes of tempo ({later})"] if later else []
    return items if round(bpm, 2) == round(bpm) else [*items, f"tempo rounded from {bpm:g} to {round(bpm)}"]


def file_jobs(source: str, places: Places) -> Iterator[Prepared]:
    """A file of any kind as a job, unchanged."""
    raw = read_input(source, limit_bytes=MAX_SOURCE_BYTES)
    yield Job(source=source, tune=None, target=places.target(source), data=raw, as_written=raw)


def prepare(sources: Sequence[str], read: Callable[[str], Iterator[Prepared]]) -> list[tuple[str, Prepared]]:
    """(source, job or error) for everything in the sources, in their order."""
    prepared: list[tuple[str, Prepared]] = []
    for source in sources:
        try:
            prepared += [(source, job) for job in read(source)]
        except BytesimError as error:
            prepared.append((source, error.in_file(_shown(source))))
    return prepared


def _shown(source: str) -> str:
    return "stdin" if source == STDIO else source
